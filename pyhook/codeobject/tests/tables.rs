//! The tables against the interpreters they were made from.

mod interpreters;

use std::process::Command;

use interpreters::interpreters;
use patchctl_codeobject::Version;
use patchctl_codeobject::tables::{digest, table};

const OPMAP: &str = "
import opcode
counts = getattr(opcode, '_inline_cache_entries', {})
for name, number in opcode.opmap.items():
    if isinstance(counts, list):
        caches = counts[number] if number < 256 else 0
    else:
        caches = counts.get(name, 0)
    print(name, number, caches)
";

#[test]
fn digests_are_those_of_the_interpreters() {
    for interpreter in interpreters() {
        let output = Command::new(&interpreter.path).args(["-c", OPMAP]).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let rows = text.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |word: &str| word.parse().expect("a number");
            (words[0], number(words[1]), number(words[2]))
        });
        assert_eq!(digest(rows), table(interpreter.version).digest(), "{}", interpreter.version);
    }
}

#[test]
fn every_instruction_has_a_signature() {
    for version in Version::ALL {
        for info in table(version).infos() {
            // Reading it panics where its notation says nothing.
            assert!(info.signature().counts(0).0 < 64, "{version} {}", info.op.name());
        }
    }
}
