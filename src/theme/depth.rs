//! How many colours the terminal has.

use super::colour::Rgb;
use ratatui::style::Color;

/// How many colours there are to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None: meaning is carried by words, glyphs, bold, reverse and underline.
    None,
    /// The sixteen that the terminal's owner chose.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    True,
}

/// The sixteen as xterm has them; what a user's terminal shows may differ.
pub(super) const ANSI: [(&str, Color, Rgb); 16] = [
    ("black", Color::Black, Rgb(0, 0, 0)),
    ("red", Color::Red, Rgb(205, 0, 0)),
    ("green", Color::Green, Rgb(0, 205, 0)),
    ("yellow", Color::Yellow, Rgb(205, 205, 0)),
    ("blue", Color::Blue, Rgb(0, 0, 238)),
    ("magenta", Color::Magenta, Rgb(205, 0, 205)),
    ("cyan", Color::Cyan, Rgb(0, 205, 205)),
    ("gray", Color::Gray, Rgb(229, 229, 229)),
    ("dark-gray", Color::DarkGray, Rgb(127, 127, 127)),
    ("light-red", Color::LightRed, Rgb(255, 0, 0)),
    ("light-green", Color::LightGreen, Rgb(0, 255, 0)),
    ("light-yellow", Color::LightYellow, Rgb(255, 255, 0)),
    ("light-blue", Color::LightBlue, Rgb(92, 92, 255)),
    ("light-magenta", Color::LightMagenta, Rgb(255, 0, 255)),
    ("light-cyan", Color::LightCyan, Rgb(0, 255, 255)),
    ("white", Color::White, Rgb(255, 255, 255)),
];

impl Depth {
    /// The nearest colour that the terminal has.
    pub fn quantise(self, want: Rgb) -> Color {
        match self {
            Self::None => Color::Reset,
            Self::True => Color::Rgb(want.0, want.1, want.2),
            Self::Indexed => Color::Indexed(nearest_indexed(want)),
            Self::Sixteen => {
                ANSI.iter().min_by_key(|(_, _, have)| have.distance(want)).map_or(Color::Reset, |c| c.1)
            }
        }
    }
}

/// What one of the 240 fixed colours of xterm looks like: a 6×6×6 cube from 16, a grey ramp from 232.
pub(super) fn indexed(index: u8) -> Rgb {
    let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
    if index >= 232 {
        let grey = 8 + (index - 232) * 10;
        Rgb(grey, grey, grey)
    } else {
        let n = index.saturating_sub(16);
        Rgb(level(n / 36), level(n / 6 % 6), level(n % 6))
    }
}

fn nearest_indexed(want: Rgb) -> u8 {
    (16..=255).min_by_key(|index| indexed(*index).distance(want)).unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_colours_of_the_256() {
        assert_eq!(indexed(16), Rgb(0, 0, 0));
        assert_eq!(indexed(196), Rgb(255, 0, 0));
        assert_eq!(indexed(231), Rgb(255, 255, 255));
        assert_eq!(indexed(232), Rgb(8, 8, 8));
        assert_eq!(indexed(255), Rgb(238, 238, 238));
    }

    proptest! {
        #[test]
        fn what_the_256_have_is_found_again(index in 16_u8..=255) {
            prop_assert_eq!(indexed(nearest_indexed(indexed(index))), indexed(index));
        }
    }
}
