//! What a process has mapped: `/proc/PID/maps`, and the files in it as modules with their text. What a
//! module exports is read by [`crate::elf`].

use std::fs;
use std::io;
use std::ops::Range;

/// One line of `/proc/PID/maps`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mapping {
    addresses: Range<u64>,
    executable: bool,
    offset: u64,
    path: String,
}

/// A mapped file: the executable, a shared library, or the vdso.
#[derive(Clone, Debug)]
pub struct Module {
    /// As the kernel shows it, without the mark of a deleted file.
    pub path: String,
    /// Where its first byte is mapped.
    pub start: u64,
    pub text: Vec<Range<u64>>,
}

impl Module {
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether an address lies in its code.
    #[must_use]
    pub fn has_code_at(&self, address: u64) -> bool {
        self.text.iter().any(|range| range.contains(&address))
    }
}

/// The modules of a process, in order of their addresses.
///
/// # Errors
/// That the process is gone or may not be looked into.
pub fn modules(pid: i32) -> io::Result<Vec<Module>> {
    // Paths may hold any bytes.
    let text = fs::read(format!("/proc/{pid}/maps"))?;
    Ok(collect(&String::from_utf8_lossy(&text)))
}

fn collect(text: &str) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    for mapping in text.lines().filter_map(parse) {
        let begins = mapping.path == "[vdso]" || (mapping.offset == 0 && mapping.path.starts_with('/'));
        let goes_on = modules.last().is_some_and(|last| last.path == mapping.path);
        if begins {
            let start = mapping.addresses.start;
            modules.push(Module { path: mapping.path, start, text: Vec::new() });
        } else if !goes_on {
            continue;
        }
        if let Some(last) = modules.last_mut().filter(|_| mapping.executable) {
            last.text.push(mapping.addresses);
        }
    }
    modules
}

fn parse(line: &str) -> Option<Mapping> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let permissions = fields.next()?;
    let offset = number(fields.next()?)?;
    let path = fields.nth(2).unwrap_or_default().trim_start();
    Some(Mapping {
        addresses: number(start)?..number(end)?,
        executable: permissions.contains('x'),
        offset,
        path: path.strip_suffix(" (deleted)").unwrap_or(path).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::collect;

    const TEXT: &str = "\
400000-401000 r--p 00000000 fe:00 12 /opt/my python (deleted)
401000-500000 r-xp 00001000 fe:00 12 /opt/my python (deleted)
600000-700000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0000001000 r--p 00000000 fe:00 13 /lib/libm.so.6
7f0000001000-7f0000002000 r-xp 00001000 fe:00 13 /lib/libm.so.6
7f0000002000-7f0000003000 rw-p 00000000 00:00 0 
7f0000003000-7f0000004000 r--s 00002000 fe:00 14 /tmp/data
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0 [vdso]
";

    #[test]
    fn files_with_code_are_modules() {
        let found = collect(TEXT);
        let names: Vec<&str> = found.iter().map(|module| module.name()).collect();
        assert_eq!(names, ["my python", "libm.so.6", "[vdso]"]);
        assert_eq!(found[0].start, 0x0040_0000);
        assert!(found[0].has_code_at(0x0040_1000) && !found[0].has_code_at(0x0040_0000));
        assert!(found[2].has_code_at(0x7ffd_0000_0000));
    }
}
