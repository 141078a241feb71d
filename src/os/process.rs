//! A process told apart from every other that had or will have its number: pid, start time and boot.

use super::clock;
use crate::domain::time::BootId;
use serde::{Deserialize, Serialize};

/// One process, for ever. A pid alone is used again; with its start time and boot it is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Number.
    pub pid: u32,
    /// Clock ticks between boot and its start (`proc(5)`, field 22 of `stat`).
    pub start: u64,
    /// The boot in which it ran.
    pub boot: BootId,
}

impl ProcessId {
    /// The process that has this number now; none where nobody has.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        Some(Self { pid, start: stat.start, boot: clock::boot_id() })
    }

    /// This process.
    pub fn me() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, start: 0, boot: clock::boot_id() })
    }
}

/// Whether this very process still runs. One that ended and waits for its parent (a zombie) does not, nor does
/// another that got its number, nor one of an earlier boot. One that was killed and is still ending does: it holds its
/// files and its locks until the last of its threads is gone, which may be waiting for a disk.
pub fn alive(process: &ProcessId) -> bool {
    process.boot == clock::boot_id()
        && Stat::read(process.pid).is_some_and(|stat| stat.start == process.start && !stat.ended())
}

/// What is read of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// Number.
    pub pid: u32,
    /// One letter, `R`, `S`, `Z` …
    pub state: u8,
    /// Process group.
    pub group: u32,
    /// Session.
    pub session: u32,
    /// Threads that are left of it.
    pub threads: u32,
    /// Ticks between boot and start.
    pub start: u64,
}

impl Stat {
    pub fn read(pid: u32) -> Option<Self> {
        Self::parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// All processes that can be seen. Those that end meanwhile are left out.
    pub fn all() -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        entries.flatten().filter_map(|entry| Self::read(entry.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// The command's name stands in brackets and may itself hold brackets and spaces: fields count from the last.
    fn parse(raw: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(raw);
        let pid = text.split(' ').next()?.parse().ok()?;
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let group = fields.nth(1)?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let threads = fields.nth(13)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        Some(Self { pid, state, group, session, threads, start })
    }

    pub fn ended(&self) -> bool {
        // The state is that of its first thread.
        matches!(self.state, b'Z' | b'X' | b'x') && self.threads <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_name_with_brackets_is_no_trap() {
        let line = b"42 (a) R (b) S 1 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat, Stat { pid: 42, state: b'S', group: 40, session: 39, threads: 1, start: 98765 });
        assert_eq!(Stat::parse(b"42 (a"), None);
    }

    #[test]
    fn a_process_ends_with_the_last_of_its_threads() {
        let of = |state: u8, threads: u32| Stat { pid: 1, state, group: 1, session: 1, threads, start: 1 };
        assert!(!of(b'Z', 2).ended(), "a thread of it waits for the disk and holds its locks");
        assert!(of(b'Z', 1).ended());
        assert!(!of(b'D', 1).ended());
    }

    #[test]
    fn a_zombie_is_dead_and_so_is_a_number_used_again() {
        let me = ProcessId::me();
        assert!(alive(&me));
        assert!(!alive(&ProcessId { start: me.start + 1, ..me.clone() }));
        assert!(!alive(&ProcessId { boot: BootId("another".into()), ..me }));

        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(alive(&id));
        child.kill().unwrap();
        while !Stat::read(id.pid).unwrap().ended() {
            std::thread::yield_now();
        }
        assert!(!alive(&id), "a zombie is dead");
        child.wait().unwrap();
        assert!(!alive(&id));
    }
}
