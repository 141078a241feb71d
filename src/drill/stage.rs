//! What a drill is played on: a directory with a world, a configuration that watches it, runbooks at its pace, and a
//! room of its own.

use super::{
    ground::Places,
    own::Own,
    pacing::paced,
    world::{Facts, Leave, Scenario, Spec, World, WorldError},
};
use crate::domain::{plan::Runbook, time::Span};
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The fault.
    pub scenario: Scenario,
    /// How many times faster than life.
    pub pace: f64,
    /// Directory of the drill.
    pub dir: PathBuf,
    /// The player's own runbooks, where those are practised.
    pub own: Option<Own>,
}

/// A drill that is under way.
#[derive(Debug)]
pub struct Stage {
    /// Where everything is.
    pub dir: PathBuf,
    /// The world's processes.
    pub world: World,
    /// What runs where.
    pub facts: Facts,
    /// How fast.
    pub pace: f64,
    /// The player's own runbooks, where those are practised.
    pub own: Option<Own>,
}

/// The series of the service that the story is about.
const SERVICE: &str = "service=\"checkout\"";

/// The room's directory in a drill's.
pub fn room_dir(dir: &Path) -> PathBuf {
    dir.join("room")
}

/// The room's socket in a drill's directory.
pub fn socket(dir: &Path) -> PathBuf {
    room_dir(dir).join("room.sock")
}

/// The drill's configuration.
pub fn config(dir: &Path) -> PathBuf {
    dir.join("warroom.toml")
}

impl Stage {
    /// Starts the world and writes what the room needs to watch it.
    ///
    /// # Errors
    /// [`WorldError`]; nothing is left then.
    pub fn begin(wanted: &Wanted) -> Result<Self, WorldError> {
        let mut spec = Spec::new(wanted.dir.join("world"), wanted.scenario, wanted.pace);
        // What the pipeline's question remembers stays in the drill, and goes with it.
        for (name, place) in [
            ("WARROOM_SOCKET", socket(&wanted.dir)),
            ("XDG_STATE_HOME", wanted.dir.join("world/run")),
            ("XDG_CACHE_HOME", wanted.dir.join("world/run")),
        ] {
            spec.env.push((name.into(), place.to_string_lossy().into_owned()));
        }
        if let Some(own) = &wanted.own {
            own.keep(&wanted.dir)?;
        }
        let world = World::start(&spec)?;
        Self::dress(world, wanted.dir.clone(), wanted.pace, wanted.own.clone())
    }

    /// Takes up a drill whose player is gone.
    ///
    /// # Errors
    /// [`WorldError`].
    pub fn resume(dir: &Path) -> Result<Self, WorldError> {
        let own = Own::kept(dir)?;
        let world = World::adopt(&dir.join("world"))?;
        let pace = world.facts()?.pace;
        Self::dress(world, dir.to_owned(), pace, own)
    }

    fn dress(world: World, dir: PathBuf, pace: f64, own: Option<Own>) -> Result<Self, WorldError> {
        let facts = world.facts()?;
        let stage = Self { dir, world, facts, pace, own };
        let text = stage.toml();
        std::fs::write(config(&stage.dir), text).map_err(WorldError::io("writing", &config(&stage.dir)))?;
        Ok(stage)
    }

    /// What the drill's room is started with.
    pub fn room_flags(&self) -> [String; 4] {
        ["--drill", &self.words(), "--pace", &self.pace.to_string()].map(str::to_owned)
    }

    /// What is practised, in a few words.
    pub fn words(&self) -> String {
        let scenario = self.facts.scenario.word();
        match &self.own {
            Some(own) => format!("{scenario} with {}", own.words()).chars().take(100).collect(),
            None => scenario.to_owned(),
        }
    }

    /// The name of the source that scrapes an instance of checkout, from 1.
    pub fn scrape_name(n: usize) -> String {
        if n == 1 { "checkout".to_owned() } else { format!("checkout-{n}") }
    }

    /// The name of the source that probes one.
    pub fn probe_name(n: usize) -> String {
        format!("probe:checkout-{n}")
    }

    /// Ends it: the world's processes and, unless it is to be looked at, its directory.
    ///
    /// # Errors
    /// [`WorldError`] where something would not end.
    pub fn end(self, leave: Leave) -> Result<(), WorldError> {
        self.world.stop(leave)?;
        if leave == Leave::Nothing {
            std::fs::remove_dir_all(&self.dir).map_err(WorldError::io("removing", &self.dir))?;
        }
        Ok(())
    }

    /// How far rates look back, at this pace.
    pub fn window(&self) -> Span {
        Span::secs(((30.0 / self.pace) as u64).clamp(4, 60))
    }

    /// For how long signals must be good before recovery counts, at this pace.
    pub fn recovery_hold(&self) -> Span {
        hold(self.pace)
    }

    /// The share of checkouts that fail, as the panel *errors* asks for it.
    pub fn errors(&self) -> String {
        let (service, w) = (SERVICE, self.window().as_secs());
        format!(
            "(sum(rate(http_requests_total{{{service},code=~\"5..\"}}[{w}s])) or vector(0)) / sum(rate(http_requests_total{{{service}}}[{w}s]))"
        )
    }

    /// The slowest one in a hundred, seconds, as the panel *p99* asks for it.
    pub fn p99(&self) -> String {
        let (service, w) = (SERVICE, self.window().as_secs());
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{{service}}}[{w}s])))"
        )
    }

    fn toml(&self) -> String {
        use std::fmt::Write as _;
        let mut out = String::from("# A drill: practice targets only.\n");
        let w = self.window().as_secs();
        let every = if self.pace >= 3.0 { "300ms" } else { "1s" };
        let hold = Span::millis((5_000.0 / self.pace.max(0.1)) as u64).max(Span::millis(500));
        let service = SERVICE;
        let panels = [
            ("errors", "ratio", "0.01", "up", self.errors()),
            ("p99", "seconds", "0.5", "up", self.p99()),
            ("rps", "per_second", "", "none", format!("sum(rate(http_requests_total{{{service}}}[{w}s]))")),
        ];
        for (name, unit, threshold, bad, query) in panels {
            let threshold = if threshold.is_empty() {
                String::new()
            } else {
                format!("threshold = {threshold}\nfor = \"{hold}\"\n")
            };
            let _ = write!(
                out,
                "\n[[panel]]\nname = \"{name}\"\nsource = \"checkout\"\nunit = \"{unit}\"\nbad = \"{bad}\"\nservice = \"checkout\"\n{threshold}query = '{query}'\n"
            );
        }
        for (n, url) in self.facts.urls("checkout").iter().enumerate() {
            let (name, probe) = (Self::scrape_name(n + 1), Self::probe_name(n + 1));
            let _ = write!(
                out,
                "\n[[source]]\nkind = \"scrape\"\nname = \"{name}\"\nurl = \"{url}/metrics\"\nevery = \"{every}\"\nservice = \"checkout\"\n\
                 \n[[source]]\nkind = \"probe\"\nname = \"{probe}\"\nurl = \"{url}/healthz\"\nevery = \"1s\"\nservice = \"checkout\"\n"
            );
        }
        let _ = write!(out, "\n[[source]]\nkind = \"log\"\npath = '{}/*.log'\n", self.facts.log.display());
        for service in ["checkout", "payments"] {
            let _ = write!(
                out,
                "\n[[source]]\nkind = \"release\"\ndir = '{}/{service}'\nservice = \"{service}\"\nevery = \"1s\"\n",
                self.facts.srv.display()
            );
        }
        out.push_str(
            "\n[service.checkout]\ntier = 1\nmttr_target = \"15m\"\ndepends_on = [\"pricing\"]\nimpact = \"Nobody can buy\"\n\
             \n[service.payments]\ntier = 1\nmttr_target = \"15m\"\n\
             \n[service.pricing]\ntier = 2\nmttr_target = \"30m\"\n",
        );
        out
    }

    /// Where everything is that stands in for production.
    pub fn places(&self) -> Places {
        Places::of(&self.facts, self.pace)
    }

    /// The player's own runbooks with their stand-ins, then the shipped ones with this world's values; all at this
    /// drill's pace.
    pub fn runbooks(&self) -> Vec<Runbook> {
        let places = self.places();
        let inputs = places.inputs();
        let shipped = crate::runbook::BUILTIN.iter().map(|(name, text)| {
            let mut runbook = crate::runbook::parse(&format!("builtin:{name}"), text.as_bytes());
            // The drill knows its own places; a person still sees and may change each value.
            for input in &mut runbook.front.inputs {
                if let Some(value) = inputs.get(&input.name) {
                    input.default = Some(value.clone());
                }
            }
            paced(runbook, self.pace)
        });
        let own = self.own.as_ref().map(|own| own.walked(&places, self.pace));
        own.into_iter().flatten().chain(shipped).collect()
    }
}

/// For how long signals must be good before recovery counts, at a pace.
pub fn hold(pace: f64) -> Span {
    Span::millis((30_000.0 / pace.max(1.0)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paced_runbook_has_the_same_steps() {
        for (name, text) in crate::runbook::BUILTIN {
            let runbook = crate::runbook::parse(name, text.as_bytes());
            let ids = |runbook: &Runbook| runbook.steps().map(|step| step.id.clone()).collect::<Vec<_>>();
            let faster = paced(runbook.clone(), 20.0);
            assert_eq!(ids(&runbook), ids(&faster));
            assert_ne!(runbook, faster, "it waits as long as in life");
        }
    }
}
