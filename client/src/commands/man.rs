//! `patchctl man`: the manual pages.

use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use clap_mangen::Man;
use serde_json::json;
use std::fs;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  patchctl man | man -l -
  patchctl man --dir ~/.local/share/man/man1";

/// Print the manual page, or write one for each command
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints or writes the pages of `command`, the whole command line.
pub fn run(args: &Args, mut command: clap::Command, output: &mut Output) -> Result<Exit> {
    let Some(folder) = &args.dir else {
        let page = render(command)?;
        match output.is_json() {
            true => output.document(&json!({ "page": page }))?,
            false => output.data(&page)?,
        }
        return Ok(Exit::Ok);
    };
    fs::create_dir_all(folder).map_err(|error| Error::file("make the folder", folder, &error))?;
    command.build();
    let mut written = Vec::new();
    write(command, "", folder, &mut written)?;
    match output.is_json() {
        true => output.document(&json!({ "written": written }))?,
        false => written.iter().try_for_each(|path| output.line(path.display()))?,
    }
    Ok(Exit::Ok)
}

/// Writes the page of a command and those of its subcommands, named `patchctl-daemon-start.1`.
fn write(
    command: clap::Command,
    parent: &str,
    folder: &std::path::Path,
    written: &mut Vec<PathBuf>,
) -> Result<()> {
    let name = match parent {
        "" => command.get_name().to_owned(),
        parent => format!("{parent}-{}", command.get_name()),
    };
    for subcommand in command.get_subcommands() {
        write(subcommand.clone(), &name, folder, written)?;
    }
    let path = folder.join(format!("{name}.1"));
    let page = render(command.display_name(name.clone()).name(name))?;
    fs::write(&path, page).map_err(|error| Error::file("write", &path, &error))?;
    written.push(path);
    Ok(())
}

fn render(command: clap::Command) -> Result<String> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Error::new(Kind::Failed, "failed to make the manual page").cause(error))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
