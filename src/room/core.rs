//! Two folds and the way between them: decided includes appends in flight, durable does not.

use super::seen::{Seen, Standing};
use crate::{
    domain::{
        Command, CommandId, Ctx, Event, Fact, Offline, Refusal, Seq, State,
        actor::Actor,
        conflict::ConflictFact,
        decide,
        decision::DecisionFact,
        deviation::DeviationFact,
        freeze::FreezeFact,
        glass::GlassFact,
        incident::IncidentFact,
        note::NoteCommand,
        offline,
        page::PageFact,
        power::Groups,
        refusal::Code,
        room::RoomFact,
        task::TaskFact,
        time::{Stamp, Wall},
        walk::WalkFact,
    },
    evidence::redact::Redactor,
    journal::{
        Head, chain,
        chain::{Draft, Record},
        fingerprint::Fingerprint,
    },
    wire::EVENT_MAX,
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Arc, RwLock};

/// What became of a command when it was decided.
#[derive(Debug)]
pub enum Submitted {
    /// The rules do not allow it.
    Refused(Refusal),
    /// It changes nothing.
    Nothing,
    /// These records must become durable.
    Append {
        /// Where the chain must end for them to follow.
        expected: Head,
        /// The records.
        records: Vec<Record>,
        /// The same as events.
        events: Vec<Event>,
    },
}

/// When a command is decided and written down.
#[derive(Debug, Clone)]
pub struct When {
    /// When it happened.
    pub at: Stamp,
    /// When it is written down.
    pub recorded: Wall,
    /// Where it is or was recorded while the journal was out of reach.
    pub offline: Option<Offline>,
}

impl When {
    /// It is written down as it happens.
    pub fn now(now: Stamp) -> Self {
        Self { recorded: now.wall, at: now, offline: None }
    }
}

/// The folds of a room.
pub struct Core {
    decided: State,
    durable: Arc<RwLock<State>>,
    seen: Seen,
    room: String,
    redactor: Redactor,
}

impl Core {
    /// Whether an event says that another room took this journal.
    pub fn is_anothers_opening(&self, event: &Event) -> bool {
        event.room != self.room && matches!(event.fact, Fact::Room(RoomFact::Opened { .. }))
    }

    /// The room's name in the envelopes of its events.
    pub fn name(&self) -> &str {
        &self.room
    }

    /// Folds that stand at the journal's end, with every command that is in it.
    pub fn new(state: State, seen: Seen, room: String, redactor: Redactor) -> Self {
        Self { decided: state.clone(), durable: Arc::new(RwLock::new(state)), seen, room, redactor }
    }

    /// The durable fold, to read from other tasks. Locks are held for moments only.
    pub fn durable(&self) -> Arc<RwLock<State>> {
        self.durable.clone()
    }

    /// The decided fold.
    pub fn decided(&self) -> &State {
        &self.decided
    }

    /// Reads the durable fold.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.durable.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Where the decided chain ends.
    pub fn head(&self) -> Head {
        self.decided.hash.map_or(Head::EMPTY, |hash| Head { seq: self.decided.head, hash })
    }

    /// Where the durable chain ends.
    pub fn durable_head(&self) -> Head {
        self.read(|state| state.hash.map_or(Head::EMPTY, |hash| Head { seq: state.head, hash }))
    }

    /// Decides a command whose id is new and, where it gives facts, adds them to the decided fold.
    pub fn submit(
        &mut self,
        (actor, groups): (&Actor, &Groups),
        id: CommandId,
        (command, fingerprint): (&Command, Option<&Fingerprint>),
        when: &When,
    ) -> Submitted {
        let ctx = Ctx {
            actor: actor.clone(),
            groups: groups.clone(),
            now: when.at.clone(),
            id,
            room: self.room.clone(),
        };
        let glass = when.offline.as_ref().and_then(|offline| offline.glass.as_deref());
        let decided = match glass {
            Some(reason) => offline::decide_under_glass(&self.decided, command, &ctx, reason),
            None => decide(&self.decided, command, &ctx),
        };
        let facts = match decided {
            Ok(facts) if facts.is_empty() => return Submitted::Nothing,
            Ok(facts) => facts,
            Err(refusal) => return Submitted::Refused(refusal),
        };
        let expected = self.head();
        let (mut records, mut events) = (Vec::new(), Vec::new());
        for (index, fact) in facts.into_iter().enumerate() {
            let draft = Draft {
                command: id,
                index: u16::try_from(index).unwrap_or(u16::MAX),
                stream: fact.stream(&self.decided),
                occurred: when.at.clone(),
                recorded: when.recorded,
                room: self.room.clone(),
                actor: actor.clone(),
                offline: when.offline.clone(),
                fact: self.redact(fact),
            };
            match chain::seal_command(draft, fingerprint, self.head(), salt()) {
                Ok((record, _)) if size(&record) > EVENT_MAX => {
                    self.forget(&[]);
                    let why = format!(
                        "it is {} KiB long, and an event may have {} KiB: no frame could bring it to a seat",
                        size(&record) / 1024,
                        EVENT_MAX / 1024
                    );
                    let hint = "nothing was recorded; keep it elsewhere and name it here, or say it in parts";
                    return Submitted::Refused(Refusal::new(Code::Invalid, why).hint(hint));
                }
                Ok((record, event)) => {
                    self.decided.apply(&event);
                    records.push(record);
                    events.push(event);
                }
                Err(error) => {
                    self.forget(&[]);
                    return Submitted::Refused(
                        Refusal::new(Code::Invalid, format!("it cannot be written down: {error}"))
                            .hint("nothing was recorded"),
                    );
                }
            }
        }
        self.seen.sent(id);
        Submitted::Append { expected, records, events }
    }

    /// Secrets are taken out before anything is hashed: an append-only chain cannot forget.
    fn redact(&self, fact: Fact) -> Fact {
        self.redacted(fact).unwrap_or(Fact::Erased)
    }

    /// The same without secrets; none where nothing that can be read is left.
    pub fn redacted<T: Serialize + DeserializeOwned>(&self, whole: T) -> Option<T> {
        let Ok(text) = serde_json::to_vec(&whole) else { return Some(whole) };
        if !self.redactor.finds(&text) {
            return Some(whole);
        }
        let Ok(mut value) = serde_json::to_value(&whole) else { return Some(whole) };
        self.redactor.json(&mut value);
        // By the text: reading by another code would be built a second time for each.
        serde_json::from_slice(&serde_json::to_vec(&value).ok()?).ok()
    }

    /// Takes secrets out of text that is kept elsewhere than in the journal.
    pub fn clean(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }

    /// What takes them out, for work beside the loop.
    pub fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// These events are durable now.
    pub fn confirm(&mut self, events: &[Event]) {
        let mut durable = self.durable.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for event in events {
            durable.apply(event);
            self.seen.confirm(event);
        }
    }

    /// Events that another room appended, where nothing of this one is on its way: the decided fold goes on with them.
    pub fn follow(&mut self, events: &[Event]) {
        let head = self.decided.head;
        for event in events.iter().filter(|event| event.seq > head) {
            self.decided.apply(event);
        }
    }

    /// What is known of a command's id without asking the journal.
    pub fn standing(&self, id: CommandId) -> Standing {
        self.seen.standing(id)
    }

    /// A command's id is being looked up, and the same one waits behind it; or that is over.
    pub(super) fn looks_up(&mut self, id: CommandId, begins: bool) {
        if begins { self.seen.sent(id) } else { self.seen.forget(id) }
    }

    /// What a command says, as its client sent it: without secrets, and without what the room adds to it.
    pub(super) fn fingerprint(&self, command: &Command) -> Fingerprint {
        let json = match command {
            Command::Note(NoteCommand::Erase { seq, reason, found: Some(_) }) => {
                let sent = NoteCommand::Erase { seq: *seq, reason: reason.clone(), found: None };
                serde_json::to_vec(&Command::Note(sent))
            }
            command => serde_json::to_vec(command),
        };
        let json = json.unwrap_or_default();
        if !self.redactor.finds(&json) {
            return Fingerprint::of(&json);
        }
        let Ok(mut value) = serde_json::from_slice(&json) else { return Fingerprint::of(&json) };
        self.redactor.json(&mut value);
        Fingerprint::of(&serde_json::to_vec(&value).unwrap_or_default())
    }

    /// What readers see and decide on from now on, while this one keeps to what is in the journal.
    #[must_use]
    pub fn part(&mut self) -> Self {
        let truth = self.read(State::clone);
        let own = Arc::new(RwLock::new(truth.clone()));
        let shown = std::mem::replace(&mut self.durable, own);
        self.decided = truth.clone();
        let (room, redactor) = (self.room.clone(), self.redactor.clone());
        Self { decided: truth, durable: shown, seen: Seen::default(), room, redactor }
    }

    /// The journal is another than this one knew: what was read of it takes the place of all that was known.
    pub fn replace(&mut self, state: State, seen: Seen) {
        *self.durable.write().unwrap_or_else(std::sync::PoisonError::into_inner) = state.clone();
        (self.decided, self.seen) = (state, seen);
    }

    /// Readers see what is in the journal again.
    pub fn join(&mut self, shown: Self) {
        let truth = self.read(State::clone);
        *shown.durable.write().unwrap_or_else(std::sync::PoisonError::into_inner) = truth;
        self.durable = shown.durable;
    }

    /// What was decided and did not become durable is forgotten, and so are these commands: sent again, they are new.
    pub fn forget(&mut self, commands: &[CommandId]) {
        self.decided = self.read(State::clone);
        for id in commands {
            self.seen.forget(*id);
        }
    }
}

/// Bytes of an event, as it is stored.
fn size(record: &Record) -> usize {
    let payload = record.payload.as_ref().map_or(0, |(_, payload)| payload.len());
    record.header.len().saturating_add(payload)
}

fn salt() -> [u8; 16] {
    *uuid::Uuid::new_v4().as_bytes()
}

/// Names that came into being with these events.
pub(super) fn made(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Incident(IncidentFact::Declared { incident, .. }) => Some(incident.to_string()),
            Fact::Freeze(FreezeFact::Began { freeze, .. }) => Some(freeze.to_string()),
            Fact::Glass(GlassFact::Broken { glass, .. }) => Some(glass.to_string()),
            Fact::Walk(WalkFact::Started { walk, .. }) => Some(walk.to_string()),
            Fact::Page(PageFact::Asked { page, .. }) => Some(page.to_string()),
            Fact::Task(TaskFact::Given { task, .. }) => Some(task.to_string()),
            Fact::Decision(DecisionFact::Made { decision, .. } | DecisionFact::Proposed { decision, .. }) => {
                Some(decision.to_string())
            }
            Fact::Deviation(DeviationFact::Recorded { deviation, .. }) => Some(deviation.to_string()),
            Fact::Conflict(ConflictFact::Found { conflict, .. }) => Some(conflict.to_string()),
            _ => None,
        })
        .collect()
}

/// Positions of these events.
pub(super) fn seqs(events: &[Event]) -> Vec<Seq> {
    events.iter().map(|event| event.seq).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::policy::{Policy, SeverityRow},
        domain::severity::Severity,
        os::clock,
        wire::{FRAME_MAX, FromRoom, Sealed, Told, encode},
    };

    fn core() -> Core {
        Core::new(State::default(), Seen::default(), "r".into(), Redactor::default())
    }

    /// The room's own word for something so long, each byte of which takes two as text within text.
    fn asks(core: &mut Core, bytes: usize) -> Submitted {
        let meaning = "\"".repeat(bytes / 2);
        let row = SeverityRow {
            meaning,
            runbook: None,
            roles: std::collections::BTreeSet::new(),
            poll_every: None,
            update_every: None,
            external_every: None,
            freeze: None,
            page: None,
        };
        let policy =
            Policy { severities: [("SEV1".parse::<Severity>().unwrap(), row)].into(), ..Policy::default() };
        let id = CommandId(uuid::Uuid::now_v7());
        core.submit(
            (&Actor::room(), &Groups::default()),
            id,
            (&Command::Policy(Box::new(policy)), None),
            &When::now(clock::now()),
        )
    }

    #[test]
    fn a_secret_told_by_its_name_alone_never_reaches_the_journal() {
        let core = core();
        let walk = "WALK-1".to_owned();
        let command =
            serde_json::json!({ "walk": walk, "inputs": { "DB_PASSWORD": "hunter2", "SERVICE": "shop" } });
        let clean: serde_json::Value = core.redacted(command).unwrap();
        assert_eq!(clean["inputs"]["DB_PASSWORD"], "[redacted assignment 7]");
        assert_eq!(clean["inputs"]["SERVICE"], "shop");
        let set = serde_json::json!({ "name": "API_TOKEN", "value": "abc123" });
        assert_eq!(core.redacted(set).unwrap()["value"], "[redacted assignment 6]");
    }

    #[test]
    fn an_event_that_would_fit_no_frame_is_refused_when_it_is_made() {
        let mut core = core();
        let before = core.head();
        let Submitted::Refused(refusal) = asks(&mut core, EVENT_MAX) else { panic!("it was taken") };
        assert!(refusal.to_string().contains("KiB"), "{refusal}");
        assert_eq!(core.head(), before, "nothing of it is left");
        // What is taken fits, whichever way it is brought.
        let Submitted::Append { records, events, .. } = asks(&mut core, EVENT_MAX - 4_096) else {
            panic!("it was not taken")
        };
        assert!(encode(&FromRoom::Event(Box::new(events[0].clone()))).len() <= FRAME_MAX);
        let record = &records[0];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let sealed = Sealed {
            seq: record.seq,
            command: record.command,
            stream: record.stream,
            header: text(&record.header),
            prev: record.prev,
            body: record.body,
            hash: record.hash,
            salt: Some("0".repeat(32)),
            payload: record.payload.as_ref().map(|(_, payload)| text(payload)),
            withheld: false,
        };
        let told = Told::Records { records: vec![sealed], next: Some(2) };
        assert!(encode(&FromRoom::Told { n: u64::MAX, told }).len() <= FRAME_MAX);
    }
}
