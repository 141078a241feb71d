//! Overrides that no room has taken yet: one file each, handed in when a room is reached, under the name they got when
//! they happened, so that none counts twice.

use crate::{
    domain::{
        Command, CommandId, Refusal,
        gate::{GateCommand, Request},
        text,
        time::{Span, Wall, rfc3339},
    },
    os::{dirs, durable},
    transport::client::Client,
    wire::Outcome,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Handed in at once at most; the rest next time.
const AT_ONCE: usize = 20;

/// Somebody went on although the gate said no or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The command's name.
    pub id: CommandId,
    /// When.
    pub at: Wall,
    /// With what.
    pub request: Request,
    /// Why.
    pub reason: String,
}

/// What the room said to it.
#[derive(Debug)]
pub enum Said {
    /// It is durable.
    Recorded,
    /// The rules do not allow it.
    Refused(Refusal),
    /// It could not be recorded now.
    NotNow(String),
}

/// Tells the room.
pub async fn tell(client: &mut Client, over: &Override, patience: Span) -> Said {
    let command =
        Command::Gate(GateCommand::Override { request: over.request.clone(), reason: over.reason.clone() });
    match tokio::time::timeout(patience.std(), client.command(over.id, command)).await {
        Ok(Ok(Outcome::Ok { .. })) => Said::Recorded,
        Ok(Ok(Outcome::Refused(refusal))) => Said::Refused(refusal),
        Ok(Ok(Outcome::Failed { why })) => Said::NotNow(why),
        Ok(Err(error)) => Said::NotNow(error.to_string()),
        Err(_) => Said::NotNow(format!("the room did not answer within {patience}")),
    }
}

/// The directory of overrides.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// Below this directory.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.join("overrides") }
    }

    /// Writes one down, durably.
    ///
    /// # Errors
    /// That it could not.
    pub fn keep(&self, over: &Override) -> Result<PathBuf, String> {
        dirs::private(&self.dir).map_err(|error| error.to_string())?;
        let path = self.dir.join(format!("{}.json", over.id.0));
        let bytes = serde_json::to_vec_pretty(over).map_err(|error| error.to_string())?;
        durable::write_whole(&path, &bytes).map_err(|error| error.to_string())?;
        Ok(path)
    }

    /// Hands in what waits. Gives what is to be said about it.
    pub async fn hand_in(&self, client: &mut Client, patience: Span) -> Vec<String> {
        let mut said = Vec::new();
        for path in self.waiting() {
            let shown = text::line(&path.display().to_string()).into_owned();
            let read = std::fs::read(&path).map_err(|error| error.to_string());
            let over = read.and_then(|bytes| {
                serde_json::from_slice::<Override>(&bytes).map_err(|error| error.to_string())
            });
            let mut over = match over {
                Ok(over) => over,
                Err(why) => {
                    said.push(format!("{shown} is not an override ({why}): it is left where it is"));
                    continue;
                }
            };
            // The journal dates it when it gets it; when it was is part of the reason.
            over.reason = dated(&over);
            match tell(client, &over, patience).await {
                Said::Recorded => {
                    drop(std::fs::remove_file(&path));
                    said.push(format!("an override of {} was handed in", rfc3339(over.at)));
                }
                Said::Refused(refusal) => {
                    drop(std::fs::rename(&path, path.with_extension("refused")));
                    said.push(format!("the room refused the override in {shown}: {refusal}"));
                }
                Said::NotNow(_) => break,
            }
        }
        said
    }

    /// The oldest first: names are made of times.
    fn waiting(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        paths.sort();
        paths.truncate(AT_ONCE);
        paths
    }
}

fn dated(over: &Override) -> String {
    let date = format!("[at {}, handed in later] ", rfc3339(over.at));
    let mut room = super::REASON_MAX.saturating_sub(date.len());
    while !over.reason.is_char_boundary(room) {
        room = room.saturating_sub(1);
    }
    format!("{date}{}", over.reason.get(..room).unwrap_or(&over.reason))
}
