//! What runs as a person, that person has seen; what wants two people is never done by one.

use super::{
    house::{Home, Room, several_users, until},
    people::{ANA, BO, OBSERVER, Person, powers},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::process::Stdio;

/// A step that another approves, with a value that everybody may enter.
const GATED: &str = "---\nwarroom:\n  inputs:\n    - name: WHICH\n      default: /nothing\n---\n# Put it back\n\n1. **APPROVE** (by=dba) Look into it\n\n   ```bash { name=act }\n   cat \"$WHICH\" 2>/dev/null; echo it ran\n   ```\n";
const PLAIN: &str = "# Look\n\n1. Look into it\n\n   ```bash { name=look }\n   echo harmless\n   ```\n";

fn digest(person: &Person<'_>) -> String {
    let told: Value = serde_json::from_str(&person.ok(&["step", "--json", "show"])).unwrap();
    told["shown"].as_str().unwrap().to_owned()
}

#[test]
fn what_somebody_else_wrote_does_not_run_as_another_who_did_not_see_it() {
    if !several_users("code of another") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, bo) = (Person::new(ANA, &home, &room), Person::new(BO, &home, &room));
    let secret = ana.file("secret", "the word is hunter2\n");
    let book = bo.file("look.md", PLAIN);
    let evil = bo.file("evil.sh", &format!("cat {}\n", secret.display()));
    bo.ok(&["step", "start", book.to_str().unwrap()]);

    // What another began is shown before it is taken, and taken by its digest.
    let why = ana.refused(&["step", "take"]);
    assert!(why.contains("echo harmless") && why.contains("--shown"), "{why}");
    let seen = digest(&ana);
    bo.ok(&["step", "edit", "look", "--file", evil.to_str().unwrap()]);
    let why = ana.refused(&["step", "take", "--shown", &seen]);
    assert!(why.contains("has changed"), "{why}");
    let why = ana.refused(&["step", "take"]);
    assert!(why.contains("EDITED by bin") && why.contains("cat "), "{why}");
    // Nor by a frame that says what was seen before, or nothing.
    let mut line = ana.line("script", "");
    for shown in [json!(seen), Value::Null] {
        let take = json!({ "walk": { "take": {
            "walk": "RUN-1", "step": "look", "hand": uuid::Uuid::new_v4(), "host": "", "shown": shown,
        } } });
        assert_eq!(line.act(&take)["refused"]["code"], "conflict", "{shown}");
    }
    assert!(!line.ask(&json!("state")).to_string().contains("hunter2"));
    // Who has read it takes it.
    let now = digest(&ana);
    assert_ne!(now, seen);
    let done = ana.ok(&["step", "take", "--shown", &now]);
    assert!(done.contains("hunter2"), "{done}");
}

#[test]
fn a_lent_step_is_neither_edited_nor_fed_nor_approved_by_the_one_who_would_profit() {
    if !several_users("a lent step") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, bo) = (Person::new(ANA, &home, &room), Person::new(BO, &home, &room));
    let sys = Person::new(OBSERVER, &home, &room);
    let secret = ana.file("secret", "the word is hunter2\n");
    ana.ok(&["declare", "it fails"]);
    let book = ana.file("gated.md", GATED);
    ana.ok(&["step", "start", book.to_str().unwrap()]);
    let mut takes =
        ana.command(&["step", "take"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = ana.line("script", "");
    line.lent();
    until("it waits for approval", || takes.try_wait().unwrap().is_some());

    let evil = bo.file("evil.sh", &format!("cat {}\n", secret.display()));
    let why = bo.refused(&["step", "edit", "act", "--file", evil.to_str().unwrap()]);
    assert!(why.contains("daemon has"), "{why}");
    bo.ok(&["step", "input", &format!("WHICH={}", secret.display())]);
    // He gives himself the role, and it entitles to nothing; nor does the one who took it approve it.
    bo.ok(&["role", "dba", "bin"]);
    let why = bo.refused(&["step", "approve"]);
    assert!(why.contains("warroom role dba bin") || why.contains("changed what would run"), "{why}");
    ana.ok(&["role", "dba", "daemon"]);
    assert!(ana.refused(&["step", "approve"]).contains("break the glass"));
    assert!(sys.refused(&["step", "approve"]).contains("power"));
    // Alone, the glass is the one way; and what runs is what she took.
    ana.ok(&["step", "approve", "--glass", "act", "--reason", "nobody else is there"]);
    let mut seen = String::new();
    until("it ran", || {
        let state = line.ask(&json!("state"));
        let done = &state["state"]["walks"]["RUN-1"]["steps"]["act"];
        seen = done["results"].to_string();
        done["status"] == "done"
    });
    assert!(seen.contains("it ran"), "{seen}");
    let events = line.ask(&json!({ "events": { "from": 1, "limit": 500, "incident": null } })).to_string();
    assert!(events.contains("it ran") && !events.contains("hunter2"), "another's value was read");
}

#[test]
fn a_role_that_one_gave_oneself_approves_nothing_until_another_confirms_it() {
    if !several_users("a role of one's own") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, bo) = (Person::new(ANA, &home, &room), Person::new(BO, &home, &room));
    ana.ok(&["declare", "it fails"]);
    let book = ana.file("gated.md", GATED);
    ana.ok(&["step", "start", book.to_str().unwrap()]);
    ana.ok(&["step", "take"]);
    bo.ok(&["role", "dba", "bin"]);
    let why = bo.refused(&["step", "approve"]);
    assert!(why.contains("by their own word") && why.contains("break the glass"), "{why}");
    // The same word from somebody else is the confirmation.
    ana.ok(&["role", "dba", "bin"]);
    bo.ok(&["step", "approve"]);
    let mut line = ana.line("script", "");
    until("it ran", || {
        line.ask(&json!("state"))["state"]["walks"]["RUN-1"]["steps"]["act"]["status"] == "done"
    });
}

#[test]
fn a_block_with_a_placeholder_runs_once_it_is_filled() {
    if !several_users("placeholders") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let ana = Person::new(ANA, &home, &room);
    let step = |name: &str, code: &str| {
        format!("1. Do {name}\n\n   ```bash {{ name={name} }}\n   {code}\n   ```\n\n")
    };
    let text = format!(
        "---\nwarroom:\n  inputs:\n    - name: WITH_DEFAULT\n      default: five\n    - name: ENTERED\n---\n# Fill\n\n{}{}{}{}{}",
        step("filled", "echo says <word>"),
        step("default", "echo says <WITH_DEFAULT>"),
        step("edited", "echo says <other>"),
        step("quoted", "echo \"says '<word>'\""),
        step("same", "echo says <ENTERED> $ENTERED"),
    );
    let book = ana.file("fill.md", &text);
    ana.ok(&["step", "start", book.to_str().unwrap(), "--input", "ENTERED=six"]);
    let why = ana.refused(&["step", "take"]);
    assert!(why.contains("word"), "{why}");
    ana.ok(&["step", "input", "word=four"]);
    let edit = ana.file("edit.sh", "echo says nothing open\n");
    ana.ok(&["step", "edit", "edited", "--file", edit.to_str().unwrap()]);
    for (step, says) in [
        ("filled", "says four"),
        ("default", "says five"),
        ("edited", "says nothing open"),
        ("quoted", "says 'four'"),
        ("same", "says six six"),
    ] {
        let shown = ana.ok(&["step", "show", step]);
        assert!(!shown.contains('<'), "{step}: {shown}");
        let done = ana.ok(&["step", "take", step]);
        assert!(done.contains(says), "{step}: {done}");
    }
}

#[test]
fn the_room_reads_and_hashes_a_runbook_itself() {
    if !several_users("the hash of a runbook") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let ana = Person::new(ANA, &home, &room);
    let mut line = ana.line("script", "");
    let load = |source: &str, text: &str| json!({ "walk": { "load": { "incident": null, "source": source, "text": text } } });
    assert!(line.act(&load("look.md", PLAIN))["ok"].is_object());
    let state = line.ask(&json!("state"));
    let book = state["state"]["walks"]["RUN-1"]["runbook"].clone();
    let hash = warroom::domain::id::Digest(Sha256::digest(PLAIN).into()).to_string();
    assert_eq!(book["hash"], json!(hash));
    // The hash of a runbook that everybody trusts, with other code in it.
    let mut forged = book;
    forged["sections"][0]["steps"][0]["blocks"][0]["code"] = json!("cat /etc/shadow");
    let start = json!({ "walk": { "start": { "incident": null, "runbook": forged } } });
    let said = line.act(&start);
    assert_eq!(said["refused"]["code"], "forbidden", "{said}");
    // Bounded, with what is too long said.
    let long = format!("# {}\n\n1. Do it\n", "x".repeat(300));
    for (source, text, says) in [
        ("long.md", long.as_str(), "title"),
        ("large.md", &PLAIN.repeat(20_000), "1048576"),
        ("builtin:rollback-release", PLAIN, "shipped"),
        (&"n".repeat(300), PLAIN, "name"),
    ] {
        let said = line.act(&load(source, text));
        assert!(said["refused"]["code"] == "invalid" && said.to_string().contains(says), "{said}");
    }
    assert!(line.ask(&json!("state"))["state"]["walks"].as_object().unwrap().len() == 1);
}

#[test]
fn a_hand_asks_of_a_source_what_its_block_says_as_it_is_filled_and_nothing_else() {
    if !several_users("what a hand asks") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let ana = Person::new(ANA, &home, &room);
    let text =
        "# Ask\n\n1. Ask\n\n   ```http { name=ask kind=check }\n   GET http://127.0.0.1:1/<path>\n   ```\n";
    let book = ana.file("ask.md", text);
    ana.ok(&["step", "start", book.to_str().unwrap(), "--input", "path=ready"]);
    let (hand, mut line) = (uuid::Uuid::new_v4(), ana.line("hand", ""));
    let take = json!({ "walk": { "take": {
        "walk": "RUN-1", "step": "ask", "hand": hand, "host": "", "shown": digest(&ana),
    } } });
    assert!(line.act(&take)["ok"].is_object());
    let me = warroom::os::process::ProcessId::me();
    let process = json!({ "pid": me.pid, "start": me.start, "boot": me.boot.0 });
    let attach = json!({ "walk": { "attach": {
        "walk": "RUN-1", "step": "ask", "hand": hand, "process": process, "carry": null,
    } } });
    assert!(line.act(&attach)["ok"].is_object());
    let mut asks = |code: &str| {
        line.ask(&json!({ "check": { "lang": "http", "code": code, "source": null } }))["no"]["code"].clone()
    };
    assert_eq!(asks("GET http://127.0.0.1:1/other"), "forbidden");
    assert_eq!(asks("GET http://127.0.0.1:1/<path>"), "forbidden");
    assert_eq!(asks("GET http://127.0.0.1:1/ready"), Value::Null);
}

#[test]
fn who_was_refused_at_the_gate_does_not_exempt_their_own_change() {
    if !several_users("a change of one's own") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, bo) = (Person::new(ANA, &home, &room), Person::new(BO, &home, &room));
    ana.ok(&["declare", "it fails", "--service", "checkout"]);
    ana.ok(&["freeze", "it fails", "--service", "checkout", "--env", "prod"]);
    for change in ["checkout@2", "checkout@3"] {
        let gate =
            ["gate", "--action", "deploy", "--service", "checkout", "--env", "prod", "--artifact", change];
        assert_eq!(ana.run(&gate).status.code(), Some(10));
        let exempt = ["exempt", "FRZ-1", change, "--reason", "the fix"];
        until("the refusal is written down", || {
            let why = ana.run(&exempt);
            assert!(!why.status.success(), "she let her own change pass: {why:?}");
            String::from_utf8_lossy(&why.stderr).contains("--break-glass")
        });
        if change == "checkout@2" {
            bo.ok(&exempt);
        } else {
            ana.ok(&["exempt", "FRZ-1", change, "--reason", "alone", "--break-glass"]);
        }
        assert_eq!(ana.run(&gate).status.code(), Some(0));
    }
}
