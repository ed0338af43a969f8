//! The guards of a patch that look at the process: its Python, its packages, who runs it and when.

use super::Patch;
use super::header::Processes;
use globset::Glob;
use patchctl_protocol::state::{Reason, Refusal};
use pep440_rs::Version;
use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};
use std::str::FromStr;

/// What the guards ask about a process.
pub struct Environment<'a> {
    /// Version of the interpreter, such as `3.12.1`.
    pub python: &'a str,
    pub command: &'a [String],
    /// Name of the user.
    pub user: &'a str,
    pub uid: u32,
    /// `sys.prefix`.
    pub prefix: &'a str,
    pub executable: &'a str,
    /// Seconds since the epoch.
    pub now: f64,
    /// Version of an installed distribution, by its normalised name (PEP 503).
    pub version_of: &'a dyn Fn(&str) -> Option<String>,
}

impl Patch {
    /// Whether the patch is meant for this process.
    ///
    /// # Errors
    /// The first guard that does not hold: `other-process`, `expired`, `python-mismatch` or
    /// `version-mismatch`.
    pub fn guard(&self, env: &Environment<'_>) -> Result<(), Refusal> {
        self.header.processes.guard(env)?;
        self.guard_time(env.now)?;
        self.guard_python(env.python)?;
        self.header.requires.iter().try_for_each(|requirement| guard_version(requirement, env))
    }

    fn guard_time(&self, now: f64) -> Result<(), Refusal> {
        match self.header.expires {
            Some(expires) if expires <= now => {
                let minutes = ((now - expires) / 60.0).floor();
                Err(Refusal::new(Reason::Expired, format!("expired {minutes} minutes ago")))
            }
            _ => Ok(()),
        }
    }

    /// A pre-release of an interpreter counts as its release.
    fn guard_python(&self, python: &str) -> Result<(), Refusal> {
        let Some(wanted) = &self.header.python else { return Ok(()) };
        let version = Version::from_str(python).map(|version| version.only_release());
        if version.is_ok_and(|version| wanted.contains(&version)) {
            return Ok(());
        }
        let detail = format!("the process runs Python {python}, the patch is for {wanted}");
        Err(Refusal::new(Reason::PythonMismatch, detail))
    }
}

fn guard_version(requirement: &Requirement<VerbatimUrl>, env: &Environment<'_>) -> Result<(), Refusal> {
    let mismatch = |detail: String| Err(Refusal::new(Reason::VersionMismatch, detail));
    let name = requirement.name.as_ref();
    let Some(installed) = (env.version_of)(name) else {
        return mismatch(format!("{name} is not installed, the patch is for {requirement}"));
    };
    let Some(VersionOrUrl::VersionSpecifier(wanted)) = &requirement.version_or_url else { return Ok(()) };
    if Version::from_str(&installed).is_ok_and(|version| wanted.contains(&version)) {
        return Ok(());
    }
    mismatch(format!("{name} {installed} is installed, the patch is for {wanted}"))
}

impl Processes {
    fn guard(&self, env: &Environment<'_>) -> Result<(), Refusal> {
        let other = |detail: String| Err(Refusal::new(Reason::OtherProcess, detail));
        if let Some(pattern) = &self.cmdline
            && !matches_command(pattern, env.command)
        {
            return other(format!("the command line `{}` is not `{pattern}`", env.command.join(" ")));
        }
        if let Some(user) = &self.user
            && user != env.user
            && *user != env.uid.to_string()
        {
            return other(format!("the user is {} ({}), not {user}", env.user, env.uid));
        }
        if let Some(pattern) = &self.prefix
            && !matches(pattern.trim_end_matches('/'), env.prefix.trim_end_matches('/'))
        {
            return other(format!("the environment is {}, not {pattern}", env.prefix));
        }
        Ok(())
    }
}

/// A pattern fits the whole command line, or one of its words, or the file name in one.
fn matches_command(pattern: &str, command: &[String]) -> bool {
    let word = |word: &String| {
        matches(pattern, word) || word.rsplit('/').next().is_some_and(|name| matches(pattern, name))
    };
    matches(pattern, &command.join(" ")) || command.iter().any(word)
}

fn matches(pattern: &str, text: &str) -> bool {
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

#[cfg(test)]
mod tests {
    use crate::patch::{Environment, parse};
    use patchctl_protocol::state::Reason;

    fn guard(header: &str) -> Result<(), Reason> {
        let lines: String = header.lines().map(|line| format!("# {line}\n")).collect();
        let diff = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-a\n+b\n";
        let text = format!("# /// patch\n{lines}# ///\n{diff}");
        let patch = parse("x.diff", text.as_bytes(), None).expect("a patch");
        let installed = |name: &str| (name == "ruamel-yaml").then(|| "0.17.2".to_owned());
        let command = ["/usr/bin/python3".to_owned(), "/srv/bin/gunicorn".into(), "app".into()];
        let env = Environment {
            python: "3.12.1",
            command: &command,
            user: "www",
            uid: 33,
            prefix: "/srv/venv",
            executable: "/srv/venv/bin/python",
            now: 1000.0,
            version_of: &installed,
        };
        patch.guard(&env).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn hold() {
        for header in [
            "",
            "python = '>=3.9,<3.13'",
            "requires = ['ruamel.yaml>=0.17,<0.18']",
            "requires = 'Ruamel_YAML'",
            "expires = 1970-01-01T00:30:00Z",
            "processes = {cmdline = 'gunicorn', user = 'www', prefix = '/srv/venv/'}",
            "processes = {cmdline = '*gunicorn app', user = '33', prefix = '/srv/*'}",
        ] {
            assert_eq!(guard(header), Ok(()), "{header}");
        }
    }

    #[test]
    fn refuse() {
        for (header, reason) in [
            ("python = '<3.12'", Reason::PythonMismatch),
            ("requires = ['ruamel.yaml>=0.18']", Reason::VersionMismatch),
            ("requires = ['urllib3']", Reason::VersionMismatch),
            ("expires = 1970-01-01T00:10:00Z", Reason::Expired),
            ("processes = {cmdline = 'celery*'}", Reason::OtherProcess),
            ("processes = {user = 'root'}", Reason::OtherProcess),
            ("processes = {prefix = '/srv'}", Reason::OtherProcess),
        ] {
            assert_eq!(guard(header), Err(reason), "{header}");
        }
    }
}
