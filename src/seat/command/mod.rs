//! What a person can do at a seat: one table feeds keys, the palette, the help, the footer and the documentation.

pub mod act;
pub mod args;
pub mod doc;
pub mod keymap;
pub mod palette;
pub mod power;
pub mod table;

use super::{
    model::{Model, Pane},
    update::Effect,
};

/// A command of the table.
#[derive(Clone, Copy)]
pub struct Spec {
    /// Its name, as the palette and key files write it.
    pub name: &'static str,
    /// Other names in the palette.
    pub aliases: &'static [&'static str],
    /// What it does, one line.
    pub doc: &'static str,
    /// Keys it has where no key file says otherwise.
    pub keys: &'static [&'static str],
    /// Where it stands in help and documentation.
    pub group: Group,
    /// Its word in the footer, where it has one.
    pub foot: Option<&'static str>,
    /// What it wants to know.
    pub args: &'static [Arg],
    /// Whether it makes sense now; else why not.
    pub when: fn(&Model) -> Result<(), String>,
    /// What it does, all arguments given.
    pub run: fn(&mut Model, &[String]) -> Vec<Effect>,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Chapters of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Words.
    Say,
    /// The incident.
    Incident,
    /// The runbook.
    Runbook,
    /// Freezes and releases.
    Gate,
    /// Where to look.
    Look,
    /// The seat itself.
    Seat,
}

impl Group {
    /// All, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Say, Self::Incident, Self::Runbook, Self::Gate, Self::Look, Self::Seat];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Say => "Say and write down",
            Self::Incident => "The incident",
            Self::Runbook => "The runbook",
            Self::Gate => "Freezes and releases",
            Self::Look => "Look around",
            Self::Seat => "This seat",
        }
    }
}

/// An argument.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// Its name in the documentation.
    pub name: &'static str,
    /// What is asked where it is not given.
    pub ask: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether nothing is an answer too.
    pub optional: bool,
}

/// What an argument is, which says how it is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words, the last argument always.
    Words,
    /// One word or value.
    Value,
    /// One line of words; a semicolon ends it where it is typed into the palette.
    Line,
    /// What is needed, or that nothing is, by one key.
    Need,
    /// A severity.
    Severity,
    /// A status.
    Status,
    /// A role.
    Role,
    /// A login name.
    Person,
    /// A power that can be taken.
    Power,
    /// Services and environment, `checkout/prod`.
    Scope,
    /// A runbook that can be started.
    Runbook,
    /// A freeze that holds.
    Freeze,
    /// A deviation.
    Deviation,
    /// Why one deviated.
    Reason,
    /// A moment of the incident.
    Moment,
    /// A time.
    Time,
    /// A length of time.
    Span,
    /// An input or placeholder of the walk.
    Input,
    /// The value of that input.
    InputValue,
    /// A level of log lines.
    Level,
    /// A regular expression, or words in the timeline.
    Pattern,
    /// `service/version`.
    Artifact,
    /// Good or bad.
    Judgement,
    /// A task.
    Task,
    /// An update or a poll.
    Beat,
    /// A proposal that is open.
    Proposal,
    /// A decision that is to be looked at again.
    Reviewed,
    /// An incident.
    Incident,
    /// A prompt of the draft.
    Todo,
    /// A walk.
    Walk,
    /// Somebody who can be paged.
    Paged,
    /// A page that waits.
    Page,
    /// Another seat.
    Seat,
    /// What was recorded offline and not accepted.
    Conflict,
}

/// A command with the arguments that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The command's name.
    pub name: &'static str,
    /// Arguments so far.
    pub given: Vec<String>,
}

impl Call {
    /// Without arguments.
    pub fn of(name: &'static str) -> Self {
        Self { name, given: Vec::new() }
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, value: impl Into<String>) -> Self {
        self.given.push(value.into());
        self
    }
}

/// What keys of other commands mean while a task is selected: the same, about that task.
const ON_A_TASK: [(&str, &str); 4] = [
    ("page-ack", "task-ack"),
    ("reason", "task-report"),
    ("extend", "task-extend"),
    ("take-over", "task-assign"),
];

/// The command that a key means here: in the tasks some are about the selected task.
pub fn here(model: &Model, name: &'static str) -> Call {
    let tasks = model.ui.pane() == Pane::Tasks && model.tasks().iter().any(|task| task.is_open());
    let Some((_, own)) = ON_A_TASK.iter().find(|(key, _)| tasks && *key == name) else {
        return Call::of(name);
    };
    let picked = model.selected_task().filter(|task| task.is_open() && model.ui.tasks.selected().is_some());
    match picked {
        Some(task) => Call::of(own).with(task.id.to_string()),
        // Nothing was chosen: it is asked which.
        None => Call::of(own),
    }
}

/// A command by its name or alias.
pub fn named(name: &str) -> Option<&'static Spec> {
    table::all().find(|spec| spec.name == name || spec.aliases.contains(&name))
}

/// Does a command, or asks for the next argument that it wants.
pub fn invoke(model: &mut Model, call: Call) -> Vec<Effect> {
    let Some(spec) = named(call.name) else { return Vec::new() };
    if let Err(why) = power::possible(model, spec) {
        model.say(super::model::Tone::Wrong, format!("{}: {why}", spec.name));
        return Vec::new();
    }
    match spec.args.get(call.given.len()) {
        Some(arg) => {
            args::ask(model, spec, arg, call);
            Vec::new()
        }
        None => (spec.run)(model, &call.given),
    }
}
