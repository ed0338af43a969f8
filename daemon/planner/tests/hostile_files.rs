//! Patch files as an attacker or an accident would write them: no panic, no hang, no unbounded memory.
//! `PROPTEST_CASES` makes the runs longer.

use patchctl_planner::{Patch, Phase, PlanOptions, Texts, compose, parse, plan};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::time::{Duration, Instant};

const ORIGINAL: &str = "import os\nRATE = 1\n\n\nclass C(object):\n    \"\"\"Text.\"\"\"\n    x = 1\n\n    def m(self, a, *, b=2):\n        return [a for _ in range(b)]\n\n\ndef f(n):\n    def g():\n        return n\n    return g() + RATE\n";
const DIFF: &str = "# /// patch\n# requires = [\"a>=1\"]\n# ///\ndiff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -9,6 +9,6 @@\n     def m(self, a, *, b=2):\n-        return [a for _ in range(b)]\n+        return [a for _ in range(b + 1)]\n \n \n def f(n):\n     def g():\n";
const MIRROR: &str = "# /// patch\n# module = \"m\"\n# ///\nimport re\nRATE = 2\n\n\nclass C:\n    def m(self, a):\n        return super().m(a)\n\n\ndef f(n):\n    return n\n";
const LONGEST: Duration = Duration::from_secs(10);

/// Pieces that parsers stumble over.
const PIECES: [&str; 26] = [
    "@@ -1,3 +1,3 @@\n",
    "@@ -99999999999999999999,1 +1,18446744073709551615 @@\n",
    "@@ -0,0 +1,4294967295 @@\n",
    "@@ -4294967295,0 +0,0 @@",
    "--- a/m.py\n",
    "+++ /dev/null\n",
    "--- /dev/null\n+++ b/../../../etc/passwd\n",
    "diff --git a/m.py b/m.py\nrename from a\nrename to b\n",
    "GIT binary patch\nliteral 99999999\n",
    "\\ No newline at end of file\n",
    "# /// patch\n",
    "# ///\n",
    "# expires = 9999-99-99T99:99:99Z\n",
    "# order = 99999999999999999999999\n",
    "# processes = { cmdline = \"[\" }\n",
    "# fingerprint = { f = 'sha256:' }\n",
    "\0",
    "\u{feff}",
    "\r\n",
    "\u{2028}",
    "\t",
    "def f(\n",
    "class C(metaclass=M): pass\n",
    "\"\"\"",
    "f'{x!r:{y}}'",
    "((((((((((((((((((((((((((((((((",
];

#[derive(Clone, Debug)]
enum Change {
    Remove(Index, usize),
    Insert(Index, &'static str),
    Repeat(Index, usize, u8),
    Byte(Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<Index>(), 1..60_usize, 2..20_u8)
            .prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len().max(1);
        match change {
            Change::Remove(at, count) => {
                let at = at.index(length).min(bytes.len());
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Change::Insert(at, piece) => {
                let at = at.index(length).min(bytes.len());
                bytes.splice(at..at, piece.bytes());
            }
            Change::Repeat(at, count, times) => {
                let at = at.index(length).min(bytes.len());
                let piece = bytes[at..(at + count).min(bytes.len())].repeat(usize::from(*times));
                bytes.splice(at..at, piece);
            }
            Change::Byte(at, byte) => {
                if let Some(place) = bytes.get_mut(at.index(length)) {
                    *place = *byte;
                }
            }
        }
    }
    bytes
}

/// All that the daemon does with a file, once it has parsed.
fn use_it(patch: &Patch) {
    for module in &patch.modules {
        let composed = compose(module, false, ORIGINAL, &[patch]);
        let texts = Texts {
            module,
            is_package: false,
            original: ORIGINAL,
            running: ORIGINAL,
            target: &composed.text,
            contributions: &composed.contributions,
        };
        for phase in [Phase::Import, Phase::Live] {
            let _ = plan(&texts, &PlanOptions { renew: &patch.header.renew, phase });
        }
    }
}

fn try_it(name: &str, content: &[u8]) {
    let begun = Instant::now();
    match parse(name, content, None) {
        Ok(patch) => use_it(&patch),
        Err(error) => assert!(error.to_string().starts_with(name), "{error}"),
    }
    assert!(begun.elapsed() < LONGEST, "{name} took {:?}", begun.elapsed());
}

mod properties {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn changed_diffs(changes in vec(change(), 1..8)) {
            try_it("fix.diff", &changed(DIFF, &changes));
        }

        #[test]
        fn changed_python_patches(changes in vec(change(), 1..8)) {
            try_it("fix.py", &changed(MIRROR, &changes));
        }

        #[test]
        fn pieces(parts in vec(select(&PIECES[..]), 0..30)) {
            for name in ["fix.diff", "fix.py", "fix.toml", "fix.patch"] {
                try_it(name, parts.concat().as_bytes());
            }
        }

        #[test]
        fn any_bytes(content in vec(any::<u8>(), 0..400), name in "[ -~]{0,10}\\.(diff|py|toml|patch)") {
            let _ = parse(&name, &content, None);
        }
    }
}

#[test]
fn deep_nesting_and_long_lines_are_bounded() {
    let header = "# /// patch\n# module = \"m\"\n# ///\n";
    let deep = |open: &str, close: &str, count: usize| {
        format!("{header}x = {}1{}\n", open.repeat(count), close.repeat(count))
    };
    for text in [
        deep("(", ")", 5_000),
        deep("[", "]", 5_000),
        deep("-", "", 50_000),
        deep("f(", ")", 5_000),
        deep("lambda: ", "", 20_000),
        format!("{header}{}", "x = 1\n".repeat(200_000)),
        format!("{header}class C:\n{}", "    x = 1\n".repeat(200_000)),
        format!("{header}{}", (0..4_000).map(|n| format!("x{n} = x{}\n", n / 2)).collect::<String>()),
        format!("{header}x = '{}'\n", "a".repeat(4 << 20)),
        format!("{header}x = 1{}\n", " + 1".repeat(100_000)),
    ] {
        try_it("fix.py", text.as_bytes());
    }
    let lines = "@@ -1 +1 @@\n-a\n+b\n".repeat(30_000);
    try_it("fix.diff", format!("--- a/m.py\n+++ b/m.py\n{lines}").as_bytes());
    try_it(
        "fix.diff",
        format!("--- a/m.py\n+++ b/m.py\n@@ -1,1 +1,300001 @@\n a\n{}", "+x\n".repeat(300_000)).as_bytes(),
    );
    try_it("fix.diff", "--- a/m.py\n+++ b/m.py\n".repeat(100_000).as_bytes());
    try_it("fix.diff", &vec![b'x'; 9 << 20]);
}
