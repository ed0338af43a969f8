//! Making and reaching the daemon's socket, and asking the kernel who is at its other end. Synchronous,
//! over the standard library's types; what is said over it stands in the other modules.
//!
//! A socket's address holds 107 bytes of path. A longer path is reached through a descriptor of its
//! folder: `/proc/self/fd/N/patchd.sock`.

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

/// Longest path in bytes that fits a socket address (`sun_path` without its closing NUL).
pub const MAX_PATH: usize = 107;

/// Who is at the other end of a connection, as the kernel noted it when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// 0 for a process outside of this one's pid namespace.
    pub pid: u32,
    pub uid: u32,
    pub gid: u32,
}

/// Connects to the socket at `path`.
///
/// # Errors
/// What `connect(2)` says: there is no such file, nobody listens, access is denied.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let address = Address::of(path)?;
    let socket = new_socket()?;
    rustix::net::connect(&socket, &address.name)?;
    Ok(UnixStream::from(socket))
}

/// Connects, waiting at most `deadline` for room in the listener's queue. The deadline also stays on the
/// stream's writes; its reads have none.
///
/// # Errors
/// As [`connect`]; [`io::ErrorKind::WouldBlock`] where the deadline passed.
pub fn connect_within(path: &Path, deadline: Duration) -> io::Result<UnixStream> {
    let address = Address::of(path)?;
    let socket = new_socket()?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(deadline))?;
    rustix::net::connect(&socket, &address.name)?;
    Ok(UnixStream::from(socket))
}

/// Listens at `path`, which must not exist.
///
/// # Errors
/// What `bind(2)` and `listen(2)` say.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    const WAITING_CONNECTIONS: i32 = 4096;
    let address = Address::of(path)?;
    let socket = new_socket()?;
    rustix::net::bind(&socket, &address.name)?;
    rustix::net::listen(&socket, WAITING_CONNECTIONS)?;
    Ok(UnixListener::from(socket))
}

/// Who is at the other end of a connected socket.
///
/// # Errors
/// That the socket is not one of this family.
pub fn peer<S: AsFd>(stream: &S) -> io::Result<Peer> {
    // Not by rustix: its type has no room for the pid 0.
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or(0);
    let socket = stream.as_fd().as_raw_fd();
    // SAFETY: `found` is a place of `size` bytes for the answer, which are integers.
    let done = unsafe {
        let place = (&raw mut found).cast();
        libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut size)
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Peer { pid: u32::try_from(found.pid).unwrap_or(0), uid: found.uid, gid: found.gid })
}

fn new_socket() -> io::Result<OwnedFd> {
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    Ok(socket)
}

/// A socket's address, and the folder's descriptor that it goes through if its path is a long one.
struct Address {
    name: SocketAddrUnix,
    _folder: Option<OwnedFd>,
}

impl Address {
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().as_bytes().len() <= MAX_PATH {
            return Ok(Self { name: SocketAddrUnix::new(path)?, _folder: None });
        }
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        let through = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(file);
        Ok(Self { name: SocketAddrUnix::new(through)?, _folder: Some(folder) })
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PATH, bind, connect, connect_within, peer};
    use std::io::{Read, Write};
    use std::path::Path;
    use std::time::Duration;

    fn speaks(path: &Path) {
        let listener = bind(path).expect("binds");
        let mut near = connect(path).expect("connects");
        let mut also = connect_within(path, Duration::from_secs(1)).expect("connects within a deadline");
        for stream in [&mut near, &mut also] {
            let (mut far, _) = listener.accept().expect("accepts");
            stream.write_all(b"x").expect("writes");
            let mut byte = [0];
            far.read_exact(&mut byte).expect("reads");
            assert_eq!(&byte, b"x");
            assert_eq!(peer(&far).expect("has a peer").pid, std::process::id());
        }
    }

    #[test]
    fn reaches_a_short_path() {
        let folder = tempfile::tempdir().expect("makes a folder");
        speaks(&folder.path().join("patchd.sock"));
    }

    #[test]
    fn reaches_a_path_too_long_for_an_address() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let deep = folder.path().join("a".repeat(100)).join("b".repeat(100));
        std::fs::create_dir_all(&deep).expect("makes folders");
        let path = deep.join("patchd.sock");
        assert!(path.as_os_str().len() > MAX_PATH);
        speaks(&path);
    }

    #[test]
    fn waits_no_longer_than_its_deadline() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("patchd.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("binds");
        rustix::net::listen(&listener, 0).expect("shortens the queue");
        let mut kept = Vec::new();
        let error = loop {
            match connect_within(&path, Duration::from_millis(20)) {
                Ok(stream) if kept.len() < 16 => kept.push(stream),
                Ok(_) => panic!("a queue of no length took 16 connections"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}
