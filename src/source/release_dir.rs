//! Releases in the manner of Capistrano: `releases/NAME`, a link `current`, optionally `REVISION` in a release and
//! `revisions.log` beside `current` (capistranorb.com/documentation/getting-started/structure).

mod revisions;

use super::poll::{Gone, Mouth, rest};
use crate::domain::{text, time::Span, time::Wall};
use crate::signal::{Body, ReleaseView, release::Artifact};
use chrono::{NaiveDateTime, TimeZone, Utc};
use std::path::{Path, PathBuf};
use std::{fs, io, io::Read, time::Instant};

/// Most releases that are listed.
const READY_MAX: usize = 200;

/// One target.
#[derive(Debug, Clone)]
pub struct Place {
    /// Service.
    pub service: String,
    /// Environment.
    pub env: String,
    /// The directory that holds `releases` and `current`.
    pub path: PathBuf,
}

/// Polls until nobody listens.
pub async fn run(place: Place, every: Span, mouth: Mouth) -> Gone {
    let Err(gone) = forever(place, every, mouth).await;
    gone
}

async fn forever(place: Place, every: Span, mouth: Mouth) -> Result<std::convert::Infallible, Gone> {
    let mut before: Option<ReleaseView> = None;
    loop {
        let began = Instant::now();
        let here = place.clone();
        let read = tokio::task::spawn_blocking(move || look(&here)).await;
        match read.unwrap_or_else(|_| Err("a fault within warroom while reading it".into())) {
            Ok(view) if before.as_ref() == Some(&view) => mouth.say(Body::Alive).await?,
            Ok(view) => {
                before = Some(view.clone());
                mouth.say(Body::Release(view)).await?;
            }
            Err(why) => {
                before = None;
                mouth.trouble(&why, every).await?;
            }
        }
        rest(began, every).await;
    }
}

/// Reads the state of a target. Errors say what, where and what to do.
pub fn look(place: &Place) -> Result<ReleaseView, String> {
    let releases = place.path.join("releases");
    let mut ready = Vec::new();
    for entry in fs::read_dir(&releases).map_err(|e| missing(&releases, &e))? {
        let entry = entry.map_err(|e| missing(&releases, &e))?;
        if entry.path().is_dir() {
            ready.push(artifact(&entry.path()));
        }
    }
    ready.sort_by(|a, b| b.built.cmp(&a.built).then_with(|| b.version.cmp(&a.version)));
    let link = place.path.join("current");
    let (current, since) = match fs::symlink_metadata(&link) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => (None, None),
        Err(e) => return Err(missing(&link, &e)),
        Ok(meta) if !meta.is_symlink() => {
            return Err(format!("{} is not a link: it should point at releases/NAME", shown(&link)));
        }
        Ok(meta) => {
            let target = fs::read_link(&link).map_err(|e| missing(&link, &e))?;
            let whole = place.path.join(&target);
            if let Err(e) = fs::metadata(&whole) {
                return Err(format!("{} points at {}: {e}", shown(&link), shown(&target)));
            }
            let whole = fs::canonicalize(&whole).unwrap_or(whole);
            (Some(artifact(&whole)), meta.modified().ok().map(Wall::from))
        }
    };
    let log = revisions::read(&place.path.join("revisions.log"));
    let version = current.as_ref().map(|a| a.version.as_str());
    let previous = revisions::before(&log, version)
        .and_then(|name| ready.iter().find(|a| a.version == name))
        .or_else(|| {
            let at = ready.iter().position(|a| Some(a.version.as_str()) == version)?;
            ready.get(at + 1)
        })
        .cloned();
    let by = log.last().filter(|entry| Some(entry.release.as_str()) == version).and_then(|e| e.by.clone());
    ready.truncate(READY_MAX);
    Ok(ReleaseView {
        service: place.service.clone(),
        env: place.env.clone(),
        place: shown(&place.path),
        current,
        previous,
        ready,
        since,
        by,
    })
}

fn artifact(path: &Path) -> Artifact {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let revision = path.join("REVISION");
    let mut text = String::new();
    let read = fs::metadata(&revision).is_ok_and(|m| m.is_file())
        && fs::File::open(&revision).and_then(|f| f.take(256).read_to_string(&mut text)).is_ok();
    let first = text.lines().next().unwrap_or_default().trim();
    let written = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok().map(Wall::from);
    // What is written at deploy tells better than a directory, whose time moves with every file in it.
    let built = stamp(&name).or_else(|| written(&revision)).or_else(|| written(path));
    Artifact {
        version: text::line(&name).into_owned(),
        revision: (read && !first.is_empty()).then(|| text::line(first).into_owned()),
        built,
    }
}

/// Capistrano names releases by their time, `20261122212402`.
fn stamp(name: &str) -> Option<Wall> {
    let naive = NaiveDateTime::parse_from_str(name, "%Y%m%d%H%M%S").ok()?;
    (name.len() == 14).then(|| Utc.from_utc_datetime(&naive))
}

fn missing(path: &Path, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => ": give the directory that holds releases/ and current",
        io::ErrorKind::PermissionDenied => ": let the room's user read it",
        _ => "",
    };
    format!("{}: {error}{hint}", shown(path))
}

fn shown(path: &Path) -> String {
    text::line(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests;
