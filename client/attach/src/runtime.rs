//! The CPython in a process: which module holds it, its version, and the addresses of what an attach
//! calls; and which modules have the C library, the loader and `malloc`. Nothing is stopped for this.

use crate::elf::{self, Class, Symbols};
use crate::maps::{self, Module};
use crate::memory::Memory;
use crate::process::Process;
use crate::refusal::{Refusal, Result};
use crate::version::Version;

/// First word of `_PyRuntime` since 3.13: `_Py_Debug_Cookie` of CPython's `pycore_debug_offsets.h`.
const COOKIE: u64 = u64::from_ne_bytes(*b"xdebugpy");

/// Functions of the interpreter and the C library, in the order in which the stub's table has them.
pub const FUNCTIONS: [&str; 14] = [
    "pthread_create",
    "pthread_self",
    "pthread_detach",
    "munmap",
    "Py_IsInitialized",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyDict_New",
    "PyRun_String",
    "Py_DecRef",
    "PyErr_Clear",
    "PyDict_GetItemString",
    "PyBytes_Size",
    "PyBytes_AsString",
];

/// How many of [`FUNCTIONS`] are the C library's.
const C_FUNCTIONS: usize = 4;

/// What stands in the code at some address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The C library: may hold its locks.
    CLibrary,
    /// The loader, the vdso, or a library that brings its own `malloc`.
    Guarded,
    Python,
    /// An extension of CPython's own standard library.
    StandardExtension,
    Other,
    /// No file's code.
    Unknown,
}

/// CPython in a process.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub version: Version,
    pub functions: [u64; FUNCTIONS.len()],
    /// `_PyRuntime`, if it starts with debug offsets (3.13 and later).
    pub debug_offsets: Option<u64>,
    modules: Vec<(Module, Code)>,
    brings_malloc: Vec<usize>,
}

impl Runtime {
    /// Finds it.
    ///
    /// # Errors
    /// That there is none, or one that can't be served.
    pub fn find(process: &Process) -> Result<Self> {
        let denied = process.inaccessible("read its memory");
        let modules = maps::modules(process.pid).map_err(&denied)?;
        let memory = Memory::of(process.pid);
        let first = modules.first().ok_or(Refusal::NotPython)?;
        memory.array::<4>(first.start).map_err(&denied)?;
        if elf::class(memory, first.start) == Class::Other {
            return Err(Refusal::ThirtyTwoBits);
        }
        let exports: Vec<Option<Symbols>> =
            modules.iter().map(|module| Symbols::read(memory, module.start)).collect();
        Self::build(process, memory, &modules, &exports)
    }

    fn build(
        process: &Process,
        memory: Memory,
        modules: &[Module],
        exports: &[Option<Symbols>],
    ) -> Result<Self> {
        let python = only_runtime(process, modules, exports)?;
        let symbols = exports[python].as_ref().ok_or(Refusal::NoSymbols)?;
        let version = version(memory, symbols)?;
        let c_libraries = exports.iter().flatten().filter(|one| one.address("pthread_create").is_some());
        let c_libraries: Vec<&Symbols> = c_libraries.chain(exporting(exports, "__libc_start_main")).collect();
        let mut functions = [0; FUNCTIONS.len()];
        for (at, name) in FUNCTIONS.iter().enumerate() {
            let found = match at {
                ..C_FUNCTIONS => c_libraries.iter().find_map(|one| one.address(name)),
                _ => symbols.address(name),
            };
            functions[at] = found.ok_or(Refusal::NoSymbols)?;
        }
        let debug_offsets = debug_offsets(memory, symbols)?;
        let mut sorted = Vec::new();
        let mut brings_malloc = Vec::new();
        for (at, module) in modules.iter().enumerate() {
            let code = kind(module, exports[at].as_ref(), at == python);
            if code == Code::Guarded && exports[at].is_some_and(|one| one.address("malloc").is_some()) {
                brings_malloc.push(at);
            }
            sorted.push((module.clone(), code));
        }
        Ok(Self { version, functions, debug_offsets, modules: sorted, brings_malloc })
    }

    /// What an address is in.
    #[must_use]
    pub fn code_at(&self, address: u64) -> Code {
        let found = self.modules.iter().find(|(module, _)| module.has_code_at(address));
        found.map_or(Code::Unknown, |(_, code)| *code)
    }

    /// Whether an address is in the code of a library that replaces `malloc`.
    #[must_use]
    pub fn is_foreign_malloc(&self, address: u64) -> bool {
        self.brings_malloc.iter().any(|at| self.modules[*at].0.has_code_at(address))
    }

    /// Whether some library replaces `malloc`.
    #[must_use]
    pub fn has_foreign_malloc(&self) -> bool {
        !self.brings_malloc.is_empty()
    }

    /// The modules of the C library.
    pub fn c_libraries(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter().filter(|(_, code)| *code == Code::CLibrary).map(|(module, _)| module)
    }
}

fn exporting<'a>(exports: &'a [Option<Symbols>], name: &'a str) -> impl Iterator<Item = &'a Symbols> {
    exports.iter().flatten().filter(move |one| one.address(name).is_some())
}

/// Index of the one module that exports an interpreter.
fn only_runtime(process: &Process, modules: &[Module], exports: &[Option<Symbols>]) -> Result<usize> {
    let exports_it = |at: &usize| exports[*at].is_some_and(|one| one.address("Py_IsInitialized").is_some());
    let found: Vec<usize> = (0..modules.len()).filter(exports_it).collect();
    match found[..] {
        [one] => Ok(one),
        [] if process.looks_like_python() => Err(Refusal::NoSymbols),
        [] => Err(Refusal::NotPython),
        [first, second, ..] => Err(Refusal::TwoRuntimes {
            first: modules[first].name().to_owned(),
            second: modules[second].name().to_owned(),
        }),
    }
}

fn kind(module: &Module, symbols: Option<&Symbols>, is_python: bool) -> Code {
    let exports = |name| symbols.is_some_and(|one| one.address(name).is_some());
    if exports("__libc_start_main") || (exports("pthread_create") && !is_python) {
        Code::CLibrary
    } else if module.path == "[vdso]" || exports("_rtld_global") || exports("malloc") {
        Code::Guarded
    } else if is_python {
        Code::Python
    } else if module.path.contains("/lib-dynload/") {
        Code::StandardExtension
    } else {
        Code::Other
    }
}

/// From `Py_Version` (3.11 and later), else from what the C API of a version was the first to have.
fn version(memory: Memory, symbols: &Symbols) -> Result<Version> {
    let unsupported = |version: String| Err(Refusal::UnsupportedVersion { version });
    let Some(address) = symbols.address("Py_Version") else {
        let minor = match (symbols.address("PyModule_AddObjectRef"), symbols.address("PyFrame_GetCode")) {
            (Some(_), _) => 10,
            (None, Some(_)) => 9,
            (None, None) => return unsupported("3.8 or older".into()),
        };
        return Ok(Version { minor, micro: None, is_final: true });
    };
    let word = memory.u32(address).map_err(Refusal::system("read its version"))?;
    let [level, micro, minor, major] = word.to_le_bytes();
    if major != 3 || !(9..=15).contains(&minor) {
        return unsupported(format!("{major}.{minor}"));
    }
    Ok(Version { minor, micro: Some(micro), is_final: level & 0xf0 == 0xf0 })
}

/// Checks the cookie, and refuses free-threaded builds, which an `abi3` extension does not fit.
fn debug_offsets(memory: Memory, symbols: &Symbols) -> Result<Option<u64>> {
    let Some(address) = symbols.address("_PyRuntime") else { return Ok(None) };
    let head = memory.words(address, 3).map_err(Refusal::system("read its runtime"))?;
    match head[..] {
        [COOKIE, _, 0] => Ok(Some(address)),
        [COOKIE, ..] => Err(Refusal::FreeThreaded),
        _ => Ok(None),
    }
}
