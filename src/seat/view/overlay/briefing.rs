//! A briefing on one screen: whole where it fits, else abbreviated until it does. Further down it can be read whole.

use super::frame;
use crate::{
    domain::{briefing::NAMED, id::IncidentId},
    seat::view::widget::{fit, put},
    theme::{Glyphs, Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Blocks that the console above shows as well: where there is no row for them, they go first.
const ABOVE: [&str; 3] = ["else", "goal", "now"];
/// What a block says that has nothing to say.
const NOTHING: &str = "nothing";

struct Block {
    name: String,
    lines: Vec<String>,
    /// Lines that are left out.
    more: usize,
}

/// Draws it.
pub fn draw(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    incident: IncidentId,
    all: &[String],
    top: usize,
) -> Option<(u16, u16)> {
    let wide = usize::from(body.width.saturating_sub(2));
    let rows = usize::from(body.height.saturating_sub(2));
    let shown = shown(all, wide, rows, top, theme.glyphs());
    let inner = frame(
        buf,
        body,
        theme,
        &format!("Briefing {incident}"),
        u16::try_from(shown.len()).unwrap_or(u16::MAX),
    );
    for (row, (text, role)) in (0..inner.height).zip(&shown) {
        put::left(buf, put::row(inner, row), theme, text, theme.style(*role));
    }
    None
}

/// What is shown in so many rows: at the top all of it, abbreviated where it must be; from there on down the whole
/// text, and where one is in it.
pub(super) fn shown(
    all: &[String],
    wide: usize,
    rows: usize,
    top: usize,
    glyphs: &Glyphs,
) -> Vec<(String, Role)> {
    let whole = read_out(all, wide);
    if whole.len() <= rows {
        return whole;
    }
    if top == 0 {
        return abbreviated(all, wide, rows, glyphs);
    }
    let space = rows.saturating_sub(1);
    let top = (top - 1).min(whole.len().saturating_sub(space));
    let below = whole.len().saturating_sub(top + space);
    let mut out: Vec<_> = whole.into_iter().skip(top).take(space).collect();
    out.push((format!("{top} lines above, {below} below: Up and Down, Home for one screen"), Role::Notice));
    out
}

/// A briefing's lines: nothing is cut, what is too wide goes on below its words.
fn read_out(all: &[String], wide: usize) -> Vec<(String, Role)> {
    let mut out = Vec::new();
    for line in all {
        let role = if line.starts_with(' ') { Role::Text } else { Role::Quiet };
        let named = line.split_at_checked(NAMED).filter(|_| line.starts_with(' '));
        let (name, words) = named.unwrap_or(("", line));
        for (row, words) in fit::wrap(words, wide.saturating_sub(name.len())).into_iter().enumerate() {
            let lead = if row == 0 { name.to_owned() } else { " ".repeat(name.len()) };
            out.push((format!("{lead}{words}"), role));
        }
    }
    out
}

/// One row for each line, the headline left to the console; blocks without news share a row, and the longest blocks
/// give up their last lines, until it fits.
fn abbreviated(all: &[String], wide: usize, rows: usize, glyphs: &Glyphs) -> Vec<(String, Role)> {
    let mut blocks = blocks(all);
    let silent: Vec<String> = blocks
        .iter()
        .filter(|block| block.lines.iter().all(|line| line == NOTHING))
        .map(|block| block.name.clone())
        .collect();
    if silent.len() > 1 {
        blocks.retain(|block| !silent.contains(&block.name));
        blocks.push(Block {
            name: NOTHING.into(),
            lines: vec![format!("is {}", silent.join(", "))],
            more: 0,
        });
    }
    let total = |blocks: &[Block]| blocks.iter().map(|block| block.lines.len()).sum::<usize>();
    while total(&blocks) > rows {
        let longest = blocks.iter_mut().max_by_key(|block| block.lines.len());
        let Some(block) = longest.filter(|block| block.lines.len() > 1) else { break };
        block.lines.pop();
        block.more += 1;
    }
    for name in ABOVE {
        if total(&blocks) > rows {
            blocks.retain(|block| block.name != name);
        }
    }
    let room = wide.saturating_sub(NAMED);
    let mut out = Vec::new();
    for block in &blocks {
        for (row, words) in block.lines.iter().enumerate() {
            let more = match block.more {
                n if n > 0 && row + 1 == block.lines.len() => format!(" (+{n})"),
                _ => String::new(),
            };
            let words = fit::cut(words, room.saturating_sub(fit::width(&more)), glyphs);
            let name = if row == 0 { block.name.as_str() } else { "" };
            out.push((format!("  {name:<9} {words}{more}"), Role::Text));
        }
    }
    out.truncate(rows);
    out
}

fn blocks(all: &[String]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in all.iter().filter(|line| line.starts_with(' ')) {
        let Some((name, words)) = line.split_at_checked(NAMED) else { continue };
        // The rules have counted what they left out; it is counted on.
        let counted = words
            .rsplit_once("  (and ")
            .and_then(|(words, rest)| Some((words, rest.strip_suffix(" more)")?.parse::<usize>().ok()?)));
        let (words, more) = counted.unwrap_or((words, 0));
        match (name.trim(), blocks.last_mut()) {
            ("", Some(block)) => {
                block.lines.push(words.to_owned());
                block.more += more;
            }
            (name, _) => {
                blocks.push(Block { name: name.to_owned(), lines: vec![words.to_owned()], more });
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::glyphs::UNICODE;

    fn long() -> Vec<String> {
        let words = "x".repeat(90);
        let names = [
            ("situation", 3),
            ("now", 1),
            ("goal", 1),
            ("else", 1),
            ("people", 2),
            ("decided", 3),
            ("done", 3),
            ("open", 4),
            ("frozen", 3),
            ("clocks", 1),
            ("owed", 3),
        ];
        let mut all = vec!["SEV1 INC-1 identified in prod: checkout 5xx".to_owned()];
        for (name, lines) in names {
            for row in 0..lines {
                all.push(format!("  {:<9} {words}", if row == 0 { name } else { "" }));
            }
        }
        all.last_mut().unwrap().push_str("  (and 4 more)");
        all
    }

    #[test]
    fn the_fullest_one_fits_one_screen_with_every_block_in_it() {
        for rows in [14, 12, 11] {
            let shown = shown(&long(), 78, rows, 0, &UNICODE);
            assert!(shown.len() <= rows, "{}", shown.len());
            for name in ["situation", "people", "decided", "done", "open", "frozen", "clocks", "owed"] {
                assert!(shown.iter().any(|(line, _)| line.trim().starts_with(name)), "{name} at {rows}");
            }
            assert!(shown.iter().all(|(line, _)| fit::width(line) <= 78));
        }
        let owed = shown(&long(), 78, 14, 0, &UNICODE).pop().unwrap().0;
        assert!(owed.ends_with("(+6)"), "{owed}");
    }

    #[test]
    fn further_down_it_is_whole() {
        let whole = read_out(&long(), 78);
        let mut read = Vec::new();
        for top in 1..=whole.len() {
            for (line, _) in shown(&long(), 78, 14, top, &UNICODE).into_iter().take(13) {
                if !read.contains(&line) {
                    read.push(line);
                }
            }
        }
        assert!(whole.iter().all(|(line, _)| read.contains(line)));
        assert_eq!(
            shown(&long(), 200, 40, 0, &UNICODE).len(),
            long().len(),
            "with room nothing is abbreviated"
        );
    }

    #[test]
    fn blocks_without_news_share_a_row() {
        let all: Vec<String> = ["situation", "decided", "done", "frozen"]
            .iter()
            .map(|name| format!("  {name:<9} {}", if *name == "situation" { "x" } else { "nothing" }))
            .collect();
        let shown = shown(&all, 78, 3, 0, &UNICODE);
        assert_eq!(shown.last().unwrap().0, "  nothing   is decided, done, frozen");
    }
}
