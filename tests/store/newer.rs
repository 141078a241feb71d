//! A fact of a newer room, on a shared journal and on one's own: this version does not know what it means.

use crate::{
    conformance::{Ground, spec},
    door::{self, Door},
    rooms::{One, declare, note, until_async},
    support::peer::wanted,
};
use std::{path::Path, sync::Arc};
use uuid::Uuid;
use warroom::{
    domain::{CommandId, Event, Fact, actor::Actor, gate::Because, room::RoomFact},
    journal::{
        Appended, Head, Journal,
        chain::{self, Draft, Record},
        read_all,
    },
    store::{Mode, sqlite::Sqlite},
    wire::Outcome,
};

/// An event as a newer room seals it: of a noun that is known here, with a verb that is not.
fn of_a_newer_room(after: &Event) -> Record {
    let draft = Draft {
        command: CommandId(Uuid::now_v7()),
        index: 0,
        stream: None,
        occurred: after.occurred.clone(),
        recorded: after.recorded,
        room: "newer-1-00000000".into(),
        actor: Actor::room(),
        offline: None,
        fact: Fact::Room(RoomFact::DrillEnded),
    };
    let head = Head { seq: after.seq, hash: after.hash };
    let (mut record, _) = chain::seal(draft, head, [7; 16]).unwrap();
    let payload = br#"{"freeze":{"widened":{"freeze":"FRZ-1","services":[]}}}"#.to_vec();
    record.body = chain::body(&[7; 16], &payload);
    record.hash = chain::hash(&record.header, &record.prev, &record.body);
    record.payload = Some(([7; 16].to_vec(), payload));
    record
}

async fn appends(journal: &dyn Journal) {
    // Somebody else may append first.
    for _ in 0..100 {
        let mut last = None;
        read_all(journal, Head::EMPTY, |event| last = Some(event)).await.unwrap();
        let last = last.unwrap();
        let head = Head { seq: last.seq, hash: last.hash };
        if matches!(journal.append(head, vec![of_a_newer_room(&last)]).await, Appended::Ok(_)) {
            return;
        }
    }
    panic!("it was never first");
}

/// Undecided, said in the status, bound commands refused, notes taken.
async fn holds(room: &Door) {
    let answer = room.may("search", "prod").await;
    assert_eq!((answer.allowed, answer.because), (false, Because::Undecided), "{answer:?}");
    let newer = room.status().await.newer.expect("the status says so");
    assert_eq!(newer.kind, "freeze.widened");
    let Outcome::Refused(refusal) = room.does(declare()).await else { panic!("it decided") };
    assert!(refusal.to_string().contains("upgrade this room"), "{refusal}");
    assert!(matches!(room.does(note("we upgrade")).await, Outcome::Ok { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_kind_of_fact_holds_every_room_on_one_database_until_its_upgrade() {
    if !wanted("a_newer_kind_of_fact_holds_every_room_on_one_database_until_its_upgrade") {
        return;
    }
    let ground = Ground::database(&[]).await;
    let server = ground.server.as_ref().unwrap();
    let rooms = [One::open(spec(server, "room")).await, One::open(spec(server, "room")).await];
    assert!(rooms[0].may("search", "prod").await.allowed);
    appends(ground.open().await.as_ref()).await;
    for room in &rooms {
        until_async("it is read", async || room.status().await.newer.is_some()).await;
        holds(room).await;
    }
}

async fn open(dir: &Path) -> Door {
    let journal = Arc::new(Sqlite::open(&dir.join("journal.db"), Mode::Write).unwrap());
    Door::open(door::plain(journal, dir), dir).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_kind_of_fact_holds_a_room_on_a_file_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let room = open(dir.path()).await;
    assert!(room.may("search", "prod").await.allowed);
    let stop = warroom::wire::Ask::Stop;
    room.client().await.ask(stop).await.unwrap();
    until_async("it has ended", async || room.task.is_finished()).await;
    let journal = Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap();
    appends(&journal).await;
    drop(journal);
    holds(&open(dir.path()).await).await;
}
