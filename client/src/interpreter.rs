//! What another Python interpreter is: asked by running it once, isolated, with a small program. What
//! lies in its folders is read elsewhere.

use crate::error::{Error, Kind, Result};
use patchctl_protocol::edit::{Edit, Examined};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write as _};
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

/// Prints a JSON line that says why not, or `null` and then what the extension's `examine` answers for a file
/// and the edits that stand in its input. The extension does not start; nothing of the file runs.
const EXAMINE: &str = "\
import json, marshal, sys, warnings
from importlib.util import module_from_spec, spec_from_file_location
warnings.simplefilter('ignore')
extension, path = sys.argv[1:]
write = sys.stdout.buffer.write
try:
    spec = spec_from_file_location('_native', extension)
    native = module_from_spec(spec)
    spec.loader.exec_module(native)
    data = open(path, 'rb').read()
    code = marshal.loads(data[16:]) if path.endswith('.pyc') else compile(data, path, 'exec', dont_inherit=True)
    answer = native.examine(code, sys.stdin.buffer.read())
except Exception as error:
    write(json.dumps(f'{type(error).__name__}: {error}').encode() + b'\\n')
else:
    write(b'null\\n' + answer)
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
        let answer = run(&program, &[QUESTION], &[])?;
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
        let answer = run(Path::new(&self.executable), &[COMPILE, &path.to_string_lossy()], &[])?;
        let answer = unless_said(&answer).map_err(|said| {
            let message = format!("{} does not compile with CPython {}", path.display(), self.version);
            Error::new(Kind::Malformed, message).cause(said)
        })?;
        match answer {
            [low, high, code @ ..] => Ok((u16::from_le_bytes([*low, *high]), code.to_vec())),
            _ => Err(failed()),
        }
    }

    /// Tries edits on the code of a file, a source or a `.pyc`, with the hook's extension.
    ///
    /// # Errors
    /// That the interpreter can't load the extension or read the file.
    pub fn examine(&self, extension: &Path, path: &Path, edits: &[Edit]) -> Result<Examined> {
        let failed = || Error::new(Kind::Failed, format!("CPython {} can't try the edits", self.version));
        let input = serde_json::to_vec(edits).map_err(|error| failed().cause(error))?;
        let arguments = [EXAMINE, &extension.to_string_lossy(), &path.to_string_lossy()];
        let answer = run(Path::new(&self.executable), &arguments, &input)?;
        let answer = unless_said(&answer).map_err(|said| failed().cause(said))?;
        serde_json::from_slice(answer).map_err(|error| failed().cause(error))
    }
}

/// What stands after the first line, if that says nothing; else what it says.
fn unless_said(answer: &[u8]) -> std::result::Result<&[u8], String> {
    let end = answer.iter().position(|byte| *byte == b'\n').ok_or("it gives no answer")?;
    let said: Option<String> = serde_json::from_slice(&answer[..end]).map_err(|error| error.to_string())?;
    said.map_or(Ok(&answer[end + 1..]), Err)
}

/// What it prints for a program, its arguments and its input.
fn run(program: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    let failed = |error| Error::file("run", program, &error);
    let mut command = Command::new(program);
    command.args(["-I", "-B", "-c"]).args(arguments).env("PATCHCTL_DISABLE", "1");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let pipe = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes)).map(|_| bytes)
    });
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read says so by its answer.
        let _ = stdin.write_all(input);
    }
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
