//! Everything that handlers and links need, in one place.

use crate::access::Access;
use crate::history::History;
use crate::planning::{Answered, Asker, Planner, Question};
use crate::registry::{KeeperHandle, Snapshot};
use crate::server::{Link, Links};
use patchctl_protocol::hook::{PlanReply, PlanRequest};
use patchctl_protocol::location::Location;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// Most long messages that are in memory at the same time.
const LONG_LINES: usize = 4;

/// The running daemon.
#[derive(Debug)]
pub struct Daemon {
    pub location: Location,
    pub access: Access,
    pub keeper: KeeperHandle,
    pub history: History,
    pub links: Links,
    pub planner: Arc<Planner>,
    answered: Answered,
    /// Seconds since the epoch.
    pub started_at: f64,
    /// Told when the daemon is to end.
    pub stop: Notify,
    pub long_lines: Arc<Semaphore>,
    /// Told after work that takes much memory for a moment.
    pub worked: Arc<Notify>,
}

impl Daemon {
    #[must_use]
    pub fn new(location: Location, access: Access, keeper: KeeperHandle, history: History) -> Self {
        Self {
            planner: Arc::new(Planner::new(&location, access)),
            answered: Answered::default(),
            location,
            access,
            keeper,
            history,
            links: Links::default(),
            started_at: crate::process::now(),
            stop: Notify::new(),
            long_lines: Arc::new(Semaphore::new(LONG_LINES)),
            worked: Arc::default(),
        }
    }

    /// Plans for a process.
    pub async fn plan(&self, asker: Arc<Asker>, request: PlanRequest) -> PlanReply {
        self.planned(request, move |planner, snapshot, request| planner.answer(snapshot, &asker, request))
            .await
    }

    /// Plans for a linked process.
    pub async fn plan_for(&self, link: &Arc<Link>, request: PlanRequest) -> PlanReply {
        let link = Arc::clone(link);
        self.planned(request, move |planner, snapshot, request| {
            planner.answer(snapshot, &link.asker, request)
        })
        .await
    }

    /// Works on a thread that may block, or here what was answered just now: a change asks as many processes
    /// at once as there are, and a switch of threads takes longer than such an answer.
    async fn planned(
        &self,
        request: PlanRequest,
        work: impl FnOnce(&Planner, &Snapshot, PlanRequest) -> PlanReply + Send + 'static,
    ) -> PlanReply {
        let planner = Arc::clone(&self.planner);
        let snapshot = self.keeper.snapshot();
        let (number, revision, question) = (request.request, snapshot.revision, Question::of(&request));
        if self.answered.has(revision, question) {
            return work(&planner, &snapshot, request);
        }
        let planned = tokio::task::spawn_blocking(move || work(&planner, &snapshot, request)).await;
        self.worked.notify_one();
        match planned {
            Ok(reply) => {
                self.answered.add(revision, question);
                reply
            }
            Err(error) => {
                tracing::error!("planning failed: {error}");
                PlanReply { request: number, revision, modules: Vec::new() }
            }
        }
    }
}
