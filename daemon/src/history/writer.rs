//! The thread that owns the history's database. Others send it events and questions.

use super::event::Event;
use super::store::{Known, Store, StoreError};
use patchctl_protocol::client::{HistoryEntry, HistoryRequest, Verified};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Applications that wait while the history can't be written; older ones are dropped beyond this.
const MOST_WAITING: usize = 10_000;
/// Most events in one transaction.
const MOST_AT_ONCE: usize = 1_000;
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// No event for so long, and what waits is written: a push to many processes is one transaction or a few.
const GATHER: Duration = Duration::from_millis(10);

type Answer<T> = Sender<Result<T, String>>;
type Listing = (Vec<HistoryEntry>, Option<Verified>);

enum Message {
    /// Applications in processes: written together, without an answer.
    Note(Vec<Event>),
    /// Changes: the answer comes when they are written.
    Record(Vec<Event>, Answer<()>),
    List(HistoryRequest, Answer<Listing>),
    Known(Answer<HashMap<String, Known>>),
    Stop,
}

/// A handle on the history's thread.
#[derive(Clone, Debug)]
pub struct History {
    messages: Sender<Message>,
    fault: Arc<Mutex<Option<String>>>,
}

impl History {
    /// Starts the thread. A history that can't be opened is tried again later: the daemon goes on.
    ///
    /// # Errors
    /// That the thread can't be made.
    pub fn start(folder: &Path) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (messages, receiver) = channel();
        let fault = Arc::new(Mutex::new(None));
        let folder = folder.to_owned();
        let shared = Arc::clone(&fault);
        let body = move || Writer { folder, store: None, waiting: Vec::new(), fault: shared }.run(&receiver);
        let thread = thread::Builder::new().name("history".into()).spawn(body)?;
        Ok((Self { messages, fault }, thread))
    }

    /// Writes down what happened in processes, some time soon.
    pub fn note(&self, events: Vec<Event>) {
        if !events.is_empty() && self.messages.send(Message::Note(events)).is_err() {
            tracing::error!("the history's thread is gone");
        }
    }

    /// Writes down a change and waits until it is written.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn record(&self, events: Vec<Event>) -> Result<(), String> {
        if events.is_empty() { Ok(()) } else { self.ask(|answer| Message::Record(events, answer)) }
    }

    /// Entries, and the state of the chain if that was asked for.
    ///
    /// # Errors
    /// Why the history can't be read.
    pub fn list(&self, request: HistoryRequest) -> Result<Listing, String> {
        self.ask(|answer| Message::List(request, answer))
    }

    /// What the history last says of each patch.
    ///
    /// # Errors
    /// Why the history can't be read.
    pub fn known(&self) -> Result<HashMap<String, Known>, String> {
        self.ask(Message::Known)
    }

    /// Why the history can't be written at present, if so.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the thread after everything sent before is written.
    pub fn stop(&self) {
        let _ = self.messages.send(Message::Stop);
    }

    fn ask<T>(&self, message: impl FnOnce(Answer<T>) -> Message) -> Result<T, String> {
        let (answer, receiver) = channel();
        let gone = "the history's thread is gone".to_owned();
        self.messages.send(message(answer)).map_err(|_| gone.clone())?;
        receiver.recv().unwrap_or(Err(gone))
    }
}

struct Writer {
    folder: PathBuf,
    store: Option<Store>,
    /// Applications not written yet.
    waiting: Vec<Event>,
    fault: Arc<Mutex<Option<String>>>,
}

impl Writer {
    fn run(&mut self, messages: &Receiver<Message>) {
        loop {
            let next = if self.waiting.is_empty() {
                messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else if self.faulty() {
                messages.recv_timeout(TRY_AGAIN_AFTER)
            } else {
                messages.recv_timeout(GATHER)
            };
            match next {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break self.flush(),
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => self.flush(),
            }
            if self.waiting.len() >= MOST_AT_ONCE && !self.faulty() {
                self.flush();
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Note(events) => {
                self.waiting.extend(events);
                let over = self.waiting.len().saturating_sub(MOST_WAITING);
                self.waiting.drain(..over);
            }
            Message::Record(events, answer) => {
                self.flush();
                let _ = answer.send(self.with_store(|store| store.append(&events)));
            }
            Message::List(request, answer) => {
                self.flush();
                let _ = answer.send(self.with_store(|store| {
                    let verified = if request.verify { Some(store.verify()?) } else { None };
                    Ok((store.entries(&request)?, verified))
                }));
            }
            Message::Known(answer) => {
                let _ = answer.send(self.with_store(|store| store.known()));
            }
            Message::Stop => {}
        }
    }

    /// Writes the applications that wait; those that can't be written go on waiting.
    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let events = std::mem::take(&mut self.waiting);
        if self.with_store(|store| store.append(&events)).is_err() {
            self.waiting = events;
        }
    }

    fn faulty(&self) -> bool {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Does something with the open database, opening it if need be, and keeps the fault if there is one.
    fn with_store<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, String> {
        let outcome = match &mut self.store {
            Some(store) => work(store),
            empty => Store::open(&self.folder).and_then(|store| work(empty.insert(store))),
        };
        let outcome = outcome.map_err(|error| error.to_string());
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match &outcome {
            Ok(_) => *fault = None,
            Err(text) => {
                if fault.is_none() {
                    tracing::error!("{text}");
                }
                *fault = Some(text.clone());
                self.store = None;
            }
        }
        outcome
    }
}
