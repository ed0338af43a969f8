//! `patchctl show`: one patch with all that is known of it, and its file.

use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{DIM, STRONG, paint};
use crate::time::local;
use crate::wording;
use patchctl_protocol::client::{PatchInfo, Reply, Request};
use serde_json::json;

/// Show one patch: its header, its modules, its file
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl show fix")]
pub struct Args {
    /// Id of the patch
    #[arg(value_name = "ID")]
    id: String,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let request = Request::Show { id: args.id.clone() };
    let Reply::Patch { patch, content } = places.connect_or_start(output)?.ask(&request)? else {
        return Err(Error::unexpected_reply());
    };
    if output.is_json() {
        output.document(&json!({ "patch": patch, "content": content }))?;
        return Ok(Exit::Ok);
    }
    let mut text = format!("{}\n", paint(STRONG, &patch.id));
    for (name, value) in properties(&patch) {
        text.push_str(&format!("  {} {value}\n", paint(DIM, &format!("{name:<12}"))));
    }
    output.line(format_args!("{text}\n{}", content.trim_end()))?;
    Ok(Exit::Ok)
}

fn properties(patch: &PatchInfo) -> Vec<(&'static str, String)> {
    let header = &patch.header;
    let state = match patch {
        PatchInfo { expired: true, .. } => "expired",
        PatchInfo { enabled: true, .. } => "enabled",
        _ => "disabled",
    };
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let time = |value: Option<f64>| value.map(local).unwrap_or_default();
    let order = if header.order == 0 { String::new() } else { header.order.to_string() };
    let mut all = vec![
        ("state", state.to_owned()),
        ("broken", optional(&patch.broken)),
        ("kind", wording::name_of(&patch.kind)),
        ("file", patch.file.clone()),
        ("link to", optional(&patch.link)),
        ("digest", patch.digest.to_string()),
        ("signed by", optional(&patch.signed_by)),
        ("modules", patch.modules.join(", ")),
        ("passed over", patch.passed_over.join(", ")),
        ("requires", header.requires.join(", ")),
        ("python", optional(&header.python)),
        ("reason", optional(&header.reason)),
        ("cve", optional(&header.cve)),
        ("author", optional(&header.author)),
        ("url", optional(&header.url)),
        ("added", time(patch.added_at)),
        ("added by", patch.added_by.map(|uid| format!("user {uid}")).unwrap_or_default()),
        ("expires", time(header.expires)),
        ("order", order),
        ("replaces", header.replaces.join(", ")),
        ("needs", header.needs.join(", ")),
        ("renew", header.renew.join(", ")),
        ("quiesce", header.quiesce.map(|seconds| format!("{seconds} s")).unwrap_or_default()),
        ("force", if header.force { "true".into() } else { String::new() }),
        ("clear-caches", if header.clear_caches { "true".into() } else { String::new() }),
    ];
    all.retain(|(_, value)| !value.is_empty());
    all
}
