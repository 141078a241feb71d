//! A hand's connection to the room: kept up for as long as the hand lives, and missing without harm.
//!
//! Commands are sent again under the same name after every reconnect until they are answered, so that a result is
//! neither lost nor counted twice. What is only shown is dropped while the room is away.

use super::own;
use crate::{
    domain::{
        Command, CommandId, Fact, State,
        id::Digest,
        plan::Slug,
        time::Span,
        walk::{EXTENSION_MAX, EXTENSIONS_MAX, ProcessRef, WalkCommand, WalkFact},
    },
    signal::{Answer, Shows, Verdict},
    transport::client::{self, Reader, Writer},
    wire::{As, Ask, FromRoom, HandSays, Outcome, Steer, StepRef, ToRoom, Told},
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// Between attempts to reach the room, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

enum Wanted {
    Do(CommandId, Box<Command>, oneshot::Sender<Outcome>),
    Ask(Ask, oneshot::Sender<Told>),
    Say(HandSays),
}

/// A hand's end.
#[derive(Clone)]
pub struct Link {
    wanted: mpsc::UnboundedSender<Wanted>,
    state: watch::Receiver<Option<Arc<State>>>,
}

struct Keeper {
    socket: PathBuf,
    at: StepRef,
    hand: Uuid,
    wanted: mpsc::UnboundedReceiver<Wanted>,
    state: watch::Sender<Option<Arc<State>>>,
    steer: mpsc::Sender<Steer>,
    doing: BTreeMap<CommandId, (Command, oneshot::Sender<Outcome>)>,
    asking: BTreeMap<u64, oneshot::Sender<Told>>,
    asked: u64,
    /// As what it attached, once that was accepted: said again on each new connection, which is nobody's hand before.
    attached: Option<Attached>,
    /// The block that runs, and how much more time it was given.
    block: Option<Slug>,
    extended: Span,
    /// What a seat must be shown that joins after the room came back: the block that runs, and its terminal.
    shown: Vec<HandSays>,
}

/// A hand that attached, as it is now.
struct Attached {
    process: ProcessRef,
    carry: Option<Digest>,
}

/// Keeps a link up in a task of its own, until every [`Link`] is dropped.
pub fn open(socket: PathBuf, at: StepRef, hand: Uuid) -> (Link, mpsc::Receiver<Steer>) {
    let (wanted, wanted_in) = mpsc::unbounded_channel();
    let (state, state_seen) = watch::channel(None);
    let (steer, steered) = mpsc::channel(64);
    let keeper = Keeper {
        socket,
        at,
        hand,
        wanted: wanted_in,
        state,
        steer,
        doing: BTreeMap::new(),
        asking: BTreeMap::new(),
        asked: 0,
        attached: None,
        block: None,
        extended: Span::ZERO,
        shown: Vec::new(),
    };
    tokio::spawn(keeper.run());
    (Link { wanted, state: state_seen }, steered)
}

impl Link {
    /// Does a command; waits, however long the room is away, until it is durable or refused.
    pub async fn act(&self, id: CommandId, command: Command) -> Option<Outcome> {
        let (answer, wait) = oneshot::channel();
        self.wanted.send(Wanted::Do(id, Box::new(command), answer)).ok()?;
        wait.await.ok()
    }

    /// Asks the room to answer a check; unknown while it is away.
    pub async fn check(&self, lang: &str, code: &str, source: Option<&str>) -> Answer {
        let (answer, wait) = oneshot::channel();
        let ask =
            Ask::Check { lang: lang.to_owned(), code: code.to_owned(), source: source.map(str::to_owned) };
        let sent = self.wanted.send(Wanted::Ask(ask, answer)).is_ok();
        match (sent, tokio::time::timeout(client::PATIENCE, wait).await) {
            (true, Ok(Ok(Told::Check(answer)))) => answer,
            _ => Answer {
                verdict: Verdict::Unknown,
                seen: "the room is out of reach".into(),
                at: crate::os::clock::now().wall,
                source: "room".into(),
            },
        }
    }

    /// Keeps a text as evidence.
    pub async fn keep(&self, text: String) -> Option<crate::domain::id::Digest> {
        let (answer, wait) = oneshot::channel();
        self.wanted.send(Wanted::Ask(Ask::Keep { text }, answer)).ok()?;
        match tokio::time::timeout(client::PATIENCE, wait).await {
            Ok(Ok(Told::Kept(digest))) => Some(digest),
            _ => None,
        }
    }

    /// What was kept as evidence.
    pub async fn kept(&self, digest: crate::domain::id::Digest) -> Option<String> {
        let (answer, wait) = oneshot::channel();
        self.wanted.send(Wanted::Ask(Ask::Evidence(digest), answer)).ok()?;
        match tokio::time::timeout(client::PATIENCE, wait).await {
            Ok(Ok(Told::Evidence(text))) => Some(text),
            _ => None,
        }
    }

    /// Shows something, where the room is there.
    pub fn say(&self, says: HandSays) {
        drop(self.wanted.send(Wanted::Say(says)));
    }

    /// The newest state; waits for the first.
    pub async fn state(&self) -> Option<Arc<State>> {
        let mut seen = self.state.clone();
        seen.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Waits for a state in which `look` finds something.
    pub async fn until<T>(&self, mut look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let mut seen = self.state.clone();
        loop {
            let found = seen.borrow_and_update().as_deref().and_then(&mut look);
            if found.is_some() {
                return found;
            }
            seen.changed().await.ok()?;
        }
    }
}

impl Keeper {
    async fn run(mut self) {
        let mut wait = BACKOFF.0;
        loop {
            match client::connect(&self.socket, As::Hand, Some(Shows::little()), None).await {
                Ok((reader, writer, _)) => {
                    wait = BACKOFF.0;
                    if self.connected(reader, writer).await.is_none() {
                        return;
                    }
                }
                Err(error) => tracing::debug!(%error, "the room is out of reach"),
            }
            self.asking.clear();
            if self.socket.parent().is_some_and(|dir| !dir.exists()) {
                tracing::warn!("the room is gone with its directory: nobody is left to be told");
                return;
            }
            if !self.away(wait).await {
                return;
            }
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Takes what is wanted while the room is away. False when nobody wants anything any more.
    async fn away(&mut self, wait: Duration) -> bool {
        let until = tokio::time::sleep(wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return true,
                wanted = self.wanted.recv() => match wanted {
                    None => return false,
                    Some(Wanted::Do(id, command, answer)) => { self.doing.insert(id, (*command, answer)); }
                    // Dropping the sender tells that there is no answer.
                    Some(Wanted::Ask(..)) => {}
                    Some(Wanted::Say(says)) => self.remember(&says),
                },
            }
        }
    }

    /// Serves a connection to its end. `None` when nobody wants anything any more.
    async fn connected(&mut self, mut reader: Reader, mut writer: Writer) -> Option<()> {
        if let Some(Attached { process, carry }) = &self.attached {
            let command = Command::Walk(WalkCommand::Attach {
                walk: self.at.walk,
                step: self.at.step.clone(),
                hand: self.hand,
                process: process.clone(),
                carry: *carry,
            });
            let id = CommandId(Uuid::now_v7());
            if writer.send(&ToRoom::Do { id, command, glass: None }).await.is_err() {
                return Some(());
            }
        }
        let again: Vec<_> = self.doing.iter().map(|(id, (command, _))| (*id, command.clone())).collect();
        for (id, command) in again {
            if writer.send(&ToRoom::Do { id, command, glass: None }).await.is_err() {
                return Some(());
            }
        }
        for says in self.shown.clone() {
            if writer.send(&ToRoom::Hand { at: self.at.clone(), hand: self.hand, says }).await.is_err() {
                return Some(());
            }
        }
        loop {
            tokio::select! {
                biased;
                frame = reader.next() => match frame {
                    Ok(frame) => self.hear(frame),
                    Err(error) => {
                        tracing::debug!(%error, "the link to the room ended");
                        return Some(());
                    }
                },
                wanted = self.wanted.recv() => {
                    let frame = match wanted? {
                        Wanted::Do(id, command, answer) => {
                            self.doing.insert(id, ((*command).clone(), answer));
                            ToRoom::Do { id, command: *command, glass: None }
                        }
                        Wanted::Ask(ask, answer) => {
                            self.asked += 1;
                            self.asking.insert(self.asked, answer);
                            ToRoom::Ask { n: self.asked, ask }
                        }
                        Wanted::Say(says) => {
                            self.remember(&says);
                            ToRoom::Hand { at: self.at.clone(), hand: self.hand, says }
                        }
                    };
                    if writer.send(&frame).await.is_err() {
                        return Some(());
                    }
                }
            }
        }
    }

    /// However often a block is given more time, it is given no more than so much in all.
    fn bounded(&mut self, steer: Steer) -> Steer {
        let Steer::Extend(more) = steer else { return steer };
        let left = EXTENSIONS_MAX.minus(self.extended);
        let more = more.min(EXTENSION_MAX).min(left);
        self.extended = self.extended.plus(more);
        Steer::Extend(more)
    }

    /// The rules accepted what it said of itself.
    fn accepted(&mut self, command: Command) {
        match command {
            Command::Walk(WalkCommand::Attach { process, carry, .. }) => {
                self.attached = Some(Attached { process, carry });
            }
            Command::Walk(WalkCommand::Report { carry, .. }) => {
                if let Some(attached) = &mut self.attached {
                    attached.carry = carry;
                }
            }
            _ => {}
        }
    }

    fn remember(&mut self, says: &HandSays) {
        match says {
            HandSays::Began { block, .. } => {
                if self.block.as_ref() != Some(block) {
                    self.extended = Span::ZERO;
                    self.block = Some(block.clone());
                }
                self.shown.clear();
            }
            HandSays::Over => self.shown.clear(),
            HandSays::Screen { .. } => self.shown.retain(|old| !matches!(old, HandSays::Screen { .. })),
            HandSays::Printed { .. } | HandSays::Holding { .. } | HandSays::OverTime => return,
        }
        self.shown.push(says.clone());
    }

    /// The step has another owner, or none: what still runs here is ended, so that no step runs twice at once.
    fn give_up(&self) {
        drop(self.steer.try_send(Steer::Cancel));
    }

    fn hear(&mut self, frame: FromRoom) {
        match frame {
            FromRoom::Snapshot { state, .. } => {
                match own::lent(&state, self.at.walk, &self.at.step, self.hand) {
                    Some(walk) => self.at.walk = walk.id,
                    None => self.give_up(),
                }
                self.state.send_replace(Some(Arc::new(*state)));
            }
            FromRoom::Event(event) => {
                if let Fact::Walk(WalkFact::TakenOver { walk, step, .. }) = &event.fact
                    && (*walk, step) == (self.at.walk, &self.at.step)
                {
                    self.give_up();
                }
                self.state.send_if_modified(|state| {
                    let Some(state) = state else { return false };
                    Arc::make_mut(state).apply(&event);
                    true
                });
            }
            FromRoom::Done { id, outcome } => {
                // A journal that cannot be written now may be later: the command stays and is sent again.
                if let Outcome::Failed { why } = &outcome {
                    tracing::warn!(%why, "a result waits for the journal");
                }
                if let Some((command, answer)) = self.doing.remove(&id) {
                    if matches!(outcome, Outcome::Ok { .. }) {
                        self.accepted(command);
                    }
                    drop(answer.send(outcome));
                }
            }
            FromRoom::Told { n, told } => {
                if let Some(answer) = self.asking.remove(&n) {
                    drop(answer.send(told));
                }
            }
            FromRoom::Steer(steer) => {
                let steer = self.bounded(steer);
                drop(self.steer.try_send(steer));
            }
            _ => {}
        }
    }
}
