//! What is prescribed: a runbook resolved into sections, steps and blocks. Made by `runbook`, walked by `walk`.

use super::{id::Digest, time::Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A step's, block's or section's name inside its runbook: lower case words joined by `-`, unique.
pub type Slug = String;

/// A runbook as loaded. Only what stands here can run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Runbook {
    /// First heading, or the front matter's `title`, or the file's name.
    pub title: String,
    /// Where it came from, for reading only (`rollback.md`, `builtin:rollback`).
    pub source: String,
    /// SHA-256 of the bytes as loaded.
    pub hash: Digest,
    /// The `warroom:` key of the front matter.
    #[serde(default)]
    pub front: Front,
    /// In the order of the file.
    pub sections: Vec<Section>,
    /// What a reader should know about the file; never a reason to refuse it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lints: Vec<Lint>,
}

/// Layer 1: what the front matter says. Unknown keys are linted and otherwise ignored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Front {
    /// Format version, 1.
    pub version: Option<u32>,
    /// Who answers for the runbook.
    pub owner: Option<String>,
    /// Service it is for.
    pub service: Option<String>,
    /// Severities it is for.
    pub severity: Vec<String>,
    /// Target for the mean time to recover.
    pub mttr_target: Option<Span>,
    /// Acceptable loss of data.
    pub rpo: Option<Span>,
    /// Alias to `local` or `ssh://host`.
    pub targets: BTreeMap<String, String>,
    /// Values asked for before or during the walk, in order.
    pub inputs: Vec<Input>,
    /// Walked by a person or by itself.
    pub mode: Mode,
}

/// Who walks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// People.
    #[default]
    Manual,
    /// The room, from a pinned hash.
    Unattended,
}

/// A value that travels to the blocks as an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Name of the environment variable.
    pub name: String,
    /// What to ask.
    pub prompt: Option<String>,
    /// Taken where nothing is entered.
    pub default: Option<String>,
    /// The only values allowed, where there are any.
    pub choices: Vec<String>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<String>,
    /// Never journaled, never shown.
    pub secret: bool,
    /// A command whose standard output is the value.
    pub from: Option<String>,
}

/// A heading and what is under it, up to the next heading of any level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Anchor, as a forge makes it from the title.
    pub id: Slug,
    /// The heading's text.
    pub title: String,
    /// Heading level, 1 to 6; 0 for text before the first heading.
    pub level: u8,
    /// D1: what the heading says the section is for.
    pub role: SectionRole,
    /// Text that belongs to no step.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Steps in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Whether the section closes with **END** or **STOP**.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Line of the heading, from 1.
    pub line: u32,
}

/// D1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionRole {
    /// To read: meaning, impact, references.
    Context,
    /// To do: diagnosis, mitigation, procedure.
    Action,
    /// The heading does not say.
    Neutral,
}

/// How a section closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The runbook is complete.
    End,
    /// The runbook is abandoned.
    Stop,
}

/// One thing to do, to confirm or to decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Name of its first named block, else heading slug and ordinal.
    pub id: Slug,
    /// One line.
    pub title: String,
    /// The rest of its text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Line it starts at, from 1.
    pub line: u32,
    /// Which rule made it a step.
    pub origin: Origin,
    /// Layer 3: what its lead-in asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// D7: opens with If, When or Otherwise; n/a costs nothing.
    #[serde(default)]
    pub conditional: bool,
    /// Ticked in the file already (`[x]`), shown and otherwise ignored.
    #[serde(default)]
    pub ticked: bool,
    /// Code, in the order of the file.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// An approval that stands on the item before this one and gates this step. The item itself stays in the file's
    /// order as part of this step, not as a step of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// The derivation rule that made a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// D2: a top-level task item.
    Task,
    /// D2: a top-level numbered item.
    Numbered,
    /// D3: a code block outside a list.
    Code,
    /// D5: a bullet of an action section.
    Bullet,
    /// D5: a paragraph of an action section, to read and confirm.
    Paragraph,
}

/// What a gated step asks approval for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The sentence that the approver agrees to.
    pub text: String,
    /// Whose approval, how many, within what time.
    pub by: By,
}

/// `(by=ic,dba n=2 within=10m)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Roles, any of which counts; empty means anybody but the requester.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How many distinct people.
    pub n: u8,
    /// The time in which the answer is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

impl Default for By {
    fn default() -> Self {
        Self { roles: Vec::new(), n: 1, within: None }
    }
}

/// Layer 3 lead-ins that are steps of their own. **APPROVE** is `Step::approval`; it is a lead only where it gates
/// nothing (no code of its own and no item after it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    /// Somebody of the role says that it is so.
    Confirm(By),
    /// An approval that gates nothing but the way on.
    Approve(By),
    /// Choose where to go on.
    Decide(Vec<Choice>),
    /// Let this time pass; without a time, until somebody says so.
    Wait(Option<Span>),
}

/// One branch of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is chosen.
    pub label: String,
    /// Section to go on in.
    pub to: Slug,
}

/// A fenced or indented block of code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// `name=`, or step id and ordinal.
    pub id: Slug,
    /// Language word of the info string, lower case; empty where there is none.
    pub lang: String,
    /// What it is in the step's order.
    pub kind: BlockKind,
    /// The code as it will run: prompts (`$ `) and sample output removed.
    pub code: String,
    /// D6: output shown beside the code in the file, never run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sample: String,
    /// Line of the opening fence, from 1.
    pub line: u32,
    /// Layer 2: true where the author annotated the block; a derived block never runs unasked.
    #[serde(default)]
    pub annotated: bool,
    /// Kill and record after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Attempts and the interval between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// A check holds only when it held this long without a gap.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub hold: Option<Span>,
    /// Needs a real terminal.
    #[serde(default)]
    pub interactive: bool,
    /// `expect=rc:0,1`: accepted exit codes; empty means 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<i32>,
    /// For `expect` blocks: how the output of the block before is compared with this code.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// A second run needs an override.
    #[serde(default)]
    pub once: bool,
    /// How much is asked before it runs.
    #[serde(default)]
    pub risk: Risk,
    /// What happens when it fails.
    #[serde(default)]
    pub onfail: OnFail,
    /// Standard output becomes this input, shown before use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<String>,
    /// Alias in `targets`; none means `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Working directory (`cwd`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Interpreter in place of the language's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// Name of the source that answers it, where several could (`source`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The steps after it in its section do not wait for its end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub background: bool,
    /// Placeholders (`<name>`) that must be filled before it may run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<String>,
    /// Every other attribute, kept as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
}

/// The order in a step: guard, check, approve, run, verify, expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// Passes: the run is already satisfied and skipped.
    Guard,
    /// Looked at before the approval.
    Check,
    /// Changes the world.
    Run,
    /// Must be yes afterwards.
    Verify,
    /// What the output of the block before must look like.
    Expect,
    /// Offered on failure.
    Undo,
    /// Shown, never run.
    Sample,
}

/// `retry=10/30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts altogether.
    pub attempts: u32,
    /// Between the end of one and the start of the next.
    pub every: Span,
}

/// How an `expect` block is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// Every line of it occurs in the output.
    Contains,
    /// Equal, but for white space at the ends.
    Exact,
    /// A regular expression that is found.
    Regex,
    /// Every key of it is in the output with the same value.
    Json,
}

/// What has to be typed before a block runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Enter.
    #[default]
    Low,
    /// The sentence and a second key.
    High,
    /// The target's name.
    Irreversible,
}

/// What a failure does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// The step failed; people decide.
    #[default]
    Stop,
    /// Noted, and on.
    Continue,
    /// The undo block runs by itself.
    Undo,
    /// On in another section or step.
    Goto(Slug),
}

/// Something a reader of the file should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lint {
    /// Line, from 1; 0 for the file as a whole.
    pub line: u32,
    /// Column, in characters from 1; 0 for the line as a whole.
    #[serde(default, skip_serializing_if = "none")]
    pub column: u32,
    /// How much it matters.
    pub level: LintLevel,
    /// A word for it, `unknown-key`, to search for and to silence.
    pub code: String,
    /// What, and what to do.
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn none(column: &u32) -> bool {
    *column == 0
}

/// How much a lint matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LintLevel {
    /// Nice to know.
    Note,
    /// Probably not what was meant.
    Warning,
    /// Will not work.
    Error,
}

/// Languages of checks that the room answers from its own sources.
pub const QUERIES: [&str; 5] = ["promql", "http", "sql", "logs", "junit"];

impl Block {
    /// Whether a shell runs it.
    pub fn is_shell(&self) -> bool {
        matches!(
            self.lang.as_str(),
            "sh" | "bash" | "shell" | "zsh" | "console" | "shell-session" | "terminal"
        ) || (self.lang.is_empty() && self.kind != BlockKind::Expect && self.kind != BlockKind::Sample)
    }

    /// Whether it acts, and is to act a second time only where somebody insists.
    pub fn ran_once(&self) -> bool {
        self.once && self.kind == BlockKind::Run
    }

    /// Whether the room answers it from its own sources, so that no command is needed. (Where nothing else is said,
    /// what stands under `logs` is what some log looks like.)
    pub fn is_query(&self) -> bool {
        QUERIES.contains(&self.lang.as_str()) && (self.annotated || self.lang != "logs")
    }
}

impl Step {
    /// Blocks of one kind, in order.
    pub fn of_kind(&self, kind: BlockKind) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }

    /// What a block of it is; `None` where it has no such block.
    pub fn kind_of(&self, block: &str) -> Option<BlockKind> {
        self.blocks.iter().find(|own| own.id == block).map(|own| own.kind)
    }

    /// The highest risk among what it runs.
    pub fn risk(&self) -> Risk {
        self.of_kind(BlockKind::Run).map(|block| block.risk).max().unwrap_or_default()
    }

    /// Whether the steps after it in its section do not wait for its end: something that it runs is `background`.
    pub fn is_background(&self) -> bool {
        self.blocks.iter().any(|block| {
            block.background && !matches!(block.kind, BlockKind::Sample | BlockKind::Expect | BlockKind::Undo)
        })
    }

    /// Whether anything in it can be run at all.
    pub fn runs(&self) -> bool {
        self.blocks.iter().any(|b| !matches!(b.kind, BlockKind::Sample | BlockKind::Expect | BlockKind::Undo))
    }
}

impl Runbook {
    /// A step by name.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.sections.iter().flat_map(|section| &section.steps).find(|step| step.id == id)
    }

    /// The section that a step is in.
    pub fn section_of(&self, id: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.steps.iter().any(|step| step.id == id))
    }

    /// A section by anchor.
    pub fn section(&self, id: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.id == id)
    }

    /// All steps in the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.sections.iter().flat_map(|section| &section.steps)
    }
}
