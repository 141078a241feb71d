//! Text from outside, made safe to show: what would act on a terminal, or hide, is made visible and never dropped.

use std::{borrow::Cow, fmt::Write as _};

/// Most bytes of one line that are kept.
pub const LINE_MAX: usize = 64 * 1024;

/// Most combining marks that one cell carries.
const MARKS_MAX: usize = 4;

/// One line of text from outside as it may be shown: control characters as pictures (`␛`, `␊`), C1 and invisible
/// characters as their number (`<202E>`), a tab as four spaces, at most [`LINE_MAX`] bytes.
pub fn line(text: &str) -> Cow<'_, str> {
    clean(text, false)
}

/// The same for text of several lines: line ends (`\n`, `\r\n`) stay.
pub fn block(text: &str) -> Cow<'_, str> {
    clean(text, true)
}

/// Bytes from outside as text: what is not UTF-8 becomes U+FFFD, then as [`block`].
pub fn bytes(raw: &[u8]) -> String {
    block(&String::from_utf8_lossy(raw)).into_owned()
}

/// A JSON text in which what would act on a terminal, or hide, is written as `\u` and its number: the values it holds
/// are the same. Only strings of JSON have such characters, but for the line ends between its tokens, which stay.
pub fn json(text: &str) -> Cow<'_, str> {
    let hides = |c: char| acts(c) && c != '\n';
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut units = [0_u16; 2];
    for c in text.chars() {
        if hides(c) {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character acts on a terminal, or hides, instead of showing.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Combining marks by their blocks; enough to bound what piles up on one cell.
fn combining(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{034e}' | '\u{0350}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05bd}' | '\u{064b}'..='\u{065f}'
        | '\u{0e47}'..='\u{0e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

fn clean(text: &str, lines: bool) -> Cow<'_, str> {
    let long = if lines { text.lines().any(|line| line.len() > LINE_MAX) } else { text.len() > LINE_MAX };
    if !long && !text.chars().any(|c| (acts(c) && !(lines && c == '\n')) || combining(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    let (mut marks, mut width, mut cut) = (0, 0, 0_usize);
    while let Some(c) = rest.next() {
        if lines && (c == '\n' || (c == '\r' && rest.peek() == Some(&'\n'))) {
            if c == '\r' {
                rest.next();
            }
            end_cut(&mut out, &mut cut);
            out.push('\n');
            (marks, width) = (0, 0);
            continue;
        }
        if width >= LINE_MAX {
            cut += c.len_utf8();
            continue;
        }
        let before = out.len();
        if combining(c) {
            marks += 1;
            if marks <= MARKS_MAX {
                out.push(c);
            } else if marks == MARKS_MAX + 1 {
                out.push_str("<marks>");
            }
        } else {
            marks = 0;
            show(&mut out, c);
        }
        width += out.len() - before;
    }
    end_cut(&mut out, &mut cut);
    Cow::Owned(out)
}

fn end_cut(out: &mut String, cut: &mut usize) {
    if *cut > 0 {
        let _ = write!(out, "… {cut} bytes more");
        *cut = 0;
    }
}

fn show(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("    "),
        '\u{7f}' => out.push('\u{2421}'),
        '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        _ if acts(c) => {
            let _ = write!(out, "<{:02X}>", c as u32);
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_act_is_seen() {
        assert_eq!(line("a\u{1b}[2Jb"), "a␛[2Jb");
        assert_eq!(line("x\u{9b}31m"), "x<9B>31m");
        assert_eq!(line("rlo\u{202e}txt"), "rlo<202E>txt");
        assert_eq!(line("two\nlines"), "two␊lines");
        assert_eq!(block("two\r\nlines\r"), "two\nlines␍");
        assert_eq!(line("plain ünïcode 日本"), "plain ünïcode 日本");
    }

    #[test]
    fn marks_do_not_pile_up_and_lines_end() {
        let zalgo = format!("a{}", "\u{0301}".repeat(500));
        assert_eq!(line(&zalgo).chars().filter(|c| combining(*c)).count(), MARKS_MAX);
        let long = "x".repeat(LINE_MAX + 10);
        assert!(line(&long).ends_with("… 10 bytes more"));
    }

    proptest! {
        #[test]
        fn nothing_that_acts_comes_through(text in "\\PC*|(?s).*") {
            prop_assert!(!line(&text).chars().any(acts));
            prop_assert!(!block(&text).chars().any(|c| acts(c) && c != '\n'));
        }

        #[test]
        fn clean_text_stays_as_it_is(text in "(?s).{0,60}") {
            let once = block(&text).into_owned();
            prop_assert_eq!(block(&once), once.as_str());
        }
    }
}
