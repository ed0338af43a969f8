"""What each instruction takes from the stack and leaves on it.

``opcode.stack_effect`` gives only the difference, so the operands themselves
are written down here, after the instruction definitions of CPython
(Python/ceval.c up to 3.11, Python/bytecodes.c from 3.12).  ``generate.py``
checks every line against ``_opcode.stack_effect`` of the interpreter.

A signature is ``inputs -- outputs [/ outputs when jumping] [@peek]``, bottom of
the stack first.  One letter is one kind of value:

    o object          N NULL              m object or NULL     i iterator
    l list            d dict              D dict or NULL       t tuple
    T tuple of str    s str   n int       c code object        f function
    F function that may still need its closure                 C tuple of cells
    b bool            B bool where the version insists on it, else object
    x exception       p saved exception   L saved instruction offset
    e w x, q u p      both up to 3.10: traceback, value, type
    y exception or None                   v virtual iterator   V its index
    I index or NULL

``k*n`` repeats k argument times, ``k*2n`` twice that, ``k*lo`` / ``k*hi`` low byte
/ rest of the argument, ``k?1`` is there when the argument has that bit.
``@lK``: after the pops, the value at position `argument` from the top is a list
and, with a number K, an object lies K further down.

FOR_ITER of 3.15 looks at two slots and is judged by rule.

A value is either a string, for all versions, or a dict from the first minor
version on which it holds (0 = from the beginning) to a string.
"""

ENDS = {
    "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE",
    "JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT",
}

BINARY = ["ADD", "SUBTRACT", "MULTIPLY", "MATRIX_MULTIPLY", "TRUE_DIVIDE", "FLOOR_DIVIDE",
          "MODULO", "POWER", "LSHIFT", "RSHIFT", "AND", "OR", "XOR"]

SIGNATURES = {
    **{f"BINARY_{n}": "o o -- o" for n in BINARY},
    **{f"INPLACE_{n}": "o o -- o" for n in BINARY},
    "NOP": "--", "NOT_TAKEN": "--", "RESUME": "--", "PRECALL": "--", "KW_NAMES": "--",
    "SETUP_ANNOTATIONS": "--", "MAKE_CELL": "--", "COPY_FREE_VARS": "--",
    "POP_TOP": {0: "o --", 14: "m --"},
    "PUSH_NULL": "-- N",
    # moved by rule, not by signature
    "ROT_TWO": "--", "ROT_THREE": "--", "ROT_FOUR": "--", "ROT_N": "--", "SWAP": "--",
    "DUP_TOP": "-- o", "DUP_TOP_TWO": "-- o o", "COPY": "-- o",
    # operators
    "UNARY_POSITIVE": "o -- o", "UNARY_NEGATIVE": "o -- o", "UNARY_INVERT": "o -- o",
    "UNARY_NOT": "B -- b", "TO_BOOL": "o -- b",
    "BINARY_OP": "o o -- o", "BINARY_SUBSCR": "o o -- o", "BINARY_SLICE": "o o o -- o",
    "COMPARE_OP": "o o -- o", "CONTAINS_OP": "o o -- b", "IS_OP": "o o -- b",
    "STORE_SUBSCR": "o o o --", "DELETE_SUBSCR": "o o --", "STORE_SLICE": "o o o o --",
    # names
    "LOAD_CONST": "-- o", "LOAD_SMALL_INT": "-- o", "LOAD_COMMON_CONSTANT": "-- o",
    "LOAD_ASSERTION_ERROR": "-- o", "LOAD_BUILD_CLASS": "-- o", "LOAD_LOCALS": "-- o",
    "LOAD_NAME": "-- o", "STORE_NAME": "o --", "DELETE_NAME": "--",
    "LOAD_GLOBAL": {0: "-- o", 11: "-- N?1 o", 13: "-- o N?1"},
    "STORE_GLOBAL": "o --", "DELETE_GLOBAL": "--",
    "LOAD_FROM_DICT_OR_GLOBALS": "o -- o", "LOAD_FROM_DICT_OR_DEREF": "o -- o",
    "LOAD_ATTR": {0: "o -- o", 12: "o -- m?1 o", 13: "o -- o m?1"},
    "STORE_ATTR": "o o --", "DELETE_ATTR": "o --",
    "LOAD_SUPER_ATTR": {12: "o o o -- m?1 o", 13: "o o o -- o m?1"},
    "LOAD_METHOD": "o -- m o",
    "LOAD_SPECIAL": "o -- o m",
    "IMPORT_NAME": "o o -- o", "IMPORT_FROM": "o -- o o", "IMPORT_STAR": "o --",
    # variables: loads and stores work by rule, the counts stand here
    "LOAD_FAST": "-- o", "LOAD_FAST_CHECK": "-- o", "LOAD_FAST_BORROW": "-- o",
    "LOAD_FAST_AND_CLEAR": "-- o", "STORE_FAST": "m --", "DELETE_FAST": "--",
    "LOAD_CLOSURE": "-- o", "LOAD_DEREF": "-- o", "STORE_DEREF": "o --", "DELETE_DEREF": "--",
    "LOAD_CLASSDEREF": "-- o",
    # building
    "BUILD_TUPLE": "o*n -- t", "BUILD_LIST": "o*n -- l", "BUILD_SET": "o*n -- o",
    "BUILD_MAP": "o*2n -- d", "BUILD_CONST_KEY_MAP": "o*n t -- d", "BUILD_STRING": "o*n -- s",
    "BUILD_SLICE": "o*n -- o",
    "BUILD_TEMPLATE": "t t -- o", "BUILD_INTERPOLATION": "o s o?1 -- o",
    "LIST_TO_TUPLE": "l -- t",
    "LIST_APPEND": {0: "o -- @l"}, "LIST_EXTEND": "o -- @l", "SET_ADD": "o -- @o",
    "SET_UPDATE": "o -- @o", "MAP_ADD": "o o -- @d", "DICT_UPDATE": "o -- @d",
    "DICT_MERGE": {0: "o -- @d2", 13: "o -- @d3"},
    "FORMAT_VALUE": "o o?4 -- s", "FORMAT_SIMPLE": "o -- s", "FORMAT_WITH_SPEC": "o o -- s",
    "CONVERT_VALUE": "o -- s",
    "UNPACK_SEQUENCE": "o -- o*n", "UNPACK_EX": "o -- o*lo o o*hi",
    # calls
    "CALL_FUNCTION": "o o*n -- o", "CALL_FUNCTION_KW": "o o*n T -- o",
    "CALL_METHOD": "m o o*n -- o",
    "CALL": {11: "m o o*n -- o", 13: "o m o*n -- o"},
    "CALL_KW": "o m o*n T -- o",
    "CALL_FUNCTION_EX": {0: "o o o?1 -- o", 11: "N o o o?1 -- o", 12: "N o o d?1 -- o",
                         13: "o N o d?1 -- o", 14: "o N o D -- o"},
    "MAKE_FUNCTION": {0: "t?1 d?2 o?4 C?8 c s -- f", 11: "t?1 d?2 o?4 C?8 c -- f", 13: "c -- F"},
    "SET_FUNCTION_ATTRIBUTE": "o F -- F",
    "CALL_INTRINSIC_1": "o -- o", "CALL_INTRINSIC_2": "o o -- o",
    "RETURN_VALUE": "o --", "RETURN_CONST": "--",
    # jumps
    "JUMP_FORWARD": "--", "JUMP_ABSOLUTE": "--", "JUMP_BACKWARD": "--",
    "JUMP_BACKWARD_NO_INTERRUPT": "--",
    **{f"POP_JUMP_{d}IF_{c}": "B --" for d in ("", "FORWARD_", "BACKWARD_") for c in ("TRUE", "FALSE")},
    **{f"POP_JUMP_{d}IF_{c}": "o --" for d in ("", "FORWARD_", "BACKWARD_") for c in ("NONE", "NOT_NONE")},
    "JUMP_IF_FALSE_OR_POP": "o -- / o", "JUMP_IF_TRUE_OR_POP": "o -- / o",
    "JUMP_IF_NOT_EXC_MATCH": "o o --",
    # iteration and generators
    "GET_ITER": {0: "o -- i", 15: "o -- v V"},
    "GET_YIELD_FROM_ITER": "o -- i",
    "FOR_ITER": {0: "i -- i o /", 12: "i -- i o", 15: "-- o"},
    "END_FOR": {12: "i o --", 13: "o --"},
    "POP_ITER": {14: "i --", 15: "o I --"},
    "SEND": {11: "o o -- o o / o", 12: "o o -- o o", 15: "o I o -- o I o"},
    "END_SEND": {12: "o o -- o", 15: "o I o -- o"},
    "YIELD_VALUE": "o -- o", "YIELD_FROM": "i o -- o", "ASYNC_GEN_WRAP": "o -- o",
    "GEN_START": "o --",
    "RETURN_GENERATOR": {11: "--", 13: "-- o"},
    "GET_AWAITABLE": "o -- i", "GET_AITER": "o -- o", "GET_ANEXT": "o -- o i",
    "CLEANUP_THROW": {12: "o o x -- o o", 15: "o I o x -- o I o"},
    "END_ASYNC_FOR": {0: "o q u p e w x --", 11: "o x --"},
    # exceptions and with
    "SETUP_FINALLY": "-- / q u p e w x",
    "SETUP_WITH": "o -- o o / o q u p e w x",
    "SETUP_ASYNC_WITH": "o -- o / q u p e w x",
    "POP_BLOCK": "--",
    "BEFORE_WITH": "o -- o o", "BEFORE_ASYNC_WITH": "o -- o o",
    "WITH_EXCEPT_START": {0: "o q u p e w x -- o q u p e w x o", 11: "o L p x -- o L p x o",
                          14: "o m L p x -- o m L p x o"},
    "PUSH_EXC_INFO": "x -- p x",
    "POP_EXCEPT": {0: "q u p --", 11: "p --"},
    "RERAISE": {0: "e w x --", 11: "x -- @L"},
    "RAISE_VARARGS": "o*n --",
    "CHECK_EXC_MATCH": "x o -- x b", "CHECK_EG_MATCH": "o o -- o o",
    "PREP_RERAISE_STAR": "x l -- y",
    # matching
    "GET_LEN": "o -- o n", "MATCH_MAPPING": "o -- o b", "MATCH_SEQUENCE": "o -- o b",
    "MATCH_KEYS": {10: "o t -- o t o b", 11: "o t -- o t o"},
    "MATCH_CLASS": {10: "o o T -- o b", 11: "o o T -- o"},
    "COPY_DICT_WITHOUT_KEYS": "o t -- o o",
    "PRINT_EXPR": "o --",
}

SUPERINSTRUCTIONS = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST_BORROW", "LOAD_FAST_BORROW"),
}

INTRINSICS = {
    "INTRINSIC_PRINT": "o -- o",
    "INTRINSIC_IMPORT_STAR": "o -- o",
    "INTRINSIC_STOPITERATION_ERROR": "x -- x",
    "INTRINSIC_ASYNC_GEN_WRAP": "o -- o",
    "INTRINSIC_UNARY_POSITIVE": "o -- o",
    "INTRINSIC_LIST_TO_TUPLE": "l -- t",
    "INTRINSIC_TYPEVAR": "s -- o",
    "INTRINSIC_PARAMSPEC": "s -- o",
    "INTRINSIC_TYPEVARTUPLE": "s -- o",
    "INTRINSIC_SUBSCRIPT_GENERIC": "t -- o",
    "INTRINSIC_TYPEALIAS": "t -- o",
    "INTRINSIC_PREP_RERAISE_STAR": "x l -- y",
    "INTRINSIC_TYPEVAR_WITH_BOUND": "s o -- o",
    "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS": "s o -- o",
    "INTRINSIC_SET_FUNCTION_TYPE_PARAMS": "f t -- f",
    "INTRINSIC_SET_TYPEPARAM_DEFAULT": "o o -- o",
}

NEVER = {"CACHE", "RESERVED", "INTERPRETER_EXIT", "ENTER_EXECUTOR", "TRACE_RECORD",
         "EXIT_INIT_CHECK", "EXTENDED_ARG"}

# Name operands carry flag bits below the index.
NAME_SHIFT = {"LOAD_GLOBAL": {11: 1}, "LOAD_ATTR": {12: 1}, "LOAD_SUPER_ATTR": {12: 2}, "IMPORT_NAME": {15: 2}}

# Operands that are neither index nor jump: the values the interpreter can take.
OPERANDS = {
    "COMPARE_OP": "Compare", "BINARY_OP": "Binary",
    "CALL_INTRINSIC_1": "Intrinsic1", "CALL_INTRINSIC_2": "Intrinsic2",
    "LOAD_COMMON_CONSTANT": "Common", "LOAD_SPECIAL": "Special",
    "IS_OP": "AtMost(1)", "CONTAINS_OP": "AtMost(1)", "LOAD_SMALL_INT": "AtMost(255)",
    "RAISE_VARARGS": "AtMost(2)", "MAKE_FUNCTION": "AtMost(15)", "GEN_START": "AtMost(2)",
    "BUILD_SLICE": "Between(2, 3)", "CONVERT_VALUE": "Between(1, 3)", "ROT_N": "Between(2, 0xff_ffff)",
    "COPY": "Between(1, 0xff_ffff)", "SWAP": "Between(2, 0xff_ffff)", "FORMAT_VALUE": "AtMost(7)",
    "BUILD_INTERPOLATION": "AtMost(15)", "LIST_APPEND": "Between(1, 0xff_ffff)",
    "LIST_EXTEND": "Between(1, 0xff_ffff)", "SET_ADD": "Between(1, 0xff_ffff)",
    "SET_UPDATE": "Between(1, 0xff_ffff)", "MAP_ADD": "Between(1, 0xff_ffff)",
    "DICT_UPDATE": "Between(1, 0xff_ffff)", "DICT_MERGE": "Between(1, 0xff_ffff)",
    "RESUME": "Resume", "SET_FUNCTION_ATTRIBUTE": "FunctionAttribute",
    "MAKE_CELL": "Slot", "LOAD_CLOSURE": "Slot", "LOAD_DEREF": "Slot", "STORE_DEREF": "Slot",
    "DELETE_DEREF": "Slot", "LOAD_CLASSDEREF": "Slot", "LOAD_FROM_DICT_OR_DEREF": "Slot",
    "YIELD_VALUE": {0: "Count", 13: "AtMost(1)"}, "GET_AWAITABLE": "AtMost(3)",
    "CALL_FUNCTION_EX": "AtMost(1)",
}
