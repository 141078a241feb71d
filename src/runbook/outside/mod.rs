//! What a runbook names of the outside, and another in its place: a drill walks the same steps against stand-ins.
//!
//! Read are the parts that act: targets, inputs, placeholders, sources, the service, and in the code its addresses,
//! hosts, absolute paths, and the programs that may reach further than the files they are given. Prose is left alone.
//! What a script computes cannot be read, so a host that is a variable counts as a name that is not known; steps of a
//! drill run without their player's credentials for the same reason.

pub mod known;
mod remap;
pub mod scan;
mod shell;

pub use remap::{Remapped, remap};

use crate::domain::plan::{Block, BlockKind, Input, Runbook};
use scan::Found;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An alias of the front matter's `targets`, or one that is missing there.
    Target,
    /// The service that the runbook is for.
    Service,
    /// A value that is asked for, or that has a default.
    Input,
    /// `<name>` in code.
    Placeholder,
    /// The source that a check asks.
    Source,
    /// An address.
    Url,
    /// A host.
    Host,
    /// An absolute path.
    Path,
    /// A program that may reach further.
    Command,
}

impl Kind {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Service => "service",
            Self::Input => "input",
            Self::Placeholder => "placeholder",
            Self::Source => "source",
            Self::Url => "address",
            Self::Host => "host",
            Self::Path => "path",
            Self::Command => "command",
        }
    }
}

/// Something of the outside that a runbook names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is.
    pub kind: Kind,
    /// Its name, as a stand-in is given to it.
    pub name: String,
    /// What it stands for: a target's place, an input's default.
    pub says: String,
    /// Line where it is first named; 0 for the front matter.
    pub line: u32,
}

/// What stands for what, as a person says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stand {
    /// What a runbook names, and its stand-in.
    pub map: BTreeMap<String, String>,
    /// Paths and programs that stay as they are: somebody vouches that they reach nothing of production.
    pub keep: BTreeSet<String>,
}

/// What a drill has by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ground {
    /// Services of its world.
    pub services: Vec<String>,
    /// Sources that answer checks.
    pub sources: Vec<String>,
    /// Inputs that are known by their names.
    pub inputs: BTreeMap<String, String>,
}

/// All that a runbook names of the outside, by kind and name.
pub fn named(runbook: &Runbook) -> Vec<Named> {
    left(runbook, &Stand::default(), &Ground::default())
}

/// What of a runbook's names has neither a stand-in nor belongs to the ground.
fn left(runbook: &Runbook, stand: &Stand, ground: &Ground) -> Vec<Named> {
    let mut all = Names::default();
    let front = &runbook.front;
    for (alias, place) in &front.targets {
        if place != "local" && !stand.map.contains_key(alias) {
            all.add(Kind::Target, alias, place, 0);
        }
    }
    if let Some(service) = &front.service
        && !ground.services.contains(service)
        && !stand.map.values().any(|value| value == service)
    {
        all.add(Kind::Service, service, "", 0);
    }
    let captured: BTreeSet<&String> =
        runbook.steps().flat_map(|step| &step.blocks).filter_map(|block| block.capture.as_ref()).collect();
    for input in &front.inputs {
        let known = stand.map.contains_key(&input.name) || ground.inputs.contains_key(&input.name);
        if !known && !captured.contains(&input.name) && !is_harmless(input) {
            all.add(Kind::Input, &input.name, &says(input), 0);
        }
    }
    let allowed = Allowed::of(runbook, stand, &captured);
    for block in runbook.steps().flat_map(|step| &step.blocks) {
        if !matches!(block.kind, BlockKind::Expect | BlockKind::Sample) {
            of_block(runbook, block, stand, ground, &allowed, &mut all);
        }
    }
    all.0.into_iter().map(|((kind, name), (says, line))| Named { kind, name, says, line }).collect()
}

#[derive(Default)]
struct Names(BTreeMap<(Kind, String), (String, u32)>);

impl Names {
    fn add(&mut self, kind: Kind, name: &str, says: &str, line: u32) {
        self.0.entry((kind, name.to_owned())).or_insert_with(|| (says.to_owned(), line));
    }
}

/// What an input would be without a stand-in.
fn says(input: &Input) -> String {
    match (&input.default, &input.from, input.secret) {
        (_, _, true) => "a secret".into(),
        (Some(default), ..) => format!("default {default}"),
        (None, Some(from), _) => format!("from {from}"),
        (None, None, _) => input.prompt.clone().unwrap_or_default(),
    }
}

/// Whether its default names no place: a number, a length of time, a share, a yes or no.
fn is_harmless(input: &Input) -> bool {
    let Some(default) = input.default.as_deref().filter(|_| !input.secret && input.from.is_none()) else {
        return false;
    };
    let rest = default.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = rest.len() < default.len()
        && rest.len() <= 3
        && rest.chars().all(|c| c.is_ascii_alphabetic() || c == '%');
    default.is_empty() || number || matches!(default, "true" | "false" | "yes" | "no" | "on" | "off")
}

/// What may be named: what the stand-ins name themselves, and what is kept.
struct Allowed {
    text: Vec<(scan::Kind, String)>,
    programs: BTreeSet<String>,
    keep: BTreeSet<String>,
    /// Variables whose values are known: inputs, and what blocks capture.
    variables: BTreeSet<String>,
    /// Functions of any block: state is carried from one to the next.
    functions: BTreeSet<String>,
}

impl Allowed {
    fn of(runbook: &Runbook, stand: &Stand, captured: &BTreeSet<&String>) -> Self {
        let values = || stand.map.values();
        let mut programs = BTreeSet::new();
        for value in values() {
            programs.extend(programs_of(value).into_iter().map(|(program, _)| program));
        }
        let inputs = runbook.front.inputs.iter().map(|input| input.name.clone());
        let blocks = runbook.steps().flat_map(|step| &step.blocks).filter(|block| block.is_shell());
        Self {
            text: values()
                .flat_map(|value| scan::scan(value))
                .map(|found| (found.kind, found.text))
                .collect(),
            programs,
            keep: stand.keep.clone(),
            variables: inputs.chain(captured.iter().map(|name| (*name).clone())).collect(),
            functions: blocks.flat_map(|block| shell::read(&block.code).functions).collect(),
        }
    }

    fn has(&self, found: &Found) -> bool {
        let same = |(kind, text): &(scan::Kind, String)| {
            let within = match kind {
                scan::Kind::Url => false,
                // A stand-in without a port stands in for every port.
                scan::Kind::Host => {
                    found.text.strip_prefix(text.as_str()).is_some_and(|rest| rest.starts_with(':'))
                }
                scan::Kind::Path => scan::is_below(&found.text, text),
            };
            *kind == found.kind && (*text == found.text || within)
        };
        let kept =
            found.kind == scan::Kind::Path && self.keep.iter().any(|dir| scan::is_below(&found.text, dir));
        kept || self.text.iter().any(same)
            || (found.kind == scan::Kind::Url && self.is_known_host(&found.text))
    }

    /// Whether an address is a variable's whose value is known.
    fn is_known_host(&self, url: &str) -> bool {
        let Some((_, place)) = url.split_once("://") else { return false };
        let mut variables = place.split('$').skip(1).peekable();
        let name = |part: &str| -> String {
            part.trim_start_matches('{')
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        };
        place.starts_with('$')
            && variables.peek().is_some()
            && variables.all(|part| self.variables.contains(&name(part)))
    }

    fn has_program(&self, program: &str) -> bool {
        let variable = program.strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
        self.programs.contains(program)
            || self.functions.contains(program)
            || (self.keep.contains(program) && !known::reaches(program))
            || variable.is_some_and(|name| self.variables.contains(name))
    }
}

fn of_block(
    runbook: &Runbook,
    block: &Block,
    stand: &Stand,
    ground: &Ground,
    allowed: &Allowed,
    all: &mut Names,
) {
    let targets = &runbook.front.targets;
    if let Some(alias) = &block.host
        && !targets.contains_key(alias)
    {
        all.add(Kind::Target, alias, "not in targets", block.line);
    }
    for name in &block.placeholders {
        all.add(Kind::Placeholder, name, "", block.line);
    }
    if let Some(source) = &block.source
        && !ground.sources.contains(source)
        && !stand.map.values().any(|value| value == source)
    {
        all.add(Kind::Source, source, "", block.line);
    }
    // Where it runs on a stand-in of its own, files and programs are that stand-in's.
    let elsewhere = block.host.as_ref().is_some_and(|alias| {
        stand.map.contains_key(alias) && targets.get(alias).is_some_and(|place| place != "local")
    });
    let shells = ["sh", "bash", "zsh", "dash", "ash", "ksh"];
    let interpreter = block.interpreter.as_deref();
    let shell = interpreter.map_or_else(|| block.is_shell(), |own| shells.contains(&own));
    // Of the others nothing runs: a check without an address of its own, and what no program was named for.
    if !(shell || interpreter.is_some() || block.is_query() && block.lang == "http") {
        return;
    }
    let text = if shell { shell::read(&block.code).text } else { block.code.clone() };
    let beside =
        block.cwd.iter().filter(|_| !elsewhere).flat_map(|cwd| scan::scan(cwd)).map(|found| (found, 0));
    let within = scan::scan(&text).into_iter().map(|found| {
        let line = text.get(..found.at.start).unwrap_or_default().matches('\n').count();
        (found, u32::try_from(line).unwrap_or(0).saturating_add(1))
    });
    for (found, line) in beside.chain(within) {
        let kind = match found.kind {
            scan::Kind::Url => Kind::Url,
            scan::Kind::Host => Kind::Host,
            scan::Kind::Path => Kind::Path,
        };
        if !(allowed.has(&found) || (kind == Kind::Path && elsewhere)) {
            all.add(kind, &found.text, "", block.line.saturating_add(line));
        }
    }
    if block.is_query() || elsewhere {
        return;
    }
    if let Some(other) = interpreter.filter(|_| !shell) {
        // What it runs is not read: the program as a whole is vouched for, or another stands in.
        if !allowed.has_program(other) {
            all.add(Kind::Command, other, "", block.line);
        }
        return;
    }
    for (program, line) in programs_of(&block.code) {
        if !allowed.has_program(&program) {
            all.add(Kind::Command, &program, "", block.line.saturating_add(line).saturating_add(1));
        }
    }
}

/// Programs of a script that are not known to stay, with the line each stands on, from 0.
fn programs_of(code: &str) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut scripts = vec![(code.to_owned(), 0)];
    // A script in a script's words is shorter than that script.
    while let Some((code, at)) = scripts.pop() {
        for one in shell::read(&code).commands {
            let line = at + one.line;
            let mut inner = |text: &str| {
                if text.len() < code.len() {
                    scripts.push((text.to_owned(), line));
                }
            };
            found.extend(known::strangers(&one, &mut inner).into_iter().map(|program| (program, line)));
        }
    }
    found
}

#[cfg(test)]
mod tests;
