"""Serve one request a line on stdin, one answer a line on stdout (JSON).

    {"compile": SOURCE}                      -> {"code": HEX of marshalled code}
    {"constant": EXPRESSION}                 -> {"code": HEX}, the value is its only constant
    {"run": CASE, "code": HEX, "defaults"}   -> {"failures": [...]}

A run executes the case's source, evaluates its checks, installs the new code, evaluates them
again often enough to be specialised, and once more under a trace function.
"""

import json
import marshal
import sys
import types


def run(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def plain(value):
    return [plain(v) for v in value] if isinstance(value, (tuple, list)) else value


def outcome(expression, space):
    try:
        return plain(eval(expression, space))
    except Exception as error:
        return ["raises", type(error).__name__]


def with_builtins(code):
    consts = tuple(round if c == "__py_round__" else c for c in code.co_consts)
    return code.replace(co_consts=consts) if consts != code.co_consts else code


def install(space, target, code, defaults):
    owner, _, name = target.rpartition(".")
    holder = space[owner].__dict__ if owner else space
    function = holder[name]
    function.__code__ = with_builtins(code)
    for change, *values in defaults:
        if change == "append":
            function.__defaults__ = (function.__defaults__ or ()) + tuple(values)
        elif function.__kwdefaults__ and values[0] in function.__kwdefaults__:
            function.__kwdefaults__[values[1]] = function.__kwdefaults__.pop(values[0])


def check(case, space, which, rounds):
    for check in case["checks"]:
        for number in range(rounds):
            got = outcome(check["expr"], space)
            if got != check[which] or type(got) is not type(check[which]):
                yield "%s, %s (%d): %r instead of %r" % (check["expr"], which, number, got, check[which])
                break


def perform(case, code, defaults):
    space = {"run": run}
    exec(compile(case["source"], "sample.py", "exec"), space)
    failures = list(check(case, space, "before", 30))
    install(space, case["target"], code, defaults)
    failures += check(case, space, "after", 40)
    sys.settrace(lambda *args: lambda *args: None)
    failures += check(case, space, "after", 1)
    sys.settrace(None)
    return failures


def answer(request):
    if "compile" in request:
        return {"code": marshal.dumps(compile(request["compile"], "sample.py", "exec")).hex()}
    if "constant" in request:
        code = compile("0", "constant", "eval").replace(co_consts=(eval(request["constant"]),))
        return {"code": marshal.dumps(code).hex()}
    code = marshal.loads(bytes.fromhex(request["code"]))
    return {"failures": perform(request["run"], code, request["defaults"])}


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:
        reply = {"error": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(reply), flush=True)
