//! What other users can make the room keep: no more than its bounds.

use super::{
    house::{Home, Room, finished, several_users, until},
    people::{ANA, OBSERVER, Person},
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _};
use warroom::{
    domain::{
        CommandId, Fact, actor::Actor, id::IncidentId, incident::IncidentFact, severity::Severity, time::Span,
    },
    journal::{Appended, Head, Journal as _, chain},
    os::clock,
    store::sqlite::{Mode, Sqlite},
};

#[test]
fn long_names_of_an_observer_raise_no_memory_and_others_are_answered() {
    if !several_users("floods of another user") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let before = room.memory("VmRSS");
    let (sys, ana) = (Person::new(OBSERVER, &home, &room), Person::new(ANA, &home, &room));
    let mut observer = sys.line("script", "");
    let hand = "018f0000-0000-7000-8000-000000000001";
    for n in 0..60 {
        let step = format!("{n}{}", "x".repeat(1024 * 1024));
        let at = json!({ "walk": "RUN-1", "step": step });
        observer.says(&json!({ "hand": { "at": at, "hand": hand, "says": "over" } }).to_string());
        observer.says(&json!({ "here": { "look": { "view": "logs", "pattern": step } } }).to_string());
        assert!(room.answers());
    }
    // All of it was heard.
    assert!(observer.ask(&json!("status"))["status"].is_object());
    let grown = room.memory("VmHWM") - before;
    println!("120 frames of 1 MB: {grown:.1} MB");
    assert!(grown < 64.0, "{grown:.1} MB");
    let mut other = ana.line("script", "");
    assert!(other.ask(&json!("status"))["status"].is_object());
}

/// A journal of before there were limits: three titles of 3.5 MB.
fn old(path: &std::path::Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let file = Sqlite::open(path, Mode::Write).unwrap();
    let mut head = Head::EMPTY;
    for n in 1..=3 {
        let now = clock::now();
        let draft = chain::Draft {
            command: CommandId(uuid::Uuid::now_v7()),
            index: 0,
            stream: Some(IncidentId(n)),
            recorded: now.wall,
            occurred: now,
            room: "before".into(),
            actor: Actor::user("somebody", 7),
            offline: None,
            fact: Fact::Incident(IncidentFact::Declared {
                incident: IncidentId(n),
                title: "x".repeat(3_500_000),
                severity: Severity::WORST,
                services: Vec::new(),
                env: "prod".into(),
                target: Span::hours(1),
                drill: false,
            }),
        };
        let record = chain::seal(draft, head, [1; 16]).unwrap().0;
        let Appended::Ok(next) = runtime.block_on(file.append(head, vec![record])) else {
            panic!("not appended")
        };
        head = next;
    }
}

#[test]
fn a_journal_with_huge_titles_locks_nobody_out_across_restarts() {
    let home = Home::new();
    let dir = home.path("room");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    old(&dir.join("journal.db"));
    for _ in 0..2 {
        let mut room = Room::for_everybody(&home);
        let mut said = String::new();
        until("status says it", || {
            let output = finished(home.program().env("WARROOM_SOCKET", &room.socket).arg("status"));
            said = String::from_utf8_lossy(&output.stdout).into_owned();
            output.status.success()
        });
        assert!(said.contains("state   LARGE: 10 MiB"), "{}", said.chars().take(2_000).collect::<String>());
        let note = finished(home.program().env("WARROOM_SOCKET", &room.socket).args(["note", "it goes on"]));
        assert!(note.status.success(), "{}", String::from_utf8_lossy(&note.stderr));
        room.end();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    }
}
