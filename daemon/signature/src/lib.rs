//! Signed patch files (Ed25519, RFC 8032): keys and their files, the block in a patch file that holds its
//! signature, signing and verifying. Which keys are trusted, and whether a signature is demanded, is for
//! the daemon to know.

mod block;
mod key;
mod signature;

pub use key::{KeyError, Public, Secret};
pub use signature::{Fault, Signature, sign};
