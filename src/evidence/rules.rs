//! What secrets look like. No rule matches across a line end. The shapes are those that the issuers document.

mod commands;
mod named;
mod tokens;
mod urls;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use std::{ops::Range, sync::LazyLock};

pub(super) use named::{is_harmless, is_secret_name};

/// A rule's name, words of which one is in every match in any case, and its expression. The first group that took part
/// is the secret; without groups the whole match is.
type Pattern = (&'static str, &'static [&'static str], &'static str);

/// One look of a secret.
pub(super) struct Rule {
    /// Shown in place of what it finds.
    pub id: &'static str,
    /// What it looks like.
    pub regex: Regex,
    judge: Judge,
}

/// What is asked of a match beside its shape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judge {
    /// Nothing: the shape says it.
    Shape,
    /// It has a digit: words joined by `-` have none.
    Digit,
    /// It is base64 and no word: it has letters of both cases.
    Encoded,
    /// It is a value of its own, not a name of one, a path or a word of a sentence.
    Value,
}

impl Rule {
    /// Whether what it found is no secret; `before` is what stands before it on its line.
    pub fn is_harmless(&self, before: &[u8], value: &[u8]) -> bool {
        let has = |what: fn(&u8) -> bool| value.iter().any(what);
        match self.judge {
            Judge::Shape => false,
            Judge::Digit => !has(u8::is_ascii_digit),
            Judge::Encoded => !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)),
            Judge::Value => is_harmless(before, value),
        }
    }
}

/// A text of several lines that is a secret as a whole, from what begins it to what ends it.
pub(super) struct Block {
    /// Shown in its place.
    pub id: &'static str,
    /// Is in every beginning.
    pub keyword: &'static str,
    /// How it begins.
    pub begin: Regex,
    /// How it ends. The first group, where there is one, is what comes after it.
    pub end: Regex,
}

const BLOCKS: &[(&str, &str, &str, &str)] = &[
    (
        "private-key",
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
        r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        "private-key",
        "SSH2 ENCRYPTED PRIVATE KEY",
        r"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
        r"---- END SSH2 ENCRYPTED PRIVATE KEY ----",
    ),
    ("putty-key", "PuTTY-User-Key-File", r"PuTTY-User-Key-File-[0-9]", r"Private-MAC: ?[a-f0-9]*"),
    // Its lines are of hexadecimal digits alone.
    ("ansible-vault", "$ANSIBLE_VAULT;", r"\$ANSIBLE_VAULT;", r"[\r\n][ \t]*(?:([\r\n])|([^0-9a-f \t\r\n]))"),
    ("pgp-message", "PGP MESSAGE", r"-----BEGIN PGP MESSAGE-----", r"-----END PGP MESSAGE-----"),
    (
        "age-file",
        "AGE ENCRYPTED FILE",
        r"-----BEGIN AGE ENCRYPTED FILE-----",
        r"-----END AGE ENCRYPTED FILE-----",
    ),
];

/// All rules with what finds them quickly.
pub(super) struct Rules {
    all: Vec<Rule>,
    /// Which rule a keyword belongs to.
    owners: Vec<usize>,
    keywords: Option<AhoCorasick>,
    growing: Option<AhoCorasick>,
    /// Secrets of several lines, and what finds where they may begin.
    pub blocks: Vec<Block>,
    pub openings: Option<AhoCorasick>,
}

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(Rules::new);

fn patterns() -> impl Iterator<Item = (&'static Pattern, Judge)> {
    let of = |rules: &'static [Pattern], judge| rules.iter().map(move |rule| (rule, judge));
    of(tokens::TOKENS, Judge::Shape)
        .chain(of(urls::URLS, Judge::Shape))
        .chain(of(commands::COMMANDS, Judge::Value))
        .chain(of(named::NAMED, Judge::Value))
        .map(|(rule, judge)| match rule.0 {
            "ai-key" => (rule, Judge::Digit),
            "docker-login" => (rule, Judge::Encoded),
            _ => (rule, judge),
        })
}

impl Rules {
    fn new() -> Self {
        let (mut all, mut words, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for ((id, keywords, pattern), judge) in patterns() {
            let Ok(regex) = compile(pattern) else { continue };
            words.extend(keywords.iter().copied());
            owners.extend(keywords.iter().map(|_| all.len()));
            all.push(Rule { id, regex, judge });
        }
        let blocks: Vec<Block> = BLOCKS
            .iter()
            .filter_map(|(id, keyword, begin, end)| {
                Some(Block { id, keyword, begin: compile(begin).ok()?, end: compile(end).ok()? })
            })
            .collect();
        Self {
            keywords: AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok(),
            growing: AhoCorasick::new(tokens::beginnings().chain(["://"])).ok(),
            openings: AhoCorasick::new(blocks.iter().map(|block| block.keyword)).ok(),
            all,
            owners,
            blocks,
        }
    }

    /// The lines of `text` in which a rule's keyword occurs, each with its rule, once.
    pub fn suspects<'r>(&'r self, text: &[u8]) -> Vec<(&'r Rule, Range<usize>)> {
        let mut seen: Vec<usize> = vec![0; self.all.len()];
        let mut out = Vec::new();
        let Some(keywords) = &self.keywords else { return out };
        let mut line = 0..0;
        for hit in keywords.find_overlapping_iter(text) {
            if hit.end() > line.end || line.is_empty() {
                line = line_around(text, hit.start());
            }
            let owner = self.owners.get(hit.pattern().as_usize()).copied().unwrap_or_default();
            let (Some(rule), Some(until)) = (self.all.get(owner), seen.get_mut(owner)) else { continue };
            if *until < line.end {
                *until = line.end;
                out.push((rule, line.clone()));
            }
        }
        out
    }

    /// Where in `token` something begins that may grow into a secret.
    pub fn growing(&self, token: &[u8]) -> Option<usize> {
        self.growing.as_ref()?.find(token).map(|hit| hit.start())
    }
}

/// The line in which `at` is, without its end.
fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or_default();
    let start = memchr::memrchr2(b'\n', b'\r', before).map_or(0, |end| end + 1);
    let rest = text.get(at..).unwrap_or_default();
    start..memchr::memchr2(b'\n', b'\r', rest).map_or(text.len(), |end| at + end)
}

/// A pattern over bytes, bounded in size.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).size_limit(4 << 20).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        for ((id, _, pattern), _) in patterns() {
            if let Err(error) = compile(pattern) {
                panic!("{id}: {error}");
            }
        }
        assert_eq!(RULES.all.len(), patterns().count());
        assert_eq!(RULES.blocks.len(), BLOCKS.len());
        assert!(RULES.keywords.is_some() && RULES.growing.is_some() && RULES.openings.is_some());
        assert!(is_secret_name("token") && !is_secret_name("message"));
    }
}
