//! `warroom hand`: runs one step. Started by whoever took the step; nobody types it.

use super::exit;
use crate::{
    domain::id::WalkId,
    hand::attach::{self, Assignment},
    wire::StepRef,
};
use std::{path::PathBuf, process::ExitCode};
use uuid::Uuid;

/// Which step, of which room.
#[derive(Debug, clap::Args)]
pub struct HandArgs {
    /// The walk
    #[arg(long)]
    walk: WalkId,
    /// The step
    #[arg(long)]
    step: String,
    /// The name under which it was lent
    #[arg(long)]
    hand: Uuid,
}

/// Runs it to its end; diagnostics go to standard error, which is the hands' log.
pub fn run(args: HandArgs, socket: Option<PathBuf>) -> ExitCode {
    crate::os::seal_inherited();
    let Some(socket) = socket else {
        complain!("a hand needs --socket");
        return exit::code(exit::USAGE);
    };
    let at = StepRef { walk: args.walk, step: args.step };
    exit::block_on(async move {
        let name = format!("{} {}", at.walk, at.step);
        match attach::run(Assignment { socket, at, hand: args.hand }).await {
            Ok(why) => {
                complain!("{name}: {why}");
                exit::DONE
            }
            Err(why) => {
                complain!("{name}: it could not begin: {why}");
                exit::REFUSED
            }
        }
    })
}
