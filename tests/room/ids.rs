//! Command ids: the whole id with its author and what was said counts, however long ago it was.

use super::{House, chain, door, id, note, times};
use std::sync::Arc;
use uuid::Uuid;
use warroom::{
    domain::{Command, CommandId, Fact, actor::Actor, note::NoteCommand, note::NoteFact, refusal::Code},
    journal::{Appended, Head, Journal as _},
    os::clock,
    store::sqlite::{Mode, Sqlite},
    wire::{Ask, FromRoom, Outcome, ToRoom, Told},
};

fn in_use(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(refusal) if refusal.id_in_use && refusal.code == Code::Conflict)
}

#[tokio::test]
async fn another_command_under_a_used_id_is_refused_and_never_acknowledged() {
    let house = House::open().await;
    let mut client = house.client().await;
    let used = id();
    let first = client.command(used, note("the first")).await.unwrap();
    assert!(matches!(first, Outcome::Ok { .. }));
    let outcome = client.command(used, note("the second")).await.unwrap();
    assert!(in_use(&outcome), "{outcome:?}");
    assert_eq!(client.command(used, note("the first")).await.unwrap(), first, "a retry");
    // An id with the same end is another.
    let (high, low) = used.0.as_u64_pair();
    let like = CommandId(Uuid::from_u64_pair(high ^ 1, low));
    assert!(matches!(client.command(like, note("the third")).await.unwrap(), Outcome::Ok { .. }));
    let events = house.events().await;
    assert_eq!(["the first", "the second", "the third"].map(|text| times(&events, text)), [1, 0, 1]);
}

#[tokio::test]
async fn an_id_is_in_use_while_its_command_is_on_its_way() {
    let house = House::open().await;
    let (mut reader, mut writer, _) =
        warroom::transport::client::connect(&house.socket, warroom::wire::As::Script, None, None)
            .await
            .unwrap();
    for n in 0..50 {
        let used = id();
        for text in ["one", "other", "one"] {
            let command = note(&format!("{text} {n}"));
            writer.send(&ToRoom::Do { id: used, command, glass: None }).await.unwrap();
        }
        let mut outcomes = Vec::new();
        while outcomes.len() < 3 {
            if let FromRoom::Done { id, outcome } = reader.next().await.unwrap() {
                assert_eq!(id, used);
                outcomes.push(outcome);
            }
        }
        assert_eq!(outcomes.iter().filter(|outcome| in_use(outcome)).count(), 1, "{outcomes:?}");
        let ok: Vec<_> = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Ok { .. })).collect();
        assert_eq!(ok.len(), 2);
        assert_eq!(ok[0], ok[1], "a retry gets the answer of the first");
    }
    let events = house.events().await;
    assert!((0..50).all(|n| times(&events, &format!("one {n}")) == 1));
    assert!((0..50).all(|n| times(&events, &format!("other {n}")) == 0));
}

#[tokio::test]
async fn an_id_whose_command_was_refused_is_as_new() {
    let house = House::open().await;
    let mut client = house.client().await;
    let used = id();
    let outcome = client.command(used, note("  ")).await.unwrap();
    assert!(matches!(&outcome, Outcome::Refused(refusal) if !refusal.id_in_use), "{outcome:?}");
    assert!(matches!(client.command(used, note("said")).await.unwrap(), Outcome::Ok { .. }));
}

#[tokio::test]
async fn ids_are_known_when_the_room_opens_again_and_old_journals_know_the_author_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = Arc::new(Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap());
    let me = warroom::os::peer::my_uid();
    let (own, others) = (id(), id());
    let mut head = Head::EMPTY;
    // Written before there were fingerprints.
    for (command, uid) in [(own, me), (others, me + 1)] {
        let now = clock::now();
        let draft = chain::Draft {
            command,
            index: 0,
            stream: None,
            recorded: now.wall,
            occurred: now,
            room: "before".into(),
            actor: Actor::user("somebody", uid),
            offline: None,
            fact: Fact::Note(NoteFact::Said { incident: None, text: "before".into() }),
        };
        let record = chain::seal(draft, head, [1; 16]).unwrap().0;
        let Appended::Ok(next) = file.append(head, vec![record]).await else { panic!("not appended") };
        head = next;
    }
    let door = door::Door::open(door::plain(file.clone(), dir.path()), dir.path()).await.unwrap();
    let mut client = door.client().await;
    let outcome = client.command(own, note("before")).await.unwrap();
    assert!(matches!(&outcome, Outcome::Ok { seqs, .. } if *seqs == [1]), "{outcome:?}");
    assert!(in_use(&client.command(others, note("before")).await.unwrap()));
    let new = id();
    let first = client.command(new, note("after")).await.unwrap();
    door.task.abort();
    let door = door::Door::open(door::plain(file, dir.path()), dir.path()).await.unwrap();
    let mut client = door.client().await;
    assert_eq!(client.command(new, note("after")).await.unwrap(), first);
    assert!(in_use(&client.command(new, note("other")).await.unwrap()));
    assert!(in_use(&client.command(others, note("before")).await.unwrap()));
}

#[tokio::test]
async fn a_secret_in_a_command_leaves_no_digest_that_it_could_be_guessed_from() {
    let house = House::open().await;
    let mut client = house.client().await;
    let used = id();
    let said = |secret: &str| note(&format!("password={secret} was in the log"));
    let first = client.command(used, said("hunter2hunter2")).await.unwrap();
    assert!(matches!(first, Outcome::Ok { .. }));
    // Without its secret it is the same command: the fingerprint is not of the secret.
    assert_eq!(client.command(used, said("another-secret")).await.unwrap(), first);
}

#[tokio::test]
async fn erasing_again_under_the_same_id_gets_the_answer_that_it_got() {
    let house = House::open().await;
    let mut client = house.client().await;
    let Outcome::Ok { seqs, .. } = client.act(note("a word too much")).await.unwrap() else { panic!() };
    let erase =
        |reason: &str| Command::Note(NoteCommand::Erase { seq: seqs[0], reason: reason.into(), found: None });
    let used = id();
    let first = client.command(used, erase("a mistake")).await.unwrap();
    assert!(matches!(first, Outcome::Ok { .. }), "{first:?}");
    door::until("it is gone", async || {
        let ask = Ask::Events { from: seqs[0], limit: 1, incident: None };
        let Told::Events { events, .. } = house.client().await.ask(ask).await.unwrap() else { panic!() };
        events[0].fact == Fact::Erased
    })
    .await;
    assert_eq!(client.command(used, erase("a mistake")).await.unwrap(), first);
    assert!(in_use(&client.command(used, erase("another reason")).await.unwrap()));
}
