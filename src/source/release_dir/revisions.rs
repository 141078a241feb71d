//! Capistrano's `revisions.log`: `Branch main (at 4bf9a0) deployed as release 20261122212402 by ana`, and
//! `bo rolled back to release 20261121101500`.

use crate::domain::text;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of the log's end that are read.
const END: u64 = 64 * 1024;

/// One switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub release: String,
    pub by: Option<String>,
}

/// The last switches, oldest first; none where there is no log that can be read.
pub(super) fn read(path: &Path) -> Vec<Entry> {
    let Some(meta) = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file) else {
        return Vec::new();
    };
    let Ok(file) = File::open(path) else { return Vec::new() };
    let start = meta.len().saturating_sub(END);
    let mut bytes = vec![0; (meta.len() - start) as usize];
    let Ok(n) = file.read_at(&mut bytes, start) else { return Vec::new() };
    bytes.truncate(n);
    String::from_utf8_lossy(&bytes).lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let (before, after) = line.split_once("release ")?;
    let mut words = after.split_whitespace();
    let release = text::line(words.next()?).into_owned();
    let named = (words.next() == Some("by")).then(|| words.next()).flatten();
    let back = || before.split_once(" rolled back to").and_then(|(who, _)| who.split_whitespace().last());
    Some(Entry { release, by: named.or_else(back).map(|who| text::line(who).into_owned()) })
}

/// The release that was current before this one, by the log.
pub(super) fn before(log: &[Entry], current: Option<&str>) -> Option<String> {
    let at = log.iter().rposition(|e| Some(e.release.as_str()) == current)?;
    log.iter().take(at).rev().find(|e| Some(e.release.as_str()) != current).map(|e| e.release.clone())
}
