//! One item, paragraph or block of code as a step.

use super::{
    fence::{self, Place},
    lead::{self, Found, Word},
    lint::Lints,
    prose, role,
    tree::{Code, Inline, Item, Node, What},
};
use crate::domain::plan::{Approval, Block, Lead, Origin, Step};

/// A step in the making: an APPROVE may still fold into the step after it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The step so far; ids are given out later.
    pub step: Step,
    /// The lead-in it begins with.
    pub lead: Option<Found>,
}

impl Draft {
    /// A step with a title alone.
    pub fn new(title: String, text: String, line: u32, origin: Origin) -> Self {
        let conditional = role::conditional(&title);
        Self {
            step: Step {
                id: String::new(),
                title,
                text,
                line,
                origin,
                lead: None,
                conditional,
                ticked: false,
                blocks: Vec::new(),
                approval: None,
            },
            lead: None,
        }
    }

    /// From a paragraph, which may open with a lead-in.
    pub fn from_words(inlines: &[Inline], line: u32, origin: Origin, lints: &mut Lints) -> Self {
        let Some(found) = lead::find(inlines, line, lints) else {
            let (title, text) = prose::title(inlines, false);
            return Self::new(title, text, line, origin);
        };
        let (title, text) = prose::cut_title(&found.text, &found.text, false);
        let mut draft = Self::new(title, text, line, origin);
        draft.step.lead = match found.word {
            Word::Confirm => Some(Lead::Confirm(found.by.clone())),
            Word::Approve => Some(Lead::Approve(found.by.clone())),
            Word::Decide => Some(Lead::Decide(Vec::new())),
            Word::Wait => Some(Lead::Wait(found.wait)),
            Word::End | Word::Stop => None,
        };
        draft.lead = Some(found);
        draft
    }

    /// From an item of a list; nested code, text and lists belong to it.
    pub fn from_item(item: &Item, origin: Origin, lints: &mut Lints) -> Self {
        let (mut draft, rest) = match item.nodes.split_first() {
            Some((Node { what: What::Para(inlines), .. }, rest)) => {
                (Self::from_words(inlines, item.line, origin, lints), rest)
            }
            _ => (Self::new(String::new(), String::new(), item.line, origin), item.nodes.as_slice()),
        };
        draft.step.ticked = item.task == Some(true);
        draft.take(rest, lints);
        if draft.step.title.is_empty() {
            let code = draft.step.blocks.first().and_then(|b| b.code.lines().find(|l| !l.trim().is_empty()));
            let words = code.or_else(|| draft.step.text.lines().next()).unwrap_or("(no words)");
            draft.step.title = crate::domain::text::line(words.trim()).chars().take(100).collect();
        }
        draft
    }

    /// Takes what is nested in the step: code, choices, text.
    pub fn take(&mut self, nodes: &[Node], lints: &mut Lints) {
        let mut intro = self.step.title.clone();
        let mut texts: Vec<Node> = Vec::new();
        for node in nodes {
            match &node.what {
                What::List(_, items) if matches!(&self.step.lead, Some(Lead::Decide(c)) if c.is_empty()) => {
                    self.step.lead = Some(Lead::Decide(lead::choices(items, lints)));
                }
                What::List(..) | What::Quote(_) => {
                    texts.push(node.clone());
                    self.nested_code(node, &mut intro, lints);
                }
                What::Code(code) => self.code(code, node.line, &intro, lints),
                What::Para(inlines) => {
                    intro = prose::words(inlines);
                    texts.push(node.clone());
                }
                _ => texts.push(node.clone()),
            }
        }
        prose::add(&mut self.step.text, &prose::text_of(&texts));
    }

    fn nested_code(&mut self, node: &Node, intro: &mut String, lints: &mut Lints) {
        match &node.what {
            What::Code(code) => self.code(code, node.line, intro, lints),
            What::Para(inlines) => *intro = prose::words(inlines),
            What::Quote(inner) => inner.iter().for_each(|n| self.nested_code(n, intro, lints)),
            What::List(_, items) => {
                items.iter().flat_map(|i| &i.nodes).for_each(|n| self.nested_code(n, intro, lints));
            }
            _ => {}
        }
    }

    /// Adds a block.
    pub fn code(&mut self, code: &Code, line: u32, intro: &str, lints: &mut Lints) {
        let after_annotated = self.step.blocks.last().is_some_and(|b| b.annotated);
        self.push(fence::block(code, Place { line, intro, after_annotated }, lints));
    }

    /// Adds a block that is made already.
    pub fn push(&mut self, block: Block) {
        self.step.blocks.push(block);
    }
}

/// Folds APPROVE into what it gates: its own code, else the step after it, which keeps the sentence.
pub fn fold(drafts: Vec<Draft>) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    let mut held: Option<(Step, Found)> = None;
    for Draft { mut step, lead } in drafts {
        let approve = lead.filter(|l| l.word == Word::Approve);
        match (held.take(), approve) {
            (before, Some(found)) => {
                // two approvals in a row: the first gates nothing but the way to the second
                out.extend(before.map(|(step, _)| step));
                if step.runs() {
                    step.lead = None;
                    step.approval = Some(Approval { text: sentence(&step), by: found.by });
                    out.push(step);
                } else {
                    held = Some((step, found));
                }
            }
            (Some((gate, found)), None) => {
                step.approval = Some(Approval { text: sentence(&gate), by: found.by });
                if !gate.blocks.is_empty() {
                    step.blocks.splice(0..0, gate.blocks);
                }
                out.push(step);
            }
            (None, None) => out.push(step),
        }
    }
    out.extend(held.map(|(step, _)| step));
    out
}

fn sentence(step: &Step) -> String {
    let mut text = step.title.clone();
    prose::add(&mut text, &step.text);
    text
}
