//! The guard of a patch on the functions that it was written for.

use super::composer::Composer;
use crate::fingerprint::{of_source, qualnames};
use crate::near::near_misses;
use crate::patch::Patch;
use crate::source::Source;
use patchctl_protocol::state::{Reason, Refusal};

impl Composer<'_> {
    /// Refuses a patch that names functions with other fingerprints than the installed ones have, or than
    /// they have after the patches before it. A key `pkg.mod:C.method` concerns that module alone.
    pub(super) fn check_fingerprints(&self, patch: &Patch) -> Result<(), Refusal> {
        let wanted = &patch.header.fingerprint;
        if wanted.is_empty() {
            return Ok(());
        }
        let original = Source::parse(self.original, self.module)?;
        let text = self.document.text();
        let current = Source::parse(&text, self.module)?;
        for (key, digest) in wanted {
            let qualname = match key.split_once(':') {
                Some((module, qualname)) if module == self.module => qualname,
                Some(_) => continue,
                None => key.as_str(),
            };
            let found = [of_source(&original, qualname), of_source(&current, qualname)];
            if found.iter().flatten().any(|found| found == digest) {
                continue;
            }
            match found.into_iter().flatten().next() {
                Some(found) => {
                    let detail =
                        format!("{qualname} is {}, the patch is for {}", found.short(), digest.short());
                    return Err(Refusal::new(Reason::FingerprintMismatch, detail));
                }
                None if patch.modules.len() > 1 => {}
                None => return Err(self.no_function(&current, qualname)),
            }
        }
        Ok(())
    }

    fn no_function(&self, source: &Source<'_>, qualname: &str) -> Refusal {
        let names = qualnames(source);
        let near = near_misses(qualname, names.iter().map(String::as_str));
        let near = if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) };
        Refusal::new(Reason::TargetNotFound, format!("no function {qualname} in {}{near}", self.module))
    }
}
