//! `patchctl daemon install-unit`: the daemon under systemd.

use crate::daemon::patchd_program;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The units, as they stand beside the daemon's source; the program's path is put in here.
const USER_UNIT: &str = include_str!("../../../../daemon/units/patchd.service");
const MACHINE_UNIT: &str = include_str!("../../../../daemon/units/patchd-machine.service");

const EXAMPLES: &str = "Examples:
  patchctl daemon install-unit                  then: systemctl --user enable --now patchd
  sudo patchctl daemon install-unit --machine   then: systemctl enable --now patchd";

/// Write a systemd unit for the daemon
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The machine's daemon, run by root, instead of the user's
    #[arg(long)]
    machine: bool,
    /// Print it instead of writing it
    #[arg(long)]
    print: bool,
}

pub fn run(args: &Args, output: &mut Output) -> Result<Exit> {
    let unit = if args.machine { MACHINE_UNIT } else { USER_UNIT };
    let text = with_program(unit, &patchd_program()?);
    let path = folder(args.machine)?.join("patchd.service");
    if !args.print {
        write(&path, &text)?;
    }
    if output.is_json() {
        output.document(&json!({ "file": path, "written": !args.print, "unit": text }))?;
        return Ok(Exit::Ok);
    }
    if args.print {
        output.data(&text)?;
        return Ok(Exit::Ok);
    }
    output.line(format_args!("wrote {}", path.display()))?;
    let user = if args.machine { "" } else { "--user " };
    output.hint(format_args!(
        "`systemctl {user}daemon-reload && systemctl {user}enable --now patchd` starts it"
    ));
    Ok(Exit::Ok)
}

/// Puts the program's path in front of the options in `ExecStart`.
fn with_program(unit: &str, program: &Path) -> String {
    let line = |line: &str| match line.strip_prefix("ExecStart=") {
        Some(command) => {
            let options = command.split_once(' ').map_or("", |(_, options)| options);
            format!("ExecStart={} {options}", quoted(program)).trim_end().to_owned() + "\n"
        }
        None => format!("{line}\n"),
    };
    unit.lines().map(line).collect()
}

/// A word as systemd reads it: specifiers and quotes taken literally (systemd.unit(5), systemd.service(5)).
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy().replace('%', "%%").replace('$', "$$");
    if !text.contains([' ', '\t', '"', '\'', '\\', ';']) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn folder(machine: bool) -> Result<PathBuf> {
    if machine {
        return Ok("/etc/systemd/system".into());
    }
    let named = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = named.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")));
    let config = config.ok_or_else(|| {
        Error::new(Kind::NotFound, "neither XDG_CONFIG_HOME nor HOME is set").hint("use --print")
    })?;
    Ok(config.join("systemd/user"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    made.map_err(|error| Error::file("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::{MACHINE_UNIT, USER_UNIT, with_program};
    use std::path::Path;

    #[test]
    fn the_units_start_the_program_that_was_found() {
        for (unit, option) in [(USER_UNIT, "--user"), (MACHINE_UNIT, "--machine")] {
            let text = with_program(unit, Path::new("/opt/a b/patchd"));
            let start = text.lines().find(|line| line.starts_with("ExecStart=")).unwrap_or_default();
            assert!(start.starts_with("ExecStart=\"/opt/a b/patchd\""), "{start}");
            assert!(start.contains(option), "{start}");
            assert!(text.contains("Type=notify"), "{text}");
        }
    }
}
