//! One SVG per panel: the line with its gaps, the baseline band, the threshold and the incident's moments.
//!
//! No script and no outside reference; colours follow the reader's light or dark scheme; title and description say
//! the same in words for whoever cannot see it.

use super::gather::Gathered;
use crate::{
    domain::{
        clock::Moment,
        text,
        time::{Wall, clock_utc},
    },
    signal::{
        Direction, Panel, Point, Unit,
        analysis::ticks::{self, Round},
        panel::Baseline,
    },
};
use chrono::DateTime;
use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = 40.0;

/// Rows for the names of moments, above the picture.
const ROWS: usize = 4;

/// Width of one of their characters, about.
const CHAR: f64 = 7.4;

/// Values beyond this are drawn at it, so that differences stay finite.
const HUGE: f64 = 1e150;

/// Named values and moments, about.
const VALUES: u16 = 5;
const MOMENTS: u16 = 6;

/// A gap is drawn where points lie further apart than this many usual distances.
const GAP: i64 = 4;

const STYLE: &str = "\
svg{color-scheme:light dark}\
text{font:12px system-ui,sans-serif;fill:#1f2328}.dim{fill:#59636e}.title{font-weight:600;font-size:14px}\
.back{fill:#fff}.grid{stroke:#d1d9e0;stroke-width:1}.band{fill:#0969da;fill-opacity:.14}\
.line{fill:none;stroke:#0969da;stroke-width:1.8;stroke-linejoin:round}.dot{fill:#0969da}\
.limit{stroke:#cf222e;stroke-width:1.4;stroke-dasharray:6 4}.mark{stroke:#6e5494;stroke-width:1.2;stroke-dasharray:2 3}\
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.dim{fill:#9198a1}.back{fill:#0d1117}.grid{stroke:#3d444d}\
.band{fill:#4493f8;fill-opacity:.2}.line{stroke:#4493f8}.dot{fill:#4493f8}.limit{stroke:#f85149}.mark{stroke:#b392f0}}";

/// A panel as it was recorded around the incident.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it is.
    pub panel: Panel,
    /// Oldest first; a gap is a NaN or a hole in time.
    pub points: Vec<Point>,
    /// What was normal before.
    pub baseline: Option<Baseline>,
}

/// A drawn chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Where it lies beside the draft: `charts/01-errors.svg`.
    pub path: String,
    /// In words, as Markdown.
    pub alt: String,
    /// The picture.
    pub svg: String,
}

/// A moment on the time axis.
struct Marker {
    at: i64,
    label: String,
}

impl Recorded {
    /// Whether it had data between these moments and none of it was beyond the threshold.
    pub(super) fn green_between(&self, from: Wall, until: Wall) -> bool {
        let Some(limit) = self.panel.threshold else { return false };
        let span = from.timestamp_millis()..=until.timestamp_millis();
        let mut seen =
            self.points.iter().filter(|point| span.contains(&point.t) && point.v.is_finite()).peekable();
        let good = |v: f64| match self.panel.bad {
            Direction::Up => v <= limit,
            Direction::Down => v >= limit,
            Direction::None => false,
        };
        seen.peek().is_some() && seen.all(|point| good(point.v))
    }
}

impl Chart {
    pub(super) fn draw_all(recorded: &[Recorded], g: &Gathered<'_>) -> Vec<Self> {
        let markers = markers(g);
        recorded
            .iter()
            .enumerate()
            .map(|(at, one)| {
                let path = format!("charts/{:02}-{}.svg", at + 1, slug(&one.panel.name));
                let words = describe(one, &markers);
                let alt = super::escape::inline(&format!("{}: {words}", one.panel.name));
                Self { path, alt, svg: draw(one, &markers, &words) }
            })
            .collect()
    }
}

fn markers(g: &Gathered<'_>) -> Vec<Marker> {
    let mut out = Vec::new();
    let mut put = |label: &str, at: Option<Wall>, seq: u64| {
        if let Some(at) = at {
            out.push(Marker { at: at.timestamp_millis(), label: format!("{label} #{seq}") });
        }
    };
    let clocks = &g.incident.clocks;
    for (moment, label) in
        [(Moment::Change, "switched"), (Moment::Decided, "decided"), (Moment::Acted, "acted")]
    {
        let mark = clocks.marks.get(&moment);
        put(label, mark.map(|mark| mark.at.wall), mark.map_or(0, |mark| mark.seq));
    }
    put("declared", Some(g.incident.declared.wall), g.incident.seq);
    let recovered = clocks.recovered.as_ref();
    put("recovered", recovered.map(|mark| mark.at.wall), recovered.map_or(0, |mark| mark.seq));
    out.sort_by_key(|marker| marker.at);
    out
}

fn slug(name: &str) -> String {
    let kept: String = name
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let joined = kept.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if joined.is_empty() { "panel".into() } else { joined }
}

/// Text between tags, and in attributes.
fn xml(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in text::line(words).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not characters of XML 1.0.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

fn at(ms: i64) -> Wall {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// The day, or the days, in UTC.
fn day(scale: &Scale) -> String {
    let (from, until) = (at(scale.from).date_naive(), at(scale.until).date_naive());
    if from == until { format!("{from}, UTC") } else { format!("{from} to {until}, UTC") }
}

fn describe(one: &Recorded, markers: &[Marker]) -> String {
    let unit = one.panel.unit;
    let values = || one.points.iter().map(|point| point.v).filter(|v| v.is_finite());
    let (Some(first), Some(last)) = (one.points.first(), one.points.last()) else {
        return "nothing was recorded".into();
    };
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let mut out = format!(
        "{} to {} between {} and {}",
        unit.show(low),
        unit.show(high),
        clock_utc(at(first.t)),
        clock_utc(at(last.t))
    );
    if let Some(limit) = one.panel.threshold {
        let _ = write!(out, ", threshold {}", unit.show(limit));
    }
    if let Some(base) = &one.baseline {
        let _ = write!(out, ", usually {} to {}", unit.show(base.low), unit.show(base.high));
    }
    for marker in markers {
        let _ = write!(
            out,
            ", {} at {}",
            marker.label.split(' ').next().unwrap_or_default(),
            clock_utc(at(marker.at))
        );
    }
    out
}

/// How time and values become places on the picture.
struct Scale {
    from: i64,
    until: i64,
    low: f64,
    high: f64,
    /// Between two values that are named.
    step: f64,
}

impl Scale {
    fn of(one: &Recorded) -> Self {
        let values = one.points.iter().map(|point| point.v).chain(one.panel.threshold);
        let band = one.baseline.iter().flat_map(|base| [base.low, base.high]);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.chain(band).filter(|v| v.is_finite()).map(|v| v.clamp(-HUGE, HUGE)) {
            low = low.min(v);
            high = high.max(v);
        }
        if !low.is_finite() || !high.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        // From zero where nothing is below it, so that a small change does not look like a large one.
        low = low.min(0.0);
        if !(high - low).is_normal() {
            high = low + 1.0;
        }
        // Axes end at round values, so that every line across is one.
        let round = if one.panel.unit == Unit::Bytes { Round::Twos } else { Round::Tens };
        high += (high - low) * 0.02;
        let step = ticks::step(high - low, VALUES, round);
        low = (low / step).floor() * step;
        high = (high / step).ceil() * step;
        let from = one.points.first().map_or(0, |point| point.t);
        let until = one.points.last().map_or(1, |point| point.t).max(from.saturating_add(1));
        Self { from, until, low, high, step }
    }

    /// The values that are named, from the lowest.
    fn values(&self) -> impl Iterator<Item = f64> {
        let (first, step) = ((self.low / self.step).round(), self.step);
        let count = ((self.high - self.low) / step).round().clamp(0.0, 2.0 * f64::from(VALUES)) as u16;
        (0..=count).map(move |n| (first + f64::from(n)) * step)
    }

    fn x(&self, t: i64) -> f64 {
        let part = (t.saturating_sub(self.from)) as f64 / (self.until.saturating_sub(self.from)) as f64;
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, v: f64) -> f64 {
        let part = ((v - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
    }
}

fn draw(one: &Recorded, markers: &[Marker], words: &str) -> String {
    let scale = Scale::of(one);
    let unit = one.panel.unit;
    let name = xml(&one.panel.name);
    let right = WIDTH - RIGHT;
    let floor = HEIGHT - BOTTOM;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">{name}</title>\n<desc id=\"d\">{}</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"20\">{name} <tspan class=\"dim\">{}</tspan></text>\n",
        xml(words),
        day(&scale)
    );
    for v in scale.values() {
        let y = scale.y(v);
        let _ =
            writeln!(out, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>");
        let (x, y, label) = (LEFT - 8.0, y + 4.0, xml(&unit.show(v)));
        let _ =
            writeln!(out, "<text class=\"dim\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>");
    }
    for t in ticks::moments(scale.from, scale.until, MOMENTS) {
        let (x, y, label) = (scale.x(t), HEIGHT - 14.0, clock_utc(at(t)));
        let half = label.len() as f64 * CHAR / 2.0;
        let anchor = if x + half > right {
            "end"
        } else if x - half < LEFT {
            "start"
        } else {
            "middle"
        };
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{floor}\" x2=\"{x:.1}\" y2=\"{}\"/>",
            floor + 5.0
        );
        let _ = writeln!(
            out,
            "<text class=\"dim\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{label}</text>"
        );
    }
    if let Some(base) = one.baseline.filter(|base| base.low.is_finite() && base.high.is_finite()) {
        let (top, bottom) = (scale.y(base.high), scale.y(base.low));
        let (width, tall) = (right - LEFT, (bottom - top).max(1.0));
        let _ = writeln!(
            out,
            "<rect class=\"band\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{width}\" height=\"{tall:.1}\"><title>usual</title></rect>"
        );
    }
    if let Some(limit) = one.panel.threshold.filter(|limit| limit.is_finite()) {
        let (y, label) = (scale.y(limit), xml(&unit.show(limit)));
        let _ =
            writeln!(out, "<line class=\"limit\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>");
        let (x, y) = (right - 2.0, y - 5.0);
        let _ = writeln!(
            out,
            "<text class=\"dim\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">threshold {label}</text>"
        );
    }
    series(&mut out, one, &scale);
    moments(&mut out, markers, &scale);
    if one.points.iter().all(|point| !point.v.is_finite()) {
        let (x, y) = (f64::midpoint(LEFT, right), f64::midpoint(TOP, floor));
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">not recorded</text>");
    }
    out.push_str("</svg>\n");
    out
}

/// Moments as lines with their names above, each name in the first row where it does not lie on another.
fn moments(out: &mut String, markers: &[Marker], scale: &Scale) {
    let floor = HEIGHT - BOTTOM;
    let mut rows = [f64::NEG_INFINITY; ROWS];
    for marker in markers.iter().filter(|marker| (scale.from..=scale.until).contains(&marker.at)) {
        let x = scale.x(marker.at);
        let width = marker.label.chars().count() as f64 * CHAR;
        let flipped = x + width > WIDTH - RIGHT;
        let (begin, anchor, dx) = if flipped { (x - width, "end", -3.0) } else { (x, "start", 3.0) };
        let row = rows.iter().position(|end| *end < begin).unwrap_or(ROWS - 1);
        if let Some(end) = rows.get_mut(row) {
            *end = if flipped { x } else { x + width };
        }
        let y = 38.0 + row as f64 * 14.0;
        let label = xml(&marker.label);
        let (top, text) = (y - 10.0, x + dx);
        let _ = writeln!(
            out,
            "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{floor}\"/>"
        );
        let _ = writeln!(out, "<text x=\"{text:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{label}</text>");
    }
}

fn series(out: &mut String, one: &Recorded, scale: &Scale) {
    let points = thinned(&one.points, scale);
    let usual = usual_distance(&points);
    let mut run: Vec<Point> = Vec::new();
    for point in points {
        let hole = run.last().is_some_and(|last| point.t.saturating_sub(last.t) > usual.saturating_mul(GAP));
        if hole || !point.v.is_finite() {
            stroke(out, &run, scale);
            run.clear();
        }
        if point.v.is_finite() {
            run.push(point);
        }
    }
    stroke(out, &run, scale);
}

fn stroke(out: &mut String, run: &[Point], scale: &Scale) {
    match run {
        [] => {}
        [one] => {
            let (x, y) = (scale.x(one.t), scale.y(one.v));
            let _ = writeln!(out, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>");
        }
        many => {
            let places: Vec<_> =
                many.iter().map(|point| format!("{:.1},{:.1}", scale.x(point.t), scale.y(point.v))).collect();
            let _ = writeln!(out, "<polyline class=\"line\" points=\"{}\"/>", places.join(" "));
        }
    }
}

fn usual_distance(points: &[Point]) -> i64 {
    let mut steps: Vec<i64> =
        points.iter().zip(points.iter().skip(1)).map(|(a, b)| b.t.saturating_sub(a.t)).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(i64::MAX).max(1)
}

/// At most a few points for each column of pixels: the lowest and the highest, and gaps as they are.
fn thinned(points: &[Point], scale: &Scale) -> Vec<Point> {
    if points.len() <= 1_500 {
        return points.to_vec();
    }
    let mut out: Vec<Point> = Vec::new();
    let mut rest = points.iter().peekable();
    while let Some(first) = rest.next() {
        let column = scale.x(first.t).floor();
        let (mut low, mut high, mut gap) = (*first, *first, !first.v.is_finite());
        while let Some(next) = rest.next_if(|next| scale.x(next.t).floor() <= column) {
            gap |= !next.v.is_finite();
            if next.v < low.v || !low.v.is_finite() {
                low = *next;
            }
            if next.v > high.v || !high.v.is_finite() {
                high = *next;
            }
        }
        let mut kept = [low, high];
        kept.sort_by_key(|point| point.t);
        let [a, b] = kept;
        out.push(a);
        if b.t != a.t {
            out.push(b);
        }
        if gap && b.v.is_finite() {
            out.push(Point { t: b.t.saturating_add(1), v: f64::NAN });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    fn recorded(name: &str, values: &[f64]) -> Recorded {
        let panel = Panel {
            name: name.into(),
            source: String::new(),
            query: String::new(),
            unit: Unit::Ratio,
            bad: Direction::Up,
            threshold: Some(0.01),
            hold: None,
            service: None,
        };
        let points = (0..).zip(values).map(|(i, v)| Point { t: 1_000_000_000_000 + i * 1_000, v: *v });
        Recorded { panel, points: points.collect(), baseline: None }
    }

    #[test]
    fn a_gap_is_a_gap() {
        let svg = draw(&recorded("errors", &[0.0, 0.1, f64::NAN, 0.1, 0.1, 0.2]), &[], "");
        assert_eq!(svg.matches("<polyline").count(), 2);
        let mut holed = recorded("errors", &[0.0; 20]);
        holed.points.drain(8..14);
        assert_eq!(draw(&holed, &[], "").matches("<polyline").count(), 2);
        assert!(draw(&recorded("errors", &[]), &[], "").contains("not recorded"));
    }

    #[test]
    fn hostile_names_stay_text_and_files_stay_in_their_folder() {
        let name = "</title><script>alert(1)</script>\u{1b}[2J../../x\"'&";
        let svg = draw(&recorded(name, &[0.0, 0.1]), &[], name);
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'));
        assert!(resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).is_ok());
        assert_eq!(slug("../../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("日本"), "panel");
    }

    #[test]
    fn values_and_moments_on_the_axes_are_round() {
        let svg =
            draw(&recorded("errors", &(0..100).map(|i| f64::from(i) * 0.0039).collect::<Vec<_>>()), &[], "");
        for label in [">0 %<", ">10.0 %<", ">20.0 %<", ">30.0 %<", ">40.0 %<", ">01:47:00Z<", ">01:47:30Z<"] {
            assert!(svg.contains(label) || svg.contains(&label.replace(".0 %", " %")), "{label} in {svg}");
        }
        let mut bytes = recorded("memory", &[0.0, 700.0 * 1024.0]);
        bytes.panel = Panel { unit: Unit::Bytes, threshold: None, ..bytes.panel };
        let svg = draw(&bytes, &[], "");
        assert!(svg.contains(">256 KiB<") && svg.contains(">512 KiB<"), "{svg}");
    }

    #[test]
    fn odd_values_are_drawn_without_a_panic() {
        for values in [&[f64::MAX, f64::MIN][..], &[f64::INFINITY, 0.0], &[f64::NAN], &[5.0], &[-1.0, -1.0]] {
            let svg = draw(&recorded("x", values), &[], "");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let many = recorded("x", &(0..20_000).map(|i| f64::from(i % 7)).collect::<Vec<_>>());
        assert!(draw(&many, &[], "").len() < 80_000);
    }
}
