//! What can be wrong with targets, pages, updates and the audit stream.

use super::{
    audit::Audit,
    check::{Judge, key},
    nearest,
    outward::{MailTls, Target},
    secret::Header,
    tree::Step,
};
use crate::{
    audit::syslog,
    domain::{page::TargetKind, time::Span},
};
use std::collections::BTreeMap;

const TIMEOUT: (Span, Span) = (Span::millis(50), Span::mins(5));
/// Longest ladder that is a ladder.
const CLIMB_MAX: Span = Span::hours(24);
/// Bytes of a syslog message: what every receiver takes, and what a datagram holds.
const SYSLOG_BYTES: (usize, usize) = (480, 65_000);

/// All of it.
pub fn outward(judge: &mut Judge<'_>) {
    targets(judge);
    pages(judge);
    let updates = &judge.config.update;
    for (key, targets) in [("targets", &updates.targets), ("external", &updates.external)] {
        for (n, name) in targets.iter().enumerate() {
            let at = key!["update", key, n];
            known(judge, &at, name);
            if judge.config.target.get(name).is_some_and(|target| target.kind() == TargetKind::Pagerduty) {
                let what = "name a chat, a mail or a webhook target";
                judge.wrong(&at, "PagerDuty takes pages, not updates", what);
            }
        }
    }
    for (name, service) in &judge.config.service {
        if let Some(who) = &service.page {
            group(judge, &key!["service", name, "page"], who);
        }
    }
    for (severity, row) in &judge.config.severity {
        if row.page.is_some() && judge.config.page.is_empty() && judge.whole("page") {
            let at = key!["severity", &severity.to_string(), "page"];
            judge.wrong(&at, "it pages, and nobody can be paged", "add [page.default] with a ladder");
        }
    }
    audit(judge);
}

fn known(judge: &mut Judge<'_>, at: &[Step], name: &str) {
    if judge.config.target.contains_key(name) || !judge.whole("target") {
        return;
    }
    let all: Vec<&str> = judge.config.target.keys().map(String::as_str).collect();
    let help = match nearest::of(name, &all) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("add  [target.{name}]"),
    };
    judge.wrong(at, format!("no target {name:?}"), help);
}

fn group(judge: &mut Judge<'_>, at: &[Step], who: &str) {
    if judge.config.page.contains_key(who) || !judge.whole("page") {
        return;
    }
    let all: Vec<&str> = judge.config.page.keys().map(String::as_str).collect();
    let help = match nearest::of(who, &all) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("add  [page.{who}]"),
    };
    judge.wrong(at, format!("nobody is called {who:?} among the pages"), help);
}

fn program(judge: &mut Judge<'_>, at: &[Step], words: &[String]) {
    if words.first().is_none_or(|word| word.trim().is_empty()) {
        judge.wrong(
            at,
            "the command is empty",
            "program and arguments: [\"/usr/local/bin/sms\", \"--to\", \"ana\"]",
        );
    }
}

fn headers(judge: &mut Judge<'_>, at: &dyn Fn(&str) -> Vec<Step>, all: &BTreeMap<String, Header>) {
    for (name, value) in all {
        judge.header(&at(name), name, value);
    }
}

fn targets(judge: &mut Judge<'_>) {
    for (name, target) in &judge.config.target {
        let at = |key: &str| key!["target", name, key].to_vec();
        judge.name(&key!["target", name], name);
        let timeout = match target {
            Target::Command(one) => {
                program(judge, &at("run"), &one.run);
                one.timeout
            }
            Target::Webhook(one) => {
                match &one.url {
                    Header::Plain(url) => judge.url(&at("url"), url),
                    Header::Secret(secret) => judge.secret(&at("url"), secret),
                }
                headers(judge, &|header| key!["target", name, "headers", header].to_vec(), &one.headers);
                one.timeout
            }
            Target::Slack(one) => {
                judge.secret(&at("url"), &one.url);
                one.timeout
            }
            Target::Pagerduty(one) => {
                judge.secret(&at("routing_key"), &one.routing_key);
                judge.url(&at("url"), &one.url);
                if let Some(token) = &one.token {
                    judge.secret(&at("token"), token);
                }
                judge.url(&at("api"), &one.api);
                one.timeout
            }
            Target::Smtp(one) => {
                mail(judge, &at, one);
                one.timeout
            }
        };
        judge.within(&at("timeout"), timeout, TIMEOUT.0, TIMEOUT.1);
    }
}

fn mail(judge: &mut Judge<'_>, at: &dyn Fn(&str) -> Vec<Step>, one: &super::outward::Smtp) {
    let port = one
        .server
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !port {
        judge.wrong(&at("server"), "not a server and port", "\"smtp.example:587\"");
    }
    let address = |text: &String| text.parse::<lettre::message::Mailbox>().is_ok();
    if !address(&one.from) {
        judge.wrong(&at("from"), "not an address", "\"war room <warroom@example.org>\"");
    }
    if one.to.is_empty() || !one.to.iter().all(address) {
        judge.wrong(&at("to"), "not a list of addresses", "[\"oncall@example.org\"]");
    }
    if let Some(password) = &one.password {
        judge.secret(&at("password"), password);
    }
    if let Some(ca) = &one.ca {
        judge.there(&at("ca"), ca);
    }
    match (&one.user, &one.password) {
        (Some(_), None) => {
            judge.wrong(&at("user"), "a user without a password", "add  password = { env = \"NAME\" }");
        }
        (None, Some(_)) => {
            judge.wrong(&at("password"), "a password without a user", "add  user = \"…\"");
        }
        (Some(_), Some(_)) if one.tls == MailTls::None => {
            judge.wrong(
                &at("tls"),
                "the password would go over the network as it is",
                "tls = \"starttls\" or \"tls\"",
            );
        }
        _ => {}
    }
}

fn pages(judge: &mut Judge<'_>) {
    for (who, group) in &judge.config.page {
        judge.name(&key!["page", who], who);
        if group.ladder.is_empty() {
            let help = "ladder = [{ to = [\"TARGET\"] }, { after = \"5m\", to = [\"TARGET\"] }]";
            judge.wrong(&key!["page", who, "ladder"], "the ladder has no rung", help);
        }
        let mut before = None;
        for (n, rung) in group.ladder.iter().enumerate() {
            let at = |key: &str| key!["page", who, "ladder", n, key];
            if rung.to.is_empty() {
                judge.wrong(&at("to"), "this rung reaches nobody", "name a target");
            }
            for (i, target) in rung.to.iter().enumerate() {
                known(judge, &key!["page", who, "ladder", n, "to", i], target);
            }
            match before {
                None if rung.after > Span::ZERO => {
                    judge.wrong(&at("after"), "the first rung is there at once", "take `after` out of it");
                }
                Some(before) if rung.after <= before => judge.wrong(
                    &at("after"),
                    format!("a ladder goes up: {} is not after {before}", rung.after),
                    "`after` counts from when the page was asked",
                ),
                _ => judge.within(&at("after"), rung.after, Span::ZERO, CLIMB_MAX),
            }
            before = Some(rung.after);
            if !rung.oncall_command.is_empty() {
                program(judge, &at("oncall_command"), &rung.oncall_command);
                if !rung.oncall.is_empty() {
                    judge.wrong(&at("oncall"), "names and a command at once", "keep one of them");
                }
            }
        }
    }
}

fn audit(judge: &mut Judge<'_>) {
    for (name, sink) in &judge.config.audit {
        let at = |key: &str| key!["audit", name, key].to_vec();
        judge.name(&key!["audit", name], name);
        if name.contains(['/', '*']) || name.starts_with('.') {
            judge.wrong(&key!["audit", name], "not a name for a file", "letters, digits, _ and -");
        }
        match sink {
            Audit::Syslog(one) => {
                if let Err(why) = one.to.parse::<syslog::Place>() {
                    judge.wrong(&at("to"), why, "unix:/dev/log, udp://HOST:514 or tcp://HOST:601");
                }
                if syslog::facility(&one.facility).is_none() {
                    let what = format!("no facility {:?}", crate::domain::text::line(&one.facility));
                    judge.wrong(&at("facility"), what, syslog::FACILITIES.join(", "));
                }
                if !(SYSLOG_BYTES.0..=SYSLOG_BYTES.1).contains(&one.max_bytes) {
                    let what =
                        format!("{} is not between {} and {}", one.max_bytes, SYSLOG_BYTES.0, SYSLOG_BYTES.1);
                    judge.wrong(&at("max_bytes"), what, "bytes, without a unit: 8192");
                }
            }
            Audit::Json(one) if one.path.as_os_str().is_empty() => {
                judge.wrong(&at("path"), "the path is empty", "path = \"/var/log/warroom/audit.jsonl\"");
            }
            Audit::Json(_) => {}
            Audit::Command(one) => program(judge, &at("run"), &one.run),
            Audit::Otlp(one) => {
                judge.url(&at("url"), &one.url);
                headers(judge, &|header| key!["audit", name, "headers", header].to_vec(), &one.headers);
                judge.within(&at("timeout"), one.timeout, TIMEOUT.0, TIMEOUT.1);
            }
        }
    }
}
