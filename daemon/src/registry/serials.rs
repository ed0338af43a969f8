//! The serial numbers of signed patches that were let in: an older version of a patch, and one that was taken
//! out, do not come back by themselves.

use crate::files::{self, Durable};
use patchctl_protocol::digest::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The newest version of a patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Newest {
    serial: u64,
    digest: Digest,
    /// It was taken out by a command.
    withdrawn: bool,
}

/// What is remembered, in a file of the state folder.
#[derive(Debug)]
pub struct Serials {
    path: PathBuf,
    newest: BTreeMap<String, Newest>,
}

impl Serials {
    /// Reads the file; a missing or torn one counts as empty.
    #[must_use]
    pub fn read(path: PathBuf) -> Self {
        let text = std::fs::read(&path).unwrap_or_default();
        Self { newest: serde_json::from_slice(&text).unwrap_or_default(), path }
    }

    /// Lets a signed version in and remembers it.
    ///
    /// # Errors
    /// Why it is not to be let in.
    pub fn admit(&mut self, patch: &str, serial: u64, digest: &Digest) -> Result<(), String> {
        if let Some(known) = self.newest.get(patch) {
            let newest = known.serial;
            if serial < newest {
                return Err(format!(
                    "downgrade: its serial {serial} is older than {newest}, which was here before"
                ));
            }
            if serial == newest && *digest != known.digest {
                return Err(format!("replay: another content with the serial {serial} was here before"));
            }
            if serial == newest && known.withdrawn {
                return Err(format!("replay: serial {serial} was removed; `patchctl add` takes it in again"));
            }
            if serial == newest {
                return Ok(());
            }
        }
        self.newest.insert(patch.to_owned(), Newest { serial, digest: digest.clone(), withdrawn: false });
        self.write();
        Ok(())
    }

    /// Notes that a patch was taken out, or put in again, by a command.
    pub fn set_withdrawn(&mut self, patch: &str, withdrawn: bool) {
        if let Some(known) = self.newest.get_mut(patch).filter(|known| known.withdrawn != withdrawn) {
            known.withdrawn = withdrawn;
            self.write();
        }
    }

    fn write(&self) {
        let written = serde_json::to_vec(&self.newest)
            .map_err(std::io::Error::from)
            .and_then(|text| files::replace(&self.path, &text, 0o600, Durable::Yes));
        if let Err(error) = written {
            tracing::warn!("failed to remember serial numbers: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Serials;
    use patchctl_protocol::digest::Digest;

    #[test]
    fn older_and_withdrawn_versions_stay_out() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("serials");
        let mut serials = Serials::read(path.clone());
        let (one, two) = (Digest("1".into()), Digest("2".into()));
        assert!(serials.admit("fix", 5, &one).is_ok() && serials.admit("fix", 5, &one).is_ok());
        assert!(serials.admit("fix", 5, &two).is_err_and(|fault| fault.starts_with("replay")));
        assert!(serials.admit("fix", 4, &two).is_err_and(|fault| fault.starts_with("downgrade")));
        serials.set_withdrawn("fix", true);
        let mut serials = Serials::read(path);
        assert!(serials.admit("fix", 5, &one).is_err_and(|fault| fault.starts_with("replay")));
        assert!(serials.admit("fix", 6, &two).is_ok() && serials.admit("other", 1, &one).is_ok());
    }
}
