//! What is put on the timeline and on the title, as verbs for scripts.

use super::{With, exit, reach, verb::About};
use crate::{
    domain::{Command, Refusal, Seq, State, id::Digest, incident::IncidentCommand, note::NoteCommand},
    os::clock,
};
use clap::Subcommand;
use std::process::ExitCode;

/// Verbs.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Pin something to the timeline
    Pin {
        /// What it shows; `-` reads standard input
        text: String,
        /// What kind of thing: line, chart, output, or any other word
        #[arg(long, default_value = "line")]
        kind: String,
        /// The time it is about, where that is not now: 01:52Z, or RFC 3339
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Evidence that goes with it, by its digest
        #[arg(long, value_name = "DIGEST")]
        evidence: Option<Digest>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Mark an event as important
    Star {
        /// Its number on the timeline
        seq: Seq,
        /// It is no longer important
        #[arg(long)]
        off: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Correct the title, and the services it hurts
    Retitle {
        /// The new one
        title: String,
        /// Services it hurts, in place of those that stand there
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
}

impl Verb {
    fn about(&self) -> &About {
        match self {
            Self::Pin { about, .. } | Self::Star { about, .. } | Self::Retitle { about, .. } => about,
        }
    }
}

/// Does a verb.
pub fn run(with: &With, verb: &Verb) -> ExitCode {
    exit::block_on(async {
        match reach::act(with, verb.about().json, |state, _| command(verb, state)).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

fn command(verb: &Verb, state: &State) -> Result<Command, Refusal> {
    let incident = reach::incident(state, verb.about().incident);
    Ok(match verb {
        Verb::Pin { text, kind, at, evidence, about } => {
            if about.incident.is_some() {
                incident.clone()?;
            }
            let about = at.as_deref().map(|at| super::verb::wall(at, clock::now().wall)).transpose()?;
            Command::Note(NoteCommand::Pin {
                incident: incident.ok(),
                what: kind.clone(),
                text: super::verb::words(text)?,
                evidence: *evidence,
                about,
            })
        }
        Verb::Star { seq, off, .. } => {
            Command::Note(NoteCommand::Star { incident: incident?, seq: *seq, on: !off })
        }
        Verb::Retitle { title, services, .. } => {
            let known = state.known(incident?)?;
            let services = if services.is_empty() { known.services.clone() } else { services.clone() };
            Command::Incident(IncidentCommand::Retitle { incident: known.id, title: title.clone(), services })
        }
    })
}
