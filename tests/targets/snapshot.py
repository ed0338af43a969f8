"""What the modules of a package hold, as flat text: runs in the steered application (standard library only).

`take(package, names)` imports the modules and returns `{place: description}`; two processes hold the same
when the dictionaries are equal. A function or class is described at its home (its module and qualified name);
elsewhere stands a reference, which says when it is another object than the one at home. Line numbers have
entries of their own, ending in `#lines`. No addresses, no file names, no contents of caches.
"""

import functools
import hashlib
import importlib
import io
import os
import pathlib
import re
import sys
import types

from codetext import PLAIN, code_text, lines_text

SKIPPED = {
    "__builtins__", "__cached__", "__file__", "__loader__", "__path__", "__spec__", "__dict__", "__weakref__",
    "__abstractmethods__", "_abc_impl", "__firstlineno__", "__static_attributes__", "__annotations_cache__",
    "__conditional_annotations__", "__annotate_func__", "__warningregistry__",
}  # fmt: skip
FUNCTION_PARTS = ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__")
MAX_DEPTH = 7
WRAPPED_METHODS = (
    types.MethodWrapperType, types.WrapperDescriptorType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
    types.BuiltinFunctionType,
)  # fmt: skip


def digest(text):
    """A short hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class Snapshot:
    """Collects the entries."""

    def __init__(self, package):
        """Take the names that belong to the package."""
        self.packages = tuple(package.split(","))
        self.entries = {}
        self.homes = set()

    def own(self, module):
        """Whether a module's name belongs to the package."""
        return isinstance(module, str) and any(
            module == one or module.startswith(one + ".") for one in self.packages
        )

    def at_home(self, value):
        """What stands where a function or class says that it comes from."""
        found = sys.modules.get(getattr(value, "__module__", None))
        for name in getattr(value, "__qualname__", "").split("."):
            if isinstance(found, (type, types.ModuleType)):
                found = vars(found).get(name)
            else:
                return None
        return found

    def module(self, module):
        """Describe a module."""
        name = module.__name__
        self.entries[name] = "module"
        for key, value in sorted(vars(module).items(), key=lambda item: str(item[0])):
            if key not in SKIPPED and isinstance(key, str):
                self.value(f"{name}:{key}", value)
        self.entries[f"{name}:__doc__"] = repr(module.__doc__)

    def value(self, place, value):
        """Describe what stands at a place: big things get entries of their own."""
        if isinstance(value, type) and self.own(value.__module__) and self.at_home(value) is value:
            if place == f"{value.__module__}:{value.__qualname__}":
                return self.type(place, value)
        elif isinstance(value, types.FunctionType):
            return self.function(place, value, 0)
        elif isinstance(value, (staticmethod, classmethod)):
            self.entries[place] = type(value).__name__
            return self.value(f"{place}.__func__", value.__func__)
        elif type(value) is property:
            self.entries[place] = f"property {value.__doc__!r}"
            for part in ("fget", "fset", "fdel"):
                self.value(f"{place}.{part}", getattr(value, part))
            return None
        self.entries[place] = self.text(value, 0, ())
        return None

    def type(self, place, cls):
        """Describe a class at its home."""
        if place in self.homes:
            return
        self.homes.add(place)
        mro = (
            [f"{one.__module__}.{one.__qualname__}" for one in type.mro(cls) if one is not cls]
            if type(cls) is type
            else []
        )
        bases = [self.text(one, 0, ()) for one in cls.__bases__]
        abstract = sorted(map(str, getattr(cls, "__abstractmethods__", None) or ()))
        self.entries[place] = f"class {bases} mro {mro} of {self.text(type(cls), 0, ())} abstract {abstract}"
        for key, value in sorted(vars(cls).items(), key=lambda item: str(item[0])):
            if key not in SKIPPED and isinstance(key, str):
                self.value(f"{place}.{key}", value)

    def function(self, place, function, depth):
        """Describe a function where it stands."""
        home = self.at_home(function)
        if (
            self.own(function.__module__)
            and home is function
            and place != f"{function.__module__}:{function.__qualname__}"
        ):
            self.entries[place] = f"function {function.__module__}:{function.__qualname__}"
            return
        self.entries[place] = self.function_text(function, depth, ())
        if self.own(function.__module__):
            self.entries[f"{place}#lines"] = lines_text(function.__code__)

    def function_text(self, function, depth, above):
        """A function in full; of one that leads to another, which its code holds, that one."""
        inner = [one for one in function.__code__.co_consts if isinstance(one, types.FunctionType)]
        if len(inner) == 1 and depth < MAX_DEPTH:
            return self.function_text(inner[0], depth + 1, above)
        parts = [f"{name}={self.text(getattr(function, name), depth + 1, above)}" for name in FUNCTION_PARTS]
        parts.append(f"annotations={self.annotations(function, depth, above)}")
        parts.append(f"code={digest(code_text(function.__code__))}")
        parts.append(f"dict={self.text(function.__dict__, depth + 1, above)}")
        cells = []
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                cells.append(f"{name}={self.text(cell.cell_contents, depth + 1, above)}")
            except ValueError:
                cells.append(f"{name} empty")
        parts.append(f"cells={cells}")
        return "function " + ", ".join(parts)

    def annotations(self, function, depth, above):
        """A function's annotations, where they can be evaluated."""
        try:
            return self.text(function.__annotations__, depth + 1, above)
        except Exception as error:
            return f"raises {type(error).__name__}"

    def text(self, value, depth, above):
        """Describe a value in one line."""
        if isinstance(value, PLAIN) and type(value) in PLAIN:
            return repr(value)
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        if any(value is one for one in above):
            return "cycle"
        if depth > MAX_DEPTH:
            return f"deep {type(value).__qualname__}"
        above = (*above, value)
        if isinstance(value, type):
            return self.type_text(value)
        if isinstance(value, types.FunctionType):
            if self.at_home(value) is value:
                return f"function {value.__module__}:{value.__qualname__}"
            return self.function_text(value, depth, above)
        return self.object_text(value, depth + 1, above)

    def type_text(self, cls):
        """A reference to a class."""
        name = f"class {cls.__module__}:{cls.__qualname__}"
        if not self.own(cls.__module__) or "<locals>" in cls.__qualname__:
            return name
        return name if self.at_home(cls) is cls else f"{name}, another than at home"

    def object_text(self, value, depth, above):
        """Any other object."""
        kind = type(value)
        inner = functools.partial(self.text, depth=depth, above=above)
        if kind in (list, tuple):
            return f"{kind.__name__}[{', '.join(map(inner, value))}]"
        if kind in (set, frozenset):
            return f"{kind.__name__}{sorted(map(inner, value))}"
        if kind is dict and vars(sys.modules.get(value.get("__name__"), object)) is value:
            return f"namespace of {value['__name__']}"
        if kind in (dict, types.MappingProxyType):
            return (
                "{"
                + ", ".join(sorted(f"{inner(key)}: {inner(one)}" for key, one in list(value.items())))
                + "}"
            )
        if kind is re.Pattern:
            return f"pattern {value.pattern!r} {value.flags}"
        if isinstance(value, (types.MethodType, staticmethod, classmethod)):
            return f"{kind.__name__} {inner(value.__func__)} of {inner(getattr(value, '__self__', None))}"
        if isinstance(value, functools.partial):
            return f"partial {inner(value.func)} {inner(value.args)} {inner(value.keywords)}"
        if kind is property:
            return f"property {inner(value.fget)} {inner(value.fset)} {inner(value.fdel)} {value.__doc__!r}"
        if isinstance(value, WRAPPED_METHODS):
            return f"{kind.__name__} {getattr(value, '__qualname__', value.__name__)}"
        if hasattr(kind, "cache_clear"):
            size = value.cache_parameters() if hasattr(value, "cache_parameters") else ""
            return f"cached {inner(value.__wrapped__)} {size}"
        return self.instance_text(value, kind, inner)

    def instance_text(self, value, kind, inner):
        """An instance of a class of Python's making."""
        name = self.type_text(kind)
        module = kind.__module__ or ""
        if module in {"typing", "types"}:
            return f"{name} {re.sub(' at 0x[0-9a-f]+', '', repr(value))}"
        if isinstance(value, (io.IOBase, os._Environ)) or module.split(".")[0] in {
            "weakref",
            "_weakrefset",
            "logging",
            "threading",
            "_thread",
            "builtins",
        }:
            return name
        if isinstance(value, pathlib.PurePath):
            return f"{name} {value}"
        parts = []
        if isinstance(value, (str, int, float, bytes)):
            parts.append(
                re.sub("0x[0-9a-f]+", "", next(one for one in kind.__mro__ if one in PLAIN).__repr__(value))
            )
        elif isinstance(value, dict):
            parts.append(inner(dict(dict.items(value))))
        elif isinstance(value, (list, tuple, set, frozenset)):
            base = next(one for one in kind.__mro__ if one in (list, tuple, set, frozenset))
            parts.append(inner(base(base.__iter__(value))))
        try:
            own = dict(object.__getattribute__(value, "__dict__"))
            if any("__getattr__" in vars(base) for base in kind.__mro__):
                # Attributes that it makes as it is asked for them: more of its own sort.
                own = {key: one for key, one in own.items() if type(one) is not kind}
            # Zope's objects keep there what they computed when they were looked at.
            parts.append(inner({key: one for key, one in own.items() if not str(key).startswith("_v_")}))
        except Exception:
            pass
        for base in kind.__mro__:
            slots = base.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else tuple(slots):
                private = slot.startswith("__") and not slot.endswith("__")
                own = f"_{base.__name__.lstrip('_')}{slot}" if private else slot
                try:
                    found = base.__dict__[own].__get__(value, kind)
                except Exception:
                    continue
                if slot not in ("__weakref__", "__dict__"):
                    parts.append(f"{slot}={inner(found)}")
        return f"{name}({', '.join(parts)})"


def load(names):
    """Import modules; what came of those that can't be imported."""
    failed = {}
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def take(package, names):
    """Import the modules and describe all of the package that are there."""
    failed = load(names)
    snapshot = Snapshot(package)
    for name, module in sorted(sys.modules.items()):
        if (
            snapshot.own(name)
            and type(module).__name__ != "_LazyModule"
            and isinstance(module, types.ModuleType)
        ):
            if module.__name__ == name:
                snapshot.module(module)
            else:
                snapshot.entries[name] = f"module {module.__name__}"
    for name, text in failed.items():
        snapshot.entries[name] = f"fails: {text}"
    return by_files(snapshot.entries)


def by_files(entries):
    """The entries with modules under the names of their files, whichever name they were imported by first."""
    renamed = {}
    for name, module in list(sys.modules.items()):
        parts = os.path.splitext(getattr(module, "__file__", None) or "")[0].split(os.sep)
        own = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        top = name.partition(".")[0]
        if name in entries and f".{top}." in own and not own.endswith(f".{name}"):
            renamed[name] = f"{top}.{own.rpartition(f'.{top}.')[2]}"
    if not renamed:
        return entries
    names = re.compile(
        r"(?<![\w.])(" + "|".join(sorted(map(re.escape, renamed), key=len, reverse=True)) + r")(?!\w)"
    )
    found = {}
    for place, text in entries.items():
        moved = names.sub(lambda match: renamed[match[1]], place)
        if moved == place or moved not in entries:
            found[moved] = names.sub(lambda match: renamed[match[1]], text)
    return found
