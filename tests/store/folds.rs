//! What a seat of another version is told when the journal is back.

use crate::{
    conformance::{Ground, spec},
    proxy::{Line, Proxy},
    rooms::{One, note, until_async},
    support::peer::wanted,
};
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{UnixStream, unix::OwnedReadHalf, unix::OwnedWriteHalf},
};
use warroom::{
    domain::state::FOLD,
    signal::Shows,
    store::postgres::Spec,
    wire::{As, FromRoom, Outcome, ToRoom, WIRE, decode, encode},
};

struct Seat(
    Lines<BufReader<OwnedReadHalf>>,
    #[allow(dead_code, reason = "dropped, it would hang up")] OwnedWriteHalf,
);

impl Seat {
    async fn sit(room: &One, fold: u32) -> Self {
        let (read, mut write) = UnixStream::connect(&room.socket).await.unwrap().into_split();
        let shows = Shows::default();
        let (role, live, claimed, read_only) = (As::Seat, true, None, false);
        let hello = ToRoom::Hello { wire: WIRE, fold, role, live, claimed, read_only, shows, parts: false };
        write.write_all(&encode(&hello)).await.unwrap();
        Self(BufReader::new(read).lines(), write)
    }

    /// The first frame that is so; none where the room ended the connection before.
    async fn gets(&mut self, so: impl Fn(&FromRoom) -> bool) -> Option<FromRoom> {
        let coming = async {
            loop {
                let line = self.0.next_line().await.ok()??;
                if let Some(frame) = decode(line.as_bytes()).ok().filter(|frame| so(frame)) {
                    return Some(frame);
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(45), coming).await.expect("it never came")
    }
}

/// It has folded what was shown offline, whose numbers are other events' now, and a state it cannot be sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_seat_of_another_fold_connects_again_when_the_journal_is_back() {
    if !wanted("a_seat_of_another_fold_connects_again_when_the_journal_is_back") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let line = Proxy::to(server.port).await;
    let url = format!("postgres://room@127.0.0.1:{}/warroom", line.port);
    let room = One::open(Spec { url, ..spec(server, "room") }).await;
    let (mut same, mut other) = (Seat::sit(&room, FOLD).await, Seat::sit(&room, FOLD + 1).await);
    assert!(same.gets(|frame| matches!(frame, FromRoom::Snapshot { .. })).await.is_some());
    assert!(other.gets(|frame| matches!(frame, FromRoom::Hello { .. })).await.is_some());
    line.set(Line::Cut);
    until_async("the room says so", async || room.status().await.away.is_some()).await;
    assert!(matches!(room.does(note("meanwhile")).await, Outcome::Ok { offline: true, .. }));
    let meanwhile = |frame: &FromRoom| matches!(frame, FromRoom::Event(event) if crate::rooms::said(event) == Some("meanwhile"));
    assert!(same.gets(meanwhile).await.is_some() && other.gets(meanwhile).await.is_some());
    line.set(Line::Open);
    let bye = other.gets(|frame| matches!(frame, FromRoom::Bye { .. })).await;
    assert!(matches!(&bye, Some(FromRoom::Bye { say, .. }) if say.contains("connect again")), "{bye:?}");
    assert!(other.gets(|_| true).await.is_none(), "and that was all");
    assert!(same.gets(|frame| matches!(frame, FromRoom::Snapshot { .. })).await.is_some());
    assert!(matches!(room.does(note("after")).await, Outcome::Ok { offline: false, .. }));
    let after = |frame: &FromRoom| matches!(frame, FromRoom::Event(event) if crate::rooms::said(event) == Some("after"));
    assert!(same.gets(after).await.is_some());
    let mut again = Seat::sit(&room, FOLD + 1).await;
    assert!(again.gets(|frame| matches!(frame, FromRoom::Hello { .. })).await.is_some());
    room.stop().await;
}
