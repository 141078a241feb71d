//! A drawn buffer as a picture: SVG, and from it PNG. Boxes, blocks and braille are drawn as geometry, so that they
//! join whatever the font does; the rest is text in a font that is compiled in. The same cells give the same picture.

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use resvg::{tiny_skia, usvg};
use std::{fmt::Write, sync::Arc, sync::OnceLock};
use unicode_width::UnicodeWidthStr;

/// One cell in pixels.
const CELL: (f32, f32) = (9.0, 19.0);
/// DejaVu Sans Mono advances 0.602 em.
const FONT_SIZE: f32 = 14.95;
const BASELINE: f32 = 14.4;
/// Air around the screen.
const MARGIN: f32 = 10.0;

/// What a terminal shows where a program names no colour.
#[derive(Clone, Copy)]
pub struct Ground {
    pub fg: &'static str,
    pub bg: &'static str,
}

pub const DARK: Ground = Ground { fg: "#c9ccd3", bg: "#15171c" };
pub const LIGHT: Ground = Ground { fg: "#33373f", bg: "#fafaf8" };

/// The buffer as SVG.
pub fn svg(buffer: &Buffer, ground: Ground) -> String {
    let width = f32::from(buffer.area.width) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(buffer.area.height) * CELL.1 + 2.0 * MARGIN;
    // Where the theme paints its own ground, the margin is of it too.
    let edge = buffer.content.last().map_or(Color::Reset, |cell| cell.bg);
    let edge = hex(edge, ground.bg);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><rect width="100%" height="100%" fill="{edge}"/>"#
    );
    let mut glyphs = String::new();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let cell = &buffer[(buffer.area.x + x, buffer.area.y + y)];
            let at = (MARGIN + f32::from(x) * CELL.0, MARGIN + f32::from(y) * CELL.1);
            let (fg, bg) = colours(cell, ground);
            if bg != edge {
                let _ = write!(
                    out,
                    r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{bg}" shape-rendering="crispEdges"/>"#,
                    at.0, at.1, CELL.0, CELL.1
                );
            }
            draw(&mut glyphs, cell, at, &fg);
        }
    }
    out.push_str(&glyphs);
    out.push_str("</svg>");
    out
}

/// The buffer as PNG.
pub fn png(buffer: &Buffer, ground: Ground) -> Vec<u8> {
    rendered(&svg(buffer, ground)).encode_png().expect("it fits in memory")
}

/// An SVG as pixels.
pub fn rendered(svg: &str) -> tiny_skia::Pixmap {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(dejavu::sans_mono::regular().to_vec());
        fonts.load_font_data(dejavu::sans_mono::bold().to_vec());
        fonts.set_sans_serif_family("DejaVu Sans Mono");
        Arc::new(fonts)
    });
    let options = usvg::Options { fontdb: Arc::clone(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).expect("the SVG is ours");
    let size = tree.size().to_int_size();
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).expect("it has a size");
    resvg::render(&tree, tiny_skia::Transform::default(), &mut pixels.as_mut());
    pixels
}

fn colours(cell: &Cell, ground: Ground) -> (String, String) {
    let (fg, bg) = (hex(cell.fg, ground.fg), hex(cell.bg, ground.bg));
    if cell.modifier.contains(Modifier::REVERSED) { (bg, fg) } else { (fg, bg) }
}

fn hex(color: Color, none: &str) -> String {
    const SIXTEEN: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    let index = match color {
        Color::Reset => return none.to_owned(),
        Color::Rgb(r, g, b) => return format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(i) => i,
    };
    let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
    let (r, g, b) = match index {
        0..=15 => SIXTEEN[usize::from(index)],
        16..=231 => (level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6)),
        _ => (8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10),
    };
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn draw(out: &mut String, cell: &Cell, (x, y): (f32, f32), fg: &str) {
    let symbol = cell.symbol();
    let (w, h) = (CELL.0 * symbol.width().max(1) as f32, CELL.1);
    if cell.modifier.contains(Modifier::UNDERLINED) {
        let _ = write!(out, r#"<rect x="{x}" y="{}" width="{w}" height="1" fill="{fg}"/>"#, y + h - 2.0);
    }
    let Some(first) = symbol.chars().next().filter(|c| !c.is_whitespace()) else { return };
    match u32::from(first) {
        0x2500..=0x257f if boxes(out, first, (x, y), fg) => return,
        code @ 0x2580..=0x259f if block(out, code, (x, y), fg) => return,
        code @ 0x2800..=0x28ff => return braille(out, code, (x, y), fg),
        _ => {}
    }
    let bold = if cell.modifier.contains(Modifier::BOLD) { r#" font-weight="bold""# } else { "" };
    let italic = if cell.modifier.contains(Modifier::ITALIC) { r#" font-style="italic""# } else { "" };
    let dim = if cell.modifier.contains(Modifier::DIM) { r#" opacity="0.6""# } else { "" };
    let escaped = symbol.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(
        out,
        r#"<text x="{x}" y="{}" font-family="DejaVu Sans Mono" font-size="{FONT_SIZE}"{bold}{italic}{dim} fill="{fg}">{escaped}</text>"#,
        y + BASELINE
    );
}

/// Strokes through the middle of the cell: up, right, down, left, each 0 none, 1 thin, 2 thick.
fn boxes(out: &mut String, c: char, (x, y): (f32, f32), fg: &str) -> bool {
    let arms: [u8; 4] = match c {
        '─' => [0, 1, 0, 1],
        '━' => [0, 2, 0, 2],
        '│' => [1, 0, 1, 0],
        '┃' => [2, 0, 2, 0],
        '╎' | '┆' | '┊' => {
            for part in [0.06, 0.56] {
                rect(out, (x + CELL.0 / 2.0 - 0.5, y + CELL.1 * part), (1.0, CELL.1 * 0.38), fg);
            }
            return true;
        }
        '┌' | '╭' => [0, 1, 1, 0],
        '┐' | '╮' => [0, 0, 1, 1],
        '└' | '╰' => [1, 1, 0, 0],
        '┘' | '╯' => [1, 0, 0, 1],
        '├' => [1, 1, 1, 0],
        '┤' => [1, 0, 1, 1],
        '┬' => [0, 1, 1, 1],
        '┴' => [1, 1, 0, 1],
        '┼' => [1, 1, 1, 1],
        '╴' => [0, 0, 0, 1],
        '╵' => [1, 0, 0, 0],
        '╶' => [0, 1, 0, 0],
        '╷' => [0, 0, 1, 0],
        _ => return false,
    };
    let (mx, my) = (x + CELL.0 / 2.0, y + CELL.1 / 2.0);
    let [up, right, down, left] = arms.map(|n| f32::from(n) * 1.0);
    for (wide, at, size) in [
        (up, (mx - up / 2.0, y), (up, CELL.1 / 2.0 + 0.5)),
        (down, (mx - down / 2.0, my - 0.5), (down, CELL.1 / 2.0 + 0.5)),
        (left, (x, my - left / 2.0), (CELL.0 / 2.0 + 0.5, left)),
        (right, (mx - 0.5, my - right / 2.0), (CELL.0 / 2.0 + 0.5, right)),
    ] {
        if wide > 0.0 {
            rect(out, at, size, fg);
        }
    }
    true
}

fn block(out: &mut String, code: u32, (x, y): (f32, f32), fg: &str) -> bool {
    let (w, h) = CELL;
    let eighths = |n: u32| n as f32 / 8.0;
    match code {
        0x2580 => rect(out, (x, y), (w, h / 2.0), fg),
        0x2581..=0x2588 => {
            let tall = h * eighths(code - 0x2580);
            rect(out, (x, y + h - tall), (w, tall), fg);
        }
        0x2589..=0x258f => rect(out, (x, y), (w * eighths(0x2590 - code), h), fg),
        0x2590 => rect(out, (x + w / 2.0, y), (w / 2.0, h), fg),
        0x2591..=0x2593 => {
            let opacity = (code - 0x2590) as f32 * 0.25;
            let _ = write!(
                out,
                r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fg}" opacity="{opacity}" shape-rendering="crispEdges"/>"#
            );
        }
        0x2594 => rect(out, (x, y), (w, h / 8.0), fg),
        _ => return false,
    }
    true
}

fn rect(out: &mut String, (x, y): (f32, f32), (w, h): (f32, f32), fg: &str) {
    let _ = write!(
        out,
        r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fg}" shape-rendering="crispEdges"/>"#
    );
}

/// Dots of a braille cell in the order of their bits.
fn braille(out: &mut String, code: u32, (x, y): (f32, f32), fg: &str) {
    let dots = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    for (bit, (col, row)) in dots.into_iter().enumerate() {
        if (code - 0x2800) >> bit & 1 == 1 {
            let (cx, cy) = (x + CELL.0 * (0.25 + 0.5 * col as f32), y + CELL.1 * (0.125 + 0.25 * row as f32));
            let _ = write!(out, r#"<circle cx="{cx}" cy="{cy}" r="1.4" fill="{fg}"/>"#);
        }
    }
}
