//! A drill's end: its room, its steps' processes and its world go; the draft and its journal stay.

use crate::{
    cli::{exit, verify},
    drill::{
        stage::{self, Stage},
        world::{Leave, World},
    },
    hand::folder,
    os::{group::Group, lock, process},
    transport::client::Client,
    wire::Ask,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// A room may take this long to close in good order.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);

/// Ends it all but what is to be left; the journal is kept where a place for it is given.
pub(super) fn end(stage: Stage, journal: Option<&Path>, leave: Leave) {
    let Ok(runtime) = exit::runtime() else { return };
    runtime.block_on(async {
        close_room(&stage.dir).await;
        if let Some(to) = journal {
            keep(&stage::room_dir(&stage.dir).join("journal.db"), to).await;
        }
    });
    let dir = stage.dir.clone();
    match stage.end(leave) {
        Ok(()) if leave == Leave::Directory => {
            say!("what there was of it is kept in {}", dir.display());
        }
        Ok(()) => exit::say("the practice world is gone; nothing of it is left running"),
        Err(error) => exit::warn(&error.to_string()),
    }
}

/// Throws a drill away that was left behind.
pub(super) fn discard(dir: &Path) -> Result<(), String> {
    let runtime = exit::runtime().map_err(|error| error.to_string())?;
    runtime.block_on(close_room(dir));
    if dir.join("world").exists() {
        // A world that never came up has nothing to clear but its directory.
        let cleared = World::clear(&dir.join("world"));
        if World::runs(&dir.join("world")) {
            cleared.map_err(|error| error.to_string())?;
        }
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// Ends steps that still run, then the room: asked first, killed where it does not listen.
async fn close_room(dir: &Path) {
    let socket = stage::socket(dir);
    let holder = lock::owner(&stage::room_dir(dir).join("journal.lock"))
        .map(|owner| owner.process)
        .filter(process::alive);
    if let Ok(mut client) = Client::script(&socket).await {
        drop(client.ask(Ask::Stop).await);
    }
    let began = Instant::now();
    if let Some(holder) = holder {
        while process::alive(&holder) && began.elapsed() < CLOSES_WITHIN {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if process::alive(&holder) {
            Group::of(holder).end(crate::domain::time::Span::ZERO).await;
        }
    }
    if let Ok(runs) = folder::runs(&socket)
        && runs.starts_with(dir)
    {
        folder::end_all(&runs).await;
    }
}

async fn keep(from: &Path, to: &Path) {
    let shown = crate::domain::text::line(&to.to_string_lossy()).into_owned();
    if let Err(error) = std::fs::copy(from, to) {
        exit::warn(&format!("the journal could not be kept as {shown}: {error}"));
        return;
    }
    let checked = verify::check(to).await;
    for beside in ["db-wal", "db-shm"] {
        drop(std::fs::remove_file(to.with_extension(beside)));
    }
    match checked {
        Ok(report) if report.exit() == 0 => {
            say!("journal  sound: {} events; check it: warroom verify {shown}", report.sound);
            say!("record   warroom drill record {shown} --service NAME counts it for a service");
        }
        Ok(report) => exit::warn(&format!("journal  NOT sound: {report:?}")),
        Err(error) => exit::warn(&format!("journal  not read: {error}")),
    }
}
