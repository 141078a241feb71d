//! Layer 2: the info string of a fence, read as it stands in the source.

use serde_json::Value;

/// A language word and its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// Lower case; empty where there is none.
    pub lang: String,
    /// In the order written. A bare key has the value `true`.
    pub attrs: Vec<(String, String)>,
    /// Whether there were braces with at least one readable attribute, so that the author annotated the block.
    pub annotated: bool,
    /// What could not be read, each a code and a sentence.
    pub problems: Vec<(&'static str, String)>,
}

/// Reads an info string: everything after the fence's marks on its line.
pub fn read(info: &str) -> Info {
    let info = info.trim();
    let end = info.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(info.len());
    let (lang, rest) = info.split_at(end);
    let mut out = Info { lang: lang.to_lowercase(), ..Info::default() };
    let braces = rest.trim_start();
    if braces.is_empty() {
        return out;
    }
    if !braces.starts_with('{') {
        out.problems.push((
            "info-ignored",
            format!("`{braces}` after the language is not read; attributes stand in braces, `{{ name=x }}`"),
        ));
        return out;
    }
    if braces.len() == rest.len() && !lang.is_empty() {
        out.problems.push((
            "space-before-brace",
            format!("put a space between `{lang}` and `{{`, or forges lose the highlighting"),
        ));
    }
    if braces.trim_start_matches('{').trim_start().starts_with('"') {
        json(braces, &mut out);
    } else {
        plain(braces, &mut out);
    }
    out.annotated = !out.attrs.is_empty();
    out
}

fn plain(braces: &str, out: &mut Info) {
    let inner = braces.strip_prefix('{').unwrap_or(braces);
    let inner = if let Some((inner, after)) = inner.rsplit_once('}') {
        if !after.trim().is_empty() {
            out.problems
                .push(("bad-attr", format!("`{}` after the closing brace is not read", after.trim())));
        }
        inner
    } else {
        out.problems.push(("bad-attr", "the attributes have no closing `}` on the fence's line".to_owned()));
        inner
    };
    for word in inner.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or((word, "true"));
        if !is_key(key) {
            out.problems.push(("bad-attr", format!("`{word}` is not an attribute; write `key=value`")));
        } else if value.is_empty() || value.contains(['{', '}', '(', ')', '"', '\'', '`']) {
            out.problems.push((
                "bad-attr",
                format!(
                    "the value of `{word}` is not read; no spaces, quotes, braces or brackets in a value"
                ),
            ));
        } else if value.ends_with(',') {
            out.problems.push((
                "bad-attr",
                format!("`{word}` ends with a comma; attributes are parted by spaces alone"),
            ));
            push(key, value.trim_end_matches(','), out);
        } else {
            push(key, value, out);
        }
    }
}

fn json(braces: &str, out: &mut Info) {
    match serde_json::from_str::<serde_json::Map<String, Value>>(braces) {
        Ok(map) => {
            for (key, value) in &map {
                match value {
                    Value::String(s) => push(key, s, out),
                    Value::Bool(b) => push(key, if *b { "true" } else { "false" }, out),
                    Value::Number(n) => push(key, &n.to_string(), out),
                    _ => out.problems.push((
                        "bad-attr",
                        format!("the value of `{key}` is not flat; write a text, a number or true"),
                    )),
                }
            }
        }
        Err(error) => {
            out.problems.push(("bad-attr", format!("the attributes are not a JSON object: {error}")));
        }
    }
}

fn push(key: &str, value: &str, out: &mut Info) {
    if out.attrs.iter().any(|(k, _)| k == key) {
        out.problems.push(("duplicate-attr", format!("`{key}` stands twice; the first counts")));
    } else {
        out.attrs.push((key.to_owned(), value.to_owned()));
    }
}

fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_is_said() {
        type Case =
            (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
        let cases: [Case; 13] = [
            ("", "", &[], &[]),
            ("Bash", "bash", &[], &[]),
            (
                "sh { name=a kind=guard once }",
                "sh",
                &[("name", "a"), ("kind", "guard"), ("once", "true")],
                &[],
            ),
            ("sh {name=a}", "sh", &[("name", "a")], &[]),
            ("sh{name=a}", "sh", &[("name", "a")], &["space-before-brace"]),
            (
                "sh {\"name\":\"a\",\"once\":true,\"n\":3}",
                "sh",
                &[("name", "a"), ("once", "true"), ("n", "3")],
                &[],
            ),
            ("sh {\"name\":{\"a\":1}}", "sh", &[], &["bad-attr"]),
            ("sh {\"name\":", "sh", &[], &["bad-attr"]),
            ("sh { name=a", "sh", &[("name", "a")], &["bad-attr"]),
            ("sh { name=a, kind=\"run\" }", "sh", &[("name", "a")], &["bad-attr", "bad-attr"]),
            ("js title=\"x.js\"", "js", &[], &["info-ignored"]),
            ("{.bash}", "", &[], &["bad-attr"]),
            ("sh { a=1 a=2 }", "sh", &[("a", "1")], &["duplicate-attr"]),
        ];
        for (text, lang, attrs, problems) in cases {
            let info = read(text);
            assert_eq!(info.lang, lang, "{text}");
            let got: Vec<_> = info.attrs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(got, attrs, "{text}");
            let codes: Vec<_> = info.problems.iter().map(|p| p.0).collect();
            assert_eq!(codes, problems, "{text}");
        }
    }
}
