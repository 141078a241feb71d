//! What a process counts, and how it shows it: Prometheus' text exposition format 0.0.4.

use super::proc;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the duration histogram, seconds.
const BOUNDS: [f64; 12] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0];

/// The counters of one process.
pub struct Metrics {
    service: &'static str,
    instance: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    codes: BTreeMap<u16, u64>,
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
    extra: BTreeMap<&'static str, u64>,
}

/// A value that is looked up when it is asked for.
pub struct Gauge {
    /// Metric name.
    pub name: &'static str,
    /// Further labels, `flag="new-pricing"`, or nothing.
    pub labels: String,
    /// The value.
    pub value: f64,
}

impl Metrics {
    /// Counters at zero. The usual codes and the named counters are shown from the beginning: the first increase of a
    /// series that was not there before is invisible to `rate()`.
    pub fn new(service: &'static str, instance: &str, counters: &[&'static str]) -> Self {
        let kept = Kept {
            codes: [200, 502, 503, 504].map(|code| (code, 0)).into(),
            extra: counters.iter().map(|name| (*name, 0)).collect(),
            ..Kept::default()
        };
        Self { service, instance: instance.to_owned(), kept: Mutex::new(kept) }
    }

    /// One answered request.
    pub fn answered(&self, code: u16, took: Duration) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.codes.entry(code).or_default() += 1;
        let secs = took.as_secs_f64();
        for (bound, bucket) in BOUNDS.iter().zip(kept.buckets.iter_mut()) {
            if secs <= *bound {
                *bucket += 1;
            }
        }
        kept.count += 1;
        kept.sum += secs;
    }

    /// One more of a named counter.
    pub fn add(&self, name: &'static str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.extra.entry(name).or_default() += 1;
    }

    /// The exposition, with gauges as they stand now.
    pub fn show(&self, gauges: &[Gauge]) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let who = format!("service=\"{}\",instance=\"{}\"", self.service, self.instance);
        let mut out = String::with_capacity(4_096);
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        };
        head(&mut out, "http_requests_total", "counter", "Requests answered.");
        for (code, n) in &kept.codes {
            let _ = writeln!(out, "http_requests_total{{{who},code=\"{code}\"}} {n}");
        }
        head(&mut out, "http_request_duration_seconds", "histogram", "Time to the answer.");
        for (bound, n) in BOUNDS.iter().zip(&kept.buckets) {
            let _ = writeln!(out, "http_request_duration_seconds_bucket{{{who},le=\"{bound}\"}} {n}");
        }
        let _ = writeln!(out, "http_request_duration_seconds_bucket{{{who},le=\"+Inf\"}} {}", kept.count);
        let _ = writeln!(out, "http_request_duration_seconds_sum{{{who}}} {}", kept.sum);
        let _ = writeln!(out, "http_request_duration_seconds_count{{{who}}} {}", kept.count);
        for (name, n) in &kept.extra {
            head(&mut out, name, "counter", "See the release's notes.");
            let _ = writeln!(out, "{name}{{{who}}} {n}");
        }
        head(&mut out, "process_resident_memory_bytes", "gauge", "Memory in RAM.");
        let _ = writeln!(out, "process_resident_memory_bytes{{{who}}} {}", proc::resident());
        let mut last = "";
        for gauge in gauges {
            if gauge.name != last {
                head(&mut out, gauge.name, "gauge", "As it stands now.");
                last = gauge.name;
            }
            let comma = if gauge.labels.is_empty() { "" } else { "," };
            let _ = writeln!(out, "{}{{{who}{comma}{}}} {}", gauge.name, gauge.labels, gauge.value);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_codes_start_at_zero() {
        let metrics = Metrics::new("checkout", "checkout-1", &["quote_timeouts_total"]);
        metrics.answered(200, Duration::from_millis(30));
        metrics.answered(504, Duration::from_secs(9));
        let text = metrics.show(&[Gauge { name: "app_info", labels: "version=\"1\"".into(), value: 1.0 }]);
        for line in [
            "http_requests_total{service=\"checkout\",instance=\"checkout-1\",code=\"503\"} 0",
            "http_requests_total{service=\"checkout\",instance=\"checkout-1\",code=\"504\"} 1",
            "http_request_duration_seconds_bucket{service=\"checkout\",instance=\"checkout-1\",le=\"0.025\"} 0",
            "http_request_duration_seconds_bucket{service=\"checkout\",instance=\"checkout-1\",le=\"0.05\"} 1",
            "http_request_duration_seconds_bucket{service=\"checkout\",instance=\"checkout-1\",le=\"5\"} 1",
            "http_request_duration_seconds_bucket{service=\"checkout\",instance=\"checkout-1\",le=\"+Inf\"} 2",
            "quote_timeouts_total{service=\"checkout\",instance=\"checkout-1\"} 0",
            "app_info{service=\"checkout\",instance=\"checkout-1\",version=\"1\"} 1",
        ] {
            assert!(text.lines().any(|have| have == line), "missing {line} in\n{text}");
        }
    }
}
