//! Where checkpoints go besides: a file that others take away, or syslog.

use super::files;
use crate::{
    audit::{
        out::Syslog,
        syslog::{Place, Style, facility},
    },
    journal::checkpoint::Note,
    os::clock,
};
use std::{fmt, path::PathBuf, str::FromStr};

/// The facility of a checkpoint's message: `audit`.
const FACILITY: &str = "audit";

/// Somewhere that checkpoints are sent to.
pub enum To {
    /// A file that they are appended to, as for a git remote or storage that takes nothing back.
    File(PathBuf),
    /// Syslog.
    Syslog(Syslog, Place),
}

impl FromStr for To {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::File(path.into()))
            } else {
                Err("not an absolute path")
            };
        }
        let place: Place = text.parse().map_err(|_| "not a place for checkpoints")?;
        let style = Style {
            facility: facility(FACILITY).unwrap_or_default(),
            host: crate::os::host_name(),
            process: std::process::id(),
            json: false,
            max_bytes: 8_192,
        };
        Ok(Self::Syslog(Syslog::new(place.clone(), style), place))
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Syslog(_, place) => place.fmt(f),
        }
    }
}

impl To {
    /// Brings one there.
    ///
    /// # Errors
    /// In words.
    pub(super) async fn send(&mut self, note: &Note) -> Result<(), String> {
        match self {
            Self::File(path) => {
                let (path, text) = (path.clone(), note.to_string());
                tokio::task::spawn_blocking(move || files::append(&path, &text))
                    .await
                    .map_err(|error| error.to_string())?
            }
            Self::Syslog(syslog, _) => syslog.checkpoint(note, clock::now().wall).await,
        }
    }
}
