//! Whether new code fits the function whose code it replaces.

use super::{Defect, VerifyError};
use crate::{CodeObject, flags};

/// Default values of the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Length of `__defaults__` as it will be with the new code.
    pub positional: usize,
}

/// Checks new code against the code it replaces: the closure stays, so the free variables
/// must be the same in number and order; a generator cannot become a plain function.
///
/// # Errors
/// [`Defect::Replacement`] with the difference.
pub fn verify_replacement(old: &CodeObject, new: &CodeObject, defaults: Defaults) -> Result<(), VerifyError> {
    let fail = |text: String| Err(VerifyError::whole(Defect::Replacement(text)));
    if old.freevars != new.freevars {
        let (old, new) = (&old.freevars, &new.freevars);
        return fail(format!("free variables change from {old:?} to {new:?}"));
    }
    let kinds = flags::GENERATOR_LIKE | flags::ITERABLE_COROUTINE;
    if (old.flags ^ new.flags) & kinds != 0 {
        return fail("the kind of function (generator, coroutine) changes".into());
    }
    if (old.flags ^ new.flags) & (flags::OPTIMIZED | flags::NEWLOCALS) != 0 {
        return fail("function code and module or class code do not mix".into());
    }
    if defaults.positional > new.argcount as usize {
        let (given, count) = (defaults.positional, new.argcount);
        return fail(format!("{given} default values for {count} parameters"));
    }
    Ok(())
}
