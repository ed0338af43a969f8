//! What is run in the target: a Python text that loads the extension and calls its `attach`. It raises
//! nothing, prints nothing, leaves no name behind, may run twice, and imports nothing that is not
//! loaded: an import of `threading` outside the main thread would mistake that thread for it (up to 3.12).

use std::fmt::Write;

/// Defines `load()`, which does it all and gives `ok VERSION` or `error TYPE: TEXT`, as bytes.
const LOAD: &str = r#"
def load(path, home, name="patchctl_hook._native"):
    try:
        import sys
        native = sys.modules.get(name)
        if native is None and "patchctl_hook" in sys.modules:
            from patchctl_hook import _native as native
        if native is None:
            bootstrap = sys.modules["_frozen_importlib"]
            loader = sys.modules["_frozen_importlib_external"].ExtensionFileLoader(name, path)
            spec = bootstrap.ModuleSpec(name, loader, origin=path)
            native = bootstrap.module_from_spec(spec)
            loader.exec_module(native)
            native = sys.modules.setdefault(name, native)
        native.attach(home)
        return b"ok %d.%d.%d" % sys.version_info[:3]
    except BaseException as error:
        return ("error %s: %s" % (type(error).__name__, error)).encode("utf-8", "replace")
"#;

/// Runs `load()` in a thread, so that the main one goes on at once and no handler of a signal runs in
/// the middle of it; leaves the outcome in a file. Without that file's folder the request was taken back.
const IN_THREAD: &str = r#"
def tell(report, outcome):
    with open(report + ".part", "wb") as file:
        file.write(outcome)
    import posix
    posix.rename(report + ".part", report)
def run(path, home, report):
    try:
        import _signal
        _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        tell(report, load(path, home))
    except BaseException:
        pass
def start(path, home, report):
    try:
        import _thread
        _thread.start_new_thread(run, (path, home, report))
    except Exception as error:
        tell(report, ("error %s: %s" % (type(error).__name__, error)).encode("utf-8", "replace"))
"#;

/// What to load, as the target sees it.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// Path of the extension's file.
    pub extension: &'a str,
    /// The daemon's folder, where it is not the usual one.
    pub home: Option<&'a str>,
}

impl Load<'_> {
    /// For a thread of its own, in its own dictionary: the outcome is the variable `outcome`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{LOAD}outcome = load({}, {})\n", literal(self.extension), self.home_literal())
    }

    /// For a script file that runs in `__main__`; the outcome is written to the file `report`.
    #[must_use]
    pub fn script(&self, report: &str) -> String {
        let call =
            format!("start({}, {}, {})\n", literal(self.extension), self.home_literal(), literal(report));
        let text = literal(&format!("{LOAD}{IN_THREAD}{call}"));
        let start = format!("__import__(\"builtins\").exec({text}, {{}})");
        format!("try:\n    {start}\nexcept __import__(\"builtins\").Exception:\n    pass\n")
    }

    fn home_literal(&self) -> String {
        self.home.map_or_else(|| "None".to_owned(), literal)
    }
}

/// A Python string literal in ASCII.
fn literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            // Writing to a string can't fail.
            _ => drop(write!(quoted, "\\U{:08x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{Load, literal};

    #[test]
    fn literals_are_plain_ascii() {
        assert_eq!(literal("a\"\\\nä"), "\"a\\\"\\\\\\U0000000a\\U000000e4\"");
    }

    #[test]
    fn a_script_leaves_no_name_behind() {
        let script = Load { extension: "/x.so", home: None }.script("/tmp/report");
        assert!(script.starts_with("try:\n") && script.lines().count() == 4, "{script}");
        assert!(script.is_ascii() && script.contains("None"));
    }
}
