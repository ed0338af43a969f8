//! Colours: which sort of text has which. Whether they are shown is decided in [`crate::output`].

use anstyle::{AnsiColor, Style};
use patchctl_protocol::state::State;

pub const PLAIN: Style = Style::new();
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const WARN: Style = AnsiColor::Yellow.on_default();
pub const BAD: Style = AnsiColor::Red.on_default();
pub const NAME: Style = AnsiColor::Cyan.on_default();
pub const STRONG: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();

/// The text between the style's codes.
#[must_use]
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The colour of a state.
#[must_use]
pub fn of_state(state: State) -> Style {
    match state {
        State::Active => GOOD,
        State::Draining | State::Waiting | State::Skipped => WARN,
        State::Failed | State::Drifted | State::Unanswered => BAD,
    }
}
