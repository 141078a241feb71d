//! Text cut and filled to a width in cells.

use crate::theme::Glyphs;
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The longest beginning of at most `cells` cells, whole characters only.
pub fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// The longest end of at most `cells` cells, whole characters only.
pub fn tail(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return text.get(at + c.len_utf8()..).unwrap_or(text);
        }
    }
    text
}

/// The text where it fits, else its beginning and an ellipsis; where not even that fits, what does. It ends with a
/// whole word where that costs little.
pub fn cut<'a>(text: &'a str, cells: usize, glyphs: &Glyphs) -> Cow<'a, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mark = width(glyphs.ellipsis);
    match cells.checked_sub(mark) {
        Some(room) if room > 0 => {
            let all = head(text, room);
            let rest = text.get(all.len()..).unwrap_or("");
            let inside = !rest.starts_with(' ') && !all.ends_with(' ');
            let word = all.rfind(' ').and_then(|at| all.get(..at)).unwrap_or("").trim_end();
            let kept =
                if inside && width(word) * 3 >= room * 2 && !word.is_empty() { word } else { all.trim_end() };
            Cow::Owned(format!("{kept}{}", glyphs.ellipsis))
        }
        _ => Cow::Borrowed(head(text, cells)),
    }
}

/// The same with the end kept, as for paths and artifacts whose end tells them apart.
pub fn cut_front<'a>(text: &'a str, cells: usize, glyphs: &Glyphs) -> Cow<'a, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mark = width(glyphs.ellipsis);
    match cells.checked_sub(mark) {
        Some(room) if room > 0 => Cow::Owned(format!("{}{}", glyphs.ellipsis, tail(text, room).trim_start())),
        _ => Cow::Borrowed(tail(text, cells)),
    }
}

/// Text broken into lines of at most `cells` cells, at blanks where there are any; blanks that begin a line of the
/// text stay, so that code keeps its shape.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ') {
            if width(&line) + width(word.trim_end()) > cells {
                if !line.trim().is_empty() {
                    lines.push(line.trim_end().to_owned());
                    line.clear();
                } else if width(&line) >= cells {
                    // Indented further than there is room: the indent goes, the word stays.
                    line.clear();
                }
            }
            let mut rest = word;
            while width(&line) + width(rest.trim_end()) > cells && cells > 0 {
                let room = cells.saturating_sub(width(&line));
                let part = head(rest, room);
                if part.is_empty() && line.is_empty() {
                    // A wide character in a single column: nothing can be shown of it.
                    rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
                    continue;
                }
                line.push_str(part);
                lines.push(std::mem::take(&mut line));
                rest = rest.get(part.len()..).unwrap_or("");
            }
            line.push_str(rest);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::glyphs::{ASCII, UNICODE};
    use proptest::prelude::*;

    #[test]
    fn cut_where_it_must_be() {
        for (text, cells, unicode, ascii) in [
            ("checkout", 8, "checkout", "checkout"),
            ("checkout", 6, "check…", "che..."),
            ("checkout", 3, "ch…", "che"),
            ("checkout", 1, "c", "c"),
            ("checkout", 0, "", ""),
            ("日本語", 5, "日本…", "日..."),
            ("put back", 5, "put…", "pu..."),
        ] {
            assert_eq!(cut(text, cells, &UNICODE), unicode, "{text} {cells}");
            assert_eq!(cut(text, cells, &ASCII), ascii, "{text} {cells}");
        }
        assert_eq!(cut_front("/srv/app/releases/2.4.0", 9, &UNICODE), "…es/2.4.0");
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("put checkout 2.4.0 back", 12), ["put checkout", "2.4.0 back"]);
        assert_eq!(wrap("  indented code", 10), ["  indented", "code"]);
        assert_eq!(wrap("averylongword", 5), ["avery", "longw", "ord"]);
        assert_eq!(wrap("a\n\nb", 5), ["a", "", "b"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "\\PC{0,40}", cells in 0_usize..20) {
            prop_assert!(width(&cut(&text, cells, &UNICODE)) <= cells);
            prop_assert!(width(&cut_front(&text, cells, &ASCII)) <= cells);
        }

        #[test]
        fn wrapping_loses_only_blanks(text in "[a-z ]{0,60}", cells in 1_usize..20) {
            let lines = wrap(&text, cells);
            prop_assert!(lines.iter().all(|line| width(line) <= cells));
            prop_assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
    }
}
