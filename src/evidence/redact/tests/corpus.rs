//! What the built-in rules find of the kinds in `tests/redaction/`, and what they take for a secret that is none.

#![allow(clippy::string_slice, reason = "places are where a mark or a character begins")]

use super::Redactor;
use crate::evidence::StreamRedactor;
use std::{fs, path::Path};

/// Kinds that have to be found, of a hundred, and texts that may be taken for secrets, of a hundred.
const FOUND_MIN: usize = 95;
const FALSE_MAX: usize = 1;

fn lines(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redaction").join(name);
    fs::read_to_string(path).unwrap().lines().map(made).collect()
}

/// A line with its made up values in it: `{a36}` and the like, and `\n`.
fn made(line: &str) -> String {
    let (mut out, mut rest, mut n) = (String::new(), line, 7_usize);
    while let Some(c) = rest.chars().next() {
        let inner =
            rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).and_then(|(inner, after)| {
                let set: &[u8] = match inner.get(..1)? {
                    "a" => b"Qx7Rk2Lm9Tz4Wb8Yc3Np6Vd5Hg1Js0FaEeUuIiOo",
                    "h" => b"3f7a91c0d2e4b685",
                    "u" => b"Q7R2L9T4W8Y3N6V5H1",
                    "l" => b"q7r2l9t4w8y3n6v5h1",
                    "b" => b"Qx7Rk2+Lm9Tz4/Wb8Yc3Np6Vd5Hg1Js0Fa",
                    "d" => b"7204918365",
                    _ => return None,
                };
                Some((set, inner.get(1..)?.parse::<usize>().ok()?, after))
            });
        if let Some((set, count, after)) = inner {
            for _ in 0..count {
                out.push(char::from(set[n % set.len()]));
                n += 1;
            }
            rest = after;
            continue;
        }
        let escaped = [("\\n", '\n'), ("\\t", '\t'), ("\\\\", '\\')];
        if let Some((word, is)) = escaped.into_iter().find(|(word, _)| rest.starts_with(word)) {
            out.push(is);
            rest = &rest[word.len()..];
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// A kind, its text, and where in it the secret is.
fn kinds() -> Vec<(String, String, std::ops::Range<usize>)> {
    let kind = |line: String| {
        let (name, text) = line.split_once('\t').unwrap();
        let (before, rest) = text.split_once('⟦').unwrap();
        let (secret, after) = rest.split_once('⟧').unwrap();
        let range = before.len()..before.len() + secret.len();
        (name.to_owned(), format!("{before}{secret}{after}"), range)
    };
    lines("secrets.txt").into_iter().map(kind).collect()
}

/// Whether `out` has nothing of the secret and all that stands before it.
fn is_taken_out(out: &str, text: &str, secret: std::ops::Range<usize>) -> bool {
    let value: Vec<char> = text[secret.clone()].chars().collect();
    let part = value.len().min(6);
    // The marker's own words are no part of it.
    let after = out.strip_prefix(&text[..secret.start]).unwrap_or(out);
    let mut pieces = after.split("[redacted ");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    pieces.for_each(|piece| shown.push_str(piece.split_once(']').map_or(piece, |(_, after)| after)));
    let rest = value.windows(part).any(|part| shown.contains(&part.iter().collect::<String>()));
    out.starts_with(&text[..secret.start]) && !rest
}

#[test]
fn finds_the_kinds_of_the_corpus_and_leaves_the_harmless() {
    let redactor = Redactor::default();
    let kinds = kinds();
    let mut missed = Vec::new();
    for (name, text, secret) in &kinds {
        let out = redactor.text(text);
        if !is_taken_out(&out, text, secret.clone()) {
            missed.push(format!("{name}: {out}"));
        }
    }
    let harmless = lines("harmless.txt");
    let wrong: Vec<_> = harmless
        .iter()
        .filter(|text| redactor.finds(text.as_bytes()))
        .map(|text| redactor.text(text))
        .collect();
    println!("{} of {} kinds found", kinds.len() - missed.len(), kinds.len());
    println!("{} of {} harmless texts taken for secrets", wrong.len(), harmless.len());
    println!("missed: {missed:#?}\nwrong: {wrong:#?}");
    assert!(kinds.len() >= 80 && harmless.len() >= 200);
    assert!((kinds.len() - missed.len()) * 100 >= kinds.len() * FOUND_MIN, "{missed:#?}");
    assert!(wrong.len() * 100 <= harmless.len() * FALSE_MAX, "{wrong:#?}");
}

#[test]
fn what_was_redacted_once_is_left_as_it_is() {
    let redactor = Redactor::default();
    for (name, text, _) in kinds() {
        let once = redactor.text(&text).into_owned();
        assert_eq!(redactor.text(&once), once, "{name}");
    }
}

#[test]
fn a_secret_is_found_wherever_its_output_is_cut() {
    let redactor = Redactor::default();
    for (name, text, _) in kinds() {
        let whole = redactor.text(&text).into_owned();
        for cut in (1..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut stream = StreamRedactor::new(redactor.clone());
            let mut out = stream.push(&text.as_bytes()[..cut]);
            out.extend(stream.push(&text.as_bytes()[cut..]));
            out.extend(stream.finish());
            assert_eq!(String::from_utf8(out).unwrap(), whole, "{name}, cut at {cut}");
        }
    }
}
