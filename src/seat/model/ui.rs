//! What one looks at: view, focus, selections, filters, what is paused.

use super::entry::{About, Entry, Weight};
use crate::{
    domain::{
        id::{IncidentId, WalkId},
        plan::Slug,
    },
    seat::view::widget::list::Position,
    signal::Level,
};
use std::cell::Cell;

/// The views, in the order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Everything at a glance.
    #[default]
    WarRoom,
    /// The walk and its open step.
    Runbook,
    /// Charts.
    Metrics,
    /// Log lines.
    Logs,
    /// What runs where, freezes, the gate.
    Releases,
    /// What has happened.
    Timeline,
    /// The draft.
    PostMortem,
}

impl View {
    /// All, in the order of their keys.
    pub const ALL: [Self; 7] = [
        Self::WarRoom,
        Self::Runbook,
        Self::Metrics,
        Self::Logs,
        Self::Releases,
        Self::Timeline,
        Self::PostMortem,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::WarRoom => "war room",
            Self::Runbook => "runbook",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Releases => "releases",
            Self::Timeline => "timeline",
            Self::PostMortem => "post-mortem",
        }
    }

    /// Its name as a command, which is the same at every seat.
    pub fn word(self) -> &'static str {
        match self {
            Self::WarRoom => "war-room",
            Self::Runbook => "runbook",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Releases => "releases",
            Self::Timeline => "timeline",
            Self::PostMortem => "post-mortem",
        }
    }

    /// Panes that can have the focus in it, in the order of Tab.
    pub fn panes(self) -> &'static [Pane] {
        match self {
            Self::WarRoom => &[Pane::Runbook, Pane::Tasks, Pane::Timeline, Pane::Logs, Pane::Health],
            Self::Runbook => &[Pane::Runbook, Pane::Output],
            Self::Metrics => &[Pane::Health],
            Self::Logs => &[Pane::Logs],
            Self::Releases => &[Pane::Releases, Pane::Freezes],
            Self::Timeline => &[Pane::Timeline],
            Self::PostMortem => &[Pane::Draft, Pane::Todos],
        }
    }
}

/// What can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Panels.
    Health,
    /// Steps.
    Runbook,
    /// The open step's output.
    Output,
    /// Tasks.
    Tasks,
    /// Events.
    Timeline,
    /// Lines.
    Logs,
    /// Releases.
    Releases,
    /// Freezes.
    Freezes,
    /// The draft's text.
    Draft,
    /// What the draft still asks.
    Todos,
}

impl Pane {
    /// Its name, which is the same at every seat.
    pub fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Runbook => "runbook",
            Self::Output => "output",
            Self::Tasks => "tasks",
            Self::Timeline => "timeline",
            Self::Logs => "logs",
            Self::Releases => "releases",
            Self::Freezes => "freezes",
            Self::Draft => "draft",
            Self::Todos => "todos",
        }
    }
}

/// A window on a list; where it stands, and how high it was when it was drawn last.
#[derive(Debug, Clone, Default)]
pub struct Scroll {
    /// Where.
    pub at: Cell<Position>,
    /// Rows, as drawn last.
    pub rows: Cell<usize>,
}

impl Scroll {
    /// Moves the selection.
    pub fn step(&self, ids: &[u64], by: isize) {
        let mut at = self.at.get();
        at.step(ids, self.rows.get(), by);
        self.at.set(at);
    }

    /// What is selected.
    pub fn selected(&self) -> Option<u64> {
        self.at.get().selected
    }
}

/// Which lines of the logs are shown.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Only lines that match.
    pub pattern: Option<regex::Regex>,
    /// Only lines at least as bad.
    pub level: Level,
}

/// Which events are shown.
#[derive(Debug, Clone, Default)]
pub struct TimelineFilter {
    /// Only those that contain this, case aside.
    pub words: String,
    /// Only those of this kind.
    pub about: Option<About>,
    /// Details too.
    pub details: bool,
    /// Only these: those that were starred.
    pub stars: Option<std::collections::BTreeSet<u64>>,
}

impl TimelineFilter {
    /// Whether an event is shown.
    pub fn takes(&self, entry: &Entry) -> bool {
        (self.details || entry.weight != Weight::Quiet || !self.words.is_empty())
            && self.about.is_none_or(|about| about == entry.about)
            && self.stars.as_ref().is_none_or(|stars| stars.contains(&entry.seq))
            && (self.words.is_empty() || {
                let words = self.words.to_lowercase();
                entry.what.to_lowercase().contains(&words) || entry.who.to_lowercase().contains(&words)
            })
    }

    /// What it lets through, in words; empty where it is all but details.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if !self.words.is_empty() {
            parts.push(format!("/{}/", self.words));
        }
        if self.stars.is_some() {
            parts.push("starred".into());
        }
        if self.details {
            parts.push("with details".into());
        }
        parts.join("  ")
    }
}

/// What one looks at.
#[derive(Debug, Clone, Default)]
pub struct Ui {
    /// The view.
    pub view: View,
    /// Which of the view's panes has the focus.
    pub focus: usize,
    /// The incident looked at, where it is not the one that matters most.
    pub incident: Option<IncidentId>,
    /// The walk looked at.
    pub walk: Option<WalkId>,
    /// The step looked at, where it is not the current one.
    pub step: Option<Slug>,
    /// Lines scrolled back in the open step's output.
    pub output_back: usize,
    /// Events.
    pub timeline: Scroll,
    /// Tasks.
    pub tasks: Scroll,
    /// Log lines.
    pub logs: Scroll,
    /// The selected panel's index.
    pub panel: usize,
    /// The selected release's index.
    pub release: usize,
    /// The selected freeze's index.
    pub freeze: usize,
    /// The first line of the draft that is shown.
    pub draft_top: usize,
    /// The selected prompt of the draft.
    pub todo: usize,
    /// Which log lines are shown.
    pub log_filter: LogFilter,
    /// Which events are shown.
    pub timeline_filter: TimelineFilter,
    /// Logs stand still behind this line.
    pub logs_paused: Option<u64>,
    /// The timeline stands still behind this event.
    pub timeline_paused: Option<u64>,
    /// The time cursor through all panes, milliseconds since 1970.
    pub cursor: Option<i64>,
    /// How far back charts look, where the person chose it, milliseconds.
    pub chart_span: Option<i64>,
    /// The newest event that was seen in a timeline.
    pub seen: Cell<u64>,
    /// Sources whose trouble was dismissed, with the message that was.
    pub dismissed: std::collections::BTreeMap<String, String>,
    /// The terminal's size, columns and rows.
    pub size: (u16, u16),
    /// Whether the terminal has the focus.
    pub unfocused: bool,
}

impl Ui {
    /// The pane that has the focus.
    pub fn pane(&self) -> Pane {
        let panes = self.view.panes();
        panes.get(self.focus).or_else(|| panes.first()).copied().unwrap_or(Pane::Runbook)
    }

    /// Whether a pane has it.
    pub fn has(&self, pane: Pane) -> bool {
        self.pane() == pane
    }

    /// Whether a log is read, and not only in sight.
    pub fn at_log(&self) -> bool {
        self.view == View::Logs || self.has(Pane::Logs)
    }

    /// Goes to a view, with the focus on its first pane.
    pub fn go(&mut self, view: View) {
        if self.view != view {
            self.view = view;
            self.focus = 0;
        }
    }

    /// Gives a pane the focus, going to a view that has it.
    pub fn focus_on(&mut self, pane: Pane) {
        if let Some(at) = self.view.panes().iter().position(|known| *known == pane) {
            self.focus = at;
        }
    }
}
