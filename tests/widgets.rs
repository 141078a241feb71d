//! How the pieces of the screen look, at small sizes, in both glyph sets; and one composition of them all, which is
//! written as pictures into the directory that WARROOM_PICTURES names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod support;

use ratatui::{buffer::Buffer, layout::Rect};
use support::{picture, snap};
use warroom::{
    domain::time::Span,
    seat::view::widget::{
        chart::{self, Chart, Mark, scale::Time},
        columns::Column,
        field::{self, Field},
        figure,
        list::{self, Position},
        progress, put, rule, scroll, span, spark,
        table::{self, Align, Shape},
    },
    signal::panel::Unit,
    theme::{Depth, Role, Theme, glyphs},
};

fn theme(name: &str) -> Theme {
    Theme::built_in(name, Depth::True, &glyphs::UNICODE)
}

fn ascii(name: &str) -> Theme {
    theme(name).with_glyphs(&glyphs::ASCII)
}

fn ground(width: u16, height: u16, theme: &Theme) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    let area = buf.area;
    put::clear(&mut buf, area, theme.style(Role::Text));
    buf
}

/// The same drawing in Unicode with its looks, and in ASCII.
fn both(width: u16, height: u16, draw: impl Fn(&mut Buffer, Rect, &Theme)) -> String {
    let shot = |theme: &Theme| {
        let mut buf = ground(width, height, theme);
        let area = buf.area;
        draw(&mut buf, area, theme);
        buf
    };
    format!("{}ascii\n{}", snap::styled(&shot(&theme("dark"))), snap::text(&shot(&ascii("dark"))))
}

/// A failure that begins two thirds of the way, and a gap before it.
fn errors(n: usize) -> Vec<f64> {
    let noise = |i: usize| ((i * 7919) % 13) as f64 / 13.0;
    (0..n)
        .map(|i| match i * 100 / n {
            40..=45 => f64::NAN,
            at @ 66.. => 0.072 - 0.05 * (-((at - 66) as f64) / 6.0).exp() + noise(i) * 0.006,
            _ => 0.002 + noise(i) * 0.002,
        })
        .collect()
}

const START: i64 = 1_780_000_020_000;

fn points(n: usize, scale: f64) -> Vec<(i64, f64)> {
    errors(n)
        .into_iter()
        .zip(0..)
        .map(|(v, i)| (START + i * 1_800_000 / i64::try_from(n).unwrap(), v * scale))
        .collect()
}

fn minute(t: i64) -> String {
    chrono::DateTime::from_timestamp_millis(t).unwrap().format("%H:%MZ").to_string()
}

const MARKS: [Mark<'static>; 2] = [
    Mark { t: START + 1_170_000, label: "2.4.1", role: Role::Mark },
    Mark { t: START + 1_560_000, label: "freeze", role: Role::Frozen },
];

fn error_chart(buf: &mut Buffer, area: Rect, theme: &Theme, points: &[(i64, f64)]) {
    chart::draw(
        buf,
        area,
        theme,
        &Chart {
            points,
            time: Time { from: START, to: START + 1_800_000 },
            gap: 40_000,
            band: Some((0.001, 0.005)),
            threshold: Some(0.01),
            marks: &MARKS,
            cursor: None,
            role: Role::Line,
            show: &|v| Unit::Ratio.show(v),
            name: &minute,
        },
    );
}

#[test]
fn titles() {
    insta::assert_snapshot!(both(40, 5, |buf, area, theme| {
        let titles = [
            rule::Title { name: "Tasks", ..Default::default() },
            rule::Title {
                name: "Logs",
                detail: "checkout  error  /timeout/",
                note: "1,204 of 88 k",
                focus: true,
            },
            rule::Title { name: "Health against baseline", note: "stale 40s", ..Default::default() },
            rule::Title { name: "A name that is much too long for its pane", ..Default::default() },
            rule::Title { name: "日本語", note: "3", ..Default::default() },
        ];
        for (row, title) in (0..).zip(titles) {
            rule::title(buf, put::row(area, row), theme, title);
        }
    }));
}

#[test]
fn series_in_a_row() {
    insta::assert_snapshot!(both(20, 4, |buf, area, theme| {
        let all = errors(60);
        let bounds = spark::bounds(all.iter().copied()).unwrap();
        spark::draw(buf, put::row(area, 0), theme, &all, bounds, Role::Line);
        spark::draw(buf, put::row(area, 1), theme, &all[..12], bounds, Role::Line);
        spark::draw(buf, put::row(area, 2), theme, &[3.0; 20], (3.0, 3.0), Role::Calm);
        spark::draw(buf, put::row(area, 3), theme, &[], (0.0, 1.0), Role::Calm);
    }));
}

#[test]
fn how_much_is_used() {
    insta::assert_snapshot!(both(10, 6, |buf, area, theme| {
        for (row, share) in (0..).zip([0.0, 0.001, 0.47, 0.999, 1.0, f64::NAN]) {
            progress::draw(buf, put::row(area, row), theme, share, Role::Notice);
        }
    }));
}

#[test]
fn values_stand_under_each_other() {
    insta::assert_snapshot!(both(12, 6, |buf, area, theme| {
        for (row, shown) in (0..).zip(["7.2 %", "840 ms", "412 /s", "1.5 GiB", "no data", "12"]) {
            figure::draw(buf, put::row(area, row), theme, shown, Role::Calm);
        }
    }));
}

#[test]
fn a_chart_says_what_it_knows() {
    insta::assert_snapshot!(both(60, 10, |buf, area, theme| error_chart(
        buf,
        area,
        theme,
        &points(180, 1.0)
    )));
    insta::assert_snapshot!(both(40, 5, |buf, area, theme| error_chart(buf, area, theme, &[])));
}

#[test]
fn long_text_and_its_bar() {
    insta::assert_snapshot!(both(24, 4, |buf, area, theme| {
        let text = "kubectl rollout undo deployment/checkout\n\ndeployment.apps/checkout rolled back";
        let lines = scroll::wrapped(text, area, theme.style(Role::Text));
        scroll::draw(buf, area, theme, &lines, 1);
    }));
}

#[test]
fn tables_and_lists() {
    insta::assert_snapshot!(both(44, 5, |buf, area, theme| {
        let shape = Shape {
            columns: &[
                (Column::Fixed(2), Align::Left),
                (Column::Fill(8), Align::Left),
                (Column::Fixed(10), Align::Figure),
                (Column::Droppable(8), Align::Right),
            ],
            heads: &["", "panel", "now", "since"],
        };
        let row = |a: &str, b: &str, c: &str, role| {
            vec![(String::new(), role), (a.into(), Role::Text), (b.into(), role), (c.into(), Role::Quiet)]
        };
        let rows = [
            row("errors", "7.2 %", "13:54Z", Role::Bad),
            row("p99 of the checkout service", "840 ms", "13:54Z", Role::Bad),
            row("rps", "412 /s", "", Role::Calm),
        ];
        table::draw(buf, area, theme, shape, &rows, Some(1));
        list::more(buf, area, theme, 14);
    }));
}

#[test]
fn a_line_to_type_into() {
    insta::assert_snapshot!(both(12, 3, |buf, area, theme| {
        field::draw(buf, put::row(area, 0), theme, &Field::default(), "what is wrong?");
        field::draw(buf, put::row(area, 1), theme, &Field::with("checkout 5xx after 2.4.1"), "");
        let mut field = Field::with("checkout");
        field.home();
        field::draw(buf, put::row(area, 2), theme, &field, "");
    }));
}

fn line(buf: &mut Buffer, area: Rect, row: u16, theme: &Theme, pieces: &[(&str, Role)]) {
    put::pieces(buf, put::row(area, row), theme, pieces);
}

/// An invented incident, drawn of the pieces alone.
fn composition(width: u16, height: u16, theme: &Theme) -> Buffer {
    use Role::{Bad, Calm, Frozen, Good, Key, Notice, Owner, Quiet, Text, Title, Worst};
    let mut whole = ground(width, height, theme);
    let buf = &mut whole;
    let screen = buf.area;
    let area = Rect { x: 1, width: width - 1, ..screen };
    line(
        buf,
        area,
        0,
        theme,
        &[
            (" SEV1 ", Worst),
            (" PROD ", Title),
            ("INC-7 ", Quiet),
            ("mitigating  ", Text),
            ("checkout 5xx after 2.4.1", Title),
        ],
    );
    put::right(buf, put::row(area, 0), theme, "14:07:31Z  15:07 CET", theme.style(Text));
    let (used, target) = (Span::secs(792), Span::mins(15));
    let clock = span::clock(used, target);
    let loud = clock.role(Span::mins(2));
    let from = put::pieces(
        buf,
        put::row(area, 1),
        theme,
        &[("impact ", Quiet), ("13m12s", Title), (" of 15m ", Quiet)],
    );
    progress::draw(
        buf,
        put::part(put::row(area, 1), from, 13),
        theme,
        used.as_secs_f64() / target.as_secs_f64(),
        loud,
    );
    let rest = put::part(put::row(area, 1), from + 14, area.width);
    put::pieces(
        buf,
        rest,
        theme,
        &[
            (&clock.text(), loud),
            ("  declared ", Quiet),
            ("9m40s", Text),
            ("  update in ", Quiet),
            ("4m10s", Text),
        ],
    );
    line(
        buf,
        area,
        2,
        theme,
        &[
            ("WAITS ON ", Notice),
            ("ana", Owner),
            (" 33s: ", Notice),
            ("approve step 4 \"put checkout 2.4.0 back\", asked by ", Text),
            ("bo", Owner),
        ],
    );
    put::right(buf, put::row(area, 2), theme, "[a]", theme.style(Key));
    line(
        buf,
        area,
        3,
        theme,
        &[
            ("IC ", Quiet),
            ("ana", Owner),
            ("   deputy ", Quiet),
            ("--", Quiet),
            ("   scribe ", Quiet),
            ("eve", Owner),
            ("   comms ", Quiet),
            ("cy", Owner),
            ("   ops ", Quiet),
            ("bo", Owner),
            ("   here 4  you ana on bast-1", Quiet),
        ],
    );
    line(
        buf,
        area,
        4,
        theme,
        &[("now   ", Quiet), ("5xx 7 % in eu-west since 13:54Z, not improving; payments unaffected", Text)],
    );
    line(
        buf,
        area,
        5,
        theme,
        &[
            ("goal  ", Quiet),
            ("under 1 % by 14:09Z", Text),
            ("   else ", Quiet),
            ("bo", Owner),
            (" turns new-pricing off at 14:09Z", Text),
        ],
    );
    line(
        buf,
        area,
        6,
        theme,
        &[
            ("FROZEN", Frozen),
            (" checkout/prod to 15:58Z  3 refused", Text),
            ("  holds: ", Quiet),
            ("gate ci", Text),
            ("; ", Quiet),
            ("NOT k8s", Notice),
            ("  rollback ok", Text),
        ],
    );
    let big = height >= 40;
    let half = screen.width / 2;
    let columns = [Rect { width: half, ..screen }, Rect { x: half, width: screen.width - half, ..screen }];
    let tall = if big { 22 } else { 7 };
    let [left, right] = columns.map(|c| Rect { y: 7, height: tall, ..c });
    rule::title(buf, left, theme, rule::Title { name: "Health against baseline", ..Default::default() });
    let air = |r: Rect| Rect { x: r.x + 1, width: r.width - 2, y: r.y + 1, height: r.height - 1 };
    let health = air(left);
    if big {
        let shares = [("errors", 1.0), ("p99", 0.6), ("probe", 0.2)];
        for (row, (name, scale)) in (0..).zip(shares) {
            let place = Rect { y: health.y + row * 7, height: 7, ..health };
            put::left(buf, place, theme, name, theme.style(Title));
            error_chart(buf, place, theme, &points(300, scale));
        }
    } else {
        let all = errors(30);
        let bounds = spark::bounds(all.iter().copied()).unwrap();
        let up = theme.glyphs().up;
        let times = theme.glyphs().times;
        for (row, (name, now, base, state, role)) in (0..).zip([
            ("errors", "7.2 %", "0.3 %", format!("{up}24{times}"), Bad),
            ("p99", "840 ms", "210 ms", format!("{up}4{times}"), Bad),
            ("rps", "412 /s", "420 /s", "ok".into(), Calm),
        ]) {
            let row = put::row(health, row);
            put::left(buf, put::part(row, 0, 6), theme, name, theme.style(Text));
            figure::draw(buf, put::part(row, 6, 9), theme, now, role);
            if role == Bad {
                spark::draw(buf, put::part(row, 16, 9), theme, &all, bounds, Role::Line);
            } else {
                let flat: Vec<f64> = (0..10).map(|i| 420.0 - f64::from(i % 3) * 4.0).collect();
                spark::draw(buf, put::part(row, 16, 9), theme, &flat, (0.0, 600.0), Role::Line);
            }
            figure::draw(buf, put::part(row, 25, 8), theme, base, Quiet);
            put::right(buf, put::part(row, 33, 5), theme, &state, theme.style(role));
        }
        line(
            buf,
            health,
            3,
            theme,
            &[("probe   ", Text), ("2 of 3 failing", Bad), ("  since 13:55Z", Quiet)],
        );
        line(
            buf,
            health,
            4,
            theme,
            &[("checkout 2.4.1 ", Text), ("BAD", Bad), (" 13:53Z  was 2.4.0", Quiet)],
        );
        line(buf, health, 5, theme, &[("payments 1.9.0 ", Text), ("good", Good), (" Tue", Quiet)]);
    }
    rule::title(
        buf,
        right,
        theme,
        rule::Title { name: "rollback.md", detail: "", note: "4 of 9", focus: true },
    );
    let steps = air(right);
    let g = theme.glyphs();
    for (row, (mark, text, who, role)) in (0..).zip([
        (g.done, "1 Look at the history", "bo   13:59Z", Quiet),
        (g.done, "2 Began with the release?", "ana  14:01Z", Quiet),
        (g.done, "3 Freeze deploys  3 refused", "14:02Z", Quiet),
        (g.current, "4 Put 2.4.0 back  bo@app-1", "waits ana", Title),
        (" ", "5 Errors under 1 % for 2m", "7.2 % now", Text),
        (" ", "6 Flags back on, one by one", "", Text),
    ]) {
        let place = put::row(steps, row);
        put::left(buf, place, theme, mark, theme.style(if role == Quiet { Good } else { role }));
        let who_role = if role == Title { Notice } else { Quiet };
        put::ends(buf, put::part(place, 2, place.width), theme, &[(text, role)], (who, who_role));
        if role == Title {
            list::mark(buf, put::part(place, 0, place.width), theme);
        }
    }
    let next = 7 + tall;
    let [left, right] = columns.map(|c| Rect { y: next, height: 4, ..c });
    rule::title(buf, left, theme, rule::Title { name: "Tasks", ..Default::default() });
    let shape = Shape {
        columns: &[
            (Column::Fixed(4), Align::Left),
            (Column::Fill(8), Align::Left),
            (Column::Fixed(12), Align::Left),
        ],
        heads: &[],
    };
    let row = |a: &str, b: &str, c: &str, role| vec![(a.into(), Owner), (b.into(), Text), (c.into(), role)];
    let rows = [
        row("bo", "put 2.4.0 back", "1m10s left", Notice),
        row("cy", "status page", "done 14:05Z", Good),
        row("eve", "who else calls it?", "40s OVER", Bad),
    ];
    table::draw(buf, air(left), theme, shape, &rows, None);
    rule::title(buf, right, theme, rule::Title { name: "Timeline", ..Default::default() });
    let place = air(right);
    line(buf, place, 0, theme, &[("14:06:58 ", Quiet), ("bo   ", Owner), ("step 4 asks for approval", Text)]);
    line(buf, place, 1, theme, &[("14:05:12 ", Quiet), ("gate ", Frozen), ("refused checkout 2.4.2", Text)]);
    line(buf, place, 2, theme, &[("14:04:50 ", Quiet), ("ana  ", Owner), ("decided: roll back", Text)]);
    let logs = Rect { y: next + 4, height: height - next - 5, ..screen };
    rule::title(
        buf,
        logs,
        theme,
        rule::Title {
            name: "Logs",
            detail: "checkout  error  /timeout/",
            note: "1,204 of 88 k",
            focus: false,
        },
    );
    let logs = air(logs);
    let mut at = Position::on(0);
    let window = at.window(&(0..u64::from(logs.height) + 14).collect::<Vec<_>>(), usize::from(logs.height));
    for row in 0..logs.height {
        line(
            buf,
            logs,
            row,
            theme,
            &[
                ("14:07:30 ", Quiet),
                ("checkout-3 ", Text),
                ("ERROR ", Bad),
                ("quote ", Text),
                ("timeout", Role::Match),
                (" after 800 ms trace=4bf9", Text),
                (g.ellipsis, Text),
            ],
        );
    }
    list::more(buf, logs, theme, window.below);
    let foot = put::row(area, height - 1);
    put::pieces(
        buf,
        foot,
        theme,
        &[
            ("dev 1  ", Quiet),
            ("owed 0  ", Quiet),
            ("over 1", Bad),
            ("  unread 2   ", Quiet),
            ("n", Key),
            (" note  ", Quiet),
            ("a", Key),
            (" approve  ", Quiet),
            ("Enter", Key),
            (" act  ", Quiet),
            (":", Key),
            (" cmd  ", Quiet),
            ("?", Key),
            (" help", Quiet),
        ],
    );
    whole
}

#[test]
fn the_pieces_together() {
    insta::assert_snapshot!(snap::text(&composition(80, 23, &theme("dark"))));
    insta::assert_snapshot!(snap::text(&composition(80, 23, &ascii("monochrome"))));
    insta::assert_snapshot!(snap::text(&composition(160, 50, &theme("dark"))));
    let Ok(dir) = std::env::var("WARROOM_PICTURES") else { return };
    for name in ["dark", "light", "colour-blind", "monochrome"] {
        for (width, height) in [(80, 23), (160, 50)] {
            let ground = if name == "light" { picture::LIGHT } else { picture::DARK };
            let png = picture::png(&composition(width, height, &theme(name)), ground);
            std::fs::write(format!("{dir}/{name}-{width}x{height}.png"), png).unwrap();
        }
    }
    std::fs::write(
        format!("{dir}/ascii.png"),
        picture::png(&composition(80, 23, &ascii("dark")), picture::DARK),
    )
    .unwrap();
}

#[test]
fn a_picture_is_the_same_each_time() {
    let buf = composition(80, 23, &theme("dark"));
    assert_eq!(picture::svg(&buf, picture::DARK), picture::svg(&buf, picture::DARK));
    assert!(picture::png(&buf, picture::DARK).starts_with(b"\x89PNG"));
}
