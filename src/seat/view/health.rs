//! Panels against their baseline: rows where there is little room, charts where there is more; then probes and
//! releases.

use super::{
    inside,
    widget::{
        chart::{self, Chart, Mark, scale::Time},
        figure, fit, put,
        rule::{self, Title},
        spark,
    },
};
use crate::{
    domain::release::Judgement,
    domain::time::Span,
    seat::model::{
        Model, Pane, View,
        entry::one,
        health::{Row, Runs, Standing},
        then::Then,
        when,
    },
    signal::Point,
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Rows that a chart takes at least, its name included.
const CHART: u16 = 7;

/// Draws the pane.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let panels = model.panels();
    let oldest = panels.iter().filter_map(|row| row.stale).max();
    let note = match (oldest, model.ui.cursor) {
        (Some(age), _) => format!("stale {}", age.brief()),
        (None, Some(t)) => {
            let kept = panels.is_empty() || panels.iter().any(|row| recorded(model, row, t).is_some());
            let word = if kept { "" } else { "  not recorded" };
            moment(t).map_or(String::new(), |at| format!("cursor {}{word}", at.format("%H:%M:%SZ")))
        }
        (None, None) => String::new(),
    };
    let focus = model.ui.has(Pane::Health);
    let detail = model.seen_from().map(|host| format!("as seen from {}", one(host))).unwrap_or_default();
    let title = Title { name: "Health against baseline", detail: &detail, note: &note, focus };
    rule::title(buf, area, theme, title);
    let inner = inside(area);
    let names = panels.iter().map(|row| fit::width(&row.view.panel.name)).max().unwrap_or(6).clamp(6, 16);
    let tail = tail(model, names);
    let troubles = model.troubles();
    let few = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let troubles: Vec<_> = troubles.iter().take(2).map(|trouble| told(model, trouble, inner)).collect();
    let trouble = few(troubles.iter().map(|told| 1 + usize::from(told.below.is_some())).sum());
    let charts_only = model.ui.view == View::Metrics;
    // Panels come first, then what is wrong with their sources, then the rest.
    let rows_left = inner
        .height
        .saturating_sub(if charts_only { trouble } else { few(tail.len().min(6)) + trouble })
        .max(few(panels.len()).min(inner.height.saturating_sub(trouble)));
    let as_charts = rows_left >= CHART * 2 || (charts_only && rows_left >= CHART);
    let mut used = 0;
    if panels.is_empty() {
        let text = if model.live.is_blind() {
            "nothing is watched"
        } else {
            "no panel yet: sources are being asked"
        };
        put::left(buf, put::row(inner, 0), theme, text, theme.style(Role::Quiet));
        used = 1;
    } else if as_charts {
        let area = Rect { height: rows_left, ..inner };
        used = charts(buf, area, theme, model, &panels, focus);
    } else {
        let columns = Columns::of(&panels, names, inner.width);
        let first = super::window(
            panels.len(),
            usize::from(rows_left.max(1)),
            if focus { model.ui.panel } else { 0 },
        );
        for (at, row) in panels.iter().enumerate().skip(first) {
            if used >= rows_left {
                break;
            }
            let selected = focus && at == model.ui.panel;
            one_row(buf, put::row(inner, used), theme, model, row, columns, selected);
            used += 1;
        }
    }
    let mut rest =
        Rect { y: inner.y + used.min(inner.height), height: inner.height.saturating_sub(used), ..inner };
    for told in &troubles {
        let pieces = [
            (told.source.as_str(), Role::Bad),
            (told.age.as_str(), Role::Notice),
            (told.message.as_str(), Role::Notice),
        ];
        put::ends(buf, put::row(rest, 0), theme, &pieces, (&told.next, Role::Quiet));
        rest = below(rest);
        if let Some(more) = &told.below {
            put::left(buf, put::row(rest, 0), theme, more, theme.style(Role::Notice));
            rest = below(rest);
        }
    }
    for (row, pieces) in (0..rest.height).zip(tail) {
        let shown: Vec<(&str, Role)> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        put::pieces(buf, put::row(rest, row), theme, &shown);
    }
}

/// A source's trouble in words: which, since when, why; and where there is room, what happens next and what to press.
struct Told {
    source: String,
    age: String,
    message: String,
    next: String,
    /// The rest of a message that is longer than its row.
    below: Option<String>,
}

/// A pane this high spares a second row for what is wrong.
const SPARES: u16 = 14;

fn told(model: &Model, (source, message, age): &(&str, &str, Option<Span>), area: Rect) -> Told {
    let wide = usize::from(area.width);
    let age = age.map_or(" never answered: ".into(), |age| format!(" silent {}: ", age.brief()));
    let (source, message) = (one(source), one(message));
    let key = model.keymap.label("dismiss").unwrap_or_default();
    let next = format!("asked again by itself; {key} dismisses");
    let head = fit::width(&source) + fit::width(&age);
    let whole = head + fit::width(&message);
    let next = if whole + fit::width(&next) + 2 <= wide { next } else { String::new() };
    if whole <= wide || area.height < SPARES {
        return Told { source, age, message, next, below: None };
    }
    let lines = fit::wrap(&message, wide.saturating_sub(head).max(8));
    let first = lines.first().cloned().unwrap_or_default();
    let rest = lines.get(1..).unwrap_or_default().join(" ");
    Told { source, age, message: first, next, below: Some(format!("  {rest}")) }
}

fn below(area: Rect) -> Rect {
    Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area }
}

fn moment(t: i64) -> Option<crate::domain::time::Wall> {
    chrono::DateTime::from_timestamp_millis(t)
}

fn role(row: &Row<'_>) -> Role {
    match (row.stale, row.standing) {
        (Some(_), _) | (_, Standing::NoData) => Role::Quiet,
        (_, Standing::Bad) => Role::Bad,
        (_, Standing::Off) => Role::Notice,
        (_, Standing::Calm) => Role::Calm,
    }
}

fn state(row: &Row<'_>, theme: &Theme) -> String {
    let glyphs = theme.glyphs();
    let times = row.times.filter(|times| times.is_finite());
    match (row.stale, row.standing) {
        (Some(_), _) => "stale".into(),
        (_, Standing::NoData) => glyphs.unknown.into(),
        (_, Standing::Calm) => "ok".into(),
        (_, _) => match times {
            Some(times) if times >= 1.5 => format!("{}{:.0}{}", glyphs.up, times.min(999.0), glyphs.times),
            Some(times) if times <= 0.67 => format!("{}{:.1}{}", glyphs.down, times, glyphs.times),
            _ => glyphs.up.into(),
        },
    }
}

/// Cells of how a panel stands, with a blank before it.
const STATE: u16 = 6;

/// Cells of a row's columns. The line between them has what is left: where that is little it goes, and no number does.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: u16,
    now: u16,
    base: u16,
}

impl Columns {
    fn of(panels: &[Row<'_>], names: usize, wide: u16) -> Self {
        let widest = |most: Option<usize>, least: u16| {
            u16::try_from(most.unwrap_or(0)).unwrap_or(u16::MAX).clamp(least, 12)
        };
        Self {
            name: u16::try_from(names).unwrap_or(6).clamp(6, (wide / 4).max(6)) + 1,
            now: widest(panels.iter().map(|row| figure::cells(&row.now)).max(), 8),
            base: widest(panels.iter().map(|row| figure::cells(&row.base)).max(), 7),
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "a row is drawn of all of these")]
fn one_row(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    model: &Model,
    row: &Row<'_>,
    columns: Columns,
    selected: bool,
) {
    let wide = area.width;
    let Columns { name, now, base: base_cells } = columns;
    let style = theme.style(if row.stale.is_some() { Role::Quiet } else { Role::Text });
    put::left(buf, put::part(area, 0, name), theme, &one(&row.view.panel.name), style);
    figure::draw(buf, put::part(area, name, now), theme, &row.now, role(row));
    let after = name + now + 1;
    let base = wide.saturating_sub(base_cells + STATE);
    let from = model.now.wall.timestamp_millis() - model.span();
    let recent: Vec<f64> =
        row.view.points.iter().filter(|point| point.t >= from).map(|point| point.v).collect();
    if let Some((low, high)) = spark::bounds(recent.iter().copied()) {
        // Room above the baseline, so that what is calm lies low and what is not stands out.
        let high = row.view.baseline.map_or(high, |base| high.max(base.high * 1.6));
        let line = if row.standing == Standing::Bad && row.stale.is_none() { Role::Bad } else { Role::Line };
        let place = put::part(area, after, base.saturating_sub(after + 1));
        spark::draw(buf, place, theme, &recent, (low.min(0.0), high), line);
    }
    figure::draw(buf, put::part(area, base, base_cells), theme, &row.base, Role::Quiet);
    put::right(
        buf,
        put::part(area, base + base_cells, STATE),
        theme,
        &state(row, theme),
        theme.style(role(row)),
    );
    if selected {
        buf.set_style(area, theme.style(Role::Selection));
    }
}

fn charts(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    model: &Model,
    panels: &[Row<'_>],
    focus: bool,
) -> u16 {
    // One below the other where they fit, so that one line through all of them is one moment.
    let stacked = u16::try_from(panels.len()).unwrap_or(u16::MAX).saturating_mul(CHART + 2) <= area.height;
    let columns: u16 = if area.width >= 120 && panels.len() > 1 && !stacked { 2 } else { 1 };
    let lines = u16::try_from(panels.len()).unwrap_or(1).div_ceil(columns);
    let fit = (area.height / CHART).max(1).min(lines.max(1));
    let most = if model.ui.view == View::Metrics { 22 } else { 14 };
    let tall = (area.height / fit).min(most);
    let per_page = usize::from(fit * columns);
    let first = super::window(
        panels.len().div_ceil(usize::from(columns)),
        usize::from(fit),
        model.ui.panel / usize::from(columns),
    ) * usize::from(columns);
    let now = model.now.wall.timestamp_millis();
    let time = Time { from: now - model.span(), to: now };
    let entries: Vec<(i64, String)> = model.timeline.iter().filter_map(|entry| entry.mark.clone()).collect();
    let marks: Vec<Mark<'_>> = entries
        .iter()
        .map(|(t, label)| Mark {
            t: *t,
            label,
            role: if label == "freeze" { Role::Frozen } else { Role::Mark },
        })
        .collect();
    let gap_between = 2;
    let wide = (area.width - gap_between * (columns - 1)) / columns;
    // Rows that are left over make the first charts taller by one.
    let spare = area.height.saturating_sub(fit * tall).min(fit) * u16::from(tall < most);
    for (place, (at, row)) in panels.iter().enumerate().skip(first).take(per_page).enumerate() {
        let place = u16::try_from(place).unwrap_or(0);
        let line = place / columns;
        let cell = Rect {
            x: area.x + (place % columns) * (wide + gap_between),
            y: area.y + line * tall + line.min(spare),
            // The last of an odd number has the row for itself.
            width: if at + 1 == panels.len() && place.is_multiple_of(columns) { area.width } else { wide },
            height: (tall + u16::from(line < spare)).saturating_sub(u16::from(tall > CHART)),
        };
        one_chart(buf, cell, theme, model, row, time, &marks, focus && at == model.ui.panel);
    }
    (lines.min(fit) * tall + spare.min(lines)).min(area.height)
}

#[allow(clippy::too_many_arguments, reason = "a chart is drawn of all of these")]
fn one_chart(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    model: &Model,
    row: &Row<'_>,
    time: Time,
    marks: &[Mark<'_>],
    selected: bool,
) {
    let unit = row.view.panel.unit;
    let under = model.ui.cursor.map(|t| match recorded(model, row, t) {
        Some(point) => format!("  at cursor {}", unit.show(point.v)),
        None => "  at cursor not recorded".into(),
    });
    let head = put::row(area, 0);
    let name = one(&row.view.panel.name);
    let state = state(row, theme);
    let base = if row.base.is_empty() { "no baseline".into() } else { format!("baseline {}", row.base) };
    let at = under.unwrap_or_default();
    let lead = if selected { format!("{} ", theme.glyphs().current) } else { String::new() };
    put::ends(
        buf,
        head,
        theme,
        &[
            (&lead, Role::Key),
            (&name, if selected { Role::Focus } else { Role::Title }),
            ("  ", Role::Text),
            (&row.now, role(row)),
            ("  ", Role::Text),
            (&state, role(row)),
            (&at, Role::Cursor),
        ],
        (&base, Role::Quiet),
    );
    let points: Vec<(i64, f64)> = row.view.points.iter().map(|point| (point.t, point.v)).collect();
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    // Of a few minutes several names would be of the same minute.
    let clock = if time.to - time.from <= 5 * 60_000 { "%H:%M:%SZ" } else { "%H:%MZ" };
    chart::draw(
        buf,
        body,
        theme,
        &Chart {
            points: &points,
            time,
            gap: gap(model, row),
            band: row.view.baseline.map(|base| (base.low, base.high)),
            threshold: row.view.panel.threshold,
            marks,
            cursor: model.ui.cursor,
            role: match row.standing {
                _ if row.stale.is_some() => Role::Quiet,
                Standing::Bad => Role::Bad,
                _ => Role::Line,
            },
            show: &|v| unit.show(v),
            name: &|t| moment(t).map_or(String::new(), |at| at.format(clock).to_string()),
        },
    );
}

/// Between two points that belong together at most, in milliseconds: three polls.
fn gap(model: &Model, row: &Row<'_>) -> i64 {
    let every = model.live.sources.get(&row.view.source).map_or(5_000, |source| source.every.as_millis());
    i64::try_from(every.saturating_mul(3)).unwrap_or(15_000).max(5_000)
}

/// What a panel was at a time, where that is known: before its first point and in a gap it is not.
fn recorded<'a>(model: &Model, row: &Row<'a>, t: i64) -> Option<&'a Point> {
    let last = row.view.points.iter().rev().find(|point| point.t <= t)?;
    (t.saturating_sub(last.t) <= gap(model, row)).then_some(last)
}

/// Probes in one line, then what runs.
fn tail(model: &Model, names: usize) -> Vec<Vec<(String, Role)>> {
    let mut lines = Vec::new();
    if let Some((failing, all, since)) = model.probes() {
        let (failing, all, since, unknown, word) = match model.then() {
            Some(then) => {
                let (failing, all, since, unknown) = model.probes_at(then);
                (failing, all, since, unknown, "answered")
            }
            None => (failing, all, since, 0, "answer"),
        };
        let mut line = vec![(format!("{:<names$} ", "probe"), Role::Text)];
        if failing > 0 {
            line.push((format!("{failing} of {all} failing"), Role::Bad));
            let since = since.map(|at| format!("  since {}", when::minute(at, model.now.wall)));
            line.push((since.unwrap_or_default(), Role::Quiet));
        } else if unknown < all {
            line.push((format!("{} of {all} {word}", all - unknown), Role::Calm));
        }
        if unknown > 0 {
            let rest =
                if unknown == all { "not recorded".into() } else { format!("  {unknown} not recorded") };
            line.push((rest, Role::Quiet));
        }
        lines.push(line);
    }
    // What runs has a pane of its own where there is room for one.
    if !super::layout::has(model, Pane::Releases) {
        match model.then() {
            Some(then) => lines.extend(model.released_at(then).iter().map(|one| ran(model, one))),
            None => lines.extend(model.released().iter().map(runs)),
        }
    }
    lines
}

/// `checkout 2.4.1 BAD 13:53Z  was 2.4.0`.
pub fn runs(one_: &Runs) -> Vec<(String, Role)> {
    let (word, role) = match one_.judged {
        Some(Judgement::Good) => (" good", Role::Good),
        Some(Judgement::Bad) => (" BAD", Role::Bad),
        None => ("", Role::Quiet),
    };
    let since = one_.since.as_ref().map(|since| format!(" {since}")).unwrap_or_default();
    let was = one_.before.as_ref().map(|before| format!("  was {}", one(before))).unwrap_or_default();
    vec![
        (format!("{} {}", one(&one_.service), one(&one_.version)), Role::Text),
        (if one_.unlisted { " not in the catalogue" } else { "" }.to_owned(), Role::Bad),
        (word.to_owned(), role),
        (format!("{since}{was}"), Role::Quiet),
    ]
}

/// The same at the time cursor: `checkout 2.4.0 good 13:41Z`, or that it is not known.
pub fn ran(model: &Model, then: &Then) -> Vec<(String, Role)> {
    match then {
        Then::Ran(one) => runs(one),
        Then::Unknown { service, until, .. } => {
            let until = until.as_ref().map_or(String::new(), |(version, at)| {
                format!("; {} until {}", one(version), when::brief(*at, model.now.wall))
            });
            vec![(one(service), Role::Text), (format!(" not known for then{until}"), Role::Quiet)]
        }
    }
}
