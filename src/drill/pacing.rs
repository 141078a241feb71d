//! A runbook whose holds, waits and windows fit a story that runs faster than life.

use crate::domain::{
    plan::{Lead, Runbook},
    time::Span,
};
use regex::Regex;
use std::sync::LazyLock;

/// Shorter times stay what they are: they are what a machine needs.
const SHORT: Span = Span::secs(10);
/// Below this a rate has too few samples, seconds.
const WINDOW_LEAST: f64 = 4.0;

static WINDOW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\[(\d+)([smh])\]").ok());

/// The runbook at a pace. At pace 1 it is what it was.
pub fn paced(mut runbook: Runbook, pace: f64) -> Runbook {
    if pace <= 1.0 {
        return runbook;
    }
    let shorter = |span: &mut Span| {
        if *span >= SHORT {
            let least = if *span > SHORT { 2.0 } else { 1.0 };
            *span = Span::secs(whole(span.as_millis() as f64 / 1_000.0 / pace, least));
        }
    };
    for step in runbook.sections.iter_mut().flat_map(|section| &mut section.steps) {
        if let Some(Lead::Wait(Some(span))) = &mut step.lead {
            shorter(span);
        }
        for block in &mut step.blocks {
            block.hold.iter_mut().for_each(shorter);
            if let Some(retry) = &mut block.retry
                && retry.every >= SHORT
            {
                retry.every = Span::secs(whole(retry.every.as_secs() as f64 / pace, 1.0));
            }
            if block.lang == "promql" {
                block.code = windows(&block.code, pace);
            }
        }
    }
    runbook
}

/// A query whose ranges of ten seconds and more are shorter.
fn windows(query: &str, pace: f64) -> String {
    let Some(window) = &*WINDOW else { return query.to_owned() };
    let shorter = |found: &regex::Captures<'_>| {
        let part = |n: usize| found.get(n).map_or("", |part| part.as_str());
        let unit = match part(2) {
            "h" => 3_600.0,
            "m" => 60.0,
            _ => 1.0,
        };
        let seconds = part(1).parse().map_or(0.0, |n: f64| n * unit);
        if seconds < SHORT.as_secs() as f64 {
            return part(0).to_owned();
        }
        format!("[{}s]", whole(seconds / pace, WINDOW_LEAST))
    };
    window.replace_all(query, shorter).into_owned()
}

/// Whole seconds, and no fewer than `least`.
pub(super) fn whole(exact: f64, least: f64) -> u64 {
    exact.max(least).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::parse;

    #[test]
    fn holds_waits_and_windows_are_shorter_and_nothing_else_is() {
        let text = "# T\n\n1. [ ] Look\n\n   ```promql { name=a kind=verify for=30s timeout=10m retry=3/10s }\n   rate(x[1m]) < rate(y[5s])\n   ```\n\n   ```sh { name=b kind=check for=5s retry=5/3s }\n   echo [1m]\n   ```\n\n1. [ ] **WAIT** 2m for it\n";
        let before = parse("x.md", text.as_bytes());
        assert_eq!(paced(before.clone(), 1.0), before);
        let after = paced(before.clone(), 10.0);
        let blocks: Vec<_> = after.steps().flat_map(|step| &step.blocks).collect();
        assert_eq!(blocks[0].code, "rate(x[6s]) < rate(y[5s])");
        assert_eq!((blocks[0].hold, blocks[0].timeout), (Some(Span::secs(3)), Some(Span::mins(10))));
        assert_eq!(blocks[0].retry.unwrap().every, Span::secs(1));
        assert_eq!((blocks[1].code.as_str(), blocks[1].hold), ("echo [1m]", Some(Span::secs(5))));
        assert_eq!(blocks[1].retry.unwrap().every, Span::secs(3));
        let ids = |runbook: &Runbook| runbook.steps().map(|step| step.id.clone()).collect::<Vec<_>>();
        assert_eq!((ids(&after), after.hash), (ids(&before), before.hash));
    }
}
