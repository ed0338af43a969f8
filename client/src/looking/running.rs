//! Code of running processes, asked for through the daemon; processes with the very same code are one.

use super::subject::{Code, Found, Home, Other, Subject};
use super::target::Options;
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::time::milliseconds;
use patchctl_codeobject::{CodeObject, Version, marshal};
use patchctl_protocol::client::{LookReply, LookedProcess, ModuleTexts, ProcessInfo, Reply, Request};
use patchctl_protocol::look::{Hex, LiveCode, Original, Place, Seen};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Asks all processes, or those that are named.
///
/// # Errors
/// That no daemon runs, a process is not linked, or none has such code.
pub fn find(place: &Place, options: &Options, places: &Places) -> Result<Found> {
    let request = Request::Look {
        place: place.clone(),
        pids: options.pid.clone(),
        deadline_ms: milliseconds(options.deadline),
    };
    let reply = places.connect()?.ask_with_progress(&request, options.deadline, &mut |_| {})?;
    let Reply::Look(LookReply { processes, texts }) = reply else {
        return Err(Error::unexpected_reply());
    };
    let linked = |pid: &&u32| processes.iter().any(|looked| looked.process.pid == **pid);
    if let Some(missing) = options.pid.iter().find(|pid| !linked(pid)) {
        return Err(Error::new(Kind::NotFound, format!("process {missing} is not linked")).hint(format!(
            "`patchctl attach {missing}` links a process that runs; `patchctl ps` shows those that are"
        )));
    }
    let mut groups: BTreeMap<(String, LiveCode), Vec<ProcessInfo>> = BTreeMap::new();
    let mut found = Found::default();
    for LookedProcess { process, seen } in processes {
        match seen {
            Some(Seen::Code(code)) => groups.entry((minor(&process), *code)).or_default().push(process),
            other => found.others.push(describe(process.pid, place, other.as_ref())),
        }
    }
    for ((_, code), processes) in groups {
        found.subjects.push(subject(&code, &processes, &texts)?);
    }
    if found.subjects.is_empty() {
        return Err(nothing(place, &found.others));
    }
    Ok(found)
}

fn minor(process: &ProcessInfo) -> String {
    process.python.split('.').take(2).collect::<Vec<_>>().join(".")
}

fn subject(code: &LiveCode, processes: &[ProcessInfo], texts: &[ModuleTexts]) -> Result<Subject> {
    let pids: Vec<u32> = processes.iter().map(|process| process.pid).collect();
    let python = processes[0].python.clone();
    let mut numbers = python.split('.').map_while(|number| number.parse().ok());
    let version = numbers.next().zip(numbers.next()).and_then(|(major, minor)| Version::new(major, minor));
    let version = version
        .ok_or_else(|| Error::new(Kind::Failed, format!("the code of CPython {python} can't be read")))?;
    let known = texts.iter().find(|texts| texts.pids.iter().any(|pid| pids.contains(pid)));
    let original = known.map(|texts| Arc::from(texts.original.as_str()));
    let patched = known.map(|texts| Arc::from(texts.patched.as_str()));
    let is_original = code.original == Original::Same && code.patches.is_empty();
    Ok(Subject {
        home: Home::Processes(pids),
        version,
        live: Code {
            object: read(&code.live, version)?,
            text: if is_original { original.clone() } else { patched },
        },
        original: match &code.original {
            Original::Kept(bytes) => Some(Code { object: read(bytes, version)?, text: original }),
            Original::Same | Original::Nothing | Original::Absent => None,
        },
        is_new: code.original == Original::Nothing,
        is_original_absent: code.original == Original::Absent,
        patches: code.patches.clone(),
        python,
    })
}

fn read(bytes: &Hex, version: Version) -> Result<CodeObject> {
    let malformed = || Error::new(Kind::Failed, "a process answered with what is no code object");
    let bytes = bytes.bytes().ok_or_else(malformed)?;
    marshal::read_code(&bytes, version).map_err(|error| malformed().cause(error))
}

fn describe(pid: u32, place: &Place, seen: Option<&Seen>) -> Other {
    let Place { module, qualname } = place;
    let (answer, detail) = match seen {
        None => ("unanswered", "did not answer in time".to_owned()),
        Some(Seen::NotLoaded) => ("not-loaded", format!("{module} is not imported")),
        Some(Seen::NotFound { near }) if near.is_empty() => {
            ("not-found", format!("{module} has no function {qualname}"))
        }
        Some(Seen::NotFound { near }) => {
            ("not-found", format!("{module} has no function {qualname}; near it: {}", near.join(", ")))
        }
        Some(Seen::NotPython { kind }) => ("not-python", format!("{qualname} is {kind}")),
        Some(Seen::TooLarge { limit }) => ("too-large", format!("its code has more than {limit} bytes")),
        Some(Seen::Failed { detail }) => ("failed", detail.clone()),
        Some(Seen::Code(_)) => ("code", String::new()),
    };
    let is_failure = matches!(seen, None | Some(Seen::TooLarge { .. } | Seen::Failed { .. }));
    Other { pid, answer, detail, is_failure }
}

fn nothing(place: &Place, others: &[Other]) -> Error {
    let name = format!("{}:{}", place.module, place.qualname);
    let failed = others.iter().any(|other| other.is_failure);
    let kind = if failed { Kind::Failed } else { Kind::NotFound };
    let mut error = Error::new(kind, format!("no linked process shows {name}"));
    for other in others {
        error = error.cause(format!("process {}: {}", other.pid, other.detail));
    }
    match others {
        [] => error.hint("`patchctl ps` shows the linked processes; `--python PATH` looks at an environment"),
        _ => error.hint("`--python PATH` looks at an environment without a process"),
    }
}
