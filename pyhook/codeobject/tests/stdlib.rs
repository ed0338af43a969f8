//! Every code object of the standard libraries: decoded and encoded to the same bytes,
//! never with a larger stack, and accepted by the verifier. A tenth of the files by
//! default, all with `PATCHCTL_LONG=1`.

#![expect(clippy::print_stderr, reason = "the figures are the point")]

mod identity;
mod interpreters;

use identity::{Figures, check};
use interpreters::{interpreters, long, stdlib, walk};

#[test]
fn unedited_code_objects_come_out_identical() {
    let stride = if long() { 1 } else { 10 };
    for interpreter in interpreters() {
        let mut figures = Figures::default();
        let mut failures = Vec::new();
        for module in stdlib(&interpreter, stride) {
            figures.files += 1;
            walk(&module.code, &mut |code| {
                if let Err(error) = check(code, interpreter.version, &mut figures) {
                    failures.push(format!("{} {}: {error}", module.path, code.qualname));
                }
            });
        }
        eprintln!("{}: {figures:?}", interpreter.version);
        let count = failures.len();
        failures.truncate(20);
        assert!(failures.is_empty(), "{count} failures: {failures:#?}");
        assert!(figures.objects > 1000, "only {} code objects", figures.objects);
    }
}
