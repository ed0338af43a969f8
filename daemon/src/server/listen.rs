//! Accepts connections until the daemon ends.

use super::connection;
use crate::daemon::Daemon;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;

/// Serves each connection in a task of its own.
pub async fn listen(daemon: Arc<Daemon>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let daemon = Arc::clone(&daemon);
                tokio::spawn(async move { connection::serve(daemon, stream).await });
            }
            Err(error) => pause(&error).await,
        }
    }
}

/// Out of descriptors: those who wait are served when others have gone.
async fn pause(error: &io::Error) {
    const PAUSE: Duration = Duration::from_millis(50);
    tracing::warn!("failed to accept a connection: {error}");
    tokio::time::sleep(PAUSE).await;
}
