//! Who is here, where they look, since when they are idle: shown, never kept.

use super::{As, RoomStatus};
use crate::domain::{
    State,
    actor::Actor,
    id::{IncidentId, WalkId},
    plan::Slug,
    time::{Span, Wall, clock_utc, minute_utc},
};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Names a connection for the life of the room; 0 for none.
pub type SeatId = u64;
/// A room gives out fewer; what is above tells rooms that share a journal apart.
pub const SEATS: u64 = 1 << 22;

/// Longest text of a place, in characters.
const LONGEST: usize = 200;
/// Who has pressed no key for this long is idle.
pub const IDLE_AFTER: Span = Span::mins(1);

/// Where a seat looks. Names of views and panes are words, so that one that is not known here does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// The view: `war-room`, `runbook`, `metrics`, `logs`, `releases`, `timeline`, `post-mortem`.
    pub view: String,
    /// The pane that has the focus.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pane: String,
    /// The incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub walk: Option<WalkId>,
    /// The step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Slug>,
    /// The time cursor, milliseconds since 1970; now where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
    /// What is selected in the pane, by its name or number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub item: String,
    /// The pattern that log lines must match.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pattern: String,
    /// The least level of log lines, where another was chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// The words that events must contain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

impl Look {
    /// With every text made safe to show and no longer than it may be; `keep` takes out what must not be shown.
    #[must_use]
    pub fn clean(mut self, keep: impl Fn(&str) -> String) -> Self {
        for text in [
            &mut self.view,
            &mut self.pane,
            &mut self.item,
            &mut self.pattern,
            &mut self.level,
            &mut self.words,
        ] {
            *text = crate::domain::text::line(&keep(text)).chars().take(LONGEST).collect();
        }
        self.step =
            self.step.filter(|step| step.chars().count() <= LONGEST && !step.chars().any(char::is_control));
        self
    }

    /// In words: `runbook, step 4 "Put 2.4.0 back"`, `metrics at 14:04:12Z`.
    pub fn say(&self, state: &State) -> String {
        let mut out = self.view.replace("war-room", "war room");
        let walk = self.walk.and_then(|id| state.walks.get(&id));
        let on_step = matches!(self.pane.as_str(), "runbook" | "output") || self.view == "runbook";
        if let Some((walk, slug)) = walk.zip(self.step.as_ref()).filter(|_| on_step)
            && let Some(at) = walk.runbook.steps().position(|step| step.id == *slug)
            && let Some(step) = walk.runbook.step(slug)
        {
            let _ = write!(out, ", step {} \"{}\"", at + 1, crate::domain::text::line(&step.title));
        } else if self.view == "war-room" && !self.pane.is_empty() {
            let _ = write!(out, ", {}", self.pane);
        }
        if let Some(at) = self.cursor.and_then(chrono::DateTime::from_timestamp_millis) {
            let _ = write!(out, " at {}", clock_utc(at));
        }
        if matches!(self.pane.as_str(), "logs") && !self.pattern.is_empty() {
            let _ = write!(out, "  /{}/", self.pattern);
        }
        out
    }
}

/// What a seat says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Here {
    /// Where it looks.
    pub look: Look,
    /// Since when no key was pressed at it.
    pub idle: Span,
    /// How many clients are attached to its terminal, where a multiplexer says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached: Option<usize>,
    /// The seat that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<SeatId>,
}

/// Who is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The connection.
    #[serde(default)]
    pub seat: SeatId,
    /// Who.
    pub who: Actor,
    /// What it is.
    #[serde(rename = "as")]
    pub role: As,
    /// Since when.
    pub since: Wall,
    /// Where it looks, once it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// When the last key was pressed at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Wall>,
    /// It only looks, because its person wants it so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Its person has no power to do anything.
    #[serde(default, skip_serializing_if = "is_false")]
    pub observer: bool,
    /// How many clients are attached to its terminal, where a multiplexer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<usize>,
    /// The seat that it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<SeatId>,
    /// Machine of the room that it is at, where that is another than the one that tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
}

/// A place where all are asked to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Who asks.
    pub by: Actor,
    /// From which connection.
    pub seat: SeatId,
    /// Where to.
    pub look: Look,
    /// Since when.
    pub since: Wall,
    /// When it is over.
    pub until: Wall,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Presence {
    /// Somebody who has just come.
    pub fn new(seat: SeatId, who: Actor, role: As, since: Wall) -> Self {
        Self {
            seat,
            who,
            role,
            since,
            look: None,
            active: None,
            read_only: false,
            observer: false,
            attached: None,
            follows: None,
            room: None,
        }
    }

    /// Its number at its own room, for people.
    pub fn number(&self) -> u64 {
        self.seat % SEATS
    }

    /// Whether others sit at the same terminal, as its multiplexer or its environment says.
    pub fn is_shared(&self) -> bool {
        self.attached.map_or_else(
            || self.who.claimed.as_ref().is_some_and(|claim| claim.contains("shared")),
            |clients| clients > 1,
        )
    }

    /// For how long it has been idle, where it is.
    pub fn idle(&self, now: Wall) -> Option<Span> {
        let since = self.active?;
        Some(Span::between(since, now)).filter(|idle| *idle >= IDLE_AFTER)
    }

    /// What is to be known of the seat beside where it looks, in words.
    pub fn notes(&self, here: &[Self]) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_shared() {
            notes.push(match self.attached {
                Some(clients) => format!("SHARED by {clients}"),
                None => "SHARED terminal".into(),
            });
        }
        if self.read_only {
            notes.push("read-only".into());
        } else if self.observer {
            notes.push("observer".into());
        }
        let leader = self.follows.and_then(|seat| here.iter().find(|one| one.seat == seat));
        notes.extend(leader.map(|leader| format!("follows {}", leader.who.name)));
        let from =
            self.who.claimed.as_ref().and_then(|claim| claim.split(", ").find(|one| one.starts_with("ssh")));
        notes.extend(from.map(str::to_owned));
        notes.extend(self.room.as_ref().map(|room| format!("at the room on {room}")));
        notes
    }

    /// `idle 4m since 14:03Z`, or `active`; nothing where it never said.
    pub fn activity(&self, now: Wall) -> String {
        match (self.active, self.idle(now)) {
            (Some(since), Some(idle)) => format!("idle {} since {}", idle.brief(), minute_utc(since)),
            (Some(_), None) => "active".into(),
            (None, _) => String::new(),
        }
    }
}

impl RoomStatus {
    /// Seats, by name and then by age.
    pub fn seats(&self) -> Vec<&Presence> {
        let mut seats: Vec<&Presence> = self.here.iter().filter(|one| one.role == As::Seat).collect();
        seats.sort_by(|a, b| (&a.who.name, a.since, a.seat).cmp(&(&b.who.name, b.since, b.seat)));
        seats
    }

    /// The line by which somebody joins from elsewhere. `with` is what has to stand on it besides.
    pub fn join_line(&self, incident: Option<IncidentId>, with: &str) -> String {
        let with = if with.is_empty() { String::new() } else { format!(" {with}") };
        let incident = incident.map(|id| format!(" {id}")).unwrap_or_default();
        let host = self.ssh.as_deref().unwrap_or(&self.host);
        format!("ssh -t {} warroom{with}{incident}", crate::domain::text::line(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: i64) -> Wall {
        chrono::DateTime::from_timestamp(1_770_000_000 + clock, 0).unwrap()
    }

    #[test]
    fn what_is_said_of_a_seat() {
        let mut one = Presence::new(3, Actor::user("bo", 1001), As::Seat, at(0));
        assert_eq!(one.activity(at(90)), "", "it has said nothing yet");
        one.active = Some(at(30));
        assert_eq!(one.activity(at(60)), "active");
        assert_eq!(one.activity(at(30 + 240)), "idle 4m00s since 02:40Z");
        one.who.claimed = Some("ssh from 192.0.2.7, shared terminal".into());
        one.follows = Some(1);
        let leader = Presence::new(1, Actor::user("ana", 1000), As::Seat, at(0));
        assert_eq!(
            one.notes(std::slice::from_ref(&leader)),
            ["SHARED terminal", "follows ana", "ssh from 192.0.2.7"]
        );
        one.attached = Some(1);
        one.read_only = true;
        assert_eq!(one.notes(&[leader]), ["read-only", "follows ana", "ssh from 192.0.2.7"]);
    }

    #[test]
    fn hostile_places_are_cut_and_made_visible() {
        let look = Look {
            view: "\u{1b}[2J".repeat(100),
            step: Some("a\u{7}".into()),
            pattern: "token=s3cr3t".into(),
            ..Look::default()
        };
        let clean = look.clean(|text| text.replace("s3cr3t", "***"));
        assert!(clean.view.chars().count() == LONGEST && !clean.view.contains('\u{1b}'));
        assert_eq!((clean.step, clean.pattern.as_str()), (None, "token=***"));
    }
}
