//! Where this seat looks, as others are told and as it can be taken over from another.

use super::{
    Model, Pane, Presence, View, lines,
    ui::{LogFilter, Scroll},
};
use crate::{
    domain::power,
    seat::view::widget::list::Position,
    signal::Level,
    wire::{Here, Look, Point, SeatId},
};

/// Another seat, whose focus this one takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Which.
    pub seat: SeatId,
    /// Whose.
    pub name: String,
}

const LEVELS: [Level; 6] = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];

impl Model {
    /// Where one looks.
    pub fn look(&self) -> Look {
        let ui = &self.ui;
        let walk = self.walk();
        Look {
            view: ui.view.word().into(),
            pane: ui.pane().word().into(),
            incident: self.incident_id(),
            walk: walk.map(|walk| walk.id),
            step: self.step().map(|(_, step)| step.id.clone()),
            cursor: ui.cursor,
            item: self.item().unwrap_or_default(),
            pattern: ui.log_filter.pattern.as_ref().map(|re| re.as_str().to_owned()).unwrap_or_default(),
            level: if ui.log_filter.level == Level::default() {
                String::new()
            } else {
                ui.log_filter.level.word().to_lowercase()
            },
            words: ui.timeline_filter.words.clone(),
        }
    }

    /// What is selected in the pane that has the focus, by a name that is the same at every seat.
    fn item(&self) -> Option<String> {
        let ui = &self.ui;
        match ui.pane() {
            Pane::Timeline => ui.timeline.selected().map(|seq| seq.to_string()),
            Pane::Logs => ui.logs.selected().map(|key| key.to_string()),
            Pane::Tasks => ui.tasks.selected().map(|id| id.to_string()),
            Pane::Health => self.live.panels.get(ui.panel).map(|view| view.panel.name.clone()),
            Pane::Releases => {
                self.released().get(ui.release).map(|one| format!("{}/{}", one.service, one.version))
            }
            Pane::Freezes => self.freezes().get(ui.freeze).map(|one| one.id.to_string()),
            Pane::Todos => self.draft.todos.get(ui.todo).map(|todo| todo.key.clone()),
            Pane::Draft => (ui.draft_top > 0).then(|| ui.draft_top.to_string()),
            Pane::Runbook | Pane::Output => None,
        }
    }

    /// Looks where another looks, as far as it is known here. Sizes, themes and what lies over the views stay one's own.
    pub fn look_as(&mut self, look: &Look) {
        if let Some(view) = View::ALL.into_iter().find(|view| view.word() == look.view) {
            self.ui.go(view);
        }
        if let Some(pane) = self.ui.view.panes().iter().find(|pane| pane.word() == look.pane) {
            self.ui.focus_on(*pane);
        }
        // Where it is what one would be shown anyway, one goes on being shown what matters most.
        self.ui.incident = None;
        if look.incident != self.incident_id() {
            self.ui.incident = look.incident.filter(|id| self.state.incidents.contains_key(id));
        }
        self.ui.walk = None;
        if look.walk != self.walk_id() {
            self.ui.walk = look.walk.filter(|id| self.state.walks.contains_key(id));
        }
        self.ui.step = look.step.clone().filter(|step| {
            self.walk().is_some_and(|walk| {
                walk.current().is_none_or(|at| at.id != *step) && walk.runbook.step(step).is_some()
            })
        });
        self.ui.cursor = look.cursor;
        let level = LEVELS.into_iter().find(|level| level.word().eq_ignore_ascii_case(&look.level));
        self.ui.log_filter = LogFilter {
            pattern: (!look.pattern.is_empty()).then(|| regex::Regex::new(&look.pattern).ok()).flatten(),
            level: level.unwrap_or_default(),
        };
        self.ui.timeline_filter.words.clone_from(&look.words);
        self.select(&look.item);
    }

    fn select(&mut self, item: &str) {
        let on = |scroll: &Scroll| {
            scroll.at.set(item.parse().map_or(Position::FOLLOW, Position::on));
        };
        let at = |found: Option<usize>| found.unwrap_or_default();
        match self.ui.pane() {
            Pane::Timeline => on(&self.ui.timeline),
            Pane::Logs => {
                on(&self.ui.logs);
                // What was read stands still only for the one who stopped it.
                let held = item.parse::<u64>().ok();
                let known = |key| self.live.lines.iter().any(|line| lines::key(line) == key);
                if held.is_none_or(known) {
                    self.ui.logs_paused = None;
                }
            }
            Pane::Tasks => on(&self.ui.tasks),
            Pane::Health => {
                self.ui.panel = at(self.live.panels.iter().position(|view| view.panel.name == item));
            }
            Pane::Releases => {
                let is = |one: &super::health::Runs| format!("{}/{}", one.service, one.version) == item;
                self.ui.release = at(self.released().iter().position(is));
            }
            Pane::Freezes => {
                self.ui.freeze = at(self.freezes().iter().position(|one| one.id.to_string() == item));
            }
            Pane::Todos => self.ui.todo = at(self.draft.todos.iter().position(|todo| todo.key == item)),
            Pane::Draft => self.ui.draft_top = item.parse().unwrap_or_default(),
            Pane::Runbook | Pane::Output => self.ui.output_back = 0,
        }
    }

    /// What this seat says of itself now.
    pub fn here_now(&self) -> Here {
        Here {
            look: self.look(),
            idle: self.active.elapsed(&self.now),
            attached: self.attached,
            follows: self.leader.as_ref().map(|leader| leader.seat),
        }
    }

    /// Seats that are here, by name.
    pub fn seats(&self) -> Vec<&Presence> {
        self.room.as_ref().map(crate::wire::RoomStatus::seats).unwrap_or_default()
    }

    /// Seats of others, or of oneself elsewhere.
    pub fn others(&self) -> Vec<&Presence> {
        self.seats().into_iter().filter(|one| one.seat != self.seat || self.seat == 0).collect()
    }

    /// One's own presence, as the room has it.
    pub fn mine(&self) -> Option<&Presence> {
        self.seats().into_iter().find(|one| one.seat == self.seat && self.seat != 0)
    }

    /// Whether a seat follows this one, directly or through others.
    pub fn is_followed_by(&self, seat: SeatId) -> bool {
        let seats = self.seats();
        let mut at = seat;
        // As many turns as there are seats: a circle ends too.
        for _ in 0..seats.len() {
            match seats.iter().find(|one| one.seat == at).and_then(|one| one.follows) {
                Some(leader) if leader == self.seat => return true,
                Some(leader) => at = leader,
                None => return false,
            }
        }
        false
    }

    /// Where all are asked to look, as long as that holds and this seat has not answered.
    pub fn point(&self) -> Option<&Point> {
        let point = self.room.as_ref()?.point.as_deref()?;
        let open = point.until > self.now.wall && self.looked != Some(point.until);
        (open && point.seat != self.seat).then_some(point)
    }

    /// Whether this person may ask all to look somewhere.
    pub fn leads(&self) -> bool {
        let about = self.open_incident().map(|incident| incident.id);
        self.me.as_ref().is_some_and(|me| power::leads(&self.state, (me, &self.groups), about, &self.now))
    }

    /// The line by which somebody joins here from elsewhere.
    pub fn join_line(&self) -> String {
        let incident = self.open_incident().map(|incident| incident.id);
        self.room.as_ref().map(|room| room.join_line(incident, &self.join)).unwrap_or_default()
    }
}
