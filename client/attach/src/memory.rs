//! The memory of another process, read and written without stopping it (`process_vm_readv(2)`). What
//! stands there is up to the callers.

use std::io;

/// The memory of one process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pid: i32,
}

impl Memory {
    #[must_use]
    pub fn of(pid: i32) -> Self {
        Self { pid }
    }

    /// Reads as many bytes as there is room for.
    ///
    /// # Errors
    /// That the process is gone, may not be read, or has nothing at some of these addresses.
    pub fn read(self, address: u64, room: &mut [u8]) -> io::Result<()> {
        let read = self.read_some(address, room)?;
        if read == room.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
    }

    /// Reads up to the first address where nothing is, and tells how many bytes that was.
    ///
    /// # Errors
    /// As [`Memory::read`], if nothing is at the first address.
    pub fn read_some(self, address: u64, room: &mut [u8]) -> io::Result<usize> {
        let local = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        let remote = span(address, room.len());
        // SAFETY: `local` names memory that is borrowed for writing during the call; the kernel checks the
        // other side.
        let read = unsafe { libc::process_vm_readv(self.pid, &raw const local, 1, &raw const remote, 1, 0) };
        usize::try_from(read).map_err(|_| io::Error::last_os_error())
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// As [`Memory::read`]; also that the memory is not writable.
    pub fn write(self, address: u64, bytes: &[u8]) -> io::Result<()> {
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = span(address, bytes.len());
        // SAFETY: the kernel only reads from `local`, which is borrowed during the call.
        let written =
            unsafe { libc::process_vm_writev(self.pid, &raw const local, 1, &raw const remote, 1, 0) };
        match usize::try_from(written) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EFAULT)),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// # Errors
    /// As [`Memory::read`].
    pub fn array<const N: usize>(self, address: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read(address, &mut bytes)?;
        Ok(bytes)
    }

    /// # Errors
    /// As [`Memory::read`].
    pub fn u32(self, address: u64) -> io::Result<u32> {
        self.array(address).map(u32::from_ne_bytes)
    }

    /// # Errors
    /// As [`Memory::read`].
    pub fn u64(self, address: u64) -> io::Result<u64> {
        self.array(address).map(u64::from_ne_bytes)
    }

    /// # Errors
    /// As [`Memory::read`].
    pub fn words(self, address: u64, count: usize) -> io::Result<Vec<u64>> {
        let mut bytes = vec![0; count * 8];
        self.read(address, &mut bytes)?;
        Ok(as_words(&bytes))
    }
}

/// Native-endian words; bytes beyond the last whole one are left out.
#[must_use]
pub fn as_words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|chunk| u64::from_ne_bytes(*chunk)).collect()
}

fn span(address: u64, length: usize) -> libc::iovec {
    let address = usize::try_from(address).unwrap_or(0);
    libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: length }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn reads_and_writes_this_process() {
        let own = Memory::of(i32::try_from(std::process::id()).expect("fits"));
        let mut value = [7_u64, 8];
        let address = value.as_mut_ptr().expose_provenance() as u64;
        assert_eq!(own.words(address, 2).expect("reads"), [7, 8]);
        own.write(address, &9_u64.to_ne_bytes()).expect("writes");
        assert_eq!(own.u64(address).expect("reads"), 9);
        assert!(own.u64(16).is_err());
    }
}
