//! Several rooms on one journal.

use crate::{
    conformance::{Ground, spec},
    proxy::Line,
    rooms::{One, declare, note, said, same, several, told, until_async},
    support::peer::wanted,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Fact,
        id::IncidentId,
        room::RoomFact,
        task::{TaskCommand, TaskFact},
        time::Span,
    },
    signal::Shows,
    transport::client,
    wire::{As, Ask, JournalState, Outcome, Told},
};

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_one_room_kept_is_read_at_another() {
    if !wanted("evidence_that_one_room_kept_is_read_at_another") {
        return;
    }
    let ground = Ground::database(&[]).await;
    let server = ground.server.as_ref().unwrap();
    let (a, b) = (One::open(spec(server, "room")).await, One::open(spec(server, "room")).await);
    let keep =
        async |room: &One, text: String| match room.client().await.ask(Ask::Keep { text }).await.unwrap() {
            Told::Kept(digest) => digest,
            other => panic!("{other:?}"),
        };
    let read = async |room: &One, digest| room.client().await.ask(Ask::Evidence(digest)).await.unwrap();
    until_async("they have met", async || {
        a.status().await.rooms.len() == 2 && b.status().await.rooms.len() == 2
    })
    .await;
    // What is kept is redacted, and so is what is brought.
    let text = "pg_restore: 412 rows\npassword=hunter2hunter2\n";
    let digest = keep(&a, text.into()).await;
    let Told::Evidence(kept) = read(&a, digest).await else { panic!() };
    assert!(kept.contains("412 rows") && !kept.contains("hunter2hunter2"), "{kept}");
    let (one, two) = tokio::join!(read(&b, digest), read(&b, digest));
    assert_eq!((&one, &two), (&Told::Evidence(kept.clone()), &Told::Evidence(kept.clone())));
    let mut noise = String::new();
    for _ in 0..40_000 {
        noise.push_str(&Uuid::new_v4().simple().to_string());
    }
    let large = keep(&a, noise).await;
    let Told::No(refusal) = read(&b, large).await else { panic!() };
    assert!(refusal.to_string().contains("too large"), "{refusal}");
    let late = keep(&a, "nobody asked for it in time".into()).await;
    a.fall();
    // What was brought is here; what was not is said to lie elsewhere.
    assert_eq!(read(&b, digest).await, Told::Evidence(kept));
    let Told::No(refusal) = read(&b, late).await else { panic!() };
    assert!(refusal.to_string().contains("the machine of the room that recorded it"), "{refusal}");
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_that_append_at_once_tell_one_story() {
    if !wanted("rooms_that_append_at_once_tell_one_story") {
        return;
    }
    let (ground, _lines, rooms) = several(3).await;
    let mut people = Vec::new();
    for (n, room) in rooms.iter().enumerate() {
        for person in 0..3 {
            let mut client = room.client().await;
            people.push(tokio::spawn(async move {
                for word in 0..25 {
                    let text = format!("{n} {person} {word}");
                    let outcome = client.act(note(&text)).await.unwrap();
                    assert!(matches!(outcome, Outcome::Ok { .. }), "{text}: {outcome:?}");
                }
            }));
        }
    }
    for person in people {
        person.await.unwrap();
    }
    // Decided on what was the case: there is one INC-1, whoever came first.
    let declared = futures::future::join_all(rooms.iter().map(|room| room.does(declare()))).await;
    let mut made: Vec<_> = declared
        .iter()
        .map(|outcome| match outcome {
            Outcome::Ok { made, .. } => made.iter().find(|name| name.starts_with("INC-")).unwrap().clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    made.sort();
    assert_eq!(made, ["INC-1", "INC-2", "INC-3"]);
    same(&rooms).await;
    let mut times = BTreeMap::new();
    for event in told(&ground).await {
        if let Some(text) = said(&event) {
            *times.entry(text.to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(times.len(), 3 * 3 * 25);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_room_has_for_all_is_taken_over_when_it_dies() {
    if !wanted("what_one_room_has_for_all_is_taken_over_when_it_dies") {
        return;
    }
    let (ground, _lines, mut rooms) = several(2).await;
    let status = rooms[1].status().await;
    assert_eq!(status.rooms.iter().map(|room| (room.own, room.duty)).filter(|(own, _)| *own).count(), 1);
    assert!(status.rooms.iter().any(|room| !room.own && room.duty), "{status:?}");
    assert!(matches!(rooms[1].does(declare()).await, Outcome::Ok { .. }));
    let give = TaskCommand::Give {
        incident: IncidentId(1),
        text: "look at the queue".into(),
        owner: "bo".into(),
        within: Some(Span::secs(8)),
    };
    let outcome = rooms[1].does(Command::Task(give)).await;
    assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    rooms[0].fall();
    until_async("the other has the duties", async || {
        rooms[1].status().await.rooms.iter().any(|room| room.own && room.duty)
    })
    .await;
    let over = |fact: &Fact| matches!(fact, Fact::Task(TaskFact::Over { .. }));
    until_async("the time box is over", async || told(&ground).await.iter().any(|one| over(&one.fact))).await;
    rooms[0].rise().await;
    same(&rooms).await;
    assert!(rooms[0].status().await.rooms.iter().any(|room| !room.own && room.duty));
    let events = told(&ground).await;
    let count = |wanted: &dyn Fn(&Fact) -> bool| events.iter().filter(|event| wanted(&event.fact)).count();
    assert_eq!(count(&over), 1);
    assert_eq!(count(&|fact| matches!(fact, Fact::Room(RoomFact::Lost { .. }))), 1);
    let epochs: Vec<u64> = events
        .iter()
        .filter_map(|event| match event.fact {
            Fact::Room(RoomFact::DutyTaken { epoch, .. }) => Some(epoch),
            _ => None,
        })
        .collect();
    assert_eq!(epochs, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_at_one_room_is_seen_at_the_other() {
    if !wanted("who_is_at_one_room_is_seen_at_the_other") {
        return;
    }
    let (_ground, _lines, rooms) = several(2).await;
    let sits = client::sit(&rooms[0].socket, None, false, Shows::default()).await.unwrap();
    let seats = async |room: &One| {
        let status = room.status().await;
        status.here.into_iter().filter(|one| one.role == As::Seat).collect::<Vec<_>>()
    };
    until_async("it is seen", async || !seats(&rooms[1]).await.is_empty()).await;
    let (own, other) = (seats(&rooms[0]).await, seats(&rooms[1]).await);
    assert_eq!((own.len(), other.len()), (1, 1));
    assert_eq!((own[0].seat, &own[0].who), (other[0].seat, &other[0].who));
    assert!(own[0].room.is_none() && other[0].room.is_some());
    drop(sits);
    until_async("it has left", async || seats(&rooms[1]).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_out_of_reach_is_told_and_known_freezes_hold() {
    if !wanted("a_database_out_of_reach_is_told_and_known_freezes_hold") {
        return;
    }
    let (ground, lines, rooms) = several(2).await;
    assert!(matches!(rooms[0].does(declare()).await, Outcome::Ok { .. }));
    same(&rooms).await;
    for line in [Line::Cut, Line::Holds, Line::Mute] {
        lines[0].set(line);
        let since = Instant::now();
        until_async("the room says so", async || {
            matches!(rooms[0].status().await.journal, JournalState::ReadOnly { .. })
        })
        .await;
        println!("{line:?}: told after {} ms", since.elapsed().as_millis());
        let refused = rooms[0].asks().await;
        assert!(!refused.allowed && refused.freeze.is_some(), "a freeze that it knows: {refused:?}");
        let unknown = rooms[0].may("blog", "staging").await;
        assert_eq!((unknown.allowed, unknown.because.exit()), (false, 12), "{unknown:?}");
        let outcome = rooms[0].does(note(&format!("kept {line:?}"))).await;
        assert!(matches!(outcome, Outcome::Ok { offline: true, .. }), "{outcome:?}");
        // The other one goes on.
        let outcome = rooms[1].does(note(&format!("meanwhile {line:?}"))).await;
        assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
        lines[0].set(Line::Open);
        until_async("it is back", async || rooms[0].status().await.away.is_none()).await;
        let outcome = rooms[0].does(note(&format!("back {line:?}"))).await;
        assert!(matches!(outcome, Outcome::Ok { offline: false, .. }), "{outcome:?}");
        same(&rooms).await;
    }
    let events = told(&ground).await;
    for line in ["Cut", "Holds", "Mute"] {
        for (word, offline) in [("kept", true), ("meanwhile", false), ("back", false)] {
            let text = format!("{word} {line}");
            let found: Vec<_> = events.iter().filter(|event| said(event) == Some(&text)).collect();
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].offline.is_some(), offline, "{text}");
        }
    }
}

/// A line of numbers that a seed gives.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Random commands, cuts and falls against a plain model: what was acknowledged stands once, what was refused nowhere,
/// and what nobody knows of at most once, also where it is sent again to another room.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_between_rooms_and_database_there_is_one_truth() {
    if !wanted("whatever_happens_between_rooms_and_database_there_is_one_truth") {
        return;
    }
    let given = std::env::var("WARROOM_ROOMS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    let rounds: u64 = std::env::var("WARROOM_ROOMS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    println!("WARROOM_ROOMS_SEED={seed}");
    let mut dice = Dice(seed | 1);
    let (ground, lines, mut rooms) = several(3).await;
    let mut model: BTreeMap<String, Option<bool>> = BTreeMap::new();
    let mut asked: BTreeMap<String, CommandId> = BTreeMap::new();
    for round in 0..rounds {
        let at = usize::try_from(dice.below(3)).unwrap();
        match dice.below(10) {
            0 => lines[at].set(Line::Cut),
            1 => lines[at].set(Line::Holds),
            2 => lines[at].set(Line::Mute),
            3 => lines[at].set(Line::Slow(Duration::from_millis(dice.below(300)))),
            4 => {
                for line in &lines {
                    line.set(Line::Open);
                }
            }
            5 => {
                lines[at].set(Line::Open);
                rooms[at].fall();
                rooms[at].rise().await;
            }
            // On its mirror, where it cannot reach the database.
            6 if round > 10 && round % 3 == 0 => {
                rooms[at].fall();
                rooms[at].rise().await;
            }
            _ => {}
        }
        let mut said = Vec::new();
        for (n, room) in rooms.iter().enumerate() {
            // Sometimes what is in doubt, at whichever room.
            let doubted = model.iter().find(|(_, known)| known.is_none()).map(|(text, _)| text.clone());
            let text = doubted.filter(|_| dice.below(2) == 0).unwrap_or_else(|| format!("{round} {n}"));
            if said.iter().any(|(other, _): &(String, _)| *other == text) {
                continue;
            }
            let id = *asked.entry(text.clone()).or_insert_with(|| CommandId(Uuid::now_v7()));
            let mut client = room.client().await;
            let command = note(&text);
            said.push((text, tokio::spawn(async move { client.command(id, command).await })));
        }
        for (text, outcome) in said {
            let known = match outcome.await.unwrap() {
                Ok(Outcome::Ok { .. }) => Some(true),
                Ok(Outcome::Failed { why }) if why.contains("nothing was recorded") => Some(false),
                _ => None,
            };
            // What was in doubt once may stand there, whatever is said of another attempt.
            let before = model.get(&text).copied();
            let now = if before == Some(None) && known == Some(false) { None } else { known };
            model.insert(text, now);
        }
    }
    for line in &lines {
        line.set(Line::Open);
    }
    for room in &rooms {
        until_async("it writes again, and has sent what it kept", async || {
            room.status().await.away.is_none()
                && matches!(room.does(note("at the end")).await, Outcome::Ok { offline: false, .. })
        })
        .await;
    }
    same(&rooms).await;
    let events = told(&ground).await;
    let mut wrong = Vec::new();
    let (mut done, mut doubt) = (0, 0);
    let offline = events.iter().filter(|event| said(event).is_some() && event.offline.is_some()).count();
    for (text, known) in &model {
        let times = events.iter().filter(|event| said(event) == Some(text)).count();
        let fine = match known {
            Some(true) => times == 1,
            Some(false) => times == 0,
            None => times <= 1,
        };
        done += usize::from(*known == Some(true));
        doubt += usize::from(known.is_none());
        if !fine {
            wrong.push((text, known, times));
        }
    }
    println!(
        "{} notes, {done} acknowledged, {offline} of them offline, {doubt} in doubt, {} events",
        model.len(),
        events.len()
    );
    let bytes = "select (pg_total_relation_size('warroom.events') + pg_total_relation_size('warroom.payloads')) \
                 / count(*) from warroom.events";
    println!("{} bytes an event", ground.server.as_ref().unwrap().sql(bytes));
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(done > 0);
}
