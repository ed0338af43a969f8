//! Reading patch files: mails, several files, what is passed over, and what is wrong with them.

use patchctl_planner::{ParseError, Patch, parse};

fn read(name: &str, text: &str) -> Result<Patch, ParseError> {
    parse(name, text.as_bytes(), None)
}

fn fault(name: &str, text: &str) -> String {
    read(name, text).expect_err("malformed").to_string()
}

const MAIL: &str = "From 0123 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Subject: [PATCH] Fix it

---
# /// patch
# cve = \"CVE-2024-1\"
# ///
 CHANGES.rst        | 1 +
 src/pkg/one.py     | 2 +-
 3 files changed

diff --git a/CHANGES.rst b/CHANGES.rst
index 1..2 100644
--- a/CHANGES.rst
+++ b/CHANGES.rst
@@ -1,2 +1,3 @@
 x

+- fixed
diff --git a/src/pkg/one.py b/src/pkg/one.py
index 1..2 100644
--- a/src/pkg/one.py
+++ b/src/pkg/one.py
@@ -1,2 +1,2 @@ def f():
-a = 1
+a = 2
 b = 2
diff --git a/src/pkg/__init__.py b/src/pkg/__init__.py
old mode 100644
new mode 100755
diff --git a/src/pkg/new.py b/src/pkg/new.py
new file mode 100644
index 0000000..1
--- /dev/null
+++ b/src/pkg/new.py
@@ -0,0 +1,2 @@
+x = 1
+y = 2
\\ No newline at end of file
diff --git a/src/pkg/gone.py b/src/pkg/gone.py
deleted file mode 100644
--- a/src/pkg/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x = 1
diff --git a/logo.png b/logo.png
index 1..2 100644
GIT binary patch
literal 1
zcmZ

diff --git a/tests/test_one.py b/tests/test_one.py
similarity index 100%
rename from tests/test_uno.py
rename to tests/test_one.py
--
2.43.0
";

#[test]
fn mails() {
    for text in [MAIL.to_owned(), MAIL.replace('\n', "\r\n"), format!("\u{feff}{MAIL}")] {
        let patch = read("fix.patch", &text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((patch.id.as_str(), patch.header.cve.as_deref()), ("fix", Some("CVE-2024-1")));
        assert_eq!(patch.modules, ["pkg.new", "pkg.one"]);
        assert_eq!(
            patch.passed_over,
            ["CHANGES.rst", "src/pkg/gone.py (deleted)", "logo.png", "tests/test_one.py"]
        );
        assert_eq!(patch.new_module("pkg.new"), Some("x = 1\ny = 2"));
        assert_eq!(patch.new_module("pkg.one"), None);
    }
}

#[test]
fn plain_diffs() {
    let text = "Index: x\n--- p-1.0/src/pkg/one.py\t2024-01-01\n+++ p-1.1/src/pkg/one.py\t2024-01-02\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(read("x.diff", text).expect("a patch").modules, ["pkg.one"]);
    let stripped = parse("x.diff", text.replace("src/", "some/where/").as_bytes(), Some(3)).expect("a patch");
    assert_eq!(stripped.modules, ["pkg.one"]);
    let named =
        format!("# /// patch\n# module = 'tests.one'\n# id = 'n'\n# ///\n{}", text.replace("pkg", "tests"));
    let patch = read("x.diff", &named).expect("a patch");
    assert_eq!((patch.id.as_str(), &patch.modules[..]), ("n", &["tests.one".to_owned()][..]));
}

#[test]
fn faults() {
    let hunk = "--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n";
    for (name, text, expected) in [
        ("x.diff", "nothing\n".to_owned(), "x.diff:1:1: no change of a file"),
        ("x.diff", hunk.replace("@@ -1,2", "@@ -x,2"), "x.diff:3:1: malformed hunk header"),
        ("x.diff", hunk.replace(" c\n", ""), "x.diff:6:1: the hunk at line 3 ends early"),
        ("x.diff", hunk.replace(" c\n", "c\n"), "x.diff:6:1: the hunk at line 3 ends early"),
        ("x.diff", format!("{hunk}+d\n"), "x.diff:7:1: the hunk at line 3 has more lines"),
        ("x.diff", "@@ -1 +1 @@\n-a\n+b\n".to_owned(), "x.diff:1:1: a hunk without file names"),
        ("x.diff", "diff --cc m.py\n".to_owned(), "x.diff:1:1: a combined diff"),
        ("x.diff", hunk.replace("m.py", "README.md"), "x.diff:1:1: no change of a Python module"),
        ("x.diff", hunk.replace(" c", " \0"), "x.diff:6:2: a NUL byte"),
        ("x.diff", format!("# /// patch\n# cvs = 'x'\n# ///\n{hunk}"), "x.diff:2:3: unknown key `cvs`"),
        (
            "x.diff",
            format!("# /// patch\n# id = '../x'\n# ///\n{hunk}"),
            "x.diff:1:1: `../x` can't be the id",
        ),
        ("x.py", "x = 1\n".to_owned(), "x.py:1:1: a Python patch without the name of its module"),
        ("x.py", "# /// patch\n# module = 'm'\n# ///\ndef f(:\n".to_owned(), "x.py:4:7: "),
        ("x.toml", String::new(), "x.toml:1:1: no edit in this file"),
        ("x.toml", "[[edit]]\nnegate = true\n".to_owned(), "x.toml:1:1: an edit of no function"),
        (
            "x.toml",
            "function = 'f'\n[[edit]]\nnegate = true\n".to_owned(),
            "x.toml:1:1: an edit patch without the name of its module",
        ),
        ("x.txt", String::new(), "x.txt:1:1: `x.txt` has no suffix"),
        (".diff", hunk.to_owned(), ".diff:1:1: `` can't be the id"),
    ] {
        let found = fault(name, &text);
        assert!(found.starts_with(expected), "{found}\nexpected {expected}");
    }
    let renamed = "diff --git a/pkg/a.py b/pkg/b.py\nrename from pkg/a.py\nrename to pkg/b.py\n";
    assert!(fault("x.diff", renamed).contains("pkg/b.py is moved or copied from pkg/a.py"));
}

#[test]
fn limits() {
    let error = parse("x.diff", b"ab\nc\xff\n", None).expect_err("no UTF-8");
    assert_eq!((error.line, error.column), (2, 2));
    let large = vec![b'a'; (8 << 20) + 1];
    assert!(parse("x.diff", &large, None).expect_err("too large").message.contains("8388609 bytes"));
    let many = "--- a/m.py\n+++ b/m.py\n".to_owned() + &"@@ -1 +1 @@\n-a\n+b\n".repeat(20_001);
    assert!(fault("x.diff", &many).contains("more than 20000 hunks"));
}
