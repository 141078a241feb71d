//! A room from its first breath to its last, and `warroom stop`.

mod gate;

use super::{With, anchor, exit, journal, log, outward, reach::Session, sources};
use crate::{
    audit,
    config::{self, Config, Loaded},
    domain::policy::NOBODY_COMMANDS,
    drill::world::World,
    evidence::{
        blob::{Blobs, Bounds},
        redact::{Redactor, UserRule},
    },
    http,
    os::{dirs, lock::Lock, peer, service},
    push,
    room::{Found, Options, Room},
    store::{self, Mode, Place},
    transport::listen,
    wire::{Ask, Told},
};
use futures::StreamExt as _;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// A room in the background.
#[derive(Debug, clap::Args)]
pub struct RoomArgs {
    /// State directory
    #[arg(long)]
    dir: PathBuf,
    /// Practice: the scenario's name
    #[arg(long)]
    drill: Option<String>,
    /// How many times faster than life the practice runs
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
}

pub(super) struct Opening {
    /// Journal, evidence, locks.
    pub(super) dir: PathBuf,
    pub(super) door: Door,
    pub(super) drill: Option<(String, f64)>,
    /// Where its gate listens, where a flag says so.
    pub(super) gate: Option<String>,
}

/// Where a room listens, and for whom.
pub(super) enum Door {
    /// In its own directory, for its owner alone.
    Own,
    /// Where a group may enter.
    Shared { socket: PathBuf, group: Option<u32> },
    /// Where the service manager did already; for its owner alone or for whom that lets in.
    Given { listener: std::os::unix::net::UnixListener, shared: bool },
}

impl Door {
    fn is_shared(&self) -> bool {
        matches!(self, Self::Shared { .. } | Self::Given { shared: true, .. })
    }
}

/// Serves in the background.
pub fn run(with: &With, args: &RoomArgs) -> ExitCode {
    crate::os::seal_inherited();
    let drill = args.drill.clone().map(|scenario| (scenario, args.pace));
    open(with, Opening { dir: args.dir.clone(), door: Door::Own, drill, gate: None })
}

/// Asks the room to stop.
pub fn stop(with: &With) -> ExitCode {
    exit::block_on(async {
        let mut session = match Session::existing(with).await {
            Ok(session) => session,
            Err(error) => return error.say(),
        };
        match session.client.ask(Ask::Stop).await {
            Ok(Told::Yes) => {
                say!(
                    "the room at {} stops; warroom starts it again on the same journal",
                    session.socket.display()
                );
                exit::DONE
            }
            Ok(Told::No(refusal)) => {
                complain!("refused: {refusal}");
                exit::REFUSED
            }
            Ok(_) => exit::REFUSED,
            Err(error) => exit::no_room(&error),
        }
    })
}

pub(super) fn open(with: &With, opening: Opening) -> ExitCode {
    let ask = config::Ask::here(with.config.clone(), with.flags.clone());
    let loaded = match config::load(&ask) {
        Ok(loaded) => loaded,
        Err(report) => {
            eprintln!("{report}");
            return exit::code(exit::USAGE);
        }
    };
    let _harmless = crate::os::outlive_limits();
    exit::block_on(async move {
        match Box::pin(house(&loaded, opening)).await {
            Ok(why) => {
                log(&format!("the room is closed: {why}"));
                exit::DONE
            }
            Err(why) => {
                log(&why);
                exit::REFUSED
            }
        }
    })
}

/// Says it where the room's log goes, which may be a disk that takes nothing.
fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn house(loaded: &Loaded, opening: Opening) -> Result<String, String> {
    let config = &loaded.config;
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let Opening { dir, door, drill, gate } = opening;
    let gate = gate::wanted(loaded, door.is_shared(), drill.is_some(), gate.as_deref())?;
    match &door {
        // One directory for all: a group may enter it, and each file in it is the room's alone.
        Door::Shared { socket, group } if socket.parent() == Some(&dir) => {
            dirs::shared(&dir, *group).map_err(|error| say(&error))?;
        }
        Door::Shared { socket, group } => {
            dirs::private(&dir).map_err(|error| say(&error))?;
            let entry = socket.parent().unwrap_or(Path::new("/"));
            dirs::shared(entry, *group).map_err(|error| say(&error))?;
        }
        Door::Given { listener, shared: true } => {
            dirs::private(&dir).map_err(|error| say(&error))?;
            let bound = listener.local_addr().map_err(|error| say(&error))?;
            if let Some(entry) = bound.as_pathname().and_then(Path::parent) {
                dirs::shared(entry, None).map_err(|error| say(&error))?;
            }
        }
        Door::Own | Door::Given { .. } => dirs::private(&dir).map_err(|error| say(&error))?,
    }
    let mut secrets = Vec::new();
    let configured = if drill.is_none() { journal::spec(config, &mut secrets)? } else { None };
    let place = if let Some(spec) = configured {
        Place::Postgres(spec)
    } else {
        let own = config.journal.path.clone().filter(|_| drill.is_none());
        // The file itself is what is locked, under whatever name: a link to it is no second journal.
        Place::File(real(&own.unwrap_or_else(|| dir.join("journal.db"))))
    };
    // The directory, or a second room with another journal would take this one's socket. First, for who starts a room
    // looks here whether another starter was quicker.
    let _room_lock = Lock::take(&dir.join("room.lock"), &format!("a room in {}", dir.display()))
        .map_err(|error| say(&error))?;
    let _journal_lock = journal::file(&place)
        .map(|path| Lock::take(&path.with_extension("lock"), &format!("a room on {}", path.display())))
        .transpose()
        .map_err(|error| say(&error))?;
    let kept_in = dir.clone();
    let spool = match &place {
        Place::Postgres(_) => {
            Some(Box::new(move |journal| store::spool::open(&kept_in, journal)) as crate::room::Spools)
        }
        Place::File(_) => None,
    };
    let files = anchor::files(config, journal::file(&place).map(PathBuf::as_path), &dir);
    let opened = match &place {
        Place::Postgres(spec) if config.journal.mirror != Some(false) => {
            store::mirror::open(spec, &dir).await
        }
        _ => store::open(place, Mode::Write).await.map(|journal| (journal, Found::Sound)),
    };
    let (journal, found) = opened.map_err(|error| say(&error))?;
    let kept = journal.place();
    let blobs = blobs(config, &dir)?;
    let rules: Vec<UserRule> = config
        .redact
        .patterns
        .iter()
        .enumerate()
        .map(|(n, pattern)| UserRule { name: format!("user-{}", n + 1), pattern: pattern.clone() })
        .collect();
    let sources::Sources { specs, secrets: asked } = sources::sources(config);
    secrets.extend(asked);
    let outgoing = outward::outgoing(config, drill.is_some());
    secrets.extend(outgoing.secrets);
    let redactor = Redactor::new(&secrets, &rules).map_err(|error| say(&error))?;
    log::begin(redactor.clone());
    let gate = match gate {
        Some(at) => Some(gate::Door::open(at).await),
        None => None,
    };
    let owner = (!door.is_shared()).then(peer::my_uid);
    let mut policy = config.policy();
    if policy.leaves_command_to_nobody() {
        log(NOBODY_COMMANDS);
    }
    if let Some((_, pace)) = &drill {
        policy = paced(policy, *pace);
    }
    // Of a practice whose world is there: it ends with it.
    let world =
        drill.as_ref().and_then(|_| dir.parent()).map(|dir| dir.join("world")).filter(|at| World::runs(at));
    // Practice is kept out of the central record.
    let pumps = if drill.is_some() { Vec::new() } else { outward::audit(config, &dir, &journal)? };
    let anchoring = if drill.is_some() { None } else { Some(anchor::anchor(config, files, &journal)?) };
    let options = Options { journal, spool, found, blobs, redactor, policy, owner, gate: None, drill };
    let (mut room, shared_state, inbox) = Room::open(options).await.map_err(|error| say(&error))?;
    room.opens_sources_with(Box::new(sources::wanted));
    for spec in specs {
        room.watch_source(spec);
    }
    let pumps = audit::start(pumps);
    room.watch_audit(pumps.views());
    let anchoring = anchoring.map(audit::anchor::start);
    if let Some(anchoring) = &anchoring {
        room.watch_anchor(anchoring.view());
    }
    if let Some(gate) = &gate {
        room.watch_gate(gate.told());
    }
    room.is_reached_by(config.room.ssh.clone());
    let silent = push::answer::start(push::answer::Answers {
        room: shared_state.name.clone(),
        askers: outgoing.askers,
        state: shared_state.state.clone(),
        durable: shared_state.durable.clone(),
        says: shared_state.own.clone(),
        every: push::answer::EVERY,
    });
    room.watch_answers(silent);
    push::start(push::Sender {
        carriers: outgoing.carriers,
        oncall: outgoing.oncall,
        state: shared_state.state.clone(),
        durable: shared_state.durable.clone(),
        says: shared_state.own.clone(),
        room: shared_state.name.clone(),
    });
    let listening = match door {
        Door::Own => listen::listen(&dir.join("room.sock"), 0o600, None),
        Door::Shared { socket, group } => listen::listen(&socket, 0o660, group),
        Door::Given { listener, .. } => Ok(listen::given(listener).map_err(|error| say(&error))?),
    }
    .map_err(|error| say(&error))?;
    let stop = shared_state.stop.clone();
    tokio::spawn(async move {
        let Ok(mut signals) = signals() else { return };
        if let Some(why) = signals.next().await {
            drop(stop.send(why).await);
        }
    });
    if let Some(world) = world {
        tokio::spawn(end_with(world, shared_state.stop.clone()));
    }
    let gate = gate.map(|gate| {
        gate.serve(http::Options {
            state: shared_state.state.clone(),
            writable: shared_state.writable.clone(),
            asked: shared_state.asked.clone(),
            tokens: gate::tokens(config),
            anonymous_read_on_loopback: true,
            bounds: http::Bounds::default(),
            owner,
            names: http::Names::default(),
        })
    });
    service::ready(&format!("serves the journal {kept}"));
    let why = Box::pin(room.serve(listening, inbox)).await;
    service::stopping();
    pumps.close().await;
    if let Some(anchoring) = anchoring {
        anchoring.close().await;
    }
    if let Some(gate) = gate {
        gate.close().await;
    }
    Ok(why)
}

/// Where a file really lies, links followed; as it is named where it is not there yet.
pub(super) fn real(path: &Path) -> PathBuf {
    let named = || {
        let dir = path.parent()?.canonicalize().ok()?;
        Some(dir.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(named).unwrap_or_else(|| path.to_owned())
}

fn blobs(config: &Config, dir: &Path) -> Result<Arc<Blobs>, String> {
    let at = config.evidence.dir.clone().unwrap_or_else(|| dir.join("evidence"));
    let bounds = Bounds { total: config.evidence.max_bytes, ..Bounds::default() };
    Blobs::open(&at, bounds).map(Arc::new).map_err(|error| error.to_string())
}

/// Stops a practice's room when its world has ended: nobody plays any more.
async fn end_with(world: PathBuf, stop: tokio::sync::mpsc::Sender<String>) {
    while World::runs(&world) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    drop(stop.send("the practice world has ended".into()).await);
}

/// Times of a practice that runs faster than life.
fn paced(mut policy: crate::domain::policy::Policy, pace: f64) -> crate::domain::policy::Policy {
    policy.recovery_hold = crate::drill::stage::hold(pace);
    policy
}

/// SIGTERM, SIGINT and SIGHUP, in words with their sender.
fn signals() -> std::io::Result<impl futures::Stream<Item = String> + Unpin> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let signals = signal_hook_tokio::SignalsInfo::<signal_hook::iterator::exfiltrator::WithOrigin>::new([
        SIGTERM, SIGINT, SIGHUP,
    ])?;
    Ok(signals.map(|origin| {
        let by = origin.process.map(|process| format!(" from pid {} (uid {})", process.pid, process.uid));
        format!("signal {}{}", origin.signal, by.unwrap_or_default())
    }))
}
