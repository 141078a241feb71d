//! What people do meanwhile is kept, shown as what it is, and appended when the journal is back.

use crate::house::{
    Dice, House, about, declare, freeze, give, is_offline, note, one, refusal, said, same, until,
};
use std::sync::atomic::Ordering;
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Fact,
        conflict::{ConflictCommand, ConflictFact},
        freeze::FreezeCommand,
        id::{ConflictId, FreezeId, IncidentId},
        incident::IncidentCommand,
        page::PageCommand,
        refusal::Code,
        room::RoomFact,
        task::TaskFact,
        time::Span,
    },
    signal::Shows,
    transport::client,
    wire::{Ask, FromRoom, JournalState, Outcome, Told},
};
#[tokio::test]
async fn what_people_do_meanwhile_is_kept_and_appended_at_its_own_time() {
    let (_ground, houses) = House::several(2).await;
    assert!(matches!(houses[0].does(declare("checkout 5xx")).await, Outcome::Ok { offline: false, .. }));
    same(&houses).await;
    houses[0].away().await;
    let (mut reader, _writer, _) =
        client::sit(&houses[0].socket, None, false, Shows::default()).await.unwrap();
    assert!(is_offline(&houses[0].does(about(1, "the pool is empty")).await));
    assert!(is_offline(&houses[0].does(give(1, "look at the pool")).await));
    assert!(is_offline(&houses[0].does(about(1, "the password is hunter2")).await));
    // It is seen here at once, as what it is.
    let shown = loop {
        if let FromRoom::Event(event) = reader.next().await.unwrap()
            && said(&event).is_some()
        {
            break event;
        }
    };
    assert!(shown.is_provisional(), "{shown:?}");
    let status = houses[0].status().await;
    assert_eq!(status.away.as_ref().unwrap().waiting, 3);
    assert!(matches!(status.journal, JournalState::ReadOnly { .. }));
    assert!(houses[0].state().await.incidents[&IncidentId(1)].tasks.len() == 1);
    assert!(houses[1].state().await.incidents[&IncidentId(1)].tasks.is_empty());
    // Who asks for events is told those that are there.
    let ask = Ask::Events { from: 1, limit: 100, incident: Some(IncidentId(1)) };
    match houses[0].client().await.ask(ask).await.unwrap() {
        Told::Events { events, .. } => assert!(one(&events, "the pool is empty").is_provisional()),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        houses[1].does(about(1, "meanwhile elsewhere")).await,
        Outcome::Ok { offline: false, .. }
    ));
    houses[0].back().await;
    same(&houses).await;
    // Those who sit are given the whole anew.
    let head = loop {
        if let FromRoom::Snapshot { state, .. } = reader.next().await.unwrap()
            && state.incidents[&IncidentId(1)].tasks.len() == 1
        {
            break state.head;
        }
    };
    assert!(head <= houses[0].status().await.head);
    let events = houses[0].events().await;
    let kept = one(&events, "the pool is empty");
    let offline = kept.offline.as_ref().unwrap();
    assert!(!offline.provisional && offline.glass.is_none());
    assert!(kept.occurred.wall <= offline.at && offline.at < kept.recorded, "{kept:?}");
    assert!(kept.seq > one(&events, "meanwhile elsewhere").seq);
    assert!(one(&events, "meanwhile elsewhere").offline.is_none());
    assert!(one(&events, "the password is").seq > kept.seq);
    until("the spool is empty again", async || std::fs::read(houses[0].spool()).unwrap().is_empty()).await;
    assert!(matches!(houses[0].does(note("as ever")).await, Outcome::Ok { offline: false, .. }));
}

#[tokio::test]
async fn no_secret_lies_in_the_spool() {
    let (_ground, houses) = House::several(1).await;
    houses[0].away().await;
    assert!(is_offline(&houses[0].does(note("the password is hunter2")).await));
    let text = std::fs::read_to_string(houses[0].spool()).unwrap();
    assert!(text.contains("the password is") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn what_needs_that_all_agree_takes_broken_glass_and_is_provisional() {
    let (_ground, houses) = House::several(2).await;
    assert!(matches!(houses[0].does(declare("checkout 5xx")).await, Outcome::Ok { .. }));
    same(&houses).await;
    houses[0].away().await;
    assert_eq!(houses[0].gate().await.because.exit(), 12, "nobody knows");
    let refused = refusal(houses[0].does(freeze(Some(1))).await);
    assert_eq!(refused.code, Code::NeedsMore);
    assert!(refused.hint.unwrap().contains("--glass"));
    let page = PageCommand::Ask { incident: Some(IncidentId(1)), who: "bo".into(), why: "help".into() };
    let waits = refusal(houses[0].under_glass(Command::Page(page)).await);
    assert!(waits.hint.unwrap().contains("phone"));
    assert!(is_offline(&houses[0].under_glass(freeze(Some(1))).await));
    let away = houses[0].status().await.away.unwrap();
    assert_eq!((away.waiting, away.glass), (1, 1));
    let frozen = houses[0].gate().await;
    assert!(!frozen.allowed && frozen.freeze == Some(FreezeId(1)), "{frozen:?}");
    assert!(houses[1].gate().await.allowed, "the other room knows nothing of it");
    houses[0].back().await;
    same(&houses).await;
    assert!(!houses[1].gate().await.allowed);
    let events = houses[0].events().await;
    let began = events.iter().find(|event| matches!(event.fact, Fact::Freeze(_))).unwrap();
    assert_eq!(began.offline.as_ref().unwrap().glass.as_deref(), Some("the deploy would make it worse"));
    let deviations = houses[1].state().await.deviations;
    assert_eq!(deviations.len(), 1);
    assert!(deviations.values().all(|one| one.reason.is_some() && one.incident == Some(IncidentId(1))));
    // Lifting does not open the gate while nobody knows what the others did.
    houses[0].away().await;
    let lift = || Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() });
    assert_eq!(refusal(houses[0].does(lift()).await).code, Code::NeedsMore);
    assert!(is_offline(&houses[0].under_glass(lift()).await));
    let answer = houses[0].gate().await;
    assert_eq!((answer.allowed, answer.because.exit()), (false, 12), "{answer:?}");
    houses[0].back().await;
    same(&houses).await;
    assert!(houses[1].gate().await.allowed);
}

#[tokio::test]
async fn a_room_that_is_killed_meanwhile_has_lost_nothing() {
    let (_ground, mut houses) = House::several(2).await;
    houses[0].away().await;
    for n in 0..20 {
        assert!(is_offline(&houses[0].does(note(&format!("kept {n}."))).await));
    }
    houses[0].cut(false);
    houses[0].fall_and_rise().await;
    until("all is sent", async || houses[0].status().await.away.is_none()).await;
    same(&houses).await;
    let events = houses[1].events().await;
    let kept: Vec<_> = events.iter().filter(|event| said(event).is_some()).collect();
    assert_eq!(kept.iter().map(|event| said(event).unwrap().to_owned()).collect::<Vec<_>>(), {
        (0..20).map(|n| format!("kept {n}.")).collect::<Vec<_>>()
    });
    assert!(kept.iter().all(|event| event.offline.is_some()));
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_counts_once() {
    let (_ground, houses) = House::several(2).await;
    same(&houses).await;
    houses[0].world.mute.store(true, Ordering::SeqCst);
    let id = CommandId(Uuid::now_v7());
    let outcome = houses[0].client().await.command(id, note("arrived")).await.unwrap();
    assert!(is_offline(&outcome), "{outcome:?}");
    // Sent again, it is the same.
    let again = houses[0].client().await.command(id, note("arrived")).await.unwrap();
    assert!(is_offline(&again), "{again:?}");
    houses[0].back().await;
    same(&houses).await;
    assert!(one(&houses[0].events().await, "arrived").offline.is_none(), "it had arrived");
}

#[tokio::test]
async fn names_that_were_given_twice_are_told_apart() {
    let (_ground, houses) = House::several(2).await;
    houses[0].away().await;
    assert!(is_offline(&houses[0].does(declare("mine")).await));
    assert!(is_offline(&houses[0].does(about(1, "of mine")).await));
    assert!(is_offline(&houses[0].does(give(1, "task of mine")).await));
    assert!(matches!(houses[1].does(declare("theirs")).await, Outcome::Ok { .. }));
    assert!(matches!(houses[1].does(give(1, "task of theirs")).await, Outcome::Ok { .. }));
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert_eq!(state.incidents[&IncidentId(1)].title, "theirs");
    assert_eq!(state.incidents[&IncidentId(2)].title, "mine");
    let events = houses[1].events().await;
    assert_eq!(one(&events, "of mine").stream, Some(IncidentId(2)));
    let given = events.iter().find(
        |event| matches!(&event.fact, Fact::Task(TaskFact::Given { text, .. }) if text == "task of mine"),
    );
    assert_eq!(given.unwrap().stream, Some(IncidentId(2)));
}

#[tokio::test]
async fn what_is_not_accepted_any_more_is_a_conflict_that_a_person_decides() {
    let (_ground, houses) = House::several(2).await;
    assert!(matches!(houses[1].does(freeze(None)).await, Outcome::Ok { .. }));
    same(&houses).await;
    houses[0].away().await;
    let renew = |why: &str| {
        Command::Freeze(FreezeCommand::Renew {
            freeze: FreezeId(1),
            lease: Span::hours(3),
            reason: why.into(),
        })
    };
    assert!(is_offline(&houses[0].under_glass(renew("still burning")).await));
    assert!(is_offline(&houses[0].under_glass(renew("burning on")).await));
    assert!(is_offline(&houses[0].does(note("after it")).await));
    let lift = Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() });
    assert!(matches!(houses[1].does(lift).await, Outcome::Ok { .. }));
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert_eq!(state.conflicts.len(), 2);
    let what = &state.conflicts[&ConflictId(1)].what;
    assert!(what.said.contains("still burning") && what.why.contains("does not hold"), "{what:?}");
    assert_eq!(what.glass.as_deref(), Some("the deploy would make it worse"));
    assert_eq!(what.by.uid, Some(warroom::os::peer::my_uid()));
    assert!(one(&houses[1].events().await, "after it").offline.is_some());
    let keep = ConflictCommand::Keep { conflict: ConflictId(1), reason: "it happened".into() };
    assert!(matches!(houses[1].does(Command::Conflict(keep.clone())).await, Outcome::Ok { .. }));
    assert_eq!(refusal(houses[1].does(Command::Conflict(keep)).await).code, Code::Unknown);
    let aside = ConflictCommand::SetAside { conflict: ConflictId(2), reason: "the same again".into() };
    assert!(matches!(houses[0].does(Command::Conflict(aside)).await, Outcome::Ok { .. }));
    same(&houses).await;
    assert!(houses[0].state().await.conflicts.is_empty());
    let events = houses[0].events().await;
    assert!(one(&events, "still burning").offline.is_none(), "it stands as a note, said now");
    let found =
        events.iter().filter(|event| matches!(event.fact, Fact::Conflict(ConflictFact::Found { .. })));
    assert_eq!(found.count(), 2);
    assert!(events.iter().all(|event| !matches!(event.fact, Fact::Room(RoomFact::Lost { .. }))));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told_and_nothing_is_pretended() {
    let (_ground, houses) = House::several(1).await;
    houses[0].away().await;
    assert!(is_offline(&houses[0].does(note("before")).await));
    houses[0].world.full.store(true, Ordering::SeqCst);
    let before = houses[0].state().await;
    for command in [note("lost"), declare("lost")] {
        match houses[0].does(command).await {
            Outcome::Failed { why } => {
                assert!(why.contains("disk is full") && why.contains("nothing was recorded"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(houses[0].state().await, before);
    houses[0].world.full.store(false, Ordering::SeqCst);
    assert!(is_offline(&houses[0].does(note("after")).await));
    houses[0].back().await;
    let events = houses[0].events().await;
    assert!(one(&events, "before").seq < one(&events, "after").seq);
    assert!(!events.iter().any(|event| said(event) == Some("lost")));
    same(&houses).await;
}

/// Whatever is cut and whoever falls: what was acknowledged, offline or not, is in the journal once, or in a conflict.
#[tokio::test]
async fn whatever_is_acknowledged_stands_once_or_is_a_conflict() {
    let given = std::env::var("WARROOM_OFFLINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    println!("WARROOM_OFFLINE_SEED={seed}");
    let mut dice = Dice(seed | 1);
    let (_ground, mut houses) = House::several(2).await;
    let (mut acknowledged, mut offline) = (Vec::new(), 0);
    for round in 0..120 {
        let at = usize::try_from(dice.below(2)).unwrap();
        match dice.below(9) {
            0 => houses[at].cut(true),
            1 => houses[at].world.mute.store(true, Ordering::SeqCst),
            2 | 3 => {
                houses[at].world.mute.store(false, Ordering::SeqCst);
                houses[at].cut(false);
            }
            4 if !houses[at].world.cut.load(Ordering::SeqCst) => {
                houses[at].world.mute.store(false, Ordering::SeqCst);
                houses[at].fall_and_rise().await;
            }
            _ => {}
        }
        for (n, house) in houses.iter().enumerate() {
            let text = format!("<{round}:{n}>");
            let state = house.state().await;
            let open = state.incidents.keys().next_back().copied();
            let command = match (dice.below(6), open) {
                (0, _) => declare(&text),
                (1, Some(incident)) => give(incident.0, &text),
                (2, Some(incident)) => Command::Incident(IncidentCommand::Retitle {
                    incident,
                    title: text.clone(),
                    services: vec!["shop".into()],
                }),
                (_, Some(incident)) => about(incident.0, &text),
                (_, None) => note(&text),
            };
            if let Outcome::Ok { offline: kept, .. } = house.does(command).await {
                offline += usize::from(kept);
                acknowledged.push(text);
            }
        }
    }
    for house in &houses {
        house.back().await;
    }
    same(&houses).await;
    let events = houses[0].events().await;
    let told: Vec<String> = events
        .iter()
        .filter(|event| !matches!(event.fact, Fact::Policy(_)))
        .map(|event| serde_json::to_string(&event.fact).unwrap())
        .collect();
    let wrong: Vec<_> = acknowledged
        .iter()
        .filter(|text| told.iter().filter(|told| told.contains(text.as_str())).count() != 1)
        .collect();
    println!("{} acknowledged, {offline} of them offline, {} events", acknowledged.len(), events.len());
    assert!(wrong.is_empty(), "not there once: {wrong:?}");
    assert!(offline > 0);
}

/// The whole id with its author and what was said counts, whether it is in the journal, in the spool or nowhere.
#[tokio::test]
async fn an_id_that_is_in_use_is_refused_while_the_journal_is_away_and_when_it_is_back() {
    let (_ground, houses) = House::several(2).await;
    let in_use = |outcome: &Outcome| matches!(outcome, Outcome::Refused(refusal) if refusal.id_in_use);
    let [before, kept, both] = [0; 3].map(|_| CommandId(Uuid::now_v7()));
    let mut client = houses[0].client().await;
    assert!(matches!(client.command(before, note("before")).await.unwrap(), Outcome::Ok { .. }));
    houses[0].away().await;
    assert!(is_offline(&client.command(kept, note("kept")).await.unwrap()));
    assert!(is_offline(&client.command(kept, note("kept")).await.unwrap()), "a retry");
    assert!(in_use(&client.command(kept, note("other")).await.unwrap()));
    // Nobody can look it up now, and it is neither acknowledged nor done twice.
    let outcome = client.command(before, note("other")).await.unwrap();
    assert!(!matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    // The same id is used at the other room, for something else.
    assert!(is_offline(&client.command(both, note("here")).await.unwrap()));
    let there = houses[1].client().await.command(both, note("there")).await.unwrap();
    assert!(matches!(there, Outcome::Ok { offline: false, .. }));
    houses[0].back().await;
    same(&houses).await;
    let events = houses[0].events().await;
    let times = |text: &str| events.iter().filter(|event| said(event) == Some(text)).count();
    assert_eq!(["before", "kept", "other", "there", "here"].map(times), [1, 1, 0, 1, 0]);
    // What is not accepted under its id is not lost: a person decides.
    let told = events.iter().filter(|event| matches!(event.fact, Fact::Conflict(ConflictFact::Found { .. })));
    assert_eq!(told.count(), 1);
    for house in &houses {
        let mut client = house.client().await;
        assert!(in_use(&client.command(kept, note("other")).await.unwrap()));
        let again = client.command(kept, note("kept")).await.unwrap();
        assert!(matches!(again, Outcome::Ok { offline: false, .. }), "{again:?}");
    }
}

#[tokio::test]
async fn rooms_that_are_sent_one_id_at_once_record_one_command() {
    let (_ground, houses) = House::several(2).await;
    for n in 0..20 {
        let id = CommandId(Uuid::now_v7());
        let (mut one, mut other) = (houses[0].client().await, houses[1].client().await);
        let (first, second) = (format!("one {n}"), format!("other {n}"));
        let (a, b) = tokio::join!(one.command(id, note(&first)), other.command(id, note(&second)));
        let outcomes = [a.unwrap(), b.unwrap()];
        let ok = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Ok { .. })).count();
        assert_eq!(ok, 1, "{outcomes:?}");
        let refused = |one: &Outcome| matches!(one, Outcome::Refused(refusal) if refusal.id_in_use);
        assert!(outcomes.iter().any(refused), "{outcomes:?}");
    }
    same(&houses).await;
    let events = houses[0].events().await;
    assert_eq!(events.iter().filter(|event| said(event).is_some()).count(), 20);
}
