//! `warroom conflict`: what was recorded offline and not accepted when the journal was back.

use super::{
    With, exit,
    reach::{self, Session, Unreached},
};
use crate::domain::{
    Command, State,
    conflict::{Conflict, ConflictCommand},
    id::ConflictId,
    text,
    time::clock_utc,
};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// What was recorded while the journal was out of reach, and not accepted when it was back
#[derive(Debug, Args)]
pub struct ConflictArgs {
    #[command(subcommand)]
    verb: Verb,
    /// What became of it, as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Those that nobody has decided yet
    List,
    /// Keep it as a note
    Keep {
        /// Which
        conflict: ConflictId,
        /// Why it stands
        #[arg(long)]
        reason: String,
    },
    /// Set it aside
    SetAside {
        /// Which
        conflict: ConflictId,
        /// Why it does not count
        #[arg(long)]
        reason: String,
    },
}

/// Does it.
pub fn run(with: &With, args: &ConflictArgs) -> ExitCode {
    exit::block_on(async {
        match act(with, args).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

async fn act(with: &With, args: &ConflictArgs) -> Result<u8, Unreached> {
    let (conflict, reason, keeps) = match &args.verb {
        Verb::List => {
            let (_, state, _) = Session::told(with).await?;
            list(&state, args.json);
            return Ok(exit::DONE);
        }
        Verb::Keep { conflict, reason } => (*conflict, reason.clone(), true),
        Verb::SetAside { conflict, reason } => (*conflict, reason.clone(), false),
    };
    reach::act(with, args.json, |_, _| {
        Ok(Command::Conflict(if keeps {
            ConflictCommand::Keep { conflict, reason }
        } else {
            ConflictCommand::SetAside { conflict, reason }
        }))
    })
    .await
}

fn list(state: &State, json: bool) {
    if json {
        exit::print(&state.conflicts.values().collect::<Vec<_>>());
        return;
    }
    if state.conflicts.is_empty() {
        say!("no conflict is open");
    }
    for conflict in state.conflicts.values() {
        say!("{}", line(conflict));
    }
}

/// One, for people.
pub fn line(conflict: &Conflict) -> String {
    let Conflict { id, what, .. } = conflict;
    let glass = what.glass.as_ref().map(|why| format!(", glass broken: {why}")).unwrap_or_default();
    let said = format!(
        "CONFLICT {id}  {} on {} at {}{glass}: {}  NOT ACCEPTED: {}",
        what.by,
        what.host,
        clock_utc(what.at.wall),
        what.said,
        what.why
    );
    text::line(&said).into_owned()
}
