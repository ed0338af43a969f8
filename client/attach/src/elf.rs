//! Exported symbols of a mapped module, read from the target's memory: no file is opened, so stripped,
//! deleted, upgraded and foreign-namespace libraries are all alike. System V gABI, "Dynamic Section";
//! the hash table is the GNU one (`DT_GNU_HASH`).

use crate::memory::{Memory, as_words};

const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const CLASS_64: u8 = 2;
const SYMBOL_SIZE: u64 = 24;
/// Longest name that is compared, in bytes.
const LONGEST_NAME: usize = 64;
/// More program headers or dynamic entries than any real file has.
const MOST_HEADERS: usize = 64;
const MOST_ENTRIES: usize = 128;

/// The dynamic symbols of one module.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    memory: Memory,
    bias: u64,
    table: u64,
    strings: u64,
    hash: GnuHash,
}

#[derive(Clone, Copy, Debug)]
struct GnuHash {
    buckets: u64,
    bucket_count: u32,
    chains: u64,
    first: u32,
    bloom: u64,
    bloom_words: u32,
    bloom_shift: u32,
}

/// What kind of ELF file starts at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Bits64,
    /// 32 bit.
    Other,
    /// No ELF file.
    None,
}

/// Looks at the identification of the file mapped at `start`.
#[must_use]
pub fn class(memory: Memory, start: u64) -> Class {
    match memory.array::<5>(start) {
        Ok([0x7f, b'E', b'L', b'F', CLASS_64]) => Class::Bits64,
        Ok([0x7f, b'E', b'L', b'F', _]) => Class::Other,
        _ => Class::None,
    }
}

impl Symbols {
    /// Finds the tables of the module mapped at `start`; `None` if it exports nothing.
    #[must_use]
    pub fn read(memory: Memory, start: u64) -> Option<Self> {
        let header: [u8; 64] = memory.array(start).ok()?;
        if class(memory, start) != Class::Bits64 {
            return None;
        }
        let headers = program_headers(memory, start, &header)?;
        let first = headers.iter().filter(|one| one.kind == PT_LOAD).map(|one| one.address).min()?;
        let bias = start.wrapping_sub(first & !0xfff);
        let dynamic = headers.iter().find(|one| one.kind == PT_DYNAMIC)?;
        let count = (dynamic.size / 8).min(MOST_ENTRIES * 2);
        let entries = memory.words(bias.wrapping_add(dynamic.address), count).ok()?;
        // The loader writes absolute addresses there, except into read-only sections such as the vdso's.
        let find = |tag| {
            let entry = entries.as_chunks::<2>().0.iter().find(|[kind, _]| *kind == tag)?;
            Some(if entry[1] < start { entry[1].wrapping_add(bias) } else { entry[1] })
        };
        let hash = GnuHash::read(memory, find(DT_GNU_HASH)?)?;
        Some(Self { memory, bias, table: find(DT_SYMTAB)?, strings: find(DT_STRTAB)?, hash })
    }

    /// The address of an exported symbol.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u64> {
        let wanted = hash_of(name);
        let mut index = self.hash.start(self.memory, wanted)?;
        loop {
            let chain = self.memory.u32(self.hash.chains + 4 * u64::from(index - self.hash.first)).ok()?;
            if chain | 1 == wanted | 1
                && let Some(address) = self.matches(index, name)
            {
                return Some(address);
            }
            if chain & 1 == 1 {
                return None;
            }
            index += 1;
        }
    }

    fn matches(&self, index: u32, name: &str) -> Option<u64> {
        let symbol = self.memory.words(self.table + SYMBOL_SIZE * u64::from(index), 2).ok()?;
        let (named, section) = (symbol[0] & 0xffff_ffff, symbol[0] >> 48);
        let mut room = [0; LONGEST_NAME + 1];
        let read = self.memory.read_some(self.strings + named, &mut room[..=name.len()]).ok()?;
        let same = read == name.len() + 1 && room[..name.len()] == *name.as_bytes() && room[name.len()] == 0;
        (same && section != 0).then(|| symbol[1].wrapping_add(self.bias))
    }
}

impl GnuHash {
    fn read(memory: Memory, address: u64) -> Option<Self> {
        let head: [u8; 16] = memory.array(address).ok()?;
        let (words, _) = head.as_chunks::<4>();
        let [bucket_count, first, bloom_words, bloom_shift] =
            [0, 1, 2, 3].map(|at: usize| u32::from_ne_bytes(words[at]));
        if bucket_count == 0 || !bloom_words.is_power_of_two() {
            return None;
        }
        let bloom = address + 16;
        let buckets = bloom + 8 * u64::from(bloom_words);
        let chains = buckets + 4 * u64::from(bucket_count);
        Some(Self { buckets, bucket_count, chains, first, bloom, bloom_words, bloom_shift })
    }

    /// Index of the first symbol that may have this hash.
    fn start(&self, memory: Memory, hash: u32) -> Option<u32> {
        let at = u64::from((hash / 64) & (self.bloom_words - 1));
        let word = memory.u64(self.bloom + 8 * at).ok()?;
        let bits = (1_u64 << (hash % 64)) | (1_u64 << ((hash >> self.bloom_shift) % 64));
        if word & bits != bits {
            return None;
        }
        let bucket = memory.u32(self.buckets + 4 * u64::from(hash % self.bucket_count)).ok()?;
        (bucket >= self.first).then_some(bucket)
    }
}

struct ProgramHeader {
    kind: u64,
    address: u64,
    size: usize,
}

fn program_headers(memory: Memory, start: u64, header: &[u8; 64]) -> Option<Vec<ProgramHeader>> {
    let words = as_words(header);
    let (offset, count) = (words[4], usize::from(u16::from_ne_bytes([header[56], header[57]])));
    let table = memory.words(start + offset, count.min(MOST_HEADERS) * 7).ok()?;
    let (entries, _) = table.as_chunks::<7>();
    let parsed = entries.iter().map(|entry| ProgramHeader {
        kind: entry[0] & 0xffff_ffff,
        address: entry[2],
        size: usize::try_from(entry[5]).unwrap_or(0),
    });
    Some(parsed.collect())
}

fn hash_of(name: &str) -> u32 {
    name.bytes().fold(5381, |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::{Class, Symbols, class, hash_of};
    use crate::maps;
    use crate::memory::Memory;

    #[test]
    fn hashes_as_the_format_says() {
        assert_eq!((hash_of(""), hash_of("printf")), (0x1505, 0x156b_2bb8));
    }

    #[test]
    fn finds_what_the_linker_found() {
        let own = i32::try_from(std::process::id()).expect("fits");
        let memory = Memory::of(own);
        let modules = maps::modules(own).expect("reads");
        let found: Vec<u64> = modules
            .iter()
            .filter_map(|module| Symbols::read(memory, module.start)?.address("pthread_create"))
            .collect();
        let linked = libc::pthread_create as *const () as u64;
        assert!(found.contains(&linked), "{found:x?} without {linked:x}");
        let vdso = modules.iter().find(|module| module.path == "[vdso]").expect("has a vdso");
        assert_eq!(class(memory, vdso.start), Class::Bits64);
        assert!(Symbols::read(memory, vdso.start).is_none_or(|one| one.address("no_such_thing").is_none()));
    }
}
