//! Words and phrases that several commands share: plurals, names of processes, notes on refusals.

use patchctl_protocol::client::ProcessInfo;
use patchctl_protocol::plan::Stale;
use patchctl_protocol::state::Refusal;
use serde::Serialize;

/// Longest command line shown in a table, in characters.
const LONGEST_COMMAND: usize = 48;

/// `1 function`, `2 functions`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = match (number, noun) {
        (1, _) => "",
        (_, noun) if noun.ends_with("ss") => "es",
        _ if noun.ends_with("patch") => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

/// A process's command line, short enough for a table: programs and scripts without their folders.
#[must_use]
pub fn command(process: &ProcessInfo) -> String {
    command_line(&process.command)
}

/// The same of a command line alone.
#[must_use]
pub fn command_line(command: &[String]) -> String {
    let words = command.iter().take(2).map(|word| word.rsplit('/').next().unwrap_or(word));
    let rest = command.iter().skip(2).map(String::as_str);
    let whole = words.chain(rest).collect::<Vec<_>>().join(" ").replace(['\n', '\r', '\t', '\x1b'], " ");
    if whole.chars().count() <= LONGEST_COMMAND {
        return whole;
    }
    whole.chars().take(LONGEST_COMMAND - 3).chain("...".chars()).collect()
}

/// `version-mismatch: urllib3 2.0.4 is installed`.
#[must_use]
pub fn refusal(refusal: &Refusal) -> String {
    if refusal.detail.is_empty() {
        return refusal.reason.to_string();
    }
    refusal.to_string()
}

/// `Retry.DEFAULT (retry.py:12, computed from Retry.__init__)`.
#[must_use]
pub fn stale(stale: &Stale) -> String {
    format!("{} ({})", stale.name, stale_place(stale))
}

/// `retry.py:12, computed from Retry.__init__`, or with `line 12` where no file is known.
#[must_use]
pub fn stale_place(stale: &Stale) -> String {
    let place = match &stale.file {
        Some(file) => format!("{file}:{}", stale.line),
        None => format!("line {}", stale.line),
    };
    format!("{place}, computed from {}", stale.because)
}

/// A value's name as it stands in JSON, such as `changed-value`.
#[must_use]
pub fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{command, count};
    use patchctl_protocol::client::ProcessInfo;

    #[test]
    fn plurals() {
        assert_eq!(count(1, "patch"), "1 patch");
        assert_eq!(count(2, "patch"), "2 patches");
        assert_eq!(count(0, "process"), "0 processes");
        assert_eq!(count(3, "function"), "3 functions");
    }

    #[test]
    fn command_lines_lose_folders_and_line_breaks() {
        let words = ["/usr/bin/python3", "/srv/app.py", "--path=/x\ny"].map(str::to_owned).to_vec();
        let process = ProcessInfo { command: words, ..ProcessInfo::default() };
        assert_eq!(command(&process), "python3 app.py --path=/x y");
    }
}
