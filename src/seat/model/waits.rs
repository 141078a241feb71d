//! What the room is waiting for, or what comes next: the console's third line.

use super::{Conn, JournalState, Model, entry, find::number};
use crate::{
    domain::{
        cadence::Beat,
        incident::Status,
        page::{self, PageWhen},
        plan::{Lead, Risk},
        task::Task,
        time::{Span, minute_utc},
        walk::{StepStatus, approval, sequence},
    },
    wire::Away,
};

/// How loud the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loud {
    /// Nothing is waited for.
    Calm,
    /// Somebody is.
    Notice,
    /// Something is wrong with the room itself, or was done alone.
    Worst,
}

/// The line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// `WAITS ON`, `next`, `READ ONLY`.
    pub lead: &'static str,
    /// Who, where it is somebody.
    pub who: String,
    /// Since when.
    pub age: Option<Span>,
    /// What.
    pub what: String,
    /// The command that answers it, by name.
    pub command: Option<&'static str>,
    /// How loud.
    pub loud: Loud,
}

impl Waits {
    fn new(lead: &'static str, loud: Loud, what: impl Into<String>) -> Self {
        Self { lead, who: String::new(), age: None, what: what.into(), command: None, loud }
    }

    fn on(mut self, who: impl Into<String>) -> Self {
        self.who = who.into();
        self
    }

    fn since(mut self, age: Span) -> Self {
        self.age = Some(age);
        self
    }

    fn key(mut self, command: &'static str) -> Self {
        self.command = Some(command);
        self
    }
}

/// A broken glass stands in the line this long; after it, it is counted in the footer.
const GLASS_SHOWN: Span = Span::secs(30);

/// As long as this the one who was replaced is told of it.
const REPLACED_SHOWN: Span = Span::mins(5);

/// The line as it is now: the connection and the journal first, then approval, owed update, a step that stands or
/// runs, and the next step.
pub fn waits(model: &Model) -> Waits {
    trouble(model).or_else(|| waiting(model)).unwrap_or_else(|| next(model))
}

fn trouble(model: &Model) -> Option<Waits> {
    let now = &model.now;
    match &model.conn {
        Conn::Connecting { since } => {
            return Some(Waits::new("CONNECTING", Loud::Notice, "to the room").since(since.elapsed(now)));
        }
        Conn::Down { since, why, other_wire: true, .. } => {
            let what = format!("{why}; what is written here stays until then");
            return Some(Waits::new("OTHER VERSION", Loud::Worst, what).since(since.elapsed(now)));
        }
        Conn::Down { since, retry, tries, why, .. } => {
            let left = retry.until(now).as_secs();
            let what = format!("all below is old; try {} in {left}s ({why})", tries.saturating_add(1));
            return Some(Waits::new("RECONNECTING", Loud::Worst, what).since(since.elapsed(now)));
        }
        Conn::Up { .. } => {}
    }
    if let Some(age) = model.conn.delayed(now) {
        return Some(
            Waits::new("DELAYED", Loud::Worst, "the room has not answered; what is shown may be old")
                .since(age),
        );
    }
    if let Some(away) = model.away().filter(|_| model.is_offline()) {
        return Some(offline(away, model));
    }
    if let Some(JournalState::ReadOnly { why, since }) = model.room.as_ref().map(|room| &room.journal) {
        let what = format!("nothing runs; commands can be copied, UNRECORDED: {why}");
        return Some(Waits::new("READ ONLY", Loud::Worst, what).since(Span::between(*since, now.wall)));
    }
    if let Some(newer) = model.newer() {
        return Some(Waits::new("RULES HELD", Loud::Worst, format!("the gate is undecided: {newer}")));
    }
    if let Some(since) = model.room.as_ref().and_then(|room| room.slow) {
        let what = "an event waits for it; the gate is undecided, and what you do is recorded late";
        return Some(Waits::new("JOURNAL SLOW", Loud::Worst, what).since(Span::between(since, now.wall)));
    }
    if let Some((why, since)) = doubt(model) {
        let age = Span::between(*since, now.wall);
        return Some(Waits::new("DO NOT TRUST THE RECORD", Loud::Worst, why).since(age));
    }
    if let Some(incident) = model.open_incident() {
        if incident.commander().is_none() && incident.handover.is_none() {
            let what = format!("nobody commands {}: take command", incident.id);
            return Some(Waits::new("WAITS ON", Loud::Worst, what).on("a commander").key("handover"));
        }
        if let Some(taken) = &incident.taken {
            let age = taken.at.elapsed(now);
            let shown = if taken.from == model.my_name() { REPLACED_SHOWN } else { GLASS_SHOWN };
            if age < shown {
                let what = format!("from {}: {}", taken.from, taken.reason);
                return Some(Waits::new("COMMAND TAKEN by", Loud::Worst, what).on(&taken.by).since(age));
            }
        }
    }
    let (who, at, what) = model.glass()?;
    let age = at.elapsed(now);
    (age < GLASS_SHOWN).then(|| Waits::new("GLASS BROKEN", Loud::Worst, what).on(who).since(age))
}

/// What is known at this room alone, and how much of it is provisional.
fn offline(away: &Away, model: &Model) -> Waits {
    let since = Span::between(away.since, model.now.wall);
    let kept = match away.waiting {
        0 if away.trouble.is_some() => "nothing is kept here".to_owned(),
        0 => "what you do is kept here".to_owned(),
        n => format!("{n} kept at this room only"),
    };
    if let Some((from, to)) = away.lost {
        let what =
            format!("events {from} to {to} were acknowledged and are gone; {kept}, being written back");
        return Waits::new("THE JOURNAL LOST EVENTS", Loud::Worst, what).since(since);
    }
    if let Some(why) = &away.trouble {
        let what = format!("{}; the journal is out of reach; {kept}", entry::one(why));
        return Waits::new("NOTHING IS RECORDED", Loud::Worst, what).since(since);
    }
    let lead = if away.glass > 0 { "OFFLINE, GLASS BROKEN" } else { "OFFLINE" };
    let what = match (away.back, away.glass) {
        (true, _) => format!("the journal is back: {kept}, being appended"),
        // Its age stands before it, and since when at the foot.
        (false, 0) => format!("the journal is out of reach; {kept}"),
        (false, n) => format!("{n} PROVISIONAL; {kept}"),
    };
    Waits::new(lead, Loud::Worst, what).since(since)
}

/// Why the journal is not to be believed: as this seat saw it, else as the room itself says.
fn doubt(model: &Model) -> Option<&(String, crate::domain::time::Wall)> {
    let room = || model.room.as_ref()?.anchor.as_ref().filter(|anchor| anchor.lost)?.trouble.as_ref();
    model.doubt.as_ref().or_else(room)
}

/// Where all are asked to look, until one has looked or put it aside.
fn pointed(model: &Model) -> Option<Waits> {
    let point = model.point()?;
    let age = Span::between(point.since, model.now.wall);
    let what = format!("look at {}", point.look.say(&model.state));
    Some(Waits::new("ASKED by", Loud::Notice, what).on(point.by.name.clone()).since(age).key("look"))
}

fn waiting(model: &Model) -> Option<Waits> {
    let now = &model.now;
    if let Some(asked) = pointed(model) {
        return Some(asked);
    }
    if let Some(offer) = model.open_incident().and_then(|incident| incident.handover.as_ref()) {
        let what = format!("take command, offered by {}, or decline", offer.by);
        let who = if offer.to == model.my_name() { "you" } else { offer.to.as_str() };
        let age = offer.at.elapsed(now);
        return Some(Waits::new("WAITS ON", Loud::Notice, what).on(who).since(age).key("handover"));
    }
    if let Some((walk, step, asked)) = model.asked() {
        let age = asked.at.elapsed(now);
        let late = match asked.by.within {
            Some(within) if age > within => format!(", {} late", age.minus(within).brief()),
            _ => String::new(),
        };
        let what = format!(
            "approve step {} \"{}\", asked by {}{late}",
            number(walk, &step.id),
            walk.title(step),
            asked.requester
        );
        let who = approvers(model, &asked.by.roles, &asked.requester.name);
        return Some(Waits::new("WAITS ON", Loud::Notice, what).on(who).since(age).key("approve"));
    }
    for (walk, slug, state) in model.step_states() {
        let Some(step) = walk.runbook.step(slug) else { continue };
        let named = format!("step {} \"{}\"", number(walk, slug), walk.title(step));
        let owner = state.lease.as_ref().map(|lease| lease.owner.name.clone()).unwrap_or_default();
        match state.status {
            StepStatus::Unknown => {
                let what = format!("{named} is UNKNOWN: look at the target, then take it over");
                return Some(Waits::new("WAITS ON", Loud::Worst, what).on(owner).key("take-over"));
            }
            StepStatus::Failed => {
                let block = match sequence::next(walk, step) {
                    sequence::Next::Failed(block) => format!("{} failed", block.id),
                    _ => "failed".into(),
                };
                let what = format!("{named}: {block}; again, by hand, override or undo");
                return Some(Waits::new("WAITS ON", Loud::Notice, what).on("you").key("act"));
            }
            _ => {}
        }
    }
    if let Some(paged) = paged(model) {
        return Some(paged);
    }
    if let Some(open) = proposal(model) {
        return Some(open);
    }
    if let Some(wanted) = tasks(model) {
        return Some(wanted);
    }
    if let Some(late) = late(model) {
        return Some(late);
    }
    if let Some(proposed) = proposed(model) {
        return Some(proposed);
    }
    if let Some(due) = review(model) {
        return Some(due);
    }
    let (walk, step, state) = model.running()?;
    let lease = state.lease.as_ref()?;
    let named = format!("step {} \"{}\"", number(walk, &step.id), walk.title(step));
    let at = super::StepRef { walk: walk.id, step: step.id.clone() };
    let show = model.hands.get(&at);
    if show.is_some_and(|show| show.over_time) {
        let left = show.and_then(|show| show.until).map(|until| Span::between(now.wall, until).brief());
        let what = format!("{named}: killed in {}; wait, kill or carry on", left.unwrap_or_default());
        return Some(Waits::new("WAITS ON", Loud::Notice, what).on("you").key("act"));
    }
    if show.is_some_and(|show| show.screen.is_some()) {
        let what = format!("{named} has a terminal: open it");
        return Some(Waits::new("WAITS ON", Loud::Notice, what).on(lease.owner.name.clone()).key("act"));
    }
    let detail = match show.and_then(|show| show.holding.as_ref()) {
        Some(hold) => format!(": {} for {} of {}", hold.seen, hold.held.brief(), hold.wanted.brief()),
        None => {
            show.and_then(|show| show.block.as_ref()).map(|block| format!(": {block}")).unwrap_or_default()
        }
    };
    let since = state.intent.as_ref().map_or(&lease.at, |intent| &intent.at);
    Some(
        Waits::new("RUNNING", Loud::Calm, format!("{named}{detail}"))
            .on(lease.owner.name.clone())
            .since(since.elapsed(now)),
    )
}

/// The task that waits most: a need for its owner, one that this person was given for their word, one that is over its
/// time for its owner and the commander.
pub fn pressing(model: &Model) -> Option<&Task> {
    let (now, me) = (&model.now, model.my_name());
    let commander = model.open_incident()?.commander();
    let mine = |task: &Task| task.owner.as_deref() == Some(me);
    let tasks = model.tasks();
    let first = |fits: &dyn Fn(&Task) -> bool| tasks.iter().find(|task| fits(task)).copied();
    first(&|task| task.waits_for_an_owner())
        .or_else(|| first(&|task| mine(task) && task.waits_for_acknowledgement()))
        .or_else(|| first(&|task| task.is_over(now) && (mine(task) || commander.is_none_or(|who| who == me))))
}

fn tasks(model: &Model) -> Option<Waits> {
    let task = pressing(model)?;
    let (now, me) = (&model.now, model.my_name());
    let owner = task.owner.as_deref().unwrap_or_default();
    let named = format!("{} \"{}\"", task.id, task.text);
    let (who, age, what) = if task.waits_for_an_owner() {
        let commander = model.open_incident().and_then(|incident| incident.commander());
        let what = format!("assign {named}, needed by {}", task.by);
        (commander.unwrap_or("everybody"), task.given.elapsed(now), what)
    } else if task.waits_for_acknowledgement() && owner == me {
        ("you", task.given.elapsed(now), format!("acknowledge {named}, given by {}", task.by))
    } else {
        let over = task.due().map(|due| due.elapsed(now)).unwrap_or_default();
        let (who, ways) = if owner == me {
            ("you", "report, extend or done")
        } else {
            (owner, "ask for a report, extend or reassign")
        };
        (who, over, format!("{named} is OVER: {ways}"))
    };
    Some(Waits::new("WAITS ON", Loud::Notice, what).on(who).since(age).key("tasks"))
}

/// A page that nobody has acknowledged; the one that reached nobody first.
fn paged(model: &Model) -> Option<Waits> {
    let now = &model.now;
    let open = model.state.pages.values().filter(|page| page.is_open());
    let page = open.min_by_key(|page| (!page.reached.is_empty(), page.id))?;
    let climbs = match page.climbs_at() {
        Some(at) => format!("climbs in {}", at.until(now).brief()),
        None => "at the top of its ladder".into(),
    };
    let trouble = page.reached.is_empty().then(|| {
        let mut targets = page.ladder.iter().flat_map(|rung| &rung.to);
        targets.find_map(|target| Some((target, model.state.undelivered.get(target)?)))
    });
    let (reached, loud) = match trouble {
        None => (String::new(), Loud::Notice),
        Some(None) => ("is being sent, ".to_owned(), Loud::Notice),
        Some(Some((target, why))) => (format!("has reached NOBODY ({target}: {why}), "), Loud::Worst),
    };
    let what = format!("{} {reached}{climbs}: {}", page.id, page.why);
    let asked = page.asked.elapsed(now);
    Some(Waits::new("PAGED", loud, what).on(page.who.clone()).since(asked).key("page-ack"))
}

/// An update that is late, for whoever speaks; a status poll that is late, for whoever commands.
fn late(model: &Model) -> Option<Waits> {
    let incident = model.open_incident()?;
    let now = &model.now;
    let commander = incident.commander().unwrap_or_default();
    let speaks = incident.roles.get("communications").map_or(commander, |holder| holder.who.as_str());
    let late = |beat| Some(incident.board.due(beat).filter(|due| due.reached(now))?.elapsed(now).brief());
    let waits = |who: &str, what, key| Waits::new("WAITS ON", Loud::Notice, what).on(who).key(key);
    if let Some(late) = late(Beat::Internal) {
        return Some(waits(speaks, format!("send the update that is {late} late"), "update"));
    }
    if let Some(late) = late(Beat::External) {
        return Some(waits(speaks, format!("send the external update that is {late} late"), "board"));
    }
    let late = late(Beat::Poll).filter(|_| commander == model.my_name())?;
    Some(waits(
        "you",
        format!("ask everybody how it stands: conditions, actions, needs; {late} late"),
        "board",
    ))
}

/// The oldest proposal that is open: whoever commands decides on it, everybody else is asked for objections.
fn proposal(model: &Model) -> Option<Waits> {
    let incident = model.open_incident()?;
    let open = incident.proposals.values().next()?;
    let me = model.my_name();
    let age = open.at.elapsed(&model.now);
    let against = match open.objections.len() {
        0 => "no objections".into(),
        1 => "1 OBJECTION".into(),
        n => format!("{n} OBJECTIONS"),
    };
    let (who, what) = if incident.commander().is_none_or(|who| who == me) {
        ("you", format!("decide on {} \"{}\", {against}", open.id, open.text))
    } else {
        ("everybody", format!("any strong objections to {} \"{}\"? {against}", open.id, open.text))
    };
    Some(Waits::new("WAITS ON", Loud::Notice, what).on(who).since(age).key("proposals"))
}

/// A decision whose review is due, for whoever decided it and for the commander.
fn review(model: &Model) -> Option<Waits> {
    let incident = model.open_incident()?;
    let me = model.my_name();
    let due = incident.decided.iter().find_map(|one| {
        let review = one.review.as_ref().filter(|review| review.at.reached(&model.now))?;
        Some((one, review))
    });
    let (one, review) =
        due.filter(|(one, _)| one.by == me || incident.commander().is_none_or(|who| who == me))?;
    let what = format!("review {} \"{}\": does it still stand?", one.id, one.text);
    let late = review.at.elapsed(&model.now);
    Some(Waits::new("WAITS ON", Loud::Notice, what).on("you").since(late).key("proposals"))
}

/// How long after the declaration the matrix's proposal stands in the line; later it is in the way.
const PROPOSED_FOR: Span = Span::mins(10);

/// Whom the severity matrix proposes to page.
fn proposed(model: &Model) -> Option<Waits> {
    let incident = model.open_incident()?;
    if incident.declared.elapsed(&model.now) > PROPOSED_FOR {
        return None;
    }
    let who =
        page::proposed(&model.state, incident.id, incident.severity, &incident.services, PageWhen::Propose);
    let what = format!("page {}: {} proposes it", who.first()?, incident.severity);
    Some(Waits::new("next", Loud::Notice, what).key("page"))
}

fn approvers(model: &Model, roles: &[String], requester: &str) -> String {
    let held = model.incident().map(|incident| &incident.roles);
    let who: Vec<&str> = roles
        .iter()
        .filter_map(|short| held.and_then(|held| held.get(approval::role(short))))
        .map(|holder| holder.who.as_str())
        .filter(|who| *who != requester)
        .collect();
    match (who.is_empty(), roles.is_empty()) {
        (false, _) => who.join(", "),
        (true, true) => "anybody else".into(),
        (true, false) => format!("another {}", roles.join(" or ")),
    }
}

fn next_step(model: &Model) -> Option<Waits> {
    let walk = model.walk().filter(|walk| walk.ended.is_none())?;
    let step = walk.current()?;
    let named = format!("step {} \"{}\"", number(walk, &step.id), walk.title(step));
    let what = match (&step.lead, step.risk()) {
        (Some(Lead::Decide(_)), _) => format!("{named}: choose"),
        (Some(Lead::Confirm(_)), _) => format!("{named}: confirm"),
        (Some(Lead::Wait(Some(span))), _) => {
            format!("{named}: {} left", walk.at_since.plus(*span).until(&model.now).brief())
        }
        (_, Risk::Irreversible) => format!("{named}, cannot be taken back"),
        (_, Risk::High) => format!("{named}, high risk"),
        _ => named,
    };
    Some(Waits::new("next", Loud::Calm, what).key("act"))
}

fn next(model: &Model) -> Waits {
    let Some(incident) = model.incident() else {
        if let Some(breach) = model.state.first_breach() {
            let what = format!(
                "{} {} since {}: declare it",
                breach.panel,
                breach.seen,
                minute_utc(breach.since.wall)
            );
            return Waits::new("WRONG", Loud::Notice, what).key("declare");
        }
        if let Some(next) = next_step(model) {
            return next;
        }
        return Waits::new("calm", Loud::Calm, "nothing is declared");
    };
    if let Some(next) = next_step(model) {
        return next;
    }
    match incident.status {
        Status::Resolved => {
            let (_, owed) = model.deviations();
            let due =
                incident.review_due.as_ref().map(|due| due.until(&model.now).brief()).unwrap_or_default();
            let owed = if owed > 0 { format!(", {owed} reasons owed") } else { String::new() };
            Waits::new("next", Loud::Calm, format!("the post-mortem, due in {due}{owed}")).key("post-mortem")
        }
        Status::Closed => Waits::new("closed", Loud::Calm, "nothing is owed any more"),
        _ if incident.clocks.recovered.is_some() => {
            Waits::new("next", Loud::Calm, "recovery held: set the status to resolved").key("status")
        }
        _ if incident.clocks.first_good.is_some() => {
            let held = incident.clocks.first_good.as_ref().map(|mark| mark.at.elapsed(&model.now));
            let hold = model.state.policy.recovery_hold;
            let what = format!("good for {} of {}", held.unwrap_or_default().brief(), hold.brief());
            Waits::new("HOLDING", Loud::Calm, what)
        }
        _ if model.walk().is_none() => {
            Waits::new("next", Loud::Calm, "start a runbook, or say what is known").key("walk")
        }
        _ => Waits::new("next", Loud::Calm, "recovery must hold; then resolve").key("status"),
    }
}
