//! The house holds: who may import whom, who may spawn, read the clock, write to the terminal, name the database.
//! Each rule is an allow-list; what is not on it is a finding. Test code is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Who may import whom, besides itself. The order is the house's, from the rules up.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("runbook", &["domain"]),
    ("signal", &["domain"]),
    ("journal", &["domain"]),
    ("theme", &["domain"]),
    ("os", &["domain"]),
    ("wire", &["domain", "signal"]),
    ("config", &["audit", "domain", "signal"]),
    ("draft", &["domain", "signal"]),
    ("postgres", &["domain"]),
    ("source", &["domain", "postgres", "signal"]),
    ("store", &["domain", "journal", "postgres"]),
    ("audit", &["domain", "journal", "os", "source", "wire"]),
    ("push", &["domain", "os", "source", "wire"]),
    ("http", &["domain", "journal", "os"]),
    ("evidence", &["domain", "os"]),
    ("transport", &["domain", "os", "signal", "wire"]),
    ("hand", &["domain", "evidence", "os", "runbook", "signal", "transport", "wire"]),
    ("room", &["domain", "evidence", "journal", "os", "runbook", "signal", "source", "transport", "wire"]),
    ("seat", &["domain", "os", "signal", "theme", "transport", "wire"]),
    ("drill", &["domain", "os", "runbook", "transport", "wire"]),
    (
        "cli",
        &[
            "audit",
            "config",
            "domain",
            "draft",
            "drill",
            "evidence",
            "hand",
            "http",
            "journal",
            "os",
            "postgres",
            "push",
            "room",
            "runbook",
            "seat",
            "signal",
            "source",
            "store",
            "theme",
            "transport",
            "wire",
        ],
    ),
];

/// What is drawn is a function of model, theme and area.
const VIEW: &[&str] = &["domain", "seat", "signal", "theme"];

/// A pattern, what it stands for, and the only places (prefixes of paths) where it may stand.
const ONLY: &[(&str, &str, &[&str])] = &[
    ("names the database", r"\brusqlite\b", &["src/store/sqlite"]),
    (
        "names the SQL client",
        r"\btokio_postgres(_rustls)?\b",
        &["src/postgres/", "src/source/sql/", "src/store/postgres/"],
    ),
    (
        "writes escape sequences",
        r"\\x1b|\\u\{1b\}|\bcrossterm\b",
        // The second: keys as an interactive step's own pseudo-terminal wants them.
        &["src/seat/term/", "src/seat/update/layer/terminal.rs"],
    ),
    ("spawns", r"\bCommand::new\(|\bprocess::Command\b|\bCommandExt\b|\bportable_pty\b", &["src/os/"]),
    ("has unsafe code", r"\bunsafe\b\s*(\{|fn|impl)|allow\(\s*unsafe_code", &["src/os/session.rs"]),
    (
        "reads a clock",
        r"\b(Instant|Utc|Local|SystemTime)::now\b|\bclock::now\(",
        &[
            "src/os/",
            "src/room/",
            "src/seat/run.rs",
            "src/source/",
            "src/http/routes.rs",
            "src/audit/anchor",
            "src/audit/pump.rs",
            "src/push/answer.rs",
            "src/push/sender.rs",
            "src/store/mirror/follow.rs",
            "src/store/spool/ring.rs",
            "src/hand/",
            "src/drill/responder.rs",
            "src/drill/world/",
            "src/cli/",
        ],
    ),
    (
        "is random",
        r"\bnew_v4\(|\bnow_v7\(|\bgetrandom::",
        &[
            "src/room/",
            "src/source/poll.rs",
            "src/http/token.rs",
            "src/drill/walking.rs",
            "src/hand/",
            "src/cli/",
            "src/transport/client.rs",
        ],
    ),
    (
        "speaks HTTP",
        r"\breqwest\b|\baxum\b|\bhyper(_util)?\b",
        // The last: how an address and a header are written.
        &[
            "src/source/",
            "src/http/",
            "src/drill/world/",
            "src/cli/gate/",
            "src/audit/out/http.rs",
            "src/push/",
            "src/config/",
        ],
    ),
    ("is a template", r"\bminijinja\b", &["src/draft/"]),
    (
        "does I/O or waits",
        r"\btokio\b|\bfs::|\bTcp(Stream|Listener)\b|\bUnix(Stream|Listener)\b|\basync (fn|move)\b",
        &[
            "src/os/",
            "src/room/",
            "src/seat/run",
            "src/seat/term/",
            "src/source/",
            "src/http/",
            "src/audit/",
            "src/push/",
            "src/hand/",
            "src/drill/",
            "src/cli/",
            "src/postgres/",
            "src/store/",
            "src/evidence/",
            "src/transport/",
            "src/draft/write.rs",
            // The journal's trait has a watch on its head.
            "src/journal/",
            // Finding and reading the files that are named.
            "src/config/",
        ],
    ),
    (
        "takes a lint back",
        r"clippy::(unwrap_used|expect_used|panic|indexing_slicing|string_slice|todo|unimplemented)",
        &[],
    ),
];

struct File {
    path: String,
    text: String,
}

/// A file's code: without comments, and without what is only compiled for tests.
fn code(text: &str) -> String {
    let tests = Regex::new(r"#\[cfg\(test\)\]\s*(pub(\(\w+\))? )?mod \w+ \{").unwrap();
    let text = tests.find(text).map_or(text, |at| text.get(..at.start()).unwrap());
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn files() -> Vec<File> {
    fn walk(dir: &Path, found: &mut Vec<File>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "tests" {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|end| end == "rs")
                && name != "tests.rs"
                && name != "testing.rs"
            {
                let text = code(&std::fs::read_to_string(&path).unwrap());
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push(File { path, text });
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 200, "only {} files were found", found.len());
    found
}

/// The modules below the crate's root that a file's code names.
fn imports(file: &File) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let direct = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    found.extend(direct.captures_iter(&file.text).map(|all| all[1].to_owned()));
    // `use crate::{a, b::{c, d}}`: the names at the first level.
    let (mut rest, first) = (file.text.as_str(), Regex::new(r"^\s*([a-z_]+)").unwrap());
    while let Some((_, after)) = rest.split_once("crate::{") {
        let (mut depth, mut word) = (1, String::new());
        for c in after.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if (c == ',' && depth == 1) || depth == 0 {
                found.extend(first.captures(&word).map(|all| all[1].to_owned()));
                word.clear();
            } else {
                word.push(c);
            }
            if depth == 0 {
                break;
            }
        }
        rest = after;
    }
    // `super::super::x` that climbs to the root.
    let inside = file.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = inside.split('/').count();
    let climb = Regex::new(r"\b((?:super::)+)([a-z_]+)").unwrap();
    for all in climb.captures_iter(&file.text) {
        if all[1].matches("super::").count() >= depth {
            found.insert(all[2].to_owned());
        }
    }
    found
}

fn house(path: &str) -> &str {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap()
}

#[test]
fn arrows_run_one_way() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files() {
        let from = house(&file.path).to_owned();
        if from == "lib" || from == "main" {
            continue;
        }
        let Some(may) = allowed.get(from.as_str()) else {
            findings.push(format!("{}: {from} has no place in the house", file.path));
            continue;
        };
        for to in imports(&file).into_iter().filter(|to| *to != from) {
            if may.contains(to.as_str()) {
                seen.insert((from.clone(), to));
            } else {
                findings.push(format!("{}: {from} → {to}", file.path));
            }
        }
    }
    // An arrow that nobody uses any more goes from the list.
    for (from, to) in ARROWS {
        for to in to.iter().filter(|to| !seen.contains(&((*from).to_owned(), (**to).to_owned()))) {
            findings.push(format!("nobody uses {from} → {to}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn what_is_drawn_never_sees_the_wire() {
    let findings: Vec<_> = files()
        .iter()
        .filter(|file| file.path.starts_with("src/seat/view"))
        .flat_map(|file| imports(file).into_iter().map(|to| (file.path.clone(), to)))
        .filter(|(_, to)| !VIEW.contains(&to.as_str()))
        .collect();
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn each_power_has_its_place() {
    let mut findings = Vec::new();
    let files = files();
    for (what, pattern, places) in ONLY {
        let pattern = Regex::new(pattern).unwrap();
        for file in &files {
            if places.iter().any(|place| file.path.starts_with(place)) {
                continue;
            }
            for (n, line) in file.text.lines().enumerate().filter(|(_, line)| pattern.is_match(line)) {
                findings.push(format!("{} {what}, about line {}: {}", file.path, n + 1, line.trim()));
            }
        }
        for place in *places {
            let used = files.iter().any(|file| file.path.starts_with(place) && pattern.is_match(&file.text));
            if !used {
                findings.push(format!("nobody in {place} {what} any more"));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn a_finding_is_found() {
    let file = |path: &str, text: &str| File { path: path.into(), text: code(text) };
    let seen = |text: &str| imports(&file("src/seat/view/layout.rs", text)).into_iter().collect::<Vec<_>>();
    assert_eq!(seen("use crate::wire::Ask;"), ["wire"]);
    assert_eq!(seen("use crate::{\n    domain::{a, b::{c}},\n    store,\n};"), ["domain", "store"]);
    assert_eq!(seen("use super::super::super::hand::attach; use super::super::model;"), ["hand"]);
    assert_eq!(seen("// crate::wire\n#[cfg(test)]\nmod tests { use crate::wire; }"), Vec::<String>::new());
}
