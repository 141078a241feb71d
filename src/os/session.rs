//! The only `unsafe` of the crate: what a child does between fork and exec, descriptors known by number alone, and the
//! one socket option that no safe wrapper reads.
#![allow(
    unsafe_code,
    reason = "pre_exec, borrowed raw descriptors and SO_PEERGROUPS have no safe form; each use says why it holds"
)]

use rustix::{fs::Mode, io::FdFlags};
use std::{
    io, mem,
    os::fd::{AsRawFd as _, BorrowedFd},
    os::unix::process::CommandExt as _,
    process::Command,
};

/// Groups that a process can be in at most (`NGROUPS_MAX`).
const GROUPS_MAX: usize = 65_536;

/// Supplementary groups of a Unix socket's peer, as they were when it connected.
pub(super) fn peer_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut room = 64;
    loop {
        let mut gids: Vec<libc::gid_t> = vec![0; room];
        let mut bytes = libc::socklen_t::try_from(room * mem::size_of::<libc::gid_t>()).unwrap_or(0);
        // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `bytes` bytes into `gids`,
        // which has them, and says in `bytes` how many it wrote or, with ERANGE, how many it wants.
        let failed = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                gids.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        } != 0;
        let wanted = usize::try_from(bytes).unwrap_or(0) / mem::size_of::<libc::gid_t>();
        if !failed {
            gids.truncate(wanted);
            return Ok(gids);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) || wanted <= room || wanted > GROUPS_MAX {
            return Err(error);
        }
        room = wanted;
    }
}

/// Makes the child leader of a session and process group of its own, without a controlling terminal, and sets its
/// file mode mask.
pub(super) fn own(command: &mut Command, umask: Option<u32>) {
    // SAFETY: between fork and exec only async-signal-safe calls are made: setsid(2) and umask(2), both plain
    // system calls that neither allocate nor lock.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            if let Some(mask) = umask {
                rustix::process::umask(Mode::from_raw_mode(mask));
            }
            Ok(())
        });
    }
}

/// Marks every descriptor above standard error close-on-exec, so that nothing that came in from a parent (a
/// terminal, a lock, a pipe that somebody waits on) leaks on into a child. Failures are harmless and ignored.
pub fn seal_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // SAFETY: the descriptor is borrowed for one fcntl(2) and never closed. Should another thread have closed it
        // meanwhile the call fails with EBADF; should it have opened another, that one is close-on-exec already.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC);
    }
}
