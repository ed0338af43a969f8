//! What the command line names: a place in a module, or in a file.

use crate::error::{Error, Kind, Result};
use crate::time::parse_seconds;
use patchctl_protocol::look::Place;
use std::path::PathBuf;
use std::time::Duration;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `module:qualname`, in processes or in an environment.
    Place(Place),
    /// `FILE.py` or `FILE.pyc`, with or without `:qualname`.
    File { path: PathBuf, qualname: String },
}

/// Where to look.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Only this process; every linked one by default
    #[arg(long, value_name = "PID", conflicts_with = "python")]
    pub pid: Vec<u32>,
    /// Look into this interpreter's or virtual environment's packages instead, or compile FILE with it
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// How long a process may take to answer
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_seconds)]
    pub deadline: Duration,
}

impl Target {
    /// Reads the argument.
    ///
    /// # Errors
    /// That it names neither.
    pub fn parse(text: &str) -> Result<Self> {
        let (first, qualname) = text.rsplit_once(':').unwrap_or((text, ""));
        if is_file(first) {
            return Ok(Self::File { path: first.into(), qualname: qualname.to_owned() });
        }
        if first == text || first.is_empty() || qualname.is_empty() {
            let message = format!("`{text}` names no code");
            return Err(Error::new(Kind::Usage, message)
                .hint("name a function as `module:qualname`, such as `app.core:Cart.total`, or in a file as `app.py:Cart.total`"));
        }
        Ok(Self::Place(Place { module: first.to_owned(), qualname: qualname.to_owned() }))
    }

    /// Whether an argument is one of these rather than the id of a patch.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.contains(':') || is_file(text)
    }

    /// As it is written.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Place(place) => format!("{}:{}", place.module, place.qualname),
            Self::File { path, qualname } if qualname.is_empty() => path.display().to_string(),
            Self::File { path, qualname } => format!("{}:{qualname}", path.display()),
        }
    }
}

fn is_file(text: &str) -> bool {
    let suffix = text.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    matches!(suffix, "py" | "pyc" | "pyw")
}

#[cfg(test)]
mod tests {
    use super::Target;
    use patchctl_protocol::look::Place;

    #[test]
    fn places_and_files() {
        let place = |module: &str, qualname: &str| {
            Target::Place(Place { module: module.into(), qualname: qualname.into() })
        };
        let file = |path: &str, qualname: &str| Target::File { path: path.into(), qualname: qualname.into() };
        let parsed = |text: &str| Target::parse(text).map_err(|error| error.message);
        assert_eq!(parsed("app.core:Cart.total"), Ok(place("app.core", "Cart.total")));
        assert_eq!(parsed("app:f.<locals>.g"), Ok(place("app", "f.<locals>.g")));
        assert_eq!(parsed("app.py:total"), Ok(file("app.py", "total")));
        assert_eq!(parsed("lib/app.pyc"), Ok(file("lib/app.pyc", "")));
        assert!(parsed("app").is_err());
        assert!(parsed("app:").is_err());
        assert!(!Target::is_meant("fix"));
    }
}
