//! Who commands, and powers taken in an emergency, as verbs for scripts.

use super::{
    With, exit,
    reach::{self, Session, Unreached},
    verb::About,
};
use crate::{
    domain::{
        Command, Refusal, State,
        actor::Actor,
        briefing::{Briefing, briefing},
        glass::GlassCommand,
        handover::{HandoverCommand, SAY},
        id::GlassId,
        policy::Power,
        refusal::Code,
        time::Span,
    },
    os::clock,
    wire::Outcome,
};
use clap::Subcommand;
use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

/// Verbs.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Hand command over: offer it, take it, decline it
    Handover {
        /// What is done
        #[command(subcommand)]
        what: Handover,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Take command: nobody has it, or its holder is gone
    TakeCommand {
        /// Why; the one who is replaced reads it
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// What an incoming commander must know, on one screen
    Briefing {
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Take a power that you were not given: with a reason, for a time, seen by all
    BreakGlass {
        /// respond, command or approve
        power: Power,
        /// Why; every seat reads it
        #[arg(long)]
        reason: String,
        /// How long, 30m; as configured where it is not given
        #[arg(long = "for", value_name = "TIME")]
        lease: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give a power back that you took
    GiveBack {
        /// Which; the newest where none is given
        glass: Option<GlassId>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
}

/// What is done about a handover.
#[derive(Debug, Clone, Subcommand)]
pub enum Handover {
    /// Offer command to somebody; it stays with you until they take it
    To {
        /// Login name
        who: String,
        /// What they should know beside the briefing
        #[arg(long, default_value = "", hide_default_value = true)]
        words: String,
    },
    /// Take the command that is offered to you: shows the briefing, then reads "I have command"
    Accept {
        /// Say it here in place of standard input
        #[arg(long, value_name = "WORDS")]
        say: Option<String>,
    },
    /// Decline the command that is offered to you
    Decline {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Offer command no longer
    Withdraw,
}

impl Verb {
    fn about(&self) -> &About {
        match self {
            Self::Handover { about, .. }
            | Self::TakeCommand { about, .. }
            | Self::Briefing { about }
            | Self::BreakGlass { about, .. }
            | Self::GiveBack { about, .. } => about,
        }
    }
}

/// Does a verb.
pub fn run(with: &With, verb: Verb) -> ExitCode {
    exit::block_on(async move {
        match act(with, verb).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

async fn act(with: &With, verb: Verb) -> Result<u8, Unreached> {
    let json = verb.about().json;
    let mut session = Session::open(with).await?.under(verb.about().glass.clone());
    let state = session.state().await?;
    let shown = || -> Result<Briefing, Refusal> {
        let id = reach::incident(&state, verb.about().incident)?;
        briefing(&state, id, &clock::now())
    };
    if matches!(verb, Verb::Briefing { .. }) {
        return Ok(match shown() {
            Ok(shown) if json => {
                exit::print(&shown);
                exit::DONE
            }
            Ok(shown) => {
                shown.lines().iter().for_each(|line| say!("{line}"));
                exit::DONE
            }
            Err(refusal) => exit::outcome(&Outcome::Refused(refusal), json),
        });
    }
    let me = session.me().cloned();
    let mut verb = verb;
    if let Verb::Handover { what: Handover::Accept { say: say @ None }, .. } = &mut verb {
        if let Ok(shown) = shown_for(&state, me.as_ref()) {
            shown.lines().iter().for_each(|line| complain!("{line}"));
        }
        if std::io::stdin().is_terminal() {
            complain!("\nto take command, type: {SAY}");
        }
        let mut line = String::new();
        *say = std::io::stdin().lock().read_line(&mut line).ok().map(|_| line);
    }
    let outcome = match command(&verb, &state, me.as_ref()) {
        Ok(command) => session.act(command).await?,
        Err(refusal) => Outcome::Refused(refusal),
    };
    Ok(exit::outcome(&outcome, json))
}

/// The briefing of the incident whose command is offered to this person.
fn shown_for(state: &State, me: Option<&Actor>) -> Result<Briefing, Refusal> {
    let offered = state.incidents.values().find(|incident| {
        incident.handover.as_ref().is_some_and(|offer| me.is_some_and(|me| me.name == offer.to))
    });
    match offered {
        Some(incident) => briefing(state, incident.id, &clock::now()),
        None => Err(Refusal::new(Code::Conflict, "nobody offers you command")),
    }
}

/// The command that a verb means, in this state.
///
/// # Errors
/// Where the state has not what it needs.
pub fn command(verb: &Verb, state: &State, me: Option<&Actor>) -> Result<Command, Refusal> {
    let given = verb.about().incident;
    let incident = || reach::incident(state, given);
    // Where none is named, the one that is offered is meant, not the one that matters most.
    let offered = || match (given, shown_for(state, me)) {
        (None, Ok(shown)) => Ok(shown.incident),
        _ => incident(),
    };
    Ok(match verb {
        Verb::Handover { what, .. } => Command::Handover(match what {
            Handover::To { who, words } => {
                HandoverCommand::Propose { incident: incident()?, to: who.clone(), words: words.clone() }
            }
            Handover::Accept { say } => {
                HandoverCommand::Accept { incident: offered()?, said: say.clone().unwrap_or_default() }
            }
            Handover::Decline { reason } => {
                HandoverCommand::Decline { incident: offered()?, reason: reason.clone() }
            }
            Handover::Withdraw => HandoverCommand::Withdraw { incident: incident()? },
        }),
        Verb::TakeCommand { reason, .. } => Command::Handover(HandoverCommand::Take {
            incident: incident()?,
            reason: reason.clone(),
            from: None,
        }),
        Verb::Briefing { .. } => return Err(Refusal::new(Code::Invalid, "a briefing changes nothing")),
        Verb::BreakGlass { power, reason, lease, .. } => {
            let incident = match given {
                Some(id) => Some(id),
                None => state.open_incident().map(|incident| incident.id),
            };
            Command::Glass(GlassCommand::Break {
                incident,
                power: *power,
                reason: reason.clone(),
                lease: *lease,
            })
        }
        Verb::GiveBack { glass, .. } => {
            let own = state
                .glasses
                .values()
                .rev()
                .find(|glass| glass.over.is_none() && me.is_some_and(|me| glass.by.same(me)));
            let glass = glass.or(own.map(|glass| glass.id)).ok_or_else(|| {
                Refusal::new(Code::Unknown, "you have taken no power").hint("warroom status lists who has")
            })?;
            Command::Glass(GlassCommand::Return { glass })
        }
    })
}
