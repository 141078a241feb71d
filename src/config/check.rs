//! What one key alone cannot show: names that must be unique or known, times that make no sense, files that are not
//! there.

use super::{
    check_name, check_outward, check_ready, check_source, journal,
    load::World,
    model::Config,
    problem::{Files, Problem},
    tree::{Node, Step, Value, written},
};
use crate::domain::{freeze::LEASE_MAX, glass::GLASS_MAX, id::Digest, policy::Power, time::Span};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
};

/// Themes that are built in.
pub const THEMES: [&str; 4] = ["dark", "light", "colour-blind-safe", "monochrome"];

/// SHA-256 of nothing, which is what an unset variable hashes to.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Collects what is wrong, with its place.
pub struct Judge<'a> {
    /// What was read.
    pub config: &'a Config,
    /// What could be read.
    tree: &'a Node,
    /// Everything, also what could not be read.
    whole: &'a Node,
    files: &'a Files,
    /// The machine.
    pub world: &'a World<'a>,
    problems: Vec<Problem>,
}

/// A path to a value: `key!["gate", "tokens", 2, "may"]`.
macro_rules! key {
    ($($step:expr),+ $(,)?) => { [$($crate::config::check::step($step)),+] };
}
pub(super) use key;

/// A step of a path, of a key or of an index.
pub fn step(from: impl Into<Step>) -> Step {
    from.into()
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}
impl From<&String> for Step {
    fn from(key: &String) -> Self {
        Self::Key(key.clone())
    }
}
impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl Judge<'_> {
    /// Something is wrong with the value at a path.
    pub fn wrong(&mut self, path: &[Step], what: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.problem(path, what).help(help));
    }

    /// As [`Self::wrong`], where the line may show a secret.
    pub fn wrong_secret(&mut self, path: &[Step], what: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.problem(path, what).help(help).masked());
    }

    /// Something is probably not meant.
    pub fn warn(&mut self, path: &[Step], what: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.problem(path, what).help(help).warning());
    }

    fn problem(&self, path: &[Step], what: impl Into<String>) -> Problem {
        Problem::error(self.files, self.tree.place(path, false), written(path), what)
    }

    /// Whether everything under a top-level key could be read, so that a missing name is really missing.
    pub fn whole(&self, key: &str) -> bool {
        let count = |tree: &Node| tree.get(key).map(|entry| weight(&entry.node));
        count(self.tree) == count(self.whole)
    }

    /// A length of time must lie in these bounds.
    pub fn within(&mut self, path: &[Step], span: Span, least: Span, most: Span) {
        if span < least || span > most {
            self.wrong(path, format!("{span} is not between {least} and {most}"), "");
        }
    }

    /// A name stands in ids, columns and commands: short, and without blanks.
    pub fn name(&mut self, path: &[Step], name: &str) {
        let fits = |c: char| c.is_alphanumeric() || "._:-/*@".contains(c);
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fits) {
            self.wrong(path, "not a name", "1 to 64 letters, digits and . _ : - / @, without blanks");
        }
    }

    /// A file or directory must be there.
    pub fn there(&mut self, path: &[Step], place: &Path) {
        if !(self.world.exists)(place) {
            self.wrong(
                path,
                format!("{} is not there", place.display()),
                "a path is relative to the file it stands in",
            );
        }
    }
}

fn weight(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(list) => list.iter().map(weight).sum(),
        Value::Table(table) => table.values().map(|entry| weight(&entry.node)).sum(),
        _ => 0,
    }
}

/// Everything that is wrong across keys.
pub fn check(config: &Config, tree: &Node, whole: &Node, files: &Files, world: &World<'_>) -> Vec<Problem> {
    let mut judge = Judge { config, tree, whole, files, world, problems: Vec::new() };
    journal::check(&mut judge);
    room(&mut judge);
    policy(&mut judge);
    check_name::names(&mut judge);
    services(&mut judge);
    powers(&mut judge);
    check_source::sources(&mut judge);
    check_source::panels(&mut judge);
    runbooks(&mut judge);
    gate(&mut judge);
    check_outward::outward(&mut judge);
    rest(&mut judge);
    judge.problems
}

/// Longest name of a machine that ssh takes, a user before it included.
const SSH_MAX: usize = 320;

/// The name stands on a line that people paste into a shell.
fn room(judge: &mut Judge<'_>) {
    let Some(ssh) = &judge.config.room.ssh else { return };
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:/@%+".contains(c);
    let help = "bastion.example.com, USER@HOST, ssh://HOST:PORT or a name of ~/.ssh/config";
    let what = match ssh.chars().find(|c| !fits(*c)) {
        _ if ssh.is_empty() => "the name is empty".to_owned(),
        _ if ssh.starts_with('-') => "ssh would take it for an option".to_owned(),
        _ if ssh.len() > SSH_MAX => format!("{} characters are no name", ssh.chars().count()),
        Some(c) if c.is_whitespace() => "it has a blank in it: one name, without options".to_owned(),
        Some(c) => format!("{} has no place in it", crate::domain::text::line(&format!("{c:?}"))),
        None => return,
    };
    judge.wrong(&key!["room", "ssh"], what, help);
}

fn policy(judge: &mut Judge<'_>) {
    let times = judge.config.policy.clone();
    judge.within(&key!["policy", "recovery_hold"], times.recovery_hold, Span::secs(1), Span::hours(24));
    judge.within(&key!["policy", "review_within"], times.review_within, Span::hours(1), Span::hours(24 * 30));
    judge.within(&key!["policy", "freeze_lease"], times.freeze_lease, Span::mins(1), LEASE_MAX);
    judge.within(&key!["policy", "glass_lease"], times.glass_lease, Span::mins(1), GLASS_MAX);
    for (severity, row) in &judge.config.severity {
        let severity = severity.to_string();
        let at = |key: &str| key!["severity", &severity, key];
        if row.meaning.trim().is_empty() {
            judge.wrong(
                &at("meaning"),
                "the meaning is empty",
                "say in one line when somebody should take it",
            );
        }
        let periods = [
            ("poll_every", row.poll_every),
            ("update_every", row.update_every),
            ("external_every", row.external_every),
        ];
        for (key, every) in periods {
            if let Some(every) = every {
                judge.within(&at(key), every, Span::mins(1), Span::hours(24));
            }
        }
        if let Some(lease) = row.freeze {
            judge.within(&at("freeze"), lease, Span::mins(1), LEASE_MAX);
        }
        match row.runbook.as_deref().map(|book| (book, book.strip_prefix("builtin:"))) {
            Some((_, Some(""))) => {
                judge.wrong(&at("runbook"), "builtin: names no runbook", "write builtin:rollback-release");
            }
            Some((book, None)) => judge.there(&at("runbook"), Path::new(book)),
            _ => {}
        }
    }
}

fn services(judge: &mut Judge<'_>) {
    for (name, service) in &judge.config.service {
        let at = |key: &str| key!["service", name, key];
        if !(1..=5).contains(&service.tier) {
            judge.wrong(
                &at("tier"),
                format!("there is no tier {}", service.tier),
                "1 is the most important, 5 the least",
            );
        }
        judge.within(&at("mttr_target"), service.mttr_target, Span::mins(1), Span::hours(24 * 30));
        check_ready::readiness(judge, name, &service.readiness);
        check_ready::record(judge, name, &service.record);
        for (i, other) in service.depends_on.iter().enumerate() {
            let at = key!["service", name, "depends_on", i];
            if other == name {
                judge.wrong(&at, "a service does not depend on itself", "take it out");
            } else {
                judge.service(&at, other);
            }
        }
    }
}

fn powers(judge: &mut Judge<'_>) {
    let powers = &judge.config.power;
    for (power, members) in powers {
        let key = word(*power);
        if members.users.is_empty() && members.groups.is_empty() && judge.whole("power") {
            let help = "name users = [\"…\"] or groups = [\"…\"], or take the table out";
            judge.warn(&key!["power", key], format!("nobody has the power to {key}"), help);
        }
        for (list, names) in [("users", &members.users), ("groups", &members.groups)] {
            if names.iter().any(|name| name.trim().is_empty() || name.contains(char::is_whitespace)) {
                judge.wrong(&key!["power", key, list], "not a login name", "names as `id` shows them");
            }
        }
    }
    if !powers.is_empty() && !powers.contains_key(&Power::Respond) && judge.whole("power") {
        let help = "where any [power.…] stands, what is not given is given to nobody: add [power.respond]";
        judge.wrong(&key!["power"], "nobody may respond", help);
    }
    if !powers.is_empty() && !powers.contains_key(&Power::Command) && judge.whole("power") {
        let help = "who declares commands, but nobody can take over from them but by breaking the glass: add \
                    [power.command]";
        judge.warn(&key!["power"], "nobody has the power to command", help);
    }
}

fn word(power: Power) -> &'static str {
    match power {
        Power::Observe => "observe",
        Power::Respond => "respond",
        Power::Command => "command",
        Power::Approve => "approve",
    }
}

fn runbooks(judge: &mut Judge<'_>) {
    for (i, place) in judge.config.runbook.iter().enumerate() {
        match (&place.path, &place.dir) {
            (Some(path), None) => judge.there(&key!["runbook", i, "path"], path),
            (None, Some(dir)) => judge.there(&key!["runbook", i, "dir"], dir),
            _ => judge.wrong(
                &key!["runbook", i],
                "a runbook is a file or a directory of files",
                "give path = \"FILE.md\" or dir = \"DIRECTORY\", one of the two",
            ),
        }
    }
}

fn gate(judge: &mut Judge<'_>) {
    let gate = &judge.config.gate;
    if let Some(listen) = &gate.listen {
        let at = key!["gate", "listen"];
        match listen.parse::<SocketAddr>() {
            Ok(address) if !address.ip().is_loopback() && gate.tokens.is_empty() => judge.wrong(
                &at,
                "the gate would answer the network without a token",
                "listen on 127.0.0.1, or give [[gate.tokens]]",
            ),
            Ok(_) => {}
            Err(_) if listen == "none" => {}
            Err(_) => judge.wrong(
                &at,
                listen_fault(listen),
                "address and port: \"127.0.0.1:7311\" or \"[::1]:7311\"",
            ),
        }
    }
    let (mut names, mut hashes) = (BTreeSet::new(), BTreeMap::new());
    for (i, token) in gate.tokens.iter().enumerate() {
        let at = |key: &str| key!["gate", "tokens", i, key];
        judge.name(&at("name"), &token.name);
        if !names.insert(&token.name) {
            judge.wrong(
                &at("name"),
                format!("two tokens are named {:?}", token.name),
                "the journal tells them by name",
            );
        }
        if OF_NOTHING.parse::<Digest>().is_ok_and(|empty| empty == token.sha256) {
            judge.wrong_secret(
                &at("sha256"),
                "this is the hash of nothing",
                "the variable was empty when it was hashed",
            );
        }
        if let Some(other) = hashes.insert(token.sha256, &token.name) {
            judge.wrong_secret(&at("sha256"), format!("the same token as {other:?}"), "one token, one name");
        }
        if token.may.is_empty() && judge.whole("gate") {
            judge.warn(&at("may"), "this token may nothing", "may = [\"ask\"] for a pipeline");
        }
    }
}

fn listen_fault(listen: &str) -> String {
    match listen.rsplit_once(':') {
        Some((_, port)) if port.parse::<u32>().is_ok_and(|port| port > 65_535) => {
            format!("there is no port {port}: the highest is 65535")
        }
        Some((host, port)) if port.parse::<u16>().is_ok() && !host.is_empty() => {
            format!("{host:?} is not an address: names are not looked up here")
        }
        _ => "not an address and port".into(),
    }
}

fn rest(judge: &mut Judge<'_>) {
    let Config { evidence, redact, ui, .. } = judge.config;
    if evidence.max_bytes < 1024 * 1024 {
        judge.wrong(
            &key!["evidence", "max_bytes"],
            format!("{} bytes hold nothing useful", evidence.max_bytes),
            "at least 1048576, which is 1 MiB",
        );
    }
    for (i, pattern) in redact.patterns.iter().enumerate() {
        let at = key!["redact", "patterns", i];
        if let Some(regex) = judge.regex(&at, pattern)
            && regex.is_match("")
        {
            judge.wrong(
                &at,
                "this pattern finds nothing at all everywhere",
                "a pattern must need one character at least",
            );
        }
    }
    let own = Path::new(&ui.theme).extension().is_some_and(|end| end == "toml");
    if own {
        judge.there(&key!["ui", "theme"], Path::new(&ui.theme));
    } else if !THEMES.contains(&ui.theme.as_str()) {
        let help = format!("one of {}, or the path of a .toml file", THEMES.join(", "));
        judge.wrong(&key!["ui", "theme"], format!("no theme {:?}", ui.theme), help);
    }
    if let Some(keys) = &ui.keys {
        judge.there(&key!["ui", "keys"], keys);
    }
}
