//! Sample functions compiled by every interpreter, and ways to spoil them.

#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::LazyLock;

use patchctl_codeobject::tables::table;
use patchctl_codeobject::{Body, CodeObject, Instruction, Op, VerifyError, Version, decode, encode, verify};

use crate::interpreters::{compile, function, interpreters};

pub struct Samples {
    pub module: CodeObject,
    pub version: Version,
}

impl Samples {
    pub fn get(&self, name: &str) -> CodeObject {
        let code = function(&self.module, name);
        verify(&code, self.version).unwrap_or_else(|error| panic!("{} {name}: {error}", self.version));
        code
    }

    pub fn body(&self, name: &str) -> (CodeObject, Body) {
        let code = self.get(name);
        let body = decode(&code, self.version).expect("verified code decodes");
        (code, body)
    }

    /// The sample with its instructions changed; stack size generous.
    pub fn changed(&self, name: &str, change: impl FnOnce(&mut Body)) -> Result<(), VerifyError> {
        let (mut code, mut body) = self.body(name);
        change(&mut body);
        let encoded = encode(&body, code.firstlineno).expect("encodes");
        code.code = encoded.code;
        code.linetable = encoded.linetable;
        code.exceptiontable = encoded.exceptiontable;
        code.stacksize += 10;
        verify(&code, self.version).map(|_| ())
    }

    pub fn has(&self, op: Op) -> bool {
        table(self.version).has(op)
    }
}

pub fn find(body: &Body, wanted: impl Fn(&Instruction) -> bool) -> usize {
    body.instructions.iter().position(wanted).expect("the sample has such an instruction")
}

/// The samples compiled by every interpreter, once for all tests.
pub static SAMPLES: LazyLock<Vec<Samples>> = LazyLock::new(|| {
    let source = concat!(include_str!("samples.py"), "\n\n", include_str!("crashed.py"))
        .replace("LONG", &"a = a.b(a, a)\n        ".repeat(60));
    let compiled = interpreters().into_iter().map(|interpreter| {
        let module = compile(&interpreter, &source);
        Samples { module, version: interpreter.version }
    });
    compiled.collect()
});

pub fn each_version(check: impl Fn(&Samples)) {
    SAMPLES.iter().for_each(check);
}

/// Asserts that the result is an error whose defect matches.
#[macro_export]
macro_rules! refused {
    ($samples:expr, $result:expr, $($pattern:pat_param)|+) => {
        match $result {
            Err(VerifyError { defect: $($pattern)|+, .. }) => {}
            other => panic!("{}: {:?} instead of {}", $samples.version, other.map(|_| ()), stringify!($($pattern)|+)),
        }
    };
}

pub fn is_load(instruction: &Instruction) -> bool {
    matches!(instruction.op, Op::LoadFast | Op::LoadFastBorrow | Op::LoadFastCheck)
}
