//! What secrets look like: anchored prefixes and assignments. None matches across a line end. The prefixes are those
//! that the issuers document and that secret scanners agree on.

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use std::sync::LazyLock;

/// One look of a secret.
pub(super) struct Rule {
    /// Shown in place of what it finds.
    pub id: &'static str,
    /// One of these, in any case, is in every match.
    pub keywords: &'static [&'static str],
    /// The first group that took part is the secret; without groups the whole match is.
    pub regex: Regex,
}

/// How a private key begins.
pub(super) const KEY_KEYWORD: &str = "PRIVATE KEY";

const PATTERNS: &[(&str, &[&str], &str)] = &[
    ("aws-key", &["AKIA", "ASIA"], r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
    (
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    ("gitlab-token", &["glpat-"], r"\bglpat-[A-Za-z0-9_.-]{20,255}"),
    ("slack-token", &["xox"], r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}"),
    ("stripe-key", &["k_live_", "k_test_"], r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"),
    ("google-key", &["AIza"], r"\bAIza[A-Za-z0-9_-]{35}"),
    ("jwt", &["eyJ"], r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    ("vault-token", &["hvs.", "hvb."], r"\bhv[sb]\.[A-Za-z0-9_-]{20,}"),
    ("npm-token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36}"),
    ("pypi-token", &["pypi-"], r"\bpypi-[A-Za-z0-9_-]{16,}"),
    ("sendgrid-key", &["SG."], r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    (
        "authorization",
        &["authorization"],
        r#"(?i)authorization\\*["']?[ \t]*[:=][ \t]*\\*["']?(?:(?:basic|bearer|digest|token|negotiate|apikey|aws4-hmac-sha256)[ \t]+)?([^\s"'][^\r\n"']*)"#,
    ),
    ("bearer", &["bearer"], r"(?i)bearer[ \t]+([A-Za-z0-9._~+/=-]{16,})"),
    ("cookie", &["cookie"], r"(?i)\b(?:set-)?cookie:[ \t]*([^\s][^\r\n]*)"),
    (
        "assignment",
        &["passw", "passphrase", "pwd", "secret", "token", "key", "credential"],
        r#"(?i)(?:passw(?:or)?d|passphrase|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|token|(?:api|access|auth|private)[_-]?key|credentials?)\\*["']?[ \t]*[=:][ \t]*\\*(?:"([^"\s][^"\r\n]*)"?|'([^'\s][^'\r\n]*)'?|([^\s"'&;,}\\][^\s"'&;,}]*))"#,
    ),
    ("url-password", &["://"], r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s/@:"'<>]*:([^\s/"'<>]+)@"#),
];

/// Starts of tokens: on a line that is not complete, what follows one of these may still grow into a secret.
const GROWING: &[&str] = &[
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "k_live_",
    "k_test_",
    "AIza",
    "eyJ",
    "hvs.",
    "hvb.",
    "npm_",
    "pypi-",
    "SG.",
    "://",
];

/// All rules with what finds them quickly.
pub(super) struct Rules {
    all: Vec<Rule>,
    /// Which rule a keyword belongs to.
    owners: Vec<usize>,
    keywords: Option<AhoCorasick>,
    growing: Option<AhoCorasick>,
    /// How a private key begins and ends.
    pub key_begin: Option<Regex>,
    pub key_end: Option<Regex>,
}

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(Rules::new);

impl Rules {
    fn new() -> Self {
        let rules: Vec<Rule> = PATTERNS
            .iter()
            .filter_map(|(id, keywords, pattern)| Some(Rule { id, keywords, regex: compile(pattern).ok()? }))
            .collect();
        let (mut words, mut owners) = (Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            words.extend(rule.keywords);
            owners.extend(rule.keywords.iter().map(|_| index));
        }
        let find = |words: &[&str]| AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok();
        Self {
            keywords: find(&words),
            growing: AhoCorasick::new(GROWING).ok(),
            all: rules,
            owners,
            key_begin: compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").ok(),
            key_end: compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").ok(),
        }
    }

    /// The rules whose keywords occur in `text`.
    pub fn suspects(&self, text: &[u8]) -> Vec<&Rule> {
        let mut wanted = vec![false; self.all.len()];
        if let Some(keywords) = &self.keywords {
            for hit in keywords.find_overlapping_iter(text) {
                let owner = self.owners.get(hit.pattern().as_usize());
                if let Some(flag) = owner.and_then(|owner| wanted.get_mut(*owner)) {
                    *flag = true;
                }
            }
        }
        self.all.iter().zip(wanted).filter_map(|(rule, wanted)| wanted.then_some(rule)).collect()
    }

    /// Where in `token` something begins that may grow into a secret.
    pub fn growing(&self, token: &[u8]) -> Option<usize> {
        self.growing.as_ref()?.find(token).map(|hit| hit.start())
    }
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
        assert_eq!(RULES.all.len(), PATTERNS.len());
        assert!(RULES.keywords.is_some() && RULES.growing.is_some());
        assert!(RULES.key_begin.is_some() && RULES.key_end.is_some());
    }
}
