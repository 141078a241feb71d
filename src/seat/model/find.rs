//! What the screen is about: the incident, its walk, the step one is on, who holds which role.

use super::Model;
use crate::domain::{
    freeze::Freeze,
    glass::Glass,
    id::{IncidentId, WalkId},
    incident::{COMMANDER, Incident},
    known,
    name::Noun,
    plan::{Slug, Step},
    task::Task,
    time::Stamp,
    walk::{Asked, StepState, StepStatus, Walk},
};

/// Roles in the order of the console, with the short name that people say.
pub const ROLES: [(&str, &str); 5] = [
    (COMMANDER, "IC"),
    ("deputy", "deputy"),
    ("scribe", "scribe"),
    ("communications", "comms"),
    ("operations", "ops"),
];

/// A step's number among those that are on one's way, from 1.
pub fn number(walk: &Walk, slug: &str) -> usize {
    walk.runbook.steps().position(|step| step.id == slug).map_or(0, |at| at + 1)
}

impl Model {
    /// The incident that is shown.
    pub fn incident(&self) -> Option<&Incident> {
        self.ui.incident.and_then(|id| self.state.incidents.get(&id)).or_else(|| self.state.shown_incident())
    }

    /// Its name.
    pub fn incident_id(&self) -> Option<IncidentId> {
        self.incident().map(|incident| incident.id)
    }

    /// The open incident that is shown.
    pub fn open_incident(&self) -> Option<&Incident> {
        self.incident().filter(|incident| incident.is_open())
    }

    /// Walks of the shown incident, and of none where none is shown, the newest last.
    pub fn walks(&self) -> impl DoubleEndedIterator<Item = &Walk> {
        let incident = self.incident_id();
        self.state.walks.values().filter(move |walk| walk.incident == incident || walk.incident.is_none())
    }

    /// The walk that is shown: the one looked at, else the newest that goes on, else the newest.
    pub fn walk(&self) -> Option<&Walk> {
        self.ui
            .walk
            .and_then(|id| self.state.walks.get(&id))
            .or_else(|| self.walks().rev().find(|walk| walk.ended.is_none()))
            .or_else(|| self.walks().next_back())
    }

    /// Its name.
    pub fn walk_id(&self) -> Option<WalkId> {
        self.walk().map(|walk| walk.id)
    }

    /// The step that is open: the selected one, else the one where one is.
    pub fn step(&self) -> Option<(&Walk, &Step)> {
        let walk = self.walk()?;
        let chosen = self.ui.step.as_ref().and_then(|slug| walk.runbook.step(slug));
        chosen.or_else(|| walk.current()).map(|step| (walk, step))
    }

    /// The steps listed in the runbook pane: those on one's way, and the rest of the sections that are not branched to.
    pub fn listed(&self) -> Vec<&Step> {
        let Some(walk) = self.walk() else { return Vec::new() };
        let way: Vec<&Step> = walk.way().collect();
        if way.is_empty() { walk.runbook.steps().collect() } else { way }
    }

    /// The state of a step and its slug, for all steps of shown walks where something is the case.
    pub fn step_states(&self) -> impl Iterator<Item = (&Walk, &Slug, &StepState)> {
        self.walks()
            .filter(|walk| walk.ended.is_none())
            .flat_map(|walk| walk.steps.iter().map(move |(slug, state)| (walk, slug, state)))
    }

    /// The oldest approval that is waited for.
    pub fn asked(&self) -> Option<(&Walk, &Step, &Asked)> {
        self.step_states()
            .filter_map(|(walk, slug, state)| {
                let asked = state.asked.as_ref()?;
                walk.runbook.step(slug).map(|step| (walk, step, asked))
            })
            .min_by_key(|(_, _, asked)| asked.seq)
    }

    /// A step that a hand runs now.
    pub fn running(&self) -> Option<(&Walk, &Step, &StepState)> {
        self.step_states()
            .filter(|(_, _, state)| state.status == StepStatus::Lent && state.asked.is_none())
            .find_map(|(walk, slug, state)| walk.runbook.step(slug).map(|step| (walk, step, state)))
    }

    /// Freezes that hold, the one of the shown incident first, then the one that lasts longest.
    pub fn freezes(&self) -> Vec<&Freeze> {
        let mut holding: Vec<&Freeze> = self.state.freezes.values().filter(|freeze| freeze.holds()).collect();
        let shown = self.incident_id();
        holding.sort_by_key(|freeze| {
            (freeze.incident != shown || shown.is_none(), std::cmp::Reverse(freeze.ends.wall))
        });
        holding
    }

    /// Deviations of the shown incident: how many, and how many reasons are owed.
    pub fn deviations(&self) -> (usize, usize) {
        let incident = self.incident_id();
        let own = || self.state.deviations.values().filter(|one| one.incident == incident);
        (own().count(), own().filter(|one| one.owed()).count())
    }

    /// Tasks of the shown incident that are over their time.
    pub fn tasks_over(&self) -> usize {
        self.incident()
            .map_or(0, |incident| incident.tasks.values().filter(|task| task.is_over(&self.now)).count())
    }

    /// Tasks of the shown incident as the pane lists them: needs without an owner, open ones in the order of their
    /// end, then those that are done, the newest first.
    pub fn tasks(&self) -> Vec<&Task> {
        let mut all: Vec<&Task> = self.incident().map(|one| one.tasks.values().collect()).unwrap_or_default();
        all.sort_by_key(|task| {
            let due = task.due().map(|due| due.wall.timestamp());
            let done = task.done.as_ref().map(|(at, _)| std::cmp::Reverse(at.wall.timestamp()));
            (done.is_some(), done, task.owner.is_some(), due.is_none(), due)
        });
        all
    }

    /// The selected task, else the first.
    pub fn selected_task(&self) -> Option<&Task> {
        let picked = self.ui.tasks.selected();
        let tasks = self.tasks();
        tasks.iter().find(|task| Some(u64::from(task.id.0)) == picked).or(tasks.first()).copied()
    }

    /// The newest breaking of the glass for the shown incident: who, when, and what for.
    pub fn glass(&self) -> Option<(String, &Stamp, String)> {
        let approved = self
            .walks()
            .flat_map(|walk| walk.steps.values())
            .flat_map(|state| &state.approvals)
            .filter(|given| given.glass)
            .map(|given| (given.by.name.clone(), &given.at, "approved alone".to_owned()));
        let incident = self.incident_id();
        let taken = self
            .state
            .glasses
            .values()
            .filter(|glass| glass.incident == incident || glass.holds(&self.now))
            .map(|glass| {
                (glass.by.name.clone(), &glass.broken, format!("took the power to {}", glass.power))
            });
        approved.chain(taken).max_by_key(|(_, at, _)| at.wall)
    }

    /// The newest power that this person took and still has.
    pub fn my_glass(&self) -> Option<&Glass> {
        let me = self.me.as_ref()?;
        self.state.glasses.values().rev().find(|glass| glass.by.same(me) && glass.holds(&self.now))
    }

    /// Events of others that no timeline of this seat has shown yet.
    pub fn unread(&self) -> usize {
        let (seen, me) = (self.ui.seen.get(), self.my_name());
        let shown = self.timeline.shown(self.incident_id(), &super::ui::TimelineFilter::default());
        shown.iter().rev().take_while(|entry| entry.seq > seen).filter(|entry| entry.who != me).count()
    }

    /// People whose seats are here, each once.
    pub fn here(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .room
            .iter()
            .flat_map(|room| &room.here)
            .filter(|one| one.role == crate::wire::As::Seat)
            .map(|one| one.who.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Everybody whose name might be wanted: those here, those with roles, owners of tasks.
    pub fn people(&self) -> Vec<String> {
        let mut names: Vec<String> = self.here().into_iter().map(str::to_owned).collect();
        names.extend(self.me.as_ref().map(|me| me.name.clone()));
        if let Some(incident) = self.incident() {
            names.extend(incident.roles.values().map(|holder| holder.who.clone()));
            names.extend(incident.tasks.values().filter_map(|task| task.owner.clone()));
        }
        names.sort();
        names.dedup();
        names
    }

    /// Services that are known: of the catalogue where there is one, else of releases, of panels, of the incident.
    pub fn services(&self) -> Vec<String> {
        let mut names: Vec<String> = self.state.policy.services.keys().cloned().collect();
        names.extend(self.state.releases.values().map(|one| one.service.clone()));
        names.extend(self.live.panels.iter().filter_map(|view| view.panel.service.clone()));
        names.extend(self.incident().into_iter().flat_map(|incident| incident.services.clone()));
        names.sort();
        names.dedup();
        names.retain(|name| !known::is_unlisted(&self.state, Noun::Service, name));
        names
    }
}
