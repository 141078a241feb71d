use super::{parse as parse_as, *};
use proptest::prelude::*;

#[allow(clippy::unnecessary_wraps)] // Compared with what may be missing.
fn time(text: &str) -> Option<Wall> {
    Some(text.parse().unwrap())
}

fn parse(line: &str) -> Parsed {
    parse_as(Format::Auto, line)
}

#[test]
fn every_usual_kind_of_line() {
    let t = "2026-11-22T21:24:02.345Z";
    for (line, at, level, text) in [
        (
            r#"{"time":"2026-11-22T21:24:02.345Z","level":"error","msg":"no","trace":"4bf9"}"#,
            time(t),
            Level::Error,
            "no",
        ),
        (r#"{"level":50,"time":1795382642345,"msg":"pino"}"#, time(t), Level::Error, "pino"),
        (r#"{"ts":1795382642.345,"severity":"WARNING","message":"zap"}"#, time(t), Level::Warn, "zap"),
        (
            r#"{"@timestamp":"2026-11-22T22:24:02.345+01:00","log":{"level":"fatal"},"message":"ecs"}"#,
            time(t),
            Level::Fatal,
            "ecs",
        ),
        (
            r#"{"log":"{\"level\":\"warn\",\"msg\":\"in\"}\n","stream":"stderr","time":"2026-11-22T21:24:02.345Z"}"#,
            time(t),
            Level::Warn,
            "in",
        ),
        (
            r#"ts=2026-11-22T21:24:02.345Z level=warn msg="slow \"x\"" took=3s"#,
            time(t),
            Level::Warn,
            "slow \"x\"",
        ),
        ("2026-11-22T21:24:02.345Z stderr F ERROR boom", time(t), Level::Error, "ERROR boom"),
        (
            "2026-11-22 21:24:02,345 ERROR [main] c.e.Shop - boom",
            time(t),
            Level::Error,
            "2026-11-22 21:24:02,345 ERROR [main] c.e.Shop - boom",
        ),
        (
            "2026/11/22 21:24:02 [error] 7#7: *1 upstream",
            time("2026-11-22T21:24:02Z"),
            Level::Error,
            "2026/11/22 21:24:02 [error] 7#7: *1 upstream",
        ),
        ("E1122 21:24:02.000001 1 x.go:1] boom", None, Level::Error, "E1122 21:24:02.000001 1 x.go:1] boom"),
        (
            "1.2.3.4 - - [22/Nov/2026:21:24:02 +0000] \"GET / HTTP/1.1\" 503 12",
            time("2026-11-22T21:24:02Z"),
            Level::Error,
            "1.2.3.4 - - [22/Nov/2026:21:24:02 +0000] \"GET / HTTP/1.1\" 503 12",
        ),
        ("there was an error once", None, Level::Info, "there was an error once"),
        ("WARNING: disk", None, Level::Warn, "WARNING: disk"),
        ("a=b is algebra", None, Level::Info, "a=b is algebra"),
        ("{not json", None, Level::Info, "{not json"),
        ("", None, Level::Info, ""),
    ] {
        let got = parse(line);
        assert_eq!((got.at, got.level, got.text.as_str()), (at, level, text), "{line}");
    }
}

#[test]
fn the_other_fields_keep_their_order() {
    let got = parse(r#"{"z":1,"msg":"m","a":{"b":[1]},"level":"info"}"#);
    assert_eq!(got.fields, [("z".to_owned(), "1".to_owned()), ("a".to_owned(), "{\"b\":[1]}".to_owned())]);
    assert_eq!(parse("level=info b=\"x y\" a=").fields.len(), 2);
}

#[test]
fn a_format_that_is_named_is_not_guessed() {
    let json = r#"{"level":"error","msg":"no"}"#;
    let pairs = "level=warn msg=slow";
    for (format, of_json, of_pairs) in [
        (Format::Auto, "no", "slow"),
        (Format::Json, "no", pairs),
        (Format::Logfmt, json, "slow"),
        (Format::Plain, json, pairs),
    ] {
        assert_eq!(parse_as(format, json).text, of_json, "{format:?}");
        assert_eq!(parse_as(format, pairs).text, of_pairs, "{format:?}");
    }
}

#[test]
fn an_escape_in_json_is_seen_after_it_is_decoded() {
    let got = parse(r#"{"msg":"a\u001b[2Jb","k\u202e":"\u009b31m"}"#);
    assert_eq!(got.text, "a␛[2Jb");
    assert_eq!(got.fields, [("k<202E>".to_owned(), "<9B>31m".to_owned())]);
    assert_eq!(parse(r#"level=info msg="x\u001bc""#).text, "x␛c");
}

proptest! {
    #[test]
    fn any_line_is_survived_and_safe(line in "(?s).{0,200}") {
        let got = parse(&line);
        prop_assert!(!got.text.chars().any(char::is_control));
    }

    #[test]
    fn nearly_structured_lines_are_survived(line in r#"([{}"\\:=,\[\] a-z0-9é]|level|msg|time|\\u001b|2026-11-22T21:24:02){0,30}"#) {
        let got = parse(&line);
        prop_assert!(got.fields.iter().all(|(k, v)| !k.chars().chain(v.chars()).any(char::is_control)));
    }

    #[test]
    fn a_time_near_the_edge_of_the_calendar_is_survived(line in "[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{0,12})?(Z|[+-][0-9]{2}:?[0-9]{2})?") {
        let _ = parse(&line);
    }
}

#[test]
fn a_plain_line_is_shown_without_what_stands_beside_it() {
    for (line, said) in [
        ("2026-11-22T21:23:00.000Z INFO ready to serve", "ready to serve"),
        ("[2026-11-22 21:23:00,123] [ERROR] no such order", "no such order"),
        ("2026/11/22 21:23:00 warning: low on disk", "low on disk"),
        ("2026-11-22T21:23:00Z Information is missing", "Information is missing"),
        ("2026-11-22T21:23:00Z", "2026-11-22T21:23:00Z"),
        ("2026-11-22T21:23:00Z INFO", "2026-11-22T21:23:00Z INFO"),
        ("INFO starts without a time", "INFO starts without a time"),
        ("", ""),
    ] {
        assert_eq!(message(line), said, "{line}");
    }
}

proptest! {
    #[test]
    fn what_a_line_says_is_its_end(line in "([0-9T:. Z-]|\\PC){0,60}") {
        let said = message(&line);
        prop_assert!(line.ends_with(said) && (line.is_empty() || !said.is_empty()));
    }
}
