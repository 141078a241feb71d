//! A problem as it is printed: the line, and a mark under what is meant. The line is text from outside: it is cleaned,
//! cut to what fits, and its secrets are hidden, which is why no general renderer draws it.

use super::problem::{Level, Problem};
use crate::domain::text;
use std::fmt;
use unicode_width::UnicodeWidthStr;

/// Most columns of source before the mark.
const BEFORE: usize = 48;
/// Most columns of source from the mark on.
const AFTER: usize = 64;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.level == Level::Error { "error" } else { "warning" };
        writeln!(f, "{word}: {}", text::line(&self.what))?;
        let file = text::line(&self.file);
        if self.line == 0 {
            writeln!(f, "  --> {file}")?;
        } else {
            writeln!(f, "  --> {file}:{}:{}", self.line, self.column)?;
            let number = self.line.to_string();
            let gap = " ".repeat(number.len());
            let (before, marked, after) = self.parts();
            writeln!(f, " {gap} |")?;
            writeln!(f, " {number} | {}", format!("{before}{marked}{after}").trim_end())?;
            let (indent, under) = (" ".repeat(before.width()), "^".repeat(marked.width().max(1)));
            writeln!(f, " {gap} | {indent}{under}")?;
        }
        if !self.key.is_empty() {
            writeln!(f, "  key:  {}", text::line(&self.key))?;
        }
        if !self.help.is_empty() {
            writeln!(f, "  help: {}", text::line(&self.help))?;
        }
        Ok(())
    }
}

impl Problem {
    /// The line without what may be a secret; where nothing is in quotes, as on a command line, without all of the mark.
    fn hidden(&self) -> String {
        if self.source.contains(['"', '\'']) {
            return hide(&self.source);
        }
        let in_mark = |at: usize| at >= self.mark.0 && at < self.mark.1;
        let stars =
            |(at, c): (usize, char)| if in_mark(at) { "*".repeat(c.len_utf8()) } else { c.to_string() };
        self.source.char_indices().map(stars).collect()
    }

    /// What stands before the mark, in it, and after it.
    fn parts(&self) -> (String, String, String) {
        let hidden = if self.mask { self.hidden() } else { self.source.clone() };
        let cut = |from: usize, to: usize| hidden.get(from..to).unwrap_or_default();
        let end =
            (0..=self.mark.1.min(hidden.len())).rev().find(|i| hidden.is_char_boundary(*i)).unwrap_or(0);
        let start = self.mark.0.min(end);
        let (before, marked, after) = (cut(0, start), cut(start, end), cut(end, hidden.len()));
        let mut left: String = before.trim_start_matches('\u{feff}').to_owned();
        let count = left.chars().count();
        if count > BEFORE {
            left = format!("…{}", left.chars().skip(count - BEFORE).collect::<String>());
        }
        let middle = shorten(marked, AFTER);
        let right = shorten(after, AFTER.saturating_sub(middle.chars().count()));
        (text::line(&left).into_owned(), text::line(&middle).into_owned(), text::line(&right).into_owned())
    }
}

fn shorten(part: &str, most: usize) -> String {
    if part.chars().count() <= most {
        return part.to_owned();
    }
    format!("{}…", part.chars().take(most).collect::<String>())
}

/// The line with everything in quotes and every bare number as asterisks, byte by byte, so that marks stay
/// where they are. Names of keys outside quotes are kept: they say where it is.
fn hide(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let (mut quote, mut escaped, mut word) = (None, false, false);
    for c in line.chars() {
        let hidden = match quote {
            Some('"') if c == '\\' && !escaped => {
                escaped = true;
                out.push('*');
                continue;
            }
            Some(mark) if c == mark && !escaped => {
                quote = None;
                false
            }
            Some(_) => true,
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                false
            }
            None => c.is_ascii_digit() && !word,
        };
        word = quote.is_none() && !hidden && (c.is_alphanumeric() || matches!(c, '_' | '-'));
        escaped = false;
        if hidden {
            out.push_str(&"*".repeat(c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{problem::File, tree::At};
    use super::*;

    fn files(text: &str) -> Vec<File> {
        vec![File { name: "warroom.toml".into(), dir: "/".into(), text: text.into() }]
    }

    #[test]
    fn the_mark_stands_under_wide_and_hostile_text() {
        let text = "a = \"日本\u{1b}[2J\" # x\n";
        let at = At { file: 0, start: 4, end: text.find(" #").unwrap() };
        let problem = Problem::error(&files(text), at, "a".into(), "wrong");
        insta::assert_snapshot!(problem.to_string(), @r#"
        error: wrong
          --> warroom.toml:1:5
           |
         1 | a = "日本␛[2J" # x
           |     ^^^^^^^^^^
          key:  a
        "#);
    }

    #[test]
    fn a_secret_is_not_in_the_picture() {
        let text = "bearer = \"hunter2 é\"";
        let at = At { file: 0, start: 9, end: text.len() };
        let shown = Problem::error(&files(text), at, "bearer".into(), "literal").masked().to_string();
        assert!(!shown.contains("hunter2") && shown.contains("bearer = \"*******"), "{shown}");
        assert_eq!(
            hide(r#"a2 = { b = "x\"y", c = 'z"w', d = 42 } # "t"#),
            r#"a2 = { b = "****", c = '***', d = ** } # "*"#
        );
    }
}
