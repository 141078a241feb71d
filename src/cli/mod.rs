//! The command line, one file per subcommand.

pub mod export;

use std::process::ExitCode;

/// Parses the arguments, runs the subcommand, gives its exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
