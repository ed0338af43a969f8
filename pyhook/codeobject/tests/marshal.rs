//! Marshal data written by the crate and read by the interpreters.

mod interpreters;

use std::io::Write;
use std::process::{Command, Stdio};

use interpreters::{compile, interpreters, stdlib};
use patchctl_codeobject::marshal::{read_code, read_pyc, write_code};
use patchctl_codeobject::tables::table;

const SOURCE: &str = "
def f(a, *b, c=1, **d):
    big = (1 << 70, -(1 << 64), 3, -7, 2.5, 1j, b'x', 'é', None, ..., True, ('a', ('b',)))
    small = a[0], a[-5], a[256], (0, (1, -1)), 1 << 31, -(1 << 31), 1 << 40
    def g(): return a, big, x in {1, 'two', 3.0}
    return g
class K[T]: pass
";

fn source(minor: u32) -> String {
    if minor >= 12 { SOURCE.into() } else { SOURCE.replace("[T]", "") }
}

/// Reads marshal data from stdin and says whether it equals what the source compiles to.
const COMPARE: &str = "
import marshal, sys
def same(a, b):
    for name in dir(a):
        if name.startswith('co_') and name not in ('co_consts', 'co_lines', 'co_positions', 'co_branches', 'co_lnotab'):
            assert getattr(a, name) == getattr(b, name), name
    assert len(a.co_consts) == len(b.co_consts)
    for x, y in zip(a.co_consts, b.co_consts):
        assert type(x) is type(y), (x, y)
        same(x, y) if hasattr(x, 'co_code') else None
        assert x == y, (x, y)
        shared(x, y)
def shared(x, y):
    if isinstance(x, tuple):
        for pair in zip(x, y):
            shared(*pair)
    # What the interpreter has one object of.
    assert not (isinstance(x, int) and -5 <= x <= 256) or x is y, x
same(marshal.loads(sys.stdin.buffer.read()), compile(sys.argv[1], 'sample.py', 'exec'))
print('same')
";

#[test]
fn interpreters_read_what_is_written() {
    for interpreter in interpreters() {
        let source = source(interpreter.version.minor());
        let code = compile(&interpreter, &source);
        let data = write_code(&code, interpreter.version).expect("no opaque constants");
        assert_eq!(read_code(&data, interpreter.version), Ok(code));
        let mut child = Command::new(&interpreter.path)
            .args(["-c", COMPARE, &source])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter starts");
        child.stdin.take().expect("stdin is piped").write_all(&data).expect("written");
        let output = child.wait_with_output().expect("the interpreter ends");
        assert_eq!(output.stdout, b"same\n", "{}", interpreter.version);
    }
}

#[test]
fn a_library_is_written_and_read_back() {
    for interpreter in interpreters() {
        for module in stdlib(&interpreter, 40) {
            let data = write_code(&module.code, interpreter.version).expect("no opaque constants");
            assert_eq!(read_code(&data, interpreter.version).as_ref(), Ok(&module.code), "{}", module.path);
        }
    }
}

#[test]
fn pyc_files_name_their_version() {
    for interpreter in interpreters() {
        let code = compile(&interpreter, "a = 1\n");
        let mut file = table(interpreter.version).magic().to_le_bytes().to_vec();
        file.extend(b"\r\n");
        file.extend([0; 12]);
        file.extend(write_code(&code, interpreter.version).expect("no opaque constants"));
        let pyc = read_pyc(&file).expect("a pyc file");
        assert_eq!((pyc.version, pyc.code), (interpreter.version, code));
    }
}
