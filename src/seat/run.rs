//! The seat's loop: signals first, then the room, then the person, then time. It alone does I/O; it draws at most
//! every 30 ms, and only when something that shows has changed.

use super::{
    link,
    model::{Model, Setup, draft::Todo},
    term::{
        clipboard::Through,
        input::Inputs,
        screen::{Options as ScreenOptions, Screen, ScreenError, Suspended},
        signal::{Ended, Signal, Signals},
    },
    update::{self, Effect, Event, update},
    view,
};
use crate::{
    domain::{
        Event as Fact,
        id::{IncidentId, WalkId},
    },
    os::clock,
    theme::Theme,
};
use futures::future::BoxFuture;
use std::{
    io::Write as _,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Frames are drawn at most this often.
const FRAME: Duration = Duration::from_millis(30);

/// Starts the hand of a step that was lent.
pub type SpawnHand = Arc<dyn Fn(WalkId, &str, Uuid) -> Result<(), String> + Send + Sync>;
/// Makes the draft from an incident's events.
pub type MakeDraft = Arc<dyn Fn(Vec<Fact>, IncidentId) -> (String, Vec<Todo>) + Send + Sync>;
/// Writes the draft out: where it lies and its manifest's digest, or why not.
pub type WriteDraft =
    Arc<dyn Fn(IncidentId) -> BoxFuture<'static, Result<(String, String), String>> + Send + Sync>;

/// What a seat is opened with.
pub struct Options {
    /// The room.
    pub socket: PathBuf,
    /// What this process says of where its person sits.
    pub claimed: Option<String>,
    /// What the model begins with.
    pub setup: Setup,
    /// How it looks.
    pub theme: Theme,
    /// What the terminal is asked for.
    pub screen: ScreenOptions,
    /// How the clipboard is reached.
    pub clipboard: Through,
    /// Starts hands.
    pub spawn_hand: SpawnHand,
    /// Makes drafts.
    pub draft: MakeDraft,
    /// Writes drafts.
    pub export: WriteDraft,
    /// A drill's coach.
    pub coach: Option<mpsc::Receiver<Option<String>>>,
}

/// Why a seat ended.
#[derive(Debug)]
pub enum Left {
    /// The person left.
    Quit,
    /// A signal.
    Signal(Ended),
    /// The terminal is gone.
    TerminalGone,
}

/// What the loop waits for besides signals, room and person.
struct Desk {
    screen: Screen,
    inputs: Inputs,
    model: Model,
    send: mpsc::UnboundedSender<crate::wire::ToRoom>,
    back: mpsc::UnboundedSender<Event>,
    spawn_hand: SpawnHand,
    draft: MakeDraft,
    export: WriteDraft,
    clipboard: Through,
    left: Option<Left>,
}

/// Sits until the person leaves. The room goes on.
///
/// # Errors
/// Where there is no terminal, or it fails.
pub async fn run(options: Options) -> Result<Left, ScreenError> {
    let Options { socket, claimed, setup, theme, screen, clipboard, spawn_hand, draft, export, coach } =
        options;
    let mut signals = Signals::listen().map_err(ScreenError::from)?;
    let (send, mut events) = link::open(socket, claimed);
    let (back, mut answers) = mpsc::unbounded_channel();
    let mut coach = coach;
    let mut desk = Desk {
        screen: Screen::enter(screen)?,
        inputs: Inputs::start().map_err(ScreenError::from)?,
        model: Model::new(setup),
        send,
        back,
        spawn_hand,
        draft,
        export,
        clipboard,
        left: None,
    };
    let mut drawn = Instant::now().checked_sub(FRAME).unwrap_or_else(Instant::now);
    let mut dirty = true;
    loop {
        if let Some(left) = desk.left.take() {
            drop(desk.screen.leave());
            return Ok(left);
        }
        if dirty && drawn.elapsed() >= FRAME {
            desk.draw(&theme)?;
            (drawn, dirty) = (Instant::now(), false);
        }
        let wake = if dirty {
            FRAME.saturating_sub(drawn.elapsed())
        } else {
            update::next_change(&desk.model).until(&clock::now()).std()
        };
        let event = tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Some(Signal::End(ended)) => {
                    desk.left = Some(Left::Signal(ended));
                    continue;
                }
                Some(Signal::Stop) => {
                    desk.suspend()?;
                    Event::Tick
                }
                Some(Signal::Continue) => {
                    desk.screen.reclaim()?;
                    Event::Tick
                }
                Some(Signal::Resize) => Event::Tick,
                None => continue,
            },
            Some(event) = events.recv() => event,
            input = desk.inputs.next() => match input {
                Some(super::term::Input::Gone) | None => {
                    desk.left = Some(Left::TerminalGone);
                    continue;
                }
                Some(input) => Event::Input(input),
            },
            Some(event) = answers.recv() => event,
            Some(text) = next(&mut coach) => Event::Coach(text),
            () = tokio::time::sleep(wake) => {
                if dirty {
                    continue;
                }
                Event::Tick
            }
        };
        desk.take(event)?;
        // What has come meanwhile is one frame with it.
        while let Ok(event) = events.try_recv() {
            desk.take(event)?;
        }
        dirty = true;
    }
}

async fn next(coach: &mut Option<mpsc::Receiver<Option<String>>>) -> Option<Option<String>> {
    match coach {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}

impl Desk {
    fn draw(&mut self, theme: &Theme) -> Result<(), ScreenError> {
        let model = &self.model;
        self.screen.draw(|frame| {
            let area = frame.area();
            if let Some((x, y)) = view::screen(frame.buffer_mut(), area, theme, model) {
                frame.set_cursor_position((x, y));
            }
        })
    }

    fn take(&mut self, event: Event) -> Result<(), ScreenError> {
        for effect in update(&mut self.model, clock::now(), event) {
            self.act(effect)?;
        }
        Ok(())
    }

    fn suspend(&mut self) -> Result<(), ScreenError> {
        if self.screen.suspend()? == Suspended::Refused {
            let _ = self.back.send(Event::NotSuspended);
        }
        Ok(())
    }

    fn act(&mut self, effect: Effect) -> Result<(), ScreenError> {
        match effect {
            Effect::Send(frame) => {
                let _ = self.send.send(frame);
            }
            Effect::Quit => self.left = Some(Left::Quit),
            Effect::Suspend => self.suspend()?,
            Effect::Redraw => self.screen.redraw()?,
            Effect::Copy(text) => {
                let copied = self.screen.copy(&text, self.clipboard).map_err(|error| error.to_string());
                let _ = self.back.send(Event::Copied(copied));
            }
            Effect::SpawnHand { walk, step, hand } => {
                let (spawn, back) = (self.spawn_hand.clone(), self.back.clone());
                tokio::task::spawn_blocking(move || {
                    let started = spawn(walk, &step, hand);
                    let at = super::model::StepRef { walk, step };
                    let _ = back.send(Event::Spawned(at, started));
                });
            }
            Effect::Draft(incident) => {
                let (make, back) = (self.draft.clone(), self.back.clone());
                let events = self.model.draft.events.clone();
                tokio::task::spawn_blocking(move || {
                    let (text, todos) = make(events, incident);
                    let _ = back.send(Event::Drafted { incident, text, todos });
                });
            }
            Effect::Export(incident) => {
                let (work, back) = ((self.export)(incident), self.back.clone());
                tokio::spawn(async move {
                    let done = work.await;
                    let _ = back.send(Event::Exported(incident, done));
                });
            }
            Effect::EditFile { walk, step, block, code, lang } => {
                let code = self.edit(&code, &lang)?;
                let _ = self.back.send(Event::Edited { walk, step, block, code });
            }
        }
        Ok(())
    }

    /// Gives the terminal to the person's editor and takes it again.
    fn edit(&mut self, code: &str, lang: &str) -> Result<Result<String, String>, ScreenError> {
        let word =
            if lang.chars().all(|c| c.is_ascii_alphanumeric()) && !lang.is_empty() { lang } else { "txt" };
        let file = tempfile::Builder::new().prefix("warroom-").suffix(&format!(".{word}")).tempfile();
        let mut file = match file {
            Ok(file) => file,
            Err(error) => return Ok(Err(format!("no file can be made to edit in: {error}"))),
        };
        if let Err(error) = file.write_all(code.as_bytes()).and_then(|()| file.flush()) {
            return Ok(Err(format!("the code cannot be written to be edited: {error}")));
        }
        self.screen.release()?;
        self.inputs.stop();
        let ended = crate::os::editor::edit(file.path());
        self.inputs = Inputs::start().map_err(ScreenError::from)?;
        self.screen.reclaim()?;
        Ok(match ended {
            Ok(status) if status.success() => std::fs::read_to_string(file.path())
                .map_err(|error| format!("what was edited cannot be read: {error}")),
            Ok(status) => Err(format!("the editor ended with {status}: nothing was changed")),
            Err(error) => Err(format!("the editor could not be started: {error}; set EDITOR")),
        })
    }
}
