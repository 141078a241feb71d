//! Frames from the room.

use super::{Effect, draft, presence};
use crate::{
    domain::{
        Command, Event, Fact, Seq,
        conflict::ConflictFact,
        deviation::{DeviationFact, DeviationKind},
        glass::GlassFact,
        handover::{HandoverCommand, HandoverFact},
        policy::NOBODY_COMMANDS,
        time::Span,
        walk::{self, StepStatus, WalkFact},
    },
    seat::model::{
        Conn, HandShow, Layer, Model, StepRef, Tone, find,
        layer::Act,
        pending::{For, Then},
        timeline::PAGE,
    },
    wire::{Ask, FromRoom, HandSays, Outcome, RoomStatus, ToRoom, Told},
};

/// Who comes back sooner remembers where they were.
const INTERRUPTED: Span = Span::secs(30);

/// A frame came.
pub fn frame(model: &mut Model, frame: FromRoom) -> Vec<Effect> {
    let now = model.now.clone();
    if let Conn::Up { heard, asked } = &mut model.conn {
        *heard = now.clone();
        *asked = None;
    }
    match frame {
        FromRoom::Hello { you, groups, room, seat, .. } => {
            let back = matches!(model.conn, Conn::Down { .. });
            model.conn = Conn::Up { heard: now, asked: None };
            model.pending.forget_asks();
            model.me = Some(you);
            model.seat = seat;
            model.told = None;
            // Connections have other numbers now.
            model.leader = None;
            model.groups = groups;
            let witness = witness(model, &room);
            model.room = Some(room);
            if back {
                model.say(Tone::Done, "the room is back");
            }
            // The same names: what was done already is not done twice.
            let again: Vec<_> = model
                .pending
                .commands()
                .map(|(id, command, glass)| {
                    Effect::Send(ToRoom::Do { id, command: command.clone(), glass: glass.cloned() })
                })
                .collect();
            witness.into_iter().chain(again).collect()
        }
        FromRoom::Snapshot { state, live } => {
            model.state = *state;
            model.live = *live;
            let first = !std::mem::replace(&mut model.loaded, true);
            if first {
                come_back(model);
                if let Some(why) = model.passed_over.clone() {
                    model.say(Tone::Wrong, why);
                } else if model.state.policy.leaves_command_to_nobody() {
                    model.say(Tone::Info, NOBODY_COMMANDS);
                }
            }
            if model.ui.seen.get() == 0 || model.ui.seen.get() > model.state.head {
                model.ui.seen.set(model.state.head);
            }
            retell(model)
        }
        FromRoom::Live(live) => {
            model.live = *live;
            model.loaded = true;
            Vec::new()
        }
        FromRoom::Event(event) => {
            happened(model, &event);
            Vec::new()
        }
        FromRoom::Delta(delta) => {
            model.live.apply(&delta);
            Vec::new()
        }
        FromRoom::Done { id, outcome } => match model.pending.done(id) {
            Some((_, then)) => done(model, then, outcome),
            None => Vec::new(),
        },
        FromRoom::Told { n, told } => told_(model, n, told),
        FromRoom::Hand { at, says } => {
            let over = says == HandSays::Over;
            model.hands.entry(at.clone()).or_default().hear(says, &now);
            if over {
                close_terminal(model, &at);
            }
            Vec::new()
        }
        FromRoom::Room(room) => {
            let witness = witness(model, &room);
            room_is(model, room);
            witness.into_iter().chain(presence::follow(model)).collect()
        }
        FromRoom::Here(here) => presence::moved(model, here),
        FromRoom::Refused { refusal, .. } => {
            model.say(Tone::Wrong, refusal.to_string());
            Vec::new()
        }
        // Parts are put together before they come here.
        FromRoom::Steer(_) | FromRoom::Ignored(_) | FromRoom::Bye { .. } | FromRoom::Part { .. } => {
            Vec::new()
        }
    }
}

/// Says where one was, after an interruption.
fn come_back(model: &mut Model) {
    let stood =
        model.walk().filter(|walk| walk.at_since.elapsed(&model.now) >= INTERRUPTED).and_then(|walk| {
            let step = walk.current()?;
            let named =
                format!("{}: step {} \"{}\"", walk.id, find::number(walk, &step.id), walk.title(step));
            walk::whereabouts(walk, &named, &model.now)
        });
    if let Some(stood) = stood {
        model.say(Tone::Info, stood);
    }
}

fn room_is(model: &mut Model, room: RoomStatus) {
    let known = model.room.as_ref().and_then(|room| room.point.as_ref()).map(|point| point.until);
    model.room = Some(room);
    presence::pointed(model, known);
}

/// A checkpoint that this seat has not looked at yet.
fn witness(model: &Model, room: &RoomStatus) -> Option<Effect> {
    let before = model.room.as_ref().and_then(|room| room.anchor.as_ref()).and_then(|one| one.note.as_ref());
    let now = room.anchor.as_ref().filter(|one| one.note.is_some() && one.note.as_ref() != before)?;
    Some(Effect::Witness(now.clone()))
}

fn close_terminal(model: &mut Model, at: &StepRef) {
    model.layers.retain(|layer| !matches!(layer, Layer::Terminal(open) if open == at));
}

/// The connection is lost, or could not be made.
pub fn lost(model: &mut Model, why: &str, retry_in: Span, other_wire: bool) {
    let now = model.now.clone();
    let (since, tries) = match &model.conn {
        Conn::Down { since, tries, .. } => (since.clone(), tries + 1),
        Conn::Connecting { since } => (since.clone(), 1),
        Conn::Up { .. } => (now.clone(), 1),
    };
    for ask in model.pending.waiting(For::Timeline) {
        if let Ask::Events { from, limit, .. } = ask {
            model.timeline.doubt(from.saturating_add(*limit as u64));
        }
    }
    model.pending.forget_asks();
    let why = crate::domain::text::line(why).into_owned();
    model.conn = Conn::Down { since, retry: now.plus(retry_in), tries, why, other_wire };
}

/// After another state came: the timeline is asked for from its newest events back.
fn retell(model: &mut Model) -> Vec<Effect> {
    let head = model.state.head;
    let from = head.saturating_sub(PAGE as u64 - 1).max(1);
    model.timeline.settle(from, head);
    model.draft.complete = false;
    let mut effects = model.ask(Ask::Events { from, limit: PAGE, incident: None }, For::Timeline);
    effects.extend(draft::more(model));
    effects
}

/// Something happened.
fn happened(model: &mut Model, event: &Event) {
    if event.seq <= model.state.head && model.state.head > 0 {
        model.timeline.add(event, &model.state);
        return;
    }
    model.state.apply(event);
    model.loaded = true;
    model.timeline.add(event, &model.state);
    // Behind a gap it would hide what is still being read.
    if model.draft.complete && !event.is_provisional() {
        model.draft.add(event);
    }
    match &event.fact {
        Fact::Walk(fact) => walked(model, event, fact),
        Fact::Handover(fact) => handed(model, event, fact),
        Fact::Conflict(ConflictFact::Found { .. }) => {
            model.say(Tone::Wrong, crate::domain::tell::line(event));
        }
        Fact::Deviation(DeviationFact::Recorded { what, text, .. })
            if event.is_provisional() && what.kind == DeviationKind::BrokenGlass =>
        {
            let words = format!("GLASS BROKEN by {}, PROVISIONAL: {}: {text}", event.actor.name, what.actual);
            model.say(Tone::Wrong, words);
        }
        Fact::Glass(GlassFact::Broken { power, reason, .. }) => {
            let what = format!("GLASS BROKEN by {}: took the power to {power}: {reason}", event.actor.name);
            model.say(Tone::Wrong, what);
        }
        _ => {}
    }
}

/// Command on its way is said at every seat, and to whom it matters by name.
fn handed(model: &mut Model, event: &Event, fact: &HandoverFact) {
    let who = event.actor.name.clone();
    let me = model.my_name().to_owned();
    match fact {
        HandoverFact::Proposed { to, .. } if *to == me => {
            model.say(Tone::Info, format!("{who} offers you command: H shows the briefing and takes it"));
        }
        HandoverFact::Proposed { .. } | HandoverFact::Withdrawn { .. } => {}
        HandoverFact::Accepted { .. } => model.say(Tone::Done, format!("{who} has command")),
        HandoverFact::Declined { reason, .. } => {
            model.say(Tone::Wrong, format!("{who} declines command: {reason}"));
        }
        HandoverFact::Lapsed { .. } => {
            model.say(Tone::Wrong, "nobody answered the offer of command; it is where it was");
        }
        HandoverFact::Taken { from, reason, .. } => {
            let from = if *from == me { "you" } else { from };
            model.say(Tone::Wrong, format!("{who} TOOK COMMAND from {from}: {reason}"));
        }
    }
    // What lies open about an offer that was answered would answer nothing.
    let stale = |layer: &Layer| {
        matches!(layer, Layer::Confirm(confirm) if matches!(&confirm.act,
            Act::Do(command, _) if matches!(**command, Command::Handover(HandoverCommand::Accept { .. }))))
    };
    if !matches!(fact, HandoverFact::Proposed { .. }) {
        model.layers.retain(|layer| !stale(layer));
    }
}

fn walked(model: &mut Model, event: &Event, fact: &WalkFact) {
    let at = |step: &String| StepRef { walk: fact.walk(), step: step.clone() };
    match fact {
        // A new attempt begins with an empty output.
        WalkFact::Lent { step, .. } => {
            model.hands.insert(at(step), HandShow::default());
        }
        WalkFact::Moved { walk, .. } if model.walk_id() == Some(*walk) => {
            // Where one followed the walk, one goes on following it.
            model.ui.step = None;
            model.ui.output_back = 0;
        }
        WalkFact::BlockEnded { step, .. }
        | WalkFact::StepDone { step, .. }
        | WalkFact::Lost { step, .. }
        | WalkFact::TakenOver { step, .. } => {
            let at = at(step);
            if let Some(hand) = model.hands.get_mut(&at) {
                hand.holding = None;
                hand.screen = None;
            }
            close_terminal(model, &at);
        }
        WalkFact::Approved { glass: true, .. } => {
            model
                .say(Tone::Wrong, format!("GLASS BROKEN by {}: a step was approved alone", event.actor.name));
        }
        _ => {}
    }
    let approved = |layer: &Layer| match layer {
        Layer::Approval(open) => model.state.walks.get(&open.at.walk).is_none_or(|walk| {
            walk.state(&open.at.step).asked.is_none_or(|asked| asked.digest != open.digest)
        }),
        _ => false,
    };
    if model.layers.iter().any(approved) {
        let mut layers = std::mem::take(&mut model.layers);
        layers.retain(|layer| !approved_now(model, layer));
        model.layers = layers;
        model.say(Tone::Info, "what was to be approved was answered or has changed");
    }
}

fn approved_now(model: &Model, layer: &Layer) -> bool {
    let Layer::Approval(open) = layer else { return false };
    let Some(walk) = model.state.walks.get(&open.at.walk) else { return true };
    let state = walk.state(&open.at.step);
    state.status != StepStatus::Lent || state.asked.is_none_or(|asked| asked.digest != open.digest)
}

fn done(model: &mut Model, then: Then, outcome: Outcome) -> Vec<Effect> {
    match outcome {
        Outcome::Ok { made, offline, .. } => match then {
            Then::Say(words) => {
                let words = if offline { format!("{words} (OFFLINE: at this room only)") } else { words };
                let made = if made.is_empty() { String::new() } else { format!("  {}", made.join(" ")) };
                model.say(Tone::Done, format!("{words}{made}"));
                Vec::new()
            }
            Then::Hand { walk, step, hand } => vec![Effect::SpawnHand { walk, step, hand }],
            Then::Close(given) => crate::seat::command::act::close::next(model, Some(given)),
            Then::Act => crate::seat::command::invoke(model, crate::seat::command::Call::of("act")),
            Then::Walk => {
                model.ui.walk =
                    made.iter().find_map(|name| name.starts_with("RUN").then(|| name.parse().ok()).flatten());
                model.ui.step = None;
                model.ui.focus_on(crate::seat::model::Pane::Runbook);
                model.say(Tone::Done, "the walk began; Enter acts on its open step");
                Vec::new()
            }
        },
        Outcome::Refused(refusal) => {
            model.say(Tone::Wrong, refusal.to_string());
            Vec::new()
        }
        Outcome::Failed { why } => {
            model.say(Tone::Wrong, format!("not done, nothing happened: {why}"));
            Vec::new()
        }
    }
}

/// The rest of what was asked for the timeline, where large events filled the page before.
fn further(model: &mut Model, asked: &Ask, next: Option<Seq>) -> Vec<Effect> {
    let (Ask::Events { from, limit, .. }, Some(next)) = (asked, next) else { return Vec::new() };
    let end = from.saturating_add(*limit as u64);
    if next <= *from || next >= end {
        return Vec::new();
    }
    let limit = usize::try_from(end - next).unwrap_or(PAGE);
    model.ask(Ask::Events { from: next, limit, incident: None }, For::Timeline)
}

fn told_(model: &mut Model, n: u64, told: Told) -> Vec<Effect> {
    let Some((purpose, ask)) = model.pending.told(n) else { return Vec::new() };
    match (purpose, told) {
        (_, Told::Status(room)) => {
            room_is(model, *room);
            Vec::new()
        }
        (For::Timeline, Told::Events { events, next }) => {
            if events.is_empty() {
                model.timeline.from_start = true;
            }
            for event in &events {
                model.timeline.add(event, &model.state);
            }
            further(model, &ask, next)
        }
        (For::Draft, Told::Events { events, next }) => {
            for event in &events {
                model.draft.add(event);
            }
            model.draft.read = next.unwrap_or(model.draft.read);
            model.draft.complete = next.is_none();
            model.draft.dirty = true;
            let mut effects = draft::more(model);
            effects.extend(draft::refresh(model));
            effects
        }
        (For::Point(on), Told::Yes) => {
            let say = if on {
                "all are asked to look here, for two minutes"
            } else {
                "nobody is asked to look any more"
            };
            model.say(Tone::Done, say);
            Vec::new()
        }
        (_, Told::No(refusal)) => {
            model.say(Tone::Wrong, refusal.to_string());
            Vec::new()
        }
        _ => Vec::new(),
    }
}
