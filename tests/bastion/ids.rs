//! Command ids and other users: whoever is first under an id takes nothing from anybody.

use super::{
    house::{Home, Room, finished, several_users},
    people::{ANA, BO, Person},
};
use serde_json::{Value, json};

fn note(text: &str) -> Value {
    json!({ "note": { "say": { "incident": null, "text": text } } })
}

#[test]
fn an_id_that_another_user_used_is_refused_and_never_acknowledged() {
    if !several_users("command ids of other users") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let (ana, bo) = (Person::new(ANA, &home, &room), Person::new(BO, &home, &room));
    let (mut first, mut second) = (ana.line("script", ""), bo.line("script", ""));
    let id = "018f0000-0000-7000-8000-000000000001";
    let ok = first.act_as(id, &note("mine"));
    assert!(ok["ok"]["seqs"].is_array(), "{ok}");
    // The same words, and others.
    for text in ["mine", "not mine"] {
        let refused = second.act_as(id, &note(text));
        assert_eq!(refused["refused"]["id_in_use"], json!(true), "{refused}");
        assert_eq!(refused["refused"]["code"], json!("conflict"));
    }
    assert_eq!(first.act_as(id, &note("mine")), ok, "a retry gets the answer that it got");
    // The same low half is another id.
    let ok = second.act_as("018f0000-0000-7001-8000-000000000001", &note("its own"));
    assert!(ok["ok"]["seqs"].is_array(), "{ok}");
    let told =
        finished(home.program().env("WARROOM_SOCKET", &room.socket).args(["tail", "--json", "--no-follow"]));
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.matches("\"text\":\"mine\"").count(), 1, "{told}");
    assert_eq!(told.matches("not mine").count(), 0);
    assert_eq!(told.matches("its own").count(), 1);
}
