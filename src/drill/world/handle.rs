//! The player's handle on a world: begin, take up again, end.

use super::flags::Flags;
use super::proc::Pid;
use super::spec::{Owner, Spec};
use super::{Facts, Layout, Role, WorldError, layout, release, spawn};
use rustix::process::Signal;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

/// A world must be up within this.
const UP_PATIENCE: Duration = Duration::from_secs(60);
/// The supervisor must have ended everybody within this after TERM.
const END_PATIENCE: Duration = Duration::from_secs(4);

/// What stays of a world that is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The directory, to look at or to take up again.
    Directory,
    /// Nothing.
    Nothing,
}

/// A practice world that this process plays in. Dropping the handle does not end the world: it waits for its grace
/// and ends by itself.
#[derive(Debug)]
pub struct World {
    layout: Layout,
    supervisor: Pid,
    child: Option<Child>,
    revived: bool,
}

impl World {
    /// Makes a world in a fresh directory and waits until all its processes are up. Blocks.
    pub fn start(spec: &Spec) -> Result<Self, WorldError> {
        let layout = Layout::create(&spec.dir)?;
        let spec = Spec { dir: layout.dir.clone(), ..spec.clone() };
        layout::write_json(&layout.owner(), &Owner { pid: Pid::me() })?;
        layout::write_json(&layout.spec(), &spec)?;
        layout::write_json(&layout.flags(), &Flags::at_first())?;
        release::furnish(&layout, &spec)?;
        match Self::launch(layout.clone(), &spec) {
            Ok(world) => Ok(world),
            Err(why) => {
                let _ = sweep(&layout);
                let _ = std::fs::remove_dir_all(&layout.dir);
                Err(why)
            }
        }
    }

    /// Takes up the world of a player that is gone: the one that still runs, or, where that has ended, the same again
    /// on the same ports, with releases, flags, history and logs as they were left.
    pub fn adopt(dir: &Path) -> Result<Self, WorldError> {
        Self::adopt_with(dir, |_| {})
    }

    /// The same, with what the pipeline asks put right first (the room may listen elsewhere now).
    pub fn adopt_with(dir: &Path, change: impl FnOnce(&mut Spec)) -> Result<Self, WorldError> {
        let (layout, mut spec) = known(dir)?;
        if let Ok(owner) = layout::read_json::<Owner>(&layout.owner())
            && owner.pid.alive()
            && owner.pid != Pid::me()
        {
            return Err(WorldError::Played { path: layout.dir, pid: owner.pid.pid });
        }
        change(&mut spec);
        layout::write_json(&layout.spec(), &spec)?;
        layout::write_json(&layout.owner(), &Owner { pid: Pid::me() })?;
        if let Ok(facts) = Facts::read(&layout)
            && facts.ready
            && facts.supervisor.alive()
        {
            return Ok(Self { layout, supervisor: facts.supervisor, child: None, revived: false });
        }
        sweep(&layout)?;
        let mut world = Self::launch(layout, &spec)?;
        world.revived = true;
        Ok(world)
    }

    /// Who plays in the world of a directory, while they live.
    pub fn player(dir: &Path) -> Option<Pid> {
        let owner = layout::read_json::<Owner>(&Layout::new(dir).owner()).ok()?;
        owner.pid.alive().then_some(owner.pid)
    }

    /// Whether the world of a directory runs, with or without a player.
    pub fn runs(dir: &Path) -> bool {
        Facts::read(&Layout::new(dir)).is_ok_and(|facts| facts.supervisor.alive())
    }

    fn launch(layout: Layout, spec: &Spec) -> Result<Self, WorldError> {
        layout::write_json(&layout.owner(), &Owner { pid: Pid::me() })?;
        let mut child = spawn::role(&layout, spec, Role::Supervisor, 1, 0)?;
        let deadline = Instant::now() + UP_PATIENCE;
        loop {
            if let Ok(facts) = Facts::read(&layout)
                && facts.ready
                && facts.supervisor.pid == child.id()
            {
                return Ok(Self { layout, supervisor: facts.supervisor, child: Some(child), revived: false });
            }
            let ended = !matches!(child.try_wait(), Ok(None));
            if ended || Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                let said = std::fs::read_to_string(layout.run().join("supervisor.err")).unwrap_or_default();
                let last = said.lines().last().unwrap_or("its supervisor said nothing");
                return Err(WorldError::NotUp { why: crate::domain::text::line(last).to_string() });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What runs where, now: a process that was restarted has another id.
    pub fn facts(&self) -> Result<Facts, WorldError> {
        Facts::read(&self.layout)
    }

    /// Whether its processes had ended and were started again.
    pub fn revived(&self) -> bool {
        self.revived
    }

    /// Whether the world has ended, by whatever hand.
    pub fn ended(&mut self) -> bool {
        if let Some(child) = &mut self.child {
            // Waited for, or it would stay as a zombie of ours.
            let _ = child.try_wait();
        }
        !self.supervisor.alive()
    }

    /// Ends all processes, by id and start time, and takes the directory away where asked. Blocks for seconds at most.
    pub fn stop(mut self, leave: Leave) -> Result<(), WorldError> {
        self.supervisor.signal_group(Signal::TERM);
        let deadline = Instant::now() + END_PATIENCE;
        while !self.ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.supervisor.signal_group(Signal::KILL);
        let swept = sweep(&self.layout);
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
        swept?;
        match leave {
            Leave::Directory => {
                let path = self.layout.owner();
                let _ = std::fs::remove_file(path);
                Ok(())
            }
            Leave::Nothing => remove(&self.layout),
        }
    }

    /// Ends whatever still runs in a drill's directory, without taking it up, and takes the directory away.
    pub fn clear(dir: &Path) -> Result<(), WorldError> {
        let (layout, _) = known(dir)?;
        sweep(&layout)?;
        remove(&layout)
    }
}

/// The layout and spec of a directory that surely is a drill's.
fn known(dir: &Path) -> Result<(Layout, Spec), WorldError> {
    let layout = Layout::new(std::path::absolute(dir).map_err(WorldError::io("resolving", dir))?);
    let not = |why: String| WorldError::NotAWorld { path: layout.dir.clone(), why };
    let spec: Spec = layout::read_json(&layout.spec()).map_err(|why| not(why.to_string()))?;
    if spec.dir != layout.dir {
        return Err(not(format!("it was made as {}", spec.dir.display())));
    }
    Ok((layout, spec))
}

/// Removes a drill's directory, and none other.
fn remove(layout: &Layout) -> Result<(), WorldError> {
    if !layout.dir.exists() {
        return Ok(());
    }
    known(&layout.dir)?;
    std::fs::remove_dir_all(&layout.dir).map_err(WorldError::io("removing", &layout.dir))
}

/// Kills every process that the directory knows of and that is still the one it knows.
fn sweep(layout: &Layout) -> Result<(), WorldError> {
    // The supervisor first, or it would start the others again.
    let deadline = Instant::now() + END_PATIENCE;
    loop {
        let mut left = noted(layout);
        left.retain(|(_, pid)| pid.alive());
        if left.is_empty() {
            return Ok(());
        }
        left.sort_by_key(|(name, _)| name != "supervisor");
        if Instant::now() > deadline {
            let names: Vec<String> = left.iter().map(|(name, pid)| format!("{name} ({})", pid.pid)).collect();
            return Err(WorldError::Stuck(names.join(", ")));
        }
        for (_, pid) in left {
            pid.signal_group(Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All processes noted in `run/*.pid` and in `world.json`.
fn noted(layout: &Layout) -> Vec<(String, Pid)> {
    let mut all = Vec::new();
    if let Ok(facts) = Facts::read(layout) {
        all.push(("supervisor".to_owned(), facts.supervisor));
        all.extend(facts.procs.into_iter().map(|proc| (proc.name, proc.pid)));
    }
    for entry in std::fs::read_dir(layout.run()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|end| end != "pid") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut words = text.split_ascii_whitespace();
        let pid = words.next().and_then(|word| word.parse().ok());
        let start = words.next().and_then(|word| word.parse().ok());
        if let (Some(pid), Some(start), Some(name)) = (pid, start, path.file_stem()) {
            all.push((name.to_string_lossy().into_owned(), Pid { pid, start }));
        }
    }
    all
}
