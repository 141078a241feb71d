//! What a seat does outside of itself: hands are started, drafts made, an editor opened; never in the loop's way.

use super::{DraftWith, ExportWith, SpawnHand, WitnessWith};
use crate::{
    os::{claim, editor},
    seat::{
        model::{Model, StepRef},
        update::{Effect, Event},
    },
    wire::Anchored,
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// What it needs for that.
pub(super) struct Outside {
    pub socket: PathBuf,
    pub spawn_hand: SpawnHand,
    pub draft: DraftWith,
    pub export: ExportWith,
    pub witness: WitnessWith,
    /// Checkpoints that were looked at.
    pub shown: Arc<AtomicU64>,
    pub done: mpsc::UnboundedSender<Event>,
}

impl Outside {
    /// Does it on another thread; what came of it arrives as an event.
    pub fn perform(&self, model: &Model, effect: Effect) {
        let done = self.done.clone();
        let socket = self.socket.clone();
        match effect {
            Effect::SpawnHand { walk, step, hand } => {
                let spawn = self.spawn_hand.clone();
                tokio::task::spawn_blocking(move || {
                    let result = spawn(&socket, walk, &step, hand);
                    let _ = done.send(Event::Spawned(StepRef { walk, step }, result));
                });
            }
            Effect::Draft(incident) => {
                let (make, events) = (self.draft.clone(), model.draft.events.clone());
                tokio::task::spawn_blocking(move || {
                    let (text, todos) = make(&events, incident);
                    let _ = done.send(Event::Drafted { incident, text, todos });
                });
            }
            Effect::Export(incident) => {
                let export = self.export.clone();
                tokio::task::spawn_blocking(move || {
                    let result = export(&socket, incident);
                    let _ = done.send(Event::Exported(incident, result));
                });
            }
            Effect::Witness(anchor) => {
                let shown = self.shown.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
                tokio::spawn(watch(self.witness.clone(), anchor, (self.shown.clone(), shown), done));
            }
            Effect::Send(_)
            | Effect::Quit
            | Effect::Gone
            | Effect::Suspend
            | Effect::Redraw
            | Effect::Copy(_)
            | Effect::EditFile { .. } => {}
        }
    }
}

/// How often a doubt is looked at again: a person may have taken it back.
const DOUBT_EVERY: Duration = Duration::from_secs(3);

/// Looks at a checkpoint as a witness; while it is doubted and the newest, again and again.
async fn watch(
    witness: WitnessWith,
    anchor: Box<Anchored>,
    (newest, own): (Arc<AtomicU64>, u64),
    done: mpsc::UnboundedSender<Event>,
) {
    let anchor: Arc<Anchored> = anchor.into();
    loop {
        let (look, at) = (witness.clone(), anchor.clone());
        let Ok(doubt) = tokio::task::spawn_blocking(move || look(&at)).await else { return };
        let over = doubt.is_none();
        if newest.load(Ordering::Relaxed) != own || done.send(Event::Doubted(doubt)).is_err() || over {
            return;
        }
        tokio::time::sleep(DOUBT_EVERY).await;
    }
}

/// How often it is asked who else is attached to the terminal.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Says how many clients are attached to this terminal whenever that changes, where a multiplexer knows.
pub(super) fn watch_terminal(done: mpsc::UnboundedSender<Event>) {
    tokio::spawn(async move {
        let mut known = None;
        while let Some(clients) = claim::attached().await {
            if known != Some(clients) {
                known = Some(clients);
                if done.send(Event::Attached(clients)).is_err() {
                    return;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

/// Lets the person change code in their editor; gives back what they saved.
pub(super) async fn edit(code: String, lang: String) -> Result<String, String> {
    match tokio::task::spawn_blocking(move || editor::edit_text(&code, &lang)).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
