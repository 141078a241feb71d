//! What is wrong with readiness checks.

use super::{
    check::{Judge, key},
    nearest,
    source::Source,
    tree::Step,
};
use crate::{
    domain::{
        plan::QUERIES,
        policy::RecordRules,
        readiness::{CHECKS_MAX, CODE_MAX, EVERY_MAX, EVERY_MIN, FRESH_MAX, ReadinessCheck},
        scorecard::DRILL,
        time::Span,
    },
    signal::analysis::{check as promql, logcheck},
};
use reqwest::Url;
use std::{collections::BTreeSet, path::Path};

/// The checks of one service.
pub fn readiness(judge: &mut Judge<'_>, service: &str, checks: &[ReadinessCheck]) {
    if checks.len() > CHECKS_MAX {
        let at = key!["service", service, "readiness"];
        judge.wrong(&at, format!("{} checks of one service", checks.len()), format!("at most {CHECKS_MAX}"));
    }
    let mut names = BTreeSet::new();
    for (i, check) in checks.iter().enumerate() {
        let at = |key: &str| key!["service", service, "readiness", i, key];
        judge.name(&at("name"), &check.name);
        if check.name == DRILL {
            judge.wrong(
                &at("name"),
                "the record's own line has this name",
                "record.drill_within asks for a drill",
            );
        }
        if !names.insert(&check.name) {
            let help = "the journal tells them by name";
            judge.wrong(&at("name"), format!("two checks of {service} are named {:?}", check.name), help);
        }
        if !QUERIES.contains(&check.lang.as_str()) {
            let help = format!("one of {}: the room runs no commands", QUERIES.join(", "));
            judge.wrong(&at("lang"), format!("no source answers {:?} checks", check.lang), help);
        }
        if check.code.trim().is_empty() || check.code.len() > CODE_MAX {
            judge.wrong(
                &at("code"),
                "not a question",
                format!("1 to {CODE_MAX} bytes, as in a runbook's block"),
            );
        } else {
            question(judge, &at("code"), check);
        }
        judge.within(&at("every"), check.every, EVERY_MIN, EVERY_MAX);
        let least = Span::millis(check.every.as_millis().saturating_mul(2));
        if let Some(fresh) = check.fresh {
            if fresh < least {
                let help =
                    format!("at least {least}: twice every, or it would be unknown between two questions");
                judge.wrong(
                    &at("fresh"),
                    format!("{fresh} is too short where it is asked every {}", check.every),
                    help,
                );
            } else {
                judge.within(&at("fresh"), fresh, EVERY_MIN, FRESH_MAX);
            }
        }
        for env in &check.envs {
            judge.environment(&at("envs"), env);
        }
        if let Some(source) = &check.source {
            named(judge, &at("source"), source, &check.lang);
        }
    }
}

/// What the record of one service is asked.
pub fn record(judge: &mut Judge<'_>, service: &str, rules: &RecordRules) {
    if let Some(within) = rules.drill_within {
        let at = key!["service", service, "record", "drill_within"];
        judge.within(&at, within, Span::hours(1), Span::hours(24 * 400));
    }
}

/// What a question would say of itself when it is asked, said before.
fn question(judge: &mut Judge<'_>, at: &[Step], check: &ReadinessCheck) {
    match check.lang.as_str() {
        "promql" => {
            if let Err(error) = promql::question(&check.code) {
                judge.wrong(at, error.to_string(), "it is asked as a check of a runbook is: a comparison");
            }
        }
        "http" => {
            let secret =
                |line: &str| line.split_once(':').is_some_and(|(name, _)| nearest::sounds_secret(name));
            if check.code.lines().skip(1).take_while(|line| !line.trim().is_empty()).any(secret) {
                let help =
                    "it would stand in the journal: name a probe that has it in its auth, source = \"…\"";
                judge.wrong_secret(at, "a secret has no place in a check", help);
            }
            let probe = judge.config.source.iter().find(|one| Some(one.id()) == check.source);
            let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
            let asked = check.code.split_whitespace().find(|word| word.contains("://")).and_then(origin);
            let own = probe.and_then(Source::url).and_then(origin);
            if let (Some(asked), Some(own)) = (asked, own)
                && asked != own
            {
                let what = format!("{} is not where its source is", asked.ascii_serialization());
                let help = format!("{}: what proves who asks goes nowhere else", own.ascii_serialization());
                judge.wrong(at, what, help);
            }
        }
        "logs" => {
            if let Err(why) = logcheck::parse(&check.code) {
                let help = "as in a runbook: lines, level, within, expect and silence, a line each";
                judge.wrong(at, why, help);
            }
        }
        "junit" if !Path::new(check.code.trim()).is_absolute() => {
            judge.wrong(
                at,
                "not an absolute path",
                "the room stands elsewhere: write the report's whole path",
            );
        }
        _ => {}
    }
}

/// The source that is named must be there and answer the language; where flags may add some, it may come yet.
fn named(judge: &mut Judge<'_>, at: &[Step], source: &str, lang: &str) {
    if !judge.whole("source") {
        return;
    }
    let able: Vec<String> =
        judge.config.source.iter().filter(|one| one.answers(lang)).map(Source::id).collect();
    if able.iter().any(|name| name == source) {
        return;
    }
    let names: Vec<&str> = able.iter().map(String::as_str).collect();
    let help = match nearest::of(source, &names) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if names.is_empty() => "add a [[source]] that does".into(),
        None => format!("these do: {}", names.join(", ")),
    };
    judge.wrong(at, format!("no source {source:?} answers {lang} checks"), help);
}
