//! `[journal.checkpoint]`: when the journal's head is signed, by which key, and where that goes.

use super::check::{Judge, key};
use crate::{audit::anchor::To, domain::time::Span};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// When the journal's head is signed, by which key, and where that goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Checkpoint {
    /// The file of the key that signs, for its owner alone; made at first use. Not set: `journal.key` beside the
    /// journal's file, or in the room's state directory where the journal is a database.
    pub key: Option<PathBuf>,
    /// After so many events at the latest.
    pub events: u64,
    /// While events come, at least so often.
    pub every: Span,
    /// Where each checkpoint goes besides: `file:/srv/anchors/warroom` (appended), `unix:/dev/log`, `udp://host:514` or
    /// `tcp://host:601` (syslog).
    pub to: Vec<String>,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { key: None, events: 1_000, every: Span::mins(5), to: Vec::new() }
    }
}

/// The shortest and the longest time between two.
const EVERY: (Span, Span) = (Span::secs(1), Span::hours(24));

/// What is wrong with it.
pub(super) fn check(judge: &mut Judge<'_>) {
    let checkpoint = judge.config.journal.checkpoint.clone();
    if checkpoint.events == 0 {
        judge.wrong(
            &key!["journal", "checkpoint", "events"],
            "after no event there is nothing to sign",
            "1000 signs after every thousand events",
        );
    }
    judge.within(&key!["journal", "checkpoint", "every"], checkpoint.every, EVERY.0, EVERY.1);
    for (n, to) in checkpoint.to.iter().enumerate() {
        if let Err(why) = to.parse::<To>() {
            judge.wrong(
                &key!["journal", "checkpoint", "to", n],
                why,
                "file:/srv/anchors/warroom, unix:/dev/log, udp://HOST:514 or tcp://HOST:601",
            );
        }
    }
}
