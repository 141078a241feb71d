//! A room that starts while its database is out of reach.

use crate::{
    proxy::Line,
    rooms::{One, declare, note, said, same, several, told, until_async},
    support::peer::wanted,
};
use std::sync::Arc;
use warroom::{
    domain::Event,
    wire::{Ask, Outcome, Told},
};

/// The whole timeline, page by page, as a seat reads it.
async fn timeline(room: &One) -> Vec<Event> {
    let (mut all, mut from) = (Vec::new(), 1);
    let mut client = room.client().await;
    loop {
        match client.ask(Ask::Events { from, limit: 200, incident: None }).await.unwrap() {
            Told::Events { events, next } => {
                all.extend(events);
                match next {
                    Some(next) => from = next,
                    None => return all,
                }
            }
            other => panic!("from {from}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_starts_while_its_database_is_gone_shows_all_that_it_knew() {
    if !wanted("a_room_that_starts_while_its_database_is_gone_shows_all_that_it_knew") {
        return;
    }
    let (ground, lines, mut rooms) = several(2).await;
    assert!(matches!(rooms[0].does(declare()).await, Outcome::Ok { .. }));
    // More than is at hand in memory.
    let mut client = rooms[0].client().await;
    for n in 0..900 {
        assert!(matches!(client.act(note(&format!("known {n}."))).await.unwrap(), Outcome::Ok { .. }));
    }
    assert!(matches!(rooms[1].does(note("by the other.")).await, Outcome::Ok { .. }));
    same(&rooms).await;
    let before = timeline(&rooms[0]).await;
    let path = std::fs::read_dir(rooms[0].dir.path()).unwrap().map(|file| file.unwrap().path());
    let mut mirrors = path.filter(|path| path.extension().is_some_and(|ending| ending == "db"));
    let mirror = mirrors.next().unwrap();
    until_async("the mirror has all of it", async || {
        let mirror = warroom::store::sqlite::Sqlite::open(&mirror, warroom::store::Mode::Read).unwrap();
        let head = warroom::journal::Journal::head(&mirror).await.unwrap().seq;
        head >= before.len() as u64
    })
    .await;
    lines[0].set(Line::Cut);
    rooms[0].fall();
    rooms[0].rise_again().await;
    let status = rooms[0].status().await;
    assert!(status.away.is_some(), "{status:?}");
    let shown = timeline(&rooms[0]).await;
    assert_eq!(shown[..before.len()], before[..]);
    let refused = rooms[0].asks().await;
    assert!(!refused.allowed && refused.freeze.is_some(), "a freeze that it knows: {refused:?}");
    assert_eq!(rooms[0].may("blog", "staging").await.because.exit(), 12);
    assert!(matches!(rooms[0].does(note("first.")).await, Outcome::Ok { offline: true, .. }));
    // Killed and started once more: what was kept is shown again.
    rooms[0].fall();
    rooms[0].rise_again().await;
    let shown = timeline(&rooms[0]).await;
    assert_eq!(shown[..before.len()], before[..]);
    assert!(shown.iter().any(|event| said(event) == Some("first.") && event.is_provisional()));
    assert!(matches!(rooms[0].does(note("second.")).await, Outcome::Ok { offline: true, .. }));
    assert!(matches!(rooms[1].does(note("meanwhile.")).await, Outcome::Ok { offline: false, .. }));
    lines[0].set(Line::Open);
    until_async("it is back", async || rooms[0].status().await.away.is_none()).await;
    assert!(matches!(rooms[0].does(note("after.")).await, Outcome::Ok { offline: false, .. }));
    same(&rooms).await;
    let own = rooms[0].status().await.rooms;
    assert!(own.iter().any(|room| room.own), "it has opened: {own:?}");
    let events = told(&ground).await;
    let notes: Vec<&str> = events.iter().filter_map(said).filter(|text| !text.starts_with("known")).collect();
    assert_eq!(notes, ["by the other.", "meanwhile.", "first.", "second.", "after."]);
    assert_eq!(timeline(&rooms[0]).await, events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_never_knew_its_database_does_not_start_without() {
    if !wanted("a_room_that_never_knew_its_database_does_not_start_without") {
        return;
    }
    let (_ground, lines, rooms) = several(1).await;
    lines[0].set(Line::Cut);
    let dir = tempfile::tempdir().unwrap();
    let Err(trouble) = warroom::store::mirror::open(&rooms[0].spec, dir.path()).await else { panic!() };
    assert!(trouble.to_string().contains("see that one of the hosts runs"), "{trouble}");
    let copy = super::rooms::left(&rooms[0].dir);
    let mirrored: Arc<_> = warroom::store::mirror::open(&rooms[0].spec, copy.path()).await.unwrap().0;
    assert!(mirrored.mirror().is_some());
}
