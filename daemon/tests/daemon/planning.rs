//! Plans for modules: composed from the file, one for all, with reasons where there is none.

use crate::rig::{Rig, changed};
use patchctl_protocol::hook::{LoaderKind, ModuleFacts, ModulePlan, Outcome, Phase, PlanReply, PlanRequest};
use patchctl_protocol::plan::Plan;
use patchctl_protocol::state::Reason;
use std::path::Path;

const SOURCE: &str = "def f(x):\n    return x < 1\n\n\ndef g():\n    return 2\n";

fn diff(file: &str) -> String {
    format!(
        "--- a/{file}\n+++ b/{file}\n@@ -1,2 +1,2 @@\n def f(x):\n-    return x < 1\n+    return x <= 1\n"
    )
}

fn facts(name: &str, origin: &Path) -> ModuleFacts {
    ModuleFacts {
        name: name.into(),
        origin: Some(origin.to_string_lossy().into_owned()),
        ..ModuleFacts::default()
    }
}

fn request(modules: Vec<ModuleFacts>) -> PlanRequest {
    PlanRequest { request: 7, phase: Phase::Live, modules, excluded: Vec::new(), hello: None }
}

fn plan(reply: &PlanReply, index: usize) -> &Plan {
    match &reply.modules[index].outcome {
        Outcome::Plan(plan) => plan,
        other => panic!("no plan: {other:?}, skipped {:?}", reply.modules[index].skipped),
    }
}

fn reasons(module: &ModulePlan) -> Vec<Reason> {
    module.skipped.iter().map(|skipped| skipped.refusal.reason).collect()
}

#[test]
fn a_plan_leads_there_and_back() {
    let rig = Rig::new();
    let origin = rig.module("mod.py", SOURCE);
    changed(rig.add("fix.diff", &diff("mod.py")));
    let (mut hook, _) = rig.link();
    let reply = hook.plan(request(vec![facts("mod", &origin)]));
    assert_eq!(reply.request, 7);
    assert_eq!(reply.modules[0].applied[0].id, "fix");
    let there = plan(&reply, 0).clone();
    assert_eq!(there.functions.len(), 1);
    assert_eq!(std::fs::read_to_string(&there.filename).expect("is readable"), SOURCE.replace('<', "<="));
    let patched = ModuleFacts {
        original: Some(there.original.clone()),
        running: Some(there.target.clone()),
        ..facts("mod", &origin)
    };
    let again = hook.plan(request(vec![patched.clone()]));
    assert!(matches!(again.modules[0].outcome, Outcome::Unchanged), "{again:?}");
    changed(rig.remove("fix"));
    hook.desired();
    std::fs::write(&origin, "something = 'else'\n").expect("upgrades the file");
    let reply = hook.plan(request(vec![patched]));
    let back = plan(&reply, 0);
    assert_eq!(back.target, there.original, "the way back leads to the text the process was started with");
    assert!(reply.modules[0].applied.is_empty());
}

#[test]
fn a_patch_that_fits_one_module_only_is_taken_out_of_both() {
    let rig = Rig::new();
    let fits = rig.module("pkg/a.py", SOURCE);
    let not = rig.module("pkg/b.py", "def other():\n    return 0\n");
    rig.module("pkg/__init__.py", "");
    changed(rig.add("both.diff", &format!("{}{}", diff("pkg/a.py"), diff("pkg/b.py"))));
    let (mut hook, _) = rig.link();
    let together = hook.plan(request(vec![facts("pkg.a", &fits), facts("pkg.b", &not)]));
    for module in &together.modules {
        assert_eq!(reasons(module), [Reason::HunkConflict], "{module:?}");
        assert!(module.applied.is_empty() && matches!(module.outcome, Outcome::Unchanged));
    }
    let alone = hook.plan(request(vec![facts("pkg.a", &fits)]));
    assert_eq!(reasons(&alone.modules[0]), [Reason::HunkConflict], "the other module is looked at ahead");
}

#[test]
fn sources_out_of_reach_are_asked_for() {
    let rig = Rig::new();
    changed(rig.add("fix.diff", &diff("mod.py")));
    let (mut hook, _) = rig.link();
    let zipped = ModuleFacts { loader: LoaderKind::Zip, ..facts("mod", Path::new("/no/lib.zip/mod.py")) };
    let reply = hook.plan(request(vec![zipped.clone()]));
    assert!(matches!(reply.modules[0].outcome, Outcome::NeedsSource), "{reply:?}");
    let reply = hook.plan(request(vec![ModuleFacts { source: Some(SOURCE.into()), ..zipped }]));
    assert_eq!(plan(&reply, 0).functions.len(), 1);
    let unknown = ModuleFacts {
        running: Some(patchctl_protocol::digest::Digest(format!("sha256:{}", "0".repeat(64)))),
        ..facts("mod", &rig.module("mod.py", SOURCE))
    };
    let reply = hook.plan(request(vec![unknown]));
    assert!(matches!(reply.modules[0].outcome, Outcome::Restore), "{reply:?}");
}

#[test]
fn an_import_asks_on_a_connection_of_its_own() {
    let rig = Rig::new();
    let origin = rig.module("mod.py", SOURCE);
    changed(rig.add("fix.diff", &diff("mod.py")));
    let mut peer = rig.connect();
    let import = PlanRequest {
        phase: Phase::Import,
        hello: Some(rig.hello()),
        ..request(vec![facts("mod", &origin)])
    };
    assert_eq!(plan(&peer.plan(import), 0).functions.len(), 1);
}

#[test]
fn a_plan_is_made_for_a_distributions_version_only() {
    let rig = Rig::new();
    let origin = rig.module("mod.py", SOURCE);
    rig.module("thing-1.5.dist-info/METADATA", "");
    let guarded =
        |wanted: &str| format!("# /// patch\n# requires = [\"thing{wanted}\"]\n# ///\n{}", diff("mod.py"));
    changed(rig.add("fix.diff", &guarded("<1.4")));
    let (mut hook, _) = rig.link();
    let reply = hook.plan(request(vec![facts("mod", &origin)]));
    assert_eq!(reasons(&reply.modules[0]), [Reason::VersionMismatch]);
    changed(rig.remove("fix"));
    changed(rig.add("fix.diff", &guarded("<1.6")));
    let reply = hook_after_two(&mut hook, request(vec![facts("mod", &origin)]));
    assert_eq!(reply.modules[0].applied.len(), 1, "{reply:?}");
}

/// Asks after the two desired states that a removal and an addition push.
fn hook_after_two(hook: &mut crate::rig::Peer, request: PlanRequest) -> PlanReply {
    let first = hook.desired();
    if first.modules.is_empty() {
        hook.desired();
    }
    hook.plan(request)
}
