//! A drawn buffer as text: what it says, and beneath, how each run of cells looks.

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// The rows in quotes, as an insta snapshot shows them best; wide characters take their two columns.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut row = String::new();
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(symbol.width().max(1)).unwrap();
        }
        let _ = writeln!(out, "\"{row}\"");
    }
    out
}

/// Text, then for each row its runs of equal look: `first-last fg/bg+modifiers`. The commonest look is named once
/// at the top and left out below, so that only what stands out is listed.
pub fn styled(buffer: &Buffer) -> String {
    let mut looks: Vec<(String, usize)> = Vec::new();
    for cell in &buffer.content {
        let look = look(cell);
        match looks.iter_mut().find(|(known, _)| *known == look) {
            Some((_, count)) => *count += 1,
            None => looks.push((look, 1)),
        }
    }
    let common = looks.iter().max_by_key(|(_, count)| *count).map_or(String::new(), |(look, _)| look.clone());
    let mut out = text(buffer);
    let _ = writeln!(out, "else {common}");
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut runs = Vec::new();
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let (first, this) = (x, look(&buffer[(x, y)]));
            while x < buffer.area.right() && look(&buffer[(x, y)]) == this {
                x += 1;
            }
            if this != common {
                runs.push(format!("{first}-{} {this}", x - 1));
            }
        }
        if !runs.is_empty() {
            let _ = writeln!(out, "{y}: {}", runs.join(", "));
        }
    }
    out
}

fn look(cell: &Cell) -> String {
    let mut out = format!("{}/{}", colour(cell.fg), colour(cell.bg));
    for (modifier, sign) in [
        (Modifier::BOLD, "+b"),
        (Modifier::DIM, "+d"),
        (Modifier::ITALIC, "+i"),
        (Modifier::UNDERLINED, "+u"),
        (Modifier::REVERSED, "+r"),
    ] {
        if cell.modifier.contains(modifier) {
            out.push_str(sign);
        }
    }
    out
}

fn colour(color: Color) -> String {
    match color {
        Color::Reset => "-".into(),
        Color::Rgb(r, g, b) => format!("{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(i) => format!("i{i}"),
        other => format!("{other:?}").to_lowercase(),
    }
}
