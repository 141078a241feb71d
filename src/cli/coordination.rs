//! Tasks, reports, proposals and what is owed again and again, as verbs for scripts.

use super::{
    With, exit,
    reach::{self, Session, Unreached},
    verb::{About, words},
};
use crate::{
    domain::{
        Command, Refusal, State,
        board::BoardCommand,
        cadence::Beat,
        decision::DecisionCommand,
        id::{DecisionId, TaskId},
        report::ReportCommand,
        task::{Task, TaskCommand},
        time::{Span, Stamp},
    },
    wire::Outcome,
};
use clap::Subcommand;
use std::process::ExitCode;

/// Verbs.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// You have the task that you were given
    TaskAck {
        /// Which
        task: TaskId,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// How a task stands; `-` reads standard input
    TaskReport {
        /// Which
        task: TaskId,
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// More time for a task's owner, from the end of its time or from now where that is past
    TaskExtend {
        /// Which
        task: TaskId,
        /// How much more, 10m
        more: Span,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give a task to somebody else, or a need to its first owner
    TaskAssign {
        /// Which
        task: TaskId,
        /// Login name
        who: String,
        /// Time box from now, 15m; as long as it was where none is given
        #[arg(long)]
        within: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// A CAN report: conditions, actions, needs; each need becomes a task to assign
    Report {
        /// What you see
        conditions: String,
        /// What you do about it
        actions: String,
        /// What you need; several may be given, none says that nothing is needed
        #[arg(long = "need", value_name = "TEXT")]
        needs: Vec<String>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Put a decision to the room: any strong objections?
    Propose {
        /// What is proposed
        text: String,
        /// Another option
        #[arg(long = "option", value_name = "TEXT")]
        options: Vec<String>,
        /// What may go wrong
        #[arg(long)]
        risks: Option<String>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Object strongly to a proposal
    Object {
        /// Which
        decision: DecisionId,
        /// Why
        why: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Decide on a proposal; who objected is recorded with it
    DecideOn {
        /// Which
        decision: DecisionId,
        /// What is decided, where it is not what was proposed
        text: Option<String>,
        /// Look at it again after this, 30m
        #[arg(long, value_name = "TIME")]
        review: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Take a proposal back: nothing is decided
    WithdrawProposal {
        /// Which
        decision: DecisionId,
        /// Why
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Look at a decision again
    Review {
        /// Which
        decision: DecisionId,
        /// Whether it still stands, or what changes
        text: String,
        /// Once more after this, 30m
        #[arg(long, value_name = "TIME")]
        again: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Everybody was asked how it stands; the poll's clock starts anew
    Polled {
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Put the next update or poll off
    Snooze {
        /// poll, update or external
        what: Beat,
        /// For how long, 15m
        by: Span,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// How often updates or polls are owed
    Cadence {
        /// poll, update or external
        what: Beat,
        /// How often, 15m; none are owed where none is given
        every: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
}

impl Verb {
    fn about(&self) -> &About {
        match self {
            Self::TaskAck { about, .. }
            | Self::TaskReport { about, .. }
            | Self::TaskExtend { about, .. }
            | Self::TaskAssign { about, .. }
            | Self::Report { about, .. }
            | Self::Propose { about, .. }
            | Self::Object { about, .. }
            | Self::DecideOn { about, .. }
            | Self::WithdrawProposal { about, .. }
            | Self::Review { about, .. }
            | Self::Polled { about }
            | Self::Snooze { about, .. }
            | Self::Cadence { about, .. } => about,
        }
    }
}

/// Does a verb.
pub fn run(with: &With, verb: &Verb) -> ExitCode {
    exit::block_on(async move {
        match act(with, verb).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

async fn act(with: &With, verb: &Verb) -> Result<u8, Unreached> {
    let json = verb.about().json;
    let mut session = Session::open(with).await?.under(verb.about().glass.clone());
    let state = session.state().await?;
    let outcome = match command(verb, &state) {
        Ok(command) => session.act(command).await?,
        Err(refusal) => Outcome::Refused(refusal),
    };
    Ok(exit::outcome(&outcome, json))
}

/// The command that a verb means, in this state.
///
/// # Errors
/// Where the state has not what it needs.
pub fn command(verb: &Verb, state: &State) -> Result<Command, Refusal> {
    let incident = reach::incident(state, verb.about().incident)?;
    Ok(match verb {
        Verb::TaskAck { task, .. } => Command::Task(TaskCommand::Acknowledge { incident, task: *task }),
        Verb::TaskReport { task, text, .. } => {
            Command::Task(TaskCommand::Report { incident, task: *task, text: words(text)? })
        }
        Verb::TaskExtend { task, more, .. } => {
            Command::Task(TaskCommand::Extend { incident, task: *task, more: *more })
        }
        Verb::TaskAssign { task, who, within, .. } => {
            Command::Task(TaskCommand::Assign { incident, task: *task, owner: who.clone(), within: *within })
        }
        Verb::Report { conditions, actions, needs, .. } => Command::Report(ReportCommand::Give {
            incident,
            conditions: conditions.clone(),
            actions: actions.clone(),
            needs: needs.clone(),
        }),
        Verb::Propose { text, options, risks, .. } => Command::Decision(DecisionCommand::Propose {
            incident,
            text: text.clone(),
            options: options.clone(),
            risks: risks.clone(),
        }),
        Verb::Object { decision, why, .. } => {
            Command::Decision(DecisionCommand::Object { incident, decision: *decision, why: why.clone() })
        }
        Verb::DecideOn { decision, text, review, .. } => Command::Decision(DecisionCommand::Settle {
            incident,
            decision: *decision,
            text: text.clone(),
            review_in: *review,
        }),
        Verb::WithdrawProposal { decision, reason, .. } => Command::Decision(DecisionCommand::Withdraw {
            incident,
            decision: *decision,
            reason: reason.clone(),
        }),
        Verb::Review { decision, text, again, .. } => Command::Decision(DecisionCommand::Review {
            incident,
            decision: *decision,
            text: text.clone(),
            again: *again,
        }),
        Verb::Polled { .. } => Command::Board(BoardCommand::Poll { incident }),
        Verb::Snooze { what, by, reason, .. } => {
            Command::Board(BoardCommand::Snooze { incident, beat: *what, by: *by, reason: reason.clone() })
        }
        Verb::Cadence { what, every, .. } => {
            Command::Board(BoardCommand::Cadence { incident, beat: *what, every: *every })
        }
    })
}

/// A task in one line, as `warroom status` lists it.
pub fn line(task: &Task, now: &Stamp) -> String {
    let time = match task.due() {
        Some(due) if due.reached(now) => format!("  {} OVER", due.elapsed(now).brief()),
        Some(due) => format!("  {} left", due.until(now).brief()),
        None => String::new(),
    };
    let word = match (&task.owner, task.waits_for_acknowledgement()) {
        (None, _) => "  NO OWNER",
        (Some(_), true) => "  not acknowledged",
        (Some(_), false) => "",
    };
    let owner = task.owner.as_deref().unwrap_or("--");
    format!("{} {owner}  {}{time}{word}", task.id, crate::domain::text::line(&task.text))
}
