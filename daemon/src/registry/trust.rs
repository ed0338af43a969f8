//! Which signatures count: the trusted keys (`keys/*.pub` beside the patch folder) and the setting
//! `require-signature` (`patchd.toml` there), and the verdict on a patch file.

use super::file::{self, Stamp};
use super::serials::Serials;
use crate::access::Access;
use patchctl_planner::digest;
use patchctl_protocol::location::Location;
use patchctl_signature::{Public, Signature};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The daemon's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    require_signature: bool,
}

/// Keys, settings and serial numbers.
#[derive(Debug)]
pub struct Trust {
    settings_file: PathBuf,
    keys_folder: PathBuf,
    access: Access,
    /// A file of settings that can't be read demands signatures: an attacker may have made it so.
    settings: Result<Settings, String>,
    keys: BTreeMap<String, Public>,
    seen: Vec<(PathBuf, Option<Stamp>)>,
    serials: Serials,
}

impl Trust {
    /// Reads everything.
    #[must_use]
    pub fn new(location: &Location, access: Access) -> Self {
        let mut trust = Self {
            settings_file: location.settings(),
            keys_folder: location.keys(),
            access,
            settings: Ok(Settings::default()),
            keys: BTreeMap::new(),
            seen: Vec::new(),
            serials: Serials::read(location.state.join("serials")),
        };
        trust.refresh();
        trust
    }

    /// Whether keys or settings are others than when they were read.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.look() != self.seen
    }

    fn look(&self) -> Vec<(PathBuf, Option<Stamp>)> {
        let listed = std::fs::read_dir(&self.keys_folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = listed.map(|item| item.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|suffix| suffix == "pub"));
        paths.sort_unstable();
        paths.push(self.settings_file.clone());
        paths.into_iter().map(|path| (path.clone(), Stamp::of(&path))).collect()
    }

    /// Reads keys and settings again if their files changed; whether they did.
    pub fn refresh(&mut self) -> bool {
        let now = self.look();
        if now == self.seen {
            return false;
        }
        self.settings = self.read_settings();
        if let Err(fault) = &self.settings {
            tracing::error!("{fault}: signatures are demanded");
        }
        self.keys = now.iter().filter_map(|(path, _)| self.read_key(path)).collect();
        self.seen = now;
        true
    }

    fn read_settings(&self) -> Result<Settings, String> {
        if self.settings_file.symlink_metadata().is_err() {
            return Ok(Settings::default());
        }
        let text = self.read(&self.settings_file)?;
        let name = self.settings_file.display();
        toml::from_str(&text).map_err(|error| format!("{name}: {}", error.message()))
    }

    fn read_key(&self, path: &Path) -> Option<(String, Public)> {
        let name = path.file_stem()?.to_str()?.to_owned();
        if path == self.settings_file {
            return None;
        }
        let key = self
            .read(path)
            .and_then(|text| Public::parse(&text).map_err(|error| format!("{}: {error}", path.display())));
        key.inspect_err(|fault| tracing::error!("{fault}")).ok().map(|key| (name, key))
    }

    /// Only what nobody else can write counts.
    fn read(&self, path: &Path) -> Result<String, String> {
        let content = file::read(path, self.access).content?;
        String::from_utf8(content).map_err(|_| format!("{}: it is no UTF-8 text", path.display()))
    }

    /// The verdict on a file that comes in; the name of the key that signed it.
    ///
    /// # Errors
    /// Why it is not to be let in.
    pub fn judge(&mut self, patch: &str, content: &[u8]) -> Result<Option<String>, String> {
        let Some((signature, signer)) = self.signer(patch, content)? else { return Ok(None) };
        self.serials.admit(patch, signature.serial, &digest(content))?;
        Ok(Some(signer))
    }

    /// The same for content that was let in before: keys may have been taken away since.
    ///
    /// # Errors
    /// Why it is not to stay.
    pub fn vouch(&self, patch: &str, content: &[u8]) -> Result<(), String> {
        self.signer(patch, content).map(drop)
    }

    fn signer(&self, patch: &str, content: &[u8]) -> Result<Option<(Signature, String)>, String> {
        let signature = Signature::of(content, patch).map_err(|fault| format!("bad signature: {fault}"))?;
        let Some(signature) = signature else {
            return self.unless_demanded("it is not signed".into());
        };
        match self.keys.iter().find(|(_, key)| signature.is_of(key)) {
            Some((name, _)) => Ok(Some((signature, name.clone()))),
            None => self.unless_demanded(format!("it is signed with an unknown key {}", signature.key)),
        }
    }

    fn unless_demanded<T>(&self, fault: String) -> Result<Option<T>, String> {
        match &self.settings {
            Ok(Settings { require_signature: false }) => Ok(None),
            Ok(_) => Err(format!(
                "{fault}, and this daemon demands a signature with a key of {}",
                self.keys_folder.display()
            )),
            Err(unread) => {
                Err(format!("{fault}, and a signature is demanded as long as this is so: {unread}"))
            }
        }
    }

    /// Notes that a patch was taken out, or put in again, by a command.
    pub fn set_withdrawn(&mut self, patch: &str, withdrawn: bool) {
        self.serials.set_withdrawn(patch, withdrawn);
    }
}
