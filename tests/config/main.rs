//! warroom.toml against what people write: a corpus that is right, one that is wrong, the documentation, the schema.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use proptest::prelude::*;
use std::{fs, path::Path};
use warroom::config::{DEFAULT, Flags, Loaded, Report, World, assemble, layer, schema::schema};

/// A machine on which everything is there but what says that it is missing.
fn load(name: &str, raw: Vec<u8>) -> Result<Loaded, Report> {
    let world =
        World { home: Some("/home/ana".into()), exists: &|path| !path.to_string_lossy().contains("missing") };
    let file = layer(name, Path::new("/conf"), raw)?;
    assemble(vec![file], &Flags::default(), &world)
}

fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
    let mut all: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn what_is_right_is_taken() {
    let all = corpus("valid");
    assert!(all.len() >= 12, "{}", all.len());
    for (name, raw) in all {
        match load(&name, raw) {
            Ok(loaded) => insta::assert_snapshot!(format!("valid-{name}"), own(&loaded, &name)),
            Err(report) => panic!("{name}\n{report}"),
        }
    }
}

/// What the file itself set, and its warnings.
fn own(loaded: &Loaded, name: &str) -> String {
    let shown = loaded.show();
    let lines: Vec<&str> = shown.lines().filter(|line| line.contains(&format!("# {name}:"))).collect();
    format!("{}\n{}", lines.join("\n"), loaded.warnings)
}

#[test]
fn what_is_wrong_is_told_and_no_secret_with_it() {
    let all = corpus("broken");
    assert!(all.len() >= 25, "{}", all.len());
    for (name, raw) in all {
        let Err(report) = load(&name, raw) else { panic!("{name} was taken") };
        let text = report.to_string();
        assert!(report.broken(), "{name}");
        assert!(!text.contains("hunter2"), "{name} shows a secret:\n{text}");
        assert!(
            !serde_json::to_string(&report).unwrap().contains("hunter2"),
            "{name} shows a secret as JSON"
        );
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{name} acts on the terminal");
        assert!(text.lines().all(|line| line.chars().count() < 300), "{name} has a line too long:\n{text}");
        insta::assert_snapshot!(format!("broken-{name}"), text);
    }
}

#[test]
fn the_committed_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/warroom.schema.json");
    assert_eq!(
        fs::read_to_string(path).unwrap_or_default(),
        schema(),
        "run: warroom config schema > docs/warroom.schema.json"
    );
}

#[test]
fn every_key_of_the_schema_is_described_and_documented() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let page = page();
    let mut keys = Vec::new();
    collect(&schema, &mut keys);
    assert!(keys.len() > 60, "{}", keys.len());
    for (key, described) in keys {
        assert!(described, "{key} has no description in the schema");
        assert!(page.contains(&format!("`{key}`")), "docs/configuration.md does not explain `{key}`");
    }
}

/// For each table of the schema, by its place there, what stands before its keys in a file.
const TABLES: &[(&str, &str)] = &[
    ("", ""),
    ("/definitions/Journal", "[journal]\n"),
    ("/definitions/Checkpoint", "[journal.checkpoint]\n"),
    ("/definitions/Room", "[room]\n"),
    ("/definitions/Drill", "[drill]\n"),
    ("/definitions/Times", "[policy]\n"),
    ("/definitions/SeverityRow", "[severity.SEV1]\n"),
    ("/definitions/Service", "[service.checkout]\n"),
    (
        "/definitions/ReadinessCheck",
        "[[service.checkout.readiness]]\nname = \"n\"\nlang = \"http\"\ncode = \"http://a\"\n",
    ),
    ("/definitions/RecordRules", "[service.checkout.record]\n"),
    ("/definitions/Members", "[power.respond]\n"),
    ("/definitions/Source/oneOf/0", "[[source]]\nkind = \"prometheus\"\nurl = \"http://a\"\n"),
    ("/definitions/Source/oneOf/1", "[[source]]\nkind = \"scrape\"\nurl = \"http://a\"\n"),
    ("/definitions/Source/oneOf/2", "[[source]]\nkind = \"log\"\npath = \"/a.log\"\n"),
    ("/definitions/Source/oneOf/3", "[[source]]\nkind = \"probe\"\nurl = \"http://a\"\n"),
    ("/definitions/Source/oneOf/4", "[[source]]\nkind = \"release\"\ndir = \"/srv/a\"\n"),
    ("/definitions/Source/oneOf/5", "[[source]]\nkind = \"sql\"\nurl = \"postgres://a/b\"\n"),
    ("/definitions/Auth", "[[source]]\nkind = \"scrape\"\nurl = \"http://a\"\n[source.auth]\n"),
    (
        "/definitions/Basic",
        "[[source]]\nkind = \"scrape\"\nurl = \"http://a\"\n[source.auth.basic]\nuser = \"u\"\n",
    ),
    (
        "/definitions/Secret/oneOf/0",
        "[[source]]\nkind = \"scrape\"\nurl = \"http://a\"\n[source.auth.bearer]\n",
    ),
    (
        "/definitions/Secret/oneOf/1",
        "[[source]]\nkind = \"scrape\"\nurl = \"http://a\"\n[source.auth.bearer]\n",
    ),
    (
        "/definitions/Secret/oneOf/2",
        "[[source]]\nkind = \"scrape\"\nurl = \"http://a\"\n[source.auth.bearer]\n",
    ),
    ("/definitions/Panel", "[[panel]]\nname = \"p\"\nquery = \"up\"\n"),
    ("/definitions/RunbookPlace", "[[runbook]]\n"),
    ("/definitions/Gate", "[gate]\n"),
    ("/definitions/Token", "[[gate.tokens]]\nname = \"ci\"\n"),
    ("/definitions/Evidence", "[evidence]\n"),
    ("/definitions/Redact", "[redact]\n"),
    ("/definitions/Target/oneOf/0", "[target.t]\nkind = \"command\"\nrun = [\"true\"]\n"),
    ("/definitions/Target/oneOf/1", "[target.t]\nkind = \"webhook\"\nurl = \"http://a\"\n"),
    ("/definitions/Target/oneOf/2", "[target.t]\nkind = \"slack\"\nurl = { env = \"A\" }\n"),
    ("/definitions/Target/oneOf/3", "[target.t]\nkind = \"pagerduty\"\nrouting_key = { env = \"A\" }\n"),
    (
        "/definitions/Target/oneOf/4",
        "[target.t]\nkind = \"smtp\"\nserver = \"a:25\"\nfrom = \"a@b.c\"\nto = [\"a@b.c\"]\n",
    ),
    ("/definitions/Group", "[page.p]\n"),
    ("/definitions/Step", "[[page.p.ladder]]\nto = [\"t\"]\n"),
    ("/definitions/Updates", "[update]\n"),
    ("/definitions/Audit/oneOf/0", "[audit.a]\nkind = \"syslog\"\nto = \"udp://127.0.0.1:514\"\n"),
    ("/definitions/Audit/oneOf/1", "[audit.a]\nkind = \"json\"\npath = \"/a\"\n"),
    ("/definitions/Audit/oneOf/2", "[audit.a]\nkind = \"command\"\nrun = [\"true\"]\n"),
    ("/definitions/Audit/oneOf/3", "[audit.a]\nkind = \"otlp\"\nurl = \"http://a\"\n"),
    ("/definitions/Ui", "[ui]\n"),
];

#[test]
fn every_key_refuses_what_it_is_not_and_is_pointed_at() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut keys = Vec::new();
    tables(&schema, "", &mut keys);
    assert!(keys.len() > 60, "{}", keys.len());
    for (table, key) in keys {
        let before = TABLES.iter().find(|(place, _)| *place == table).map(|(_, before)| *before);
        let before = before.unwrap_or_else(|| panic!("{table} is not in TABLES: say where {key} stands"));
        let own = format!("{key} = ");
        let kept: Vec<&str> = before.lines().filter(|line| !line.starts_with(&own)).collect();
        // No key is a list of lists of lists.
        let text = format!("{}\n{key} = [[[1]]]\n", kept.join("\n"));
        let Err(report) = load("t.toml", text.clone().into_bytes()) else { panic!("taken:\n{text}") };
        let wanted = format!("t.toml:{}:", kept.len().max(1) + 1);
        assert!(report.to_string().contains(&wanted), "{wanted} for\n{text}\n{report}");
    }
}

/// Every table of the schema with its keys.
fn tables(schema: &serde_json::Value, at: &str, keys: &mut Vec<(String, String)>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        keys.extend(properties.keys().map(|key| (at.to_owned(), key.clone())));
    }
    let within: Vec<(String, &serde_json::Value)> = match schema {
        serde_json::Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (step, value) in within.into_iter().filter(|(step, _)| step != "properties") {
        tables(value, &format!("{at}/{step}"), keys);
    }
}

/// Every property that the schema names, and whether it is described.
fn collect(schema: &serde_json::Value, keys: &mut Vec<(String, bool)>) {
    match schema {
        serde_json::Value::Object(map) => {
            if let Some(properties) = map.get("properties").and_then(|p| p.as_object()) {
                for (key, value) in properties {
                    keys.push((
                        key.clone(),
                        ["kind", "env", "file", "command"].contains(&key.as_str())
                            || value.get("description").is_some(),
                    ));
                }
            }
            map.values().for_each(|value| collect(value, keys));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap()
}

#[test]
fn the_examples_of_the_documentation_work() {
    let page = page();
    let mut examples = 0;
    for part in page.split("```toml\n").skip(1) {
        let example = part.split("```").next().unwrap();
        examples += 1;
        match load("example", example.as_bytes().to_vec()) {
            Ok(loaded) => assert_eq!(loaded.warnings.to_string(), "", "{example}"),
            Err(report) => panic!("{example}\n{report}"),
        }
    }
    assert!(examples >= 10, "{examples}");
}

#[test]
fn the_defaults_are_a_file_like_any_other() {
    let over = load("default.toml", DEFAULT.into()).unwrap();
    assert_eq!(over.config, load("empty.toml", Vec::new()).unwrap().config);
    assert_eq!(over.warnings, Report::default());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,400}") {
        let _ = load("any", text.into_bytes()).map_err(|report| report.to_string());
    }

    #[test]
    fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = load("any", raw).map_err(|report| report.to_string());
    }

    /// Right files with a piece cut out or put in, which comes further than noise.
    #[test]
    fn no_damage_panics(pick in 0_usize..100, at in 0_usize..2000, cut in 0_usize..12, put in "[\\PC\n]{0,6}") {
        let all = corpus(if pick % 2 == 0 { "valid" } else { "broken" });
        let (name, mut raw) = all[pick % all.len()].clone();
        raw.truncate(4000);
        let at = at.min(raw.len());
        let end = (at + cut).min(raw.len());
        raw.splice(at..end, put.into_bytes());
        let _ = load(&name, raw).map_err(|report| report.to_string());
    }
}
