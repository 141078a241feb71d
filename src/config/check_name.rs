//! Names of services and environments as the gate compares them: what the file writes must be a name, and be told from
//! every other at sight.

use super::{
    check::{Judge, key},
    nearest,
    tree::Step,
};
use crate::domain::name::{self, Looks, Noun};

impl Judge<'_> {
    /// A name of the catalogue, or of the list of environments.
    pub(super) fn listed(&mut self, path: &[Step], noun: Noun, name: &str) {
        if let Some(what) = name::unfit_for_configuration(noun, name) {
            self.wrong(path, what, "letters, digits and . _ : / - @, as pipelines write the name");
        }
    }

    /// A service that is spoken of: of the catalogue where there is one, else any that the gate would take.
    pub fn service(&mut self, path: &[Step], name: &str) {
        let known: Vec<&str> = self.config.service.keys().map(String::as_str).collect();
        self.spoken_of(path, Noun::Service, name, &known, "catalogue", "[service.NAME]");
    }

    /// An environment that is spoken of: of the list where there is one, else any that the gate would take.
    pub fn environment(&mut self, path: &[Step], name: &str) {
        let known: Vec<&str> = self.config.policy.environments.iter().map(String::as_str).collect();
        self.spoken_of(path, Noun::Environment, name, &known, "list of environments", "policy.environments");
    }

    fn spoken_of(&mut self, path: &[Step], noun: Noun, name: &str, known: &[&str], list: &str, place: &str) {
        if known.is_empty() {
            // What could not be read of the list may have it.
            if self.whole("service")
                && let Err(wrong) = name::read(noun, name, |_| false)
            {
                self.wrong(path, wrong.what(), "1 to 128 of A-Z a-z 0-9 . _ : / -");
            }
            return;
        }
        if known.contains(&name) || !self.whole("service") || !self.whole("policy") {
            return;
        }
        let near = name::nearest(name, known.iter().copied()).or_else(|| nearest::of(name, known));
        let help = near.map_or_else(
            || format!("add it to {place}, or name one of: {}", known.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        self.wrong(path, format!("no {} {name:?} in the {list}", noun.word()), help);
    }

    /// Two names of one list that look alike: a freeze of one would leave the other in doubt.
    fn apart(&mut self, at: impl Fn(&str) -> Vec<Step>, names: &[String]) {
        let mut seen: Vec<(&str, Looks)> = Vec::new();
        for name in names {
            let looks = Looks::of(name);
            if let Some((other, _)) = seen.iter().find(|(_, other)| other.like(&looks)) {
                let what = format!("{name:?} looks like {other:?}");
                let help = "while one of them is frozen the gate is undecided about the other: rename one";
                self.warn(&at(name), what, help);
            }
            seen.push((name, looks));
        }
    }
}

/// The catalogue's names, and those of the list of environments.
pub fn names(judge: &mut Judge<'_>) {
    let services: Vec<String> = judge.config.service.keys().cloned().collect();
    let environments: Vec<String> = judge.config.policy.environments.iter().cloned().collect();
    for name in &services {
        judge.listed(&key!["service", name], Noun::Service, name);
    }
    for name in &environments {
        judge.listed(&key!["policy", "environments"], Noun::Environment, name);
    }
    judge.apart(|name| key!["service", name].to_vec(), &services);
    judge.apart(|_| key!["policy", "environments"].to_vec(), &environments);
}
