//! `warroom drill`: a bad release, lived through on practice targets.

mod close;
mod offer;
pub(super) mod own;
mod production;
mod record;

use super::{
    With, exit,
    export::{self, ExportArgs},
    reach::{self, Session},
    seat,
};
use crate::{
    config::Flags,
    domain::id::IncidentId,
    drill::{
        auto,
        own::Own,
        places,
        stage::{self, Stage, Wanted},
        story::{Story, Sum},
        world::{Leave, Scenario},
    },
    hand::{attach, home},
    os::{clock, dirs, durable},
};
use offer::Choice;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::{
    io::{IsTerminal as _, Write as _},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Practise: live through a bad release on a world of its own
///
/// The world is real: processes, traffic, metrics, logs, release directories, a pipeline; all on loopback, all gone
/// when the drill is over. What stays is the draft, with the journal that it came from.
///
/// With --runbook it is your own runbook that is walked. Every host, service, address, path, program and value of
/// production that it names needs a stand-in (--map, or the table drill of warroom.toml); what has none is listed, and nothing
/// is started. Its steps have a HOME of the drill's own and none of your credentials.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DrillArgs {
    #[command(subcommand)]
    verb: Option<DrillVerb>,
    /// bad-release or slow-leak
    #[arg(default_value = "bad-release")]
    scenario: Scenario,
    /// Let the responder's part play by itself and print the timeline; so it is without a terminal
    #[arg(long)]
    auto: bool,
    /// How many times faster than life the story runs [default: 1; 10 with --auto]
    #[arg(long)]
    pace: Option<f64>,
    /// Where the draft is kept when the drill is over [default: ./warroom-drill-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take up the drill that was left behind
    #[arg(long, conflicts_with = "auto")]
    resume: bool,
    /// Throw away what was left behind and start anew
    #[arg(long, conflicts_with = "resume")]
    discard: bool,
    /// Without the coach's line (C switches it in the seat)
    #[arg(long)]
    no_coach: bool,
    /// Walk a runbook of your own against stand-ins
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    runbook: Vec<String>,
    #[command(flatten)]
    stand: own::StandArgs,
    /// With --runbook: print what would run, stand-ins in place, and start nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Subcommand)]
enum DrillVerb {
    Record(record::RecordArgs),
}

/// Plays it.
pub fn run(with: &With, args: &DrillArgs) -> ExitCode {
    if let Some(DrillVerb::Record(args)) = &args.verb {
        return record::run(with, args);
    }
    let flags = &with.flags;
    if [&flags.prom, &flags.scrape, &flags.probe, &flags.log, &flags.release]
        .iter()
        .any(|all| !all.is_empty())
    {
        exit::warn(
            "a drill has targets of its own and refuses others: leave --prom, --scrape, --probe, --log and --release out",
        );
        return exit::code(exit::USAGE);
    }
    let files: Vec<String> = flags.runbook.iter().chain(&args.runbook).cloned().collect();
    if files.is_empty() && (args.dry_run || !args.stand.is_empty()) {
        exit::warn("--map, --keep and --dry-run are for a runbook of your own: name it with --runbook FILE");
        return exit::code(exit::USAGE);
    }
    let own = match Some(files)
        .filter(|files| !files.is_empty())
        .map(|files| own::prepare(&files, &args.stand, with.config.as_ref()))
    {
        None => None,
        Some(Ok(own)) if args.dry_run => return exit::code(own::dry_run(&own)),
        Some(Ok(own)) => Some(own),
        Some(Err((why, code))) => {
            exit::warn(&why);
            return exit::code(code);
        }
    };
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if args.resume && !terminal {
        exit::warn("--resume needs a terminal: a drill is taken up by a person");
        return exit::code(exit::USAGE);
    }
    let pace = args.pace.unwrap_or(if args.auto || !terminal { 10.0 } else { 1.0 });
    if !(pace.is_finite() && (0.1..=100.0).contains(&pace)) {
        exit::warn(&format!("--pace {pace} is not between 0.1 and 100"));
        return exit::code(exit::USAGE);
    }
    // From here on a signal ends the drill, and does not leave it behind.
    let told = Arc::new(AtomicUsize::new(0));
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        let number = usize::try_from(signal).unwrap_or_default();
        if let Err(error) = signal_hook::flag::register_usize(signal, Arc::clone(&told), number) {
            exit::warn(&format!("cannot listen to signals: {error}"));
            return exit::code(exit::REFUSED);
        }
    }
    let code = match stage(args, terminal, pace, own) {
        Ok(stage) => played(stage, args, terminal, &told, with.config.as_ref()),
        Err(code) => code,
    };
    match told.load(Ordering::Relaxed) {
        0 => exit::code(code),
        signal => exit::code(u8::try_from(128 + signal).unwrap_or(exit::REFUSED)),
    }
}

/// Plays it and ends room and world, whatever happens in between, even a panic.
fn played(stage: Stage, args: &DrillArgs, terminal: bool, told: &AtomicUsize, own: Option<&PathBuf>) -> u8 {
    let out = out(args);
    let played =
        std::panic::catch_unwind(AssertUnwindSafe(|| to_the_draft(&stage, args, terminal, told, &out, own)));
    let (journal, leave) = match &played {
        Ok(ended) => (ended.drafted.then(|| out.join("journal.db")), ended.leave),
        Err(_) => (None, Leave::Nothing),
    };
    close::end(stage, journal.as_deref(), leave);
    match played {
        Ok(ended) => ended.code,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// How the playing ended.
struct Ended {
    code: u8,
    /// There is a draft.
    drafted: bool,
    /// What stays of the world.
    leave: Leave,
}

/// From the room's opening to the draft.
fn to_the_draft(
    stage: &Stage,
    args: &DrillArgs,
    terminal: bool,
    told: &AtomicUsize,
    out: &Path,
    own: Option<&PathBuf>,
) -> Ended {
    let nothing = Ended { code: exit::REFUSED, drafted: false, leave: Leave::Nothing };
    let with = With {
        socket: Some(stage::socket(&stage.dir)),
        config: Some(stage::config(&stage.dir)),
        flags: Flags::default(),
    };
    if told.load(Ordering::Relaxed) != 0 {
        return nothing;
    }
    let room = stage::room_dir(&stage.dir);
    let Ok(runtime) = exit::runtime() else { return nothing };
    let private = dirs::private(&room).map_err(|error| error.to_string());
    let opened = private.and_then(|()| apart(stage, &room)).and_then(|()| {
        runtime
            .block_on(reach::start(&with, &room, &stage.room_flags(), &exit::warn))
            .map_err(|error| error.to_string())
    });
    if let Err(why) = opened {
        exit::warn(&why);
        // What was taken up is kept: it may have something to lose.
        let leave = if args.resume { Leave::Directory } else { Leave::Nothing };
        return Ended { leave, ..nothing };
    }
    let (code, incident) = if args.auto || !terminal {
        play(stage, &runtime, told)
    } else {
        sit(&with, stage, &runtime, args, out, own)
    };
    let Some(incident) = incident else { return Ended { code, ..nothing } };
    let written = runtime.block_on(write_draft(&with, incident, out));
    Ended { code: code.max(written), drafted: written == exit::DONE, ..nothing }
}

/// Steps of the person's own runbooks run apart from what is the person's.
fn apart(stage: &Stage, room: &Path) -> Result<(), String> {
    let Some(own) = &stage.own else { return Ok(()) };
    let of_player = |name: &str| std::env::var_os(name);
    let environment = own.environment(&stage.dir, &stage::socket(&stage.dir), of_player);
    dirs::private(&stage.dir.join("home")).map_err(|error| error.to_string())?;
    let text = serde_json::to_vec(&environment).map_err(|error| error.to_string())?;
    durable::write_whole(&room.join(home::FILE), &text).map_err(|error| error.to_string())
}

/// The world: a new one, or the one that a crash left behind.
fn stage(args: &DrillArgs, terminal: bool, pace: f64, own: Option<Own>) -> Result<Stage, u8> {
    let refused = |error: &dyn std::fmt::Display| {
        exit::warn(&error.to_string());
        exit::REFUSED
    };
    let state = dirs::state().map_err(|error| refused(&error))?;
    let left = places::left(&state, clock::now().wall);
    let choice = match left.first() {
        None if args.resume => return Err(refused(&"no drill was left behind; warroom drill starts one")),
        None => Choice::Anew,
        Some(_) if args.discard => Choice::Discard,
        Some(newest) if args.resume && newest.sound() => Choice::Resume,
        Some(newest) if terminal => offer::ask(newest, left.len()),
        Some(newest) => {
            say!("a drill was left behind: {}", newest.words());
            exit::say("warroom drill --resume takes it up, --discard throws it away; this is another one");
            Choice::Anew
        }
    };
    match (choice, left.first()) {
        (Choice::Leave, _) => return Err(exit::DONE),
        (Choice::Resume, Some(newest)) => {
            say!("taking up the drill in {} …", newest.dir.display());
            return Stage::resume(&newest.dir).map_err(|error| refused(&error));
        }
        (Choice::Discard, _) => {
            for one in &left {
                close::discard(&one.dir).map_err(|error| refused(&error))?;
            }
        }
        (Choice::Anew | Choice::Resume, _) => {}
    }
    exit::say("starting the practice world …");
    let dir = places::claim(&state).map_err(|error| refused(&error))?;
    Stage::begin(&Wanted { scenario: args.scenario, pace, dir: dir.clone(), own }).map_err(|error| {
        drop(std::fs::remove_dir_all(&dir));
        refused(&error)
    })
}

/// Where the draft goes.
fn out(args: &DrillArgs) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        PathBuf::from(format!("warroom-drill-{}", clock::now().wall.format("%Y%m%dT%H%M%SZ")))
    })
}

/// Plays the responder's part and prints the story as it happens. Ends early by a signal, or when nobody reads.
fn play(stage: &Stage, runtime: &tokio::runtime::Runtime, told: &AtomicUsize) -> (u8, Option<IncidentId>) {
    let facts = &stage.facts;
    let count = |service: &str| facts.urls(service).len();
    say!("DRILL {} at pace {}: nothing of this is production.", stage.words(), stage.pace);
    say!(
        "{} processes on loopback: checkout ×{}, pricing, payments, customers, a pipeline. The responder's part",
        facts.procs.len() + 1,
        count("checkout")
    );
    exit::say("plays by itself, through the same commands as a person's. #N is an event of the journal.");
    let mut story = Story::default();
    let mut out = std::io::stdout();
    let unread = AtomicUsize::new(0);
    let mut tell = |event: &crate::domain::Event| {
        if let Some(said) = story.tell(event)
            && writeln!(out, "{said}").and_then(|()| out.flush()).is_err()
        {
            unread.store(1, Ordering::Relaxed);
        }
    };
    let played = runtime.block_on(async {
        let ended = async {
            while told.load(Ordering::Relaxed) == 0 && unread.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = ended => None,
            played = auto::play(stage, &attach::spawn, &mut tell) => Some(played),
        }
    });
    match played {
        Some(Ok(played)) => {
            let heading = if played.stopped.is_none() { "In hand" } else { "Not in hand" };
            say!("\n  {heading}\n{}", sum(story.sum()));
            let Some(stopped) = played.stopped else { return (exit::DONE, Some(played.incident)) };
            say!("stopped  {}", crate::domain::text::line(&stopped.to_string()));
            if stopped.step.is_some() {
                exit::say("         in a terminal, without --auto, you walk it yourself from its first step");
            }
            (exit::REFUSED, Some(played.incident))
        }
        Some(Err(error)) => {
            exit::warn(&format!("the drill got stuck: {error}"));
            (exit::REFUSED, None)
        }
        None => {
            exit::warn("the drill is broken off: no draft is written");
            (exit::REFUSED, None)
        }
    }
}

fn sum(sum: &Sum) -> String {
    let (was, is) = &sum.errors;
    let mut parts = Vec::new();
    if let (Some(was), Some(is)) = (was, is) {
        parts.push(format!("errors {was} → {is}"));
    }
    if let Some((impact, held)) = sum.impact {
        parts.push(format!("impact {}, recovery held {}", impact.brief(), held.brief()));
    }
    parts.push(match sum.walked {
        1 => "1 runbook walked".into(),
        n => format!("{n} runbooks walked"),
    });
    parts.push(match sum.refused {
        1 => "1 deploy refused".into(),
        n => format!("{n} deploys refused"),
    });
    parts.push(match sum.deviations.as_slice() {
        [] => "no deviation".into(),
        [one] => format!("1 deviation ({one})"),
        all => {
            let mut kinds: Vec<(&str, usize)> = Vec::new();
            for kind in all {
                match kinds.iter_mut().find(|(known, _)| *known == kind) {
                    Some((_, times)) => *times += 1,
                    None => kinds.push((kind, 1)),
                }
            }
            let told = |(kind, times): (&str, usize)| match times {
                1 => kind.to_owned(),
                n => format!("{kind} ×{n}"),
            };
            let kinds: Vec<_> = kinds.into_iter().map(told).collect();
            format!("{} deviations ({})", all.len(), kinds.join(", "))
        }
    });
    format!("story    {}", parts.join(" · "))
}

fn sit(
    with: &With,
    stage: &Stage,
    runtime: &tokio::runtime::Runtime,
    args: &DrillArgs,
    out: &Path,
    own: Option<&PathBuf>,
) -> (u8, Option<IncidentId>) {
    let code = seat::sit(
        with,
        seat::Practice { stage, coach: !args.no_coach, out: out.to_owned(), own: own.cloned() },
    );
    let incident = runtime.block_on(async {
        let mut session = Session::existing(with).await.ok()?;
        let state = session.state().await.ok()?;
        state.incidents.keys().next_back().copied()
    });
    (code, incident)
}

/// Writes the draft and says where it lies.
async fn write_draft(with: &With, incident: IncidentId, out: &Path) -> u8 {
    let args = ExportArgs {
        incident,
        out: Some(out.to_owned()),
        strict: false,
        force: true,
        stdout: false,
        json: false,
    };
    let mut session = match Session::existing(with).await {
        Ok(session) => session,
        Err(error) => return error.say(),
    };
    let outcome = match export::keep(&mut session, &args).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            exit::warn(&format!("the draft could not be written: {error}"));
            return exit::REFUSED;
        }
        Err(error) => return error.say(),
    };
    let prompts = match outcome.todos.len() {
        0 => "every prompt is answered".into(),
        1 => "1 prompt is left to people".into(),
        n => format!("{n} prompts are left to people"),
    };
    let place = crate::domain::text::line(&out.to_string_lossy()).into_owned();
    say!("draft    {place}/postmortem.md; {prompts}");
    exit::DONE
}
