//! Who may ask what of a machine's room, tried by those who may not.

use super::{
    house::{Home, Room, several_users, until},
    people::{ANA, BO, Lent, OBSERVER, Person, powers},
};
use serde_json::{Value, json};
use std::process::Stdio;

/// A step that asks for something secret in a terminal of its own, and says how long it was.
const ASKS: &str = "# Asks\n\n1. Ask for it\n\n   ```bash { name=asks interactive timeout=5m }\n   read -rsp 'Which word? ' p; echo \"got ${#p} characters\"\n   ```\n";

fn forbidden(told: &Value) -> bool {
    told["no"]["code"] == "forbidden" || told["refused"]["code"] == "forbidden"
}

#[test]
fn an_observer_is_never_the_hand_of_somebodys_step() {
    if !several_users("an observer who says to be a hand") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, bo, sys) =
        (Person::new(ANA, &home, &room), Person::new(BO, &home, &room), Person::new(OBSERVER, &home, &room));
    let file = ana.file("asks.md", ASKS);
    ana.ok(&["step", "start", file.to_str().unwrap()]);
    let mut takes = ana.command(&["step", "take"]).stdout(Stdio::null()).spawn().unwrap();
    let mut seat = ana.line("seat", ",\"live\":true,\"fold\":0");
    let Lent { walk, step, at, lease } = seat.lent();
    seat.until("it asks", |frame| frame["hand"].to_string().contains("Which word?"));

    // Everything is public that a hand knows of itself, but for being it.
    let mut liars: Vec<_> = [&sys, &bo].into_iter().map(|person| person.line("hand", "")).collect();
    for liar in &mut liars {
        let attach = json!({ "walk": { "attach": {
            "walk": walk, "step": step, "hand": lease["hand"], "process": lease["process"], "carry": null,
        } } });
        assert!(liar.act(&attach)["refused"].is_object(), "it was taken for the hand");
        for says in [json!("over"), json!({ "printed": { "text": "a lie" } })] {
            liar.says(&json!({ "hand": { "at": at, "hand": lease["hand"], "says": says } }).to_string());
        }
        liar.all();
    }
    let keys = |text: &str| json!({ "steer": { "at": at, "steer": { "keys": text.as_bytes() } } });
    // Who does not hold it types nothing into it, and is told so.
    for liar in &mut liars {
        liar.says(&keys("x").to_string());
        let said = liar.until("why not", |frame| frame.get("refused").is_some());
        assert_eq!(said["refused"]["frame"], "steer", "{said}");
    }
    seat.says(&keys("hunter2\r").to_string());
    let ends = seat.until("the step ends", |frame| {
        let told = frame["event"]["fact"]["walk"]["block_ended"]["done"]["seen"].to_string();
        told.contains("characters")
    });
    assert!(ends.to_string().contains("got 7 characters"), "{ends}");
    assert!(takes.wait().unwrap().success());
    for liar in &mut liars {
        let heard = liar.all();
        let steered: Vec<_> = heard.iter().filter(|frame| frame.get("steer").is_some()).collect();
        assert!(steered.is_empty(), "{steered:?}");
    }
    let lies = seat.all().iter().filter(|frame| frame["hand"].to_string().contains("a lie")).count();
    assert_eq!(lies, 0);
}

#[test]
fn a_step_is_cancelled_at_its_own_hand_and_lasts_no_years() {
    if !several_users("a step that others steer") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, bo, sys) =
        (Person::new(ANA, &home, &room), Person::new(BO, &home, &room), Person::new(OBSERVER, &home, &room));
    let file = ana.file(
        "long.md",
        "# Long\n\n1. Wait long\n\n   ```bash { name=long timeout=10m }\n   sleep 600\n   ```\n",
    );
    ana.ok(&["step", "start", file.to_str().unwrap()]);
    let mut takes =
        ana.command(&["step", "take"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut seat = ana.line("seat", ",\"live\":true,\"fold\":0");
    let Lent { at, lease, .. } = seat.lent();
    let mut liar = sys.line("hand", "");
    liar.says(&json!({ "hand": { "at": at, "hand": lease["hand"], "says": "over" } }).to_string());
    liar.all();
    let why = bo.refused(&["step", "extend", "87600h"]);
    assert!(why.contains("4h"), "{why}");
    let why = sys.refused(&["step", "cancel"]);
    assert!(why.contains("has not the power to respond"), "{why}");
    let said = bo.run(&["step", "cancel"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    assert!(said.contains("long failed"), "{said}");
    assert!(
        seat.until("it ended", |frame| frame.to_string().contains("block_ended"))
            .to_string()
            .contains("\"cancelled\"")
    );
    until("who took it is told", || takes.try_wait().unwrap().is_some());
    assert!(!liar.all().iter().any(|frame| frame.get("steer").is_some()), "the observer got the cancel");
}

#[test]
fn a_hand_whose_room_is_started_again_is_steered_still() {
    if !several_users("a hand that comes back") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let mut room = Room::for_everybody(&home);
    {
        let ana = Person::new(ANA, &home, &room);
        let file = ana.file(
            "long.md",
            "# Long\n\n1. Wait long\n\n   ```bash { name=long timeout=10m }\n   sleep 600\n   ```\n",
        );
        ana.ok(&["step", "start", file.to_str().unwrap()]);
        ana.command(&["step", "take"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        ana.line("script", "").lent();
    }
    room.end();
    drop(room);
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(home.path("room"), private).unwrap();
    let room = Room::for_everybody(&home);
    let bo = Person::new(BO, &home, &room);
    until("the hand is there again, and hears what it is told", || {
        let said = bo.run(&["step", "cancel"]);
        let said =
            String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        said.contains("long failed")
    });
}

#[test]
fn who_may_only_look_asks_no_source_keeps_nothing_and_overrides_no_gate() {
    if !several_users("what an observer may ask") {
        return;
    }
    let home = Home::new();
    powers(&home, "");
    let room = Room::for_everybody(&home);
    let (ana, sys) = (Person::new(ANA, &home, &room), Person::new(OBSERVER, &home, &room));
    let check = json!({ "check": { "lang": "http", "code": "GET http://127.0.0.1:1/", "source": null } });
    let keep = json!({ "keep": { "text": "much" } });
    let request = json!({ "service": "checkout", "env": "prod", "artifact": "a@1", "action": "deploy" });
    let over = json!({ "gate": { "override": { "request": request, "reason": "because" } } });
    let mut looks = sys.line("script", "");
    assert!(forbidden(&looks.ask(&check)), "the room asks as its own user");
    assert!(forbidden(&looks.ask(&keep)));
    assert!(forbidden(&looks.act(&over)));
    assert!(forbidden(&looks.ask(&json!("stop"))));
    let mut only = ana.line("script", ",\"read_only\":true");
    assert!(forbidden(&only.ask(&check)) && forbidden(&only.ask(&keep)) && forbidden(&only.act(&over)));
    // Who responds asks what somebody wrote down, and keeps.
    let mut responds = ana.line("script", "");
    assert!(forbidden(&responds.ask(&check)), "nothing names this question");
    assert!(responds.ask(&keep)["kept"].is_string());
    assert!(responds.act(&over)["ok"].is_object());
    // What the room alone says, nobody says for it.
    let page = json!({ "page": { "answered": { "page": "PAGE-1", "elsewhere": { "target": "x", "who": "y" }, "how": "z" } } });
    for own in [json!("tick"), page] {
        let said = responds.act(&own);
        assert!(forbidden(&said) || said.to_string().contains("not know"), "{said}");
    }
}
