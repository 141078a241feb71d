//! Clients as they come, speak and go, and what all of them are sent.

use super::{
    conn::{ConnId, FromConn},
    hands, load,
    others::Others,
    outbox::Outbox,
    presence,
    serve::{Reply, Room, Seat, Waiting},
};
use crate::{
    domain::{
        Command, Refusal, State,
        actor::Actor,
        limits,
        note::NoteCommand,
        permissions::{Client, Principal},
        power::Groups,
        refusal::Code,
        state::FOLD,
    },
    os::clock,
    signal::Shows,
    wire::{
        As, FRAME_MAX, Finished, FromRoom, ONE_FRAME_MAX, Outcome, RoomStatus, ToRoom, Told, WIRE, encode,
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

/// Published bytes that are gathered before they go out, whatever else the loop has to do.
const TURN_MAX: usize = 64 * 1024;

/// Bytes of long snapshots of different times that are held at most for those who read them; the newest always is.
const SNAPSHOTS_MAX: usize = 256 * 1024 * 1024;

/// Connections of one user at most.
const CONNS_MAX: usize = 256;

impl Seat {
    /// Who asks through it.
    pub(super) fn principal(&self) -> Principal<'_> {
        let client = match self.role {
            As::Seat => Client::Seat,
            As::Script => Client::Script,
            As::Hand => Client::Hand,
        };
        Principal {
            actor: &self.who,
            groups: &self.groups,
            client,
            read_only: self.read_only,
            hand: self.hand,
            is_owner: self.who.uid.is_some_and(|uid| uid == 0 || uid == crate::os::peer::my_uid()),
        }
    }
}

impl Room {
    pub(super) fn hear(&mut self, id: ConnId, from: FromConn) {
        match from {
            FromConn::Joined { uid, name, groups, hello, outbox } => {
                self.join(id, (uid, name, groups), hello, outbox);
            }
            FromConn::Says(frame, large) => {
                self.large = large;
                self.frame(id, frame);
                self.large = None;
            }
            FromConn::LookedUp { id: command, found } => self.looked_up(id, command, found),
            FromConn::Behind => self.catch_up_with(id),
            FromConn::Left => {
                self.hands.left(id);
                if self.seats.remove(&id).is_some_and(|seat| seat.role != As::Script) {
                    self.publish_status();
                }
            }
        }
    }

    pub(super) fn join(
        &mut self,
        id: ConnId,
        (uid, name, groups): (u32, String, Groups),
        hello: ToRoom,
        outbox: Arc<Outbox>,
    ) {
        let ToRoom::Hello { wire, fold, role, live, claimed, read_only, shows, parts } = hello else {
            return;
        };
        let refuse = |why, say: String| {
            outbox.reply(encode(&FromRoom::Bye { why, say }));
            outbox.close();
        };
        if wire != WIRE {
            let newer = if wire < WIRE {
                "the room is newer: restart this program"
            } else {
                "the room is older: restart the room"
            };
            refuse(Finished::OtherWire, format!("this room speaks wire {WIRE}, you speak {wire}; {newer}"));
            return;
        }
        if self.seats.values().filter(|seat| seat.who.uid == Some(uid)).count() >= CONNS_MAX {
            refuse(Finished::TooMany, format!("{name} has {CONNS_MAX} connections already; close some"));
            return;
        }
        let claimed = claimed.map(|claim| crate::domain::text::line(&claim).chars().take(200).collect());
        let who = Actor { claimed, ..Actor::user(name, uid) };
        // Only those that decide something: what other groups somebody is in is nobody's business here.
        let named = self.shown().read(|state| state.policy.groups());
        let groups: Groups = Arc::new(groups.intersection(&named).cloned().collect());
        self.flush();
        let since = clock::now().wall;
        let active = presence::fresh(role, since);
        let seat = Seat {
            who: who.clone(),
            groups: groups.clone(),
            role,
            live,
            fold,
            shows: Arc::new(shows.bounded()),
            since,
            outbox,
            read_only,
            parts,
            hand: None,
            here: None,
            active,
        };
        let hello =
            FromRoom::Hello { wire: WIRE, fold: FOLD, you: who, groups, room: self.status(), seat: id };
        seat.outbox.reply(encode(&hello));
        self.seats.insert(id, seat);
        if live {
            self.send_snapshot(id);
        }
        if role != As::Script {
            self.publish_status();
        }
    }

    /// Everything, in place of whatever waits for this client: where it holds the same fold the state and what is live,
    /// else what is live. Encoded once for all who want the same before anything changes.
    pub(super) fn send_snapshot(&mut self, id: ConnId) {
        self.publish_live();
        let Some((same, shows)) = self.seats.get(&id).map(|seat| (seat.fold == FOLD, seat.shows.clone()))
        else {
            return;
        };
        let known = self.snapshots.get(&(same, shows.clone())).cloned();
        let bytes = known.unwrap_or_else(|| {
            let live = Box::new(shows.live(self.watch.live()).into_owned());
            let frame = if same {
                FromRoom::Snapshot { state: Box::new(self.shown().read(State::clone)), live }
            } else {
                FromRoom::Live(live)
            };
            let bytes: Arc<[u8]> = encode(&frame).into();
            if same && bytes.len() != self.state_bytes {
                let was = std::mem::replace(&mut self.state_bytes, bytes.len());
                let is_large = |bytes| bytes > limits::STATE_LARGE;
                self.status_due |= is_large(was) != is_large(bytes.len());
            }
            self.snapshots.insert((same, shows), bytes.clone());
            bytes
        });
        self.hold_snapshots(&bytes);
        let Some(seat) = self.seats.get(&id) else { return };
        if !seat.parts && bytes.len() > FRAME_MAX {
            let why = Finished::OtherWire;
            let mib = bytes.len() / 1024 / 1024;
            let say = format!("the room's state has {mib} MiB and this program takes no parts: restart it");
            seat.outbox.reply(encode(&FromRoom::Bye { why, say }));
            seat.outbox.close();
            return;
        }
        seat.outbox.snapshot(bytes, seat.parts);
        for (at, says) in self.hands.shown() {
            seat.outbox.reply(encode(&FromRoom::Hand { at: at.clone(), says: says.clone() }));
        }
    }

    /// Long snapshots of different times are held for those who read them slowly: beyond a bound the oldest is let go,
    /// with who reads it.
    fn hold_snapshots(&mut self, bytes: &Arc<[u8]>) {
        if bytes.len() <= ONE_FRAME_MAX {
            return;
        }
        let mut held: Vec<_> = self.long.iter().filter_map(Weak::upgrade).collect();
        if held.iter().all(|one| !Arc::ptr_eq(one, bytes)) {
            held.push(bytes.clone());
        }
        let mut total: usize = held.iter().map(|one| one.len()).sum();
        let mut kept = held.into_iter().collect::<std::collections::VecDeque<_>>();
        while total > SNAPSHOTS_MAX && kept.len() > 1 {
            let Some(oldest) = kept.pop_front() else { break };
            total = total.saturating_sub(oldest.len());
            for seat in self.seats.values() {
                if seat.outbox.snapshot_on_its_way().is_some_and(|whole| Arc::ptr_eq(&whole, &oldest)) {
                    let say =
                        "the room's state is large and this client reads it too slowly; connect again".into();
                    seat.outbox.close();
                    seat.outbox.last_word(encode(&FromRoom::Bye { why: Finished::TooMany, say }));
                }
            }
        }
        self.long = kept.iter().map(Arc::downgrade).collect();
    }

    /// A client shows something else from now on. Where that is more than before, it gets it at once and whole.
    fn show(&mut self, id: ConnId, shows: Shows) {
        self.publish_live();
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.live) else { return };
        let shows = shows.bounded();
        let more = !seat.shows.covers(&shows);
        seat.shows = Arc::new(shows);
        if more {
            let live = Box::new(seat.shows.live(self.watch.live()).into_owned());
            let frame = encode(&FromRoom::Live(live));
            if frame.len() > ONE_FRAME_MAX {
                // Whole, and what is live in it: what was published before is in it too.
                self.send_snapshot(id);
            } else {
                seat.outbox.reply(frame);
            }
        }
    }

    /// A client that missed frames is told everything anew, and how the room is: it may have missed that too.
    fn catch_up_with(&mut self, id: ConnId) {
        self.send_snapshot(id);
        if let Some(seat) = self.seats.get(&id) {
            seat.outbox.reply(encode(&FromRoom::Room(self.status())));
        }
    }

    /// What a client sends. Whether it may stands in [`ToRoom::requires`], for every frame.
    pub(super) fn frame(&mut self, id: ConnId, frame: ToRoom) {
        let Some(seat) = self.seats.get(&id) else { return };
        let (who, groups) = (seat.who.clone(), seat.groups.clone());
        let now = clock::now();
        let may = self.shown().read(|state| {
            let (requirement, who) = (frame.requires(state), seat.principal());
            match &frame {
                // It is looked up before it is decided, and nobody is looked up for in vain.
                ToRoom::Do { command: Command::Note(NoteCommand::Erase { .. }), .. } => {
                    requirement.check(state, &who, &now)
                }
                ToRoom::Do { .. } => requirement.check_at_the_door(state, &who, &now),
                _ => requirement.check(state, &who, &now),
            }
        });
        if let Err(refusal) = may {
            return self.refuse(id, &frame, refusal);
        }
        match frame {
            ToRoom::Hello { .. } => {}
            ToRoom::Show(shows) => self.show(id, shows),
            ToRoom::Here(here) => self.is_here(id, here),
            ToRoom::Do {
                id: command_id,
                command: Command::Note(NoteCommand::Erase { seq, reason, .. }),
                ..
            } if !self.is_away() => {
                self.look_up(id, command_id, seq, reason);
            }
            ToRoom::Do { id: command_id, command, glass } => {
                let read = self.shown().read(|state| match self.seats.get(&id) {
                    Some(seat) => load::read(state, &seat.principal(), command),
                    None => Ok(command),
                });
                let command = match read {
                    Ok(command) => command,
                    Err(refusal) => {
                        return self.answer(Waiting::Conn(id, command_id), Outcome::Refused(refusal));
                    }
                };
                if let Some(hand) = hands::speaks_for(&command)
                    && self.seats.get(&id).is_some_and(|seat| seat.role == As::Hand)
                {
                    self.hands.claim(id, command_id, hand);
                }
                let waiting = Waiting::Conn(id, command_id);
                let outcome = self.submit_under((&who, &groups), command_id, &command, waiting, glass);
                if let Some(outcome) = outcome {
                    self.answer(Waiting::Conn(id, command_id), outcome);
                }
            }
            ToRoom::Ask { n, ask } => self.ask(id, &who, n, ask),
            ToRoom::Cancel { n } => {
                if let Some(seat) = self.seats.get(&id) {
                    self.replies.retain(|reply| reply.conn != id || reply.n != Some(n));
                    seat.outbox.cancel(n);
                }
            }
            ToRoom::Hand { at, hand, says } => self.hand_says(at, hand, says),
            ToRoom::Steer { ref at, ref steer } => {
                if let Err(refusal) = self.steer(at, steer.clone()) {
                    self.refuse(id, &frame, refusal);
                }
            }
        }
    }

    /// Tells a client that it may not, in the way in which it waits to be told.
    fn refuse(&mut self, id: ConnId, frame: &ToRoom, refusal: Refusal) {
        match frame {
            ToRoom::Do { id: command, .. } => {
                self.answer(Waiting::Conn(id, *command), Outcome::Refused(refusal));
            }
            ToRoom::Ask { n, .. } => self.tell(id, *n, Told::No(refusal)),
            ToRoom::Steer { .. } => {
                self.reply(id, &FromRoom::Refused { frame: "steer".into(), refusal });
            }
            // What is only shown is not answered: a flood of it would be answered with a flood.
            ToRoom::Hello { .. }
            | ToRoom::Show(_)
            | ToRoom::Here(_)
            | ToRoom::Hand { .. }
            | ToRoom::Cancel { .. } => {}
        }
    }

    /// To every live client: encoded once, and sent with what else comes before the room's pace lets it go.
    pub(super) fn publish(&mut self, frame: &FromRoom) {
        self.snapshots.clear();
        if self.seats.values().any(|seat| seat.live) {
            self.turn.extend_from_slice(&encode(frame));
            if self.turn.len() >= TURN_MAX {
                self.flush();
            }
        }
    }

    /// Sends what waits where its time has come; says whether nothing waits any more.
    pub(super) fn flush_when_due(&mut self) -> bool {
        let due = self.turn.is_empty() || tokio::time::Instant::now() >= self.pace.due();
        if due {
            self.flush();
        }
        due
    }

    /// Sends what was published, then what was answered, so that nobody hears of an outcome before the event that it is
    /// of.
    pub(super) fn flush(&mut self) {
        if !self.turn.is_empty() {
            let bytes: Arc<[u8]> = std::mem::take(&mut self.turn).into();
            let mut seats = 0;
            for seat in self.seats.values().filter(|seat| seat.live) {
                seat.outbox.publish(&bytes);
                seats += 1;
            }
            self.pace.sent(tokio::time::Instant::now(), seats);
        }
        for Reply { conn, n, frame } in self.replies.drain(..) {
            let Some(seat) = self.seats.get(&conn) else { continue };
            match n {
                Some(n) => {
                    if seat.outbox.answer(n, frame, seat.parts) {
                        seat.outbox.told();
                    }
                }
                None => seat.outbox.reply(frame),
            }
        }
    }

    /// An answer to one client, behind what was published.
    pub(super) fn reply(&mut self, conn: ConnId, frame: &FromRoom) {
        self.replies.push(Reply { conn, n: None, frame: encode(frame) });
    }

    pub(super) fn publish_live(&mut self) {
        self.flush();
        let Some(delta) = self.watch.take_delta() else { return };
        self.snapshots.clear();
        let mut encoded: BTreeMap<Arc<Shows>, Option<Arc<[u8]>>> = BTreeMap::new();
        for seat in self.seats.values().filter(|seat| seat.live) {
            let bytes = encoded.entry(seat.shows.clone()).or_insert_with(|| {
                let delta = seat.shows.delta(&delta)?;
                Some(encode(&FromRoom::Delta(Box::new(delta.into_owned()))).into())
            });
            if let Some(bytes) = bytes {
                seat.outbox.publish(bytes);
            }
        }
    }

    /// Tells the seats how the room is, with whatever else changes of it in a moment: two hundred seats that come back
    /// at once are one change.
    pub(super) fn publish_status(&mut self) {
        self.status_due = true;
        if let Some(others) = &mut self.others {
            others.due = true;
        }
    }

    pub(super) fn status(&self) -> RoomStatus {
        let now = clock::now();
        let (head, hash, drill) = self.core.read(|state| (state.head, state.hash, state.room.drill.clone()));
        let own = self.seats.iter().map(|(id, seat)| self.presence(*id, seat, &now));
        let theirs = self.others.iter().flat_map(Others::here);
        let point = self.others.as_ref().and_then(|others| others.point(now.wall)).into_iter();
        let point = point.chain(&self.point).max_by_key(|point| point.since);
        RoomStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            host: self.host.clone(),
            ssh: self.ssh.clone(),
            private: self.owner.is_some(),
            drill,
            place: self.journal.place(),
            journal: self.journal_state.clone(),
            head,
            hash,
            here: own.chain(theirs).collect(),
            gate: self.gate_at.clone(),
            gate_trouble: self.gate_trouble.clone(),
            slow: self.slow,
            newer: self.shown().read(|state| state.newer.clone()),
            since: self.since,
            audit: self.audit_views(),
            silent: self.silent.as_ref().map(|silent| silent.borrow().clone()).unwrap_or_default(),
            anchor: self.anchor(),
            point: point.cloned().map(Box::new),
            rooms: self.room_views(),
            replicated: self.journal.is_replicated(),
            away: self.away_view(),
            no_spool: self.no_spool.clone(),
            missing: self.missing.clone(),
            large: (self.state_bytes > limits::STATE_LARGE).then_some(self.state_bytes as u64),
        }
    }

    pub(super) fn tell(&mut self, conn: ConnId, n: u64, told: Told) {
        let Some(seat) = self.seats.get(&conn) else { return };
        let mut frame = encode(&FromRoom::Told { n, told });
        if !seat.parts && frame.len() > FRAME_MAX {
            let mib = frame.len() / 1024 / 1024;
            let why = format!("the answer has {mib} MiB, and this client takes no parts");
            let told = Told::No(Refusal::new(Code::Invalid, why).hint("say \"parts\":true in the hello"));
            frame = encode(&FromRoom::Told { n, told });
        }
        self.replies.push(Reply { conn, n: Some(n), frame });
    }
}
