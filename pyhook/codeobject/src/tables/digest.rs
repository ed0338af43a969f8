//! The fingerprint by which a running interpreter is compared with the tables.

/// Fingerprint of an opcode map: FNV-1a (64 bit) over `NAME=number,caches;` of every entry
/// of `opcode.opmap`, ordered by number and name. `caches` comes from
/// `opcode._inline_cache_entries` (0 where there is no entry).
#[must_use]
pub fn digest<'a>(opmap: impl IntoIterator<Item = (&'a str, u32, u32)>) -> u64 {
    let mut entries: Vec<_> = opmap.into_iter().collect();
    entries.sort_unstable_by_key(|(name, number, caches)| (*number, *name, *caches));
    let lines = entries.iter().map(|(name, number, caches)| format!("{name}={number},{caches};"));
    lines.fold(0xcbf2_9ce4_8422_2325, |hash, line| {
        line.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    })
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn order_does_not_matter_but_content_does() {
        let a = digest([("NOP", 9, 0), ("POP_TOP", 1, 0)]);
        assert_eq!(a, digest([("POP_TOP", 1, 0), ("NOP", 9, 0)]));
        assert_ne!(a, digest([("POP_TOP", 1, 1), ("NOP", 9, 0)]));
        assert_ne!(a, digest([("POP_TOP", 2, 0), ("NOP", 9, 0)]));
    }
}
