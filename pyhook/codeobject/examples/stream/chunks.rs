//! Pieces of data with their length before them.

use std::io::{self, ErrorKind, Read, Write};

use patchctl_codeobject::marshal::read_code;
use patchctl_codeobject::{CodeObject, Version};

/// Reads a piece; `None` at the end.
pub fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        done => done?,
    }
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a piece.
pub fn write(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(&(bytes.len() as u32).to_le_bytes())?;
    output.write_all(bytes)?;
    output.flush()
}

/// Reads a name and a code object; `None` at the end.
pub fn read_named(input: &mut impl Read, version: Version) -> io::Result<Option<(String, CodeObject)>> {
    let Some(name) = read(input)? else { return Ok(None) };
    let name = String::from_utf8_lossy(&name).into_owned();
    let data = read(input)?.ok_or(ErrorKind::UnexpectedEof)?;
    let code = read_code(&data, version).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
    Ok(Some((name, code)))
}
