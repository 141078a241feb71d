//! Layer 3: lead-ins in capitals, visible on any forge.

use super::{
    lint::Lints,
    prose, slug,
    tree::{Inline, Item, Node, What},
};
use crate::domain::{
    plan::{By, Choice},
    text,
    time::Span,
};

/// The word that an item begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Gates what follows.
    Approve,
    /// Somebody says that it is so.
    Confirm,
    /// A branch.
    Decide,
    /// Let time pass.
    Wait,
    /// Complete.
    End,
    /// Abandoned.
    Stop,
}

/// A lead-in taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub word: Word,
    /// `(by=ic n=1 within=5m)`.
    pub by: By,
    /// For WAIT: how long.
    pub wait: Option<Span>,
    /// The words after it.
    pub text: String,
}

fn word(text: &str) -> Option<Word> {
    Some(match text {
        "APPROVE" => Word::Approve,
        "CONFIRM" => Word::Confirm,
        "DECIDE" => Word::Decide,
        "WAIT" => Word::Wait,
        "END" => Word::End,
        "STOP" => Word::Stop,
        _ => return None,
    })
}

/// The lead-in of a paragraph, if it has one.
pub fn find(inlines: &[Inline], line: u32, lints: &mut Lints) -> Option<Found> {
    let [Inline::Strong(true), Inline::Text(strong), Inline::Strong(false), rest @ ..] = inlines else {
        return None;
    };
    let Some(word) = word(strong) else {
        let bare = strong.trim_end_matches([':', '.', ' ']);
        if self::word(bare).is_some() {
            lints.note(
                line,
                "near-lead",
                format!("`**{strong}**` is read as plain words; the lead-in is `**{bare}**`"),
            );
        }
        return None;
    };
    let text = prose::words(rest);
    let mut found = Found { word, by: By::default(), wait: None, text: text.clone() };
    if let Some((inner, after)) = text.strip_prefix('(').and_then(|t| t.split_once(')'))
        && inner.contains('=')
    {
        after.trim_start().clone_into(&mut found.text);
        for attr in inner.split_whitespace() {
            attribute(attr, &mut found, line, lints);
        }
    }
    if word == Word::Wait && found.wait.is_none() {
        found.wait = leading_span(&found.text);
    }
    Some(found)
}

fn attribute(attr: &str, found: &mut Found, line: u32, lints: &mut Lints) {
    let (key, value) = attr.split_once('=').unwrap_or((attr, "true"));
    let mut bad = |what: &str| lints.error(line, "bad-attr", format!("`{attr}`: {what}"));
    match (key, found.word) {
        ("by", _) => {
            found.by.roles = value.split(',').filter(|r| !r.is_empty()).map(str::to_owned).collect();
        }
        ("n", _) => match value.parse() {
            Ok(n) if n > 0 => found.by.n = n,
            _ => bad("n is a number of people, from 1 to 255"),
        },
        ("for", Word::Wait) => match value.parse() {
            Ok(span) => found.wait = Some(span),
            Err(_) => bad("not a length of time; write it like 90s or 15m"),
        },
        ("within", _) => match value.parse() {
            Ok(span) => found.by.within = Some(span),
            Err(_) => bad("not a length of time; write it like 90s or 15m"),
        },
        _ => lints.warning(
            line,
            "unknown-attr",
            format!("`{key}` is not known on a lead-in; known are by, n, within, and for on WAIT"),
        ),
    }
}

/// `10m for the caches` and `10 minutes`.
fn leading_span(text: &str) -> Option<Span> {
    let text = text.trim_start_matches("for ").trim_start_matches("at least ");
    let mut words = text.split_whitespace();
    let first = words.next()?.trim_end_matches([',', '.', ';', ':']);
    if let Ok(span) = first.parse() {
        return Some(span);
    }
    first.parse::<u64>().ok()?;
    let unit = match words.next()?.trim_end_matches([',', '.', ';', ':']) {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hour" | "hours" => "h",
        _ => return None,
    };
    format!("{first}{unit}").parse().ok()
}

/// The branches of a DECIDE: items with a link to a heading.
pub fn choices(items: &[Item], lints: &mut Lints) -> Vec<Choice> {
    items.iter().filter_map(|item| choice(item, lints)).collect()
}

fn choice(item: &Item, lints: &mut Lints) -> Option<Choice> {
    let Some(Node { what: What::Para(inlines), .. }) = item.nodes.first() else {
        lints.error(
            item.line,
            "choice-target",
            "this choice has no words; write `- label → [text](#anchor)`",
        );
        return None;
    };
    let at = inlines.iter().position(|i| matches!(i, Inline::Link(Some(_))));
    let link = at.and_then(|at| match inlines.get(at) {
        Some(Inline::Link(Some(url))) => Some((at, url)),
        _ => None,
    });
    let Some((at, url)) = link else {
        lints.error(
            item.line,
            "choice-target",
            "this choice leads nowhere; write `- label → [text](#anchor)`",
        );
        return None;
    };
    let Some(anchor) = url.strip_prefix('#') else {
        lints.error(
            item.line,
            "choice-target",
            format!("this choice leads out of the file to {url}; link a heading, `#anchor`"),
        );
        return None;
    };
    let label = prose::words(inlines.get(..at).unwrap_or_default());
    let label = label.trim_end_matches(['→', '>', '-', '=', '–', '—', ':', ' ']).trim().to_owned();
    let label = if label.is_empty() { prose::words(inlines.get(at..).unwrap_or_default()) } else { label };
    Some(Choice { label, to: anchor_of(anchor) })
}

/// An anchor as a heading would have it: links are written in other cases and with `%20` too.
fn anchor_of(anchor: &str) -> String {
    let anchor = anchor.replace("%20", "-");
    text::line(&slug::slug(&anchor)).into_owned()
}
