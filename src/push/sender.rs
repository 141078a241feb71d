//! The task that sends what is owed. It reads the durable fold and nothing else, so that after a restart it goes on
//! where the journal says.

use super::{Carrier, Failure};
use crate::{
    domain::{
        Command, Seq, State,
        dispatch::{Dispatch, DispatchCommand, Matter, Message, message},
        id::DispatchId,
        time::{Span, backoff},
    },
    os::{clock, spawn::Spec},
    source::poll::chance,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// The first wait after a failure; it doubles.
const FIRST: Span = Span::secs(2);
/// The longest.
const MOST: Span = Span::mins(5);
/// An update that reached a target by then is news; later it misleads.
const UPDATE_STALE: Span = Span::hours(1);
/// What was reported and is not in the journal is reported again after this.
const SAY_AGAIN: Span = Span::secs(2);
/// Names of who is on call must be had within this; the page does not wait longer.
const ONCALL_WITHIN: Span = Span::secs(10);
/// Names that are kept.
const ONCALL_MAX: usize = 20;

/// Commands that print who is on call, by page group and rung.
pub type Oncall = BTreeMap<(String, usize), Vec<String>>;

/// What the sender is made of.
pub struct Sender {
    /// Targets by name.
    pub carriers: BTreeMap<String, Arc<dyn Carrier>>,
    /// Who is on call, where commands say it.
    pub oncall: Oncall,
    /// The durable fold.
    pub state: Arc<RwLock<State>>,
    /// Changes with it.
    pub durable: watch::Receiver<Seq>,
    /// The room's own commands.
    pub says: mpsc::UnboundedSender<Command>,
    /// The room's name: another may have the duty to send.
    pub room: String,
}

struct Done {
    id: DispatchId,
    target: String,
    command: Command,
}

#[derive(Default)]
struct Work {
    busy: BTreeSet<String>,
    flying: BTreeSet<DispatchId>,
    told: BTreeMap<DispatchId, (u32, Command, Instant)>,
}

/// Starts it; it ends with the room.
pub fn start(sender: Sender) -> tokio::task::JoinHandle<()> {
    tokio::spawn(run(sender))
}

async fn run(mut sender: Sender) {
    let mut own = Work::default();
    let mut work: JoinSet<Done> = JoinSet::new();
    loop {
        let wait = sender.look(&mut own, &mut work);
        tokio::select! {
            changed = sender.durable.changed() => if changed.is_err() { return },
            Some(done) = work.join_next(), if !work.is_empty() => {
                let Ok(Done { id, target, command }) = done else { continue };
                own.busy.remove(&target);
                own.flying.remove(&id);
                let attempt = match &command {
                    Command::Dispatch(DispatchCommand::Failed { attempt, .. }) => *attempt,
                    _ => u32::MAX,
                };
                own.told.insert(id, (attempt, command.clone(), Instant::now()));
                if sender.says.send(command).is_err() { return }
            }
            () = tokio::time::sleep(wait.std()) => {}
        }
    }
}

impl Sender {
    /// Begins what is due; gives how long nothing else is.
    fn look(&self, own: &mut Work, work: &mut JoinSet<Done>) -> Span {
        let now = clock::now();
        let mut wait = Span::mins(1);
        let mut begin = Vec::new();
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if state.room.is_anothers(&self.room) {
                own.told.clear();
                return wait;
            }
            own.told.retain(|id, (attempt, ..)| {
                state.dispatches.get(id).is_some_and(|one| one.attempts < *attempt)
            });
            for one in state.dispatches.values() {
                if own.flying.contains(&one.id) || own.told.contains_key(&one.id) {
                    continue;
                }
                // Recorded offline, and not in the journal yet.
                if one.seq > *self.durable.borrow() {
                    wait = wait.min(Span::secs(1));
                    continue;
                }
                if one.void.is_some() {
                    let command = Command::Dispatch(DispatchCommand::Dropped { dispatch: one.id });
                    own.told.insert(one.id, (u32::MAX, command.clone(), Instant::now()));
                    drop(self.says.send(command));
                    continue;
                }
                if own.busy.contains(&one.target) {
                    continue;
                }
                if let Some(next) = one.next.as_ref().filter(|next| !next.reached(&now)) {
                    wait = wait.min(next.until(&now));
                    continue;
                }
                own.busy.insert(one.target.clone());
                own.flying.insert(one.id);
                begin.push((one.clone(), message(&state, one), self.oncall_of(&state, one)));
            }
        }
        for (dispatch, message, oncall) in begin {
            let carrier = self.carriers.get(&dispatch.target).cloned();
            work.spawn(attempt(dispatch, message, carrier, oncall));
        }
        for (_, command, at) in own.told.values_mut() {
            if at.elapsed() >= SAY_AGAIN.std() {
                *at = Instant::now();
                drop(self.says.send(command.clone()));
            }
            wait = wait.min(SAY_AGAIN);
        }
        wait.max(Span::millis(5))
    }

    fn oncall_of(&self, state: &State, dispatch: &Dispatch) -> Names {
        let Matter::Page { page, rung } = &dispatch.matter else { return Names::Known(Vec::new()) };
        let Some(page) = state.pages.get(page) else { return Names::Known(Vec::new()) };
        if let Some(command) = self.oncall.get(&(page.who.clone(), *rung)) {
            return Names::Ask(command.clone());
        }
        Names::Known(page.ladder.get(*rung).map(|rung| rung.oncall.clone()).unwrap_or_default())
    }
}

enum Names {
    Known(Vec<String>),
    Ask(Vec<String>),
}

impl Names {
    async fn get(self) -> Vec<String> {
        let words = match self {
            Self::Known(names) => return names,
            Self::Ask(words) => words,
        };
        let Some((program, args)) = words.split_first() else { return Vec::new() };
        match Spec::new(program).args(args).output(ONCALL_WITHIN.std(), 4_096).await {
            Ok(answer) if answer.code == Some(0) => crate::domain::text::bytes(&answer.stdout)
                .lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .take(ONCALL_MAX)
                .collect(),
            Ok(answer) => {
                tracing::warn!(code = ?answer.code, "who is on call is not known: the command failed");
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(%error, "who is on call is not known");
                Vec::new()
            }
        }
    }
}

async fn attempt(
    dispatch: Dispatch,
    mut message: Message,
    carrier: Option<Arc<dyn Carrier>>,
    oncall: Names,
) -> Done {
    let Dispatch { id, matter, target, owed, attempts, .. } = dispatch;
    let attempt = attempts.saturating_add(1);
    let oncall = oncall.get().await;
    if !oncall.is_empty() {
        message.text = format!("{}\non call: {}", message.text, oncall.join(", "));
    }
    let sent = match carrier {
        Some(carrier) => {
            let carried = AssertUnwindSafe(carrier.carry(message));
            futures::FutureExt::catch_unwind(carried)
                .await
                .unwrap_or_else(|_| Err(Failure::later("a fault of ours")))
        }
        None => Err(Failure::never(format!("there is no [target.{target}] any more"))),
    };
    let command = match sent {
        Ok(said) => DispatchCommand::Sent { dispatch: id, said, oncall },
        Err(Failure { why, again }) => {
            let stale =
                matches!(matter, Matter::Update { .. }) && owed.elapsed(&clock::now()) >= UPDATE_STALE;
            let again = (again && !stale).then(|| backoff(attempt, FIRST, MOST, chance()));
            DispatchCommand::Failed { dispatch: id, attempt, why, again }
        }
    };
    Done { id, target, command: Command::Dispatch(command) }
}
