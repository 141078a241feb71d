//! What waits to be sent to one client: bounded, never waited for. Too far behind, a seat is sent a fresh snapshot in
//! place of what it missed; answers to its own questions are never dropped, and who does not read them is not read.

use super::budget::Budget;
use crate::wire::{Finished, FromRoom, ONE_FRAME_MAX, PartOf, Parts, encode};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Bytes of published frames that wait for one client at most.
pub const MOST: usize = 1024 * 1024;
/// The same while a long snapshot is on its way: a fourth of it, and no more than this.
const BESIDE_MOST: usize = 32 * 1024 * 1024;
/// Questions of one client without an answer at most; it is not read on beyond.
const ASKED_MOST: usize = 32;
/// Frames that are taken to be written together at most, and bytes beyond which no more are.
const TOGETHER: (usize, usize) = (64, 64 * 1024);

/// Frames for one client.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    wake: Notify,
    eased: Notify,
    closing: Notify,
    /// What all clients of the user share.
    budget: Option<Arc<Budget>>,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<(Kind, Frame)>,
    /// Answers that pass a long snapshot.
    express: VecDeque<Arc<[u8]>>,
    /// Long answers, a part of one after a part of another.
    answers: VecDeque<Parts>,
    published: usize,
    owed: usize,
    /// The part of what is owed that is charged to the user.
    charged: usize,
    asked: usize,
    behind: Behind,
    closed: bool,
}

/// What is sent at once, or part by part.
#[derive(Debug)]
enum Frame {
    Bytes(Arc<[u8]>),
    Parts(Parts),
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All are sent it; dropped where too much waits.
    Published,
    /// This client's own, charged to its user.
    Answer,
    /// A snapshot, which is shared by those who are sent the same, or the last word.
    Whole,
}

/// Whether published frames were dropped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Behind {
    #[default]
    No,
    /// They were, and what still waits goes out first.
    Dropped,
    /// The room was asked for a snapshot.
    Asked,
}

/// What the writing task is to do.
#[derive(Debug)]
pub enum Next {
    /// Send these, in order; there is at least one.
    Frames(Vec<Arc<[u8]>>),
    /// Ask the room for a snapshot: frames were dropped.
    Resync,
    /// End.
    Close,
}

impl Outbox {
    /// The bytes of a long snapshot that is on its way.
    pub fn snapshot_on_its_way(&self) -> Option<Arc<[u8]>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.long().map(|parts| parts.whole().clone())
    }

    /// Empty, for a client of this user.
    pub fn of(budget: Arc<Budget>) -> Self {
        let mut outbox = Self::default();
        outbox.budget = Some(budget);
        outbox
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        let done = act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
        done
    }

    /// Frames that all are sent, one or several.
    pub fn publish(&self, frames: &Arc<[u8]>) {
        self.with(|inner| {
            if inner.behind != Behind::No || inner.closed {
                return;
            }
            let most = inner.long().map_or(MOST, |long| MOST.max(long.whole().len() / 4).min(BESIDE_MOST));
            if inner.published.saturating_add(frames.len()) > most && inner.published > 0 {
                inner.queue.retain(|(kind, _)| *kind != Kind::Published);
                inner.published = 0;
                inner.behind = Behind::Dropped;
                return;
            }
            inner.published = inner.published.saturating_add(frames.len());
            inner.queue.push_back((Kind::Published, Frame::Bytes(frames.clone())));
        });
    }

    /// An answer to this client alone.
    pub fn reply(&self, frame: Vec<u8>) {
        self.owe(frame, |inner, frame| inner.queue.push_back((Kind::Answer, Frame::Bytes(frame.into()))));
    }

    /// One that does not wait behind a long snapshot.
    pub fn express(&self, frame: Vec<u8>) {
        self.owe(frame, |inner, frame| {
            if inner.long().is_some() {
                inner.express.push_back(frame.into());
            } else {
                inner.queue.push_back((Kind::Answer, Frame::Bytes(frame.into())));
            }
        });
    }

    /// The answer to a question, in parts where it is long and the client takes them. Gives whether it goes out at once:
    /// otherwise the question is answered when its last part is sent.
    pub fn answer(&self, n: u64, frame: Vec<u8>, parts: bool) -> bool {
        if !parts || frame.len() <= ONE_FRAME_MAX {
            self.express(frame);
            return true;
        }
        self.owe(frame, |inner, frame| {
            // It does not keep the client from being read: it may be given up.
            inner.owed = inner.owed.saturating_sub(frame.len());
            inner.answers.push_back(Parts::new(PartOf::Answer(n), frame.into()));
        });
        false
    }

    /// The client wants no more of this answer.
    pub fn cancel(&self, n: u64) {
        self.with(|inner| {
            let Some(at) = inner.answers.iter().position(|parts| parts.of() == PartOf::Answer(n)) else {
                return;
            };
            if let Some(parts) = inner.answers.remove(at) {
                // With the end of its line.
                self.pay(inner, parts.left().saturating_add(1));
                inner.asked = inner.asked.saturating_sub(1);
            }
        });
        self.eased.notify_one();
    }

    fn owe(&self, frame: Vec<u8>, push: impl FnOnce(&mut Inner, Vec<u8>)) {
        self.with(|inner| {
            if inner.closed {
                return;
            }
            let said = self.budget.as_ref().map_or(Ok(()), |budget| budget.owe(frame.len()));
            let Err(say) = said else {
                inner.charged = inner.charged.saturating_add(frame.len());
                inner.owed = inner.owed.saturating_add(frame.len());
                push(inner, frame);
                return;
            };
            // It has more to read than it may have: the rest it would not read either.
            inner.queue.clear();
            inner.express.clear();
            self.pay(inner, inner.charged);
            let bye = encode(&FromRoom::Bye { why: Finished::TooMany, say });
            (inner.published, inner.owed) = (0, bye.len());
            inner.queue.push_back((Kind::Whole, Frame::Bytes(bye.into())));
            self.end(inner);
        });
    }

    fn pay(&self, inner: &mut Inner, bytes: usize) {
        let bytes = bytes.min(inner.charged);
        inner.charged = inner.charged.saturating_sub(bytes);
        if let Some(budget) = &self.budget {
            budget.paid(bytes);
        }
    }

    fn end(&self, inner: &mut Inner) {
        inner.closed = true;
        // Nothing long is waited for.
        inner.queue.retain(|(_, frame)| matches!(frame, Frame::Bytes(_)));
        let left = inner.answers.drain(..).map(|parts| parts.left().saturating_add(1)).sum();
        self.pay(inner, left);
        self.closing.notify_one();
        self.eased.notify_one();
    }

    /// It asks something that will be answered.
    pub fn asked(&self) {
        self.with(|inner| inner.asked = inner.asked.saturating_add(1));
    }

    /// Something that it asked is answered.
    pub fn told(&self) {
        self.with(|inner| inner.asked = inner.asked.saturating_sub(1));
        self.eased.notify_one();
    }

    /// A snapshot: what is published from now on follows it. A long one goes in parts where the client takes them, and
    /// takes the place of one that is on its way.
    pub fn snapshot(&self, frame: Arc<[u8]>, parts: bool) {
        self.with(|inner| {
            inner.queue.retain(|(kind, frame)| *kind != Kind::Published && matches!(frame, Frame::Bytes(_)));
            inner.published = 0;
            inner.behind = Behind::No;
            if inner.closed {
                return;
            }
            if parts && frame.len() > ONE_FRAME_MAX {
                inner.queue.push_back((Kind::Whole, Frame::Parts(Parts::new(PartOf::Snapshot, frame))));
            } else {
                inner.owed = inner.owed.saturating_add(frame.len());
                inner.queue.push_back((Kind::Whole, Frame::Bytes(frame)));
            }
        });
    }

    /// A goodbye after the end was decided.
    pub fn last_word(&self, bye: Vec<u8>) {
        self.with(|inner| inner.express.push_back(bye.into()));
    }

    /// Sends what waits, then ends; what is long is not waited for.
    pub fn close(&self) {
        self.with(|inner| self.end(inner));
    }

    /// Returns when it is to end, once.
    pub async fn closing(&self) {
        self.closing.notified().await;
    }

    /// Returns when the client has taken so many of its answers that it may ask on.
    pub async fn eased(&self) {
        let busy = || {
            let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.owed > MOST || inner.asked >= ASKED_MOST
        };
        while busy() {
            self.eased.notified().await;
        }
    }

    /// How many bytes of published frames wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).published
    }

    /// What to do next. Cancelling loses nothing.
    pub async fn next(&self) -> Next {
        loop {
            match self.now() {
                Some(next) => return next,
                None => self.wake.notified().await,
            }
        }
    }

    fn now(&self) -> Option<Next> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut frames, mut bytes, mut answers, mut eases) = (Vec::new(), 0_usize, 0_usize, false);
        while let Some(frame) = inner.express.pop_front() {
            inner.owed = inner.owed.saturating_sub(frame.len());
            (answers, bytes) = (answers.saturating_add(frame.len()), bytes.saturating_add(frame.len()));
            eases = true;
            frames.push(frame);
            if bytes >= TOGETHER.1 {
                break;
            }
        }
        while frames.len() < TOGETHER.0
            && bytes < TOGETHER.1
            && let Some((kind, frame)) = inner.queue.pop_front()
        {
            let frame = match frame {
                Frame::Bytes(frame) => frame,
                // One part, then what may pass it.
                Frame::Parts(mut parts) => {
                    if let Some((part, _)) = parts.next_part() {
                        frames.push(part.into());
                    }
                    if parts.left() > 0 {
                        inner.queue.push_front((kind, Frame::Parts(parts)));
                    }
                    break;
                }
            };
            let len = frame.len();
            if kind == Kind::Published {
                inner.published = inner.published.saturating_sub(len);
            } else {
                inner.owed = inner.owed.saturating_sub(len);
                eases = true;
            }
            answers = answers.saturating_add(if kind == Kind::Answer { len } else { 0 });
            bytes = bytes.saturating_add(len);
            frames.push(frame);
        }
        if let Some(mut parts) = inner.answers.pop_front() {
            if let Some((part, taken)) = parts.next_part() {
                frames.push(part.into());
                answers = answers.saturating_add(taken);
            }
            if parts.left() > 0 {
                inner.answers.push_back(parts);
            } else {
                // The end of its line is in no part.
                answers = answers.saturating_add(1);
                inner.asked = inner.asked.saturating_sub(1);
                eases = true;
            }
        }
        self.pay(&mut inner, answers);
        if eases {
            self.eased.notify_one();
        }
        if !frames.is_empty() {
            return Some(Next::Frames(frames));
        }
        if inner.closed {
            return Some(Next::Close);
        }
        if inner.behind == Behind::Dropped {
            inner.behind = Behind::Asked;
            return Some(Next::Resync);
        }
        None
    }
}

impl Inner {
    /// A snapshot in parts that is on its way.
    fn long(&self) -> Option<&Parts> {
        self.queue.iter().find_map(|(_, frame)| match frame {
            Frame::Parts(parts) => Some(parts),
            Frame::Bytes(_) => None,
        })
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let charged = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner).charged;
        if let Some(budget) = &self.budget {
            budget.paid(charged);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn frame(n: usize) -> Arc<[u8]> {
        vec![b'x'; n].into()
    }

    /// What is to be sent now, as one.
    async fn sent(outbox: &Outbox) -> Vec<u8> {
        match outbox.next().await {
            Next::Frames(frames) => frames.concat(),
            next => panic!("{next:?}"),
        }
    }

    #[tokio::test]
    async fn what_waits_goes_out_together_in_order_and_a_bounded_piece_at_a_time() {
        let outbox = Outbox::default();
        let pieces: Vec<Arc<[u8]>> = (0..200_u8).map(|n| vec![n; 1_000].into()).collect();
        for (n, piece) in pieces.iter().enumerate() {
            if n % 3 == 0 { outbox.reply(piece.to_vec()) } else { outbox.publish(piece) }
        }
        let (mut all, mut times) = (Vec::new(), 0);
        while all.len() < 200_000 {
            let piece = sent(&outbox).await;
            assert!(piece.len() <= 64_000, "{}", piece.len());
            all.extend(piece);
            times += 1;
        }
        assert_eq!((all, times), (pieces.concat(), 4));
        assert_eq!(outbox.waiting(), 0);
    }

    #[tokio::test]
    async fn too_far_behind_gets_a_snapshot_and_keeps_its_answers() {
        let outbox = Outbox::default();
        for _ in 0..5 {
            outbox.publish(&frame(300 * 1024));
        }
        outbox.reply(b"answer".to_vec());
        assert!(outbox.waiting() <= MOST);
        assert_eq!(sent(&outbox).await, b"answer");
        assert!(matches!(outbox.next().await, Next::Resync));
        outbox.publish(&frame(10));
        assert!(
            outbox.next().now_or_never().is_none(),
            "it asks once, and nothing goes out before the snapshot"
        );
        outbox.snapshot(b"all".to_vec().into(), false);
        outbox.publish(&frame(20));
        assert_eq!(sent(&outbox).await, [&b"all"[..], &[b'x'; 20]].concat());
        outbox.close();
        assert!(matches!(outbox.next().await, Next::Close));
    }

    #[tokio::test]
    async fn who_asks_for_more_than_its_user_may_have_waiting_is_told_and_let_go() {
        let budgets = crate::room::budget::Budgets::default();
        let (one, other) = (Outbox::of(budgets.of(1)), Outbox::of(budgets.of(1)));
        for _ in 0..4 {
            other.reply(vec![0; 15 << 20]);
        }
        one.reply(vec![0; 1 << 20]);
        other.reply(vec![0; 15 << 20]);
        let said = String::from_utf8(sent(&other).await).unwrap();
        assert!(said.contains("bye") && said.contains("read them before you ask on"), "{said}");
        other.closing().now_or_never().unwrap();
        other.reply(b"no more".to_vec());
        other.publish(&frame(10));
        assert!(matches!(other.next().await, Next::Close));
        // What it had is given back, and whoever reads is not concerned.
        one.reply(vec![0; 60 << 20]);
        assert_eq!(sent(&one).await.len(), 1 << 20);
        drop(one);
        let all = Outbox::of(budgets.of(1));
        for _ in 0..64 {
            all.reply(vec![0; 1 << 20]);
        }
        assert_eq!(all.closing().now_or_never(), None);
    }

    /// What goes out until nothing more waits, frame by frame.
    fn frames(outbox: &Outbox) -> Vec<FromRoom> {
        let mut all = Vec::new();
        while let Some(next) = outbox.next().now_or_never() {
            let Next::Frames(frames) = next else { panic!("{next:?}") };
            for line in frames.concat().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                all.push(crate::wire::decode(line).unwrap());
            }
        }
        all
    }

    fn ignored(word: &str) -> FromRoom {
        FromRoom::Ignored(word.into())
    }

    #[tokio::test]
    async fn a_long_snapshot_goes_in_parts_what_happened_follows_and_answers_pass_it() {
        let outbox = Outbox::default();
        let whole = ignored(&"ä".repeat(1 << 20));
        outbox.snapshot(encode(&whole).into(), true);
        outbox.publish(&encode(&ignored("event")).into());
        outbox.reply(encode(&ignored("done")));
        let first = sent(&outbox).await;
        assert!(first.len() < 80 * 1024, "{}", first.len());
        outbox.express(encode(&ignored("told")));
        let rest = frames(&outbox);
        assert_eq!(rest[0], ignored("told"));
        assert_eq!(rest[rest.len() - 2..], [ignored("event"), ignored("done")]);
        let mut assembly = crate::wire::Assembly::default();
        let mut came = None;
        let first = crate::wire::decode(first.strip_suffix(b"\n").unwrap()).unwrap();
        for frame in std::iter::once(first).chain(rest) {
            if let FromRoom::Part { of, n, last, text } = frame {
                came = assembly.take(of, n, last, &text).unwrap();
            }
        }
        assert_eq!(crate::wire::decode::<FromRoom>(came.unwrap().as_bytes()).unwrap(), whole);
        // Who is sent one is read on meanwhile.
        outbox.snapshot(encode(&whole).into(), true);
        assert!(outbox.eased().now_or_never().is_some());
        // One that is newer takes its place, from its first part on.
        sent(&outbox).await;
        outbox.snapshot(encode(&whole).into(), true);
        let FromRoom::Part { n: 0, .. } = frames(&outbox)[0] else { panic!() };
    }

    #[tokio::test]
    async fn long_answers_share_the_line_and_one_that_is_cancelled_is_not_sent_on() {
        let budgets = crate::room::budget::Budgets::default();
        let budget = budgets.of(1);
        let outbox = Outbox::of(budget.clone());
        for n in 0..2 {
            outbox.asked();
            assert!(!outbox.answer(n, encode(&ignored(&"x".repeat(1 << 20))), true));
        }
        let (one, other) = (sent(&outbox).await, sent(&outbox).await);
        let of = |bytes: &[u8]| match crate::wire::decode(bytes.strip_suffix(b"\n").unwrap()).unwrap() {
            FromRoom::Part { of, .. } => of,
            other => panic!("{other:?}"),
        };
        assert_eq!((of(&one), of(&other)), (PartOf::Answer(0), PartOf::Answer(1)));
        outbox.cancel(0);
        let rest = frames(&outbox);
        assert_eq!(rest.len(), 16);
        assert!(rest.iter().all(|frame| matches!(frame, FromRoom::Part { of: PartOf::Answer(1), .. })));
        // All of it is given back.
        for _ in 0..64 {
            budget.owe(1 << 20).unwrap();
        }
        budget.owe(1).unwrap_err();
    }

    #[tokio::test]
    async fn who_has_too_many_questions_open_is_not_read_on() {
        let outbox = Outbox::default();
        for _ in 0..ASKED_MOST {
            assert!(outbox.eased().now_or_never().is_some());
            outbox.asked();
        }
        assert!(outbox.eased().now_or_never().is_none());
        outbox.told();
        assert!(outbox.eased().now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_does_not_take_its_answers_is_not_read_on() {
        let outbox = Outbox::default();
        outbox.reply(vec![0; MOST]);
        assert!(outbox.eased().now_or_never().is_some());
        outbox.reply(vec![0; 1]);
        assert!(outbox.eased().now_or_never().is_none());
        assert_eq!(sent(&outbox).await.len(), MOST);
        assert!(outbox.eased().now_or_never().is_some());
    }
}
