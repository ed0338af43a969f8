//! What the planner makes of changes, as snippets before and after.

mod classes;
mod told;

use patchctl_planner::{Contribution, Phase, PlanOptions, Texts, plan};
use patchctl_protocol::plan::{Action, Parts, Plan};
use patchctl_protocol::state::Reason;

fn plan_of(old: &str, new: &str, renew: &[&str], phase: Phase) -> Plan {
    let texts = Texts {
        module: "m",
        is_package: false,
        original: old,
        running: old,
        target: new,
        contributions: &[],
    };
    let renew: Vec<String> = renew.iter().map(|name| (*name).to_owned()).collect();
    plan(&texts, &PlanOptions { renew: &renew, phase }).expect("a plan")
}

fn parts(parts: Parts) -> String {
    let all = [
        (parts.code, "code"),
        (parts.signature, "signature"),
        (parts.defaults, "defaults"),
        (parts.annotations, "annotations"),
        (parts.docstring, "docstring"),
        (parts.decorators, "decorators"),
        (parts.kind, "kind"),
    ];
    let named = all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name);
    named.collect::<Vec<_>>().join("+")
}

/// One line for each thing in a plan.
fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &plan.functions {
        let conditional = if change.conditional { " conditional" } else { "" };
        lines.push(format!("{} {}{conditional}", change.qualname, parts(change.parts)));
    }
    for step in &plan.steps {
        let kind = serde_json::to_value(step.kind).expect("a kind");
        let mut names = step.binds.clone();
        names.extend(step.places.iter().map(|place| format!("{}.{}", place.object, place.key)));
        let scope = step.scope.iter().map(|name| format!("{name}:")).collect::<String>();
        let late = if step.late { " late" } else { "" };
        let action = match step.action {
            Action::Regenerate => " regenerate",
            Action::Rebase => " rebase",
            Action::Annotate => " annotate",
            Action::Execute | Action::Delete => "",
        };
        lines.push(format!("{}{action} {scope}{}{late}", kind.as_str().unwrap_or_default(), names.join(",")));
    }
    lines.extend(plan.stale.iter().map(|stale| format!("stale {} because {}", stale.name, stale.because)));
    lines.extend(plan.unsupported.iter().map(|found| format!("unsupported {}", found.name)));
    lines
}

fn check(old: &str, new: &str, expected: &[&str]) {
    assert_eq!(lines(&plan_of(old, new, &[], Phase::Live)), expected, "\n{old}\n-->\n{new}");
}

#[test]
fn function_parts() {
    let old = "@deco\ndef f(a: int, b=1) -> int:\n    'doc'\n    return a\n";
    for (from, to, expected) in [
        ("return a", "return b", "f code"),
        ("a: int", "z: int", "f code+signature+annotations"),
        ("b=1", "b=2", "f defaults"),
        ("b=1", "b", "f defaults"),
        ("b=1", "*, b=1", "f code+signature"),
        ("b=1", "b=1, /", "f code+signature"),
        ("-> int", "-> str", "f annotations"),
        ("a: int", "a", "f annotations"),
        ("'doc'", "'dok'", "f code+docstring"),
        ("return a", "yield a", "f code+kind"),
        ("def f", "async def f", "f code+kind"),
    ] {
        let new = old.replace(from, to);
        let plan = plan_of(old, &new, &[], Phase::Live);
        assert_eq!(lines(&plan)[0], expected, "{to}");
        assert_eq!(plan.steps.len(), usize::from(expected.contains("kind")), "{to}");
    }
    check(old, &old.replace("@deco", "@other(1)"), &["f decorators", "changed-function f"]);
    check("def f(): return lambda: (yield)\n", "def f(): return lambda: 1\n", &["f code"]);
}

#[test]
fn layout_is_no_change() {
    check("class C(object):\n    x = 1\n", "class C:\n    x = 1\n", &[]);
    let old = "import a\n\ndef f(x):\n    return (x +\n            1)\n\nY = 'a' 'b'\n";
    let new = "# why\nimport a\ndef f(x):  # more\n\n    return x + 1\nY = \"ab\"\n";
    let plan = plan_of(old, new, &[], Phase::Live);
    assert_eq!(lines(&plan), Vec::<String>::new());
    assert!(plan.source.is_none() && plan.new_skeleton.is_empty());
}

#[test]
fn namespaces() {
    check("x = 1\n", "x = 2\n", &["changed-value x"]);
    check("x = 1\n", "x = 1\ny = 2\n", &["new-value y"]);
    check("x = 1\ny = 2\n", "x = 1\n", &["removed-value y"]);
    check("x: int = 1\n", "x: int = 2\n", &["changed-value x"]);
    check("a, b = 1, 2\n", "a, c = 1, 2\n", &["changed-value a,c", "removed-value b"]);
    check("import a\n", "import a, b as c\n", &["new-import c"]);
    check("from . import a, b\n", "from . import a\n", &["removed-import b"]);
    check("from x import a\n", "from y import a\n", &["changed-import a"]);
    check("import a.b\n", "import a.b, a.c\nX = 1\n", &["changed-import a", "new-value X"]);
    check("x = 1\n", "x = 1\ndef f(): pass\n", &["new-function f"]);
    check("x = 1\n", "x = 1\nclass C: pass\n", &["new-class C"]);
    check("def f(): pass\nx = 1\n", "x = 1\n", &["removed-function f"]);
    check("def f(): pass\n", "f = 1\n", &["changed-value f"]);
    check("f = 1\n", "def f(): pass\n", &["changed-function f"]);
    check("class C: pass\n", "def C(): pass\n", &["changed-function C"]);
    check("R.D = 1\n", "R.D = 2\n", &["changed-value R.D"]);
    check("T['x'] = 1\n", "T['x'] = 2\n", &["changed-value T.'x'"]);
    check("x = 1\n", "x = 1\nlog('x')\n", &["statement "]);
    check("log('x')\n", "pass\n", &["stale log('x') because its removal"]);
    check("'old'\nx = 1\n", "'new'\nx = 1\n", &["changed-value __doc__"]);
    check("x = 1; y = 2\n", "x = 1; y = 3\n", &["changed-value x,y"]);
    check("x = 1\nx = 2\n", "x = 1\n", &["changed-value x"]);
    check("A = 1\nA += 2\n", "A = 1\nA += 3\n", &["changed-value A", "changed-value A"]);
    check("x = 1\n", "x = 1\nfrom y import *\n", &["new-import "]);
    check("def f(): pass\nf.a = 1\n", "def f(): pass\n", &["removed-value f.a"]);
}

#[test]
fn blocks() {
    check(
        "if X:\n    def f(): return 1\nelse:\n    def f(): return 2\n",
        "if X:\n    def f(): return 1\nelse:\n    def f(): return 3\n",
        &["f code conditional"],
    );
    check(
        "try:\n    a = 1\nexcept E:\n    b = 2\n",
        "try:\n    a = 1\nexcept E:\n    b = 3\n",
        &["changed-value a,b"],
    );
    check("if X:\n    a = 1\n    b = 1\n", "if X:\n    a = 1\n    b = 2\n", &["changed-value b"]);
    check("if X:\n    a = 1\n", "if Y:\n    a = 1\n", &["changed-value a"]);
    check("if TYPE_CHECKING:\n    import a\n", "if TYPE_CHECKING:\n    import b\n", &[]);
    check(
        "x = 1\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import b\nx = 1\n",
        &["new-import typing"],
    );
    check("if __name__ == '__main__':\n    f()\n", "if __name__ == '__main__':\n    g()\n", &[]);
    check(
        "if X:\n    def f(): return 1\nelse:\n    def f(): return 2\n",
        "def f(): return 3\n",
        &["f code conditional", "f code conditional"],
    );
}

#[test]
fn conditions_stay_in_steps() {
    let old = "if A:\n    x = 1\nelif (B and\n      C):\n    y = 1\n    z = 1\n";
    let new = old.replace("z = 1", "z = 2");
    let plan = plan_of(old, &new, &[], Phase::Live);
    let source = plan.steps[0].source.as_deref();
    assert_eq!(source, Some("if A: pass\n\nelif (B and\n      C):\n\n    z = 2\n"));
}

#[test]
fn imports_get_the_whole_text() {
    let old = "def f(a=1): return 1\nx = 1\n";
    let grafted = plan_of(old, &old.replace("return 1", "return 2"), &[], Phase::Import);
    assert_eq!(grafted.source, None);
    for (from, to) in [("x = 1", "x = 2"), ("a=1", "a=2")] {
        let new = old.replace(from, to);
        assert_eq!(plan_of(old, &new, &[], Phase::Import).source.as_deref(), Some(new.as_str()));
        assert_eq!(plan_of(old, &new, &[], Phase::Live).source, None);
    }
}

#[test]
fn sources_of_steps_keep_their_lines() {
    let old = "from __future__ import annotations\nclass C(B):\n    x = 1\n";
    let new = "from __future__ import annotations\nclass C(B):\n    x = 1\n\n    @deco\n    def n(self):\n        pass\n";
    let plan = plan_of(old, new, &[], Phase::Live);
    let source = plan.steps[0].source.as_deref();
    let expected =
        "from __future__ import annotations\nclass C:\n\n\n    @deco\n    def n(self):\n        pass\n";
    assert_eq!(source, Some(expected));
    assert_eq!(plan.steps[0].line, 5);
}

#[test]
fn skeletons_hold_the_changed_functions() {
    let old = "import os\nclass C(B):\n    @deco\n    # why\n    @deco\n    def f(self):\n        return os.getcwd()\n    def g(self): pass\n";
    let plan = plan_of(old, &old.replace("return os", "yield os"), &[], Phase::Live);
    let expected =
        "\nclass C:\n    @(lambda f: f)\n\n\n    def f(self):\n        return os.getcwd()\nimport os\n";
    assert_eq!(plan.old_skeleton.as_deref(), Some(expected));
    assert_eq!((plan.functions[0].old_line, plan.functions[0].new_line), (3, 3));
}

#[test]
fn changes_name_their_patches() {
    let old = "def f(): return 1\ndef g(): return 1\nx = 1\ny = 1\nZ = x\n";
    let new = "def f(): return 2\ndef g(): return 2\nx = 2\nZ = x\n";
    let contribution = |patch: &str, line, count| Contribution { patch: patch.to_owned(), line, count };
    let contributions =
        [contribution("a", 1, 1), contribution("b", 2, 1), contribution("c", 3, 1), contribution("d", 4, 0)];
    let texts = Texts {
        module: "m",
        is_package: false,
        original: old,
        running: old,
        target: new,
        contributions: &contributions,
    };
    let plan = plan(&texts, &PlanOptions { renew: &[], phase: Phase::Live }).expect("a plan");
    let functions: Vec<&[String]> = plan.functions.iter().map(|change| &change.patches[..]).collect();
    assert_eq!(functions, [["a"], ["b"]]);
    let steps: Vec<(&[String], &[String])> =
        plan.steps.iter().map(|step| (&step.binds[..], &step.patches[..])).collect();
    let owned = |name: &str| vec![name.to_owned()];
    let (x, y, z, c, d) = (owned("x"), owned("y"), owned("Z"), owned("c"), owned("d"));
    assert_eq!(steps, [(&x[..], &c[..]), (&z[..], &c[..]), (&y[..], &d[..])]);
}

#[test]
fn syntax_errors_name_line_and_column() {
    let texts = Texts {
        module: "m",
        is_package: false,
        original: "x = 1\n",
        running: "x = 1\n",
        target: "x = 1\ndef f(:\n",
        contributions: &[],
    };
    let refusal = plan(&texts, &PlanOptions { renew: &[], phase: Phase::Live }).expect_err("no Python");
    assert_eq!(refusal.reason, Reason::SyntaxError);
    assert!(refusal.detail.starts_with("patched source of m: line 2, column 7: "), "{}", refusal.detail);
}

#[test]
fn deep_nesting_is_no_harm() {
    let deep = format!("x = {}1{}\n", "(-".repeat(2_000), ")".repeat(2_000));
    let plan = plan_of("x = 1\n", &deep, &[], Phase::Live);
    assert_eq!(lines(&plan), ["changed-value x"]);
}

#[test]
fn an_import_runs_the_module_first_where_what_is_new_may_take_an_objects_place() {
    let with_source = |old: &str| {
        let new = format!("{old}\n\ndef added():\n    pass\n");
        plan_of(old, &new, &[], Phase::Import).source.is_some()
    };
    assert!(with_source("def f():\n    exec('x = 1')\n"));
    assert!(with_source("f = lambda: globals()\n"));
    assert!(!with_source("exec('def added(): pass')\n"));
    assert!(!with_source("for name in NAMES:\n    globals()[name] = 1\n"));
    assert!(!with_source("class C:\n    vars()['x'] = 1\n"));
    let renamed = plan_of("exec('x = 1')\nY = 1\n", "exec('x = 1')\nY = 2\n", &[], Phase::Import);
    assert!(renamed.source.is_some());
}
