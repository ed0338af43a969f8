//! Which questions were answered just now: asked again by another process, they need no planning and, at this
//! moment, no waiting for a file system.

use patchctl_protocol::hook::PlanRequest;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For so long, a source file that was read is taken to be readable without a wait.
const WHILE: Duration = Duration::from_secs(1);

/// Questions answered at one revision, from a moment on.
#[derive(Debug, Default)]
pub struct Answered(Mutex<Option<Recent>>);

#[derive(Debug)]
struct Recent {
    revision: u64,
    since: Instant,
    questions: HashSet<u64>,
}

/// What is asked, whoever asks.
#[derive(Clone, Copy, Debug)]
pub struct Question(u64);

impl Question {
    #[must_use]
    pub fn of(request: &PlanRequest) -> Self {
        let mut hasher = DefaultHasher::new();
        request.phase.hash(&mut hasher);
        for facts in &request.modules {
            (&facts.name, &facts.origin, facts.loader).hash(&mut hasher);
            (&facts.original, &facts.running, facts.source.is_some()).hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

impl Answered {
    /// Whether the question was answered at this revision just now.
    #[must_use]
    pub fn has(&self, revision: u64, question: Question) -> bool {
        self.lock()
            .as_ref()
            .is_some_and(|recent| recent.is_of(revision) && recent.questions.contains(&question.0))
    }

    /// Notes that it was answered now.
    pub fn add(&self, revision: u64, question: Question) {
        let mut held = self.lock();
        match held.as_mut().filter(|recent| recent.is_of(revision)) {
            Some(recent) => _ = recent.questions.insert(question.0),
            None => {
                let questions = HashSet::from([question.0]);
                *held = Some(Recent { revision, since: Instant::now(), questions });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn is_of(&self, revision: u64) -> bool {
        self.revision == revision && self.since.elapsed() < WHILE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchctl_protocol::hook::{ModuleFacts, Phase};

    fn question(name: &str, phase: Phase) -> Question {
        let facts = ModuleFacts { name: name.to_owned(), ..ModuleFacts::default() };
        Question::of(&PlanRequest {
            request: 1,
            phase,
            modules: vec![facts],
            excluded: Vec::new(),
            hello: None,
        })
    }

    #[test]
    fn a_question_is_known_at_its_revision_alone() {
        let answered = Answered::default();
        answered.add(3, question("a", Phase::Live));
        assert!(answered.has(3, question("a", Phase::Live)));
        assert!(!answered.has(4, question("a", Phase::Live)));
        assert!(!answered.has(3, question("b", Phase::Live)));
        assert!(!answered.has(3, question("a", Phase::Import)));
        answered.add(4, question("b", Phase::Live));
        assert!(!answered.has(3, question("a", Phase::Live)));
    }

    #[test]
    fn it_is_forgotten_after_a_while() {
        let answered = Answered::default();
        answered.add(3, question("a", Phase::Live));
        answered.lock().as_mut().expect("was added").since -= WHILE;
        assert!(!answered.has(3, question("a", Phase::Live)));
    }
}
