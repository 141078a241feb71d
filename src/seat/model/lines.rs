//! Log lines that pass the filter.

use super::Model;
use crate::signal::{Level, Line, analysis::logline};

impl Model {
    /// Lines that pass the filter and are not behind a pause, oldest first; and how many new ones wait behind it.
    pub fn log_lines(&self) -> (Vec<&Line>, usize) {
        let filter = &self.ui.log_filter;
        let takes = |line: &&Line| {
            line.level >= filter.level
                && filter.pattern.as_ref().is_none_or(|pattern| {
                    pattern.is_match(&line.text)
                        || line
                            .fields
                            .iter()
                            .any(|(name, value)| pattern.is_match(&format!("{name}={value}")))
                })
        };
        let mut shown: Vec<&Line> = self.live.lines.iter().filter(takes).collect();
        let mut waiting = 0;
        if let Some(paused) = self.ui.logs_paused {
            let keep = shown.iter().take_while(|line| key(line) <= paused).count();
            waiting = shown.len() - keep;
            shown.truncate(keep);
        }
        (shown, waiting)
    }

    /// Whether anything is filtered away.
    pub fn log_filtered(&self) -> bool {
        self.ui.log_filter.pattern.is_some() || self.ui.log_filter.level > Level::Trace
    }
}

/// A line's number over all sources: lines of one batch keep their order, and a number stays the line's own.
pub fn key(line: &Line) -> u64 {
    let ms = u64::try_from(line.at.timestamp_millis()).unwrap_or(0);
    // 2^21 lines of one source in one millisecond would be needed to mix two up.
    (ms << 21) | (line.n & 0x1f_ffff)
}

/// What a line says, without what is shown beside it.
pub fn said(line: &Line) -> &str {
    if line.fields.is_empty() { logline::message(&line.text) } else { &line.text }
}

/// A line as it is shown and pinned: its text, then its fields but those that only say again where it comes from.
pub fn words(line: &Line) -> String {
    let file = line.source.rsplit('/').next().unwrap_or(&line.source);
    let file = file.strip_suffix(".log").unwrap_or(file);
    let mut out = said(line).to_owned();
    for (name, value) in
        line.fields.iter().filter(|(_, value)| value.len() < 3 || !file.starts_with(value.as_str()))
    {
        out.push_str("  ");
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    out
}
