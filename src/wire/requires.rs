//! What each frame takes: the requirements of the rules, for what a client may send.

use super::{Ask, Steer, ToRoom};
use crate::domain::{State, permissions::Requirement, policy::Power};

impl ToRoom {
    /// What it takes to send this. Exhaustive: a new frame says here who may send it.
    pub fn requires(&self, state: &State) -> Requirement {
        match self {
            Self::Hello { .. } | Self::Show(_) | Self::Here(_) | Self::Cancel { .. } => Requirement::Entry,
            Self::Do { command, .. } => command.requires(state),
            Self::Ask { ask, .. } => ask.requires(state),
            Self::Hand { hand, .. } => Requirement::Hand(*hand),
            Self::Steer { at, steer } => match steer {
                Steer::Keys(_) | Steer::Resize { .. } => {
                    Requirement::Holder { walk: at.walk, step: at.step.clone() }
                }
                Steer::Cancel | Steer::Extend(_) => {
                    Requirement::respond(state.walks.get(&at.walk).and_then(|walk| walk.incident))
                }
            },
        }
    }
}

impl Ask {
    /// What it takes to ask this.
    pub fn requires(&self, state: &State) -> Requirement {
        match self {
            Self::Gate(_)
            | Self::State
            | Self::Events { .. }
            | Self::Records { .. }
            | Self::Evidence(_)
            | Self::Status => Requirement::Entry,
            // The room asks with its own user's rights, and keeps on its own disk.
            Self::Check { .. } | Self::Keep { .. } => Requirement::HandOr(Power::Respond),
            Self::Point(look) => {
                let about = look.as_ref().and_then(|look| look.incident);
                Requirement::Lead(about.or_else(|| state.open_incident().map(|incident| incident.id)))
            }
            Self::Watch(_) | Self::Stop => Requirement::Owner,
        }
    }
}
