#![allow(clippy::cast_possible_wrap)] // Small counts of a test.

use super::*;
use crate::signal::analysis::exposition::{self, Exposed};
use crate::signal::analysis::labels::Labels;
use crate::signal::analysis::store::Store;
use crate::signal::analysis::value::{Sample, Value};
use proptest::prelude::*;

/// A store that scraped these texts, ten seconds apart, the last at 100 s.
fn scraped(texts: &[&str]) -> Store {
    let mut store = Store::new();
    for (i, text) in texts.iter().enumerate() {
        let t = 100_000 - (texts.len() - 1 - i) as i64 * 10_000;
        store.scraped("a:1", t, Some(exposition::parse(text).unwrap().samples));
    }
    store
}

fn ask(store: &Store, query: &str) -> Result<Value, PromqlError> {
    evaluate(&parse(query)?, store, 100_000)
}

fn numbers(store: &Store, query: &str) -> Vec<f64> {
    ask(store, query).unwrap_or_else(|e| panic!("{query}: {e}")).numbers()
}

const SERVICE: &[&str] = &[
    "r{code=\"200\",m=\"a\"} 100\nr{code=\"500\",m=\"a\"} 0\nr{code=\"200\",m=\"b\"} 10\ng 5",
    "r{code=\"200\",m=\"a\"} 200\nr{code=\"500\",m=\"a\"} 10\nr{code=\"200\",m=\"b\"} 20\ng 7",
    "r{code=\"200\",m=\"a\"} 300\nr{code=\"500\",m=\"a\"} 20\nr{code=\"200\",m=\"b\"} 5\ng 6",
];

#[test]
#[allow(clippy::float_cmp)]
fn queries_give_what_prometheus_gives() {
    let store = scraped(SERVICE);
    for (query, wanted) in [
        ("g", &[6.0][..]),
        ("sum(r)", &[325.0]),
        ("sum by (m) (r)", &[320.0, 5.0]),
        ("count without (code) (r)", &[2.0, 1.0]),
        ("r{code=~\"5..\"}", &[20.0]),
        ("r{code!~\"2.*\", m=\"a\"}", &[20.0]),
        ("{__name__=\"g\"}", &[6.0]),
        ("r{nothing=\"\"} > 100", &[300.0]),
        ("increase(g[20s:])", &[]),
        ("max_over_time(g[1m])", &[7.0]),
        ("avg_over_time(g[1m])", &[6.0]),
        ("delta(g[20s])", &[-2.0]),
        ("irate(r{m=\"b\"}[1m])", &[0.5]),
        ("resets(r{m=\"b\"}[1m])", &[1.0]),
        ("1 + 2 * 3 ^ 2 - -1", &[20.0]),
        ("-2 ^ 2", &[-4.0]),
        ("2 ^ 3 ^ 2", &[512.0]),
        ("7 % 4", &[3.0]),
        ("1 < bool 2", &[1.0]),
        ("g > bool 100", &[0.0]),
        ("(g > 100) or vector(0)", &[0.0]),
        ("g > 100 or vector(0)", &[0.0]),
        ("r and r{code=\"500\"}", &[20.0]),
        ("r unless r{code=\"500\"}", &[300.0, 5.0]),
        ("r{code=\"500\"} / ignoring (code) r{code=\"200\"}", &[20.0 / 300.0]),
        ("r{code=\"500\"} / on (m) r{code=\"200\"}", &[20.0 / 300.0]),
        ("clamp_max(g, 2) + clamp_min(g, 9)", &[11.0]),
        ("abs(-g)", &[6.0]),
        ("scalar(g) * 2", &[12.0]),
        ("absent(nothing)", &[1.0]),
        ("sum(nothing)", &[]),
        ("up", &[1.0]),
        ("1e-3 + 0x10 + .5", &[16.501]),
    ] {
        if wanted.is_empty() && query.contains(":]") {
            assert!(matches!(ask(&store, query), Err(PromqlError::Unsupported(_))), "{query}");
            continue;
        }
        let got = numbers(&store, query);
        let near = got.len() == wanted.len() && got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near, "{query}: {got:?}, not {wanted:?}");
    }
}

#[test]
fn a_rate_is_carried_to_the_edges_and_survives_a_reset() {
    let store = scraped(SERVICE);
    // Points 80, 90, 100 s in a range of 40..100 s: half an interval is added at the start.
    let got = numbers(&store, "increase(r{code=\"200\",m=\"a\"}[1m])");
    assert!((got[0] - 250.0).abs() < 1e-9, "{got:?}");
    // 10, 20, reset to 5: 10 + 5 rose, and not further back than to zero.
    let got = numbers(&store, "increase(r{m=\"b\"}[1m])");
    assert!((got[0] - 15.0 * 25.0 / 20.0).abs() < 1e-9, "{got:?}");
    assert!(numbers(&scraped(&SERVICE[..1]), "rate(r[1m])").is_empty());
}

#[test]
fn quantiles_of_a_histogram() {
    let text =
        "h_bucket{le=\"0.1\"} 50\nh_bucket{le=\"0.5\"} 90\nh_bucket{le=\"1\"} 100\nh_bucket{le=\"+Inf\"} 100";
    let store = scraped(&[text]);
    for (q, wanted) in [(0.25, 0.05), (0.5, 0.1), (0.7, 0.3), (0.95, 0.75), (1.0, 1.0)] {
        let got = numbers(&store, &format!("histogram_quantile({q}, sum by (le) (h_bucket))"));
        assert!((got[0] - wanted).abs() < 1e-9, "{q}: {got:?}");
    }
    let none = "h_bucket{le=\"0.1\"} 0\nh_bucket{le=\"+Inf\"} 0";
    assert!(numbers(&scraped(&[none]), "histogram_quantile(0.9, h_bucket)")[0].is_nan());
}

#[test]
fn errors_say_where_and_what() {
    let store = scraped(SERVICE);
    for (query, wanted) in [
        ("sum(", "column 5: the query ends here, and something is missing"),
        ("up{", "column 4: expected a label's name"),
        ("up[5m]) ", "column 7: this does not belong here"),
        ("rate(up)", "rate takes a range: rate(x[1m])"),
        ("up offset 5m", "offset is not understood over a direct scrape: ask a Prometheus (--prom) for that"),
        ("topk(3, up)", "topk is not understood over a direct scrape: ask a Prometheus (--prom) for that"),
        (
            "deriv(up[5m])",
            "the function deriv is not understood over a direct scrape: ask a Prometheus (--prom) for that",
        ),
        (
            "a / on (x) group_left () b",
            "group_left is not understood over a direct scrape: ask a Prometheus (--prom) for that",
        ),
        ("up{a=~\"(\"}", "column 7: this regular expression cannot be read"),
        ("clamp_min(up)", "clamp_min takes 2 arguments, not 1"),
        ("r / on () r", "several series have the same labels {}: aggregate one side, or match with on(…)"),
        ("1 < 2", "two numbers are compared with bool: 1 < bool 2"),
        ("up \u{1b}[2J", "column 4: ␛ does not belong in a query"),
    ] {
        assert_eq!(ask(&store, query).unwrap_err().to_string(), wanted, "{query}");
    }
    assert!(matches!(parse(&"(".repeat(10_000)), Err(PromqlError::Syntax { .. })));
    assert!(matches!(parse(&"-".repeat(10_000)), Err(PromqlError::Syntax { .. })));
    assert!(matches!(parse(&"1+".repeat(5_000)), Err(PromqlError::Syntax { .. })));
}

proptest! {
    #[test]
    fn any_text_is_survived(query in "(?s).{0,100}") {
        if let Ok(expr) = parse(&query) {
            let _ = evaluate(&expr, &scraped(SERVICE), 100_000);
        }
    }

    #[test]
    fn nearly_promql_is_survived(query in r#"(sum|rate|r|g|by|on|or|and|bool|clamp_min|histogram_quantile|[(){}\[\]<>=!~ "',0-9m.+*/^-]){0,30}"#) {
        if let Ok(expr) = parse(&query) {
            let _ = evaluate(&expr, &scraped(SERVICE), 100_000);
        }
    }

    /// However a counter is reset, its increase over points that reach from edge to edge is what was counted.
    #[test]
    fn an_increase_counts_what_was_counted(steps in proptest::collection::vec((0_u32..100, proptest::bool::weighted(0.1)), 3..20)) {
        let mut store = Store::new();
        let (mut value, mut total) = (0.0, 0.0);
        let n = steps.len() as i64;
        for (i, (step, reset)) in steps.iter().enumerate() {
            if *reset { value = 0.0; }
            value += f64::from(*step);
            if i > 0 { total += f64::from(*step); }
            let sample = Exposed { name: "c".into(), labels: Labels::default(), v: value };
            store.scraped("a", 1_000_000 + i as i64 * 1_000, Some(vec![sample]));
        }
        let at = 1_000_000 + (n - 1) * 1_000;
        let expr = parse(&format!("sum_over_time(c[{n}s]) * 0 + increase(c[{}ms])", (n - 1) * 1_000 + 1)).unwrap();
        let Value::Vector(got) = evaluate(&expr, &store, at).unwrap() else { panic!("a vector") };
        let got: &[Sample] = &got;
        // A fall that a large step hides is counted as a rise, here as in Prometheus.
        let hidden = steps.iter().skip(1).any(|(_, reset)| *reset);
        prop_assert!(hidden || (got[0].v - total).abs() <= total * 0.01 + 1e-6, "{} {total}", got[0].v);
        prop_assert!(got[0].v <= total + total * 0.01 + 1e-6);
    }
}
