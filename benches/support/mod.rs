//! What the benches share: figures printed beside their ceiling or peer, rounds that take turns, a made-up life to
//! fill journals with, and the released binary in a home of its own.
#![allow(dead_code, missing_docs, reason = "each bench uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a bench fails by panicking and prints what it measured"
)]

pub mod home;
pub mod life;
#[path = "../../tests/support/pty.rs"]
pub mod pty;

use std::time::{Duration, Instant};

/// What was asked for on the command line: `cargo bench --bench NAME -- PART …`.
pub struct Asked {
    /// Whether this is a measurement; without `--bench` it is a test run, just enough to see that it works.
    pub measured: bool,
    parts: Vec<String>,
}

impl Asked {
    pub fn here() -> Self {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let measured = args.iter().any(|arg| arg == "--bench");
        Self { measured, parts: args.into_iter().filter(|arg| !arg.starts_with('-')).collect() }
    }

    /// Whether a part of the bench is to run: all do where none was named.
    pub fn part(&self, name: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| name.contains(part.as_str()))
    }

    /// The first where it is measured, the second where it is tried.
    pub fn pick<T>(&self, measured: T, tried: T) -> T {
        if self.measured { measured } else { tried }
    }
}

/// A whole number from the environment.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.replace('_', "").parse().ok()
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// At least this part of what it stands beside.
    Part(f64),
    None,
}

/// Prints the head of a table.
pub fn head(title: &str) {
    println!("\n{title}");
    println!(
        "{:<44} {:>12} {:<6} {:<34} {:>8}  goal",
        "figure", "measured", "", "beside, in the same run", "ratio"
    );
}

/// Prints one figure beside what it is compared with. The ratio is figure by peer.
pub fn row(name: &str, value: f64, unit: &str, beside: Option<(&str, f64)>, goal: Goal) {
    let peer = beside.map_or_else(String::new, |(peer, of)| format!("{peer} {}", number(of)));
    let ratio = beside.filter(|(_, of)| *of > 0.0).map(|(_, of)| value / of);
    let said = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let goal = match goal {
        Goal::None => String::new(),
        Goal::AtMost(most) => format!("<= {} {}", number(most), met(value <= most)),
        Goal::AtLeast(least) => format!(">= {} {}", number(least), met(value >= least)),
        Goal::Part(part) => format!("ratio >= {part} {}", met(ratio.is_some_and(|ratio| ratio >= part))),
    };
    println!("{name:<44} {:>12} {unit:<6} {peer:<34} {said:>8}  {goal}", number(value));
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Three figures that count, blanks between thousands.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut out = String::new();
    for (n, c) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    if rest.is_empty() { out } else { format!("{out}.{rest}") }
}

/// The middle of these.
pub fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}

/// The value below which this part of them lies.
pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q).round() as usize]
}

/// Runs all in turns, so that what disturbs the machine disturbs all of them; gives the median of each.
pub fn in_turns<const N: usize>(rounds: usize, mut each: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut seen: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (n, one) in each.iter_mut().enumerate() {
            seen[n].push(one());
        }
    }
    seen.map(median)
}

/// How often something is done in a second, done for so long.
pub fn per_second(lasts: Duration, mut act: impl FnMut() -> u64) -> f64 {
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < lasts {
        done += act();
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// How long something takes, in seconds.
pub fn seconds(act: impl FnOnce()) -> f64 {
    let began = Instant::now();
    act();
    began.elapsed().as_secs_f64()
}

/// Whether a seat shows its room: it is connected, and what the room knows is on the screen.
pub fn is_seated(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    text.contains("? help") && !text.contains("connecting")
}
