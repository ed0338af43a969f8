//! Looking at code objects: which are meant ([`target`]), where they come from ([`running`], [`stored`]),
//! and what is shown of them ([`report`], [`listing`], [`attributes`], [`compare`]).

mod attributes;
mod compare;
mod difference;
mod listing;
mod report;
mod running;
mod source;
mod stored;
mod subject;
mod target;

pub use attributes::attributes;
pub use compare::{coloured, for_file};
pub use difference::{Difference, Form, differences};
pub use listing::Listing;
pub use report::{Sight, report};
pub use subject::{Code, Found, Subject};
pub use target::{Options, Target};

use crate::daemon::Places;
use crate::error::Result;

/// The code that is meant, wherever it is.
///
/// # Errors
/// That there is none, or that it can't be read.
pub fn find(target: &Target, options: &Options, places: &Places) -> Result<Found> {
    match (target, &options.python) {
        (Target::Place(place), None) => running::find(place, options, places),
        (Target::Place(place), Some(python)) => stored::in_environment(place, python),
        (Target::File { path, qualname }, python) => stored::in_file(path, qualname, python.as_deref()),
    }
}
