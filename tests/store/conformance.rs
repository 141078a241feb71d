//! What every journal does, wherever it lies.

use crate::{
    sealed::{erased, note, sealed},
    support::{
        peer::wanted,
        postgres::{PASSWORD, Server},
    },
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use warroom::{
    domain::{Fact, id::IncidentId, note::NoteFact},
    journal::{Appended, Head, Journal, chain, read_all, verify},
    store::{
        self, Mode, Place,
        postgres::{Durability, Spec, init},
    },
};

/// A place that can be opened more than once.
pub struct Ground {
    place: Place,
    _dir: Option<tempfile::TempDir>,
    /// A room's directory for each that opens it, with a mirror in it.
    mirrors: Option<Mutex<Vec<tempfile::TempDir>>>,
    pub server: Option<Server>,
}

impl Ground {
    fn file() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            place: Place::File(dir.path().join("journal.db")),
            _dir: Some(dir),
            mirrors: None,
            server: None,
        }
    }

    /// A server with a journal in it, for the role that owns nothing.
    pub async fn database(settings: &[&str]) -> Self {
        let server = Server::start(settings);
        init(&spec(&server, "ana"), Some("room")).await.unwrap();
        Self {
            place: Place::Postgres(spec(&server, "room")),
            _dir: None,
            mirrors: None,
            server: Some(server),
        }
    }

    async fn mirrored() -> Self {
        Self { mirrors: Some(Mutex::default()), ..Self::database(&["fsync=on"]).await }
    }

    pub async fn open(&self) -> Arc<dyn Journal> {
        if let (Some(mirrors), Place::Postgres(spec)) = (&self.mirrors, &self.place) {
            let dir = tempfile::tempdir().unwrap();
            let opened = store::mirror::open(spec, dir.path()).await;
            mirrors.lock().unwrap().push(dir);
            return opened.unwrap().0;
        }
        store::open(self.place.clone(), Mode::Write).await.unwrap()
    }
}

/// How a role reaches a server.
pub fn spec(server: &Server, role: &str) -> Spec {
    Spec {
        url: server.url(role),
        password: Some(PASSWORD.to_owned().into()),
        durability: Durability::Local,
        ..Spec::default()
    }
}

async fn appended(journal: &dyn Journal, head: Head, facts: Vec<Fact>) -> Head {
    let (records, _, next) = sealed(head, facts);
    assert_eq!(journal.append(head, records).await, Appended::Ok(next));
    next
}

async fn what_was_appended_is_read_again(ground: &Ground) {
    let journal = ground.open().await;
    let (mut head, mut events) = (Head::EMPTY, Vec::new());
    for text in [vec!["a"], vec!["b", "ü\u{1f525}"], vec!["\u{1b}[2J"]] {
        let (records, made, next) = sealed(head, text.into_iter().map(note).collect());
        assert_eq!(journal.append(head, records).await, Appended::Ok(next));
        head = next;
        events.extend(made);
    }
    drop(journal);
    let journal = ground.open().await;
    assert_eq!(journal.head().await.unwrap(), head);
    let mut seen = Vec::new();
    assert_eq!(read_all(journal.as_ref(), Head::EMPTY, |event| seen.push(event)).await.unwrap(), head);
    assert_eq!(seen, events);
    assert_eq!(journal.find(events[2].command).await.unwrap().len(), 2);
    assert_eq!(journal.read(3, 1).await.unwrap().iter().map(|record| record.seq).collect::<Vec<_>>(), [3]);
    assert!(journal.read(5, 10).await.unwrap().is_empty());
    assert_eq!(verify::run(journal.as_ref(), Some(head), |_| {}).await.exit(), 0);
}

async fn a_stale_head_is_a_conflict_and_leaves_nothing(ground: &Ground) {
    let journal = ground.open().await;
    let (late, _, _) = sealed(Head::EMPTY, vec![note("c")]);
    let head = appended(journal.as_ref(), Head::EMPTY, vec![note("a"), note("b")]).await;
    assert_eq!(journal.append(Head::EMPTY, late).await, Appended::Conflict(head));
    assert_eq!(journal.read(1, 10).await.unwrap().len(), 2);
    let elsewhere = Head { seq: 2, hash: Head::EMPTY.hash };
    let (forked, _, _) = sealed(elsewhere, vec![note("d")]);
    assert_eq!(journal.append(elsewhere, forked).await, Appended::Conflict(head));
    appended(journal.as_ref(), head, vec![note("e")]).await;
}

async fn appends_in_flight_are_all_answered_in_order(ground: &Ground) {
    let journal = ground.open().await;
    let (mut head, mut waits) = (Head::EMPTY, Vec::new());
    for i in 0..200 {
        let (records, _, next) = sealed(head, vec![note(&i.to_string())]);
        waits.push((next, journal.append(head, records)));
        head = next;
    }
    for (next, wait) in waits {
        assert_eq!(wait.await, Appended::Ok(next));
    }
    assert_eq!(*journal.watch().borrow(), 200);
}

async fn an_erased_payload_leaves_the_chain_sound(ground: &Ground) {
    let journal = ground.open().await;
    let head = appended(journal.as_ref(), Head::EMPTY, ["a", "b", "c"].into_iter().map(note).collect()).await;
    let hash = journal.read(2, 1).await.unwrap()[0].hash;
    // Nothing is gone yet where it is only announced, and nothing may go that nobody announced.
    journal.erase(2).await.unwrap();
    let report = verify::run(journal.as_ref(), None, |_| {}).await;
    assert_eq!((report.exit(), report.broken.map(|(seq, _)| seq)), (1, Some(2)));
    appended(journal.as_ref(), head, vec![erased(2)]).await;
    let report = verify::run(journal.as_ref(), None, |_| {}).await;
    assert_eq!((report.exit(), report.sound, report.erased), (0, 4, 1));
    let record = journal.read(2, 1).await.unwrap().remove(0);
    assert_eq!((chain::open(&record).unwrap().fact, record.hash), (Fact::Erased, hash));
    journal.erase(2).await.unwrap();
    assert!(journal.erase(9).await.is_err());
}

/// An incident is read alone, from anywhere and in pieces, whatever stands between.
async fn an_incident_is_read_by_itself(ground: &Ground) {
    let journal = ground.open().await;
    let of = |incident: u32, text: String| {
        Fact::Note(NoteFact::Said { incident: Some(IncidentId(incident)), text })
    };
    let facts = (0..60).map(|n| of(n % 3 + 1, n.to_string())).collect();
    appended(journal.as_ref(), Head::EMPTY, facts).await;
    let all = journal.read(1, 100).await.unwrap();
    let own: Vec<_> =
        all.iter().filter(|record| record.stream == Some(IncidentId(2))).map(|one| one.seq).collect();
    assert_eq!(own.len(), 20);
    let (mut read, mut from) = (Vec::new(), 1);
    loop {
        let piece = journal.read_stream(IncidentId(2), from, 7).await.unwrap();
        let Some(last) = piece.last() else { break };
        assert!(piece.len() <= 7 && piece.iter().all(|one| all.contains(one)));
        from = last.seq + 1;
        read.extend(piece.iter().map(|one| one.seq));
    }
    assert_eq!(read, own);
    assert!(journal.read_stream(IncidentId(9), 1, 7).await.unwrap().is_empty());
}

/// Two that append by turns, each deciding again where the other was first: everything is there once.
async fn two_that_append_at_once_never_fork(ground: &Ground) {
    let ana = ground.open().await;
    if ground.server.is_none() {
        let second = store::open(ground.place.clone(), Mode::Write).await.err().unwrap().to_string();
        assert!(second.contains("as its journal"), "a file has one that appends: {second}");
        return;
    }
    let ben = ground.open().await;
    let busy = |journal: Arc<dyn Journal>, name: &'static str| async move {
        let mut head = Head::EMPTY;
        for i in 0..40 {
            loop {
                let (records, _, next) = sealed(head, vec![note(&format!("{name} {i}"))]);
                match journal.append(head, records).await {
                    Appended::Ok(at) => {
                        assert_eq!(at, next);
                        head = at;
                        break;
                    }
                    Appended::Conflict(at) => {
                        assert_ne!(at, head, "a conflict says what is the case");
                        head = at;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    };
    tokio::join!(busy(Arc::clone(&ana), "ana"), busy(ben, "ben"));
    let mut seen = BTreeSet::new();
    let mut count = 0;
    read_all(ana.as_ref(), Head::EMPTY, |event| {
        count += 1;
        if let Fact::Note(NoteFact::Said { text, .. }) = event.fact {
            seen.insert(text);
        }
    })
    .await
    .unwrap();
    assert_eq!((count, seen.len()), (80, 80));
}

macro_rules! every_store {
    ($($name:ident),* $(,)?) => {
        mod file {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&super::Ground::file()).await;
            })*
        }
        mod database {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if super::wanted(concat!("store::", stringify!($name))) {
                    super::$name(&super::Ground::database(&["fsync=on"]).await).await;
                }
            })*
        }
        mod mirrored {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if super::wanted(concat!("store::mirrored::", stringify!($name))) {
                    super::$name(&super::Ground::mirrored().await).await;
                }
            })*
        }
    };
}

every_store!(
    what_was_appended_is_read_again,
    an_incident_is_read_by_itself,
    a_stale_head_is_a_conflict_and_leaves_nothing,
    appends_in_flight_are_all_answered_in_order,
    an_erased_payload_leaves_the_chain_sound,
    two_that_append_at_once_never_fork,
);
