//! `.pyc` files: a header of 16 bytes (PEP 552), then one marshalled code object.

use super::{MarshalError, read_code};
use crate::{CodeObject, Version};

/// A `.pyc` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pyc {
    /// Version of the interpreter it is for, by its magic number.
    pub version: Version,
    /// The module's code.
    pub code: CodeObject,
}

/// Reads a whole `.pyc` file.
///
/// # Errors
/// When the magic number is unknown or the data is malformed.
pub fn read_pyc(bytes: &[u8]) -> Result<Pyc, MarshalError> {
    let header = bytes.get(..16).ok_or(MarshalError::Truncated)?;
    let magic = u16::from_le_bytes([header[0], header[1]]);
    let known = Version::from_magic(magic).filter(|_| header[2..4] == *b"\r\n");
    let version = known.ok_or(MarshalError::UnknownMagic(magic))?;
    let code = read_code(&bytes[16..], version)?;
    Ok(Pyc { version, code })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_refused() {
        let error = read_pyc(&[1; 20]).expect_err("no pyc file");
        assert_eq!(error, MarshalError::UnknownMagic(0x0101));
        assert_eq!(read_pyc(b"abc"), Err(MarshalError::Truncated));
    }
}
