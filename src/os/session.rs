//! The only `unsafe` of the crate: what a child does between fork and exec, and descriptors known by number alone.
#![allow(
    unsafe_code,
    reason = "pre_exec and borrowed raw descriptors have no safe form; each use says why it holds"
)]

use rustix::{fs::Mode, io::FdFlags};
use std::{os::fd::BorrowedFd, os::unix::process::CommandExt as _, process::Command};

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
