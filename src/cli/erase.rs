//! `warroom erase`: what must not be kept goes out of the journal for good.

use super::{
    With, exit,
    reach::{Session, Unreached},
};
use crate::{
    domain::{Command, Fact, Seq, note::NoteCommand},
    wire::{Ask, Outcome, Told},
};
use std::{process::ExitCode, time::Duration};

/// How often, and how many times, it is looked whether the words are gone.
const LOOK: (Duration, u32) = (Duration::from_millis(50), 100);

/// Take a note, a pin or a step's captured output out of the journal for good
///
/// The words and what lies of them in the evidence are overwritten. That there was an event, who erased it and why stays,
/// and `warroom verify` still finds the chain sound. What was written out, sent or copied before is not reached.
#[derive(Debug, clap::Args)]
pub struct EraseArgs {
    /// The event's number, as `warroom tail` prints it
    #[arg(value_name = "SEQ")]
    seq: Seq,
    /// Why it must go; the reason stays
    #[arg(long, short)]
    reason: String,
    /// What became of it, as JSON
    #[arg(long)]
    json: bool,
}

/// Erases an event, and says whether its words are gone.
pub fn run(with: &With, args: &EraseArgs) -> ExitCode {
    exit::block_on(async {
        match erase(with, args).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

async fn erase(with: &With, args: &EraseArgs) -> Result<u8, Unreached> {
    let mut session = Session::existing(with).await?;
    let command = NoteCommand::Erase { seq: args.seq, reason: args.reason.clone(), found: None };
    let outcome = session.act(Command::Note(command)).await?;
    if args.json || !matches!(outcome, Outcome::Ok { .. }) {
        return Ok(exit::outcome(&outcome, args.json));
    }
    for _ in 0..LOOK.1 {
        let ask = Ask::Events { from: args.seq, limit: 1, incident: None };
        if let Told::Events { events, .. } = session.client.ask(ask).await?
            && let Some(event) = events.first().filter(|event| event.seq == args.seq)
        {
            match &event.fact {
                Fact::Erased => {
                    say!("event {} is erased; the chain is whole without it: warroom verify", args.seq);
                    return Ok(exit::DONE);
                }
                Fact::Walk(_) => {
                    say!(
                        "the captured output of event {} is erased; its last line stays in the record",
                        args.seq
                    );
                    return Ok(exit::DONE);
                }
                _ => {}
            }
        }
        tokio::time::sleep(LOOK.0).await;
    }
    complain!(
        "it is recorded that event {} is to go, and it is there still; the room's log says why",
        args.seq
    );
    Ok(exit::REFUSED)
}
