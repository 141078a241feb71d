//! `warroom`: a seat, in a room that is found or started.

use super::{
    With, exit,
    export::{self, ExportArgs},
    reach::{self, Session},
    step::unrecorded,
    witness,
};
use crate::{
    config::{
        self, Config,
        model::{Colour, Glyphs},
    },
    domain::{
        Event,
        id::{Digest, IncidentId},
        plan::Runbook,
    },
    draft::{self, Extra},
    drill::{coach, stage::Stage},
    hand::attach,
    os::{clock, dirs, durable},
    runbook,
    seat::{
        command::keymap::Keymap,
        model::{Setup, Zone, draft::Todo},
        run::{self, DraftWith, ExportWith, Left, Revive, SpawnHand},
        term::{Caps, screen},
    },
    theme::{Depth, Theme, glyphs},
    transport::find::Kind,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Runbooks that can be started, and by their hash the texts that the room reads itself.
type Known = (Vec<Arc<Runbook>>, BTreeMap<Digest, String>);

/// What was typed and not sent when a terminal went away, in the user's state directory.
const UNSENT: &str = "unsent.txt";

/// How a seat is opened, where no subcommand is given.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct SeatArgs {
    /// The incident to look at, INC-7
    #[arg(value_name = "INCIDENT", value_parser = incident)]
    pub incident: Option<IncidentId>,
    /// Only look: whatever would change anything says why not, here and in the room
    #[arg(long)]
    pub read_only: bool,
}

/// An incident's name; a word that is none was most probably meant to be a subcommand.
fn incident(text: &str) -> Result<IncidentId, String> {
    text.parse().map_err(|_| {
        let table = super::table();
        let verbs: Vec<&str> =
            table.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name).collect();
        let near = verbs
            .iter()
            .copied()
            .max_by(|a, b| strsim::jaro_winkler(a, text).total_cmp(&strsim::jaro_winkler(b, text)));
        let near = near.filter(|verb| strsim::jaro_winkler(verb, text) > 0.8);
        let near = near.map(|verb| format!("; did you mean {verb}?")).unwrap_or_default();
        format!("it is no subcommand and no incident like INC-7{near}")
    })
}

/// A drill that is sat through.
pub struct Practice<'a> {
    /// The world.
    pub stage: &'a Stage,
    /// Whether the coach speaks.
    pub coach: bool,
    /// Where the draft goes.
    pub out: PathBuf,
    /// The person's own configuration, where `--config` names it: theme and keys are taken from it.
    pub own: Option<PathBuf>,
}

/// Opens a seat.
pub fn run(with: &With, args: &SeatArgs) -> ExitCode {
    let ask = config::Ask::here(with.config.clone(), with.flags.clone());
    let config = match config::load(&ask) {
        Ok(loaded) => loaded.config,
        Err(report) => {
            eprintln!("{report}");
            return exit::code(exit::USAGE);
        }
    };
    exit::block_on(async {
        if let Some(incident) = args.incident
            && let Err(code) = known(with, incident).await
        {
            return code;
        }
        let reached = match reach::find_or_start(with).await {
            Ok(reached) => reached,
            Err(error) => {
                let code = error.say();
                unrecorded(&config);
                return code;
            }
        };
        let runbooks = runbooks(&config);
        let own = (reached.place.kind == Kind::Private).then(dirs::state).and_then(Result::ok);
        let revive = own.map(|dir| revive(with.clone(), dir, Vec::new()));
        let named = super::who::named(with);
        let place = Place {
            socket: reached.place.socket,
            revive,
            out: None,
            come_back: format!("warroom {named}").trim_end().to_owned(),
            join: named,
            seat: args.clone(),
            passed_over: reached.passed_over,
        };
        sit_down(&config, place, runbooks, None, Vec::new()).await
    })
}

/// Opens a seat in a drill's room.
pub fn sit(with: &With, practice: Practice<'_>) -> u8 {
    let ask = config::Ask::here(with.config.clone(), with.flags.clone());
    let mut config = match config::load(&ask) {
        Ok(loaded) => loaded.config,
        Err(report) => {
            eprintln!("{report}");
            return exit::USAGE;
        }
    };
    let Ok(runtime) = exit::runtime() else { return exit::REFUSED };
    let Practice { stage, coach, out, own } = practice;
    // What is watched is the drill's; how it looks and which keys it has is the person's own.
    let mut wrong = Vec::new();
    match config::load(&config::Ask::here(own, config::Flags::default())) {
        Ok(loaded) => config.ui = loaded.config.ui,
        Err(report) => wrong.push(format!("your own theme and keys are not used:\n{report}")),
    }
    let runbooks = (stage.runbooks().into_iter().map(Arc::new).collect(), BTreeMap::new());
    let socket = crate::drill::stage::socket(&stage.dir);
    runtime.block_on(async {
        let advice = coach.then(|| advise(socket.clone()));
        let room = crate::drill::stage::room_dir(&stage.dir);
        let revive = Some(revive(with.clone(), room, stage.room_flags().to_vec()));
        let join = super::who::named(&With { socket: Some(socket.clone()), ..with.clone() });
        let seat = SeatArgs::default();
        let come_back = "warroom drill".into();
        let place = Place { socket, revive, out: Some(out), come_back, join, seat, passed_over: None };
        sit_down(&config, place, runbooks, advice, wrong).await
    })
}

/// Starts a room again that has fallen, as it was started.
fn revive(with: With, dir: PathBuf, more: Vec<String>) -> Revive {
    Arc::new(move || {
        let (with, dir, more) = (with.clone(), dir.clone(), more.clone());
        Box::pin(async move {
            // The seat has the terminal; what goes wrong stands in the room's log, and the seat tries again.
            drop(reach::start(&with, &dir, &more, &|_| ()).await);
        })
    })
}

struct Place {
    socket: PathBuf,
    revive: Option<Revive>,
    out: Option<PathBuf>,
    come_back: String,
    passed_over: Option<String>,
    join: String,
    seat: SeatArgs,
}

/// Whether a room that runs knows the incident; where not, why not. No room is started for one that cannot be in it.
async fn known(with: &With, incident: IncidentId) -> Result<(), u8> {
    let mut session = Session::existing(with).await.map_err(|error| {
        let code = error.say();
        complain!("so there is no {incident} to look at");
        code
    })?;
    let state = session.state().await.map_err(|error| error.say())?;
    if state.incidents.contains_key(&incident) {
        return Ok(());
    }
    let all: Vec<String> =
        state.incidents.values().rev().take(8).map(|one| format!("{} {}", one.id, one.title)).collect();
    let all =
        if all.is_empty() { "nothing is declared".into() } else { format!("there is {}", all.join(", ")) };
    exit::warn(&crate::domain::text::line(&format!("this room has no {incident} to look at: {all}")));
    Err(exit::REFUSED)
}

async fn sit_down(
    config: &Config,
    place: Place,
    (runbooks, texts): Known,
    coach: Option<mpsc::UnboundedReceiver<Option<String>>>,
    mut mistakes: Vec<String>,
) -> u8 {
    let caps = Caps::detect();
    let drill = place.out.is_some();
    let (theme, wrong) = theme(config, caps);
    mistakes.extend(wrong.map(|why| format!("the dark theme is used: {why}")));
    let keymap = keymap(config).unwrap_or_else(|why| {
        mistakes.push(format!("the keys that come with warroom are used:\n{why}"));
        Keymap::default()
    });
    let setup = Setup {
        host: crate::os::host_name(),
        zone: zone(),
        runbooks,
        texts,
        keymap,
        seed: Uuid::new_v4(),
        come_back: place.come_back.clone(),
        passed_over: place.passed_over.clone(),
        join: place.join.clone(),
        incident: place.seat.incident,
        read_only: place.seat.read_only || config.ui.read_only,
        could_watch: could_watch().await,
        mistakes: (!mistakes.is_empty()).then(|| mistakes.join("\n\n")),
        now: clock::now(),
    };
    let spawn_hand: SpawnHand = Arc::new(attach::spawn);
    let options = run::Options {
        socket: place.socket.clone(),
        revive: place.revive.clone(),
        setup,
        theme,
        screen: screen::Options { mouse: config.ui.mouse, own_colour: true },
        caps,
        spawn_hand,
        draft: Arc::new(make_draft) as DraftWith,
        export: write_draft(&place),
        witness: witness::keeper(dirs::state().ok()),
        coach,
    };
    let left = run::run(options).await.map(|(left, not_sent)| {
        keep(&not_sent, &left);
        left
    });
    match left {
        Ok(Left::Quit) if drill => {
            exit::say("you left; the drill is over");
            exit::DONE
        }
        Ok(Left::Quit) => {
            say!("you left; the room goes on. To come back: {}", place.come_back);
            exit::DONE
        }
        Ok(Left::Signal(ended)) if drill => {
            exit::warn(&format!("ended by {ended}; the drill is over"));
            ended.exit_code()
        }
        Ok(Left::Signal(ended)) => {
            exit::warn(&format!("ended by {ended}; the room goes on. To come back: {}", place.come_back));
            ended.exit_code()
        }
        Ok(Left::Gone) => exit::HANGUP,
        Err(error) => {
            exit::warn(&error.to_string());
            exit::USAGE
        }
    }
}

/// What was typed and not taken by the room is printed, or kept in a file where there is no terminal any more.
fn keep(not_sent: &[String], left: &Left) {
    let file = dirs::state().ok().map(|dir| dir.join(UNSENT));
    let gone = matches!(left, Left::Gone)
        || matches!(left, Left::Signal(ended) if ended.exit_code() == exit::HANGUP);
    if !gone {
        if !not_sent.is_empty() {
            exit::warn(&format!("not taken by the room:\n{}", not_sent.join("\n")));
        }
        if let Some(file) = file.filter(|file| file.exists()) {
            exit::warn(&format!(
                "what you had typed when a terminal went away is in {}; remove it when you have it",
                file.display()
            ));
        }
        return;
    }
    if let Some(file) = file.filter(|_| !not_sent.is_empty()) {
        use std::io::Write as _;
        let text = format!("{}\n{}\n\n", clock::now().wall.to_rfc3339(), not_sent.join("\n"));
        let kept = durable::append_to(&file).map(|mut file| file.write_all(text.as_bytes()));
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!(?kept, "what was typed could not be kept");
        }
    }
}

/// The theme; or one that is always there, and what is wrong with the one that was asked for.
fn theme(config: &Config, caps: Caps) -> (Theme, Option<String>) {
    let depth = match config.ui.colour {
        Colour::Never => Depth::None,
        Colour::Always if caps.depth == Depth::None => Depth::Sixteen,
        Colour::Always | Colour::Auto => caps.depth,
    };
    let glyphs = match config.ui.glyphs {
        Glyphs::Auto => caps.glyphs(),
        Glyphs::Unicode => &glyphs::UNICODE,
        Glyphs::Ascii => &glyphs::ASCII,
    };
    let name = match config.ui.theme.as_str() {
        "colour-blind-safe" => "colour-blind",
        name => name,
    };
    let find = |name: &str| {
        let path = Path::new(name);
        let text = std::fs::read_to_string(path).ok()?;
        Some((path.display().to_string(), text))
    };
    match Theme::load(name, depth, glyphs, &find) {
        Ok(theme) => (theme, None),
        Err(error) => (Theme::built_in("dark", depth, glyphs), Some(error.to_string())),
    }
}

fn keymap(config: &Config) -> Result<Keymap, String> {
    let Some(path) = &config.ui.keys else { return Ok(Keymap::default()) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
    Keymap::with_file(&name, &text)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// The local time zone: its offset now, and its name where the system gives one.
fn zone() -> Zone {
    let now = chrono::DateTime::<chrono::Local>::from(std::time::SystemTime::now());
    let offset = *now.offset();
    let name =
        std::env::var("TZ").ok().filter(|name| name.len() <= 5 && name.chars().all(char::is_alphabetic));
    Zone { offset, name: name.unwrap_or_else(|| format!("UTC{offset}")) }
}

/// Runbooks that can be started: those named, those in configured directories, those that are shipped.
fn runbooks(config: &Config) -> Known {
    let mut files = Vec::new();
    for place in &config.runbook {
        files.extend(place.path.clone());
        let dir = place.dir.as_ref().and_then(|dir| std::fs::read_dir(dir).ok());
        let mut found: Vec<_> = dir
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
            .collect();
        found.sort();
        files.extend(found);
    }
    let own = files.iter().filter_map(|path| {
        let bytes = std::fs::read(path).ok()?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Some((runbook::parse(&name, &bytes), String::from_utf8_lossy(&bytes).into_owned()))
    });
    let shipped = runbook::BUILTIN
        .iter()
        .filter_map(|(name, text)| Some((runbook::builtin(name)?, (*text).to_owned())));
    own.chain(shipped).map(|(book, text)| (Arc::new(book.clone()), (book.hash, text))).unzip()
}

/// What could be watched here: servers that listen where they usually do, and files that lie where they usually lie.
async fn could_watch() -> Vec<String> {
    let mut found = Vec::new();
    for (port, flag) in [
        (9090, "--prom http://127.0.0.1:9090"),
        (8428, "--prom http://127.0.0.1:8428"),
        (9100, "--scrape http://127.0.0.1:9100/metrics"),
        (8080, "--probe http://127.0.0.1:8080/healthz"),
    ] {
        let connect = tokio::net::TcpStream::connect(("127.0.0.1", port));
        if tokio::time::timeout(Duration::from_millis(50), connect).await.is_ok_and(|stream| stream.is_ok()) {
            found.push(flag.to_owned());
        }
    }
    for (path, flag) in [
        ("/var/log/syslog", "--log /var/log/syslog"),
        ("/var/log/messages", "--log /var/log/messages"),
        ("/var/log/nginx/error.log", "--log '/var/log/nginx/*.log'"),
        ("./current", "--release ."),
    ] {
        if Path::new(path).exists() {
            found.push(flag.to_owned());
        }
    }
    found
}

/// The draft for the preview, with the line at which each prompt stands.
fn make_draft(events: &[Event], incident: IncidentId) -> (String, Vec<Todo>) {
    let built = match draft::build(events, incident, clock::now().wall, &Extra::default()) {
        Ok(built) => built,
        Err(refusal) => return (format!("There is no draft yet: {refusal}"), Vec::new()),
    };
    let text = draft::markdown(&built);
    let line = |key: &str| {
        let mark = format!("`{key}`");
        text.lines().position(|line| line.contains("TODO(") && line.contains(&mark)).unwrap_or_default()
    };
    let todos = draft::todos(&built)
        .into_iter()
        .map(|todo| Todo {
            line: line(&todo.key),
            key: todo.key.clone(),
            role: todo.role.clone(),
            question: todo.question.clone(),
        })
        .collect();
    (text, todos)
}

fn write_draft(place: &Place) -> ExportWith {
    let out = place.out.clone();
    Arc::new(move |socket, incident| {
        let with = With { socket: Some(socket.to_owned()), config: None, flags: config::Flags::default() };
        let args =
            ExportArgs { incident, out: out.clone(), strict: false, force: true, stdout: false, json: false };
        let runtime = exit::runtime().map_err(|error| error.to_string())?;
        let outcome = runtime.block_on(async {
            let mut session = Session::existing(&with).await.map_err(|error| error.to_string())?;
            export::write(&mut session, &args).await.map_err(|error| error.to_string())
        })?;
        let written = outcome.map_err(|error| error.to_string())?.written.ok_or("nothing was written")?;
        Ok((written.absolute(), written.digest.to_string()))
    })
}

/// What the coach says, followed from the room's state.
fn advise(socket: PathBuf) -> mpsc::UnboundedReceiver<Option<String>> {
    let (say, hear) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let with = With { socket: Some(socket), config: None, flags: config::Flags::default() };
        let mut said = None;
        while let Ok(mut session) = Session::existing(&with).await {
            while let Ok(state) = session.state().await {
                let advice = coach::advice(&state);
                if said.as_ref() != Some(&advice) {
                    said = Some(advice.clone());
                    if say.send(Some(advice)).is_err() {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    hear
}

/// With no journal nothing runs; the commands are still there to be copied: step by step at a terminal, else whole.
fn unrecorded(config: &Config) {
    use std::io::IsTerminal as _;
    complain!();
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        let along =
            unrecorded::along(&runbooks(config).0, &mut std::io::stdin().lock(), &mut std::io::stdout());
        if let Err(error) = along {
            exit::warn(&error.to_string());
        }
        return;
    }
    complain!("UNRECORDED: without a journal nothing runs from here. The commands of each runbook, to copy:");
    for runbook in runbooks(config).0 {
        complain!("  warroom step start {} --dry-run", runbook.source);
    }
}
