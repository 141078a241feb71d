//! The command line, one file per subcommand, each thin over the library.

/// Prints a line as `println!` does, which panics where nobody reads any more.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::exit::say(format_args!($($text)*)) };
}

/// Says something on standard error, as every subcommand does: what was typed, a path or a server's word is repeated
/// there, and nothing in it acts on the terminal.
macro_rules! complain {
    () => { eprintln!() };
    ($($text:tt)*) => { $crate::cli::exit::complain(format_args!($($text)*)) };
}

mod anchor;
pub mod config;
mod conflict;
pub mod coordination;
pub mod drill;
pub mod drill_world;
pub mod erase;
pub mod evidence;
pub mod exit;
pub mod export;
pub mod gate;
pub mod hand;
pub mod journal;
mod log;
pub mod mark;
mod moving;
pub mod outward;
pub mod page;
pub mod pages;
pub mod people;
pub mod practices;
pub mod reach;
pub mod ready;
pub mod room;
pub mod run;
pub mod runbook;
pub mod script;
pub mod seat;
pub mod serve;
pub mod sources;
pub mod status;
pub mod step;
pub mod tail;
pub mod twin;
pub mod verb;
pub mod verify;
pub mod who;
mod witness;

use crate::config::Flags;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// A terminal war room for incident response and release recovery.
///
/// Without a subcommand it opens a seat: in the machine's room where there is one, else in your own, which is started
/// where it does not run and goes on when you leave.
#[derive(Debug, Parser)]
#[command(name = "warroom", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    with: With,
    #[command(flatten)]
    seat: seat::SeatArgs,
    #[command(subcommand)]
    command: Option<Verb>,
}

/// What every subcommand takes.
#[derive(Debug, Clone, clap::Args)]
pub struct With {
    /// The room's socket, in place of the machine's or your own
    #[arg(long, global = true, value_name = "PATH", env = "WARROOM_SOCKET")]
    pub socket: Option<PathBuf>,
    /// The configuration, in place of the usual places (also WARROOM_CONFIG)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sources for one session
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Drill(drill::DrillArgs),
    Serve(serve::ServeArgs),
    /// Stop the room in good order
    Stop,
    /// How the room is and what is the case
    Status(status::StatusArgs),
    Ready(ready::ReadyArgs),
    Who(who::WhoArgs),
    #[command(flatten)]
    Act(verb::Verb),
    #[command(flatten)]
    Coordination(coordination::Verb),
    #[command(flatten)]
    People(people::Verb),
    #[command(flatten)]
    Mark(mark::Verb),
    Page(page::PageArgs),
    Conflict(conflict::ConflictArgs),
    Run(run::RunArgs),
    Do(script::DoArgs),
    /// Walk a runbook, step by step
    Step(step::StepArgs),
    /// Follow the timeline
    Tail(tail::TailArgs),
    /// May this change go? The exit code answers
    Gate(gate::GateArgs),
    Erase(erase::EraseArgs),
    /// Check every hash of a journal
    Verify(verify::VerifyArgs),
    Journal(journal::JournalArgs),
    Evidence(evidence::EvidenceArgs),
    Export(export::ExportArgs),
    /// Read a runbook without walking it
    Runbook(runbook::RunbookArgs),
    Config(config::ConfigArgs),
    Practices(practices::PracticesArgs),
    Completions(pages::CompletionsArgs),
    Man(pages::ManArgs),
    /// The seat's keys, as Markdown
    Keys,
    /// Every subcommand and exit code, as Markdown
    Commands,
    /// Runs one step; started by a seat
    #[command(hide = true)]
    Hand(hand::HandArgs),
    /// A room in the background; started by a seat
    #[command(hide = true)]
    Room(room::RoomArgs),
    /// Processes of the practice world
    #[command(hide = true)]
    DrillWorld(drill_world::Args),
}

impl Cli {
    /// The arguments of this process; ends it where they make no sense.
    fn of_arguments() -> Self {
        let read = table().try_get_matches().and_then(|found| Self::from_arg_matches(&found));
        read.unwrap_or_else(|error| exit::usage(&error))
    }
}

impl Verb {
    /// Whether it neither opens a room nor asks one to watch something.
    fn watches_nothing(&self) -> bool {
        match self {
            Self::Drill(_)
            | Self::Serve(_)
            | Self::Room(_)
            | Self::Act(_)
            | Self::Mark(_)
            | Self::Run(_)
            | Self::Do(_)
            | Self::Coordination(_)
            | Self::People(_)
            | Self::Page(_)
            | Self::Step(_)
            | Self::Hand(_)
            | Self::DrillWorld(_) => false,
            Self::Stop
            | Self::Status(_)
            | Self::Ready(_)
            | Self::Who(_)
            | Self::Conflict(_)
            | Self::Tail(_)
            | Self::Gate(_)
            | Self::Erase(_)
            | Self::Verify(_)
            | Self::Journal(_)
            | Self::Evidence(_)
            | Self::Export(_)
            | Self::Runbook(_)
            | Self::Config(_)
            | Self::Practices(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Keys
            | Self::Commands => true,
        }
    }
}

/// Parses the arguments, runs the subcommand, gives its exit code.
pub fn main() -> ExitCode {
    let Cli { with, seat, command } = Cli::of_arguments();
    if command.is_some() && seat != seat::SeatArgs::default() {
        let say = "an incident and --read-only are for a seat: warroom INC-7 opens one, without a subcommand";
        exit::usage(&Cli::command().error(clap::error::ErrorKind::ArgumentConflict, say));
    }
    if let Some(flag) = with.flags.first().filter(|_| command.as_ref().is_some_and(Verb::watches_nothing)) {
        complain!("{flag} is not for this command: it watches nothing and starts no room");
        complain!("give it to warroom, where the seat is opened, or to warroom serve");
        return exit::code(exit::USAGE);
    }
    match command {
        None => seat::run(&with, &seat),
        Some(Verb::Drill(args)) => drill::run(&with, &args),
        Some(Verb::Serve(args)) => serve::run(&with, &args),
        Some(Verb::Room(args)) => room::run(&with, &args),
        Some(Verb::Stop) => room::stop(&with),
        Some(Verb::Status(args)) => status::run(&with, &args),
        Some(Verb::Ready(args)) => ready::run(&with, &args),
        Some(Verb::Who(args)) => who::run(&with, &args),
        Some(Verb::Act(verb)) => verb::run(&with, verb),
        Some(Verb::Coordination(verb)) => coordination::run(&with, &verb),
        Some(Verb::People(verb)) => people::run(&with, verb),
        Some(Verb::Mark(verb)) => mark::run(&with, &verb),
        Some(Verb::Page(args)) => page::run(&with, &args),
        Some(Verb::Conflict(args)) => conflict::run(&with, &args),
        Some(Verb::Run(args)) => run::run(&with, &args),
        Some(Verb::Do(args)) => script::run(&with, &args),
        Some(Verb::Step(args)) => step::run(&with, args),
        Some(Verb::Tail(args)) => tail::run(&with, &args),
        Some(Verb::Gate(args)) => gate::run(&args),
        Some(Verb::Erase(args)) => erase::run(&with, &args),
        Some(Verb::Verify(args)) => verify::run(&with, &args),
        Some(Verb::Journal(args)) => journal::run(&with, &args),
        Some(Verb::Evidence(args)) => evidence::run(&with, &args),
        Some(Verb::Export(args)) => export::run(&with, &args),
        Some(Verb::Runbook(args)) => runbook::run(with.config, &args),
        Some(Verb::Config(args)) => config::run(&args, with.config),
        Some(Verb::Practices(args)) => practices::run(&args),
        Some(Verb::Completions(args)) => pages::completions(&args),
        Some(Verb::Man(args)) => pages::man(&args),
        Some(Verb::Keys) => pages::keys(),
        Some(Verb::Commands) => pages::commands(),
        Some(Verb::Hand(args)) => hand::run(args, with.socket),
        Some(Verb::DrillWorld(args)) => drill_world::run(&args),
    }
}

/// The command line as a table, for completions and pages.
pub fn table() -> clap::Command {
    twin::worded(Cli::command())
}
