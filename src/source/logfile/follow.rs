//! All files of a pattern, by their names, through what happens to them.

use super::tail::{Begin, FileId, Tail, id};
use crate::domain::{text, time::Wall};
use crate::signal::{Level, Line, analysis::logline};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Most bytes of one look at all files.
const BUDGET: u64 = 4 * 1024 * 1024;
/// Most lines of one look that are kept, the newest.
const KEEP: usize = 4_000;
/// Looks between two searches for new files.
const SEARCH: u32 = 4;
/// Most files that are followed.
const FILES_MAX: usize = 256;
/// Files that were followed and are remembered with the place that was reached.
const SEEN_MAX: usize = 1_024;

/// What one look gave.
#[derive(Debug, Default)]
pub struct Round {
    /// Oldest first.
    pub lines: Vec<Line>,
    /// Lines that were read and not kept.
    pub dropped: u64,
    /// What happened to the files.
    pub turned: Option<String>,
    /// What is wrong.
    pub troubles: Vec<String>,
    /// More is there already.
    pub more: bool,
    /// Of files that were there when following began: since when all of their lines were read.
    pub since: Option<Wall>,
    /// When the newest line was written, also of those that are passed over.
    pub newest: Option<Wall>,
}

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// A file or a pattern like `/var/log/app*.log`.
    pub pattern: String,
    /// What a line looks like.
    pub format: logline::Format,
    /// Lines below this are passed over.
    pub least: Level,
}

impl Wanted {
    /// Every line of these files, each looked at.
    pub fn all(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), format: logline::Format::Auto, least: Level::Trace }
    }
}

/// Follows files.
#[derive(Debug)]
pub struct Follower {
    wanted: Wanted,
    tails: BTreeMap<PathBuf, Tail>,
    seen: VecDeque<(FileId, u64)>,
    broken: BTreeMap<PathBuf, String>,
    looks: u32,
    begun: bool,
    next: u64,
}

impl Follower {
    /// Nothing is open yet.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            tails: BTreeMap::new(),
            seen: VecDeque::new(),
            broken: BTreeMap::new(),
            looks: 0,
            begun: false,
            next: 0,
        }
    }

    /// Looks at all files once: the last lines of each at first, then what is new.
    pub fn look(&mut self, now: Wall) -> Round {
        let mut round = Round::default();
        let mut raw: Vec<(Wall, String, logline::Parsed)> = Vec::new();
        let mut turned = Vec::new();
        let paths: Vec<PathBuf> = self.tails.keys().cloned().collect();
        let share = (BUDGET / paths.len().max(1) as u64).max(64 * 1024);
        for path in &paths {
            self.one(path, share, now, &mut round, &mut raw, &mut turned);
        }
        if self.looks.is_multiple_of(SEARCH) || self.tails.is_empty() {
            self.search(now, &mut round, &mut raw, &mut turned);
        }
        self.looks = self.looks.wrapping_add(1);
        self.begun = true;
        round.newest = raw.iter().map(|(at, ..)| *at).max();
        raw.retain(|(.., parsed)| parsed.level >= self.wanted.least);
        raw.sort_by_key(|(at, ..)| *at);
        let over = raw.len().saturating_sub(KEEP);
        round.dropped += over as u64;
        self.next += round.dropped;
        for (at, source, parsed) in raw.into_iter().skip(over) {
            let logline::Parsed { level, text, fields, .. } = parsed;
            round.lines.push(Line { n: self.next, at, level, text, fields, source });
            self.next += 1;
        }
        round.turned = (!turned.is_empty()).then(|| text::line(&turned.join(", ")).into_owned());
        round.troubles.extend(self.broken.values().cloned());
        if self.tails.is_empty() && self.broken.is_empty() {
            round
                .troubles
                .push(format!("no file matches {}: waiting for one", text::line(&self.wanted.pattern)));
        }
        round
    }

    fn one(
        &mut self,
        path: &Path,
        share: u64,
        now: Wall,
        round: &mut Round,
        raw: &mut Vec<(Wall, String, logline::Parsed)>,
        turned: &mut Vec<String>,
    ) {
        let Some(tail) = self.tails.get_mut(path) else { return };
        let name = name(path);
        let mut lines = Vec::new();
        let result = (|| -> io::Result<bool> {
            if tail.was_cut()? {
                lines.extend(tail.restart());
                turned.push(format!("{name} truncated"));
            }
            let (dropped, more) = tail.read(share, KEEP, &mut lines)?;
            round.dropped += dropped;
            round.more |= more;
            Ok(more)
        })();
        parsed(&lines, self.wanted.format, &name, now, raw);
        let more = match result {
            Ok(more) => more,
            Err(error) => {
                self.broken.insert(path.to_owned(), told(path, &error));
                self.tails.remove(path);
                return;
            }
        };
        self.broken.remove(path);
        let there = fs::metadata(path).ok().map(|meta| id(&meta));
        if more || there == Some(tail.id) {
            return;
        }
        // The name leads elsewhere or nowhere, and all that was written to the old file has been read.
        if let Some(mut old) = self.tails.remove(path) {
            let rest: Vec<_> = old.end().into_iter().collect();
            parsed(&rest, self.wanted.format, &name, now, raw);
            self.remember(old.id, old.at);
        }
        if there.is_some() {
            turned.push(format!("{name} rotated"));
            self.add(path, now, round, raw, false);
        } else {
            turned.push(format!("{name} removed"));
        }
    }

    fn remember(&mut self, id: FileId, at: u64) {
        self.seen.retain(|(known, _)| *known != id);
        if self.seen.len() >= SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back((id, at));
    }

    fn search(
        &mut self,
        now: Wall,
        round: &mut Round,
        raw: &mut Vec<(Wall, String, logline::Parsed)>,
        turned: &mut Vec<String>,
    ) {
        self.broken.clear();
        let found = match glob::glob(&self.wanted.pattern) {
            Ok(found) => found,
            Err(error) => {
                let why =
                    format!("{} is not a pattern of files: {}", text::line(&self.wanted.pattern), error.msg);
                self.broken.insert(PathBuf::new(), why);
                return;
            }
        };
        for path in found {
            match path {
                Ok(path) if self.tails.contains_key(&path) => {}
                Ok(_) if self.tails.len() >= FILES_MAX => {
                    let why = format!("more than {FILES_MAX} files match: the others are not followed");
                    self.broken.insert(PathBuf::new(), why);
                    return;
                }
                Ok(path) => {
                    let fresh = self.add(&path, now, round, raw, !self.begun);
                    if fresh && self.begun {
                        turned.push(format!("{} new", name(&path)));
                    }
                }
                Err(error) => {
                    let path = error.path().to_owned();
                    let why = told(&path, error.error());
                    self.broken.insert(path, why);
                }
            }
        }
    }

    /// Begins to follow a file: at its end where the room begins, where we were if it is one that was renamed, else at
    /// its start.
    fn add(
        &mut self,
        path: &Path,
        now: Wall,
        round: &mut Round,
        raw: &mut Vec<(Wall, String, logline::Parsed)>,
        at_end: bool,
    ) -> bool {
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) => {
                self.broken.insert(path.to_owned(), told(path, &error));
                return false;
            }
        };
        // A pipe would make us wait for its writer; a second name of a file is that file.
        let file = id(&meta);
        if !meta.is_file() || self.tails.values().any(|tail| tail.id == file) {
            return false;
        }
        let known = self.seen.iter().find(|(seen, _)| *seen == file).map(|(_, at)| *at);
        let begin = match known {
            Some(at) => Begin::At(at),
            None if at_end => Begin::End,
            None => Begin::At(0),
        };
        let mut lines = Vec::new();
        let opened = Tail::open(path, begin).and_then(|mut tail| {
            let (dropped, more) = tail.read(BUDGET, KEEP, &mut lines)?;
            round.dropped += dropped;
            round.more |= more;
            Ok(tail)
        });
        match opened {
            Ok(tail) => {
                // Old lines without a time are as old as the file, not as new as the room.
                let written = tail.written().filter(|_| at_end).map_or(now, Wall::from);
                let before = raw.len();
                parsed(&lines, self.wanted.format, &name(path), written.min(now), raw);
                if at_end {
                    let oldest = raw.iter().skip(before).map(|(at, ..)| *at).min();
                    round.since = round.since.max(Some(oldest.unwrap_or(now)));
                }
                self.tails.insert(path.to_owned(), tail);
                known.is_none()
            }
            Err(error) => {
                self.broken.insert(path.to_owned(), told(path, &error));
                false
            }
        }
    }
}

/// Lines understood. One without a time of its own is as old as the one before it; one that goes on with it (a stack
/// trace) is as bad, too.
fn parsed(
    lines: &[String],
    format: logline::Format,
    name: &str,
    now: Wall,
    raw: &mut Vec<(Wall, String, logline::Parsed)>,
) {
    let mut last: Option<(Wall, Level)> = None;
    for line in lines {
        let mut parsed = logline::parse(format, line);
        let at = parsed.at.or(last.map(|(at, _)| at)).unwrap_or(now);
        if parsed.at.is_none()
            && logline::goes_on(line)
            && let Some((_, level)) = last
        {
            parsed.level = parsed.level.max(level);
        }
        last = Some((at, parsed.level));
        raw.push((at, name.to_owned(), parsed));
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    text::line(&name).into_owned()
}

fn told(path: &Path, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => ": let the room's user read it (often by the group adm)",
        _ => "",
    };
    format!("{}: {error}{hint}", text::line(&path.to_string_lossy()))
}
