//! Where things lie: the socket, the index, the patch folder, the history and the caches, for a user's
//! daemon, for the machine's, and under one folder named by `PATCHCTL_HOME`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Environment variable that puts everything under one folder (tests, demos, a daemon apart). Passed over
/// in set-uid programs and under `python -I` and `-E`.
pub const HOME_VARIABLE: &str = "PATCHCTL_HOME";

/// Whose daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One user's, with folders by the XDG base directory rules.
    User,
    /// The machine's, run by root.
    Machine,
    /// A folder of its own, named by [`HOME_VARIABLE`].
    Home,
}

/// The places of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub scope: Scope,
    /// Socket, index and lock: gone after a reboot. Private (0700), except the machine's (0755).
    pub runtime: PathBuf,
    /// The registry: the patch files.
    pub patches: PathBuf,
    /// History, content store and log.
    pub state: PathBuf,
    /// Patched source texts, shown by tracebacks.
    pub cache: PathBuf,
    /// Exists: patches are off in all processes.
    pub off_switch: PathBuf,
}

impl Location {
    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("patchd.sock")
    }

    /// The path of the index file, see [`crate::index`].
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.runtime.join(crate::index::FILE_NAME)
    }

    /// The path of the index file that only this user reads, which the machine's daemon writes.
    #[must_use]
    pub fn user_index(&self, uid: u32) -> PathBuf {
        self.runtime.join(format!("{}-{uid}", crate::index::FILE_NAME))
    }

    /// The daemon's settings.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.off_switch.with_file_name("patchd.toml")
    }

    /// The folder of keys whose signatures count.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.off_switch.with_file_name("keys")
    }

    /// Everything under one folder.
    #[must_use]
    pub fn home(folder: &Path) -> Self {
        Self {
            scope: Scope::Home,
            runtime: folder.join("run"),
            patches: folder.join("patches.d"),
            state: folder.join("state"),
            cache: folder.join("cache"),
            off_switch: folder.join("off"),
        }
    }

    /// The machine's daemon, by the Filesystem Hierarchy Standard.
    #[must_use]
    pub fn machine() -> Self {
        Self {
            scope: Scope::Machine,
            runtime: "/run/patchctl".into(),
            patches: "/etc/patchctl/patches.d".into(),
            state: "/var/lib/patchctl".into(),
            cache: "/var/cache/patchctl".into(),
            off_switch: "/etc/patchctl/off".into(),
        }
    }

    /// A user's daemon. `environment` looks up a variable.
    #[must_use]
    pub fn user(uid: u32, environment: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let home = environment("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let folder = |variable: &str, fallback: &str| {
            absolute(environment(variable)).unwrap_or_else(|| home.join(fallback)).join("patchctl")
        };
        let config = folder("XDG_CONFIG_HOME", ".config");
        Self {
            scope: Scope::User,
            runtime: user_runtime(uid, absolute(environment("XDG_RUNTIME_DIR"))),
            patches: config.join("patches.d"),
            state: folder("XDG_STATE_HOME", ".local/state"),
            cache: folder("XDG_CACHE_HOME", ".cache"),
            off_switch: config.join("off"),
        }
    }

    /// The daemon that a client of this user and environment speaks to if none runs yet: the one named by
    /// [`HOME_VARIABLE`], else the machine's for root, else the user's.
    #[must_use]
    pub fn of_process(uid: u32, environment: &dyn Fn(&str) -> Option<OsString>) -> Self {
        match absolute(environment(HOME_VARIABLE)) {
            Some(folder) => Self::home(&folder),
            None if uid == 0 => Self::machine(),
            None => Self::user(uid, environment),
        }
    }

    /// The places where a process looks for its daemon, in order: the folder named by the environment
    /// alone if there is one; else the machine's, then the user's.
    #[must_use]
    pub fn candidates(uid: u32, environment: &dyn Fn(&str) -> Option<OsString>) -> Vec<Self> {
        match absolute(environment(HOME_VARIABLE)) {
            Some(folder) => vec![Self::home(&folder)],
            None if uid == 0 => vec![Self::machine()],
            None => vec![Self::machine(), Self::user(uid, environment)],
        }
    }
}

/// `$XDG_RUNTIME_DIR`, else `/run/user/UID` where it exists, else a folder below `/tmp` (whose owner is
/// checked before it is trusted).
fn user_runtime(uid: u32, named: Option<PathBuf>) -> PathBuf {
    let standard = PathBuf::from(format!("/run/user/{uid}"));
    match named {
        Some(folder) => folder.join("patchctl"),
        None if standard.is_dir() => standard.join("patchctl"),
        None => PathBuf::from(format!("/tmp/patchctl-{uid}")),
    }
}

/// Relative paths in these variables are to be passed over (XDG base directory specification).
fn absolute(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}
