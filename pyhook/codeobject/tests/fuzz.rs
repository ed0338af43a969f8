//! Mutants: random changes in real code objects. Those the verifier accepts are run by the
//! interpreter, and not one may crash it. A few thousand by default, many with
//! `PATCHCTL_LONG=1`; `PATCHCTL_SEED` gives other ones.

#![expect(clippy::print_stderr, reason = "the figures are the point")]

mod interpreters;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use interpreters::{Interpreter, compile, interpreters, long, walk};
use patchctl_codeobject::marshal::write_code;
use patchctl_codeobject::{CodeObject, verify_tree};

/// What is changed; the end of it are functions whose mutants once crashed an interpreter.
const CORPUS: &str = concat!(include_str!("fuzz/corpus.py"), "\n\n", include_str!("samples/crashed.py"));

/// `xorshift64*`: the same mutants each time for one seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// Changes one to three bytes of the code, rarely of the exception table or the stack size.
fn mutate(code: &CodeObject, random: &mut Random) -> CodeObject {
    let mut mutant = code.clone();
    for _ in 0..=random.below(3) {
        let table = !mutant.exceptiontable.is_empty() && random.below(8) == 0;
        let bytes = if table { &mut mutant.exceptiontable } else { &mut mutant.code };
        let at = random.below(bytes.len());
        let other = random.below(bytes.len());
        bytes[at] = match random.below(4) {
            0 => random.below(256) as u8,
            1 => bytes[at].wrapping_add(1),
            2 => bytes[at].wrapping_sub(1),
            // What is elsewhere in the code: more likely to be an instruction.
            _ => bytes[(other & !1 | at & 1).min(bytes.len() - 1)],
        };
    }
    if random.below(30) == 0 {
        mutant.stacksize = mutant.stacksize.saturating_sub(1);
    }
    mutant
}

struct Runner {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Runner {
    fn start(interpreter: &Interpreter) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
        let mut child = Command::new(&interpreter.path)
            .args(["-B", &format!("{folder}/fuzz/child.py")])
            .args(["fuzz/corpus.py", "samples/crashed.py"].map(|name| format!("{folder}/{name}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the interpreter starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, stdin, stdout }
    }

    /// Runs a mutant; the signal if the interpreter crashed.
    fn run(&mut self, hex: &str) -> Result<(), Option<i32>> {
        let sent = writeln!(self.stdin, "{hex}");
        let mut line = String::new();
        if sent.is_ok() && self.stdout.read_line(&mut line).is_ok() && line == "ok\n" {
            return Ok(());
        }
        Err(self.child.wait().expect("the interpreter ended").signal())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fuzz(interpreter: &Interpreter, tries: usize, seed: u64, crashes: &mut Vec<String>) {
    let module = compile(interpreter, CORPUS);
    let mut corpus = Vec::new();
    walk(&module, &mut |code| corpus.push(code.clone()));
    corpus.retain(|code| code.name != "<module>");
    let mut random = Random(seed);
    let mut runner = Runner::start(interpreter);
    let (mut accepted, mut same, mut hung) = (0, 0, 0);
    for _ in 0..tries {
        let original = &corpus[random.below(corpus.len())];
        let mutant = mutate(original, &mut random);
        if mutant == *original {
            same += 1;
            continue;
        }
        if verify_tree(&mutant, interpreter.version).is_err() {
            continue;
        }
        accepted += 1;
        let data = write_code(&mutant, interpreter.version).expect("no opaque constants");
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let Err(signal) = runner.run(&hex) else { continue };
        runner = Runner::start(interpreter);
        hung += usize::from(signal.is_none());
        if let Some(signal) = signal {
            let changed = original.code.iter().zip(&mutant.code).enumerate().filter(|(_, (a, b))| a != b);
            let changed: Vec<_> = changed.map(|(at, (a, b))| format!("{at}: {a} -> {b}")).collect();
            let (version, name) = (interpreter.version, &original.qualname);
            crashes.push(format!(
                "{version} {name}: signal {signal}, {changed:?}, table {}",
                original.exceptiontable != mutant.exceptiontable
            ));
        }
    }
    eprintln!(
        "{}: {tries} mutants ({same} unchanged), {accepted} accepted, {hung} never ended",
        interpreter.version
    );
}

#[test]
fn accepted_mutants_do_not_crash() {
    let tries = if long() { 60_000 } else { 4_000 };
    let seed = std::env::var("PATCHCTL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2_026);
    let mut crashes = Vec::new();
    for interpreter in interpreters() {
        fuzz(&interpreter, tries, seed, &mut crashes);
    }
    let count = crashes.len();
    crashes.truncate(40);
    assert!(crashes.is_empty(), "{count} crashes:\n{}", crashes.join("\n"));
}
