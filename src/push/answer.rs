//! Pages that somebody acknowledges where they went, and not here: targets that can be asked are, as long as a page of
//! theirs waits. One that cannot be reached is asked again later, and shown; nothing waits for it.

use crate::{
    domain::{
        Command, Seq, State,
        id::PageId,
        page::{Elsewhere, PageCommand},
        text,
        time::{Span, backoff},
    },
    os::clock,
    source::poll::chance,
    wire::Silent,
};
use futures::future::BoxFuture;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::{mpsc, watch};

/// How often a target is asked about each page that waits.
pub const EVERY: Span = Span::secs(15);
/// The longest wait while it does not answer.
const MOST: Span = Span::mins(2);

/// Somebody acknowledged a page at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who, as the target says.
    pub who: String,
    /// How, in words.
    pub how: String,
}

/// Asks a target about pages that it took.
pub trait Asker: Send + Sync {
    /// Who has acknowledged the page of this key, where somebody has; or why that cannot be known.
    fn ask(&self, key: String) -> BoxFuture<'_, Result<Option<Answer>, String>>;
}

/// What asking is made of.
pub struct Answers {
    /// Targets that can be asked, by name.
    pub askers: BTreeMap<String, Arc<dyn Asker>>,
    /// The durable fold.
    pub state: Arc<RwLock<State>>,
    /// Changes with it.
    pub durable: watch::Receiver<Seq>,
    /// The room's own commands.
    pub says: mpsc::UnboundedSender<Command>,
    /// The room's name: another may have the duty to ask.
    pub room: String,
    /// How often, [`EVERY`].
    pub every: Span,
}

/// Starts it; it ends with the room. Gives the targets that cannot be asked.
pub fn start(answers: Answers) -> watch::Receiver<Vec<Silent>> {
    let (show, silent) = watch::channel(Vec::new());
    let show = Arc::new(show);
    for (target, asker) in answers.askers {
        let one = One {
            target,
            asker,
            state: answers.state.clone(),
            durable: answers.durable.clone(),
            says: answers.says.clone(),
            room: answers.room.clone(),
            every: answers.every,
            show: show.clone(),
        };
        tokio::spawn(one.run());
    }
    silent
}

/// One target, asked in its own time.
struct One {
    target: String,
    asker: Arc<dyn Asker>,
    state: Arc<RwLock<State>>,
    durable: watch::Receiver<Seq>,
    says: mpsc::UnboundedSender<Command>,
    room: String,
    every: Span,
    show: Arc<watch::Sender<Vec<Silent>>>,
}

impl One {
    async fn run(mut self) {
        let mut failures = 0_u32;
        loop {
            self.durable.borrow_and_update();
            let waiting = self.waiting();
            if waiting.is_empty() {
                failures = 0;
                self.shown(None);
                if self.durable.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let mut trouble = None;
            for (page, key) in waiting {
                match self.asker.ask(key).await {
                    Ok(Some(Answer { who, how })) => {
                        let elsewhere = Elsewhere { target: self.target.clone(), who };
                        let command = PageCommand::Answered { page, elsewhere, how };
                        if self.says.send(Command::Page(command)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => {}
                    Err(why) => trouble = Some(why),
                }
            }
            failures = if trouble.is_some() { failures.saturating_add(1) } else { 0 };
            self.shown(trouble);
            let wait = match failures {
                0 => self.every,
                failures => backoff(failures, self.every, MOST, chance()),
            };
            // What the room was told and its journal did not take it is told once more then.
            tokio::time::sleep(wait.std()).await;
        }
    }

    /// Pages that this target took and that nobody has acknowledged.
    fn waiting(&self) -> Vec<(PageId, String)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.room.is_anothers(&self.room) {
            return Vec::new();
        }
        let took =
            |page: &crate::domain::page::Page| page.reached.iter().any(|one| one.target == self.target);
        let open = state.pages.values().filter(|page| page.is_open() && took(page));
        open.map(|page| (page.id, page.key.clone())).collect()
    }

    fn shown(&self, trouble: Option<String>) {
        let why = trouble.map(|why| text::line(&why).into_owned());
        self.show.send_if_modified(|all| {
            let known = all.iter().find(|one| one.target == self.target).cloned();
            if known.as_ref().map(|one| &one.why) == why.as_ref() {
                return false;
            }
            all.retain(|one| one.target != self.target);
            if let Some(why) = why {
                let since = known.map_or_else(|| clock::now().wall, |one| one.since);
                tracing::warn!(name = %self.target, %why, "who acknowledges pages there is not known");
                all.push(Silent { target: self.target.clone(), why, since });
            }
            true
        });
    }
}
