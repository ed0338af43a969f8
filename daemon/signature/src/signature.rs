//! A patch file's signature: what it states, how it is made and checked.
//!
//! It states the patch's id, a serial number that grows with each signature, and the SHA-256 of the file
//! without the signature block. So a file can't pass for another patch, nor an older version for the newer.

use crate::block::{self, Divided};
use crate::key::{Public, Secret, bytes, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a signature is not good.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is no UTF-8 text")]
    NoText,
    #[error("{0}")]
    Block(&'static str),
    #[error("its signature block is malformed: {0}")]
    Toml(String),
    #[error("it was signed as patch {0}")]
    OtherPatch(String),
    #[error("its content is not what was signed")]
    Content,
}

/// What the block holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Id of the patch.
    pub patch: String,
    pub serial: u64,
    /// The public key, as hexadecimal digits.
    pub key: String,
    value: String,
}

impl Signature {
    /// The signature of a patch file, if it has one that its own key has made for this patch and content.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn of(content: &[u8], patch: &str) -> Result<Option<Self>, Fault> {
        let text = std::str::from_utf8(content).map_err(|_| Fault::NoText)?;
        let Divided { block, rest } = block::divide(text).map_err(Fault::Block)?;
        let Some(block) = block else { return Ok(None) };
        let found: Self = toml::from_str(&block).map_err(|error| Fault::Toml(error.message().to_owned()))?;
        if found.patch != patch {
            return Err(Fault::OtherPatch(found.patch));
        }
        let key = Public::from_hex(&found.key).ok_or(Fault::Toml("`key` is no public key".into()))?;
        let value = bytes(&found.value).ok_or(Fault::Toml("`value` is no signature".into()))?;
        let statement = statement(patch, found.serial, &rest);
        if key.has_signed(&statement, &value) { Ok(Some(found)) } else { Err(Fault::Content) }
    }

    /// Whether it was made by this key.
    #[must_use]
    pub fn is_of(&self, key: &Public) -> bool {
        Public::from_hex(&self.key).as_ref() == Some(key)
    }
}

/// The text of a patch file with a signature in it, in the place of one that it had.
///
/// # Errors
/// That its old block is malformed.
pub fn sign(text: &str, patch: &str, serial: u64, secret: &Secret) -> Result<String, Fault> {
    let Divided { rest, .. } = block::divide(text).map_err(Fault::Block)?;
    let value = hex(&secret.sign(&statement(patch, serial, &rest)));
    let signature = Signature { patch: patch.to_owned(), serial, key: secret.public().to_string(), value };
    let toml = toml::to_string(&signature).map_err(|error| Fault::Toml(error.to_string()))?;
    Ok(block::put_in(&rest, &toml))
}

fn statement(patch: &str, serial: u64, rest: &str) -> Vec<u8> {
    let digest = hex(&Sha256::digest(rest.as_bytes()));
    format!("patchctl patch signature 1\n{patch}\n{serial}\n{digest}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Fault, Signature, sign};
    use crate::Secret;

    fn signed() -> (String, Secret) {
        let secret = Secret::generate().expect("generates");
        (sign("--- a/x.py\n+++ b/x.py\n", "fix", 7, &secret).expect("signs"), secret)
    }

    #[test]
    fn a_signed_file_is_good_and_names_its_key() {
        let (text, secret) = signed();
        let found = Signature::of(text.as_bytes(), "fix").expect("is good").expect("is signed");
        assert!(found.is_of(&secret.public()));
        assert_eq!(found.serial, 7);
        assert_eq!(Signature::of(b"x = 1\n", "fix"), Ok(None));
    }

    #[test]
    fn signing_again_replaces_the_signature() {
        let (text, secret) = signed();
        let again = sign(&text, "fix", 8, &secret).expect("signs");
        assert_eq!(again.matches("/// signature").count(), 1);
        assert_eq!(Signature::of(again.as_bytes(), "fix").expect("is good").expect("is signed").serial, 8);
    }

    #[test]
    fn every_change_of_a_byte_is_found() {
        let (text, _) = signed();
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] ^= 1;
            let found = Signature::of(&changed, "fix");
            assert!(!matches!(found, Ok(Some(_))), "byte {index}: {found:?}");
        }
    }

    #[test]
    fn it_is_of_one_patch() {
        let (text, _) = signed();
        assert_eq!(Signature::of(text.as_bytes(), "other"), Err(Fault::OtherPatch("fix".into())));
    }
}
