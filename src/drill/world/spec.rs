//! What a drill is asked to be: which fault, how fast the story runs, whom the pipeline asks.

use super::proc::Pid;
use crate::domain::time::Span;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fmt, str::FromStr};

/// The fault that waits in release 2.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// It asks the price service once per item, impatiently, and overloads it.
    BadRelease,
    /// It never lets go of its sessions: memory and connections run out.
    SlowLeak,
}

impl Scenario {
    /// All of them, the usual one first.
    pub const ALL: [Self; 2] = [Self::BadRelease, Self::SlowLeak];

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadRelease => "bad-release",
            Self::SlowLeak => "slow-leak",
        }
    }
}

impl Scenario {
    /// p99 of a good release, milliseconds, as the histogram's buckets let it be read: one call for prices, or two.
    pub fn usual_p99_ms(self) -> u64 {
        match self {
            Self::BadRelease => 100,
            Self::SlowLeak => 250,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Scenario {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|one| one.word() == text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            format!("{shown:?} is no scenario: take bad-release or slow-leak")
        })
    }
}

/// The story's moments at pace 1, since the world came up. Chosen so that a newcomer sees half a minute of normal
/// operation, and has time to declare and freeze before the next deploy is tried.
const BAD_AFTER: Span = Span::secs(25);
const NEXT_AFTER: Span = Span::secs(60);
const NEXT_EVERY: Span = Span::secs(30);
/// A leak shows after minutes, and a deploy in between would hide it for as long again.
const NEXT_AFTER_A_LEAK: Span = Span::secs(300);

/// What the player asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The drill's directory.
    pub dir: PathBuf,
    /// The fault.
    pub scenario: Scenario,
    /// The story's delays are divided by this; rates of customers stay what they are.
    pub pace: f64,
    /// This binary.
    pub exe: PathBuf,
    /// What the pipeline asks before it deploys, for `sh -c`; the gate's arguments are appended. None: `warroom gate`.
    pub gate: Option<String>,
    /// Environment of that question, `WARROOM_SOCKET` above all.
    pub env: Vec<(String, String)>,
    /// How long the world waits for somebody to take the drill up again after its player died.
    pub grace: Span,
    /// Customers come in the same order for the same seed.
    pub seed: u64,
}

impl Spec {
    /// A drill in this directory, everything else as usual.
    pub fn new(dir: impl AsRef<Path>, scenario: Scenario, pace: f64) -> Self {
        Self {
            dir: dir.as_ref().to_owned(),
            scenario,
            pace: if pace.is_finite() { pace.clamp(0.1, 1_000.0) } else { 1.0 },
            exe: std::env::current_exe().unwrap_or_else(|_| "warroom".into()),
            gate: None,
            env: Vec::new(),
            grace: Span::mins(10),
            seed: 7,
        }
    }

    /// A delay of the story, at this drill's pace.
    pub fn paced(&self, delay: Span) -> Span {
        Span::millis((delay.as_millis() as f64 / self.pace.max(0.001)) as u64)
    }
    /// When 2.4.1 is deployed.
    pub fn bad_after(&self) -> Span {
        self.paced(BAD_AFTER)
    }
    /// When 2.4.2 is first tried.
    pub fn next_after(&self) -> Span {
        self.paced(match self.scenario {
            Scenario::BadRelease => NEXT_AFTER,
            Scenario::SlowLeak => NEXT_AFTER_A_LEAK,
        })
    }
    /// How long after one went live the next build is there.
    pub fn next_build(&self) -> Span {
        self.next_after()
    }
    /// How often it is tried again.
    pub fn next_every(&self) -> Span {
        self.paced(NEXT_EVERY)
    }
}

/// Who plays; the supervisor watches over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The player's process.
    #[serde(flatten)]
    pub pid: Pid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_divides_the_storys_delays() {
        for (pace, want) in [(1.0, 25_000), (10.0, 2_500), (0.0, 250_000), (f64::NAN, 25_000), (1e9, 25)] {
            assert_eq!(Spec::new("/x", Scenario::BadRelease, pace).bad_after().as_millis(), want, "{pace}");
        }
    }

    #[test]
    fn a_scenario_is_read_as_it_is_written() {
        for one in Scenario::ALL {
            assert_eq!(one.word().parse(), Ok(one));
        }
        assert!("meteor".parse::<Scenario>().unwrap_err().contains("bad-release"));
    }
}
