//! The virtual environment with the vulnerable package, and the fix as a diff made of two releases.

use super::flaw::{Flaw, Origin, SAMPLE, URLLIB3};
use super::stage::Stage;
use crate::error::{Error, Kind, Result};
use crate::hook;
use crate::interpreter::Interpreter;
use crate::looking::for_file;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The demo's virtual environment.
pub struct Environment {
    pub python: PathBuf,
    site_packages: PathBuf,
    has_pip: bool,
}

impl Environment {
    /// Makes it, with the interpreter named, else the one beside this program, else the one on `PATH`.
    ///
    /// # Errors
    /// That no interpreter can make one.
    pub fn make(named: Option<&Path>, stage: &mut Stage<'_>) -> Result<Self> {
        let base = base_interpreter(named)?;
        let program = Path::new(&base.executable).to_owned();
        let typed = format!("{} -m venv venv", program.display());
        let mut command = stage.scratch.command(&program);
        let made = stage.run(&typed, command.args(["-m", "venv", "venv"]))?;
        let has_pip = made.status.success();
        if !has_pip {
            stage.show(&made.text)?;
            stage.say("It goes without pip.")?;
            let mut command = stage.scratch.command(&program);
            let typed = format!("{} -m venv --clear --without-pip venv", program.display());
            stage.quietly(&typed, command.args(["-m", "venv", "--clear", "--without-pip", "venv"]))?;
        }
        let python = stage.scratch.folder().join("venv/bin/python");
        let site_packages = Interpreter::ask(&python)?.site_packages;
        Ok(Self { python, site_packages, has_pip })
    }

    /// Installs a vulnerable package, and writes its fix to `fix.diff`: the real one, or the sample where
    /// the registry is out of reach.
    ///
    /// # Errors
    /// That neither works.
    pub fn install(&self, only_sample: bool, stage: &mut Stage<'_>) -> Result<(&'static Flaw, String)> {
        if !only_sample && self.has_pip {
            let Origin::Registry { name, vulnerable, fixed } = URLLIB3.origin else {
                return Err(Error::new(Kind::Failed, "the real package has no releases"));
            };
            let installed = self.pip(&["install", &format!("{name}=={vulnerable}")], stage)?;
            let downloaded = installed
                && self
                    .pip(&["download", "--no-deps", "--dest", "fixed", &format!("{name}=={fixed}")], stage)?;
            if downloaded {
                let diff = self.diff_of_releases(&URLLIB3, stage)?;
                return Ok((&URLLIB3, diff));
            }
            stage.say("The package registry is out of reach: this goes on with a sample package that patchctl carries.")?;
        }
        let Origin::Carried { vulnerable, fixed } = SAMPLE.origin else {
            return Err(Error::new(Kind::Failed, "the sample has no text"));
        };
        self.write(SAMPLE.file, vulnerable)?;
        Ok((&SAMPLE, SAMPLE.header_block() + &for_file(SAMPLE.file, vulnerable, fixed)))
    }

    /// The package's file that the fix changes, as it is installed.
    ///
    /// # Errors
    /// That it can't be read.
    pub fn installed_file(&self, flaw: &Flaw) -> Result<String> {
        read(&self.site_packages.join(flaw.file))
    }

    fn pip(&self, words: &[&str], stage: &mut Stage<'_>) -> Result<bool> {
        let mut command = stage.scratch.command(&self.python);
        command.args(["-m", "pip", "--disable-pip-version-check", "--retries", "1"]).args(words);
        let said = stage.run(&format!("venv/bin/pip {}", words.join(" ")), &mut command)?;
        if !said.status.success() {
            stage.show(said.text.trim_end().lines().last().unwrap_or_default())?;
        }
        Ok(said.status.success())
    }

    fn diff_of_releases(&self, flaw: &Flaw, stage: &mut Stage<'_>) -> Result<String> {
        let wheel = only_file(&stage.scratch.folder().join("fixed"))?;
        let mut unpack: Command = stage.scratch.command(&self.python);
        unpack.args([
            OsStr::new("-m"),
            OsStr::new("zipfile"),
            OsStr::new("-e"),
            wheel.as_os_str(),
            OsStr::new("fixed"),
        ]);
        stage.quietly("venv/bin/python -m zipfile -e fixed/*.whl fixed", &mut unpack)?;
        let fixed = read(&stage.scratch.folder().join("fixed").join(flaw.file))?;
        let file = flaw.file;
        stage.prompt(&format!("diff -u venv/lib/python*/site-packages/{file} fixed/{file} > fix.diff"))?;
        Ok(flaw.header_block() + &for_file(file, &self.installed_file(flaw)?, &fixed))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.site_packages.join(name);
        fs::write(&path, text).map_err(|error| Error::file("write", &path, &error))
    }
}

fn base_interpreter(named: Option<&Path>) -> Result<Interpreter> {
    let supported = |interpreter: Interpreter| match hook::support(&interpreter) {
        None => Ok(interpreter),
        Some(reason) => Err(Error::new(Kind::Refused, reason).hint("name another one with --python")),
    };
    if let Some(path) = named {
        return supported(Interpreter::ask(path)?);
    }
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("python3"));
    let found = beside.filter(|path| path.exists()).and_then(|path| Interpreter::ask(&path).ok());
    if let Some(interpreter) = found.filter(|interpreter| hook::support(interpreter).is_none()) {
        return Ok(interpreter);
    }
    supported(Interpreter::ask(Path::new("python3"))?)
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, &error))?;
    let first = entries.next().and_then(std::io::Result::ok);
    first
        .map(|entry| entry.path())
        .ok_or_else(|| Error::new(Kind::Failed, format!("pip left nothing in {}", folder.display())))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::file("read", path, &error))
}
