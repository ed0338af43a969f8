//! `add`: checks patch files, writes them into the registry, and waits for the processes.

use super::handled::{Handled, refuse};
use super::{foresight, outcome};
use crate::daemon::Daemon;
use crate::registry::{self, Command, Entry, Overrides, Prepared};
use crate::server::Client;
use patchctl_planner::{Patch, parse};
use patchctl_protocol::client::{AddRequest, Changed, ErrorKind, ErrorReply, NewFile, PatchKind, Reply};
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::Reason;
use patchctl_signature::Signature;
use std::path::PathBuf;
use std::sync::Arc;

/// A file that was parsed.
pub struct Checked {
    pub prepared: Prepared,
    pub patch: Arc<Patch>,
}

pub async fn handle(daemon: &Arc<Daemon>, client: &mut Client, request: AddRequest) -> Handled {
    if request.files.is_empty() {
        return Err(refuse(ErrorKind::Invalid, "no patch file was given", ""));
    }
    let mut checked: Vec<Checked> = Vec::new();
    for file in &request.files {
        let one = check(file, &request)?;
        if checked.iter().any(|other| other.prepared.id == one.prepared.id) {
            let message = format!("two of the files have the id {}", one.prepared.id);
            return Err(refuse(ErrorKind::Conflict, message, "Give one of them another id with --id."));
        }
        checked.push(one);
    }
    let notes = notes(&checked);
    let entries: Vec<Arc<Entry>> = checked.iter().map(|one| entry(one, client.process.uid)).collect();
    if request.dry_run {
        let processes = foresight::outcomes(daemon, client, &entries).await;
        let patches = entries.iter().map(|entry| entry.info()).collect();
        let revision = daemon.keeper.snapshot().revision;
        return Ok(Reply::Changed(Changed { revision, patches, processes, notes }));
    }
    foresight::refuse_conflicts(daemon, &entries).await?;
    let files = checked.into_iter().map(|one| one.prepared).collect();
    let (replace, author) = (request.replace, client.author(&request.reason));
    let command = |answer| Command::Add { files, replace, author, answer };
    let made = daemon.keeper.change(command).await?;
    let changed = outcome::gather(daemon, client, &made, request.wait_ms).await;
    Ok(Reply::Changed(Changed { notes, ..changed }))
}

/// Parses a file with what was said beside it written into its header.
pub fn check(file: &NewFile, request: &AddRequest) -> Result<Checked, ErrorReply> {
    let invalid = |message: String, hint: &str| refuse(ErrorKind::Invalid, message, hint);
    let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
    let name = |id: &str| registry::file_name(id, &file.name).map_err(|message| invalid(message, ""));
    let given = name(file.id.as_deref().unwrap_or(stem))?;
    let first = parsed(&given, file.content.as_bytes(), file.strip)?;
    let id = file.id.clone().unwrap_or_else(|| first.id.clone());
    registry::check_id(&id).map_err(|message| invalid(message, "Give it an id with --id."))?;
    let signed = !matches!(Signature::of(file.content.as_bytes(), &id), Ok(None));
    let as_it_is = signed || file.link.is_some();
    let overrides = Overrides {
        id: (first.id != id).then(|| id.clone()),
        reason: (!request.reason.is_empty() && !as_it_is).then(|| request.reason.clone()),
        expires: request.expires,
        renew: request.renew.clone(),
        clear_caches: request.clear_caches,
        quiesce: request.quiesce,
        force: request.force,
        strip: file.strip,
    };
    let link = file.link.as_ref().map(PathBuf::from);
    if let Some(target) = link.as_ref().filter(|target| !target.is_absolute()) {
        return Err(invalid(format!("{} is no absolute path", target.display()), ""));
    }
    if as_it_is && overrides != Overrides::default() {
        let message =
            format!("these options can't be kept for a {} file", if signed { "signed" } else { "linked" });
        let hint = "Write id, expires, renew, clear-caches, quiesce, force and strip into the file's header: it is not changed here.";
        return Err(invalid(message, hint));
    }
    let written = match first.kind {
        PatchKind::Edits => overrides.write_into_toml(&file.content),
        _ => overrides.write_into(&file.content),
    };
    let content = written.map_err(|message| invalid(message, ""))?;
    let file = name(&id)?;
    let patch = parsed(&file, content.as_bytes(), None)?;
    let prepared = Prepared { id, file, content: content.into_bytes(), link };
    Ok(Checked { prepared, patch: Arc::new(patch) })
}

fn parsed(name: &str, content: &[u8], strip: Option<u32>) -> Result<Patch, ErrorReply> {
    parse(name, content, strip).map_err(|error| ErrorReply {
        kind: ErrorKind::Invalid,
        message: error.to_string(),
        hints: error.hint.into_iter().collect(),
        reason: Some(Reason::SyntaxError),
    })
}

/// The entry that a checked file becomes.
pub fn entry(checked: &Checked, owner: u32) -> Arc<Entry> {
    let Checked { prepared, patch } = checked;
    let expired = patch.header.expires.is_some_and(|time| time <= crate::process::now());
    Arc::new(Entry {
        reference: Arc::new(PatchRef { id: prepared.id.clone(), digest: patch.digest.clone() }),
        file: prepared.file.clone(),
        link: prepared.link.clone(),
        signed_by: None,
        owner,
        enabled: patch.header.enabled,
        patch: Some(Arc::clone(patch)),
        broken: None,
        expired,
        added_by: Some(owner),
        added_at: None,
    })
}

fn notes(checked: &[Checked]) -> Vec<String> {
    let mut notes = Vec::new();
    for Checked { prepared, patch } in checked {
        if !patch.passed_over.is_empty() {
            notes.push(format!("{}: passed over {}", prepared.id, patch.passed_over.join(", ")));
        }
        if !patch.header.enabled {
            notes.push(format!("{}: its header says `enabled = false`", prepared.id));
        }
        if patch.header.expires.is_some_and(|time| time <= crate::process::now()) {
            notes.push(format!("{}: its time (`expires`) has passed", prepared.id));
        }
    }
    notes
}
