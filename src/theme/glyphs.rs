//! The characters that things are drawn with, in two sets that say the same.

/// One set of drawing characters. Each is one cell wide on every terminal.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Whether the set is plain ASCII.
    pub ascii: bool,
    /// Eight heights, lowest first.
    pub heights: [&'static str; 8],
    /// Where a series has a gap.
    pub gap: &'static str,
    /// Progress: fractions of a cell, emptiest first, then the full cell last.
    pub fill: &'static [&'static str],
    /// Progress still to come.
    pub unfilled: &'static str,
    /// A rule's middle.
    pub rule: &'static str,
    /// A rule's first cell.
    pub rule_start: &'static str,
    /// A rule's last cell.
    pub rule_end: &'static str,
    /// A vertical line: an axis, a mark, the cursor.
    pub vertical: &'static str,
    /// A vertical line that is lighter: a mark through a chart.
    pub dashed: &'static str,
    /// Axis corner.
    pub corner: &'static str,
    /// A tick that hangs from an axis.
    pub tick: &'static str,
    /// A step that is done.
    pub done: &'static str,
    /// The step that is open; the selected row.
    pub current: &'static str,
    /// Skipped or not needed.
    pub skipped: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Unknown.
    pub unknown: &'static str,
    /// More than it should be.
    pub up: &'static str,
    /// Less than it should be.
    pub down: &'static str,
    /// There is more below.
    pub below: &'static str,
    /// There is more above.
    pub above: &'static str,
    /// From one to the next.
    pub arrow: &'static str,
    /// Text was cut here. May be three cells wide in ASCII.
    pub ellipsis: &'static str,
    /// Between two facts of one line.
    pub dot: &'static str,
    /// That many times.
    pub times: &'static str,
    /// Scroll bar: where one is.
    pub thumb: &'static str,
    /// Scroll bar: the rest.
    pub track: &'static str,
}

/// For terminals that say they are UTF-8.
pub static UNICODE: Glyphs = Glyphs {
    ascii: false,
    heights: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    gap: "·",
    fill: &["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    unfilled: "░",
    rule: "─",
    rule_start: "╶",
    rule_end: "╴",
    vertical: "│",
    dashed: "╎",
    corner: "└",
    tick: "┬",
    done: "+",
    current: ">",
    skipped: "-",
    failed: "x",
    unknown: "?",
    up: "▲",
    down: "▼",
    below: "↓",
    above: "↑",
    arrow: "→",
    ellipsis: "…",
    dot: "·",
    times: "×",
    thumb: "┃",
    track: "│",
};

/// For all others.
pub static ASCII: Glyphs = Glyphs {
    ascii: true,
    heights: ["_", ".", ",", "-", "~", "=", "*", "#"],
    gap: " ",
    fill: &["-", "="],
    unfilled: ".",
    rule: "-",
    rule_start: "-",
    rule_end: " ",
    vertical: "|",
    dashed: ":",
    corner: "+",
    tick: "+",
    done: "+",
    current: ">",
    skipped: "-",
    failed: "x",
    unknown: "?",
    up: "^",
    down: "v",
    below: "v",
    above: "^",
    arrow: ">",
    ellipsis: "...",
    dot: "-",
    times: "x",
    thumb: "#",
    track: "|",
};

impl Glyphs {
    /// Every character of the set but the ellipsis.
    pub fn cells(&self) -> impl Iterator<Item = &'static str> {
        self.heights.into_iter().chain(self.fill.iter().copied()).chain([
            self.gap,
            self.unfilled,
            self.rule,
            self.rule_start,
            self.rule_end,
            self.vertical,
            self.dashed,
            self.corner,
            self.tick,
            self.done,
            self.current,
            self.skipped,
            self.failed,
            self.unknown,
            self.up,
            self.down,
            self.below,
            self.above,
            self.arrow,
            self.dot,
            self.times,
            self.thumb,
            self.track,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_glyph_is_one_cell() {
        for glyph in UNICODE.cells().chain(ASCII.cells()) {
            assert_eq!((glyph.width(), glyph.chars().count()), (1, 1), "{glyph}");
        }
    }

    /// Blocks that terminals draw as text: Latin-1, arrows, boxes, blocks and the plain triangles. Dingbats and
    /// the symbols that some terminals show as two-cell pictures are outside.
    #[test]
    fn no_glyph_is_drawn_as_a_picture() {
        for glyph in UNICODE.cells().chain([UNICODE.ellipsis]) {
            let c = glyph.chars().next().unwrap();
            let known = matches!(c, ' '..='~' | '·' | '×' | '…' | '←'..='↓' | '─'..='▟' | '▲' | '▼');
            assert!(known, "{c} U+{:04X}", c as u32);
        }
    }

    #[test]
    fn ascii_is_ascii() {
        assert!(ASCII.cells().chain([ASCII.ellipsis]).all(str::is_ascii));
    }
}
