//! A runbook with stand-ins for what it names.

use super::{Ground, Kind, Named, Stand, known::reaches, left, named, scan::is_below};
use crate::domain::plan::{Block, Runbook, Section, SectionRole};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::{BTreeMap, BTreeSet};

/// What has come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Remapped {
    /// The runbook, with a section before all others that says what stands for what.
    pub runbook: Runbook,
    /// Names that have no stand-in: as long as there are any, it must not be walked.
    pub left: Vec<Named>,
    /// Names of the map and of what is kept that the runbook has.
    pub used: BTreeSet<String>,
    /// Stand-ins that cannot stand where they are to.
    pub wrong: Vec<String>,
}

/// The section that says what stands for what.
const SECTION: &str = "drill-stand-ins";

/// Puts stand-ins in place of what a runbook names.
pub fn remap(runbook: &Runbook, stand: &Stand, ground: &Ground) -> Remapped {
    let mut done =
        Remapped { runbook: runbook.clone(), left: Vec::new(), used: BTreeSet::new(), wrong: Vec::new() };
    let before = named(runbook);
    let says: BTreeMap<&str, &str> =
        before.iter().map(|one| (one.name.as_str(), one.says.as_str())).collect();
    structure(&mut done, stand, ground);
    plain(&mut done.wrong, stand, &done.runbook);
    let words = Words::new(&done, stand);
    let runbook = &mut done.runbook;
    for step in runbook.sections.iter_mut().flat_map(|section| &mut section.steps) {
        for block in &mut step.blocks {
            words.block(block, (stand, ground), &mut done.used, &mut done.wrong);
        }
    }
    for name in &stand.keep {
        let is = |one: &&Named| one.name == *name || (one.kind == Kind::Path && is_below(&one.name, name));
        let Some(one) = before.iter().find(is) else { continue };
        done.used.insert(name.clone());
        match one.kind {
            Kind::Command if reaches(name) => {
                done.wrong.push(format!("{name} cannot be kept: it reaches further by settings of its own"));
            }
            Kind::Path | Kind::Command => {}
            other => done.wrong.push(format!(
                "{name} cannot be kept: only paths and commands can, and it is: {}",
                other.word()
            )),
        }
    }
    done.left = left(&done.runbook, stand, ground);
    let told: Vec<String> = stand
        .map
        .iter()
        .filter(|(name, _)| done.used.contains(*name))
        .map(|(name, value)| match says.get(name.as_str()).filter(|says| !says.is_empty()) {
            Some(says) => format!("- {name} ({says}): {value}"),
            None => format!("- {name}: {value}"),
        })
        .chain(
            stand
                .keep
                .iter()
                .filter(|name| done.used.contains(*name))
                .map(|name| format!("- {name}: kept as it is")),
        )
        .collect();
    if !told.is_empty() {
        done.runbook.sections.insert(0, section(told.join("\n")));
    }
    done
}

fn section(text: String) -> Section {
    Section {
        id: SECTION.into(),
        title: "Practice: what stands for what".into(),
        level: 2,
        role: SectionRole::Context,
        text,
        steps: Vec::new(),
        ending: None,
        line: 0,
    }
}

/// Targets, inputs and the service: what has a place of its own in the plan.
fn structure(done: &mut Remapped, stand: &Stand, ground: &Ground) {
    let front = &mut done.runbook.front;
    let hosts: BTreeSet<String> = done
        .runbook
        .sections
        .iter()
        .flat_map(|section| &section.steps)
        .flat_map(|step| &step.blocks)
        .filter_map(|block| block.host.clone())
        .collect();
    for (name, value) in &stand.map {
        if front.targets.contains_key(name) || hosts.contains(name) {
            let host = value.strip_prefix("ssh://");
            if value == "local" || host.is_some_and(|host| !host.is_empty() && !host.starts_with('-')) {
                front.targets.insert(name.clone(), value.clone());
            } else {
                done.wrong.push(format!("{name}={value}: a target is local or ssh://host"));
            }
            done.used.insert(name.clone());
        }
        if front.service.as_ref() == Some(name) {
            front.service = Some(value.clone());
            done.used.insert(name.clone());
            none_of(&mut done.wrong, "service", name, value, &ground.services);
        }
    }
    for input in &mut front.inputs {
        let given = stand.map.get(&input.name);
        if given.is_some() {
            done.used.insert(input.name.clone());
        }
        let Some(value) = given.or_else(|| ground.inputs.get(&input.name)) else { continue };
        if value.contains(['\0', '\n', '\r']) {
            done.wrong.push(format!("{}: its stand-in is more than one line", input.name));
        }
        // The stand-in and nothing else: what production allows does not bind it, and nobody types another.
        (input.default, input.choices) = (Some(value.clone()), vec![value.clone()]);
        (input.pattern, input.from, input.secret) = (None, None, false);
    }
}

/// What goes into code is plain: it must not be able to say more than a name.
fn plain(wrong: &mut Vec<String>, stand: &Stand, runbook: &Runbook) {
    for (name, value) in &stand.map {
        let strange = value.chars().find(|c| !(c.is_ascii_alphanumeric() || "._:/@%+=,~- ".contains(*c)));
        let input = runbook.front.inputs.iter().any(|input| input.name == *name);
        match strange.filter(|_| !input) {
            Some(c) => wrong.push(format!(
                "{name}={value}: {c:?} cannot stand in a stand-in, only letters, digits and ._:/@%+=,~-"
            )),
            None if value.trim().is_empty() => wrong.push(format!("{name}= has no stand-in behind it")),
            None => {}
        }
    }
}

/// A stand-in that the practice world does not have.
fn none_of(wrong: &mut Vec<String>, what: &str, name: &str, value: &str, there: &[String]) {
    if !there.iter().any(|own| own == value) {
        wrong.push(format!(
            "{name}={value}: the practice world has no such {what}, only {}",
            there.join(", ")
        ));
    }
}

/// Names as they stand in code.
struct Words {
    find: Option<AhoCorasick>,
    pairs: Vec<(String, String)>,
}

impl Words {
    fn new(done: &Remapped, stand: &Stand) -> Self {
        let front = &done.runbook.front;
        let blocks = || done.runbook.steps().flat_map(|step| &step.blocks);
        let structural = |name: &str| {
            front.targets.contains_key(name)
                || front.inputs.iter().any(|input| input.name == name)
                || blocks().any(|block| block.placeholders.iter().any(|hole| hole == name))
        };
        let pairs: Vec<(String, String)> = stand
            .map
            .iter()
            .filter(|(name, _)| !name.is_empty() && !structural(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let find = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(pairs.iter().map(|(name, _)| name))
            .ok();
        Self { find, pairs }
    }

    fn block(
        &self,
        block: &mut Block,
        (stand, ground): (&Stand, &Ground),
        used: &mut BTreeSet<String>,
        wrong: &mut Vec<String>,
    ) {
        if let Some((name, value)) = block.source.as_ref().and_then(|source| stand.map.get_key_value(source))
        {
            none_of(wrong, "source", name, value, &ground.sources);
            used.insert(name.clone());
            block.source = Some(value.clone());
        }
        block.code = self.text(&block.code, used);
        if let Some(cwd) = &block.cwd {
            block.cwd = Some(self.text(cwd, used));
        }
        if let Some(own) = &block.interpreter {
            block.interpreter = Some(self.text(own, used));
        }
        for hole in std::mem::take(&mut block.placeholders) {
            match stand.map.get(&hole) {
                Some(value) => {
                    block.code = block.code.replace(&format!("<{hole}>"), value);
                    used.insert(hole);
                }
                None => block.placeholders.push(hole),
            }
        }
    }

    /// The text with every name replaced that stands there whole.
    fn text(&self, text: &str, used: &mut BTreeSet<String>) -> String {
        let Some(find) = &self.find else { return text.to_owned() };
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for hit in find.find_iter(text) {
            let Some((name, value)) = self.pairs.get(hit.pattern().as_usize()) else { continue };
            let before = text.get(..hit.start()).and_then(|text| text.chars().next_back());
            let mut after = text.get(hit.end()..).unwrap_or_default().chars();
            if !stands_whole(name, before, after.next(), after.next()) {
                continue;
            }
            out.push_str(text.get(from..hit.start()).unwrap_or_default());
            out.push_str(value);
            from = hit.end();
            used.insert(name.clone());
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }
}

/// Whether a name is not a part of a longer one, by what stands around it.
fn stands_whole(name: &str, before: Option<char>, after: Option<char>, then: Option<char>) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let path = name.starts_with('/');
    let open = before.is_none_or(|c| !part(c) && !matches!(c, '.' | '/' | '$' | '}' | '{'));
    let closed = match after {
        None => true,
        Some('.') => !then.is_some_and(char::is_alphanumeric),
        Some(':') => !then.is_some_and(|c| c.is_ascii_digit()) || !name.contains("://"),
        Some('/') => path || name.contains(['.', ':']) || name == "localhost",
        Some(c) => !part(c),
    };
    open && closed
}
