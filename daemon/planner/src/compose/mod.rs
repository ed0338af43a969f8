//! The target text of a module: its original with patches applied in order.

mod composer;
mod fingerprints;
mod hunks;
mod mirrors;

pub use composer::{Composed, Contribution, compose};
