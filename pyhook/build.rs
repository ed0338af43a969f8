//! Links the unwinder into the extension. `libgcc_s` is in no process that runs Python alone, so loading it
//! was half of the time that loading the extension took.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu" {
        // The standard library asks for `-lgcc_s`; this linker script, found first, answers with the archive.
        let folder = variable("OUT_DIR");
        let script = Path::new(&folder).join("libgcc_s.so");
        fs::write(script, "INPUT(-lgcc_eh)\n").expect("the output folder can be written");
        println!("cargo:rustc-link-search=native={folder}");
    }
}
