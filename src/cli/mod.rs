//! The command line, one file per subcommand.

pub mod drill_world;
pub mod gate;
pub mod runbook;

use std::process::ExitCode;

/// Parses the arguments, runs the subcommand, gives its exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
