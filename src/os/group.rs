//! All processes of one session, found and ended together.

use super::process::{ProcessId, Stat};
use crate::domain::time::{BootId, Span};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::{collections::BTreeSet, time::Duration};

/// How long to look again after a KILL before giving up: a process in an uninterruptible wait cannot be ended.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to look.
const LOOK: Duration = Duration::from_millis(10);

/// The session of a leader that was started with one of its own. Process groups that a shell makes for its jobs stay
/// in the session, so that the session holds what a group would lose; only what calls `setsid` itself gets away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    leader: ProcessId,
}

/// What ending a group took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nobody was left.
    Already,
    /// All obeyed TERM.
    Term,
    /// KILL was needed.
    Kill,
    /// So many are still there: the kernel does not let them go.
    Stuck(usize),
}

impl Group {
    /// Led by this process, which was started by [`super::spawn`] or [`super::pty`].
    pub fn of(leader: ProcessId) -> Self {
        Self { leader }
    }

    /// Who leads it.
    pub fn leader(&self) -> &ProcessId {
        &self.leader
    }

    /// Who is in it and runs. Nobody where the number of the leader belongs to another process by now.
    pub fn members(&self) -> Vec<ProcessId> {
        self.stats()
            .into_iter()
            .map(|stat| ProcessId { pid: stat.pid, start: stat.start, boot: self.leader.boot.clone() })
            .collect()
    }

    fn stats(&self) -> Vec<Stat> {
        if !same_boot(&self.leader.boot) {
            return Vec::new();
        }
        let all = Stat::all();
        // A session's number stays taken as long as a member lives; another leader means that all of ours are gone.
        if all.iter().any(|stat| stat.pid == self.leader.pid && stat.start != self.leader.start) {
            return Vec::new();
        }
        all.into_iter()
            .filter(|stat| {
                (stat.session == self.leader.pid || stat.group == self.leader.pid) && !stat.ended()
            })
            .collect()
    }

    fn signal(&self, signal: Signal) -> usize {
        let stats = self.stats();
        let groups: BTreeSet<u32> = stats.iter().map(|stat| stat.group).collect();
        for group in groups.into_iter().filter_map(pid) {
            let _ = kill_process_group(group, signal);
        }
        // A stopped process takes no TERM before it goes on.
        if signal == Signal::TERM {
            for stat in stats.iter().filter(|stat| matches!(stat.state, b'T' | b't')) {
                let _ = pid(stat.pid).map(|pid| kill_process(pid, Signal::CONT));
            }
        }
        stats.len()
    }

    /// INT to all, as Ctrl-C would.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// TERM to all; after `grace`, KILL to who is left; returns when nobody is.
    pub async fn end(&self, grace: Span) -> Ended {
        if self.signal(Signal::TERM) == 0 {
            return Ended::Already;
        }
        if self.gone_within(grace.std()).await {
            return Ended::Term;
        }
        self.kill().await
    }

    /// KILL to all, again while new ones are born; returns when nobody is left.
    pub async fn kill(&self) -> Ended {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let left = self.signal(Signal::KILL);
            if left == 0 {
                return Ended::Kill;
            }
            if tokio::time::Instant::now() >= deadline {
                return Ended::Stuck(left);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn gone_within(&self, grace: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + grace;
        loop {
            if self.stats().is_empty() {
                return true;
            }
            let now = tokio::time::Instant::now();
            if now >= deadline {
                return false;
            }
            tokio::time::sleep(LOOK.min(deadline - now)).await;
        }
    }
}

fn same_boot(boot: &BootId) -> bool {
    *boot == super::clock::boot_id()
}

/// Never 0 nor 1: those numbers mean "my own group" and everybody.
fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().filter(|number| *number > 1).and_then(Pid::from_raw)
}
