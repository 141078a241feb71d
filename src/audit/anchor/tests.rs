//! What is signed, when, and what is signed no more.

use super::*;
use crate::{
    domain::{
        CommandId, Fact,
        actor::Actor,
        id::IncidentId,
        incident::{IncidentFact, Status},
        note::NoteFact,
        time::Stamp,
    },
    journal::{
        Appended,
        chain::Draft,
        checkpoint::{Signed, Verifier},
    },
    store::sqlite::{Mode, Sqlite},
};
use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

fn note(text: &str) -> Fact {
    Fact::Note(NoteFact::Said { incident: None, text: text.into() })
}

fn closed() -> Fact {
    let (from, to) = (Status::Resolved, Status::Closed);
    Fact::Incident(IncidentFact::StatusChanged { incident: IncidentId(1), from, to })
}

async fn append(journal: &dyn Journal, facts: Vec<Fact>) -> Head {
    let before = journal.head().await.unwrap();
    let (mut head, mut records) = (before, Vec::new());
    for fact in facts {
        let draft = Draft {
            command: CommandId(uuid::Uuid::now_v7()),
            index: 0,
            stream: None,
            occurred: Stamp::wall_only(clock::now().wall),
            recorded: clock::now().wall,
            room: "r".into(),
            actor: Actor::user("ana", 1000),
            offline: None,
            fact,
        };
        let (record, _) = chain::seal(draft, head, [7; 16]).unwrap();
        head = Head { seq: record.seq, hash: record.hash };
        records.push(record);
    }
    assert_eq!(journal.append(before, records).await, Appended::Ok(head));
    head
}

struct Ground {
    dir: tempfile::TempDir,
    key: [u8; 32],
}

impl Ground {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), key: [5; 32] }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    fn kept(&self) -> PathBuf {
        Files::beside(&self.path()).kept
    }

    fn sent(&self) -> PathBuf {
        self.dir.path().join("elsewhere")
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(Sqlite::open(&self.path(), Mode::Write).unwrap())
    }

    fn start(&self, journal: &Arc<dyn Journal>, pace: Pace) -> Anchoring {
        start(Anchor {
            journal: Arc::clone(journal),
            signer: Signer::new("here/journal.db", self.key).unwrap(),
            kept: self.kept(),
            pace,
            to: vec![format!("file:{}", self.sent().display()).parse().ok().unwrap()],
        })
    }

    fn public(&self) -> Verifier {
        Signer::new("here/journal.db", self.key).unwrap().verifier()
    }

    fn signed(&self, path: &Path) -> Vec<Head> {
        let notes = read(path).unwrap().notes;
        let good = |note: &Note| matches!(note.signed(&[self.public()]), Signed::By(_));
        notes
            .into_iter()
            .map(Result::unwrap)
            .inspect(|note| assert!(good(note)))
            .map(|note| note.head)
            .collect()
    }
}

const SELDOM: Pace = Pace { events: 10, within: Span::hours(1) };

async fn shown(anchoring: &Anchoring, like: impl Fn(&Anchored) -> bool) -> Anchored {
    let mut view = anchoring.view();
    let seen = view.wait_for(|view| view.as_ref().is_some_and(&like));
    tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap().unwrap().clone().unwrap()
}

#[tokio::test]
async fn it_signs_by_number_at_a_close_and_at_the_end_and_goes_on_after_a_restart() {
    let ground = Ground::new();
    let journal = ground.journal();
    let anchoring = ground.start(&journal, SELDOM);
    let ten = append(journal.as_ref(), (0..10).map(|i| note(&i.to_string())).collect()).await;
    shown(&anchoring, |view| view.seq == 10).await;
    append(journal.as_ref(), vec![note("a")]).await;
    let twelve = append(journal.as_ref(), vec![closed()]).await;
    let view = shown(&anchoring, |view| view.seq == 12).await;
    assert_eq!(view.note.unwrap().parse::<Note>().unwrap().head, twelve);
    assert_eq!((view.key, view.trouble), (ground.public().to_string(), None));
    let last = append(journal.as_ref(), vec![note("b")]).await;
    anchoring.close().await;
    assert_eq!(ground.signed(&ground.kept()), [ten, twelve, last]);
    // What was sent elsewhere ends with the newest; that is all that is promised of it.
    assert_eq!(ground.signed(&ground.sent()).last(), Some(&last));
    // With nothing new there is nothing to sign; the last is shown.
    let anchoring = ground.start(&journal, SELDOM);
    shown(&anchoring, |view| view.seq == 13 && view.trouble.is_none()).await;
    anchoring.close().await;
    assert_eq!(ground.signed(&ground.kept()).len(), 3);
    assert_eq!(std::fs::metadata(ground.kept()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn it_signs_what_has_waited_long_enough() {
    let ground = Ground::new();
    let journal = ground.journal();
    let anchoring = ground.start(&journal, Pace { events: 1_000, within: Span::secs(1) });
    append(journal.as_ref(), vec![note("a")]).await;
    shown(&anchoring, |view| view.seq == 1).await;
}

#[tokio::test]
async fn a_journal_that_was_cut_or_written_anew_is_signed_no_more_and_said() {
    for anew in [0, 9, 12] {
        let ground = Ground::new();
        let journal = ground.journal();
        let anchoring = ground.start(&journal, SELDOM);
        append(journal.as_ref(), (0..10).map(|i| note(&i.to_string())).collect()).await;
        shown(&anchoring, |view| view.seq == 10).await;
        anchoring.close().await;
        drop(journal);
        std::fs::remove_file(ground.path()).unwrap();
        let journal = ground.journal();
        if anew > 0 {
            append(journal.as_ref(), (0..anew).map(|i| note(&format!("anew {i}"))).collect()).await;
        }
        let anchoring = ground.start(&journal, SELDOM);
        let view = shown(&anchoring, |view| view.trouble.is_some()).await;
        assert!(view.lost);
        let (why, _) = view.trouble.unwrap();
        let how = if anew == 12 { "is another event now" } else { "is not there any more" };
        assert!(why.contains("event 10 was signed") && why.contains(how), "{why}");
        append(journal.as_ref(), (0..20).map(|i| note(&i.to_string())).collect()).await;
        anchoring.close().await;
        assert_eq!(ground.signed(&ground.kept()).len(), 1, "nothing was signed on top of it");
    }
}

#[tokio::test]
async fn nothing_is_signed_that_does_not_follow_what_was_signed() {
    let ground = Ground::new();
    let journal = ground.journal();
    let anchoring = ground.start(&journal, SELDOM);
    append(journal.as_ref(), (0..10).map(|i| note(&i.to_string())).collect()).await;
    shown(&anchoring, |view| view.seq == 10).await;
    anchoring.close().await;
    append(journal.as_ref(), (0..12).map(|i| note(&format!("after, {i}"))).collect()).await;
    drop(journal);
    // Behind the last checkpoint, and before what is looked at when it is opened.
    let sql = "DROP TRIGGER payloads_stay; UPDATE payloads SET salt = x'00' WHERE seq = 12";
    rusqlite::Connection::open(ground.path()).unwrap().execute_batch(sql).unwrap();
    let journal = ground.journal();
    let anchoring = ground.start(&journal, SELDOM);
    let view = shown(&anchoring, |view| view.trouble.is_some()).await;
    assert!(view.lost && view.trouble.unwrap().0.contains("event 12"));
    anchoring.close().await;
    assert_eq!(ground.signed(&ground.kept()).len(), 1);
}

#[test]
fn a_checkpoint_that_was_cut_off_is_written_over() {
    let ground = Ground::new();
    let signer = Signer::new("here/journal.db", ground.key).unwrap();
    let head = |seq| Head { seq, hash: crate::domain::id::Digest([1; 32]) };
    let path = ground.kept();
    for seq in 1..4 {
        files::append(&path, &signer.sign(head(seq)).to_string()).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    let torn = whole.len() - 20;
    std::fs::write(&path, &whole[..torn]).unwrap();
    assert_eq!(ground.signed(&path).len(), 2);
    files::append(&path, &signer.sign(head(9)).to_string()).unwrap();
    assert_eq!(ground.signed(&path), [head(1), head(2), head(9)]);
    // Forged, it is not gone on from.
    let text = std::fs::read_to_string(&path).unwrap().replace("\n9\n", "\n99\n");
    std::fs::write(&path, text).unwrap();
    assert!(files::newest(&path, &ground.public()).unwrap_err().contains("forged"));
}

#[test]
fn a_key_is_made_once_and_only_its_owner_may_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.key");
    assert!(read_key(&path).unwrap().is_none());
    let made = signer(&path, "here/j", || Ok([3; 32])).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = signer(&path, "elsewhere/j", || Ok([4; 32])).unwrap();
    assert_eq!(again.verifier(), made.verifier(), "its name stays too");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let why = signer(&path, "here/j", || Ok([3; 32])).unwrap_err();
    assert!(why.contains("chmod 600"), "{why}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "PRIVATE+KEY+x").unwrap();
    let why = signer(&path, "here/j", || Ok([3; 32])).unwrap_err();
    assert!(why.contains("journal.key"), "{why}");
}

#[test]
fn places_are_read() {
    for good in ["file:/srv/a", "file:///srv/a", "unix:/dev/log", "udp://logs:514", "tcp://logs:601"] {
        assert!(good.parse::<To>().is_ok(), "{good}");
    }
    for bad in ["", "file:", "file:srv/a", "/srv/a", "http://x"] {
        assert!(bad.parse::<To>().is_err(), "{bad}");
    }
}
