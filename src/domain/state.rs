//! The fold: what is the case, from all that has happened. It holds no history.

use super::{
    board, conflict,
    conflict::Conflict,
    deadline, decision, deviation,
    deviation::Deviation,
    dispatch,
    dispatch::Dispatch,
    drill,
    erasure::Erasure,
    event::{CommandId, Event, Seq},
    fact::Fact,
    freeze,
    freeze::Freeze,
    gate,
    glass::{self, Glass},
    handover,
    id::{ConflictId, DeviationId, Digest, DispatchId, FreezeId, GlassId, IncidentId, PageId, WalkId},
    incident,
    incident::Incident,
    issued::Issued,
    limits,
    newer::{self, Newer},
    note, page,
    page::Page,
    permissions,
    policy::{self, Policy},
    readiness::{self, Standing},
    record::{self, Record},
    refusal::{Code, Refusal},
    release::{self, Judged, Judgement, Released},
    report,
    room::{self, RoomState},
    shed, task,
    walk::{self, Walk},
    watch::{self, Breach},
};
use super::{
    command::{Command, Ctx},
    fact::Fact as AnyFact,
    policy::PolicyFact,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many command ids the fold remembers; older ones are looked up in the journal.
const RECENT: usize = 1_024;

/// Changes whenever the fold of the same events could give another state; a snapshot goes only to an equal fold.
pub const FOLD: u32 = 12;

/// What is the case.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The newest event in it.
    pub head: Seq,
    /// Its hash.
    pub hash: Option<Digest>,
    /// The rooms that write.
    pub room: RoomState,
    /// What the rules read.
    pub policy: Policy,
    /// The highest numbers that were given out.
    pub issued: Issued,
    /// Incidents that are not closed, and the newest closed ones, a line each.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Freezes that hold, and the newest that are over.
    pub freezes: BTreeMap<FreezeId, Freeze>,
    /// Powers taken in an emergency, whether they still hold or not.
    pub glasses: BTreeMap<GlassId, Glass>,
    /// Walks of runbooks that go on, and the newest that ended, where their incident is not closed.
    pub walks: BTreeMap<WalkId, Walk>,
    /// Deviations of what is not closed.
    pub deviations: BTreeMap<DeviationId, Deviation>,
    /// What runs, by `service/env`.
    pub releases: BTreeMap<String, Released>,
    /// Judgements, by `service/version`.
    pub judged: BTreeMap<String, Judged>,
    /// What this room knows of readiness checks, by service and check.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub readiness: BTreeMap<String, BTreeMap<String, Standing>>,
    /// What services' recoveries have come to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<String, Record>,
    /// Panels beyond their threshold.
    pub breaches: BTreeMap<String, Breach>,
    /// Panels without data while an incident waits for recovery.
    pub blind: BTreeSet<String>,
    /// Pages.
    pub pages: BTreeMap<PageId, Page>,
    /// What must still go out.
    pub dispatches: BTreeMap<DispatchId, Dispatch>,
    /// The number of the newest dispatch.
    pub last_dispatch: u32,
    /// Targets whose last attempt failed, and why.
    pub undelivered: BTreeMap<String, String>,
    /// What was erased, who did it and why: it is told wherever the words would stand.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub erased: BTreeMap<Seq, Erasure>,
    /// What was recorded offline, was not accepted, and waits for a person's decision.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conflicts: BTreeMap<ConflictId, Conflict>,
    /// The first event of a kind that this version does not know: until an upgrade the rules do not decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer: Option<Newer>,
    /// The newest commands that were accepted.
    pub recent: VecDeque<CommandId>,
}

impl State {
    /// Whether an incident was declared, however long ago and whatever became of it.
    ///
    /// # Errors
    /// `Unknown`.
    pub fn declared(&self, id: IncidentId) -> Result<(), Refusal> {
        if self.incidents.contains_key(&id) || self.is_closed(id) {
            return Ok(());
        }
        Err(Refusal::unknown("incident", id))
    }

    /// Whether an incident is closed; one that has left the fold was.
    pub fn is_closed(&self, id: IncidentId) -> bool {
        match self.incidents.get(&id) {
            Some(incident) => incident.status == incident::Status::Closed,
            None => id.0 > 0 && Some(id) <= self.issued.incident,
        }
    }

    /// An incident that is not closed, or closed lately.
    ///
    /// # Errors
    /// `Unknown`, or `Conflict` where it was closed long ago.
    pub fn known(&self, id: IncidentId) -> Result<&Incident, Refusal> {
        self.incidents.get(&id).ok_or_else(|| {
            if self.is_closed(id) { incident::closed(id) } else { Refusal::unknown("incident", id) }
        })
    }

    /// An incident that people still gather around.
    ///
    /// # Errors
    /// `Unknown`, or `Conflict` where it is over.
    pub fn open(&self, id: IncidentId) -> Result<&Incident, Refusal> {
        let incident = self.known(id)?;
        if incident.is_open() {
            return Ok(incident);
        }
        if incident.status == incident::Status::Closed {
            return Err(incident::closed(id));
        }
        Err(Refusal::new(Code::Conflict, format!("{id} is {}", incident.status))
            .hint("set its status back to monitoring to go on with it"))
    }

    /// The open incident that matters most: the worst, then the newest.
    pub fn open_incident(&self) -> Option<&Incident> {
        self.incidents
            .values()
            .filter(|incident| incident.is_open())
            .min_by_key(|incident| (incident.severity, std::cmp::Reverse(incident.id)))
    }

    /// The incident to show: the open one that matters most, else the newest that is not closed.
    pub fn shown_incident(&self) -> Option<&Incident> {
        self.open_incident()
            .or_else(|| self.incidents.values().rev().find(|one| one.status != incident::Status::Closed))
    }

    /// Deviations of an incident whose reasons are still owed.
    pub fn owing(&self, id: IncidentId) -> impl Iterator<Item = &Deviation> {
        self.deviations.values().filter(move |one| one.incident == Some(id) && one.owed())
    }

    /// Reasons that an incident still owes.
    pub fn owed(&self, id: IncidentId) -> usize {
        self.owing(id).count()
    }

    /// The panel that went beyond its threshold first.
    pub fn first_breach(&self) -> Option<&Breach> {
        self.breaches.values().min_by_key(|breach| breach.since.wall)
    }

    /// The newest switch of a release among these services; of any service where none is named.
    pub fn last_switch(&self, services: &[String], env: &str) -> Option<&Released> {
        self.releases
            .values()
            .filter(|one| one.env == env && (services.is_empty() || services.contains(&one.service)))
            .max_by_key(|one| one.since.wall)
    }

    /// Why an artifact was judged bad, where it was.
    pub fn judged_bad(&self, service: &str, artifact: &str) -> Option<&str> {
        self.judged
            .get(&release::key(service, release::version(service, artifact)))
            .filter(|judged| judged.judgement == Judgement::Bad)
            .map(|judged| judged.why.as_str())
    }

    /// Whether this command was accepted before, as far as the fold remembers.
    pub fn has_seen(&self, id: CommandId) -> bool {
        self.recent.contains(&id)
    }

    /// Adds one event. Total: whatever the event says, this does not fail, and what it does not know it leaves alone.
    pub fn apply(&mut self, event: &Event) {
        self.apply_keeping(event, None);
    }

    /// The same for one who tells an incident's story to its end: nothing of it leaves the fold.
    pub fn apply_keeping(&mut self, event: &Event, incident: Option<IncidentId>) {
        self.issued.note(&event.fact);
        match &event.fact {
            Fact::Room(fact) => room::apply(self, fact, event),
            Fact::Policy(fact) => policy::apply(self, fact),
            Fact::Incident(fact) => incident::apply(self, fact, event),
            Fact::Board(fact) => board::apply(self, fact, event),
            Fact::Note(fact) => note::apply(self, fact, event),
            Fact::Task(fact) => task::apply(self, fact, event),
            Fact::Report(fact) => report::apply(self, fact, event),
            Fact::Decision(fact) => decision::apply(self, fact, event),
            Fact::Deviation(fact) => deviation::apply(self, fact, event),
            Fact::Freeze(fact) => freeze::apply(self, fact, event),
            Fact::Glass(fact) => glass::apply(self, fact, event),
            Fact::Handover(fact) => handover::apply(self, fact, event),
            Fact::Gate(fact) => gate::apply(self, fact, event),
            Fact::Release(fact) => release::apply(self, fact, event),
            Fact::Watch(fact) => watch::apply(self, fact, event),
            Fact::Readiness(fact) => readiness::apply(self, fact, event),
            Fact::Drill(fact) => drill::apply(self, fact, event),
            Fact::Walk(fact) => walk::apply(self, fact, event),
            Fact::Page(fact) => page::apply(self, fact, event),
            Fact::Dispatch(fact) => dispatch::apply(self, fact, event),
            Fact::Conflict(fact) => conflict::apply(self, fact, event),
            Fact::Foreign(_) => newer::apply(self, event),
            Fact::Erased => {}
        }
        record::note(self, event);
        shed::shed(self, event, incident);
        self.head = event.seq;
        self.hash = Some(event.hash);
        if self.recent.back() != Some(&event.command) {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(event.command);
        }
    }
}

/// The rules. An accepted command gives the facts that follow from it; none where it changes nothing, as when it is
/// sent again.
///
/// # Errors
/// A [`Refusal`] where the rules do not allow it. Nothing has happened then.
pub fn decide(state: &State, command: &Command, ctx: &Ctx) -> Result<Vec<AnyFact>, Refusal> {
    if state.has_seen(ctx.id) {
        return Ok(Vec::new());
    }
    permissions::check(state, command, ctx)?;
    newer::check(state, command)?;
    limits::check(state, command, ctx)?;
    match command {
        Command::Room(fact) => Ok(room::decide(state, fact, ctx)),
        Command::Policy(policy) => {
            if **policy == state.policy {
                return Ok(Vec::new());
            }
            Ok(vec![AnyFact::Policy(PolicyFact::Loaded(policy.clone()))])
        }
        Command::Incident(command) => incident::decide(state, command, ctx),
        Command::Board(command) => board::decide(state, command, ctx),
        Command::Note(command) => note::decide(state, command, ctx),
        Command::Task(command) => task::decide(state, command, ctx),
        Command::Report(command) => report::decide(state, command),
        Command::Decision(command) => decision::decide(state, command, ctx),
        Command::Deviation(command) => deviation::decide(state, command),
        Command::Freeze(command) => freeze::decide(state, command, ctx),
        Command::Glass(command) => glass::decide(state, command, ctx),
        Command::Handover(command) => handover::decide(state, command, ctx),
        Command::Gate(command) => gate::decide(state, command, ctx),
        Command::Release(command) => release::decide(state, command, ctx),
        Command::Watch(command) => Ok(watch::decide(state, command, ctx)),
        Command::Readiness(command) => {
            if state.room.is_anothers(&ctx.room) {
                return Ok(Vec::new());
            }
            Ok(readiness::decide(state, command))
        }
        Command::Drill(command) => drill::decide(state, command, ctx),
        Command::Walk(command) => walk::decide(state, command, ctx),
        Command::Page(command) => page::decide(state, command, ctx),
        Command::Dispatch(command) => dispatch::decide(state, command, ctx),
        Command::Conflict(command) => conflict::decide(state, command, ctx),
        Command::Tick => {
            if state.room.is_anothers(&ctx.room) {
                return Ok(Vec::new());
            }
            Ok(deadline::due(state, &ctx.now))
        }
    }
}
