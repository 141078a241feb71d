//! The journal that the room shares is out of reach: what people do goes to the room's own disk, and is shown as what it is.
//! The rules are the same, the order is the same, and nothing is said before it is on the disk.

use super::{
    back::Back,
    budget::Large,
    core::{self, Core, Submitted, When},
    flight::{Asked, Flight, ok},
    gap::{Gap, Looking, Reading},
    mend::Mending,
    seen::Standing,
    serve::{Room, Waiting},
};
use crate::{
    domain::{
        Command, CommandId, Event, Fact, Offline, Refusal, Seq,
        deviation::{DeviationFact, DeviationKind},
        id::IncidentId,
        offline::{self, Way},
        refusal::Code,
        tell,
        time::{Stamp, Wall, clock_utc},
        walk::{WalkCommand, WalkFact},
    },
    journal::{
        Journal, Trouble,
        spool::{Entry, NOBODY_KNOWS, Opened, Ring, Spool, Unkept},
    },
    os::clock,
    wire::{self, FromRoom, JournalState, Outcome, Told},
};
use futures::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use std::{collections::VecDeque, sync::Arc};

/// Entries that are kept at most: some days of a bad week.
const MOST: u64 = 50_000;
/// Entries that are left when what is asked waits for their end.
const NEARLY: usize = 256;
/// Events of the journal that are at hand when it is not.
pub(super) const RECENT: usize = 512;
/// Events that one question is answered with at most.
const KEPT_TOLD: usize = 2_000;

/// What a room on a shared journal keeps on its own disk.
pub(super) struct Spooling {
    file: Arc<dyn Spool>,
    /// What is on the disk and not in the journal yet.
    pub(super) entries: VecDeque<Entry>,
    /// Entries in the file; with those on their way to it.
    written: u64,
    sent: u64,
    pub(super) writing: FuturesOrdered<BoxFuture<'static, Result<(), Unkept>>>,
    kept: VecDeque<Kept>,
    /// One was not written, and all that were decided after it stand on what did not happen.
    broken: bool,
    /// Why the disk took nothing last.
    trouble: Option<String>,
    pub(super) away: Option<Away>,
    pub(super) back: Back,
    /// What was asked when nearly all was sent.
    held: VecDeque<Asked>,
    /// What this room appended and the journal acknowledged, the newest, and where that lies too.
    pub(super) acknowledged: VecDeque<Entry>,
    pub(super) ring: Arc<dyn Ring>,
    /// The room was started while the journal was out of reach, and opens when it is back.
    pub(super) opens_late: bool,
    /// The journal has lost something, and is read from its beginning.
    pub(super) anew: Option<Reading>,
    /// What it has lost, until that is written back.
    pub(super) gap: Option<Gap>,
    /// An entry is looked up that may be in the journal already.
    pub(super) looking: Option<Looking>,
}

/// The journal is out of reach.
pub(super) struct Away {
    pub(super) since: Wall,
    pub(super) why: String,
    /// What is shown and decided on.
    pub(super) core: Core,
    /// The first number that is this room's alone.
    from: Seq,
    /// What is not in the journal, newest last.
    pub(super) events: Vec<Event>,
}

/// A command on its way to the disk, or an answer behind one.
pub(super) struct Kept {
    pub(super) entry: Option<Entry>,
    pub(super) events: Vec<Event>,
    pub(super) waiting: Waiting,
    pub(super) outcome: Outcome,
    /// Given back when it is answered, where it came in a long frame.
    pub(super) _large: Option<Large>,
}

impl Spooling {
    pub(super) fn new(opened: Opened) -> Self {
        let Opened { spool, entries, damage, ring, acknowledged } = opened;
        if let Some(damage) = damage {
            tracing::error!("{damage}");
        }
        let count = entries.len() as u64;
        // What was lost had happened before what was decided offline, whenever it was written.
        let (gap, offline): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.gap);
        Self {
            file: spool,
            entries: gap.into_iter().chain(offline).collect(),
            written: count,
            sent: count,
            writing: FuturesOrdered::new(),
            kept: VecDeque::new(),
            broken: false,
            trouble: None,
            away: None,
            back: Back::default(),
            held: VecDeque::new(),
            acknowledged: acknowledged.into(),
            ring,
            opens_late: false,
            anew: None,
            gap: None,
            looking: None,
        }
    }

    /// The next that was written, or was not. Never, where nothing is on its way.
    async fn next(spool: &mut Option<Self>) -> Result<(), Unkept> {
        match spool {
            Some(spool) if !spool.writing.is_empty() => spool.writing.next().await.unwrap_or(Ok(())),
            _ => std::future::pending().await,
        }
    }

    /// What is on the disk and not in the journal yet, and what is on its way to the disk.
    fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().chain(self.kept.iter().filter_map(|kept| kept.entry.as_ref()))
    }

    /// The answer to a command whose id is that of one that was kept here and is not settled yet.
    fn kept(&self, asked: &Asked) -> Option<Outcome> {
        let core = &self.away.as_ref()?.core;
        if core.standing(asked.id) == Standing::New {
            return None;
        }
        let mut entries = self.all().filter(|entry| entry.id == asked.id).peekable();
        let first = entries.peek()?;
        let said = first.fingerprint.zip(asked.fingerprint).is_none_or(|(then, now)| then == now);
        if !said || !first.actor.same(&asked.actor) {
            return Some(Outcome::Refused(Refusal::id_in_use(asked.id)));
        }
        let made = entries.flat_map(|entry| entry.made.clone()).collect();
        Some(Outcome::Ok { seqs: Vec::new(), made, offline: true })
    }

    /// Nothing is on its way to the disk.
    pub(super) fn is_still(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn on_the_way(&self) -> usize {
        self.kept.len().saturating_add(self.held.len())
    }

    /// All of it is in the journal.
    pub(super) fn empty(&mut self) {
        if self.written > 0 {
            self.file.clear();
        }
        (self.written, self.sent) = (0, 0);
    }

    /// What is on its way to the disk counts where the next is decided, whatever was taken back after it.
    fn decide_on(&mut self) {
        if let Some(away) = &mut self.away {
            self.kept.iter().for_each(|kept| away.core.follow(&kept.events));
        }
    }

    pub(super) fn push(&mut self, kept: Kept) {
        let written: BoxFuture<'static, _> = match &kept.entry {
            Some(entry) => {
                let n = self.sent;
                self.sent = n.saturating_add(1);
                self.file.append(n, entry)
            }
            None => Box::pin(std::future::ready(Ok(()))),
        };
        self.writing.push_back(written);
        self.kept.push_back(kept);
    }
}

/// What waits to be written to the room's own disk.
pub(super) async fn written(spool: &mut Option<Spooling>) -> Result<(), Unkept> {
    Spooling::next(spool).await
}

/// What people see and are judged by: what is in the journal, and beside it what is on this room's own disk.
pub(super) fn shown<'r>(spool: Option<&'r Spooling>, core: &'r Core) -> &'r Core {
    spool.and_then(|spool| spool.away.as_ref()).map_or(core, |away| &away.core)
}

impl Room {
    /// Whether the journal is out of reach and the room goes on by its own disk.
    pub(super) fn is_away(&self) -> bool {
        self.away().is_some()
    }

    pub(super) fn away(&self) -> Option<&Away> {
        self.spool.as_ref()?.away.as_ref()
    }

    /// What people see and are judged by: what is in the journal, and beside it what is on this room's own disk.
    pub(super) fn shown(&self) -> &Core {
        shown(self.spool.as_ref(), &self.core)
    }

    /// The journal cannot be reached. What was on its way to it is kept too: whether it arrived is looked up by its name
    /// when the journal is back.
    pub(super) fn go_away(&mut self, why: &str, failed: Option<Flight>) {
        if self.is_away() && failed.is_none() && self.flights.is_empty() && self.mending.is_none() {
            self.show_away(why);
            return;
        }
        let (mut flights, held) = self.mending.take().map(Mending::left).unwrap_or_default();
        flights.extend(failed);
        flights.extend(self.flights.leave());
        let lost: Vec<_> = flights.iter().filter(|one| one.is_new()).map(|one| one.asked.id).collect();
        self.core.forget(&lost);
        self.following = None;
        let Some(spool) = &mut self.spool else { return };
        (spool.anew, spool.looking) = (None, None);
        spool.back.stop(tokio::time::Instant::now());
        if spool.away.is_none() {
            let core = self.core.part();
            let from = core.decided().head.saturating_add(1);
            spool.away =
                Some(Away { since: clock::now().wall, why: why.to_owned(), core, from, events: Vec::new() });
            tracing::warn!(%why, "offline: what people do is kept in {}", spool.file.place());
        }
        self.show_away(why);
        let asked = flights.into_iter().map(|flight| flight.asked).chain(held);
        for asked in asked.filter(|asked| !asked.direct) {
            let waiting = asked.waiting;
            let keeps = match offline::way(&asked.command) {
                Way::Recorded => true,
                Way::Glass => offline::own_reason(&asked.command).is_some(),
                Way::Waits(_) => false,
            };
            let outcome = if keeps {
                self.keep(asked)
            } else {
                Some(Outcome::Failed { why: format!("{why}: {NOBODY_KNOWS}") })
            };
            if let Some(outcome) = outcome {
                self.answer(waiting, outcome);
            }
        }
    }

    fn show_away(&mut self, why: &str) {
        let Some(since) = self.away().map(|away| away.since) else { return };
        self.set_journal(JournalState::ReadOnly { why: why.to_owned(), since });
        self.publish_status();
    }

    /// Decides a command on what is shown, and has it written to the room's own disk.
    pub(super) fn keep(&mut self, asked: Asked) -> Option<Outcome> {
        let after = self.core.durable_head();
        let spool = self.spool.as_mut()?;
        if let Some(outcome) = spool.kept(&asked) {
            let (entry, events, waiting) = (None, Vec::new(), asked.waiting);
            spool.push(Kept { entry, events, waiting, outcome, _large: asked.large });
            return None;
        }
        match self.core.standing(asked.id) {
            Standing::New => {}
            // The mirror may lack the newest events: that it does not have it proves nothing.
            _ if asked.is_new => {
                let why = "the journal is out of reach, so that nobody can tell whether this command was recorded \
                           before: nothing was recorded now; send it again under the same id when it is back";
                return Some(Outcome::Failed { why: why.into() });
            }
            _ => {
                self.look_up_id(asked);
                return None;
            }
        }
        let away = spool.away.as_mut()?;
        // Nearly all is in the journal: what comes now waits a moment and goes there itself, or it would never end.
        if spool.back.is_sending() && spool.entries.len() <= NEARLY {
            spool.held.push_back(asked);
            return None;
        }
        if spool.broken || spool.sent >= MOST {
            let why = if spool.broken { "its disk takes nothing" } else { "its spool is full" };
            return Some(Outcome::Failed {
                why: format!("the journal is out of reach, and {why} here: nothing was recorded"),
            });
        }
        let glass = match offline::way(&asked.command) {
            Way::Recorded => None,
            Way::Waits(why) => return Some(Outcome::Refused(waits(away, why))),
            Way::Glass => match asked.glass.as_deref().or_else(|| offline::own_reason(&asked.command)) {
                Some(reason) if !reason.trim().is_empty() => Some(reason.trim().to_owned()),
                _ => return Some(Outcome::Refused(needs_glass(away, &asked.command))),
            },
        };
        let now: Stamp = clock::now();
        let glass = away.core.redacted(glass).flatten();
        let mark = Offline { at: now.wall, glass: glass.clone(), provisional: true };
        let when = When { at: now.clone(), recorded: now.wall, offline: Some(mark) };
        let (who, said) = ((&asked.actor, &asked.groups), (&asked.command, asked.fingerprint.as_ref()));
        let events = match away.core.submit(who, asked.id, said, &when) {
            Submitted::Refused(refusal) => {
                spool.decide_on();
                return Some(Outcome::Refused(refusal));
            }
            Submitted::Nothing => {
                let (entry, events, outcome) = (None, Vec::new(), ok(&[]));
                spool.push(Kept { entry, events, waiting: asked.waiting, outcome, _large: asked.large });
                return None;
            }
            Submitted::Append { events, .. } => events,
        };
        let meant = offline::meant(asked.command, events.iter().map(|event| &event.fact));
        let Some(command) = away.core.redacted(meant) else {
            away.core.forget(&[asked.id]);
            spool.decide_on();
            return Some(Outcome::Failed {
                why: "without the secret in it nothing is left: nothing was recorded".into(),
            });
        };
        let made = core::made(&events);
        let entry = Entry {
            id: asked.id,
            at: now,
            actor: asked.actor,
            groups: asked.groups.iter().cloned().collect(),
            command,
            glass,
            made: made.clone(),
            said: told(&events),
            gap: false,
            stood: None,
            after,
            fingerprint: asked.fingerprint,
            conflict: Some(CommandId(uuid::Uuid::new_v4())),
        };
        let outcome = Outcome::Ok { seqs: core::seqs(&events), made, offline: true };
        let (entry, waiting) = (Some(entry), asked.waiting);
        spool.push(Kept { entry, events, waiting, outcome, _large: asked.large });
        None
    }

    /// What waited until nearly all was sent is decided: in the journal where it is back, else here.
    pub(super) fn release(&mut self) {
        let held = match &mut self.spool {
            Some(spool) if !spool.back.is_sending() && !spool.held.is_empty() => {
                std::mem::take(&mut spool.held)
            }
            _ => return,
        };
        for asked in held {
            let waiting = asked.waiting;
            if let Some(outcome) = self.decide(asked) {
                self.answer(waiting, outcome);
            }
        }
    }

    /// An entry was written, or was not. Only now anybody hears of it.
    pub(super) fn was_written(&mut self, said: Result<(), Unkept>) {
        let Some(spool) = &mut self.spool else { return };
        let Some(kept) = spool.kept.pop_front() else { return };
        let last = spool.kept.is_empty();
        if let Err(unkept) = &said {
            tracing::error!(%unkept, "what was done offline is not kept");
            // Where it is, is said beside.
            spool.trouble = Some(match &unkept.trouble {
                Trouble::Unreadable { why, hint, .. } => format!("{why}: {hint}"),
                broken @ Trouble::Broken { .. } => broken.to_string(),
            });
        }
        spool.broken |= said.is_err();
        if let (Some(entry), false) = (kept.entry, spool.broken) {
            spool.written = spool.written.saturating_add(1);
            spool.trouble = None;
            let gaps = spool.entries.iter().take_while(|one| one.gap).count();
            let at = if entry.gap { gaps } else { spool.entries.len() };
            spool.entries.insert(at, entry);
            if let Some(away) = &mut spool.away {
                away.core.confirm(&kept.events);
                away.events.extend(kept.events.iter().cloned());
            }
        }
        let broken = spool.broken;
        if broken {
            let ids: Vec<_> = kept.events.iter().map(|event| event.command).collect();
            if let Some(away) = &mut spool.away {
                away.core.forget(&ids);
            }
            if last {
                (spool.broken, spool.sent) = (false, spool.written);
            }
            let why = match said {
                Err(unkept) => unkept.to_string(),
                Ok(()) => "one before it was not written: nothing was recorded".into(),
            };
            self.answer(kept.waiting, Outcome::Failed { why });
            self.publish_status();
            return;
        }
        for event in kept.events {
            self.publish(&FromRoom::Event(Box::new(event)));
        }
        self.answer(kept.waiting, kept.outcome);
        self.publish_status();
        self.send_on();
    }

    /// Where events are read from: the mirror, while the journal is out of reach.
    pub(super) fn readable(&self) -> Arc<dyn Journal> {
        self.is_away().then(|| self.journal.mirror()).flatten().unwrap_or_else(|| self.journal.clone())
    }

    /// Whether events from `from` on are at hand, or nowhere else.
    pub(super) fn has_kept(&self, from: Seq) -> bool {
        from.max(1) >= self.first_kept() || self.journal.mirror().is_none()
    }

    fn first_kept(&self) -> Seq {
        self.recent.front().map_or_else(|| self.core.durable_head().seq.saturating_add(1), |one| one.seq)
    }

    /// Events for who asks, of those that are at hand: the newest that stood in the journal, and what is kept.
    pub(super) fn tell_kept(&self, from: Seq, incident: Option<IncidentId>) -> Told {
        let first = self.first_kept();
        if from.max(1) < first {
            let why = format!("events before #{first} cannot be read while the journal is out of reach");
            return Told::No(Refusal::new(Code::Conflict, why));
        }
        let kept = self.away().map(|away| away.events.iter()).into_iter().flatten();
        let events = self.recent.iter().chain(kept);
        let events = events.filter(|one| one.seq >= from && (incident.is_none() || one.stream == incident));
        Told::Events { events: events.take(KEPT_TOLD).cloned().collect(), next: None }
    }

    /// What stands in the journal is kept at hand for a while.
    pub(super) fn remember(&mut self, events: &[Event]) {
        if self.spool.is_some() {
            self.recent.extend(events.iter().cloned());
            let over = self.recent.len().saturating_sub(RECENT);
            self.recent.drain(..over);
        }
    }

    /// How it stands with what is kept, for people.
    pub(super) fn away_view(&self) -> Option<Box<wire::Away>> {
        let spool = self.spool.as_ref()?;
        let away = spool.away.as_ref();
        let first = spool.entries.front();
        let since = away.map(|away| away.since).or_else(|| first.map(|entry| entry.at.wall))?;
        Some(Box::new(wire::Away {
            since,
            from: away.map_or_else(|| self.core.durable_head().seq.saturating_add(1), |away| away.from),
            waiting: spool.entries.len() as u64,
            glass: spool.entries.iter().filter(|entry| entry.glass.is_some()).count() as u64,
            back: away.is_none() || spool.back.is_sending(),
            lost: spool.gap.as_ref().map(|gap| (gap.from, gap.to)),
            trouble: spool.trouble.clone(),
            place: spool.file.place(),
        }))
    }
}

fn waits(away: &Away, why: &str) -> Refusal {
    let since = clock_utc(away.since);
    Refusal::new(Code::Conflict, format!("the journal is out of reach since {since}")).hint(why)
}

/// In words what a person would want to know of it, were it not accepted: the story, which steps were taken and which
/// blocks began to run. That the glass was broken is told beside.
pub(super) fn told(events: &[Event]) -> String {
    let tells = |event: &&Event| match &event.fact {
        Fact::Walk(WalkFact::Lent { .. } | WalkFact::Intended { .. }) => true,
        Fact::Deviation(DeviationFact::Recorded { what, .. }) => what.kind != DeviationKind::BrokenGlass,
        _ => tell::matters(event),
    };
    events.iter().filter(tells).map(tell::line).collect::<Vec<_>>().join("; ")
}

fn needs_glass(away: &Away, command: &Command) -> Refusal {
    let since = clock_utc(away.since);
    // Where --glass stands for approving alone.
    let option = match command {
        Command::Walk(WalkCommand::Approve { .. }) => "--reason",
        _ => "--glass",
    };
    Refusal::new(
        Code::NeedsMore,
        format!("the journal is out of reach since {since}, and this needs that all rooms agree"),
    )
    .hint(format!(
        "wait for it, or break the glass: {option} \"why\" does it provisionally, for this room alone, until the \
         journal is back"
    ))
}
