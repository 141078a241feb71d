//! `warroom journal move`: a journal to another place, as from a file to a database.

use super::{With, exit, journal, room};
use crate::{
    audit::anchor::{Files, read},
    journal::{
        copy::{Copied, Step, Stopped, copy},
        verify::Anchors,
    },
    os::lock::Lock,
    store::{self, Mode, Place, sqlite::Hold},
};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often it is said how far it is.
const SAY: Duration = Duration::from_secs(1);
/// Ended by SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// Copies it, and says what came of it.
pub(super) fn run(with: &With, from: Option<&Path>, to: Option<&str>) -> ExitCode {
    let (from, to) = match places(with, from, to) {
        Ok(places) => places,
        Err(why) => {
            exit::warn(&why);
            return exit::code(exit::USAGE);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // A second one ends it at once, which loses nothing either.
        let shut = signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop));
        if let Err(error) = shut.and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop))) {
            exit::warn(&format!("it cannot listen to signals: {error}"));
        }
    }
    exit::block_on(async move {
        match moved(&from, to, &stop).await {
            Ok((copied, to)) => {
                say(&from, &to, &copied);
                exit::DONE
            }
            Err(Stopped::Asked { at, of }) => {
                exit::warn(&Stopped::Asked { at, of }.to_string());
                INTERRUPTED
            }
            Err(stopped) => {
                exit::warn(&crate::domain::text::line(&stopped.to_string()));
                exit::REFUSED
            }
        }
    })
}

fn places(with: &With, from: Option<&Path>, to: Option<&str>) -> Result<(PathBuf, Place), String> {
    let from = match from {
        Some(path) if path.to_string_lossy().contains("://") => {
            return Err("it copies from a journal's file: name that, and then where it goes".into());
        }
        Some(path) => path.to_owned(),
        None => journal::own_file()?,
    };
    let to = if let Some(to) = to {
        journal::place(with, Some(Path::new(to)))?
    } else {
        let spec = journal::spec(&journal::configured(with)?, &mut Vec::new())?;
        Place::Postgres(spec.ok_or(
            "name where it goes: warroom journal move FILE postgres://user@host/name, or url in [journal] of warroom.toml",
        )?)
    };
    if let Place::File(path) = &to
        && room::real(path) == room::real(&from)
    {
        return Err("it is there already: the source and the target are one file".into());
    }
    Ok((room::real(&from), to))
}

async fn moved(from: &Path, to: Place, stop: &AtomicBool) -> Result<(Copied, String), Stopped> {
    let source = |error: &dyn std::fmt::Display| Stopped::Source(error.to_string());
    // A room on it would go on writing where nobody looks any more.
    let lock =
        |path: &Path| Lock::take(&path.with_extension("lock"), &format!("a move of {}", path.display()));
    if !from.exists() {
        return Err(source(&format!("there is no {}", from.display())));
    }
    let _held = lock(from).map_err(|error| source(&error))?;
    let _target = match &to {
        Place::File(path) => {
            Some(lock(&room::real(path)).map_err(|error| Stopped::Target(error.to_string()))?)
        }
        Place::Postgres(_) => None,
    };
    // Under another name it has another lock beside it: the file itself is held too, and let go after it is closed.
    let _file = Hold::take(from).map_err(|error| source(&error))?;
    let old = store::open(Place::File(from.to_owned()), Mode::Read).await.map_err(|error| source(&error))?;
    let new = store::open(to, Mode::Write).await.map_err(|error| Stopped::Target(error.to_string()))?;
    let all = old.head().await.map_or(0, |head| head.seq);
    let mut told = Instant::now();
    let copied = copy(old.as_ref(), new.as_ref(), anchors(from)?, |step| {
        if told.elapsed() >= SAY {
            told = Instant::now();
            let (what, n) = match step {
                Step::Checked(n) => ("checked in the source", n),
                Step::Copied(n) => ("copied", n),
                Step::Proved(n) => ("checked in the target", n),
            };
            exit::warn(&format!("{n} of {all} events {what} …"));
        }
        !stop.load(Ordering::Relaxed)
    })
    .await?;
    Ok((copied, new.place()))
}

/// The checkpoints that lie with the source: what was cut off before is not moved as if it had never been.
fn anchors(from: &Path) -> Result<Anchors, Stopped> {
    let kept = read(&Files::beside(from).kept).map_err(Stopped::Source)?;
    let mut anchors = Anchors::default();
    for note in kept.notes.into_iter().flatten() {
        anchors.add(note.head, "a checkpoint that lies with it");
    }
    Ok(anchors)
}

fn say(from: &Path, to: &str, copied: &Copied) {
    let Copied { head, before, erased } = copied;
    let earlier = if *before == 0 { String::new() } else { format!(", {before} of them earlier") };
    let erased = if *erased == 0 { String::new() } else { format!(", {erased} erased on both sides") };
    say!("{to}: {} events{earlier}{erased}, head {}:{}", head.seq, head.seq, head.hash);
    say!("{} stays as it is; a room that opens it again makes a second record", from.display());
    let files = Files::beside(from);
    if files.key.exists() {
        say!(
            "its key and checkpoints, {} and {}, go on with it: a room whose journal is a database has them as journal.key \
             and journal.checkpoints in its state directory",
            files.key.display(),
            files.kept.display()
        );
    }
}
