//! A process that is surely the one that was meant: its id together with its start time.

use serde::{Deserialize, Serialize};

/// A process id and the moment, in clock ticks since boot, at which that process began. An id alone is reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pid {
    /// Process id.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`, see proc_pid_stat(5).
    pub start: u64,
}

impl Pid {
    /// The process that now has this id, unless it has ended.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let start = started(&stat)?;
        Some(Self { pid, start })
    }

    /// This very process.
    pub fn me() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, start: 0 })
    }

    /// Whether it still runs. One that ended and is not yet waited for does not.
    pub fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal to its process group, if the leader is still the process that was meant. Says whether it was.
    pub fn signal_group(self, signal: rustix::process::Signal) -> bool {
        let Some(id) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw) else {
            return false;
        };
        self.alive() && rustix::process::kill_process_group(id, signal).is_ok()
    }
}

/// Whether a child has ended. It is not waited for: its id, and that of its group, stay its own.
pub fn child_ended(child: &std::process::Child) -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let Some(id) = group_of(child) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(id), options), Ok(None))
}

/// Kills a child with all that it started in its group, and waits for it. What it started may outlive it, and is
/// killed all the same: while the child is not waited for, the group's id cannot be another's.
pub fn bury(child: &mut std::process::Child) {
    if let Some(id) = group_of(child) {
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn group_of(child: &std::process::Child) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// The start time in a line of `/proc/PID/stat`; none for a zombie. The name in parentheses may hold anything.
fn started(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Memory of this process that lies in RAM, bytes (`VmRSS` of `/proc/self/status`, given there in KiB).
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let tail = "S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4242 1000 1";
        assert_eq!(started(&format!("7 (a) b) (c) {tail}")), Some(4_242));
        assert_eq!(started(&format!("7 (x) {}", tail.replacen('S', "Z", 1))), None);
        for broken in ["", "7", "7 (x", "7 (x)", "7 (x) S 1 2"] {
            assert_eq!(started(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_reused_id_is_another_process() {
        let me = Pid::me();
        assert!(me.alive());
        let other = Pid { start: me.start + 1, ..me };
        assert!(!other.alive());
        assert!(!other.signal_group(rustix::process::Signal::TERM), "must not reach the test's own group");
        assert!(resident() > 100_000);
    }
}
