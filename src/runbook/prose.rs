//! Running text and nested blocks as plain text that may be shown.

use super::tree::{Inline, Item, Node, What};
use crate::domain::text;
use std::fmt::Write as _;

/// A title longer than this is cut at a sentence, and the rest goes to the text.
const TITLE_MAX: usize = 120;

/// Inlines as words, in one line; `code` keeps its marks, links lose their targets.
pub fn words(inlines: &[Inline]) -> String {
    let mut out = String::new();
    for inline in inlines {
        match inline {
            Inline::Text(t) => out.push_str(t),
            Inline::Code(t) => {
                let _ = write!(out, "`{t}`");
            }
            Inline::Break => out.push(' '),
            Inline::Strong(_) | Inline::Link(_) => {}
        }
    }
    text::line(out.trim()).into_owned()
}

/// Inlines as text: line ends stay, and a link outside the file shows where it leads.
pub fn paragraph(inlines: &[Inline]) -> String {
    let mut out = String::new();
    let mut target: Option<(&str, usize)> = None;
    for inline in inlines {
        match inline {
            Inline::Text(t) => out.push_str(t),
            Inline::Code(t) => {
                let _ = write!(out, "`{t}`");
            }
            Inline::Break => out.push('\n'),
            Inline::Strong(_) => {}
            Inline::Link(Some(url)) => target = Some((url, out.len())),
            Inline::Link(None) => {
                if let Some((url, from)) = target.take()
                    && !url.starts_with('#')
                    && out.get(from..) != Some(url)
                {
                    let _ = write!(out, " <{url}>");
                }
            }
        }
    }
    text::block(out.trim()).into_owned()
}

/// A paragraph parted into a title of one line, and what is left for the text: the first sentence is the title
/// where `last` is false, the last where it is true.
pub fn title(inlines: &[Inline], last: bool) -> (String, String) {
    let whole = words(inlines);
    cut_title(&whole, &paragraph(inlines), last)
}

/// The same of text that is words already; `long` is its fuller form, for the text.
pub fn cut_title(whole: &str, long: &str, last: bool) -> (String, String) {
    let tidy = |t: &str| t.trim().trim_end_matches([':', '：']).trim_end().to_owned();
    if whole.chars().count() <= TITLE_MAX {
        let rest =
            if long.contains(" <") && words_differ(whole, long) { long.to_owned() } else { String::new() };
        return (tidy(whole), rest);
    }
    let ends: Vec<usize> = whole
        .char_indices()
        .zip(whole.chars().skip(1))
        .filter(|((_, c), next)| matches!(c, '.' | '!' | '?' | ':') && *next == ' ')
        .map(|((at, _), _)| at + 1)
        .collect();
    let cut = if last { ends.last() } else { ends.first() };
    let part = cut.and_then(|at| if last { whole.get(*at..) } else { whole.get(..*at) }).unwrap_or(whole);
    let short: String = part.trim().chars().take(TITLE_MAX).collect();
    let short = if short.chars().count() < part.trim().chars().count() {
        format!("{}…", short.trim_end())
    } else {
        short
    };
    (tidy(&short), long.to_owned())
}

fn words_differ(whole: &str, long: &str) -> bool {
    whole.split_whitespace().ne(long.split_whitespace())
}

/// Blocks as text, code left out: it belongs to the step.
pub fn text_of(nodes: &[Node]) -> String {
    let mut out = String::new();
    blocks(nodes, 0, false, &mut out);
    out.trim_end().to_owned()
}

/// Blocks as text, code kept in fences: for what belongs to no step.
pub fn text_with_code(nodes: &[Node]) -> String {
    let mut out = String::new();
    blocks(nodes, 0, true, &mut out);
    out.trim_end().to_owned()
}

/// Adds a paragraph to a text.
pub fn add(to: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !to.is_empty() {
        to.push_str("\n\n");
    }
    to.push_str(more);
}

fn blocks(nodes: &[Node], indent: usize, code: bool, out: &mut String) {
    for node in nodes {
        match &node.what {
            What::Para(inlines) | What::Heading(_, inlines) => {
                lines(&paragraph(inlines), indent, indent, out);
                if indent == 0 {
                    out.push('\n');
                }
            }
            What::Raw(raw) => {
                // inside an item the source keeps the item's indentation
                let raw: Vec<&str> = raw
                    .lines()
                    .map(|l| if l.trim_start().starts_with('|') { l.trim_start() } else { l })
                    .collect();
                lines(&text::block(&raw.join("\n")), indent, indent, out);
                out.push('\n');
            }
            What::Quote(inner) => blocks(inner, indent + 2, code, out),
            What::List(first, all) => {
                items(*first, all, indent, code, out);
                if indent == 0 {
                    out.push('\n');
                }
            }
            What::Code(block) if code => {
                lines("```", indent, indent, out);
                lines(&text::block(&block.text), indent, indent, out);
                lines("```", indent, indent, out);
                out.push('\n');
            }
            What::Code(_) => {}
        }
    }
}

fn items(first: Option<u64>, all: &[Item], indent: usize, code: bool, out: &mut String) {
    let mut number = first;
    for item in all {
        let mut mark = match number {
            Some(n) => format!("{n}. "),
            None => "- ".to_owned(),
        };
        match item.task {
            Some(true) => mark.push_str("[x] "),
            Some(false) => mark.push_str("[ ] "),
            None => {}
        }
        number = number.map(|n| n.saturating_add(1));
        let deeper = indent + 2;
        let (head, rest) = match item.nodes.split_first() {
            Some((Node { what: What::Para(inlines), .. }, rest)) => (paragraph(inlines), rest),
            _ => (String::new(), item.nodes.as_slice()),
        };
        lines(&format!("{mark}{head}"), indent, deeper, out);
        blocks(rest, deeper, code, out);
    }
}

fn lines(text: &str, first: usize, others: usize, out: &mut String) {
    for (n, line) in text.split('\n').enumerate() {
        let indent = if n == 0 { first } else { others };
        let _ = writeln!(out, "{:indent$}{}", "", line.trim_end());
    }
}
