//! One line to type into.

use super::{fit, put};
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthChar;

/// What was typed, and where the next character goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Field {
    text: String,
    /// Byte offset, always between characters.
    at: usize,
}

/// Most characters that a line takes.
const MOST: usize = 4_096;

impl Field {
    /// A field with text in it, the cursor at its end.
    pub fn with(text: &str) -> Self {
        let mut field = Self::default();
        field.paste(text);
        field
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Types one character. Control characters are not taken.
    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.chars().count() < MOST {
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    /// Takes pasted text, made visible, as one line: line ends become blanks.
    pub fn paste(&mut self, text: &str) {
        let one = text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " ");
        for c in crate::domain::text::line(&one).chars() {
            self.insert(c);
        }
    }

    /// Deletes the character before the cursor.
    pub fn backspace(&mut self) {
        if let Some(c) = self.before().chars().next_back() {
            self.at -= c.len_utf8();
            self.text.remove(self.at);
        }
    }

    /// Deletes the character under the cursor.
    pub fn delete(&mut self) {
        if self.at < self.text.len() {
            self.text.remove(self.at);
        }
    }

    /// Deletes the word before the cursor.
    pub fn delete_word(&mut self) {
        let kept = self.before().trim_end().rfind(' ').map_or(0, |blank| blank + 1);
        self.text.drain(kept..self.at);
        self.at = kept;
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves the cursor by one character.
    pub fn left(&mut self) {
        self.at -= self.before().chars().next_back().map_or(0, char::len_utf8);
    }

    /// Moves the cursor by one character.
    pub fn right(&mut self) {
        self.at += self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }

    /// Moves the cursor to the beginning.
    pub fn home(&mut self) {
        self.at = 0;
    }

    /// Moves the cursor to the end.
    pub fn end(&mut self) {
        self.at = self.text.len();
    }

    fn before(&self) -> &str {
        self.text.get(..self.at).unwrap_or("")
    }
}

/// Draws the field into the area's first row and says where the terminal's cursor belongs. What is left of a long
/// text scrolls out so that the cursor is always seen. An empty field shows `hint`.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, field: &Field, hint: &str) -> Option<(u16, u16)> {
    let area = put::row(area, 0).intersection(buf.area);
    if area.is_empty() {
        return None;
    }
    if field.text.is_empty() {
        put::left(buf, area, theme, hint, theme.style(Role::Quiet));
        return Some((area.x, area.y));
    }
    let room = usize::from(area.width - 1);
    let shown = fit::tail(field.before(), room);
    let rest = field.text.get(field.at..).unwrap_or("");
    let used = buf.set_stringn(area.x, area.y, shown, room, theme.style(Role::Text)).0;
    let left = usize::from(area.right().saturating_sub(used));
    if rest.chars().next().and_then(UnicodeWidthChar::width).is_some_and(|wide| wide <= left) {
        buf.set_stringn(used, area.y, rest, left, theme.style(Role::Text));
    }
    Some((used, area.y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn typing_and_deleting() {
        let mut field = Field::with("restore db");
        field.delete_word();
        field.paste("cache\r\nnow\n");
        assert_eq!(field.text(), "restore cache now");
        field.home();
        field.delete();
        field.insert('R');
        field.insert('\u{1b}');
        assert_eq!(field.text(), "Restore cache now");
    }

    proptest! {
        #[test]
        fn any_keys_leave_a_whole_text(start in "\\PC{0,20}", keys in prop::collection::vec(0..8, 0..40), wide in 1_u16..12) {
            let mut field = Field::with(&start);
            let theme = Theme::built_in("dark", crate::theme::Depth::True, &crate::theme::glyphs::UNICODE);
            for key in keys {
                match key {
                    0 => field.left(), 1 => field.right(), 2 => field.home(), 3 => field.end(),
                    4 => field.backspace(), 5 => field.delete(), 6 => field.delete_word(), _ => field.insert('語'),
                }
                prop_assert!(field.text.is_char_boundary(field.at));
                let area = Rect::new(0, 0, wide, 1);
                let cursor = draw(&mut Buffer::empty(area), area, &theme, &field, "");
                prop_assert!(cursor.is_some_and(|(x, _)| x < wide));
            }
        }
    }
}
