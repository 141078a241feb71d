//! What a seat does by a key, as a verb for scripts: what is typed.

mod command;
mod run;

pub(super) use command::words;
pub use command::{command, wall};
pub use run::{difference_lines, run};

use crate::domain::{
    clock::Moment,
    deviation::ReasonCode,
    id::{DeviationId, FreezeId, IncidentId, TaskId},
    incident::Status,
    severity::Severity,
    time::Span,
};
use clap::{Args, Subcommand};

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub struct About {
    /// The incident; the open one that matters most where none is given
    #[arg(long, short, value_name = "INCIDENT", env = "WARROOM_INCIDENT")]
    pub(super) incident: Option<IncidentId>,
    /// What became of it, as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Why it is done although the shared journal is out of reach: provisional, at this room alone
    #[arg(id = "offline_glass", long = "glass", value_name = "WHY")]
    pub(super) glass: Option<String>,
}

/// Verbs.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Declare an incident; you command it
    Declare {
        /// One line: what is wrong
        title: String,
        /// SEV1 (worst) to SEV5
        #[arg(long, short, default_value = "SEV2")]
        severity: Severity,
        /// Services it hurts
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// Environment
        #[arg(long)]
        env: Option<String>,
        /// Freeze deploys of these services at once
        #[arg(long)]
        freeze: bool,
        /// Freeze all services, where none is named; needs --yes as well
        #[arg(long, requires = "freeze", conflicts_with = "services")]
        all_services: bool,
        /// All services are really meant
        #[arg(long, requires = "all_services")]
        yes: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Write something down; `-` reads standard input
    Note {
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Decide, in one line
    Decide {
        /// What is decided
        text: String,
        /// An option that was weighed
        #[arg(long = "option", value_name = "TEXT")]
        options: Vec<String>,
        /// What may go wrong
        #[arg(long)]
        risks: Option<String>,
        /// Look at it again after this, 30m
        #[arg(long, value_name = "TIME")]
        review: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give somebody a task
    Task {
        /// What is to be done
        text: String,
        /// Who does it [default: you]
        #[arg(long)]
        owner: Option<String>,
        /// Time box, 15m
        #[arg(long)]
        within: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// A task is done
    Done {
        /// Which
        task: TaskId,
        /// With what result
        #[arg(default_value = "")]
        result: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give a role: deputy, scribe, communications, operations, or any other; command is offered, not given
    ///
    /// Given again by somebody else, it is confirmed: a role that one gave oneself, or got from somebody who has a role
    /// from oneself, neither approves nor confirms before that.
    Role {
        /// The role
        role: String,
        /// Login name; nobody where none is given
        who: Option<String>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Change severity; shows what that brings before it is done
    Severity {
        /// SEV1 to SEV5
        to: Severity,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Only show the difference
        #[arg(long)]
        show: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Set status: investigating, identified, mitigating, monitoring, resolved, closed
    State {
        /// The status
        to: Status,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Write the console's line: now, goal or else
    Board {
        /// Which line
        #[arg(value_parser = ["now", "goal", "else"])]
        line: String,
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Send an update to its targets; its clock starts anew
    Update {
        /// What is said; `-` reads standard input
        #[arg(required_unless_present = "draft")]
        text: Option<String>,
        /// To this target, in place of the configured ones; several may be given
        #[arg(long = "to", value_name = "TARGET")]
        to: Vec<String>,
        /// Only write it down
        #[arg(long, conflicts_with = "to")]
        nowhere: bool,
        /// Only print what the room would say, for you to change
        #[arg(long)]
        draft: bool,
        /// For those outside, to the external targets
        #[arg(long)]
        external: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Say when something really was
    Correct {
        /// change, onset, detected, acknowledged, decided, acted or verified
        #[arg(value_parser = moment)]
        moment: Moment,
        /// 01:52Z today, or RFC 3339
        at: String,
        /// How it is known
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Freeze deploys and promotions; rollbacks stay free
    Freeze {
        /// Why
        reason: String,
        /// Services; the incident's where none is given
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// All services; needs --yes as well
        #[arg(long, conflicts_with = "services")]
        all_services: bool,
        /// All services are really meant
        #[arg(long, requires = "all_services")]
        yes: bool,
        /// Environments; the incident's where none is given, all where there is no incident
        #[arg(long = "env", value_name = "ENV")]
        envs: Vec<String>,
        /// Rollbacks too
        #[arg(long)]
        rollbacks: bool,
        /// How long, 2h
        #[arg(long = "for", value_name = "TIME")]
        lease: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Renew a freeze's lease from now
    Renew {
        /// Which
        freeze: FreezeId,
        /// How long, 2h
        #[arg(long = "for", value_name = "TIME", default_value = "2h")]
        lease: Span,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Let one artifact pass a freeze
    Exempt {
        /// Which freeze
        freeze: FreezeId,
        /// The artifact exactly as the pipeline names it
        artifact: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// It is a change of your own, and nobody else is there to exempt it: loud, and a deviation
        #[arg(long)]
        break_glass: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Lift a freeze
    Thaw {
        /// Which; the only one that holds where none is given
        freeze: Option<FreezeId>,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Judge an artifact good or bad; the gate lets no bad one be deployed
    Judge {
        /// good or bad
        #[arg(value_parser = ["good", "bad"])]
        verdict: String,
        /// Service
        service: String,
        /// Artifact, 2.4.1
        artifact: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give the reason that a deviation owes
    Reason {
        /// Which
        deviation: DeviationId,
        /// A reason code, or its number 1 to 8
        code: ReasonCode,
        /// In words
        #[arg(default_value = "")]
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Record something done that stands in no runbook
    Unlisted {
        /// What was done
        actual: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Answer a prompt of the post-mortem draft; `-` reads standard input
    Answer {
        /// The prompt's key
        prompt: String,
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
}

fn moment(word: &str) -> Result<Moment, String> {
    Moment::ALL.into_iter().find(|moment| moment.word() == word).ok_or_else(|| {
        let all: Vec<_> = Moment::ALL.iter().map(|moment| moment.word()).collect();
        format!("it is one of {}", all.join(", "))
    })
}

impl Verb {
    fn about(&self) -> &About {
        match self {
            Self::Declare { about, .. }
            | Self::Note { about, .. }
            | Self::Decide { about, .. }
            | Self::Task { about, .. }
            | Self::Done { about, .. }
            | Self::Role { about, .. }
            | Self::Severity { about, .. }
            | Self::State { about, .. }
            | Self::Board { about, .. }
            | Self::Update { about, .. }
            | Self::Correct { about, .. }
            | Self::Freeze { about, .. }
            | Self::Renew { about, .. }
            | Self::Exempt { about, .. }
            | Self::Thaw { about, .. }
            | Self::Judge { about, .. }
            | Self::Reason { about, .. }
            | Self::Unlisted { about, .. }
            | Self::Answer { about, .. } => about,
        }
    }
}
