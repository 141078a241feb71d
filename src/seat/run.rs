//! The loop of a seat: the only part that does I/O. Signals first, then the person, then the rest; what came is
//! drained, then drawn once, and only where something shows.

mod link;
mod outside;
mod pace;

pub use link::{Link, Revive, Sits};

use super::{
    model::{Model, Setup, Todo},
    term::{self, Caps, Inputs, Screen, ScreenError, Signal, Signals, screen::Suspended, signal::Ended},
    update::{self, Effect, Event, Haste},
    view,
};
use crate::{
    domain::{
        Event as Happened,
        id::{IncidentId, WalkId},
        time::{Span, Wall},
    },
    os::clock,
    theme::Theme,
    wire::Anchored,
};
use outside::Outside;
use pace::Pace;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

/// Things that are taken in before they are drawn at most, so that a flood does not blind the person.
const DRAIN: usize = 512;

/// Starts the hand of a step that was lent.
pub type SpawnHand = Arc<dyn Fn(&Path, WalkId, &str, Uuid) -> Result<(), String> + Send + Sync>;
/// Makes the draft of an incident from its events.
pub type DraftWith = Arc<dyn Fn(&[Happened], IncidentId) -> (String, Vec<Todo>) + Send + Sync>;
/// Writes the draft out; gives its place and its manifest's digest.
pub type ExportWith = Arc<dyn Fn(&Path, IncidentId) -> Result<(String, String), String> + Send + Sync>;

/// Looks at a checkpoint as a witness; says what is wrong with the journal, and since when.
pub type WitnessWith = Arc<dyn Fn(&Anchored) -> Option<(String, Wall)> + Send + Sync>;

/// How a seat is opened.
pub struct Options {
    /// The room's socket.
    pub socket: PathBuf,
    /// Starts the room again where it has fallen; none where that is somebody else's to do.
    pub revive: Option<Revive>,
    /// What the model is made with.
    pub setup: Setup,
    /// How it looks.
    pub theme: Theme,
    /// What the terminal can do.
    pub caps: Caps,
    /// What is asked of the terminal.
    pub screen: term::Options,
    /// The coach of a drill.
    pub coach: Option<mpsc::UnboundedReceiver<Option<String>>>,
    /// Starts hands.
    pub spawn_hand: SpawnHand,
    /// Makes drafts.
    pub draft: DraftWith,
    /// Writes drafts out.
    pub export: ExportWith,
    /// Keeps checkpoints.
    pub witness: WitnessWith,
}

/// Why the seat was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// The person left.
    Quit,
    /// A signal.
    Signal(Ended),
    /// The terminal is gone.
    Gone,
}

/// A seat cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// Its terminal.
    #[error(transparent)]
    Screen(#[from] ScreenError),
    /// The system.
    #[error("the seat cannot listen to its terminal or to signals: {0}")]
    System(#[from] std::io::Error),
}

/// A seat from its first frame to its end; with why it ended, what the person has typed and the room has not taken.
///
/// # Errors
/// [`SeatError`]; the terminal was given back.
pub async fn run(options: Options) -> Result<(Left, Vec<String>), SeatError> {
    let mut screen = Screen::enter(options.screen)?;
    let mut inputs = Inputs::start()?;
    let mut signals = Signals::listen()?;
    let mut model = Model::new(options.setup);
    let size = screen.size()?;
    model.ui.size = (size.width, size.height);
    model.showing = update::shows(&model);
    let sits = Sits { read_only: model.read_only, shows: model.showing.clone() };
    let mut link = Link::open(options.socket.clone(), options.revive, sits);
    let (jobs, mut done) = mpsc::unbounded_channel();
    outside::watch_terminal(jobs.clone());
    let mut coach = options.coach;
    let outside = Outside {
        socket: options.socket,
        spawn_hand: options.spawn_hand,
        draft: options.draft,
        export: options.export,
        witness: options.witness,
        shown: Arc::default(),
        done: jobs,
    };
    let through = options.caps.clipboard();
    let mut pace = Pace::new(Instant::now());
    loop {
        let due = pace.due();
        if due.is_some_and(|due| due <= Instant::now()) {
            model.now = clock::now();
            let bytes = screen.draw(|frame| {
                let area = frame.area();
                if let Some(at) = view::screen(frame.buffer_mut(), area, &options.theme, &model) {
                    frame.set_cursor_position(at);
                }
            })?;
            pace.drew(Instant::now(), bytes);
            continue;
        }
        let clock = Instant::now() + until(&model);
        let wake = due.map_or(clock, |due| due.min(clock));
        let first = tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Some(Signal::End(ended)) => {
                    screen.leave()?;
                    return Ok((Left::Signal(ended), model.not_sent()));
                }
                Some(Signal::Stop) => {
                    if screen.suspend()? == Suspended::Refused {
                        Some(Event::NotSuspended)
                    } else {
                        resized(&screen)?
                    }
                }
                Some(Signal::Continue) => {
                    screen.reclaim()?;
                    resized(&screen)?
                }
                Some(Signal::Resize) => resized(&screen)?,
                None => None,
            },
            input = inputs.next() => {
                let Some(input) = input else {
                    let _ = screen.leave();
                    return Ok((Left::Gone, model.not_sent()));
                };
                Some(Event::Input(input))
            }
            Some(event) = link.next() => Some(event),
            Some(event) = done.recv() => Some(event),
            text = hear(&mut coach) => Some(Event::Coach(text)),
            () = sleep_until(wake) => Some(Event::Tick),
        };
        let mut next = first;
        for _ in 0..DRAIN {
            let Some(event) = next.take() else { break };
            pace.want(Haste::of(&event, model.ui.at_log()));
            for effect in update::update(&mut model, clock::now(), event) {
                match effect {
                    Effect::Quit => {
                        let _ = screen.leave();
                        return Ok((Left::Quit, model.not_sent()));
                    }
                    Effect::Gone => {
                        let _ = screen.leave();
                        return Ok((Left::Gone, model.not_sent()));
                    }
                    Effect::Suspend => {
                        if screen.suspend()? == Suspended::Refused {
                            update::update(&mut model, clock::now(), Event::NotSuspended);
                        }
                    }
                    Effect::Redraw => screen.redraw()?,
                    Effect::Copy(text) => {
                        let result = screen.copy(&text, through).map_err(|error| error.to_string());
                        update::update(&mut model, clock::now(), Event::Copied(result));
                    }
                    Effect::Send(frame) => link.send(frame),
                    Effect::EditFile { walk, step, block, code, lang } => {
                        // The editor has the terminal alone: ours is given back, and nobody reads its keys.
                        drop(inputs);
                        screen.leave()?;
                        let code = outside::edit(code, lang).await;
                        screen = Screen::enter(options.screen)?;
                        inputs = Inputs::start()?;
                        signals = Signals::listen()?;
                        let event = Event::Edited { walk, step, block, code };
                        for effect in update::update(&mut model, clock::now(), event) {
                            if let Effect::Send(frame) = effect {
                                link.send(frame);
                            }
                        }
                    }
                    effect => outside.perform(&model, effect),
                }
            }
            next = link.ready().or_else(|| done.try_recv().ok());
        }
        if let Some(frame) = update::presence::due(&mut model) {
            link.send(frame);
        }
    }
}

fn resized(screen: &Screen) -> Result<Option<Event>, SeatError> {
    let size = screen.size()?;
    Ok(Some(Event::Input(term::Input::Resize(size.width, size.height))))
}

/// Until what is shown changes although nothing happens. Nobody looks at an unfocused terminal that closely.
fn until(model: &Model) -> Duration {
    let now = clock::now();
    let at = update::next_change(model).until(&now);
    let least = if model.ui.unfocused { Span::secs(1) } else { Span::millis(10) };
    at.max(least).std()
}

async fn hear(coach: &mut Option<mpsc::UnboundedReceiver<Option<String>>>) -> Option<String> {
    let heard = match coach {
        Some(coach) => coach.recv().await,
        None => std::future::pending().await,
    };
    if heard.is_none() {
        // It has gone; it is not asked again.
        *coach = None;
    }
    heard.flatten()
}
