//! What happens in the demo, in order. Each look at the application is its real behaviour.

use super::application::Application;
use super::environment::Environment;
use super::flaw::Flaw;
use super::stage::Stage;
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::looking::coloured;
use patchctl_protocol::client::{Reply, Request};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long the application may take to link itself to the daemon.
const LINK_DEADLINE: Duration = Duration::from_secs(15);

/// Time between two looks for the link.
const INTERVAL: Duration = Duration::from_millis(20);

/// Tells it.
///
/// # Errors
/// The first step that did not do what it should.
pub fn tell(python: Option<&Path>, only_sample: bool, stage: &mut Stage<'_>) -> Result<()> {
    stage.say("A virtual environment with a vulnerable package and the hook:")?;
    let environment = Environment::make(python, stage)?;
    let (flaw, diff) = environment.install(only_sample, stage)?;
    stage.patchctl(&["hook", "install", "--python", "venv"])?;
    stage.say(flaw.about)?;
    stage.show(&coloured(&diff))?;
    for (name, text) in [("fix.diff", diff.as_str()), ("app.py", flaw.application)] {
        let path = stage.scratch.folder().join(name);
        fs::write(&path, text).map_err(|error| Error::file("write", &path, &error))?;
    }
    let before = environment.installed_file(flaw)?;
    let mut application = start(&environment, stage)?;
    patch_and_back(flaw, &mut application, stage)?;
    stage.expect("no installed file was changed", environment.installed_file(flaw)? == before)?;
    application.end()?;
    stage.patchctl(&["daemon", "stop"])
}

fn start<'a>(environment: &Environment, stage: &mut Stage<'a>) -> Result<Application<'a>> {
    stage.say("The daemon, and a long-running application:")?;
    stage.patchctl(&["daemon", "start"])?;
    stage.prompt("venv/bin/python app.py &")?;
    let application = Application::start(stage.scratch, &environment.python)?;
    wait_for_link(&stage.scratch.home(), application.pid)?;
    stage.show(&format!("running as process {}", application.pid))?;
    Ok(application)
}

fn patch_and_back(flaw: &Flaw, application: &mut Application<'_>, stage: &mut Stage<'_>) -> Result<()> {
    look("The hole is open:", true, application, stage)?;
    stage.say("The fix, into the running process:")?;
    stage.patchctl(&["add", "fix.diff", "--id", flaw.id, "--renew", "all"])?;
    look("The hole is closed, in the same process:", false, application, stage)?;
    stage.say("The proof, read from the live functions:")?;
    stage.patchctl(&["audit", "--check"])?;
    stage.say("The fix taken out again:")?;
    stage.patchctl(&["remove", flaw.id])?;
    look("The hole is open again, in the same process:", true, application, stage)
}

fn look(title: &str, open: bool, application: &mut Application<'_>, stage: &mut Stage<'_>) -> Result<()> {
    stage.say(title)?;
    let pid = application.pid;
    let sight = application.look()?;
    let what = format!("process {}: {}", sight.pid, sight.saw);
    stage.expect(&what, sight.hole == open && sight.pid == pid)
}

fn wait_for_link(home: &Path, pid: u32) -> Result<()> {
    let places = Places::new(Some(home))?;
    let begun = Instant::now();
    loop {
        let Reply::Processes { processes } = places.connect()?.ask(&Request::Processes)? else {
            return Err(Error::unexpected_reply());
        };
        if processes.iter().any(|process| process.pid == pid) {
            return Ok(());
        }
        if begun.elapsed() > LINK_DEADLINE {
            let known: Vec<u32> = processes.iter().map(|process| process.pid).collect();
            let message =
                format!("process {pid} has no link after {} s (linked: {known:?})", LINK_DEADLINE.as_secs());
            return Err(Error::new(Kind::Failed, message));
        }
        thread::sleep(INTERVAL);
    }
}
