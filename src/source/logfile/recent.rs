//! What was written lately, for checks: bounded, and with what is not known of it.

use super::Round;
use crate::domain::{
    text,
    time::{Span, Wall},
};
use crate::signal::{Answer, Level, Line, Verdict, analysis::logcheck};
use chrono::Utc;
use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

/// Most bytes that are kept of one source.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// The files are looked at many times in this.
const STALE: Span = Span::secs(10);
/// Most characters that are shown of a line.
const SHOWN: usize = 120;

/// The last lines of a source. Clones share them.
#[derive(Debug, Clone)]
pub struct Recent {
    all: Arc<Mutex<All>>,
    /// Lines below this are passed over by the source.
    least: Level,
    /// How often the files are looked at.
    every: Span,
}

#[derive(Debug, Default)]
struct All {
    /// With the time that counts for it, oldest first.
    lines: VecDeque<(Wall, Line)>,
    bytes: usize,
    /// All lines since then are known.
    since: Option<Wall>,
    /// When anything was written last, of any level.
    newest: Option<Wall>,
    looked: Option<Wall>,
    behind: bool,
    trouble: Option<String>,
}

impl Recent {
    /// Of a source that keeps lines from `least` on.
    pub fn new(least: Level, every: Span) -> Self {
        Self { all: Arc::default(), least, every }
    }

    /// The files are followed anew: what was before is not known any more.
    pub(super) fn forget(&self) {
        *self.all.lock().unwrap_or_else(PoisonError::into_inner) = All::default();
    }

    /// One look at the files was taken. What was there already counts with its own time; what comes later with the time
    /// it came, since a host's clock may be wrong.
    pub(super) fn took(&self, round: &Round, now: Wall) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let first = all.since.is_none();
        if first {
            all.since = Some(round.since.unwrap_or(now).min(now));
        }
        let mut came: Vec<(Wall, Line)> = round
            .lines
            .iter()
            .map(|line| (if first { line.at.min(now) } else { now }, line.clone()))
            .collect();
        came.sort_by_key(|(at, _)| *at);
        for (at, line) in came {
            all.bytes += line.size();
            all.lines.push_back((at, line));
        }
        if round.dropped > 0 {
            let oldest = round.lines.iter().map(|line| line.at.min(now)).min().filter(|_| first);
            all.since = all.since.max(Some(oldest.unwrap_or(now)));
        }
        if let Some(newest) = round.newest {
            all.newest = Some(if first { newest.min(now) } else { now }).max(all.newest);
        }
        all.looked = Some(now);
        all.behind = round.more;
        all.trouble = round.troubles.first().cloned();
        let oldest = now - chrono::Duration::from_std(logcheck::WITHIN_MAX.std()).unwrap_or_default();
        while let Some((at, line)) = all.lines.front()
            && (*at < oldest || all.bytes > BYTES_MAX)
        {
            let (at, size) = (*at, line.size());
            if at >= oldest {
                all.since = all.since.max(Some(at));
            }
            all.bytes = all.bytes.saturating_sub(size);
            all.lines.pop_front();
        }
    }

    /// Answers a block.
    pub(crate) fn check(&self, source: &str, code: &str, now: Wall) -> Answer {
        let (verdict, seen) = match logcheck::parse(code) {
            Ok(question) => self.asked(&question, now),
            Err(why) => (Verdict::Unknown, why),
        };
        Answer { verdict, seen: text::line(&seen).into_owned(), at: Utc::now(), source: source.to_owned() }
    }

    fn asked(&self, question: &logcheck::Question, now: Wall) -> (Verdict, String) {
        if question.level.unwrap_or(Level::Trace) < self.least {
            let least = self.least.word().to_lowercase();
            return (
                Verdict::Unknown,
                format!("the source keeps only {least} and worse: ask with level: {least}"),
            );
        }
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let from = now - chrono::Duration::from_std(question.within.std()).unwrap_or_default();
        let lately = all.lines.iter().rev().take_while(|(at, _)| *at >= from);
        let (mut count, mut last) = (0, None);
        for (at, line) in lately.filter(|(_, line)| question.fits(line)) {
            count += 1;
            last = last.or(Some((*at, line)));
        }
        let (verdict, mut seen) = question.judge(count, self.doubt(&all, question, from, now).as_deref());
        if let Some((at, line)) = last {
            let what: String = line.text.chars().take(SHOWN).collect();
            let (ago, level) = (span(at, now).brief(), line.level.word());
            let _ = write!(seen, "; the last {ago} ago: {level} {what}");
        }
        (verdict, seen)
    }

    /// Why it is not certain that all lines since `from` are known.
    fn doubt(&self, all: &All, question: &logcheck::Question, from: Wall, now: Wall) -> Option<String> {
        let (Some(looked), Some(since)) = (all.looked, all.since) else {
            return Some("the files were not looked at yet".into());
        };
        if let Some(trouble) = &all.trouble {
            return Some(trouble.clone());
        }
        let old = span(looked, now);
        if old > STALE.max(Span::millis(self.every.as_millis().saturating_mul(3))) {
            return Some(format!("the files were last looked at {} ago", old.brief()));
        }
        if all.behind {
            return Some("more is written than was read yet".into());
        }
        if since > from {
            return Some(format!("all lines are known for {} only", span(since, now).brief()));
        }
        let silent = all.newest.is_none_or(|newest| newest < from);
        let may = question.silent || matches!(question.bound, logcheck::Bound::AtLeast(_));
        (silent && !may).then(|| "nothing at all was written (silence: ok, where that is well)".into())
    }
}

fn span(from: Wall, to: Wall) -> Span {
    Span::from((to - from).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::{Follower, Wanted};
    use super::*;
    use std::io::Write as _;

    fn at(seconds: i64) -> Wall {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    struct Log {
        dir: tempfile::TempDir,
        follower: Follower,
        recent: Recent,
    }

    impl Log {
        fn new(least: Level, text: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("a.log"), text).unwrap();
            let pattern = dir.path().join("*.log").to_string_lossy().into_owned();
            let follower = Follower::new(Wanted { least, ..Wanted::all(pattern) });
            Self { dir, follower, recent: Recent::new(least, Span::millis(250)) }
        }

        fn write(&self, text: &str) {
            let path = self.dir.path().join("a.log");
            std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn look(&mut self, now: Wall) {
            let round = self.follower.look(now);
            self.recent.took(&round, now);
        }

        fn ask(&self, code: &str, now: Wall) -> (Verdict, String) {
            let answer = self.recent.check("app", code, now);
            (answer.verdict, answer.seen)
        }
    }

    fn line(seconds: i64, level: &str, what: &str) -> String {
        format!("{} {level} {what}\n", at(seconds).format("%Y-%m-%dT%H:%M:%SZ"))
    }

    #[test]
    fn lines_count_as_long_as_they_are_asked_for_and_no_data_is_unknown() {
        let mut log = Log::new(Level::Trace, "");
        let errors = "level: error\nwithin: 1m";
        assert_eq!(
            log.ask(errors, at(0)),
            (Verdict::Unknown, "0 lines in 1m, but the files were not looked at yet".into())
        );
        log.write(&(line(-90, "ERROR", "long ago") + &line(-70, "INFO", "up")));
        log.look(at(0));
        // What was there before is known with its own times.
        assert_eq!(log.ask(errors, at(0)).0, Verdict::Unknown, "nothing was written in the last minute");
        log.write(&line(-70_000, "INFO", "a clock that is wrong"));
        log.look(at(1));
        assert_eq!(log.ask(errors, at(1)), (Verdict::Yes, "0 lines in 1m".into()));
        assert_eq!(log.ask("level: error\nwithin: 2m", at(1)).0, Verdict::No, "what stands there is certain");
        assert_eq!(
            log.ask("level: fatal\nwithin: 2m", at(1)).0,
            Verdict::Unknown,
            "what stood before it is not known"
        );
        log.write(&line(2, "ERROR", "pool exhausted\u{1b}[2J"));
        log.look(at(2));
        let (verdict, seen) = log.ask(errors, at(12));
        assert_eq!(verdict, Verdict::No);
        assert!(
            seen.contains("1 line in 1m; the last 10s ago: ERROR") && seen.contains("pool exhausted␛"),
            "{seen}"
        );
        assert_eq!(log.ask("level: error\nwithin: 1m\nexpect: at most 1", at(12)).0, Verdict::Yes);
        log.look(at(63));
        let (verdict, seen) = log.ask(errors, at(63));
        assert_eq!(
            (verdict, seen.contains("nothing at all was written")),
            (Verdict::Unknown, true),
            "{seen}"
        );
        assert_eq!(log.ask("level: error\nwithin: 1m\nsilence: ok", at(63)).0, Verdict::Yes);
        assert_eq!(log.ask("lines: heartbeat\nwithin: 1m\nexpect: at least 1", at(63)).0, Verdict::No);
        // Nobody looks any more.
        let (verdict, seen) = log.ask(errors, at(120));
        assert_eq!((verdict, seen.contains("last looked at 57s ago")), (Verdict::Unknown, true), "{seen}");
        std::fs::remove_file(log.dir.path().join("a.log")).unwrap();
        for now in 121..126 {
            log.look(at(now));
        }
        let (verdict, seen) = log.ask("level: error\nwithin: 1m\nsilence: ok", at(126));
        assert_eq!((verdict, seen.contains("no file matches")), (Verdict::Unknown, true), "{seen}");
    }

    #[test]
    fn a_source_that_passes_lines_over_says_so() {
        let mut log = Log::new(Level::Warn, &line(-200, "INFO", "up"));
        log.look(at(0));
        log.write(&line(1, "INFO", "still up"));
        log.look(at(1));
        let (verdict, seen) = log.ask("lines: up", at(1));
        assert_eq!(
            (verdict, seen.as_str()),
            (Verdict::Unknown, "the source keeps only warn and worse: ask with level: warn")
        );
        assert_eq!(log.ask("level: warn\nwithin: 1m", at(1)), (Verdict::Yes, "0 lines in 1m".into()));
    }

    #[test]
    fn a_flood_is_bounded_and_what_went_is_not_known() {
        let mut log = Log::new(Level::Trace, &line(-4_000, "INFO", "up"));
        log.look(at(0));
        for second in 1..40 {
            log.write(&line(second, "INFO", &"x".repeat(1_000)).repeat(300));
            log.look(at(second));
        }
        assert!(log.recent.all.lock().unwrap().bytes <= BYTES_MAX);
        let (verdict, seen) = log.ask("level: error\nwithin: 1m", at(40));
        assert_eq!((verdict, seen.contains("all lines are known for")), (Verdict::Unknown, true), "{seen}");
        assert_eq!(log.ask("level: error\nwithin: 10s", at(40)).0, Verdict::Yes);
    }
}
