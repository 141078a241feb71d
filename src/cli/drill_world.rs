//! `warroom drill-world`: one process of the practice world. Hidden: `warroom drill` starts them.

use crate::drill::world::{self, Leave, Role, Scenario, Spec, World};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A part, or `play`: make a world, say where it is, keep it until interrupted.
    role: String,
    /// The drill's directory.
    #[arg(long)]
    dir: PathBuf,
    /// Which instance.
    #[arg(long, default_value_t = 1)]
    index: u32,
    /// Port to listen on, 0 for any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// For `play`: bad-release or slow-leak.
    #[arg(long, default_value = "bad-release")]
    scenario: Scenario,
    /// For `play`: the story's delays are divided by this.
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
    /// For `play`: shell command asked in place of the gate.
    #[arg(long)]
    gate_cmd: Option<String>,
    /// For `play`: take up the world that lies in the directory.
    #[arg(long)]
    adopt: bool,
}

/// Plays the part. Exit code 2 for a part that does not exist.
pub fn run(args: &Args) -> ExitCode {
    if args.role == "play" {
        return told(play(args).map_err(|why| why.to_string()));
    }
    match args.role.parse::<Role>() {
        Ok(role) => told(world::run(role, &args.dir, args.index, args.port).map_err(|why| why.to_string())),
        Err(why) => {
            complain!("{why}");
            ExitCode::from(2)
        }
    }
}

fn told(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn play(args: &Args) -> Result<(), world::WorldError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|why| world::WorldError::Role(format!("cannot listen to signals: {why}")))?;
    let world = if args.adopt {
        World::adopt(&args.dir)?
    } else {
        let spec = Spec { gate: args.gate_cmd.clone(), ..Spec::new(&args.dir, args.scenario, args.pace) };
        World::start(&spec)?
    };
    say!("{}", world.layout().facts().display());
    let _ = signals.forever().next();
    world.stop(Leave::Nothing)
}
