//! The command line, one file per subcommand.

pub mod runbook;

use clap::Parser;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "warroom", version)]
enum Command {
    /// Read a runbook without walking it.
    Runbook(runbook::RunbookArgs),
}

/// Parses the arguments, runs the subcommand, gives its exit code.
pub fn main() -> ExitCode {
    let Command::Runbook(args) = Command::parse();
    runbook::run(&args)
}
