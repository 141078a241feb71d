//! A step that runs at one room, from another: what it shows, more time for it, and its end.

use crate::{
    conformance::{Ground, spec},
    room::configured,
    rooms::{One, same, until_async},
    support::{
        house::{House, binary, until},
        peer::wanted,
        postgres::Server,
        pty::Pty,
    },
};
use std::{collections::BTreeMap, path::Path, time::Duration};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId,
        id::WalkId,
        walk::{Confirmation, ProcessRef, WalkCommand},
    },
    signal::Shows,
    transport::client::{self, Reader},
    wire::{As, FromRoom, HandSays, Outcome, StepRef, ToRoom},
};

/// What a seat is told of a hand's output, until there is this in it.
async fn printed(seat: &mut Reader, all: &mut String, wanted: &str) {
    let coming = async {
        while !all.contains(wanted) {
            if let FromRoom::Hand { says: HandSays::Printed { text }, .. } = seat.next().await.unwrap() {
                all.push_str(&text);
            }
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(45), coming).await;
    assert!(came.is_ok(), "{wanted} never came: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hand_shows_is_shown_at_other_rooms_where_somebody_looks() {
    if !wanted("what_a_hand_shows_is_shown_at_other_rooms_where_somebody_looks") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let rooms = [One::open(spec(server, "room")).await, One::open(spec(server, "room")).await];
    let (a, b) = (&rooms[0], &rooms[1]);
    let text = "# Slow\n\n1. [ ] Takes long\n\n   ```bash { name=slow kind=run }\n   sleep 1\n   ```\n";
    let (source, text) = ("slow.md".into(), text.to_owned());
    let start = WalkCommand::Load { incident: None, source, text, inputs: BTreeMap::new() };
    assert!(matches!(a.does(Command::Walk(start)).await, Outcome::Ok { .. }));
    let (walk, step, hand) = (WalkId(1), "slow".to_owned(), Uuid::new_v4());
    let (confirm, host) = (Confirmation::Second, "war-1".to_owned());
    let shown = a.shown(walk, &step).await;
    let (undo, again) = (false, false);
    let take = WalkCommand::Take { walk, step: step.clone(), hand, host, confirm, undo, again, shown };
    assert!(matches!(a.does(Command::Walk(take)).await, Outcome::Ok { .. }));
    same(&rooms).await;
    let (mut reader, mut writer, _) = client::connect(&a.socket, As::Hand, None, None).await.unwrap();
    // It is heard as the hand once the rules have accepted it as that.
    let process = ProcessRef { pid: std::process::id(), start: 1, boot: "boot".into() };
    let attach = WalkCommand::Attach { walk, step: step.clone(), hand, process, carry: None };
    let id = CommandId(Uuid::new_v4());
    writer.send(&ToRoom::Do { id, command: Command::Walk(attach), glass: None }).await.unwrap();
    loop {
        if let FromRoom::Done { outcome, .. } = reader.next().await.unwrap() {
            assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
            break;
        }
    }
    let at = StepRef { walk, step };
    let mut says = async |says: HandSays| {
        writer.send(&ToRoom::Hand { at: at.clone(), hand, says }).await.unwrap();
    };
    let says_there = "select coalesce(string_agg(convert_from(says, 'UTF8'), ''), '') from warroom.rooms";
    says(HandSays::Began { block: "slow".into(), until: None }).await;
    says(HandSays::Printed { text: "row 1\npassword=hunter2hunter2\n\u{1b}[2Jgone\n".into() }).await;
    // Nobody looks there: nothing goes over the database.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!server.sql(says_there).contains("row 1"));
    }
    let (mut seat, mut seats_end, _) = client::sit(&b.socket, None, false, Shows::default()).await.unwrap();
    let mut all = String::new();
    printed(&mut seat, &mut all, "gone\n").await;
    assert!(all.starts_with("(from the room on ") && all.contains("row 1\n"), "{all}");
    assert!(!all.contains("hunter2hunter2") && !all.contains('\u{1b}'), "{all}");
    assert!(!server.sql(says_there).contains("hunter2hunter2"));
    // As it goes on, and much of it.
    says(HandSays::Printed { text: "row 2\n".into() }).await;
    printed(&mut seat, &mut all, "row 2\n").await;
    for n in 0..4_000 {
        says(HandSays::Printed { text: format!("line {n} of many\n") }).await;
    }
    says(HandSays::Printed { text: "the end\n".into() }).await;
    printed(&mut seat, &mut all, "the end\n").await;
    assert!(all.contains("line 3999 of many\n") && all.contains("bytes are shown there only)"), "{all}");
    assert_eq!(all.matches("(from the room on ").count(), 1);
    let most = server.sql("select max(octet_length(says)) < 8192 from warroom.rooms");
    assert_eq!(most, "t", "{}", server.sql(says_there));
    // Who comes later is shown the same.
    let (mut late, end, _) = client::sit(&b.socket, None, false, Shows::default()).await.unwrap();
    let mut again = String::new();
    printed(&mut late, &mut again, "the end\n").await;
    assert_eq!(again, all);
    // Who looks at another walk does not look there; where nobody does, nothing is said any more.
    drop(late);
    drop(end);
    let mut here = warroom::wire::Here::default();
    here.look.walk = Some(WalkId(9));
    seats_end.send(&ToRoom::Here(here)).await.unwrap();
    until_async("nothing is said any more", async || !server.sql(says_there).contains("the end")).await;
    for room in &rooms {
        room.stop().await;
    }
}

fn state(house: &House, config: &str) -> serde_json::Value {
    serde_json::from_str(&house.ok(&["--config", config, "status", "--json"])).unwrap()
}

fn seat(house: &House, config: &str) -> Pty {
    let home = house.path().to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", home.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
        ("WARROOM_SOCKET", ""),
        ("COLORTERM", "truecolor"),
        ("TZ", "UTC"),
    ];
    Pty::spawn(binary(), &["--config", config], &env, (110, 32))
}

/// The real program and a real hand.
#[test]
fn a_step_is_watched_given_more_time_and_ended_from_another_room() {
    if !wanted("a_step_is_watched_given_more_time_and_ended_from_another_room") {
        return;
    }
    let server = Server::start(&["fsync=on"]);
    let (eu, us) = (House::new(), House::new());
    let (at_eu, at_us) = (configured(&eu, &server), configured(&us, &server));
    server.sql(&eu.ok(&["--config", &at_eu, "journal", "init", "--print"]));
    let ok = |house: &House, config: &str, args: &[&str]| {
        let mut all = vec!["--config", config];
        all.extend(args);
        house.ok(&all)
    };
    let count = eu.path().join("count");
    let text = format!(
        "# Slow\n\n1. [ ] Takes long\n\n   ```bash {{ name=slow kind=run timeout=6s }}\n   \
         n=0; while :; do n=$((n+1)); echo \"tick $n\"; echo $n > {}; sleep 1; done\n   ```\n",
        count.display()
    );
    let runbook = eu.path().join("slow.md");
    std::fs::write(&runbook, text).unwrap();
    ok(&eu, &at_eu, &["step", "start", runbook.to_str().unwrap()]);
    ok(&eu, &at_eu, &["step", "take", "--no-wait"]);
    let ticks = |path: &Path| {
        std::fs::read_to_string(path).ok().and_then(|n| n.trim().parse::<u32>().ok()).unwrap_or_default()
    };
    until("it runs", || ticks(&count) > 0);
    ok(&us, &at_us, &["step", "extend", "5m"]);
    let seat = seat(&us, &at_us);
    seat.wait_until("the step", |screen| screen.contents().contains("Takes long"));
    seat.send("2");
    seat.wait_until("its output is seen", |screen| screen.contents().contains("tick 4"));
    seat.wait_until("whose it is, too", |screen| screen.contents().contains("from the room on"));
    until("it runs longer than it was to", || ticks(&count) > 9);
    let status = |house: &House, config: &str| {
        state(house, config)["state"]["walks"]["RUN-1"]["steps"]["slow"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(status(&us, &at_us), "lent");
    let cancelled = us.run(&["--config", &at_us, "step", "cancel"]);
    assert!(!String::from_utf8_lossy(&cancelled.stdout).is_empty(), "{cancelled:?}");
    until("it has ended", || status(&eu, &at_eu) == "failed");
    let steps = &state(&us, &at_us)["state"]["walks"]["RUN-1"]["steps"];
    assert_eq!(steps["slow"]["results"][0]["result"], "cancelled", "{steps}");
    let last = ticks(&count);
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(ticks(&count), last, "nothing of it runs");
    eu.stop_with(&at_eu);
    us.stop_with(&at_us);
}
