//! Who may do what: which peers are served, whose patches reach whose processes, and which files the
//! machine's daemon may read on behalf of a process.

use patchctl_protocol::location::Scope;
use patchctl_protocol::socket::Peer;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The rules of one daemon.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub scope: Scope,
    /// The daemon's own user.
    pub uid: u32,
}

impl Access {
    /// Whether a peer is spoken to at all.
    #[must_use]
    pub fn admits(self, peer: Peer) -> bool {
        self.scope == Scope::Machine || peer.uid == self.uid || peer.uid == 0
    }

    /// Whether a peer may change or see a patch of this owner.
    #[must_use]
    pub fn may_change(self, uid: u32, owner: u32) -> bool {
        uid == 0 || uid == owner || (self.scope != Scope::Machine && uid == self.uid)
    }

    /// Whether a patch of `owner` reaches the processes of `uid`: root's patches reach all, a user's only
    /// those of that user. A daemon of one user has one owner only.
    #[must_use]
    pub fn reaches(self, owner: u32, uid: u32) -> bool {
        self.scope != Scope::Machine || owner == 0 || owner == uid
    }

    /// Whether files in the patch folder may belong to `owner`.
    #[must_use]
    pub fn owner_is_trusted(self, owner: u32) -> bool {
        self.scope == Scope::Machine || owner == 0 || owner == self.uid
    }

    /// Whether to read a source file for a process of `uid`. The machine's daemon, which may read
    /// everything, reads for others only what they could read themselves by owner or for all.
    #[must_use]
    pub fn may_read_for(self, uid: u32, file: &File, path: &Path) -> bool {
        if uid == self.uid || uid == 0 {
            return true;
        }
        let readable = file.metadata().is_ok_and(|found| opens(&found, uid, 0o4));
        readable
            && path
                .ancestors()
                .skip(1)
                .all(|folder| fs::metadata(folder).is_ok_and(|found| opens(&found, uid, 0o1)))
    }
}

/// Whether the permission `bit` (of the three for all) is given to `uid`, as owner or as anybody.
fn opens(found: &fs::Metadata, uid: u32, bit: u32) -> bool {
    let shift = if found.uid() == uid { 6 } else { 0 };
    found.mode() & (bit << shift) != 0
}

#[cfg(test)]
mod tests {
    use super::Access;
    use patchctl_protocol::location::Scope;
    use patchctl_protocol::socket::Peer;

    fn peer(uid: u32) -> Peer {
        Peer { pid: 1, uid, gid: uid }
    }

    #[test]
    fn a_users_daemon_serves_its_user_and_root() {
        let access = Access { scope: Scope::User, uid: 1000 };
        assert!(access.admits(peer(1000)) && access.admits(peer(0)) && !access.admits(peer(1001)));
    }

    #[test]
    fn on_the_machine_a_users_patches_stay_with_the_user() {
        let access = Access { scope: Scope::Machine, uid: 0 };
        assert!(access.admits(peer(1000)));
        assert!(access.reaches(0, 1000) && access.reaches(1000, 1000) && !access.reaches(1000, 1001));
        assert!(access.may_change(0, 1000) && access.may_change(1000, 1000));
        assert!(!access.may_change(1000, 0) && !access.may_change(1000, 1001));
    }

    #[test]
    fn the_machines_daemon_reads_nothing_private_for_others() {
        use std::os::unix::fs::PermissionsExt;
        let access = Access { scope: Scope::Machine, uid: 0 };
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("secret.py");
        std::fs::write(&path, "x = 1\n").expect("writes");
        let stranger = 54_321;
        for (folder_mode, file_mode, readable) in
            [(0o755, 0o644, true), (0o755, 0o600, false), (0o700, 0o644, false)]
        {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(folder_mode))
                .expect("sets");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(file_mode)).expect("sets");
            let file = std::fs::File::open(&path).expect("opens");
            assert_eq!(
                access.may_read_for(stranger, &file, &path),
                readable,
                "{folder_mode:o} {file_mode:o}"
            );
        }
    }
}
