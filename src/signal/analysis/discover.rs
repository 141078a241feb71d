//! Panels that nobody configured: found by the names under which programs usually expose what matters.

use crate::domain::time::Span;
use crate::signal::{Direction, Panel, Unit};
use std::collections::{BTreeMap, BTreeSet};

/// Names of metrics that exist, each with the names of its labels.
pub type Metrics = BTreeMap<String, BTreeSet<String>>;

/// Who answers, which decides what can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A Prometheus: everything that it scrapes.
    Prometheus,
    /// Our own scrape of so many endpoints.
    Scrape {
        /// How many.
        endpoints: usize,
    },
}

/// Counters of requests, the most usual first.
const REQUESTS: &[&str] = &[
    "http_requests_total",
    "http_server_requests_total",
    "http_server_requests_seconds_count",
    "http_server_request_duration_seconds_count",
    "http_server_duration_milliseconds_count",
    "http_request_duration_seconds_count",
    "requests_total",
];
/// Histograms of how long requests take, in seconds.
const DURATIONS: &[&str] = &[
    "http_request_duration_seconds_bucket",
    "http_server_request_duration_seconds_bucket",
    "http_server_requests_seconds_bucket",
    "request_duration_seconds_bucket",
];
/// Labels that hold an HTTP status.
const STATUS: &[&str] = &["code", "status", "status_code", "http_status_code", "http_response_status_code"];

/// Of these names the labels are worth asking for.
pub fn candidates<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    [counter(&names), histogram(&names)].into_iter().flatten().collect()
}

/// The panels for what is there, `up` first. Names are unique within one source.
pub fn discover(asked: Asked, source: &str, metrics: &Metrics) -> Vec<Panel> {
    let names: BTreeSet<&str> = metrics.keys().map(String::as_str).collect();
    let panel = |name: &str, query: String, unit: Unit, bad: Direction| Panel {
        name: name.to_owned(),
        source: source.to_owned(),
        query,
        unit,
        bad,
        threshold: None,
        hold: None,
        service: None,
    };
    let mut panels = Vec::new();
    match asked {
        Asked::Prometheus => {
            panels.push(panel("up", "sum(up)".into(), Unit::Count, Direction::Down));
            let down = panel("down", "count(up == 0) or vector(0)".into(), Unit::Count, Direction::Up);
            panels.push(Panel { threshold: Some(0.0), ..down });
            let firing = "count(ALERTS{alertstate=\"firing\"}) or vector(0)";
            panels.push(panel("alerts", firing.into(), Unit::Count, Direction::Up));
        }
        Asked::Scrape { endpoints } => {
            let up = panel("up", "sum(up)".into(), Unit::Count, Direction::Down);
            panels.push(Panel { threshold: Some(endpoints as f64), ..up });
        }
    }
    if let Some(requests) = counter(&names) {
        let status =
            STATUS.iter().find(|s| metrics.get(&requests).is_some_and(|labels| labels.contains(**s)));
        if let Some(status) = status {
            let query = format!(
                "(sum(rate({requests}{{{status}=~\"5..\"}}[1m])) or vector(0)) / sum(rate({requests}[1m]))"
            );
            let errors = panel("errors", query, Unit::Ratio, Direction::Up);
            panels.push(Panel { threshold: Some(0.01), hold: Some(Span::secs(10)), ..errors });
        }
        let query = format!("sum(rate({requests}[1m]))");
        panels.push(panel("rps", query, Unit::PerSecond, Direction::None));
    }
    if let Some(buckets) = histogram(&names) {
        let query = format!("histogram_quantile(0.99, sum by (le) (rate({buckets}[1m])))");
        panels.push(panel("p99", query, Unit::Seconds, Direction::Up));
    }
    // Of a whole Prometheus the sum over unrelated processes would say nothing.
    if matches!(asked, Asked::Scrape { .. }) {
        if names.contains("process_cpu_seconds_total") {
            let query = "sum(rate(process_cpu_seconds_total[1m]))".into();
            panels.push(panel("cpu", query, Unit::Ratio, Direction::None));
        }
        if names.contains("process_resident_memory_bytes") {
            let query = "sum(process_resident_memory_bytes)".into();
            panels.push(panel("memory", query, Unit::Bytes, Direction::None));
        }
    }
    panels
}

fn plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

fn counter(names: &BTreeSet<&str>) -> Option<String> {
    let known = REQUESTS.iter().find(|name| names.contains(**name)).copied();
    known.or_else(|| ending(names, "http_requests_total")).map(str::to_owned)
}

fn histogram(names: &BTreeSet<&str>) -> Option<String> {
    let known = DURATIONS.iter().find(|name| names.contains(**name)).copied();
    known
        .or_else(|| ending(names, "http_request_duration_seconds_bucket"))
        .or_else(|| ending(names, "request_duration_seconds_bucket"))
        .map(str::to_owned)
}

/// The first name with a program's own prefix: `myapp_http_requests_total`. Prometheus's and the exporters' own are
/// about themselves.
fn ending<'a>(names: &BTreeSet<&'a str>, end: &str) -> Option<&'a str> {
    let own = ["prometheus_", "promhttp_", "alertmanager_", "grafana_", "vm_", "net_conntrack_"];
    names.iter().copied().find(|n| n.ends_with(end) && plain(n) && !own.iter().any(|o| n.starts_with(o)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::analysis::promql;

    fn metrics(pairs: &[(&str, &[&str])]) -> Metrics {
        pairs.iter().map(|(n, l)| ((*n).to_owned(), l.iter().map(|l| (*l).to_owned()).collect())).collect()
    }

    fn names(panels: &[Panel]) -> Vec<&str> {
        panels.iter().map(|p| p.name.as_str()).collect()
    }

    #[test]
    fn what_is_usual_is_found() {
        let there = metrics(&[
            ("http_requests_total", &["method", "code"]),
            ("http_request_duration_seconds_bucket", &["le"]),
            ("process_cpu_seconds_total", &[]),
            ("process_resident_memory_bytes", &[]),
        ]);
        let found = discover(Asked::Scrape { endpoints: 3 }, "scrape", &there);
        assert_eq!(names(&found), ["up", "errors", "rps", "p99", "cpu", "memory"]);
        assert_eq!(
            names(&discover(Asked::Prometheus, "prom", &there)),
            ["up", "down", "alerts", "errors", "rps", "p99"]
        );
        for panel in &found {
            assert!(promql::parse(&panel.query).is_ok(), "{}", panel.query);
        }
    }

    #[test]
    fn with_nothing_to_find_there_is_still_up() {
        assert_eq!(names(&discover(Asked::Scrape { endpoints: 1 }, "s", &Metrics::new())), ["up"]);
        let no_status = metrics(&[("http_requests_total", &["method"])]);
        assert_eq!(names(&discover(Asked::Scrape { endpoints: 1 }, "s", &no_status)), ["up", "rps"]);
    }

    #[test]
    fn a_prefix_of_ones_own_is_found_and_a_hostile_name_is_not() {
        let there =
            metrics(&[("shop_http_requests_total", &["status"]), ("x}\"http_requests_total", &["code"])]);
        let found = discover(Asked::Prometheus, "p", &there);
        assert!(found.iter().any(|p| p.query.contains("shop_http_requests_total{status=~\"5..\"}")));
        assert_eq!(candidates(["prometheus_http_requests_total"]), Vec::<String>::new());
    }
}
