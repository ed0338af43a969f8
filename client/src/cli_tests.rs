//! The command line against its reference, `tests/reference.txt`: a change of any help shows there. Run with
//! `PATCHCTL_UPDATE_REFERENCE=1` to write it anew.

use super::Cli;
use clap::CommandFactory;
use std::fmt::Write as _;

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference.txt");

fn push(text: &mut String, command: &clap::Command, parent: &str) {
    let name = format!("{parent} {}", command.get_name()).trim().to_owned();
    let mut shown = command.clone().term_width(100).disable_help_flag(true);
    let help = shown.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = writeln!(text, "===== {name}\n{}\n", lines.join("\n"));
    for subcommand in command.get_subcommands() {
        push(text, subcommand, &name);
    }
}

fn reference() -> String {
    let mut command = Cli::command();
    command.build();
    let mut text = String::new();
    push(&mut text, &command, "");
    text
}

#[test]
fn arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_is_as_in_the_reference() {
    let now = reference();
    if std::env::var_os("PATCHCTL_UPDATE_REFERENCE").is_some() {
        std::fs::write(REFERENCE, &now).expect("writes the reference");
    }
    let known = std::fs::read_to_string(REFERENCE).expect("reads the reference");
    let differs = known.lines().zip(now.lines()).find(|(known, now)| known != now);
    assert_eq!(differs, None, "the first line that differs (reference, now)");
    assert_eq!(known.lines().count(), now.lines().count());
}

#[test]
fn each_command_has_examples() {
    for command in Cli::command().get_subcommands() {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = format!("patchctl {}", command.get_name());
        assert!(examples.contains(&own), "{own} has no example of itself: {examples}");
    }
}
