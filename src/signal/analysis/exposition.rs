//! The text in which a process exposes its metrics: Prometheus text format 0.0.4 and OpenMetrics 1.0, read with
//! patience: a bad line is counted and told, the others stand.
//!
//! Timestamps and exemplars are skipped: what is scraped directly is dated by the scrape, so that a process with a
//! wrong clock cannot write into the past or the future.

use super::labels::Labels;

/// Most labels of one sample.
const LABELS_MAX: usize = 64;
/// Most bytes of one label's value or of a name.
const TEXT_MAX: usize = 4_096;
/// Most samples and labels of one exposition together: a bound on memory, whatever an endpoint exposes.
const PIECES_MAX: usize = 200_000;
/// Complaints that are kept in words; the rest is counted.
const COMPLAINTS_MAX: usize = 5;

/// One exposed value.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposed {
    /// Metric name, with its suffix: `x_bucket`.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub v: f64,
}

/// What an endpoint exposes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exposition {
    /// In the order of the text.
    pub samples: Vec<Exposed>,
    /// Samples beyond what is read of one endpoint.
    pub over: usize,
    /// Lines that could not be read.
    pub bad_lines: usize,
    /// The first of them, in words, with their line numbers.
    pub complaints: Vec<String>,
}

/// The text is no exposition at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMetrics {
    /// A page, as a proxy or a wrong path gives.
    #[error("this is HTML, not metrics: is the path right (usually /metrics)?")]
    Html,
    /// Another API's answer.
    #[error("this is JSON, not metrics: is the path right (usually /metrics)?")]
    Json,
    /// Nothing of it could be read.
    #[error("no line of it is a metric; line {line}: {why}")]
    Nothing {
        /// The first bad line.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Reads an exposition. Fails only where nothing in it makes sense.
pub fn parse(text: &str) -> Result<Exposition, NotMetrics> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with('<') {
        return Err(NotMetrics::Html);
    }
    let mut out = Exposition::default();
    let mut first = None;
    let mut pieces = 0;
    for (n, raw) in text.lines().enumerate() {
        let line = raw.trim_start_matches('\u{feff}').trim();
        if line == "# EOF" {
            break;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if pieces >= PIECES_MAX {
            out.over += 1;
            continue;
        }
        match sample(line) {
            Ok(sample) => {
                pieces += 1 + sample.labels.len();
                out.samples.push(sample);
            }
            Err(why) => {
                out.bad_lines += 1;
                first.get_or_insert((n + 1, why));
                if out.complaints.len() < COMPLAINTS_MAX {
                    out.complaints.push(format!("line {}: {why}", n + 1));
                }
            }
        }
    }
    match first {
        Some(_) if out.samples.is_empty() && start.starts_with(['{', '[']) => Err(NotMetrics::Json),
        Some((line, why)) if out.samples.is_empty() => Err(NotMetrics::Nothing { line, why }),
        _ => Ok(out),
    }
}

fn sample(line: &str) -> Result<Exposed, &'static str> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace()).ok_or("a name without a value")?;
    let (name, rest) = line.split_at(end);
    let mut name = name.to_owned();
    let mut labels = Labels::default();
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('{') {
        Some(inside) => label_set(inside, &mut name, &mut labels)?,
        None => rest,
    };
    if name.is_empty() || name.len() > TEXT_MAX {
        return Err("a sample has no name, or one that is too long");
    }
    let value = rest.split_whitespace().next().ok_or("a sample has no value")?;
    let v = number(value).ok_or("the value is not a number")?;
    Ok(Exposed { name, labels, v })
}

/// Reads up to the closing brace and gives what follows. A quoted text without `=` is the metric's name, as
/// Prometheus 3 writes names that are not plain.
fn label_set<'a>(mut rest: &'a str, name: &mut String, labels: &mut Labels) -> Result<&'a str, &'static str> {
    let mut count = 0;
    loop {
        rest = rest.trim_start().trim_start_matches(',').trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        count += 1;
        if count > LABELS_MAX {
            return Err("a sample has more than 64 labels");
        }
        let key;
        if let Some(after) = rest.strip_prefix('"') {
            let (text, after) = quoted(after)?;
            rest = after.trim_start();
            if !rest.starts_with('=') {
                *name = text;
                continue;
            }
            key = text;
        } else {
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).ok_or("a label set does not end")?;
            let (text, after) = rest.split_at(end);
            key = text.to_owned();
            rest = after.trim_start();
        }
        rest = rest.strip_prefix('=').ok_or("a label has no =")?.trim_start();
        rest = rest.strip_prefix('"').ok_or("a label's value is not quoted")?;
        let (value, after) = quoted(rest)?;
        rest = after;
        if key.is_empty() || key.len() > TEXT_MAX {
            return Err("a label has no name, or one that is too long");
        }
        labels.set(&key, &value);
    }
}

fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((out, text.get(i + 1..).unwrap_or_default())),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
        if out.len() > TEXT_MAX {
            return Err("a label's value is longer than 4096 bytes");
        }
    }
    Err("a quoted text does not end")
}

/// A number as Prometheus writes it: `1e-3`, `NaN`, `+Inf`.
pub fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())))
    }

    #[test]
    fn all_the_ways_to_write_a_sample() {
        for (line, name, pairs, v) in [
            ("up 1", "up", &[][..], 1.0),
            ("x{} 2 1395066363000", "x", &[], 2.0),
            ("x{a=\"b\",} 3", "x", &[("a", "b")], 3.0),
            ("x { a = \"b\" , c=\"d\" } 4 # {trace_id=\"z\"} 0.1", "x", &[("a", "b"), ("c", "d")], 4.0),
            (r#"x{a="q\"\\\n}"} +Inf"#, "x", &[("a", "q\"\\\n}")], f64::INFINITY),
            ("{\"my.name\",\"l.x\"=\"y\"} 5e-1", "my.name", &[("l.x", "y")], 0.5),
        ] {
            let read = parse(line).unwrap();
            assert_eq!(read.samples, [Exposed { name: name.into(), labels: labels(pairs), v }], "{line}");
        }
        assert!(parse("x NaN").unwrap().samples[0].v.is_nan());
    }

    #[test]
    fn a_bad_line_spoils_nothing_but_itself() {
        let read = parse("a 1\nb{x=\"y} 2\nc{x=y} 1\nd\ne one\n# EOF\nf 1").unwrap();
        assert_eq!(read.samples.len(), 1);
        assert_eq!(read.bad_lines, 4);
        assert_eq!(read.complaints[0], "line 2: a quoted text does not end");
    }

    #[test]
    fn a_page_is_not_metrics() {
        assert_eq!(parse("\u{feff} <!doctype html><html>"), Err(NotMetrics::Html));
        assert!(matches!(parse("Not Found"), Err(NotMetrics::Nothing { line: 1, .. })));
        assert_eq!(parse(""), Ok(Exposition::default()));
        for json in [
            include_str!("../../../tests/samples/pushgateway_metrics.json"),
            include_str!("../../../tests/samples/prom_query.json"),
            "[]",
        ] {
            assert_eq!(parse(json), Err(NotMetrics::Json));
        }
    }

    #[test]
    fn no_endpoint_takes_all_the_memory() {
        let read = parse(&"a 1\n".repeat(PIECES_MAX + 5)).unwrap();
        assert_eq!((read.samples.len(), read.over, read.bad_lines), (PIECES_MAX, 5, 0));
        let many = (0..50).map(|n| format!("l{n}=\"v\",")).collect::<Vec<_>>().concat();
        let read = parse(&format!("a{{{many}}} 1\n").repeat(10_000)).unwrap();
        assert!(read.samples.len() * 51 <= PIECES_MAX + 51 && read.over > 0);
    }

    #[test]
    fn what_real_servers_expose_is_read_to_the_last_line() {
        for text in [
            include_str!("../../../tests/samples/haproxy_metrics.txt"),
            include_str!("../../../tests/samples/unleash_prom_metrics.txt"),
            include_str!("../../../tests/samples/blackbox_probe.txt"),
            include_str!("../../../tests/samples/prom_federate.txt"),
        ] {
            let read = parse(text).unwrap();
            let wanted = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).count();
            assert_eq!((read.samples.len(), read.bad_lines), (wanted, 0));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s).{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn nearly_right_text_is_survived(text in r#"([a-z{}="\\,# \n1.+-]){0,200}"#) {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read(value in "(?s).{1,40}", v in -1e12_f64..1e12) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assume!(!value.contains('\r'));
            let read = parse(&format!("x{{l=\"{escaped}\"}} {v}")).unwrap();
            prop_assert_eq!(read.samples[0].labels.get("l"), value.as_str());
            prop_assert_eq!(read.samples[0].v.to_bits(), v.to_bits());
        }
    }
}
