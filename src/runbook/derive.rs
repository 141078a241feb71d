//! Layer 0: sections and their steps, D1 to D8.

use super::{
    fence::{self, Place},
    lead::{self, Word},
    lint::Lints,
    looks::{self, Looks},
    prose,
    rejoin::rejoin,
    role,
    slug::Slugs,
    step::{Draft, fold},
    tree::{Doc, Inline, Item, Node, What},
};
use crate::domain::plan::{Block, BlockKind, Ending, Lead, Origin, Section, SectionRole};

/// What of a section becomes steps.
#[derive(Debug, Clone, Copy)]
struct Taking {
    /// Numbered items and code, not only what is a task or annotated.
    plain: bool,
    /// Bullets without a box.
    bullets: Bullets,
    /// Paragraphs, to read and confirm.
    paragraphs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bullets {
    No,
    WithCode,
    All,
}

/// All sections of a document.
pub fn sections(doc: &Doc, lints: &mut Lints) -> Vec<Section> {
    let parts = split(doc);
    let h1s = parts.iter().filter(|p| p.level == 1).count();
    let mut above: Vec<(u8, SectionRole)> = Vec::new();
    let roles: Vec<SectionRole> = parts
        .iter()
        .map(|part| {
            above.retain(|(level, _)| *level < part.level);
            // the only heading of level 1 is the document's title, and says what the runbook is for
            let own =
                if part.level == 1 && h1s == 1 { SectionRole::Neutral } else { role::role(&part.title) };
            let role = match own {
                SectionRole::Neutral => above.last().map_or(own, |(_, role)| *role),
                said => said,
            };
            if part.level > 1 {
                above.push((part.level, role));
            }
            role
        })
        .collect();
    let build = |all_action: bool, lints: &mut Lints| -> Vec<Section> {
        let mut slugs = Slugs::default();
        let with_roles = parts.iter().zip(&roles);
        with_roles
            .map(|(part, role)| {
                let as_role = if all_action { SectionRole::Action } else { *role };
                section(part, *role, as_role, &mut slugs, lints)
            })
            .collect()
    };
    let mut own = Lints::default();
    let mut out = build(false, &mut own);
    if out.iter().all(|s| s.steps.is_empty()) {
        own = Lints::default();
        out = build(true, &mut own);
        if out.iter().any(|s| !s.steps.is_empty()) {
            own.note(
                0,
                "no-action",
                "no heading says what to do, so every section is read as something to do",
            );
        }
    }
    lints.append(own);
    // text before the first heading is a section only where there is some
    out.retain(|s| s.level > 0 || !s.steps.is_empty() || !s.text.is_empty() || s.ending.is_some());
    out
}

struct Part {
    title: String,
    level: u8,
    line: u32,
    nodes: Vec<Node>,
}

fn split(doc: &Doc) -> Vec<Part> {
    let mut parts = vec![Part { title: String::new(), level: 0, line: 1, nodes: Vec::new() }];
    for node in &doc.nodes {
        if let What::Heading(level, inlines) = &node.what {
            parts.push(Part {
                title: prose::words(inlines),
                level: *level,
                line: node.line,
                nodes: Vec::new(),
            });
        } else if let Some(part) = parts.last_mut() {
            part.nodes.push(node.clone());
        }
    }
    for part in &mut parts {
        part.nodes = rejoin(std::mem::take(&mut part.nodes));
    }
    parts
}

fn section(
    part: &Part,
    said: SectionRole,
    role: SectionRole,
    slugs: &mut Slugs,
    lints: &mut Lints,
) -> Section {
    let id = if part.level == 0 { "top".to_owned() } else { super::slug::slug(&part.title) };
    let mut section = Section {
        id: slugs.unique(&id),
        title: part.title.clone(),
        level: part.level,
        role: said,
        text: String::new(),
        steps: Vec::new(),
        ending: None,
        line: part.line,
    };
    let taking = |plain, bullets, paragraphs| Taking { plain, bullets, paragraphs };
    let tries: &[Taking] = match role {
        SectionRole::Context => &[taking(false, Bullets::No, false)],
        SectionRole::Neutral => &[taking(true, Bullets::WithCode, false)],
        // D5: bullets only where nothing else is a step, paragraphs only where there is no bullet either
        SectionRole::Action => &[
            taking(true, Bullets::No, false),
            taking(true, Bullets::All, false),
            taking(true, Bullets::No, true),
        ],
    };
    let mut done = None;
    for (n, taking) in tries.iter().enumerate() {
        let walked = Walk::over(part, *taking);
        let found = !walked.drafts.is_empty();
        let last = n + 1 == tries.len();
        if found || last {
            // code in a bullet must not be lost because another step stands beside it
            let again = n == 0 && found && taking.plain && taking.bullets == Bullets::No;
            done = Some(if again {
                Walk::over(part, Taking { bullets: Bullets::WithCode, ..*taking })
            } else {
                walked
            });
            break;
        }
    }
    if let Some(walk) = done {
        section.text = walk.text;
        section.ending = walk.ending;
        section.steps = fold(walk.drafts);
        lints.append(walk.lints);
    }
    section
}

struct Walk {
    taking: Taking,
    /// The section's heading: the title of code that no paragraph stands before.
    heading: String,
    drafts: Vec<Draft>,
    text: String,
    /// Paragraphs that may yet introduce something.
    pending: Vec<Node>,
    ending: Option<Ending>,
    lints: Lints,
}

impl Walk {
    fn over(part: &Part, taking: Taking) -> Self {
        let mut walk = Self {
            taking,
            heading: part.title.clone(),
            drafts: Vec::new(),
            text: String::new(),
            pending: Vec::new(),
            ending: None,
            lints: Lints::default(),
        };
        for (n, node) in part.nodes.iter().enumerate() {
            walk.node(node, n + 1 == part.nodes.len());
        }
        walk.flush();
        walk
    }

    /// What introduced nothing is text of the section.
    fn flush(&mut self) {
        let text = prose::text_with_code(&std::mem::take(&mut self.pending));
        prose::add(&mut self.text, &text);
    }

    fn node(&mut self, node: &Node, last: bool) {
        if self.ending.is_some() {
            self.lints.warning(
                node.line,
                "after-end",
                "this stands after the section's end, and is never reached on its own; give it a heading",
            );
        }
        match &node.what {
            What::Para(inlines) => self.para(inlines, node, last),
            What::Code(_) => self.code(node),
            What::List(first, items) => self.list(*first, items, node, last),
            _ => self.pending.push(node.clone()),
        }
    }

    fn para(&mut self, inlines: &[Inline], node: &Node, last: bool) {
        let found = lead::find(inlines, node.line, &mut self.lints);
        match found.as_ref().map(|f| f.word) {
            Some(word @ (Word::End | Word::Stop))
                if last || found.as_ref().is_some_and(|f| f.text.is_empty()) =>
            {
                self.flush();
                prose::add(&mut self.text, &found.map(|f| f.text).unwrap_or_default());
                self.ending = Some(if word == Word::End { Ending::End } else { Ending::Stop });
            }
            Some(Word::Approve | Word::Confirm | Word::Decide | Word::Wait) => {
                self.flush();
                let draft = Draft::from_words(inlines, node.line, Origin::Paragraph, &mut self.lints);
                self.drafts.push(draft);
            }
            _ if self.taking.paragraphs => {
                let draft = Draft::from_words(inlines, node.line, Origin::Paragraph, &mut self.lints);
                self.drafts.push(draft);
            }
            _ => self.pending.push(node.clone()),
        }
    }

    /// D3 and D6.
    fn code(&mut self, node: &Node) {
        let What::Code(code) = &node.what else { return };
        let at = self.pending.iter().rposition(|n| matches!(n.what, What::Para(_)));
        let title = at.and_then(|at| self.pending.get(at)).and_then(|n| match &n.what {
            What::Para(inlines) => Some((inlines.clone(), n.line)),
            _ => None,
        });
        let intro = title.as_ref().map(|(inlines, _)| prose::words(inlines)).unwrap_or_default();
        let after_annotated = self.pending.is_empty()
            && self.drafts.last().and_then(|d| d.step.blocks.last()).is_some_and(|b| b.annotated);
        let mut lints = Lints::default();
        let block = fence::block(code, Place { line: node.line, intro: &intro, after_annotated }, &mut lints);
        if !self.taking.plain && !block.annotated {
            self.pending.push(node.clone());
            return;
        }
        self.lints.append(lints);
        // what is shown and is no output (YAML to apply, SQL to type, two shells) is something to do by hand
        let shown = block.kind == BlockKind::Sample;
        let to_do = shown && !role::introduces_sample(&intro) && !is_output(&block);
        let joins = self.pending.is_empty() || (shown && !to_do && at.is_some());
        match self.drafts.last_mut() {
            Some(draft) if joins => {
                let text = prose::text_of(&std::mem::take(&mut self.pending));
                prose::add(&mut draft.step.text, &text);
                draft.push(block);
            }
            _ if shown && !to_do && !block.annotated => self.pending.push(node.clone()),
            _ => self.code_step(title.as_ref(), at, block, node.line),
        }
    }

    fn code_step(&mut self, title: Option<&(Vec<Inline>, u32)>, at: Option<usize>, block: Block, line: u32) {
        let mut before = std::mem::take(&mut self.pending);
        if let Some(at) = at {
            before.remove(at);
        }
        let text = prose::text_with_code(&before);
        let (words, mut rest, line) = match title {
            Some((inlines, at)) => {
                let (words, rest) = prose::title(inlines, true);
                (words, rest, *at)
            }
            None if self.drafts.is_empty() && !self.heading.is_empty() => {
                (self.heading.clone(), String::new(), line)
            }
            None => {
                let first = block.code.lines().find(|l| !l.trim().is_empty()).unwrap_or("(empty block)");
                (crate::domain::text::line(first.trim()).chars().take(100).collect(), String::new(), line)
            }
        };
        if self.drafts.is_empty() {
            prose::add(&mut self.text, &text);
        } else {
            let mut whole = text;
            prose::add(&mut whole, &rest);
            rest = whole;
        }
        let mut draft = Draft::new(words, rest, line, Origin::Code);
        draft.push(block);
        self.drafts.push(draft);
    }

    /// D2 and D5.
    fn list(&mut self, first: Option<u64>, items: &[Item], node: &Node, last: bool) {
        if let Some(draft) = self.drafts.last_mut()
            && self.pending.is_empty()
            && draft.step.origin == Origin::Paragraph
            && matches!(&draft.step.lead, Some(Lead::Decide(choices)) if choices.is_empty())
        {
            draft.take(std::slice::from_ref(node), &mut self.lints);
            return;
        }
        let tasks = items.iter().any(|i| i.task.is_some());
        let numbered = first.is_some() && self.taking.plain;
        if !tasks && !numbered && self.taking.bullets == Bullets::No && !items.iter().any(has_tasks) {
            self.pending.push(node.clone());
            return;
        }
        self.flush();
        for (n, item) in items.iter().enumerate() {
            let origin = match (item.task, numbered) {
                (Some(_), _) => Some(Origin::Task),
                (None, true) => Some(Origin::Numbered),
                _ if leads(item) => Some(Origin::Bullet),
                _ => match self.taking.bullets {
                    Bullets::All if !has_tasks(item) => Some(Origin::Bullet),
                    Bullets::WithCode if has_code(&item.nodes) && !has_tasks(item) => Some(Origin::Bullet),
                    _ => None,
                },
            };
            match origin {
                Some(origin) => self.item(item, origin, last && n + 1 == items.len()),
                None if has_tasks(item) => self.group(item),
                None => {
                    let one = Node { what: What::List(None, vec![item.clone()]), line: item.line };
                    let text = prose::text_with_code(&[one]);
                    match self.drafts.last_mut() {
                        Some(draft) if tasks => prose::add(&mut draft.step.text, &text),
                        _ => prose::add(&mut self.text, &text),
                    }
                }
            }
        }
    }

    fn item(&mut self, item: &Item, origin: Origin, last: bool) {
        let draft = Draft::from_item(item, origin, &mut self.lints);
        if let Some(word @ (Word::End | Word::Stop)) = draft.lead.as_ref().map(|f| f.word) {
            if last {
                self.ending = Some(if word == Word::End { Ending::End } else { Ending::Stop });
            } else {
                self.lints.warning(item.line, "early-end", "END and STOP close a section, and other items follow this one; it is read as plain words");
            }
            if last && draft.lead.as_ref().is_some_and(|f| f.text.is_empty()) {
                return;
            }
        }
        self.drafts.push(draft);
    }

    /// A bullet without a box over items with boxes: those are the steps.
    fn group(&mut self, item: &Item) {
        for node in &item.nodes {
            match &node.what {
                What::List(first, items) => self.list(*first, items, node, false),
                _ => prose::add(&mut self.text, &prose::text_with_code(std::slice::from_ref(node))),
            }
        }
    }
}

/// Whether a block that is not run is output, or a picture.
fn is_output(block: &Block) -> bool {
    match block.lang.as_str() {
        "text" | "txt" | "output" | "log" | "mermaid" | "plain" | "plaintext" | "none" => true,
        "" => looks::looks(&block.code) == Looks::Output,
        _ => block.is_shell() && looks::looks(&block.code) == Looks::Output,
    }
}

fn leads(item: &Item) -> bool {
    matches!(item.nodes.first(), Some(Node { what: What::Para(inlines), .. })
        if lead::find(inlines, item.line, &mut Lints::default()).is_some_and(|f| !matches!(f.word, Word::End | Word::Stop)))
}

fn has_tasks(item: &Item) -> bool {
    item.task.is_none()
        && item.nodes.iter().any(|n| matches!(&n.what, What::List(_, items) if items.iter().any(|i| i.task.is_some() || has_tasks(i))))
}

fn has_code(nodes: &[Node]) -> bool {
    nodes.iter().any(|n| match &n.what {
        What::Code(_) => true,
        What::Quote(inner) => has_code(inner),
        What::List(_, items) => items.iter().any(|i| has_code(&i.nodes)),
        _ => false,
    })
}
