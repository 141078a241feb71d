//! `warroom evidence DIGEST`: a piece of evidence, as it was kept.

use super::{
    With, exit,
    reach::{Session, Unreached},
};
use crate::{
    domain::{id::Digest, text},
    wire::{Ask, Told},
};
use std::process::ExitCode;

/// Print a piece of evidence
///
/// What was printed, pinned or recorded is kept by its SHA-256 digest; the timeline and the draft name it.
#[derive(Debug, clap::Args)]
pub struct EvidenceArgs {
    /// Its digest, 64 hexadecimal digits
    digest: Digest,
}

/// Prints it.
pub fn run(with: &With, args: &EvidenceArgs) -> ExitCode {
    exit::block_on(async {
        match told(with, args.digest).await {
            Ok(Told::Evidence(kept)) => {
                exit::say(text::block(&kept).trim_end_matches('\n'));
                exit::DONE
            }
            Ok(Told::No(refusal)) => {
                exit::warn(&format!("refused: {refusal}"));
                exit::REFUSED
            }
            Ok(_) => {
                exit::warn("the room did not answer the question");
                exit::REFUSED
            }
            Err(error) => error.say(),
        }
    })
}

async fn told(with: &With, digest: Digest) -> Result<Told, Unreached> {
    let mut session = Session::open(with).await?;
    Ok(session.client.ask(Ask::Evidence(digest)).await?)
}
