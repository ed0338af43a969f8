//! What a change leaves behind or makes anew, and what is told of it.

use crate::{check, lines, plan_of};
use patchctl_planner::Phase;

#[test]
fn entries_of_tables() {
    let old = "T = {}\nT['a'] = 1\nT['b'] = 2\n";
    check(old, "T = {}\nT['a'] = 1\n", &["removed-value T.'b'"]);
    let told = ["stale T['b'] = 2 because its removal"];
    for filled in ["T.update(b=3)", "for k in 'ab':\n    T[k] = 3", "T[key()] = 3"] {
        let old = format!("T = {{}}\n{filled}\nT['b'] = 2\n");
        check(&old, &format!("T = {{}}\n{filled}\n"), &told);
    }
    check("T = {'b': 1}\nT['b'] = 2\n", "T = {'b': 1}\n", &told);
    check("T = []\nT[0] = 2\n", "T = []\n", &["stale T[0] = 2 because its removal"]);
}

#[test]
fn what_is_computed_at_import_is_told() {
    let old = "def f(): return 1\nX = f()\ndef g(a=f()): pass\nY = 2\n";
    let plan = plan_of(old, &old.replace("return 1", "return 2"), &[], Phase::Import);
    let computed: Vec<_> = plan.computed.iter().map(|one| (&*one.value.name, one.value.line)).collect();
    assert_eq!(computed, [("X", 2), ("g", 3)]);
    let plan = plan_of(old, &old.replace("Y = 2", "Y = 3"), &[], Phase::Import);
    assert_eq!(plan.computed, []);
}

#[test]
fn what_stays_of_calls_and_changes_in_place() {
    check(
        "def f(): return 1\ndef g(x=f()): pass\n",
        "def f(): return 2\ndef g(x=f()): pass\n",
        &["f code", "stale g because f"],
    );
    check(
        "X = []\nfor n in 'ab': X.append(n)\n",
        "X = []\nfor n in 'abc': X.append(n)\n",
        &["changed-value n", "stale X because what a statement did before"],
    );
}

#[test]
fn dependents() {
    let retry = "class R:\n    D = frozenset(['a'])\n    def __init__(self, n, d=D):\n        self.d = d\n\nR.DEFAULT = R(3)\nOTHER = R.DEFAULT\n";
    check(
        retry,
        &retry.replace("['a']", "['a', 'b']"),
        &[
            "R.__init__ defaults",
            "changed-value R:D",
            "stale R.DEFAULT because R.D",
            "stale OTHER because R.D",
        ],
    );
    let renewed = plan_of(retry, &retry.replace("['a']", "['a', 'b']"), &["R.DEFAULT"], Phase::Live);
    assert_eq!(
        lines(&renewed),
        ["R.__init__ defaults", "changed-value R:D", "renewed R.DEFAULT late", "renewed OTHER late"],
    );
    check(
        "A = 1\nB = A + 1\nC = re.compile(f'{B}')\n",
        "A = 2\nB = A + 1\nC = re.compile(f'{B}')\n",
        &["changed-value A", "renewed B", "renewed C"],
    );
    check(
        "A = 1\nB = [A]\nC = B\n",
        "A = 2\nB = [A]\nC = B\n",
        &["changed-value A", "stale B because A", "stale C because A"],
    );
    check(
        "A = '1'\nB = '<%(A)s>' % locals()\nC = B\nD = 2\n",
        "A = '2'\nB = '<%(A)s>' % locals()\nC = B\nD = 2\n",
        &["changed-value A", "stale B because A", "stale C because A"],
    );
    check(
        "def f(): return 1\ndef g(): return f()\nX = g()\nY = len('a')\n",
        "def f(): return 2\ndef g(): return f()\nX = g()\nY = len('a')\n",
        &["f code", "stale X because f"],
    );
    check("def f(): return 1\n", "def f(): return 2\nX = f()\n", &["f code", "new-value X late"]);
    check(
        "x = 1\n",
        "x = 1\ndef f(): return 2\nX = f()\ndef g(a=X): pass\n",
        &["new-function f", "new-value X", "new-function g"],
    );
    check("import a\nX = a.b\n", "import a, c\nX = a.b\n", &["new-import c"]);
    check("import a.b\nX = a.b.c\n", "import a.b, a.d\nX = a.b.c\n", &["changed-import a"]);
    check(
        "A = 1\ndef f(x=A): return x\n",
        "A = 2\ndef f(x=A): return x + 1\n",
        &["f code+defaults", "changed-value A"],
    );
}

#[test]
fn what_is_made_anew_is_completed() {
    let old = "D = {'a': 1}\nD['b'] = 2\nfor n in 'xy':\n    D[n] = n\nE = []\nE.append(D)\n";
    let changed = old.replace("'a': 1", "'a': 5");
    let filled = ["changed-value D", "renewed D.'b'", "renewed n,D.n", "stale E.append(D) because D"];
    check(old, &changed, &filled);
    // What a call answers may have been there before: only what is stored twice is stored once.
    let old = "L = get(1)\nL.level = 3\nL.append(4)\n";
    let expected = ["changed-value L", "renewed L.level", "stale L.append(4) because L"];
    check(old, &old.replace("get(1)", "get(2)"), &expected);
}

#[test]
fn annotations_and_values_changed_in_place() {
    let alias = "from typing import List\nA = List[int]\ndef f(x: A): pass\nclass C:\n    y: A = None\n";
    let changed = alias.replace("[int]", "[str]");
    check(alias, &changed, &["f annotations", "changed-value A", "stale C.y because its annotation"]);
    let text = |text: &str| format!("from __future__ import annotations\n{text}");
    check(&text(alias), &text(&changed), &["changed-value A"]);
    let old = "T = {}\nU = {}\ndef fill():\n    T['a'] = 1\n    local = {}\n    local['a'] = 1\nfill()\n";
    let stale = ["stale fill() because fill", "stale T because fill"];
    check(old, &old.replace("= 1\n    local =", "= 2\n    local ="), &[&["fill code"], &stale[..]].concat());
    check(
        "V = 1, 2\nW = '.'.join(map(str, V))\n",
        "V = 1, 3\nW = '.'.join(map(str, V))\n",
        &["changed-value V", "renewed W"],
    );
    check(
        "V = 1, 2\nW = map(str, V)\n",
        "V = 1, 3\nW = map(str, V)\n",
        &["changed-value V", "stale W because V"],
    );
}

#[test]
fn renewing_all_values() {
    let old = "def f(): return 1\nX = f()\nlog(f())\n";
    let plan = plan_of(old, &old.replace("return 1", "return 2"), &["all"], Phase::Live);
    assert_eq!(lines(&plan), ["f code", "renewed X late", "stale log(f()) because f"]);
    let old = "import re\nV = '1'\nt = re.match('.', V)\nW = V\ndel re\n";
    let plan = plan_of(old, &old.replace("V = '1'", "V = '2'"), &["all"], Phase::Live);
    assert_eq!(lines(&plan), ["changed-value V", "renewed W", "stale t because V"]);
}

#[test]
fn what_a_changed_condition_would_decide_is_told() {
    let old = "NAMES = ['a']\nKNOWN = {}\nfor name in NAMES:\n    KNOWN[name] = 1\ndel NAMES\n";
    let told = ["changed-value NAMES", "renewed ", "stale KNOWN[name] because NAMES"];
    check(old, &old.replace("['a']", "['b']"), &told);
    check(
        "FAST = 1\nif FAST:\n    mode = 'a'\nelse:\n    def f(): pass\n",
        "FAST = 0\nif FAST:\n    mode = 'a'\nelse:\n    def f(): pass\n",
        &["changed-value FAST", "stale mode because FAST", "stale f because FAST"],
    );
    check(
        "FAST = 1\nif FAST:\n    mode = 'a'\n",
        "FAST = 0\nif FAST:\n    mode = 'b'\n",
        &["changed-value FAST", "changed-value mode"],
    );
    check(
        "NAMES = ['a']\nOTHER = 1\nif OTHER:\n    x = 1\n",
        "NAMES = ['b']\nOTHER = 1\nif OTHER:\n    x = 1\n",
        &["changed-value NAMES"],
    );
}
