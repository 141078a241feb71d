//! Questions and their answers; what takes time is answered later, never waited for.

use super::{
    conn::ConnId,
    serve::{Room, Waiting},
};
use crate::{
    domain::{
        Command, CommandId, Refusal, State,
        actor::Actor,
        gate::{self, Answer},
        power::Groups,
        refusal::Code,
        time::Stamp,
        walk,
    },
    journal::{Journal, chain},
    os::clock,
    wire::{Ask, Sealed, Told},
};
use std::{fmt::Write as _, io};
use tokio::time::Instant;
use uuid::Uuid;

/// Events that one question is answered with at most.
const PAGE: usize = 2_000;
/// Bytes of events that one question is answered with at most; one event that is larger comes alone. Far below
/// [`crate::wire::FRAME_MAX`], so that other answers come in between.
const PAGE_BYTES: usize = 1024 * 1024;
/// Events that are read at once: the first, and most of those that follow.
const FIRST: usize = 64;
const PIECE: usize = 512;

/// What a source is asked.
struct Question<'a> {
    lang: &'a str,
    code: &'a str,
    source: Option<&'a str>,
}

impl Room {
    /// Whether somebody wrote this question down who may: the room asks with its own user's rights, so that nobody else
    /// makes it ask what they like. Its owner could ask without it.
    fn is_named(&self, id: ConnId, question: &Question<'_>) -> bool {
        let Some(seat) = self.seats.get(&id) else { return false };
        let who = seat.principal();
        if who.is_owner {
            return true;
        }
        let readiness = self.asks.services.values().flat_map(|service| &service.readiness);
        let mut readiness = readiness.map(|check| (&check.lang, &check.code, check.source.as_deref()));
        if readiness
            .any(|named| named == (&question.lang.to_owned(), &question.code.to_owned(), question.source))
        {
            return true;
        }
        self.shown().read(|state| {
            let Some((walk, step)) = who.hand.and_then(|hand| walk::lent_step(state, hand)) else {
                return false;
            };
            step.blocks.iter().any(|block| {
                block.is_query()
                    && block.lang == question.lang
                    && block.source.as_deref() == question.source
                    && walk.will_run(step, block).is_ok_and(|code| code == question.code)
            })
        })
    }

    pub(super) fn ask(&mut self, id: ConnId, who: &Actor, n: u64, ask: Ask) {
        let told = match ask {
            Ask::Gate(request) => {
                let request = match self.shown().read(|state| request.checked(state)) {
                    Ok(request) => request,
                    Err(refusal) => return self.tell(id, n, Told::No(refusal)),
                };
                let now = clock::now();
                let answer = self.gate_answer(&request, &now);
                self.gate_answered(who, &request, &answer, &now);
                Told::Gate(answer)
            }
            Ask::State => Told::State(Box::new(self.shown().read(State::clone))),
            Ask::Status => Told::Status(Box::new(self.status())),
            // The journal cannot be asked; what is not in it can.
            Ask::Events { from, incident, .. } if self.is_away() && self.has_kept(from) => {
                self.tell_kept(from, incident)
            }
            Ask::Events { from, limit, incident } => {
                let (journal, told) = (self.readable(), self.told.clone());
                // What the mirror has beyond is not what is shown: those numbers are of what is kept here.
                let end = self.is_away().then(|| self.core.durable_head().seq);
                let limit = end.map_or(limit, |end| {
                    limit.min(usize::try_from(end + 1 - from.min(end)).unwrap_or(limit))
                });
                let turn = self.lookups.clone().acquire_owned();
                tokio::spawn(async move {
                    let _turn = turn.await;
                    let mut events = page(journal.as_ref(), from, limit, incident).await;
                    if let Some(end) = end {
                        go_on(&mut events, journal.as_ref(), from, end).await;
                    }
                    drop(told.send((id, n, events)));
                });
                return;
            }
            Ask::Records { from, limit } => {
                let (journal, told) = (self.readable(), self.told.clone());
                let turn = self.lookups.clone().acquire_owned();
                tokio::spawn(async move {
                    let _turn = turn.await;
                    drop(told.send((id, n, records(journal.as_ref(), from, limit).await)));
                });
                return;
            }
            Ask::Check { lang, code, source } => {
                let question = Question { lang: &lang, code: &code, source: source.as_deref() };
                if !self.is_named(id, &question) {
                    let why = "only what the configuration or the block that a hand runs names is asked of a source";
                    let refusal = Refusal::new(Code::Forbidden, why);
                    let hint = "put it into a runbook and walk it, or into the service's readiness checks";
                    return self.tell(id, n, Told::No(refusal.hint(hint)));
                }
                let (sources, told, redactor) =
                    (self.sources.clone(), self.told.clone(), self.core.redactor());
                tokio::spawn(async move {
                    let mut answer = sources.check(&lang, &code, source.as_deref()).await;
                    answer.seen = redactor.text(&answer.seen).into_owned();
                    drop(told.send((id, n, Told::Check(answer))));
                });
                return;
            }
            Ask::Keep { text } => {
                if let Err(refusal) = self.keeping.keep(who, text.len(), &clock::now()) {
                    return self.tell(id, n, Told::No(refusal));
                }
                let (blobs, told, redactor) = (self.blobs.clone(), self.told.clone(), self.core.redactor());
                let large = self.large.take();
                self.look_up_on_disk(move || {
                    let kept = match blobs.put(redactor.json_text(&text).as_bytes()) {
                        Ok(digest) => Told::Kept(digest),
                        Err(error) => {
                            Told::No(Refusal::new(Code::Conflict, format!("it cannot be kept: {error}")))
                        }
                    };
                    drop((told.send((id, n, kept)), large));
                });
                return;
            }
            Ask::Evidence(digest) => {
                if !self.blobs.has(&digest) && self.ask_elsewhere(digest, id, n) {
                    return;
                }
                let (blobs, told) = (self.blobs.clone(), self.told.clone());
                self.look_up_on_disk(move || {
                    let found = match blobs.get(&digest) {
                        Ok(bytes) => Told::Evidence(crate::domain::text::bytes(&bytes)),
                        Err(error) => Told::No(Refusal::new(Code::Unknown, error.to_string())),
                    };
                    drop(told.send((id, n, found)));
                });
                return;
            }
            Ask::Point(look) => self.point(id, look),
            Ask::Watch(wanted) => self.watch_too(&wanted),
            Ask::Stop => {
                self.stopping = Some(format!("{who} asked it to"));
                Told::Yes
            }
        };
        self.tell(id, n, told);
    }

    /// Does it beside the loop, a bounded number at a time.
    pub(super) fn look_up_on_disk(&self, work: impl FnOnce() + Send + 'static) {
        let turn = self.lookups.clone().acquire_owned();
        tokio::spawn(async move {
            let turn = turn.await;
            tokio::task::spawn_blocking(move || {
                work();
                drop(turn);
            });
        });
    }

    pub(super) fn gate_answer(&self, request: &gate::Request, now: &Stamp) -> Answer {
        let answer = self.shown().read(|state| gate::answer(state, request, now));
        gate::when_writable(answer, request.action, self.writing.doubt(Instant::now()), now)
    }

    pub(super) fn gate_answered(
        &mut self,
        who: &Actor,
        request: &gate::Request,
        answer: &Answer,
        now: &Stamp,
    ) {
        let held = self.holds_answers();
        if let Some(command) = self.gate.answered(who, request, answer, now, held) {
            self.gate_command(who, &command);
        }
    }

    pub(super) fn gate_command(&mut self, who: &Actor, command: &Command) {
        drop(self.submit((who, &Groups::default()), CommandId(Uuid::now_v7()), command, Waiting::Nobody));
    }

    pub(super) fn flush_gate(&mut self, now: &Stamp, all: bool) {
        if self.holds_answers() && !all {
            return;
        }
        for (who, command) in self.gate.due(now, all) {
            self.gate_command(&who, &command);
        }
    }

    /// Whether what the gate answered waits for the journal: it can be written neither there nor beside it.
    pub(super) fn holds_answers(&self) -> bool {
        !self.is_away() && self.writing.doubt(Instant::now()).is_some()
    }
}

/// After the last of a mirror, or of what is shown of it, comes what is kept beside it.
async fn go_on(told: &mut Told, mirror: &dyn Journal, from: u64, end: u64) {
    if let Told::Events { next, .. } = told {
        let last = mirror.head().await.map_or(0, |head| head.seq.min(end));
        *next = next.filter(|next| *next <= last).or((last >= from).then(|| last.saturating_add(1)));
    }
}

/// One page of events, of one incident or of all: bounded by their number and by what they take on the wire.
async fn page(
    journal: &dyn Journal,
    from: u64,
    limit: usize,
    incident: Option<crate::domain::id::IncidentId>,
) -> Told {
    let limit = limit.clamp(1, PAGE);
    let (mut events, mut bytes) = (Vec::new(), 0_usize);
    let (mut next, mut read, mut weight) = (from, 0_usize, 0_usize);
    while read < limit {
        // As many as one page holds of what they weighed so far: large ones are not all held at once.
        let each = weight.checked_div(read).map(|each| each.max(1));
        let fit = each.map_or(FIRST, |each| PAGE_BYTES / each);
        let piece = fit.clamp(1, PIECE).min(limit - read);
        let found = match incident {
            Some(stream) => journal.read_stream(stream, next, piece),
            None => journal.read(next, piece),
        };
        let records = match found.await {
            Ok(records) => records,
            Err(trouble) => return Told::No(Refusal::new(Code::Conflict, trouble.to_string())),
        };
        let last = records.len() < piece;
        for record in records {
            let wanted = incident.is_none() || record.stream == incident;
            if let Some(event) = wanted.then(|| chain::open(&record).ok()).flatten() {
                let more = encoded(&event);
                if bytes.saturating_add(more) > PAGE_BYTES && !events.is_empty() {
                    return Told::Events { events, next: Some(record.seq) };
                }
                bytes = bytes.saturating_add(more);
                events.push(event);
            }
            next = record.seq.saturating_add(1);
            read = read.saturating_add(1);
            weight = weight.saturating_add(record.payload.map_or(0, |(_, payload)| payload.len()));
        }
        if last {
            return Told::Events { events, next: None };
        }
    }
    Told::Events { events, next: Some(next) }
}

/// Bytes that an event takes on the wire.
pub(super) fn encoded(event: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_add(piece.len());
            Ok(piece.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // It counts: nothing in it can fail.
    let _ = serde_json::to_writer(&mut count, event);
    count.0
}

/// One page of events as they are stored, as many as fit on a page of the wire.
async fn records(journal: &dyn Journal, from: u64, limit: usize) -> Told {
    let limit = limit.clamp(1, FIRST);
    let found = match journal.read(from, limit).await {
        Ok(records) => records,
        Err(trouble) => return Told::No(Refusal::new(Code::Conflict, trouble.to_string())),
    };
    let mut next = (found.len() == limit).then(|| found.last().map(|record| record.seq + 1)).flatten();
    let (mut records, mut bytes) = (Vec::new(), 0_usize);
    for record in found {
        let seq = record.seq;
        let record = match sealed(record) {
            Ok(record) => record,
            Err(refusal) => return Told::No(refusal),
        };
        bytes = bytes.saturating_add(encoded(&record));
        if bytes > PAGE_BYTES && !records.is_empty() {
            next = Some(seq);
            break;
        }
        records.push(record);
    }
    Told::Records { records, next }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn sealed(record: chain::Record) -> Result<Sealed, Refusal> {
    let seq = record.seq;
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .map_err(|_| Refusal::new(Code::Conflict, format!("event {seq} is no text: run warroom verify")))
    };
    let (salt, payload) = match record.payload {
        Some((salt, payload)) => (Some(hex(&salt)), Some(text(payload)?)),
        None => (None, None),
    };
    Ok(Sealed {
        seq,
        command: record.command,
        stream: record.stream,
        header: text(record.header)?,
        prev: record.prev,
        body: record.body,
        hash: record.hash,
        salt,
        payload,
        withheld: false,
    })
}
