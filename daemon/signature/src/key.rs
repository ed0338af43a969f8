//! Keys and their files: `NAME.pub` holds a line `patchctl-ed25519 HEX`, `NAME.key` a line
//! `patchctl-ed25519-secret HEX`, each with 32 bytes (RFC 8032, section 5.1.5).

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use std::fmt;

const PUBLIC: &str = "patchctl-ed25519 ";
const SECRET: &str = "patchctl-ed25519-secret ";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("no key: a line `{0}` and 64 hexadecimal digits is expected")]
    Malformed(&'static str),
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public(VerifyingKey);

/// A key that signs.
pub struct Secret(SigningKey);

impl Public {
    /// From the text of its file.
    ///
    /// # Errors
    /// That it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed(PUBLIC.trim_ascii());
        let hex = text.trim().strip_prefix(PUBLIC).ok_or_else(malformed)?;
        Self::from_hex(hex).ok_or_else(malformed)
    }

    pub(crate) fn from_hex(hex: &str) -> Option<Self> {
        VerifyingKey::from_bytes(&bytes(hex)?).ok().filter(|key| !key.is_weak()).map(Self)
    }

    /// The text of its file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}{self}\n")
    }

    pub(crate) fn has_signed(&self, statement: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(statement, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

/// As 64 hexadecimal digits.
impl fmt::Display for Public {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(self.0.as_bytes()))
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// That the system gives no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(KeyError::Random)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// From the text of its file.
    ///
    /// # Errors
    /// That it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let seed = text.trim().strip_prefix(SECRET).and_then(bytes);
        seed.map(|seed| Self(SigningKey::from_bytes(&seed))).ok_or(KeyError::Malformed(SECRET.trim_ascii()))
    }

    /// The text of its file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{SECRET}{}\n", hex(&self.0.to_bytes()))
    }

    /// The other half.
    #[must_use]
    pub fn public(&self) -> Public {
        Public(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `N` bytes from twice as many hexadecimal digits.
pub(crate) fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    if hex.len() != 2 * N || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut found = [0; N];
    for (index, byte) in found.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{Public, Secret};

    #[test]
    fn files_are_read_as_they_are_written() {
        let secret = Secret::generate().expect("generates");
        let again = Secret::parse(&secret.to_text()).expect("parses");
        assert_eq!(secret.public(), again.public());
        assert_eq!(Public::parse(&secret.public().to_text()).expect("parses"), secret.public());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let weak = format!("patchctl-ed25519 01{}", "00".repeat(31));
        for text in ["", "patchctl-ed25519 12", "ssh-ed25519 AAAA", weak.as_str()] {
            assert!(Public::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn signs_as_rfc_8032_says() {
        // Section 7.1, test 2.
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let secret = Secret::parse(&format!("patchctl-ed25519-secret {seed}")).expect("parses");
        assert!(
            super::hex(&secret.sign(&[0x72])).starts_with("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8f")
        );
    }
}
