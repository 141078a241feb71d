//! What the practice world has to stand in with. Its ports are known when it is up, its names before.

use super::{
    pacing::whole,
    stage::Stage,
    world::{Facts, listening},
};
use crate::runbook::outside::{Ground, Stand};
use std::{collections::BTreeMap, path::Path};

/// Stands before a name of the practice world in a stand-in.
pub const PREFIX: &str = "practice:";
/// An address that nothing listens at: the discard port.
const NOWHERE: &str = "http://127.0.0.1:9";
/// Services that others than the world's own runbooks may be about.
const SERVICES: [&str; 3] = ["checkout", "payments", "pricing"];

/// The practice world's places by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places(BTreeMap<String, String>);

impl Places {
    /// Before the world is up: the same names, with addresses that say what they will be.
    pub fn before() -> Self {
        let mut all = BTreeMap::new();
        for (_, name) in listening() {
            all.insert(name.clone(), format!("http://{name}.practice"));
        }
        for name in ["srv", "log", "flags", "good", "bad", "next"] {
            all.insert(name.to_owned(), format!("/practice/{name}"));
        }
        for (name, value) in
            [("good", "2.4.0"), ("bad", "2.4.1"), ("next", "2.4.2"), ("p99", "100"), ("sample", "20")]
        {
            all.insert(name.to_owned(), value.to_owned());
        }
        Self(all).whole()
    }

    /// Of a world that is up.
    pub fn of(facts: &Facts, pace: f64) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut all: BTreeMap<String, String> =
            facts.procs.iter().filter_map(|one| Some((one.name.clone(), one.url.clone()?))).collect();
        all.extend(
            [
                ("srv", text(&facts.srv)),
                ("log", text(&facts.log)),
                ("flags", text(&facts.flags)),
                ("good", facts.good.clone()),
                ("bad", facts.bad.clone()),
                ("next", facts.next.clone()),
                ("p99", facts.scenario.usual_p99_ms().to_string()),
                ("sample", whole(20.0 / pace.max(1.0), 4.0).to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        Self(all).whole()
    }

    /// With all instances of a service under its name, this host, and nowhere.
    fn whole(mut self) -> Self {
        let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (service, name) in listening() {
            services.entry(service).or_default().extend(self.0.get(&name).cloned());
        }
        for (service, urls) in services {
            self.0.insert(service.to_owned(), urls.join(" "));
        }
        self.0.insert("nowhere".into(), NOWHERE.into());
        self.0.insert("host".into(), "local".into());
        self
    }

    /// The names that a stand-in may have, as they are typed.
    pub fn names() -> String {
        let mut names: Vec<String> = listening().map(|(_, name)| format!("{PREFIX}{name}")).collect();
        let more =
            ["checkout (all instances)", "srv/checkout", "flags", "log", "good", "bad", "host", "nowhere"];
        names.sort();
        names.extend(more.iter().map(|name| format!("{PREFIX}{name}")));
        names.join(", ")
    }

    /// Stand-ins with the practice world's names made into what they are.
    ///
    /// # Errors
    /// Names that the world does not have.
    pub fn resolve(&self, stand: &Stand) -> Result<Stand, Vec<String>> {
        let mut wrong = Vec::new();
        let mut map = BTreeMap::new();
        for (name, value) in &stand.map {
            match value.strip_prefix(PREFIX).map(|place| self.place(place)) {
                None => drop(map.insert(name.clone(), value.clone())),
                Some(Some(place)) => drop(map.insert(name.clone(), place)),
                Some(None) => {
                    wrong.push(format!("{name}={value}: the practice world has {}", Self::names()));
                }
            }
        }
        if wrong.is_empty() { Ok(Stand { map, keep: stand.keep.clone() }) } else { Err(wrong) }
    }

    /// A place, or what lies below one: `srv/checkout/current`, `checkout-1/version`.
    fn place(&self, name: &str) -> Option<String> {
        if let Some(value) = self.0.get(name) {
            return Some(value.clone());
        }
        let (first, rest) = name.split_once('/')?;
        let below = self.0.get(first).filter(|value| value.contains('/') && !value.contains(' '))?;
        rest.split('/').all(|part| !matches!(part, "" | "." | "..")).then(|| format!("{below}/{rest}"))
    }

    /// Values for inputs that are known by their names.
    pub fn inputs(&self) -> BTreeMap<String, String> {
        [
            ("SRV", "srv/checkout"),
            ("GOOD", "good"),
            ("BAD", "bad"),
            ("INSTANCES", "checkout"),
            ("FLAGS_FILE", "flags"),
            ("BASELINE_P99_MS", "p99"),
            ("SAMPLE_SECONDS", "sample"),
        ]
        .into_iter()
        .filter_map(|(name, place)| Some((name.to_owned(), self.place(place)?)))
        .collect()
    }

    /// What needs no stand-in.
    pub fn ground(&self) -> Ground {
        let checkout = listening().filter(|(service, _)| *service == "checkout").zip(1..);
        let sources = checkout.flat_map(|(_, n)| [Stage::scrape_name(n), Stage::probe_name(n)]);
        Ground {
            services: SERVICES.map(str::to_owned).into(),
            sources: sources.collect(),
            inputs: self.inputs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_before_the_world_is_up() {
        let places = Places::before();
        let stand =
            |value: &str| Stand { map: [("x".to_owned(), value.to_owned())].into(), ..Stand::default() };
        let is = |value: &str| places.resolve(&stand(value)).map(|stand| stand.map["x"].clone());
        assert_eq!(is("practice:checkout-2"), Ok("http://checkout-2.practice".into()));
        assert_eq!(is("practice:checkout").unwrap().split(' ').count(), 3);
        assert_eq!(is("practice:srv/checkout/current"), Ok("/practice/srv/checkout/current".into()));
        assert_eq!(is("practice:host"), Ok("local".into()));
        assert_eq!(is("ssh://stand-in"), Ok("ssh://stand-in".into()));
        for none in ["practice:checkout-9", "practice:", "practice:srv/../../etc", "practice:good/x"] {
            assert!(is(none).unwrap_err()[0].contains("practice:checkout-1"), "{none}");
        }
        assert_eq!(places.inputs().len(), 7);
        assert_eq!(places.ground().sources.len(), 6);
    }
}
