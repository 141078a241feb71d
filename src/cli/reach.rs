//! Reaches a room: the named one, the machine's, or the user's own, which is started where it does not run.

use super::{With, exit};
use crate::{
    domain::{Command, CommandId, Event, State, actor::Actor, id::IncidentId, refusal::Refusal},
    os::{dirs, durable, spawn::Spec},
    transport::{
        client::{Client, NoRoom},
        find::{self, Kind, Place},
    },
    wire::{Ask, FromRoom, Outcome, RoomStatus, Told, Wanted},
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::net::UnixStream;
use uuid::Uuid;

/// How long a room may take to open before it is given up.
const OPENS_WITHIN: Duration = Duration::from_secs(20);

/// How often a room is started that ended at once: one that was killed, or another's that has not said yet who holds
/// the place, was in its way.
const STARTS: u8 = 3;
/// The wait before it is started again.
const START_AGAIN: Duration = Duration::from_millis(100);

/// What could not be reached, or not started.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// No room answers.
    #[error(transparent)]
    Room(#[from] NoRoom),
    /// None could be started.
    #[error("a room could not be started: {0}")]
    Start(String),
    /// It runs and does not watch what was named.
    #[error("the room that runs does not watch this too: {0}")]
    Unwatched(String),
}

impl Unreached {
    /// The exit code that says so.
    pub fn code(&self) -> u8 {
        match self {
            Self::Room(_) | Self::Start(_) => exit::NO_ROOM,
            Self::Unwatched(_) => exit::REFUSED,
        }
    }

    /// Says it; gives the exit code.
    pub fn say(&self) -> u8 {
        match self {
            Self::Room(error) => exit::no_room(error),
            Self::Start(_) | Self::Unwatched(_) => {
                complain!("{self}");
                self.code()
            }
        }
    }
}

/// A room that answers.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Its socket.
    pub place: Place,
    /// Whether it was started just now.
    pub started: bool,
    /// Why it is not the machine's room, where the machine is meant to have one.
    pub passed_over: Option<String>,
}

/// The first place where something accepts connections, and why the machine's was passed over.
async fn listening(places: &[Place]) -> (Option<Place>, Option<String>) {
    let mut passed_over = None;
    for place in places {
        match UnixStream::connect(&place.socket).await {
            Ok(_) => return (Some(place.clone()), passed_over),
            Err(why) => passed_over = passed_over.or_else(|| missed(place, &why)),
        }
    }
    (None, passed_over)
}

fn missed(place: &Place, why: &std::io::Error) -> Option<String> {
    (place.kind == Kind::System && find::is_configured()).then(|| find::passed_over(&place.socket, why))
}

/// Finds a room; starts the user's own where none listens and none was named.
///
/// # Errors
/// [`Unreached`].
pub async fn find_or_start(with: &With) -> Result<Reached, Unreached> {
    let places = find::places(with.socket.clone()).map_err(|error| Unreached::Start(error.to_string()))?;
    let (place, passed_over) = listening(&places).await;
    if let Some(place) = place {
        watch_too(with, &place).await?;
        return Ok(Reached { place, started: false, passed_over });
    }
    let Some(own) = places.into_iter().find(|place| place.kind != Kind::System) else {
        return Err(Unreached::Start("there is no place for it".into()));
    };
    if own.kind == Kind::Named {
        return match UnixStream::connect(&own.socket).await {
            Ok(_) => Ok(Reached { place: own, started: false, passed_over: None }),
            Err(why) => Err(NoRoom::Absent { path: own.socket, why }.into()),
        };
    }
    let dir = dirs::state().map_err(|error| Unreached::Start(error.to_string()))?;
    start(with, &dir, &[], &|line| complain!("{line}")).await?;
    Ok(Reached { place: own, started: true, passed_over })
}

/// A room that runs already is asked to watch what the flags name.
async fn watch_too(with: &With, place: &Place) -> Result<(), Unreached> {
    let flags = &with.flags;
    let wanted = Wanted {
        prom: flags.prom.clone(),
        scrape: flags.scrape.clone(),
        log: flags.log.iter().map(absolute).collect(),
        probe: flags.probe.clone(),
        release: flags.release.iter().map(absolute).collect(),
    };
    if wanted == Wanted::default() {
        return Ok(());
    }
    match Client::script(&place.socket).await?.ask(Ask::Watch(wanted)).await? {
        Told::No(refusal) => Err(Unreached::Unwatched(refusal.to_string())),
        _ => Ok(()),
    }
}

fn absolute(path: &String) -> String {
    std::path::absolute(path).map_or_else(|_| path.clone(), |path| path.to_string_lossy().into_owned())
}

/// Starts a room in the background on a state directory and waits until it answers. `tell` hears where that takes long.
///
/// # Errors
/// [`Unreached::Start`] with what it said.
pub async fn start(
    with: &With,
    dir: &Path,
    more: &[String],
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(), Unreached> {
    let fail = |error: &dyn std::fmt::Display| Unreached::Start(error.to_string());
    let log_path = dir.join("room.log");
    let log = durable::append_to(&log_path).map_err(|error| fail(&error))?;
    let mut from = log.metadata().map_or(0, |meta| meta.len());
    let mut spec = Spec::myself().map_err(|error| fail(&error))?;
    if let Some(config) = &with.config {
        let config = std::path::absolute(config).unwrap_or_else(|_| config.clone());
        spec = spec.arg("--config").arg(config);
    }
    spec = spec.args(flags(with)).arg("room").arg("--dir").arg(dir).args(more);
    let mut process = spec.clone().detach(Some(&log)).map_err(|error| fail(&error))?;
    let socket = dir.join("room.sock");
    let began = Instant::now();
    let (mut told, mut other, mut starts) = (false, false, 1);
    loop {
        if answers(&socket).await {
            return Ok(());
        }
        // Another starter may have been quicker: that room is as good, and waited for as long as it opens. Where it was
        // one that was ending, its place is free afterwards.
        if !crate::os::process::alive(&process) {
            if held(dir) {
                other = true;
            } else if std::mem::take(&mut other) {
                process = spec.clone().detach(Some(&log)).map_err(|error| fail(&error))?;
            } else if answers(&socket).await {
                return Ok(());
            } else if starts < STARTS {
                starts += 1;
                tokio::time::sleep(START_AGAIN).await;
                from = log.metadata().map_or(0, |meta| meta.len());
                process = spec.clone().detach(Some(&log)).map_err(|error| fail(&error))?;
            } else {
                return Err(Unreached::Start(said(&log_path, from)));
            }
        }
        if began.elapsed() > OPENS_WITHIN {
            let waits =
                format!("it has not answered for {} s; see {}", OPENS_WITHIN.as_secs(), log_path.display());
            return Err(Unreached::Start(waits));
        }
        if !told && began.elapsed() > Duration::from_secs(1) {
            tell("the room is opening …");
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a room answers there. That something takes connections is not enough: so does one that was killed and is
/// still ending, and it keeps others out as long.
async fn answers(socket: &Path) -> bool {
    match Client::script(socket).await {
        // What it says is for whoever asks next.
        Ok(_) | Err(NoRoom::Refused(_) | NoRoom::OtherWire(_) | NoRoom::Foreign { .. }) => true,
        Err(NoRoom::Absent { .. } | NoRoom::Lost(_) | NoRoom::Slow(_)) => false,
    }
}

/// Whether a process that lives holds this directory's room.
fn held(dir: &Path) -> bool {
    crate::os::lock::owner(&dir.join("room.lock"))
        .is_some_and(|owner| crate::os::process::alive(&owner.process))
}

/// The flags as they are given on: paths absolute, for the room stands in `/`.
pub fn flags(with: &With) -> Vec<String> {
    let mut args = Vec::new();
    for (flag, values, is_path) in [
        ("--prom", &with.flags.prom, false),
        ("--scrape", &with.flags.scrape, false),
        ("--probe", &with.flags.probe, false),
        ("--log", &with.flags.log, true),
        ("--release", &with.flags.release, true),
        ("--runbook", &with.flags.runbook, true),
    ] {
        for value in values {
            args.push(flag.to_owned());
            args.push(if is_path { absolute(value) } else { value.clone() });
        }
    }
    args
}

/// What a room that did not open left in its log.
fn said(log: &Path, from: u64) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let tail = text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or_default();
    let text = crate::domain::text::bytes(tail);
    let last: Vec<_> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    if last.is_empty() {
        return format!("it ended without a word; see {}", log.display());
    }
    last.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// A script's connection.
#[derive(Debug)]
pub struct Session {
    /// The connection.
    pub client: Client,
    /// The socket.
    pub socket: PathBuf,
    /// Why it is not the machine's room, where the machine is meant to have one.
    pub passed_over: Option<String>,
    /// Why the glass is broken for what is done, in case that the room cannot reach its journal.
    glass: Option<String>,
}

impl Session {
    /// Connects; starts a room where that may be.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn open(with: &With) -> Result<Self, Unreached> {
        let reached = find_or_start(with).await?;
        // A script's output stays its own; who reads it should still know that nobody else sees what it does.
        if let Some(why) = &reached.passed_over {
            exit::warn(why);
        }
        let socket = reached.place.socket;
        let client = match Client::script(&socket).await {
            // One's own, found as it died: a script has nobody who would try again.
            Err(NoRoom::Absent { .. } | NoRoom::Lost(_)) if reached.place.kind == Kind::Private => {
                let dir = dirs::state().map_err(|error| Unreached::Start(error.to_string()))?;
                start(with, &dir, &[], &|line| complain!("{line}")).await?;
                Client::script(&socket).await?
            }
            reached => reached?,
        };
        Ok(Self { client, socket, passed_over: reached.passed_over, glass: None })
    }

    /// Connects to a room that runs already.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn existing(with: &With) -> Result<Self, Unreached> {
        let places =
            find::places(with.socket.clone()).map_err(|error| Unreached::Start(error.to_string()))?;
        let (mut last, mut passed_over) = (None, None);
        for place in places {
            match Client::script(&place.socket).await {
                Ok(client) => return Ok(Self { client, socket: place.socket, passed_over, glass: None }),
                Err(error) => {
                    if let NoRoom::Absent { why, .. } = &error {
                        passed_over = passed_over.or_else(|| missed(&place, why));
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.map_or_else(|| Unreached::Start("there is no place for it".into()), Unreached::Room))
    }

    /// Whom the room sees.
    pub fn me(&self) -> Option<&Actor> {
        match &self.client.hello {
            FromRoom::Hello { you, .. } => Some(you),
            _ => None,
        }
    }

    /// The whole state.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn state(&mut self) -> Result<State, Unreached> {
        match self.client.ask(Ask::State).await? {
            Told::State(state) => Ok(*state),
            _ => Err(NoRoom::Refused("it did not answer the question".into()).into()),
        }
    }

    /// How the room is.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn status(&mut self) -> Result<Box<RoomStatus>, Unreached> {
        match self.client.ask(Ask::Status).await? {
            Told::Status(room) => Ok(room),
            _ => Err(NoRoom::Refused("it did not answer the question".into()).into()),
        }
    }

    /// Connects to a room that runs already, with how it is and what is the case.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn told(with: &With) -> Result<(Self, State, Box<RoomStatus>), Unreached> {
        let mut session = Self::existing(with).await?;
        let (state, room) = (session.state().await?, session.status().await?);
        Ok((session, state, room))
    }

    /// The whole journal.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn events(&mut self) -> Result<Vec<Event>, Unreached> {
        let (mut all, mut from) = (Vec::new(), 1);
        loop {
            match self.client.ask(Ask::Events { from, limit: 2_000, incident: None }).await? {
                Told::Events { events, next } => {
                    all.extend(events);
                    let Some(next) = next else { return Ok(all) };
                    from = next;
                }
                Told::No(refusal) => return Err(NoRoom::Refused(refusal.to_string()).into()),
                _ => return Err(NoRoom::Refused("it did not answer the question".into()).into()),
            }
        }
    }

    /// Does a command.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn act(&mut self, command: Command) -> Result<Outcome, Unreached> {
        let id = CommandId(Uuid::now_v7());
        Ok(self.client.command_under(id, command, self.glass.clone()).await?)
    }

    /// The same, with the glass broken for what it does in case that the room cannot reach the journal that it shares.
    #[must_use]
    pub fn under(mut self, glass: Option<String>) -> Self {
        self.glass = glass;
        self
    }
}

/// Does the command that a verb means in the state as it is, and says what became of it. Gives the exit code.
///
/// # Errors
/// [`Unreached`].
pub async fn act(
    with: &With,
    json: bool,
    make: impl FnOnce(&State, Option<&Actor>) -> Result<Command, Refusal>,
) -> Result<u8, Unreached> {
    let mut session = Session::open(with).await?;
    let state = session.state().await?;
    let outcome = match make(&state, session.me()) {
        Ok(command) => session.act(command).await?,
        Err(refusal) => Outcome::Refused(refusal),
    };
    Ok(exit::outcome(&outcome, json))
}

/// The incident that is meant: the one given, or the open one that matters most.
///
/// # Errors
/// A refusal where there is none.
pub fn incident(state: &State, given: Option<IncidentId>) -> Result<IncidentId, Refusal> {
    if let Some(id) = given {
        return state.known(id).map(|incident| incident.id);
    }
    state.shown_incident().map(|incident| incident.id).ok_or_else(|| {
        Refusal::new(crate::domain::refusal::Code::Unknown, "there is no open incident")
            .hint("declare one with warroom declare \"what is wrong\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_takes_a_connection_and_says_nothing_is_no_room_that_answers() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("room.sock");
        let dying = tokio::net::UnixListener::bind(&socket).unwrap();
        let asked = answers(&socket);
        // As the kernel does it when the last thread of a killed room is gone.
        let gone = async { drop(dying.accept().await.unwrap()) };
        assert!(!tokio::join!(asked, gone).0);
        drop(dying);
        assert!(!answers(&socket).await);
    }
}
