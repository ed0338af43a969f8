//! Unified diffs: reading them, and placing their hunks in a text.

mod document;
mod parse;
mod path;
mod place;

pub(crate) use document::{Document, LineEdit, Owner};
pub(crate) use parse::{FileDiff, Hunk, Kind, parse};
pub(crate) use place::{Misfit, Placed, place, place_reversed};
