//! The command line, one file per subcommand.

pub mod drill_world;

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "warroom", version)]
enum Cli {
    /// One process of the practice world.
    #[command(hide = true)]
    DrillWorld(drill_world::Args),
}

/// Parses the arguments, runs the subcommand, gives its exit code.
pub fn main() -> ExitCode {
    match Cli::parse() {
        Cli::DrillWorld(args) => drill_world::run(&args),
    }
}
