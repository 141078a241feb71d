//! `warroom drill`: a bad release, lived through on practice targets.

use super::{
    With, exit,
    export::{self, ExportArgs},
    reach::{self, Session},
    seat, tail,
};
use crate::{
    config::Flags,
    domain::{id::IncidentId, tell},
    drill::{
        auto,
        stage::{self, Stage, Wanted},
        world::{Leave, Scenario},
    },
    os::{clock, dirs},
    wire::{Ask, Told},
};
use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Practise: live through a bad release on a world of its own
#[derive(Debug, clap::Args)]
pub struct DrillArgs {
    /// bad-release or slow-leak
    #[arg(default_value = "bad-release")]
    scenario: Scenario,
    /// Let the responder's part play by itself and print the timeline; so it is without a terminal
    #[arg(long)]
    auto: bool,
    /// How many times faster than life the story runs [default: 1; 4 with --auto]
    #[arg(long)]
    pace: Option<f64>,
    /// Where the draft is kept when the drill is over [default: ./warroom-drill-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take up the drill that was left behind
    #[arg(long)]
    resume: bool,
    /// Throw away the drill that was left behind
    #[arg(long, conflicts_with = "resume")]
    discard: bool,
    /// Without the coach's line
    #[arg(long)]
    no_coach: bool,
}

/// Plays it.
pub fn run(with: &With, args: &DrillArgs) -> ExitCode {
    if !with.flags.prom.is_empty() || !with.flags.scrape.is_empty() || !with.flags.release.is_empty() {
        eprintln!(
            "a drill has targets of its own and refuses others: leave --prom, --scrape and --release out"
        );
        return exit::code(exit::USAGE);
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let auto = args.auto || !terminal;
    let dir = match dirs::state() {
        Ok(state) => state.join("drill"),
        Err(error) => {
            eprintln!("{error}");
            return exit::code(exit::REFUSED);
        }
    };
    let stage = match stage(args, &dir, auto) {
        Ok(stage) => stage,
        Err(code) => return exit::code(code),
    };
    let with = With {
        socket: Some(stage::socket(&stage.dir)),
        config: Some(stage::config(&stage.dir)),
        flags: Flags::default(),
    };
    let room = stage::room_dir(&stage.dir);
    let opened = exit::runtime().map_err(|error| error.to_string()).and_then(|runtime| {
        dirs::private(&room).map_err(|error| error.to_string())?;
        let more =
            ["--drill", stage.facts.scenario.word(), "--pace", &stage.pace.to_string()].map(str::to_owned);
        runtime.block_on(reach::start(&with, &room, &more)).map_err(|error| error.to_string())
    });
    if let Err(why) = opened {
        eprintln!("{why}");
        drop(stage.end(Leave::Nothing));
        return exit::code(exit::REFUSED);
    }
    let out = out(args);
    let code = if auto { play(&with, &stage, &out) } else { sit(&with, &stage, args, &out) };
    finish(&with, stage);
    exit::code(code)
}

/// The world: a new one, or the one that a crash left behind.
fn stage(args: &DrillArgs, dir: &Path, auto: bool) -> Result<Stage, u8> {
    if dir.join("world").exists() {
        if args.resume {
            println!("taking up the drill in {}", dir.display());
            return Stage::resume(dir).map_err(|error| {
                eprintln!("{error}");
                exit::REFUSED
            });
        }
        if !args.discard && !auto {
            eprintln!("a drill was left behind in {}", dir.display());
            eprintln!(
                "warroom drill --resume takes it up, warroom drill --discard throws it away and starts anew"
            );
            return Err(exit::REFUSED);
        }
        if let Err(error) = discard(dir) {
            eprintln!("{error}");
            return Err(exit::REFUSED);
        }
    }
    let pace = args.pace.unwrap_or(if auto { 4.0 } else { 1.0 });
    if !(pace.is_finite() && (0.1..=100.0).contains(&pace)) {
        eprintln!("--pace {pace} is not between 0.1 and 100");
        return Err(exit::USAGE);
    }
    println!("starting the practice world …");
    Stage::begin(&Wanted { scenario: args.scenario, pace, dir: dir.to_owned() }).map_err(|error| {
        eprintln!("{error}");
        exit::REFUSED
    })
}

fn discard(dir: &Path) -> Result<(), String> {
    let socket = stage::socket(dir);
    if socket.exists()
        && let Ok(runtime) = exit::runtime()
    {
        runtime.block_on(async {
            if let Ok(mut client) = crate::transport::client::Client::script(&socket).await {
                drop(client.ask(Ask::Stop).await);
            }
        });
    }
    crate::drill::world::World::clear(&dir.join("world")).map_err(|error| error.to_string())?;
    std::fs::remove_dir_all(dir).map_err(|error| format!("{} cannot be removed: {error}", dir.display()))
}

/// Where the draft goes.
fn out(args: &DrillArgs) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        PathBuf::from(format!("warroom-drill-{}", clock::now().wall.format("%Y%m%dT%H%M%SZ")))
    })
}

fn play(with: &With, stage: &Stage, out: &Path) -> u8 {
    let Ok(runtime) = exit::runtime() else { return exit::REFUSED };
    println!("DRILL {} at pace {}: nothing of this is production", stage.facts.scenario, stage.pace);
    println!("world   {}", stage.dir.display());
    let played = runtime.block_on(auto::play(stage, &mut |event| {
        if tell::matters(event) {
            println!("{}", tail::words(event));
        }
    }));
    match played {
        Ok(played) => write_draft(with, &runtime, played.incident, out),
        Err(error) => {
            eprintln!("the drill got stuck: {error}");
            exit::REFUSED
        }
    }
}

fn sit(with: &With, stage: &Stage, args: &DrillArgs, out: &Path) -> u8 {
    let code = seat::sit(with, seat::Practice { stage, coach: !args.no_coach, out: out.to_owned() });
    let Ok(runtime) = exit::runtime() else { return code };
    let incident = runtime.block_on(async {
        let mut session = Session::existing(with).await.ok()?;
        let state = session.state().await.ok()?;
        state.incidents.keys().next_back().copied()
    });
    match incident {
        Some(incident) => write_draft(with, &runtime, incident, out),
        None => code,
    }
}

/// Writes the draft and checks the journal that it came from.
fn write_draft(with: &With, runtime: &tokio::runtime::Runtime, incident: IncidentId, out: &Path) -> u8 {
    let args = ExportArgs {
        incident,
        out: Some(out.to_owned()),
        strict: false,
        force: true,
        stdout: false,
        json: false,
    };
    runtime.block_on(async {
        let mut session = match Session::existing(with).await {
            Ok(session) => session,
            Err(error) => return error.say(),
        };
        let place = match session.client.ask(Ask::Status).await {
            Ok(Told::Status(room)) => room.place,
            _ => String::new(),
        };
        let code = match export::export(&mut session, &args).await {
            Ok(code) => code,
            Err(error) => error.say(),
        };
        match super::verify::check(Path::new(&place)).await {
            Ok(report) if report.exit() == 0 => say(&format!("journal sound: {} events", report.sound)),
            Ok(report) => say(&format!("journal NOT sound: {report:?}")),
            Err(error) => say(&format!("journal not read: {error}")),
        }
        code
    })
}

/// Ends room and world; leaves nothing but the draft.
fn finish(with: &With, stage: Stage) {
    if let Ok(runtime) = exit::runtime() {
        runtime.block_on(async {
            if let Ok(mut session) = Session::existing(with).await {
                drop(session.client.ask(Ask::Stop).await);
                let socket = session.socket.clone();
                drop(session);
                let began = std::time::Instant::now();
                while tokio::net::UnixStream::connect(&socket).await.is_ok() && began.elapsed().as_secs() < 5
                {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
        });
    }
    match stage.end(Leave::Nothing) {
        Ok(()) => say("the practice world is gone; nothing of it is left running"),
        Err(error) => drop(writeln!(std::io::stderr(), "{error}")),
    }
}

/// To a terminal that may be gone: printing to one that is would panic, and leave the world running.
fn say(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}
