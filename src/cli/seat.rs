//! `warroom`: a seat.

use super::{With, exit};
use crate::drill::stage::Stage;
use std::{path::PathBuf, process::ExitCode};

/// A drill that is sat through.
pub struct Practice<'a> {
    /// The world.
    pub stage: &'a Stage,
    /// Whether the coach speaks.
    pub coach: bool,
    /// Where the draft goes.
    pub out: PathBuf,
}

/// Opens a seat.
pub fn run(with: &With) -> ExitCode {
    let _ = with;
    exit::code(exit::USAGE)
}

/// Opens a seat in a drill's room.
pub fn sit(with: &With, practice: Practice<'_>) -> u8 {
    let _ = (with, practice.stage, practice.coach, practice.out);
    exit::USAGE
}
