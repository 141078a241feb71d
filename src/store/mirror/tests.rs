use super::*;
use crate::{
    domain::{Fact, note::NoteFact},
    store::{
        Mode,
        sqlite::{Sqlite, tests::sealed},
    },
};
use proptest::prelude::*;
use std::{path::PathBuf, time::Duration};

/// A journal, which is in a file here, and a room's directory.
struct Ground {
    dir: tempfile::TempDir,
    journal: Arc<Sqlite>,
}

impl Ground {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap());
        Self { dir, journal }
    }

    fn path(&self) -> PathBuf {
        file::path(self.dir.path(), "postgres://a,b/warroom")
    }

    async fn open(&self) -> (Arc<dyn Journal>, Found) {
        let mirror = file::File::open(&self.path()).await.unwrap();
        join(self.journal.clone(), mirror, None).await.unwrap()
    }

    async fn away(&self) -> Result<(Arc<dyn Journal>, Found), Trouble> {
        let mirror = file::File::open(&self.path()).await.unwrap();
        let why = Trouble::Unreadable { what: "a".into(), why: "gone".into(), hint: "wait".into() };
        join(self.journal.clone(), mirror, Some(why)).await
    }

    /// The journal is another from event `keep` on, as after a failover to a server that was behind.
    async fn loses(&mut self, keep: usize, instead: &[&str]) {
        let kept = self.journal.read(1, keep).await.unwrap();
        let path = self.dir.path().join(format!("other-{}.db", uuid::Uuid::new_v4()));
        let other = Arc::new(Sqlite::open(&path, Mode::Write).unwrap());
        if !kept.is_empty() {
            assert!(matches!(other.append(Head::EMPTY, kept).await, Appended::Ok(_)));
        }
        self.journal = other;
        for text in instead {
            says(self.journal.as_ref(), text).await;
        }
    }

    fn kept_aside(&self) -> usize {
        let files = std::fs::read_dir(self.dir.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains(".lost-") && !name.contains(".db-")).count()
    }

    /// The room ends: its mirror is closed.
    async fn ends(&self, journal: Arc<dyn Journal>) {
        drop(journal);
        until("it is closed", async || !self.path().with_extension("db-wal").exists()).await;
    }
}

async fn says(journal: &dyn Journal, text: &str) {
    adds(journal, Fact::Note(NoteFact::Said { incident: None, text: text.into() })).await;
}

async fn adds(journal: &dyn Journal, fact: Fact) {
    let head = journal.head().await.unwrap();
    let (records, _, next) = sealed(head, vec![fact]);
    assert_eq!(journal.append(head, records).await, Appended::Ok(next));
}

async fn takes_out(journal: &dyn Journal, seq: Seq) {
    let fact = NoteFact::Erased {
        incident: None,
        seq,
        kind: "note.said".into(),
        payload: true,
        evidence: None,
        reason: "a password".into(),
    };
    adds(journal, Fact::Note(fact)).await;
    journal.erase(seq).await.unwrap();
}

async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within 10 s: {what}");
}

/// The mirror gets to be what the journal is, erased payloads and all.
async fn is_followed(journal: &dyn Journal) {
    let all = journal.read(1, 10_000).await.unwrap();
    until("the mirror is the journal", async || {
        let Some(mirror) = journal.mirror() else { return false };
        mirror.read(1, 10_000).await.is_ok_and(|there| there == all)
    })
    .await;
}

#[tokio::test]
async fn what_any_room_appends_is_in_the_mirror() {
    let ground = Ground::new();
    says(ground.journal.as_ref(), "before there was a mirror").await;
    let (journal, found) = ground.open().await;
    assert_eq!(found, Found::Sound);
    says(journal.as_ref(), "by this room").await;
    is_followed(journal.as_ref()).await;
    // By another room: this one has not read it.
    says(ground.journal.as_ref(), "by another").await;
    is_followed(journal.as_ref()).await;
    ground.ends(journal).await;
    says(ground.journal.as_ref(), "while this room was down").await;
    let (journal, found) = ground.open().await;
    assert_eq!(found, Found::Sound);
    is_followed(journal.as_ref()).await;
}

#[tokio::test]
async fn what_is_erased_is_erased_in_the_mirror() {
    let ground = Ground::new();
    let (journal, _) = ground.open().await;
    says(journal.as_ref(), "hunter2").await;
    says(journal.as_ref(), "hunter3").await;
    is_followed(journal.as_ref()).await;
    takes_out(journal.as_ref(), 1).await;
    is_followed(journal.as_ref()).await;
    ground.ends(journal).await;
    // By another room, while this one was down.
    takes_out(ground.journal.as_ref(), 2).await;
    let (journal, _) = ground.open().await;
    is_followed(journal.as_ref()).await;
    ground.ends(journal).await;
    let bytes = std::fs::read(ground.path()).unwrap();
    for secret in ["hunter2", "hunter3"] {
        assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{secret} lies in the file");
    }
}

#[tokio::test]
async fn a_room_starts_on_its_mirror_and_not_on_nothing() {
    let ground = Ground::new();
    let Err(Trouble::Unreadable { why, .. }) = ground.away().await else { panic!("on nothing") };
    assert_eq!(why, "gone");
    let (journal, _) = ground.open().await;
    says(journal.as_ref(), "one").await;
    is_followed(journal.as_ref()).await;
    ground.ends(journal).await;
    let (journal, found) = ground.away().await.unwrap();
    assert_eq!(found, Found::Away("a: gone: wait".into()));
    assert_eq!(journal.mirror().unwrap().head().await, journal.head().await);
}

#[tokio::test]
async fn a_damaged_mirror_begins_anew() {
    let ground = Ground::new();
    let (journal, _) = ground.open().await;
    says(journal.as_ref(), "one").await;
    is_followed(journal.as_ref()).await;
    ground.ends(journal).await;
    std::fs::write(ground.path(), b"no database").unwrap();
    let (journal, found) = ground.open().await;
    assert_eq!(found, Found::Sound);
    is_followed(journal.as_ref()).await;
}

/// Loses what it had when it is told to.
struct Fickle(std::sync::Mutex<Arc<Sqlite>>);
impl Fickle {
    fn now(&self) -> Arc<Sqlite> {
        self.0.lock().unwrap().clone()
    }
}
impl Journal for Fickle {
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended> {
        self.now().append(expected, records)
    }
    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.now().read(from, limit)
    }
    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.now().find(command)
    }
    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>> {
        self.now().head()
    }
    fn watch(&self) -> watch::Receiver<Seq> {
        self.now().watch()
    }
    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>> {
        self.now().erase(seq)
    }
    fn place(&self) -> String {
        self.now().place()
    }
    fn regressed(&self) -> BoxFuture<'static, Result<bool, Trouble>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

#[tokio::test]
async fn a_journal_that_loses_events_while_the_room_runs_is_mirrored_anew() {
    let mut ground = Ground::new();
    let fickle = Arc::new(Fickle(std::sync::Mutex::new(ground.journal.clone())));
    let mirror = file::File::open(&ground.path()).await.unwrap();
    let (journal, _) = join(fickle.clone(), mirror, None).await.unwrap();
    for text in ["one", "two", "three"] {
        says(journal.as_ref(), text).await;
    }
    is_followed(journal.as_ref()).await;
    ground.loses(1, &["another two"]).await;
    *fickle.0.lock().unwrap() = ground.journal.clone();
    assert_eq!(journal.regressed().await, Ok(true));
    is_followed(journal.as_ref()).await;
    assert_eq!(ground.kept_aside(), 1);
}

fn block_on<T>(wait: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(wait)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_first_event_that_was_lost_is_found(had in 1usize..40, kept in 0usize..40, instead in 0usize..6) {
        block_on(async {
            let kept = kept.min(had);
            let mut ground = Ground::new();
            let (journal, _) = ground.open().await;
            for n in 0..had {
                says(journal.as_ref(), &format!("word {n}")).await;
            }
            is_followed(journal.as_ref()).await;
            ground.ends(journal).await;
            let other: Vec<String> = (0..instead).map(|n| format!("other {n}")).collect();
            ground.loses(kept, &other.iter().map(String::as_str).collect::<Vec<_>>()).await;
            let (journal, found) = ground.open().await;
            let (had, kept) = (had as u64, kept as u64);
            let wanted = if kept == had { Found::Sound } else { Found::Lost { from: kept + 1, to: had } };
            assert_eq!(found, wanted);
            assert_eq!(ground.kept_aside(), usize::from(kept != had));
            is_followed(journal.as_ref()).await;
        });
    }
}
