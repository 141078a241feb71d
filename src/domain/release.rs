//! What runs where, since when, and what is held of each artifact.

use super::{
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::IncidentId,
    known,
    refusal::{Refusal, text},
    state::State,
    time::Stamp,
};
use serde::{Deserialize, Serialize};

/// What is held of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It ran well.
    Good,
    /// It hurt.
    Bad,
}

/// A judgement with who made it and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Good or bad.
    pub judgement: Judgement,
    /// Why.
    pub why: String,
    /// Who.
    pub by: String,
    /// The event.
    pub seq: Seq,
}

/// The release state of one service in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Released {
    /// Service.
    pub service: String,
    /// Environment.
    pub env: String,
    /// What runs.
    pub current: String,
    /// What ran before.
    pub previous: Option<String>,
    /// Since when.
    pub since: Stamp,
    /// Who switched it, where that is known.
    pub by: Option<String>,
    /// The event.
    pub seq: Seq,
    /// The room whose source saw it.
    #[serde(default)]
    pub room: String,
}

/// What can happen to a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseFact {
    /// The room saw for the first time what runs.
    Found {
        /// Service.
        service: String,
        /// Environment.
        env: String,
        /// What runs.
        current: String,
        /// What ran before, where that is known.
        previous: Option<String>,
        /// Since when.
        since: Stamp,
    },
    /// Another artifact runs.
    Switched {
        /// Service.
        service: String,
        /// Environment.
        env: String,
        /// What ran before, where that is known.
        from: Option<String>,
        /// What runs now.
        to: String,
        /// When.
        at: Stamp,
        /// Who switched it, where that is known.
        by: Option<String>,
    },
    /// An artifact was judged.
    Judged {
        /// Service.
        service: String,

        /// Artifact, as the pipeline names it.
        artifact: String,

        /// Good or bad.
        judgement: Judgement,

        /// Why.
        why: String,
        /// The incident it belongs to, where it does.
        #[serde(default)]
        incident: Option<IncidentId>,
    },
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseCommand {
    /// A source saw this.
    Saw {
        /// Service.
        service: String,

        /// Environment.
        env: String,

        /// What runs.
        current: String,

        /// What ran before, where that is known.
        previous: Option<String>,

        /// Since when.
        since: Stamp,

        /// Who switched it, where that is known.
        by: Option<String>,
    },
    /// Judge an artifact.
    Judge {
        /// Service.
        service: String,
        /// Artifact, as the pipeline names it.
        artifact: String,
        /// Good or bad.
        judgement: Judgement,
        /// Why.
        why: String,
    },
}

/// The key under which a release state is kept.
pub fn key(service: &str, env: &str) -> String {
    format!("{service}/{env}")
}

/// The version of an artifact named `service@version`, else the name itself.
pub fn version<'a>(service: &str, artifact: &'a str) -> &'a str {
    artifact.strip_prefix(service).and_then(|rest| rest.strip_prefix('@')).unwrap_or(artifact)
}

pub(super) fn decide(state: &State, command: &ReleaseCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        ReleaseCommand::Saw { service, env, current, previous, since, by } => {
            match state.releases.get(&key(service, env)) {
                Some(known) if known.current == *current || state.room.stands(&known.room, &ctx.room) => {
                    return Ok(Vec::new());
                }
                Some(known) => ReleaseFact::Switched {
                    service: service.clone(),
                    env: env.clone(),
                    from: Some(known.current.clone()),
                    to: current.clone(),
                    at: since.clone(),
                    by: by.clone(),
                },
                None => ReleaseFact::Found {
                    service: service.clone(),
                    env: env.clone(),
                    current: current.clone(),
                    previous: previous.clone(),
                    since: since.clone(),
                },
            }
        }
        ReleaseCommand::Judge { service, artifact, judgement, why } => {
            let service = known::service(state, service)?;
            let artifact = known::artifact(artifact, &service)?;
            ReleaseFact::Judged {
                artifact: version(&service, &artifact).to_owned(),
                service,
                judgement: *judgement,
                why: text("the reason", why, 400)?,
                incident: state.open_incident().map(|incident| incident.id),
            }
        }
    };
    Ok(vec![Fact::Release(fact)])
}

pub(super) fn apply(state: &mut State, fact: &ReleaseFact, event: &Event) {
    match fact {
        ReleaseFact::Found { service, env, current, previous, since } => {
            state.releases.insert(
                key(service, env),
                Released {
                    service: service.clone(),
                    env: env.clone(),
                    current: current.clone(),
                    previous: previous.clone(),
                    since: since.clone(),
                    by: None,
                    seq: event.seq,
                    room: event.room.clone(),
                },
            );
        }
        ReleaseFact::Switched { service, env, from, to, at, by } => {
            state.releases.insert(
                key(service, env),
                Released {
                    service: service.clone(),
                    env: env.clone(),
                    current: to.clone(),
                    previous: from.clone(),
                    since: at.clone(),
                    by: by.clone(),
                    seq: event.seq,
                    room: event.room.clone(),
                },
            );
        }
        ReleaseFact::Judged { service, artifact, judgement, why, .. } => {
            state.judged.insert(
                key(service, artifact),
                Judged {
                    judgement: *judgement,
                    why: why.clone(),
                    by: event.actor.name.clone(),
                    seq: event.seq,
                },
            );
        }
    }
}
