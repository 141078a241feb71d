//! Every screen at three sizes, in all depths and both glyph sets, against committed text; and pictures of them.
//! `WARROOM_SHOTS=1 cargo test --test screens` writes both anew; otherwise what is drawn must be what is committed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    dead_code,
    reason = "a test fails by panicking"
)]

mod screens {
    pub mod scenes;
    pub mod story;
}
mod support;

use ratatui::{buffer::Buffer, layout::Rect};
use screens::scenes::{self, Scene};
use sha2::{Digest as _, Sha256};
use std::{fs, path::PathBuf};
use support::{picture, snap};
use warroom::{
    seat::{
        model::Model,
        term::Input,
        update::{self, Event},
        view,
    },
    theme::{Depth, Role, Theme, glyphs},
};

const SIZES: [(u16, u16); 3] = [(80, 24), (100, 30), (160, 50)];

fn draw(model: &Model, size: (u16, u16), theme: &Theme) -> Buffer {
    let mut model = model.clone();
    let now = model.now.clone();
    let _ = update::update(&mut model, now, Event::Input(Input::Resize(size.0, size.1)));
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    let cursor = view::screen(&mut buffer, area, theme, &model);
    if let Some((x, y)) = cursor {
        // Where the terminal would show its cursor.
        buffer[(x, y)].modifier.insert(ratatui::style::Modifier::REVERSED);
    }
    buffer
}

fn theme(name: &str, depth: Depth) -> Theme {
    Theme::built_in(name, depth, &glyphs::UNICODE)
}

fn places() -> (PathBuf, PathBuf) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    (root.join("tests/screens/shots"), root.join("screenshots"))
}

fn writing() -> bool {
    std::env::var_os("WARROOM_SHOTS").is_some()
}

/// What is committed under this name must be `text`; or it is written.
fn committed(name: &str, text: &str) -> Result<(), String> {
    let path = places().0.join(format!("{name}.txt"));
    if writing() {
        fs::create_dir_all(places().0).unwrap();
        fs::write(&path, text).unwrap();
        return Ok(());
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    if known == text {
        return Ok(());
    }
    let row = known.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or(0);
    let line = |text: &str| text.lines().nth(row).unwrap_or("").to_owned();
    Err(format!("{name} line {}:\n  was {}\n  is  {}", row + 1, line(&known), line(text)))
}

fn digest(buffer: &Buffer) -> String {
    format!("{:x}", Sha256::digest(snap::styled(buffer).as_bytes()))
}

#[test]
fn every_screen_is_what_it_was() {
    let mut wrong = Vec::new();
    for Scene { name, model } in scenes::all() {
        for size in SIZES {
            let shot = draw(&model, size, &theme("dark", Depth::True));
            let at = format!("{name}-{}x{}", size.0, size.1);
            wrong.extend(committed(&at, &snap::styled(&shot)).err());
            // The other looks say the same, so their text is kept once and their cells as a digest.
            let looks = [
                ("light", theme("light", Depth::True)),
                ("sixteen", theme("dark", Depth::Sixteen)),
                ("none", theme("dark", Depth::None)),
                ("colour-blind", theme("colour-blind", Depth::True)),
                ("monochrome", theme("monochrome", Depth::True)),
                ("ascii", theme("dark", Depth::True).with_glyphs(&glyphs::ASCII)),
                ("ascii-sixteen", theme("dark", Depth::Sixteen).with_glyphs(&glyphs::ASCII)),
                ("ascii-none", theme("dark", Depth::None).with_glyphs(&glyphs::ASCII)),
            ];
            let mut digests = String::new();
            for (look, theme) in looks {
                let other = draw(&model, size, &theme);
                digests.extend([look, " ", &digest(&other), "\n"]);
                if look == "ascii" && size.0 == 80 {
                    digests.push_str(&snap::text(&other));
                }
            }
            wrong.extend(committed(&format!("{at}-looks"), &digests).err());
        }
    }
    assert!(wrong.is_empty(), "{} differ; look, then WARROOM_SHOTS=1\n{}", wrong.len(), wrong.join("\n"));
}

/// What stands at the right of the last line where something does not get out of the room.
#[test]
fn the_footer_says_what_does_not_get_out() {
    use warroom::wire::{Anchored, FromRoom, RoomStatus, SinkView};
    let now = screens::story::wall("14:07:00");
    let sink = |behind, trouble: Option<&str>, rejected: Option<(u64, &str)>| SinkView {
        name: "siem".into(),
        place: "https://siem.example/v1/logs".into(),
        seq: 9,
        behind,
        oldest: None,
        trouble: trouble.map(|why| (why.into(), now)),
        rejected: rejected.map(|(count, why)| (count, why.into(), now)),
    };
    let anchor = Anchored {
        seq: 9,
        note: None,
        key: "k".into(),
        trouble: Some(("the disk is full".into(), now)),
        lost: false,
    };
    let quiet = || screens::story::status(true);
    let model = scenes::all().into_iter().find(|scene| scene.name == "approval").unwrap().model;
    let mut text = String::new();
    for status in [
        quiet(),
        RoomStatus { audit: vec![sink(12, Some("refused"), None)], ..quiet() },
        RoomStatus {
            audit: vec![sink(0, None, Some((3, "too old"))), sink(0, None, Some((4, "too long")))],
            ..quiet()
        },
        RoomStatus { anchor: Some(Box::new(anchor.clone())), ..quiet() },
        RoomStatus {
            audit: vec![sink(12, Some("refused"), Some((3, "too old")))],
            anchor: Some(Box::new(anchor)),
            ..quiet()
        },
    ] {
        let mut model = model.clone();
        let now = model.now.clone();
        let _ = update::update(&mut model, now, Event::Room(Box::new(FromRoom::Room(status))));
        for size in SIZES {
            let shot = snap::text(&draw(&model, size, &theme("dark", Depth::True)));
            text.push_str(shot.trim_end_matches('\n').lines().next_back().unwrap());
            text.push('\n');
        }
    }
    committed("footer-words", &text).unwrap();
}

#[test]
fn pictures_are_of_the_screens() {
    let mut wrong = Vec::new();
    for Scene { name, model } in scenes::all().into_iter().filter(|scene| scene.name != "hostile") {
        for size in [SIZES[0], SIZES[2]] {
            let shot = draw(&model, size, &theme("dark", Depth::True));
            picture_of(&format!("{name}-{}x{}", size.0, size.1), &shot, picture::DARK, &mut wrong);
        }
    }
    let model = scenes::all().into_iter().find(|scene| scene.name == "approval").unwrap().model;
    for (name, theme, ground) in [
        ("light", theme("light", Depth::True), picture::LIGHT),
        ("colour-blind", theme("colour-blind", Depth::True), picture::DARK),
        ("sixteen", theme("dark", Depth::Sixteen), picture::DARK),
        ("monochrome", theme("dark", Depth::None), picture::DARK),
        ("ascii", theme("dark", Depth::True).with_glyphs(&glyphs::ASCII), picture::DARK),
    ] {
        picture_of(&format!("look-{name}-100x30"), &draw(&model, SIZES[1], &theme), ground, &mut wrong);
    }
    assert!(wrong.is_empty(), "pictures are old; WARROOM_SHOTS=1 draws them anew\n{}", wrong.join("\n"));
}

#[test]
fn a_terminal_too_small_still_says_how_bad_how_long_and_whether_frozen() {
    let scene = scenes::all().into_iter().find(|scene| scene.name == "approval").unwrap();
    for (size, want) in [
        ((59, 24), " SEV1  impact 13m21s FROZEN  60×16 needed, is 59×24"),
        ((80, 15), " SEV1  impact 13m21s FROZEN  60×16 needed, is 80×15"),
        ((30, 10), " SEV1  impact 13m21s FROZEN\n60×16 needed, is 30×10"),
    ] {
        let shot = draw(&scene.model, size, &theme("dark", Depth::True));
        let text = snap::text(&shot).replace('"', "");
        let text: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        assert_eq!(text.join("\n"), want, "{size:?}");
    }
}

/// Lower panes go first where height is short, logs and then tasks; the timeline keeps its width.
#[test]
fn a_short_terminal_keeps_a_whole_timeline() {
    let scene = scenes::all().into_iter().find(|scene| scene.name == "approval").unwrap();
    let mut wrong = Vec::new();
    for height in [16, 19, 20, 21] {
        let shot = draw(&scene.model, (80, height), &theme("dark", Depth::True));
        wrong.extend(committed(&format!("short-80x{height}"), &snap::styled(&shot)).err());
        let text = snap::text(&shot);
        let title = text.lines().find(|line| line.contains(" Timeline ")).unwrap_or_else(|| panic!("{text}"));
        assert!(title.starts_with("\"\u{2576} Timeline"), "it begins at the left: {title}");
        assert_eq!(text.contains(" Tasks "), height > 20, "{height}:\n{text}");
        assert_eq!(title.contains(" open "), height <= 20, "what went is counted: {title}");
    }
    assert!(wrong.is_empty(), "look, then WARROOM_SHOTS=1\n{}", wrong.join("\n"));
}

/// A picture is committed with the digest of the cells that it was drawn from.
fn picture_of(name: &str, shot: &Buffer, ground: picture::Ground, wrong: &mut Vec<String>) {
    let dir = places().1;
    let (png, txt) = (dir.join(format!("{name}.png")), dir.join(format!("{name}.txt")));
    let text = format!("{}\n", digest(shot));
    if writing() {
        fs::create_dir_all(&dir).unwrap();
        if fs::read_to_string(&txt).unwrap_or_default() != text || !png.exists() {
            fs::write(&png, picture::png(shot, ground)).unwrap();
            fs::write(&txt, text).unwrap();
        }
    } else if fs::read_to_string(&txt).unwrap_or_default() != text || !png.exists() {
        wrong.push(name.to_owned());
    }
}

#[test]
fn any_size_is_drawn_without_a_panic_and_ascii_stays_ascii() {
    for Scene { name, model } in scenes::all() {
        for size in [
            (1, 1),
            (10, 3),
            (59, 16),
            (60, 15),
            (60, 16),
            (79, 20),
            (81, 21),
            (121, 33),
            (139, 60),
            (140, 38),
            (240, 70),
        ] {
            let ascii = theme("dark", Depth::True).with_glyphs(&glyphs::ASCII);
            let shot = draw(&model, size, &ascii);
            if name != "hostile" {
                let foreign: String = snap::text(&shot).chars().filter(|c| !c.is_ascii()).collect();
                assert!(foreign.is_empty(), "{name} {size:?}: {foreign}");
            }
        }
    }
}

#[test]
fn the_console_never_moves() {
    let scenes = scenes::all();
    let incident: Vec<_> = scenes.iter().filter(|scene| scene.model.incident().is_some()).collect();
    for size in SIZES {
        for scene in &incident {
            let shot = draw(&scene.model, size, &theme("dark", Depth::True));
            let text = snap::text(&shot);
            let rows: Vec<&str> = text.lines().collect();
            for (row, start) in [(0, "\"  SEV"), (1, "\" impact "), (4, "\" now   "), (5, "\" goal  ")] {
                let trimmed = rows[row];
                assert!(
                    trimmed.starts_with(start) || trimmed.starts_with(&start.replace("\"  ", "\" ")),
                    "{} {size:?} row {row}: {}",
                    scene.name,
                    rows[row]
                );
            }
        }
    }
}

#[test]
fn nothing_that_acts_on_a_terminal_reaches_a_cell() {
    let scene = scenes::all().into_iter().find(|scene| scene.name == "hostile").unwrap();
    for view in ["1", "2", "3", "4", "5", "6", "7", "?"] {
        let mut model = scene.model.clone();
        screens::story::press(&mut model, "14:07:31", view);
        for size in SIZES {
            let shot = draw(&model, size, &theme("dark", Depth::True));
            for cell in &shot.content {
                let bad = cell.symbol().chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}'));
                assert!(!bad, "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn a_second_changes_only_clocks() {
    let scene = scenes::all().into_iter().find(|scene| scene.name == "approval").unwrap();
    let before = draw(&scene.model, SIZES[0], &theme("dark", Depth::True));
    let mut later = scene.model.clone();
    later.now = screens::story::at("14:07:32");
    let after = draw(&later, SIZES[0], &theme("dark", Depth::True));
    let changed = before.content.iter().zip(&after.content).filter(|(a, b)| a != b).count();
    assert!(changed > 0 && changed < 40, "{changed} cells changed in a second");
    let _ = Role::ALL;
}

#[test]
fn what_holds_the_gate_is_said_on_every_seat_at_every_size() {
    use warroom::{
        domain::newer::Newer,
        wire::{FromRoom, GateTrouble, RoomStatus},
    };
    let at = screens::story::status(true).since;
    let quiet = || screens::story::status(true);
    let trouble =
        GateTrouble { at: "127.0.0.1:7311".into(), why: "another program has it".into(), since: at };
    let newer = Newer { since: 41, kind: "freeze.widened".into() };
    let cases = [
        (RoomStatus { gate: None, gate_trouble: Some(trouble), ..quiet() }, ["NO GATE", "DOES NOT LISTEN"]),
        (RoomStatus { slow: Some(at), ..quiet() }, ["JOURNAL SLOW", "JOURNAL SLOW"]),
        (RoomStatus { newer: Some(newer), ..quiet() }, ["RULES HELD", "RULES HELD"]),
    ];
    for name in ["approval", "calm"] {
        let model = scenes::all().into_iter().find(|scene| scene.name == name).unwrap().model;
        for (status, words) in &cases {
            let mut model = model.clone();
            let now = model.now.clone();
            let heard = FromRoom::Room(status.clone());
            let _ = update::update(&mut model, now, Event::Room(Box::new(heard)));
            for size in SIZES {
                let shot = snap::text(&draw(&model, size, &theme("dark", Depth::True)));
                assert!(words.iter().any(|word| shot.contains(word)), "{name} {size:?} {words:?}\n{shot}");
                let says_open = shot.contains("deploys are not frozen");
                assert!(!says_open || status.gate_trouble.is_some(), "{name} {size:?}: open\n{shot}");
            }
        }
    }
}
