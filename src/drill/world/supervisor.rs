//! Keeps the world: starts everybody in order, restarts who dies on the same port, ends all when told to, or when the
//! player has been gone for too long.

use super::proc::{Pid, bury, child_ended};
use super::spec::{Owner, Spec};
use super::{Facts, Layout, Proc, Role, WorldError, layout, release, spawn};
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The children are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A listening role must say its port within this.
const PORT_PATIENCE: Duration = Duration::from_secs(15);
/// After TERM, before KILL.
const TERM_PATIENCE: Duration = Duration::from_millis(1_500);
/// Who lived this long starts again at once, who did not waits longer each time.
const LIVED: Duration = Duration::from_secs(10);

/// Everybody, those first on whom others depend.
pub(super) const CAST: [(Role, u32); 7] = [
    (Role::Pricing, 1),
    (Role::Checkout, 1),
    (Role::Checkout, 2),
    (Role::Checkout, 3),
    (Role::Payments, 1),
    (Role::Load, 1),
    (Role::Pipeline, 1),
];

struct Kept {
    role: Role,
    index: u32,
    child: Child,
    pid: Pid,
    port: u16,
    born: Instant,
    deaths: u32,
    again_at: Option<Instant>,
}

struct World<'a> {
    layout: &'a Layout,
    spec: Spec,
    facts: Facts,
    kept: Vec<Kept>,
}

/// Keeps the world of a directory until it ends.
pub fn run(layout: &Layout) -> Result<(), WorldError> {
    // Away from the player's terminal: its hang-up and its Ctrl-C are not for the world.
    let _ = rustix::process::setsid();
    let told = Arc::new(AtomicBool::new(false));
    let ignored = Arc::new(AtomicBool::new(false));
    for (signal, flag) in [(SIGTERM, &told), (SIGINT, &told), (SIGHUP, &ignored)] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|why| WorldError::Role(format!("cannot listen to signals: {why}")))?;
    }
    let spec: Spec = layout::read_json(&layout.spec())?;
    let me = Pid::me();
    note_pid(layout, "supervisor", me)?;
    // A world taken up again keeps its beginning and its ports.
    let before = Facts::read(layout).ok();
    let facts = Facts {
        version: 1,
        scenario: spec.scenario,
        pace: spec.pace,
        started: before.as_ref().map_or_else(chrono::Utc::now, |old| old.started),
        supervisor: me,
        ready: false,
        procs: Vec::new(),
        srv: layout.dir.join("srv"),
        log: layout.logs(),
        flags: layout.flags(),
        good: release::GOOD.into(),
        bad: release::BAD.into(),
        next: release::NEXT.into(),
    };
    let mut world = World { layout, spec, facts, kept: Vec::new() };
    let kept = world.raise(before.as_ref(), &told).and_then(|()| world.keep(&told));
    world.end();
    kept
}

impl World<'_> {
    fn raise(&mut self, before: Option<&Facts>, told: &AtomicBool) -> Result<(), WorldError> {
        for (role, index) in CAST {
            if told.load(Ordering::Relaxed) {
                return Ok(());
            }
            let old = before.and_then(|old| old.named(&role.name(index))).and_then(|proc| proc.port);
            let kept = match self.start(role, index, old.unwrap_or(0)) {
                // Somebody took the old port meanwhile.
                Err(_) if old.is_some() => self.start(role, index, 0),
                done => done,
            }?;
            self.kept.push(kept);
            self.tell(false)?;
        }
        self.tell(true)
    }

    fn start(&self, role: Role, index: u32, port: u16) -> Result<Kept, WorldError> {
        let name = role.name(index);
        let told = self.layout.port(&name);
        let _ = std::fs::remove_file(&told);
        let mut child = spawn::role(self.layout, &self.spec, role, index, port)?;
        let began = Instant::now();
        // Not yet waited for, so the id is still its own, even if it has ended already.
        let pid = Pid::of(child.id()).unwrap_or(Pid { pid: child.id(), start: 0 });
        note_pid(self.layout, &name, pid)?;
        let mut bound = 0;
        while role.listens() {
            if let Some(said) = std::fs::read_to_string(&told).ok().and_then(|text| text.trim().parse().ok())
            {
                bound = said;
                break;
            }
            if child_ended(&child) || began.elapsed() > PORT_PATIENCE {
                bury(&mut child);
                let why = std::fs::read_to_string(self.layout.run().join(format!("{name}.err")));
                let why = why.ok().filter(|text| !text.trim().is_empty());
                let why = why.unwrap_or_else(|| format!("{name} did not say its port"));
                return Err(WorldError::Role(why.trim().to_owned()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Kept { role, index, child, pid, port: bound, born: began, deaths: 0, again_at: None })
    }

    /// Writes `world.json` as it stands.
    fn tell(&mut self, ready: bool) -> Result<(), WorldError> {
        let proc = |kept: &Kept| Proc {
            name: kept.role.name(kept.index),
            service: kept.role.word().into(),
            pid: kept.pid,
            port: kept.role.listens().then_some(kept.port),
            url: kept.role.listens().then(|| format!("http://127.0.0.1:{}", kept.port)),
        };
        self.facts.procs = self.kept.iter().map(proc).collect();
        self.facts.ready = ready;
        layout::write_json(&self.layout.facts(), &self.facts)
    }

    fn keep(&mut self, told: &AtomicBool) -> Result<(), WorldError> {
        let mut alone_since: Option<Instant> = None;
        while !told.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK_EVERY);
            let now = Instant::now();
            if !self.layout.run().exists() {
                // Somebody took the directory away: nothing is left to play in.
                return Ok(());
            }
            self.restart_the_dead(now)?;
            let owner = layout::read_json::<Owner>(&self.layout.owner());
            if owner.is_ok_and(|owner| owner.pid.alive()) {
                alone_since = None;
            } else if now.duration_since(*alone_since.get_or_insert(now)) >= self.spec.grace.std() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn restart_the_dead(&mut self, now: Instant) -> Result<(), WorldError> {
        let mut changed = false;
        let mut kept = std::mem::take(&mut self.kept);
        for one in &mut kept {
            if one.again_at.is_none() && child_ended(&one.child) {
                bury(&mut one.child);
                one.deaths = if one.born.elapsed() > LIVED { 0 } else { one.deaths.saturating_add(1) };
                let wait = Duration::from_millis(250) * 2_u32.saturating_pow(one.deaths.min(5));
                one.again_at = Some(now + wait);
            }
            if one.again_at.is_some_and(|at| now >= at) {
                match self.start(one.role, one.index, one.port) {
                    Ok(next) => {
                        let deaths = one.deaths;
                        *one = Kept { deaths, ..next };
                        changed = true;
                    }
                    Err(why) => {
                        eprintln!("{why}");
                        one.deaths = one.deaths.saturating_add(1);
                        one.again_at = Some(now + Duration::from_secs(5));
                    }
                }
            }
        }
        self.kept = kept;
        if changed { self.tell(true) } else { Ok(()) }
    }

    /// Ends everybody: TERM to all groups, then KILL to those who stay.
    fn end(&mut self) {
        // The customers first and the callers before the called, so that the logs do not end in errors.
        for one in self.kept.iter().rev() {
            one.pid.signal_group(Signal::TERM);
        }
        let patience = Instant::now() + TERM_PATIENCE;
        for one in &mut self.kept {
            // One that waits to be started again is buried already.
            if one.again_at.is_some() {
                continue;
            }
            while !child_ended(&one.child) && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(10));
            }
            bury(&mut one.child);
        }
        for one in &self.kept {
            let _ = std::fs::remove_file(self.layout.pid(&one.role.name(one.index)));
        }
        let _ = std::fs::remove_file(self.layout.pid("supervisor"));
    }
}

/// Notes a process for whoever must end it later: its id and its start time.
fn note_pid(layout: &Layout, name: &str, pid: Pid) -> Result<(), WorldError> {
    layout::write_whole(&layout.pid(name), &format!("{} {}\n", pid.pid, pid.start))
}
