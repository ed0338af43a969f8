//! Composing patches with source texts: where hunks go, what conflicts, and what Python patches do.

use patchctl_planner::{Composed, Patch, compose, order, parse};
use patchctl_protocol::state::Reason;

fn patch(name: &str, text: &str) -> Patch {
    parse(name, text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"))
}

fn diff(id: &str, hunks: &str) -> Patch {
    patch(&format!("{id}.diff"), &format!("--- a/m.py\n+++ b/m.py\n{hunks}"))
}

fn mirror(id: &str, header: &str, text: &str) -> Patch {
    let header: String = header.lines().map(|line| format!("# {line}\n")).collect();
    patch(&format!("{id}.py"), &format!("# /// patch\n# module = 'm'\n{header}# ///\n{text}"))
}

fn composed(original: &str, patches: &[&Patch]) -> Composed {
    compose("m", false, original, patches)
}

fn refusal(original: &str, patches: &[&Patch]) -> (Reason, String) {
    let composed = composed(original, patches);
    let (_, refusal) = composed.skipped.into_iter().next().expect("a refusal");
    (refusal.reason, refusal.detail)
}

const TEXT: &str = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\ng = 7\n";
const CHANGE: &str = "@@ -2,5 +2,5 @@\n b = 2\n c = 3\n-d = 4\n+d = 'new'\n e = 5\n f = 6\n";

#[test]
fn at_its_line() {
    let composed = composed(TEXT, &[&diff("p", CHANGE)]);
    assert_eq!(composed.text, TEXT.replace("d = 4", "d = 'new'"));
    assert_eq!((composed.applied, composed.notes), (vec!["p".to_owned()], Vec::new()));
    let contribution = &composed.contributions[0];
    assert_eq!((contribution.patch.as_str(), contribution.line, contribution.count), ("p", 4, 1));
}

#[test]
fn elsewhere() {
    let text = format!("x = 0\ny = 0\n{TEXT}");
    let composed = composed(&text, &[&diff("p", CHANGE)]);
    assert!(composed.text.contains("d = 'new'"));
    assert_eq!(composed.notes, ["m.py: hunk 1 applied at line 4 (offset 2)"]);
}

#[test]
fn with_fuzz() {
    let composed = composed(&TEXT.replace("b = 2", "b = 0").replace("f = 6", "f = 0"), &[&diff("p", CHANGE)]);
    assert!(composed.text.contains("d = 'new'") && composed.text.contains("b = 0"));
    assert_eq!(composed.notes, ["m.py: hunk 1 applied at line 2 (fuzz 1)"]);
}

#[test]
fn never_at_two_places() {
    let twice = format!("x = 0\n{TEXT}{TEXT}");
    let (reason, detail) = refusal(&twice, &[&diff("p", CHANGE)]);
    assert_eq!(reason, Reason::HunkConflict);
    assert!(detail.contains("fits at line 3 and at line 10"), "{detail}");
    let stated = composed(&format!("{TEXT}{TEXT}"), &[&diff("p", CHANGE)]);
    assert_eq!(stated.text, format!("{}{TEXT}", TEXT.replace("d = 4", "d = 'new'")));
}

#[test]
fn misfits_name_line_and_texts() {
    let (reason, detail) = refusal(&TEXT.replace("d = 4", "d = 44"), &[&diff("p", CHANGE)]);
    assert_eq!(reason, Reason::HunkConflict);
    let expected = "m.py: hunk 1 (line 3 of the patch) does not fit: line 4 is `d = 44`, expected `d = 4`";
    assert_eq!(detail, expected);
    let insertion = diff("p", "@@ -3,0 +4 @@\n+x = 1\n");
    assert!(refusal(TEXT, &[&insertion]).1.contains("no context"));
}

#[test]
fn already_there() {
    let fixed = TEXT.replace("d = 4", "d = 'new'");
    assert_eq!(refusal(&fixed, &[&diff("p", CHANGE)]).0, Reason::AlreadyApplied);
    let appended = diff("p", "@@ -6,2 +6,3 @@\n f = 6\n g = 7\n+h = 8\n");
    assert_eq!(composed(TEXT, &[&appended]).text, format!("{TEXT}h = 8\n"));
    assert_eq!(refusal(&format!("{TEXT}h = 8\n"), &[&appended]).0, Reason::AlreadyApplied);
    let removed = diff("p", "@@ -1,3 +1,2 @@\n a = 1\n-b = 2\n c = 3\n");
    assert_eq!(refusal(&TEXT.replace("b = 2\n", ""), &[&removed]).0, Reason::AlreadyApplied);
}

#[test]
fn line_endings_are_those_of_the_text() {
    let crlf = TEXT.replace('\n', "\r\n");
    let fixed = crlf.replace("d = 4", "d = 'new'");
    assert_eq!(composed(&crlf, &[&diff("p", CHANGE)]).text, fixed);
    assert_eq!(composed(&crlf, &[&diff("p", &CHANGE.replace('\n', "\r\n"))]).text, fixed);
    let from_crlf = composed(TEXT, &[&diff("p", &CHANGE.replace('\n', "\r\n"))]);
    assert_eq!(from_crlf.text, TEXT.replace("d = 4", "d = 'new'"));
    let no_end = "@@ -6,2 +6,2 @@\n f = 6\n-g = 7\n+g = 8\n\\ No newline at end of file\n";
    assert!(composed(TEXT, &[&diff("p", no_end)]).text.ends_with("g = 8"));
    let with_end = "@@ -6,2 +6,2 @@\n f = 6\n-g = 7\n\\ No newline at end of file\n+g = 8\n";
    assert!(composed(TEXT.trim_end(), &[&diff("p", with_end)]).text.ends_with("g = 8\n"));
}

#[test]
fn patches_stack_in_any_order() {
    let (first, second) = (
        diff("one", "@@ -1,3 +1,4 @@\n a = 1\n+a2 = 1\n b = 2\n c = 3\n"),
        diff("two", "@@ -5,3 +5,3 @@\n e = 5\n-f = 6\n+f = 'two'\n g = 7\n"),
    );
    let forth = composed(TEXT, &[&first, &second]);
    let back = composed(TEXT, &[&second, &first]);
    assert_eq!(forth.text, back.text);
    let owners = |composed: &Composed| -> Vec<(String, u32)> {
        composed.contributions.iter().map(|c| (c.patch.clone(), c.line)).collect()
    };
    assert_eq!(owners(&forth), [("one".to_owned(), 2), ("two".to_owned(), 7)]);
    assert_eq!(owners(&forth), owners(&back));
}

#[test]
fn conflicts_name_both() {
    let other = diff("other", &CHANGE.replace("'new'", "'other'"));
    let (reason, detail) = refusal(TEXT, &[&diff("p", CHANGE), &other]);
    assert_eq!(reason, Reason::Conflict);
    assert!(detail.starts_with("other and p change the same lines of m.py"), "{detail}");
    let text = "def f():\n    return 1\n\ndef g():\n    return 1\n";
    let fix = diff("fix", "@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2\n");
    let over = mirror("over", "", "def f():\n    return 3\n");
    let (reason, detail) = refusal(text, &[&fix, &over]);
    assert_eq!((reason, detail.as_str()), (Reason::Conflict, "over and fix change the same definition in m"));
    let beside = mirror("beside", "", "def g():\n    return 3\n");
    assert_eq!(composed(text, &[&fix, &beside]).applied, ["fix", "beside"]);
    let on_top = mirror("on-top", "needs = 'fix'", "def f():\n    return 3\n");
    assert_eq!(composed(text, &[&fix, &on_top]).applied, ["fix", "on-top"]);
}

#[test]
fn a_broken_result_leaves_the_others() {
    let broken = diff("broken", "@@ -1,2 +1,2 @@\n-a = 1\n+a = (\n b = 2\n");
    let composed = composed(TEXT, &[&broken, &diff("p", CHANGE)]);
    assert_eq!(composed.text, TEXT.replace("d = 4", "d = 'new'"));
    assert_eq!(composed.skipped[0].1.reason, Reason::SyntaxError);
    assert_eq!(composed.applied, ["p"]);
}

const MODULE: &str = "\"\"\"Doc.\"\"\"\nimport os\n\nLIMIT = 1\n\n@deco\ndef f(a):\n    return a\n\nclass C:\n\tx = 1\n\n\tdef m(self):\n\t\treturn 1\n\n\t@property\n\tdef p(self):\n\t\treturn 1\n\nif __name__ == '__main__':\n    f(1)\n";

#[test]
fn mirrors() {
    for (text, from, to) in [
        ("def f(b):\n    return b\n", "def f(a):\n    return a\n", "def f(b):\n    return b\n"),
        ("@new\ndef f(b): return b\n", "@deco\ndef f(a):\n    return a\n", "@new\ndef f(b): return b\n"),
        (
            "class C:\n    def m(self):\n        return '''a\n  b'''\n",
            "\tdef m(self):\n\t\treturn 1\n",
            "\tdef m(self):\n\t    return '''a\n  b'''\n",
        ),
        ("class C:\n    x = 2\n", "\tx = 1\n", "\tx = 2\n"),
        ("class C:\n    y = 2\n", "\t\treturn 1\n\nif", "\t\treturn 1\n\ty = 2\n\nif"),
        (
            "class C:\n    @p.setter\n    def p(self, v): pass\n",
            "\t\treturn 1\n\nif",
            "\t\treturn 1\n\n\t@p.setter\n\tdef p(self, v): pass\n\nif",
        ),
        ("LIMIT = 2\n", "LIMIT = 1", "LIMIT = 2"),
        ("import json\n", "import os\n", "import os\nimport json\n"),
        ("import os\nimport json\n", "import os\n", "import os\nimport json\n"),
        (
            "from __future__ import annotations\n",
            "import os\n",
            "from __future__ import annotations\nimport os\n",
        ),
        ("NEW = LIMIT\n", "if __name__", "NEW = LIMIT\nif __name__"),
        (
            "NEW = LIMIT\ndef f(a=NEW): pass\n",
            "@deco\ndef f(a):\n    return a\n",
            "NEW = LIMIT\n@deco\ndef f(a=NEW): pass\n",
        ),
        ("def g():\n    pass\n", "if __name__", "def g():\n    pass\n\n\nif __name__"),
        ("log('x')\n", "if __name__", "log('x')\nif __name__"),
    ] {
        let composed = composed(MODULE, &[&mirror("p", "", text)]);
        assert!(composed.skipped.is_empty(), "{text}: {:?}", composed.skipped);
        assert_eq!(composed.text, MODULE.replace(from, to), "{text}");
    }
}

#[test]
fn mirrors_of_classes_on_one_line() {
    let composed = composed(
        "class C(B): pass  # one\n",
        &[&mirror("p", "", "class C:\n    def m(self):\n        pass\n")],
    );
    assert_eq!(composed.text, "class C(B):\n    def m(self):\n        pass\n");
}

#[test]
fn mirrors_that_change_nothing() {
    let same = mirror("p", "", "def f(a):\n    return (a)\n");
    assert_eq!(refusal(MODULE, &[&same]).0, Reason::AlreadyApplied);
    let near = composed(MODULE, &[&mirror("p", "", "class C:\n    def mm(self): pass\nclass Cc: pass\n")]);
    assert_eq!(near.notes, ["`mm` is new in C; there is `m`", "`Cc` is new; there is `C`"]);
}

#[test]
fn fingerprints() {
    let digest = patchctl_planner::fingerprint(MODULE, "C.m").expect("a function");
    let text = "class C:\n    def m(self): return 2\n";
    let good = mirror("p", &format!("fingerprint = {{'C.m' = '{digest}'}}"), text);
    assert_eq!(composed(MODULE, &[&good]).applied, ["p"]);
    let other = MODULE.replace("\t\treturn 1\n\n\t@", "\t\treturn 11\n\n\t@");
    assert_eq!(refusal(&other, &[&good]).0, Reason::FingerprintMismatch);
    let missing = mirror("p", &format!("fingerprint = {{'C.n' = '{digest}'}}"), text);
    let (reason, detail) = refusal(MODULE, &[&missing]);
    assert_eq!(reason, Reason::TargetNotFound);
    assert!(detail.contains("no function C.n in m"), "{detail}");
}

#[test]
fn order_of_patches() {
    let header = |id: &str, header: &str| mirror(id, header, "x = 1\n");
    let a = header("a", "order = 2");
    let b = header("b", "");
    let c = header("c", "needs = 'd'");
    let d = header("d", "order = 5");
    let e = header("e", "needs = 'gone'");
    let f = header("f", "replaces = 'b'");
    let (ordered, out) = order(vec![&a, &b, &c, &d, &e]);
    let ids: Vec<&str> = ordered.iter().map(|patch| patch.id.as_str()).collect();
    assert_eq!(ids, ["b", "a", "d", "c"]);
    assert_eq!((out[0].0.as_str(), out[0].1.reason), ("e", Reason::Conflict));
    let (ordered, out) = order(vec![&a, &b, &f]);
    let ids: Vec<&str> = ordered.iter().map(|patch| patch.id.as_str()).collect();
    assert_eq!((ids, out[0].0.as_str()), (vec!["f", "a"], "b"));
}

#[test]
fn a_definition_given_twice_is_refused() {
    let text = "def f():\n    return 1\n\n\ndef g():\n    return 2\n";
    let twice = mirror("p", "", "def f():\n    return 3\n\n\ndef f():\n    return 4\n");
    let (reason, detail) = refusal(text, &[&twice]);
    assert_eq!(
        (reason, detail.as_str()),
        (Reason::SyntaxError, "p defines what stands in line 1 of m twice")
    );
}
