//! `patchctl audit`: what the live functions of each process run, read by the process itself.

use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{BAD, NAME, STRONG, WARN, of_state, paint};
use crate::table::{Cell, Table};
use crate::time::{local, milliseconds, parse_seconds};
use crate::wording::{self, count};
use patchctl_protocol::client::{AuditReply, AuditedProcess, PatchInfo, Reply, Request};
use patchctl_protocol::hook::{FunctionReport, ModuleReport, PatchReport};
use patchctl_protocol::plan::Stale;
use patchctl_protocol::state::{Reason, State};
use serde::Serialize;
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  patchctl audit
  patchctl audit --check --quiet    for monitoring: exit code 1 unless all is well
  patchctl audit --pid 4711 --json";

const SUBINTERPRETERS: &str = "its subinterpreters run as they are: only the main one is patched";

/// Show which function of which process runs a patch, read from the live functions
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// End with 1 unless everything enabled is active or waiting
    #[arg(long)]
    check: bool,
    /// Only this process
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    /// How long a process may take to answer
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_seconds)]
    deadline: Duration,
}

/// The JSON document.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    audit: &'a AuditReply,
    /// Patches are switched off everywhere.
    off: bool,
    /// What keeps `--check` from succeeding.
    faults: &'a [String],
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let Reply::Status(status) = places.connect()?.ask(&Request::Status)? else {
        return Err(Error::unexpected_reply());
    };
    let request = Request::Audit { deadline_ms: milliseconds(args.deadline), pids: args.pid.clone() };
    let reply = places.connect()?.ask_with_progress(&request, args.deadline, &mut |_| {})?;
    let Reply::Audit(audit) = reply else {
        return Err(Error::unexpected_reply());
    };
    let faults = faults(&audit, status.off);
    if output.is_json() {
        output.document(&Document { audit: &audit, off: status.off, faults: &faults })?;
    } else {
        print(&audit, output)?;
        for fault in faults.iter().filter(|_| args.check || status.off) {
            output.talk(paint(WARN, fault));
        }
    }
    Ok(if args.check && !faults.is_empty() { Exit::Failed } else { Exit::Ok })
}

fn print(audit: &AuditReply, output: &mut Output) -> Result<()> {
    let mut table =
        Table::new(&["PROCESS", "PID", "PYTHON", "MODULE:FUNCTION", "PATCH", "STATE", "SINCE", "NOTE"]);
    for process in &audit.processes {
        push_process(&mut table, process);
    }
    if !table.is_empty() {
        output.data(&table.render())?;
    }
    let enabled = audit.patches.iter().filter(|patch| patch.enabled).count();
    let sentence =
        format!("{}, {} enabled", count(audit.processes.len(), "process"), count(enabled, "patch"));
    output.talk(paint(STRONG, &sentence));
    for patch in audit.patches.iter().filter(|patch| patch.enabled && !is_reported(patch, audit)) {
        output.talk(format_args!("{}: no process reports it", patch.id));
    }
    Ok(())
}

fn is_reported(patch: &PatchInfo, audit: &AuditReply) -> bool {
    audit.processes.iter().flat_map(|process| &process.patches).any(|report| report.patch.id == patch.id)
}

fn push_process(table: &mut Table, process: &AuditedProcess) {
    if !process.answered {
        let state = Cell::styled(State::Unanswered.to_string(), BAD);
        table.row(cells(process, "-", "-", state, "did not answer in time".into()));
        return;
    }
    if let Some(disabled) = &process.disabled {
        table.row(cells(process, "-", "-", Cell::styled("disabled", BAD), disabled.as_str().into()));
    }
    if process.subinterpreters {
        let state = Cell::styled(State::Skipped.to_string(), WARN);
        table.row(cells(process, "-", "-", state, SUBINTERPRETERS.into()));
    }
    for report in &process.patches {
        push_patch(table, process, report);
    }
    for left in &process.left {
        push_stale(table, process, (&left.module, &left.patch.id), &left.stale);
    }
}

fn push_stale(table: &mut Table, process: &AuditedProcess, (module, id): (&str, &str), stale: &[Stale]) {
    for stale in stale {
        let place = format!("{module}:{}", stale.name);
        let because = wording::stale_place(stale).into();
        table.row(cells(process, &place, id, Cell::styled("stale", WARN), because));
    }
}

fn push_patch(table: &mut Table, process: &AuditedProcess, report: &PatchReport) {
    let id = report.patch.id.as_str();
    if report.modules.is_empty() {
        table.row(with_since(cells(process, "-", id, of(report.state), note(report, None)), report));
    }
    for module in &report.modules {
        if module.functions.is_empty() {
            let row = cells(process, &module.name, id, of(module.state), note(report, Some(module)));
            table.row(with_since(row, report));
        }
        for function in &module.functions {
            let place = format!("{}:{}", module.name, function.name);
            let row = cells(process, &place, id, of(function.state), function_note(report, function));
            table.row(with_since(row, report));
        }
        push_stale(table, process, (&module.name, id), &module.stale);
    }
}

fn of(state: State) -> Cell {
    Cell::styled(state.to_string(), of_state(state))
}

fn cells(process: &AuditedProcess, place: &str, patch: &str, state: Cell, note: Cell) -> [Cell; 8] {
    let info = &process.process;
    let note = if info.attached { note.after("attached") } else { note };
    [
        wording::command(info).into(),
        info.pid.to_string().into(),
        info.python.as_str().into(),
        Cell::styled(place, NAME),
        patch.into(),
        state,
        "-".into(),
        note,
    ]
}

fn with_since(mut row: [Cell; 8], report: &PatchReport) -> [Cell; 8] {
    if let Some(since) = report.since {
        row[6] = local(since).into();
    }
    row
}

fn note(report: &PatchReport, module: Option<&ModuleReport>) -> Cell {
    if let Some(holder) = &report.forced {
        return format!("by force, held by {holder}").into();
    }
    match (&report.refusal, module) {
        (Some(refusal), _) => wording::refusal(refusal).into(),
        (None, Some(ModuleReport { state: State::Waiting, .. })) => "not imported yet".into(),
        _ => "".into(),
    }
}

fn function_note(report: &PatchReport, function: &FunctionReport) -> Cell {
    match function {
        FunctionReport { detail, .. } if !detail.is_empty() => detail.as_str().into(),
        _ if report.forced.is_some() || report.refusal.is_some() => note(report, None),
        FunctionReport { holders: 2.., .. } => format!("{} function objects", function.holders).into(),
        _ => "".into(),
    }
}

/// What `--check` finds wrong: everything enabled that is neither active nor waiting.
fn faults(audit: &AuditReply, off: bool) -> Vec<String> {
    let mut faults = Vec::new();
    if off {
        faults.push("patches are switched off; `patchctl on` brings them back".to_owned());
    }
    for patch in &audit.patches {
        if let (true, Some(broken)) = (patch.enabled, &patch.broken) {
            faults.push(format!("{}: its file does not parse: {broken}", patch.id));
        }
    }
    for process in &audit.processes {
        let name = format!("process {}", process.process.pid);
        if !process.answered {
            faults.push(format!("{name}: did not answer in time"));
        }
        if let Some(disabled) = &process.disabled {
            faults.push(format!("{name}: the hook is disabled: {disabled}"));
        }
        if process.subinterpreters && process.patches.iter().any(|report| report.state == State::Active) {
            faults.push(format!("{name}: {SUBINTERPRETERS}"));
        }
        faults.extend(process.patches.iter().filter_map(fault).map(|fault| format!("{name}: {fault}")));
    }
    faults
}

fn fault(report: &PatchReport) -> Option<String> {
    let reason = report.refusal.as_ref().map(|refusal| refusal.reason);
    let not_meant = matches!(reason, Some(Reason::OtherProcess | Reason::Disabled));
    if is_good(report.state) && report.modules.iter().all(module_is_good) || not_meant {
        return None;
    }
    let told = report.refusal.as_ref().map(|refusal| format!(" ({})", wording::refusal(refusal)));
    Some(format!("{} is {}{}", report.patch.id, worst(report), told.unwrap_or_default()))
}

fn is_good(state: State) -> bool {
    matches!(state, State::Active | State::Waiting)
}

fn module_is_good(module: &ModuleReport) -> bool {
    is_good(module.state) && module.functions.iter().all(|function| is_good(function.state))
}

/// The state that is at fault: the patch's own, else a module's, else a function's.
fn worst(report: &PatchReport) -> State {
    let modules = report.modules.iter().map(|module| module.state);
    let functions = report.modules.iter().flat_map(|module| &module.functions).map(|function| function.state);
    let mut all = std::iter::once(report.state).chain(modules).chain(functions);
    all.find(|state| !is_good(*state)).unwrap_or(report.state)
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
