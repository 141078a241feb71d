//! `warroom`: a seat.

use super::{With, exit};
use std::process::ExitCode;

/// Opens a seat.
pub fn run(with: &With) -> ExitCode {
    let _ = with;
    exit::code(exit::USAGE)
}
