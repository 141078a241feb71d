//! `world.json`: what runs where. Written by the supervisor, read by everybody.

use super::proc::Pid;
use super::spec::Scenario;
use super::{Layout, WorldError, layout};
use crate::domain::time::Wall;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The world as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Format of this file, 1.
    pub version: u32,
    /// The fault in the bad release.
    pub scenario: Scenario,
    /// How fast the story runs.
    pub pace: f64,
    /// When the world first came up.
    pub started: Wall,
    /// Who keeps it.
    pub supervisor: Pid,
    /// Whether everybody is there.
    pub ready: bool,
    /// All processes but the supervisor.
    pub procs: Vec<Proc>,
    /// Release directories' parent.
    pub srv: PathBuf,
    /// Directory of the logs.
    pub log: PathBuf,
    /// The flags' file.
    pub flags: PathBuf,
    /// Last release known to be good.
    pub good: String,
    /// The release with the fault.
    pub bad: String,
    /// The release that the pipeline keeps trying.
    pub next: String,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proc {
    /// `checkout-2`.
    pub name: String,
    /// `checkout`; what it is an instance of.
    pub service: String,
    /// The process.
    #[serde(flatten)]
    pub pid: Pid,
    /// Where it listens on loopback, for those that do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The same as an address, `http://127.0.0.1:40123`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Facts {
    /// Reads a drill's `world.json`.
    pub fn read(layout: &Layout) -> Result<Self, WorldError> {
        layout::read_json(&layout.facts())
    }

    /// Base addresses of a service's instances, in order.
    pub fn urls(&self, service: &str) -> Vec<String> {
        self.procs.iter().filter(|one| one.service == service).filter_map(|one| one.url.clone()).collect()
    }

    /// The process of this name.
    pub fn named(&self, name: &str) -> Option<&Proc> {
        self.procs.iter().find(|one| one.name == name)
    }
}
