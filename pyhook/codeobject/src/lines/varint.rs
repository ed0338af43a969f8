//! Little-endian varints of six-bit groups, as location entries use them.

/// Reads one; advances `at`.
pub(super) fn read(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let (mut value, mut shift) = (0_u32, 0);
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u32::from(byte & 0x3f).checked_shl(shift)?;
        shift += 6;
        if byte & 0x40 == 0 {
            return Some(value);
        }
    }
}

/// Reads a signed one: the lowest bit is the sign.
pub(super) fn read_signed(bytes: &[u8], at: &mut usize) -> Option<i32> {
    let value = read(bytes, at)?;
    let magnitude = (value >> 1) as i32;
    Some(if value & 1 == 1 { -magnitude } else { magnitude })
}

/// Writes one.
pub(super) fn write(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x40 {
        out.push((value & 0x3f) as u8 | 0x40);
        value >>= 6;
    }
    out.push(value as u8);
}

/// Writes a signed one.
pub(super) fn write_signed(out: &mut Vec<u8>, value: i32) {
    let sign = u32::from(value < 0);
    write(out, value.unsigned_abs() << 1 | sign);
}
