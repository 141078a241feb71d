//! How what a seat knows changes: pure, one event in, effects out.

mod draft;
mod frame;
mod haste;
mod input;
mod layer;
pub mod presence;
mod shows;
mod tick;

pub use draft::open as open_draft;
pub use haste::Haste;
pub use shows::shows;
pub use tick::next_change;

use super::{
    command::Call,
    model::{
        Layer, Model, StepRef, Tone,
        draft::Todo,
        pending::{For, Then},
    },
    term::Input,
};
use crate::{
    domain::{
        Command,
        id::{IncidentId, WalkId},
        offline::{self, Way},
        permissions,
        plan::Slug,
        time::{Span, Stamp, Wall},
    },
    wire::{Anchored, Ask, FromRoom, Steer, ToRoom},
};
use uuid::Uuid;

/// Something that reaches a seat.
#[derive(Debug, Clone)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// From the terminal.
    Input(Input),
    /// From the room.
    Room(Box<FromRoom>),
    /// The connection is lost, or could not be made.
    Lost {
        /// Why.
        why: String,
        /// When it is tried again.
        retry_in: Span,
        /// Whether the room speaks another version of the wire.
        other_wire: bool,
    },
    /// The coach says something; `None` says nothing any more.
    Coach(Option<String>),
    /// A block came back from the editor.
    Edited {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
        /// Block.
        block: Slug,
        /// The new code, or why there is none.
        code: Result<String, String>,
    },
    /// The draft was made.
    Drafted {
        /// Whose.
        incident: IncidentId,
        /// Markdown.
        text: String,
        /// What is still to be answered.
        todos: Vec<Todo>,
    },
    /// A draft was written out: where, and its manifest's digest; or why not.
    Exported(IncidentId, Result<(String, String), String>),
    /// A copy reached the terminal, or why not.
    Copied(Result<(), String>),
    /// A hand was started, or why not.
    Spawned(StepRef, Result<(), String>),
    /// So many clients are attached to this seat's terminal.
    Attached(usize),
    /// What this seat, as a witness, found wrong with the journal's checkpoint and since when; `None` nothing any more.
    Doubted(Option<(String, Wall)>),
    /// The seat could not be stopped.
    NotSuspended,
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send to the room.
    Send(ToRoom),
    /// Leave.
    Quit,
    /// Leave: the terminal is gone.
    Gone,
    /// Stop until the shell continues it.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Put this on the clipboard.
    Copy(String),
    /// Start the hand of a step that was lent.
    SpawnHand {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
        /// Hand.
        hand: Uuid,
    },
    /// Open a block's code in the person's editor.
    EditFile {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
        /// Block.
        block: Slug,
        /// Its code now.
        code: String,
        /// Its language, for the file's name.
        lang: String,
    },
    /// Make the draft of the incident from the model's events.
    Draft(IncidentId),
    /// Write the draft out.
    Export(IncidentId),
    /// Compare the journal's checkpoint with the last that was seen, and keep it.
    Witness(Box<Anchored>),
}

/// What follows from an event at a moment.
pub fn update(model: &mut Model, now: Stamp, event: Event) -> Vec<Effect> {
    model.now = now;
    let mut effects = happen(model, event);
    let wanted = shows::shows(model);
    if wanted != model.showing {
        model.showing = wanted.clone();
        effects.push(Effect::Send(ToRoom::Show(wanted)));
    }
    effects
}

fn happen(model: &mut Model, event: Event) -> Vec<Effect> {
    match event {
        Event::Tick => tick::tick(model),
        Event::Input(input) => {
            let was = (model.leader.clone(), model.before.clone());
            let look = (was.0.is_some() || was.1.is_some()).then(|| model.look());
            let effects = input::input(model, input);
            if look.is_some_and(|look| model.look() != look) {
                // Who moves by themselves follows nobody, and has no place to be taken back to.
                if model.leader == was.0 {
                    presence::stop(model);
                }
                if model.before == was.1 {
                    model.before = None;
                }
            }
            effects
        }
        Event::Room(frame) => frame::frame(model, *frame),
        Event::Lost { why, retry_in, other_wire } => {
            frame::lost(model, &why, retry_in, other_wire);
            Vec::new()
        }
        Event::Coach(text) => {
            model.coach.text = text.map(|text| super::model::entry::one(&text));
            Vec::new()
        }
        Event::Edited { walk, step, block, code } => match code {
            Ok(code) => model.command(
                Command::Walk(crate::domain::walk::WalkCommand::Edit { walk, step, block, code }),
                Then::Say("edited; the difference is recorded".into()),
            ),
            Err(why) => {
                model.say(Tone::Wrong, format!("nothing was edited: {why}"));
                Vec::new()
            }
        },
        Event::Drafted { incident, text, todos } => {
            draft::drafted(model, incident, &text, todos);
            Vec::new()
        }
        Event::Exported(incident, result) => draft::exported(model, incident, result),
        Event::Copied(result) => {
            match result {
                Ok(()) => model.say(Tone::Done, "copied to your terminal's clipboard"),
                Err(why) => model.say(Tone::Wrong, format!("not copied: {why}")),
            }
            Vec::new()
        }
        Event::Spawned(at, Ok(())) => {
            model.hands.entry(at).or_default();
            Vec::new()
        }
        Event::Spawned(at, Err(why)) => {
            let what = format!(
                "the hand of {} could not be started: {why}; take it over with a reason, or cancel",
                at.step
            );
            model.say(Tone::Wrong, what);
            Vec::new()
        }
        Event::Attached(clients) => {
            model.attached = Some(clients);
            Vec::new()
        }
        Event::Doubted(doubt) => {
            if doubt.is_none() && model.doubt.is_some() {
                model.say(Tone::Done, "the record is trusted again");
            }
            model.doubt = doubt.map(|(why, since)| (crate::domain::text::line(&why).into_owned(), since));
            Vec::new()
        }
        Event::NotSuspended => {
            model.say(
                Tone::Wrong,
                "nobody could continue this seat if it stopped: it is the first process of its terminal",
            );
            Vec::new()
        }
    }
}

/// Why a seat that only looks does nothing else.
pub const READ_ONLY: &str = "this seat only looks (--read-only): open one without it to act";

impl Model {
    /// A command for the room. While the room is out of reach or its journal takes nothing, it is not sent.
    pub fn command(&mut self, command: Command, then: Then) -> Vec<Effect> {
        if self.read_only {
            self.say(Tone::Wrong, READ_ONLY);
            return Vec::new();
        }
        if !matches!(self.conn, super::model::Conn::Up { .. }) {
            self.unsent = true;
            self.say(Tone::Wrong, "the room is out of reach: nothing was sent; try again when it is back");
            return Vec::new();
        }
        if !self.writable() {
            self.unsent = true;
            self.say(Tone::Wrong, "the journal takes nothing, so nothing can be done; commands can be copied with y, UNRECORDED");
            return Vec::new();
        }
        if let Some(ctx) = self.ctx()
            && let Err(refusal) = permissions::check(&self.state, &command, &ctx)
        {
            self.say(Tone::Wrong, refusal.to_string());
            return Vec::new();
        }
        // It needs that all rooms agree, and they cannot: it is asked why it is done all the same.
        let needs = offline::way(&command) == Way::Glass && offline::own_reason(&command).is_none();
        if self.is_offline() && needs {
            self.held = Some(Box::new((command, then)));
            return super::command::invoke(self, Call::of("offline-glass"));
        }
        self.sent(command, then, None)
    }

    /// What was asked last and waits for a reason is sent with it.
    pub fn under_glass(&mut self, reason: &str) -> Vec<Effect> {
        let Some(held) = self.held.take() else { return Vec::new() };
        let (command, then) = *held;
        self.sent(command, then, Some(reason.to_owned()))
    }

    fn sent(&mut self, command: Command, then: Then, glass: Option<String>) -> Vec<Effect> {
        let id = self.pending.command(&command, glass.clone(), then);
        vec![Effect::Send(ToRoom::Do { id, command, glass })]
    }

    /// A command whose words are said when it is durable.
    pub fn act(&mut self, command: Command, say: impl Into<String>) -> Vec<Effect> {
        self.command(command, Then::Say(say.into()))
    }

    /// A question for the room.
    pub fn ask(&mut self, ask: Ask, purpose: For) -> Vec<Effect> {
        let n = self.pending.ask(&ask, purpose);
        vec![Effect::Send(ToRoom::Ask { n, ask })]
    }

    /// Steers a hand.
    pub fn steer(&self, at: StepRef, steer: Steer) -> Vec<Effect> {
        if self.read_only {
            return Vec::new();
        }
        vec![Effect::Send(ToRoom::Steer { at, steer })]
    }

    /// Whether something lies over the views that takes text.
    pub fn is_typing(&self) -> bool {
        matches!(
            self.layers.last(),
            Some(
                Layer::Help { .. }
                    | Layer::Palette { .. }
                    | Layer::Prompt(_)
                    | Layer::Words { .. }
                    | Layer::Declare(_)
                    | Layer::Terminal(_)
            )
        ) || match self.layers.last() {
            Some(Layer::Confirm(confirm)) => confirm.typed.is_some(),
            Some(Layer::Approval(approval)) => approval.glass.is_some(),
            _ => false,
        }
    }
}
