//! Classes: their values, decorators, metaclasses, layouts.

use crate::{check, plan_of};
use patchctl_planner::Phase;

#[test]
fn attributes_that_instances_lack() {
    let old =
        "class C:\n    def __init__(self):\n        self.a = 1\n    def f(self):\n        return self.a\n";
    let new = old.replace("self.a = 1", "self.a = 1; self.hosts = []").replace("self.a\n", "self.hosts\n");
    check(
        old,
        &new,
        &["C.__init__ code", "C.f code", "stale C.hosts because instances made before have none"],
    );
}

#[test]
fn classes_that_their_metaclass_computes() {
    let old = "class E(Enum):\n    A = 1\n";
    check(old, "class E(Enum):\n    A = 1\n    B = 2\n", &["changed-class regenerate E:B"]);
    let keeping = "    def __init__(self, v):\n        ALL[v] = self\n";
    check(
        &format!("{old}{keeping}"),
        &format!("{old}    B = 2\n{keeping}"),
        &["new-value E:B", "unsupported E"],
    );
    let old = "class T(TypedDict):\n    a: int\nclass U(T):\n    b: int\n";
    let new = old.replace("    a: int\n", "    a: int\n    n: str\n");
    check(old, &new, &["changed-class regenerate T:n", "renewed regenerate U:"]);
}

#[test]
fn classes_below_those_that_are_made_anew() {
    let old = "@dataclass\nclass A:\n    x: int = 1\nclass B(A):\n    pass\n@dataclass\nclass C(B):\n    y: int = 2\n";
    let expected = ["changed-class regenerate A:x", "renewed regenerate C:"];
    check(old, &old.replace("= 1", "= 3"), &expected);
    let registered = old.replace("@dataclass\nclass C", "@register\nclass C");
    let expected = ["changed-class regenerate A:x", "stale C because B"];
    check(&registered, &registered.replace("= 1", "= 3"), &expected);
}

#[test]
fn classes() {
    let class = |body: &str| format!("class C:\n    x = 1\n    def m(self): return 1\n{body}");
    check(&class(""), &class("    def n(self): pass\n"), &["new-method C:n"]);
    check(&class(""), &class("").replace("x = 1", "x = 2"), &["changed-value C:x"]);
    check(&class(""), &class("").replace("return 1", "return 2"), &["C.m code"]);
    check(&class("    def __p(self): return 1\n"), &class("    def __p(self): return 2\n"), &["C.__p code"]);
    check(&class("    __p = 1\n"), &class("    __p = 2\n"), &["changed-value C:_C__p"]);
    check(&class(""), &class("").replace("class C", "class C(B)"), &["changed-class rebase C:C"]);
    check(&class(""), &class("").replace("class C", "class C(metaclass=M)"), &["unsupported C"]);
    check(&class(""), &class("    __slots__ = ()\n"), &["new-value C:__slots__"]);
    check("class C:\n    'a'\n", "class C:\n    'b'\n", &["changed-value C:__doc__"]);
    let data = |body: &str| format!("@dataclass\nclass C:\n{body}    def m(self): return 1\n");
    check(&data("    x: int\n"), &data("    x: int\n    y: int = 1\n"), &["changed-class regenerate C:y"]);
    check(&data("    x: int\n"), &data("    x: int\n").replace("return 1", "return 2"), &["C.m code"]);
    check(
        "class E(Enum):\n    A = 1\n",
        "class E(Enum):\n    A = 2\n",
        &["changed-value E:A", "unsupported E"],
    );
    check(
        "class C:\n    @property\n    def p(self): return 1\n    @p.setter\n    def p(self, v): pass\n",
        "class C:\n    @property\n    def p(self): return 1\n    @p.setter\n    def p(self, v): v()\n",
        &["C.p code conditional"],
    );
}

#[test]
fn values_of_decorated_classes() {
    let class = |decorator: &str, value: u32| format!("@{decorator}\nclass C:\n    n = {value}\n");
    let told = |decorator: &str, expected: &[&str]| {
        check(&class(decorator, 1), &class(decorator, 2), expected);
    };
    told("known.to_nobody", &["changed-value C:n", "stale C because what its decorators made of it"]);
    told("six.add_metaclass(Meta)", &["changed-value C:n"]);
    told("implementer(Interface)", &["changed-value C:n"]);
}

#[test]
fn mangled_names_of_functions() {
    let plan = plan_of(
        "class _C:\n    def __p(self): return 1\n",
        "class _C:\n    def __p(self): return 2\n",
        &[],
        Phase::Live,
    );
    let change = &plan.functions[0];
    assert_eq!((change.name.as_str(), change.qualname.as_str()), ("_C__p", "_C.__p"));
    assert_eq!(change.scope, ["_C"]);
}
