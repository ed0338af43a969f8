//! What another Python interpreter is: asked by running it once, isolated, with a small program. What
//! lies in its folders is read elsewhere.

use crate::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long an interpreter may take to answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(1);

/// Prints what is asked for as JSON, on any Python since 3.0.
const QUESTION: &str = "\
import json, sys, sysconfig
print(json.dumps({
    'version': '%d.%d.%d' % sys.version_info[:3],
    'minor': list(sys.version_info[:2]),
    'implementation': sys.implementation.name,
    'free_threaded': bool(sysconfig.get_config_var('Py_GIL_DISABLED')),
    'prefix': sys.prefix,
    'executable': sys.executable,
    'site_packages': sysconfig.get_path('purelib'),
    'search_path': sys.path,
}))
";

/// Prints a JSON line that says how compiling the file went, then the magic number and the marshalled code.
const COMPILE: &str = "\
import importlib.util, json, marshal, sys, warnings
warnings.simplefilter('ignore')
write = sys.stdout.buffer.write
try:
    code = compile(open(sys.argv[1], 'rb').read(), sys.argv[1], 'exec', dont_inherit=True)
except (SyntaxError, ValueError) as error:
    write(json.dumps(str(error)).encode() + b'\\n')
else:
    write(b'null\\n' + importlib.util.MAGIC_NUMBER[:2] + marshal.dumps(code))
";

/// An interpreter, as it describes itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interpreter {
    /// As in `sys.version_info`: `3.11.7`.
    pub version: String,
    /// Major and minor version.
    pub minor: (u32, u32),
    /// `sys.implementation.name`.
    pub implementation: String,
    pub free_threaded: bool,
    pub prefix: String,
    pub executable: String,
    /// Where pip puts packages.
    pub site_packages: PathBuf,
    /// `sys.path` under `-I`: without the current folder, `PYTHONPATH` and the user's packages.
    pub search_path: Vec<String>,
}

impl Interpreter {
    /// Asks the interpreter at `path`, or the one of the environment folder `path`. A bare name is looked
    /// up on `PATH`.
    ///
    /// # Errors
    /// That it is not there, does not answer, or is no Python.
    pub fn ask(path: &Path) -> Result<Self> {
        let program = if path.is_dir() { path.join("bin/python") } else { path.to_owned() };
        let answer = run(&program, &[QUESTION])?;
        let answer = String::from_utf8_lossy(&answer);
        let line = answer.lines().last().unwrap_or_default();
        serde_json::from_str(line).map_err(|error| {
            let message = format!("{} does not answer as a Python interpreter", program.display());
            Error::new(Kind::NotFound, message)
                .cause(error)
                .hint("name an interpreter or a virtual environment: `--python .venv/bin/python`")
        })
    }

    /// Compiles a file, without running any of it: the magic number of its `.pyc` files, and the marshalled
    /// code.
    ///
    /// # Errors
    /// That the file is no Python of this version.
    pub fn compile(&self, path: &Path) -> Result<(u16, Vec<u8>)> {
        let failed = || Error::new(Kind::Failed, format!("CPython {} gives no code", self.version));
        let answer = run(Path::new(&self.executable), &[COMPILE, &path.to_string_lossy()])?;
        let end = answer.iter().position(|byte| *byte == b'\n').ok_or_else(failed)?;
        let said: Option<String> =
            serde_json::from_slice(&answer[..end]).map_err(|error| failed().cause(error))?;
        if let Some(said) = said {
            let message = format!("{} does not compile with CPython {}", path.display(), self.version);
            return Err(Error::new(Kind::Malformed, message).cause(said));
        }
        match &answer[end + 1..] {
            [low, high, code @ ..] => Ok((u16::from_le_bytes([*low, *high]), code.to_vec())),
            _ => Err(failed()),
        }
    }
}

/// What it prints for a program and its arguments.
fn run(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let failed = |error| Error::file("run", program, &error);
    let mut command = Command::new(program);
    command.args(["-I", "-B", "-c"]).args(arguments).env("PATCHCTL_DISABLE", "1");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let pipe = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes)).map(|_| bytes)
    });
    let begun = Instant::now();
    while child.try_wait().map_err(failed)?.is_none() {
        if begun.elapsed() > DEADLINE {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
            let message = format!("{} does not answer after {} s", program.display(), DEADLINE.as_secs());
            return Err(Error::new(Kind::Failed, message));
        }
        thread::sleep(INTERVAL);
    }
    reader.join().unwrap_or_else(|_| Ok(Vec::new())).map_err(failed)
}
