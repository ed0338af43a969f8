//! A module's source and a patch of it, with a NUL between them: composed and planned, at import and live.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_planner::{Patch, Phase, PlanOptions, Texts, compose, parse, plan};

fuzz_target!(|content: &[u8]| {
    let Ok(text) = str::from_utf8(content) else { return };
    let Some((original, patch)) = text.split_once('\0') else { return };
    let name = if patch.contains("\n+++ ") { "fix.diff" } else { "fix.py" };
    if let Ok(patch) = parse(name, patch.as_bytes(), None) {
        lead_to(original, &patch);
    }
});

/// Plans for every module that the patch names.
fn lead_to(original: &str, patch: &Patch) {
    for module in &patch.modules {
        let composed = compose(module, false, original, &[patch]);
        let texts = Texts {
            module,
            is_package: false,
            original,
            running: original,
            target: &composed.text,
            contributions: &composed.contributions,
        };
        for phase in [Phase::Import, Phase::Live] {
            let _ = plan(&texts, &PlanOptions { renew: &patch.header.renew, phase });
        }
    }
}
