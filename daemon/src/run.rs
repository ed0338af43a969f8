//! The daemon's life: folders, lock, threads, socket, readiness, signals, and the way down.

use crate::access::Access;
use crate::daemon::Daemon;
use crate::history::{Event, History};
use crate::memory;
use crate::options::Options;
use crate::places::{PlaceError, Places};
use crate::process;
use crate::registry::{Command, Keeper};
use crate::server;
use crate::watcher;
use patchctl_protocol::location::{Location, Scope};
use rustix::fs::Mode;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// Exit code where another daemon runs already.
const TAKEN: u8 = 3;
const THREADS: usize = 2;

/// Why the daemon can't run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("failed to start: {0}")]
    Start(#[from] io::Error),
}

/// Runs the daemon until it is told to end.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let uid = rustix::process::geteuid().as_raw();
    let location = options.location(uid);
    let machine = location.scope == Scope::Machine;
    rustix::process::umask(Mode::from_raw_mode(if machine { 0o022 } else { 0o077 }));
    if options.log_file {
        if let Err(error) = log_to_file(options, &location) {
            log_to_stderr(options);
            tracing::warn!("failed to open the log file: {error}");
        }
    } else {
        log_to_stderr(options);
    }
    match serve(location, uid) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(if matches!(error, RunError::Place(PlaceError::Taken { .. })) { TAKEN } else { 1 })
        }
    }
}

fn log_to_stderr(options: &Options) {
    let level: tracing::Level = options.log_level.into();
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(io::stderr).init();
}

fn log_to_file(options: &Options, location: &Location) -> io::Result<()> {
    std::fs::create_dir_all(&location.state)?;
    let path = location.state.join("patchd.log");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let level: tracing::Level = options.log_level.into();
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(Arc::new(file)).init();
    Ok(())
}

fn serve(location: Location, uid: u32) -> Result<(), RunError> {
    let mut places = Places::take(location, uid)?;
    let location = places.location.clone();
    let access = Access { scope: location.scope, uid };
    let (history, history_thread) = History::start(&location.state)?;
    history.note(vec![own_event("start", uid)]);
    let (keeper, keeper_thread) = Keeper::start(&location, access, history.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(THREADS * 2)
        .enable_all()
        .build()?;
    let daemon = Arc::new(Daemon::new(location, access, keeper, history));
    runtime.block_on(until_stopped(&daemon, &mut places))?;
    end(runtime, &daemon);
    daemon.keeper.send(Command::Stop);
    let _ = keeper_thread.join();
    daemon.history.note(vec![own_event("stop", uid)]);
    daemon.history.stop();
    let _ = history_thread.join();
    Ok(())
}

/// Planning that is under way may take a moment; nobody waits for its result any more.
fn end(runtime: Runtime, daemon: &Daemon) {
    const MOMENT: std::time::Duration = std::time::Duration::from_millis(500);
    runtime.shutdown_timeout(MOMENT);
    tracing::info!(processes = daemon.links.count(), "ended");
}

fn own_event(name: &'static str, uid: u32) -> Event {
    Event {
        uid: Some(uid),
        pid: Some(std::process::id()),
        detail: Some(format!("patchd {}", env!("CARGO_PKG_VERSION"))),
        ..Event::new(name)
    }
}

async fn until_stopped(daemon: &Arc<Daemon>, places: &mut Places) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listening = listen(daemon, places.bind()?)?;
    let (location, keeper) = (daemon.location.clone(), daemon.keeper.clone());
    tokio::spawn(async move {
        if let Err(error) = watcher::run(location, keeper).await {
            tracing::error!("changes of the patch folder are not noticed: {error}");
        }
    });
    tokio::spawn(memory::look_after(Arc::clone(&daemon.worked)));
    daemon.worked.notify_one();
    let planner = Arc::clone(&daemon.planner);
    tokio::task::spawn_blocking(move || planner.texts.prune());
    ready(daemon);
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        () = daemon.stop.notified() => Ok(()),
        taken = look_after(daemon, places, listening) => taken,
    }
}

fn listen(daemon: &Arc<Daemon>, listener: UnixListener) -> io::Result<JoinHandle<()>> {
    let listener = tokio::net::UnixListener::from_std(listener)?;
    Ok(tokio::spawn(server::listen(Arc::clone(daemon), listener)))
}

/// Finds, again and again, who has ended, and whether the socket is still there; returns if another daemon
/// took the place.
async fn look_after(
    daemon: &Arc<Daemon>,
    places: &mut Places,
    mut listening: JoinHandle<()>,
) -> Result<(), RunError> {
    const REST: std::time::Duration = std::time::Duration::from_secs(2);
    loop {
        tokio::time::sleep(REST).await;
        daemon.links.forget_dead();
        match places.look_after() {
            Ok(None) => {}
            Ok(Some(listener)) => {
                tracing::warn!("the socket was gone: made it again");
                listening.abort();
                listening = listen(daemon, listener)?;
                daemon.keeper.send(Command::Publish);
            }
            Err(error @ PlaceError::Taken { .. }) => return Err(error.into()),
            Err(error) => tracing::error!("{error}"),
        }
    }
}

fn ready(daemon: &Daemon) {
    let snapshot = daemon.keeper.snapshot();
    tracing::info!(
        socket = %daemon.location.socket().display(),
        patches = snapshot.entries.len(),
        revision = snapshot.revision,
        memory = process::resident_memory(),
        "ready"
    );
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!("failed to tell the service manager: {error}");
    }
}
