//! The patch folder is the registry: what happens there takes effect, and what does not belong there is
//! named.

use crate::rig::{Rig, eventually, private};
use patchctl_protocol::client::PatchInfo;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const PATCH: &str = "# /// patch\n# module = \"mod\"\n# ///\ndef f():\n    return 2\n";

fn until(rig: &Rig, what: &str, test: impl Fn(&[PatchInfo]) -> bool) -> Vec<PatchInfo> {
    eventually(what, || {
        let patches = rig.list();
        if test(&patches) { Ok(patches) } else { Err(format!("{patches:?}")) }
    })
}

#[test]
fn files_come_change_and_go() {
    let rig = Rig::new();
    let (mut hook, _) = rig.link();
    rig.write("a.py", PATCH);
    let first = until(&rig, "the patch", |patches| patches.len() == 1);
    let before = hook.desired();
    assert_eq!(before.modules.len(), 1);
    rig.write("a.py", &PATCH.replace('2', "3"));
    let changed = until(&rig, "the change", |patches| patches[0].digest != first[0].digest);
    assert_eq!(changed[0].id, "a");
    let path = |name: &str| rig.location.patches.join(name);
    fs::rename(path("a.py"), path("a.py.disabled")).expect("renames");
    until(&rig, "the patch switched off", |patches| !patches[0].enabled);
    fs::remove_file(path("a.py.disabled")).expect("removes");
    until(&rig, "no patch", <[PatchInfo]>::is_empty);
}

#[test]
fn a_file_that_stops_parsing_keeps_its_last_good_version() {
    let mut rig = Rig::new();
    rig.write("a.py", PATCH);
    let good = until(&rig, "the patch", |patches| patches.len() == 1);
    rig.write("a.py", "# /// patch\n# nonsense = 1\n# ///\n");
    let broken = until(&rig, "the fault", |patches| patches[0].broken.is_some());
    assert_eq!(broken[0].digest, good[0].digest);
    assert_eq!(broken[0].modules, ["mod"]);
    assert!(broken[0].broken.as_deref().is_some_and(|fault| fault.contains("a.py:2:")), "{broken:?}");
    rig.kill_and_restart();
    let (_, desired) = rig.link();
    assert_eq!(desired.modules.len(), 1, "the last good version is active after a restart");
    rig.write("a.py", PATCH);
    until(&rig, "the file mended", |patches| patches[0].broken.is_none());
}

#[test]
fn what_is_no_patch_is_named_and_others_go_on() {
    let rig = Rig::new();
    let path = |name: &str| rig.location.patches.join(name);
    fs::create_dir(path("folder.py")).expect("makes a folder");
    rustix::fs::mknodat(rustix::fs::CWD, path("pipe.py"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("makes a pipe");
    std::os::unix::fs::symlink(path("loop.py"), path("loop.py")).expect("links");
    std::os::unix::fs::symlink("/dev/zero", path("device.py")).expect("links");
    rig.write("open.py", PATCH);
    fs::set_permissions(path("open.py"), fs::Permissions::from_mode(0o666)).expect("opens to all");
    rig.write("large.py", &"x".repeat(9 << 20));
    rig.write("good.py", PATCH);
    rig.write("README.md", "no patch");
    rig.write(".hidden.py", "no patch");
    let patches = until(&rig, "seven files", |patches| patches.len() == 7);
    for (id, words) in [
        ("folder", "a folder"),
        ("pipe", "a named pipe"),
        ("loop", "loop of symbolic links"),
        ("device", "a device"),
        ("open", "chmod go-w"),
        ("large", "more than a patch may have"),
    ] {
        let fault = patches.iter().find(|patch| patch.id == id).and_then(|patch| patch.broken.clone());
        assert!(fault.as_ref().is_some_and(|fault| fault.contains(words)), "{id}: {fault:?}");
    }
    let (_, desired) = rig.link();
    assert_eq!(desired.modules.len(), 1, "the good one is active");
}

#[test]
fn a_link_follows_its_target() {
    let rig = Rig::new();
    let folder = rig.folder.path().join("mine");
    fs::create_dir(&folder).expect("makes a folder");
    let target = folder.join("work.py");
    fs::write(&target, PATCH).expect("writes");
    private(&target);
    std::os::unix::fs::symlink(&target, rig.location.patches.join("work.py")).expect("links");
    let first = until(&rig, "the patch", |patches| patches.len() == 1);
    assert_eq!(first[0].link.as_deref(), target.to_str());
    let new = folder.join("new");
    fs::write(&new, PATCH.replace('2', "3")).expect("writes");
    private(&new);
    fs::rename(&new, &target).expect("replaces the target as editors do");
    until(&rig, "the change", |patches| patches[0].digest != first[0].digest);
}

#[test]
fn the_whole_folder_can_be_replaced() {
    let rig = Rig::new();
    rig.write("a.py", PATCH);
    until(&rig, "the patch", |patches| patches.len() == 1);
    let away = rig.folder.path().join("away");
    fs::rename(&rig.location.patches, &away).expect("takes the folder away");
    until(&rig, "no patch", <[PatchInfo]>::is_empty);
    fs::create_dir(&rig.location.patches).expect("makes it again");
    for number in 0..50 {
        rig.write(&format!("p{number}.py"), &PATCH.replace("mod", &format!("mod{number}")));
    }
    until(&rig, "fifty patches", |patches| patches.len() == 50);
    rig.write("later.py", PATCH);
    until(&rig, "one more", |patches| patches.len() == 51);
}

#[test]
fn two_files_of_one_id_are_told_apart() {
    let rig = Rig::new();
    rig.write("a.py", PATCH);
    rig.write("a.py.disabled", PATCH);
    let patches = until(&rig, "both", |patches| patches.len() == 2);
    let double = patches.iter().find(|patch| patch.broken.is_some()).expect("one is refused");
    assert!(double.broken.as_deref().is_some_and(|fault| fault.contains("already")), "{double:?}");
}
