//! Whatever fails and restarts: each event at least once, first arrivals in order.

use super::*;
use crate::{
    audit::line::tests::event,
    journal::{Head, chain::Draft},
    store::sqlite::{Mode, Sqlite},
};
use futures::{FutureExt as _, future::BoxFuture};
use proptest::{collection::vec, prelude::*};
use std::{collections::VecDeque, time::Duration};

type Taken = Arc<Mutex<Vec<Seq>>>;

/// A receiver that takes a batch, fails before it, or takes some of it and fails then.
#[derive(Debug, Clone, Copy)]
enum How {
    Takes,
    Refuses,
    Breaks(usize),
    /// Says yes, and loses the newest of what it said yes to when it fails the next time.
    Loses(u64),
}

struct Receiver {
    taken: Taken,
    plan: Arc<Mutex<VecDeque<How>>>,
    doubt: u64,
}

impl Sink for Receiver {
    fn take<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), String>> {
        let how = self.plan.lock().unwrap().pop_front().unwrap_or(How::Takes);
        let mut taken = self.taken.lock().unwrap();
        let result = match how {
            How::Takes => {
                taken.extend(events.iter().map(|event| event.seq));
                Ok(())
            }
            How::Refuses => Err("no".to_owned()),
            How::Breaks(n) => {
                taken.extend(events.iter().take(n).map(|event| event.seq));
                Err("broken".to_owned())
            }
            How::Loses(n) => {
                let keep = taken.len().saturating_sub(usize::try_from(n.min(self.doubt)).unwrap());
                taken.truncate(keep);
                Err("it lost what it had".to_owned())
            }
        };
        async move { result }.boxed()
    }

    fn place(&self) -> String {
        "test".into()
    }

    fn in_doubt(&self) -> u64 {
        self.doubt
    }
}

async fn write(journal: &Sqlite, head: &mut Head, count: u64) {
    for _ in 0..count {
        let one = event(head.seq + 1, "said");
        let draft = Draft {
            command: crate::domain::CommandId(uuid::Uuid::now_v7()),
            index: 0,
            stream: one.stream,
            occurred: one.occurred,
            recorded: one.recorded,
            room: one.room,
            actor: one.actor,
            offline: None,
            fact: one.fact,
        };
        let (record, _) = chain::seal(draft, *head, [7; 16]).unwrap();
        let next = Head { seq: record.seq, hash: record.hash };
        assert_eq!(journal.append(*head, vec![record]).await, crate::journal::Appended::Ok(next));
        *head = next;
    }
}

async fn caught_up(pumps: &Pumps, head: Seq) {
    let mut views = pumps.views();
    let there = views.wait_for(|views| views.first().is_some_and(|one| one.behind == 0 && one.seq >= head));
    tokio::time::timeout(Duration::from_secs(60), there).await.expect("it catches up").unwrap();
}

/// Whether all up to `head` are there, each first arrival after the one before it.
fn complete(taken: &[Seq], head: Seq) -> bool {
    let mut newest = 0;
    for seq in taken {
        if *seq > newest + 1 {
            return false;
        }
        newest = newest.max(*seq);
    }
    newest == head
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        Just(How::Takes),
        Just(How::Refuses),
        (0_usize..30).prop_map(How::Breaks),
        (0_u64..300).prop_map(How::Loses)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn each_event_arrives_and_in_order(
        lives in vec((vec(how(), 0..5), 0_u64..40, any::<bool>()), 1..5),
        doubt in prop_oneof![Just(0_u64), Just(200)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let journal = Arc::new(Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap());
            let (taken, mut head) = (Taken::default(), Head::EMPTY);
            let plan: Arc<Mutex<VecDeque<How>>> = Arc::default();
            for (hows, count, kill) in lives {
                *plan.lock().unwrap() = hows.into();
                let sink = Receiver { taken: taken.clone(), plan: plan.clone(), doubt };
                let cursor = Cursor::below(dir.path(), "test").unwrap();
                let pumps = start(vec![Pump { name: "test".into(), sink: Box::new(sink), cursor, journal: journal.clone(), first: Span::millis(1) }]);
                write(&journal, &mut head, count).await;
                if kill {
                    // A restart in the middle: what was in flight is forgotten.
                    tokio::task::yield_now().await;
                    drop(pumps);
                } else {
                    caught_up(&pumps, head.seq).await;
                    assert!(complete(&taken.lock().unwrap(), head.seq), "{:?}", taken.lock().unwrap());
                    pumps.close().await;
                }
            }
            plan.lock().unwrap().clear();
            let sink = Receiver { taken: taken.clone(), plan, doubt };
            let cursor = Cursor::below(dir.path(), "test").unwrap();
            let pumps = start(vec![Pump { name: "test".into(), sink: Box::new(sink), cursor, journal, first: Span::millis(1) }]);
            caught_up(&pumps, head.seq).await;
            assert!(complete(&taken.lock().unwrap(), head.seq), "{:?} of {}", taken.lock().unwrap(), head.seq);
        });
    }
}

#[tokio::test]
async fn a_cursor_of_another_journal_brings_everything_and_a_sound_one_brings_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap());
    let (taken, mut head) = (Taken::default(), Head::EMPTY);
    write(&journal, &mut head, 5).await;
    let pump = |journal: &Arc<Sqlite>| {
        let sink = Receiver { taken: taken.clone(), plan: Arc::default(), doubt: 200 };
        let cursor = Cursor::below(dir.path(), "a/b").unwrap();
        vec![Pump {
            name: "a".into(),
            sink: Box::new(sink),
            cursor,
            journal: journal.clone() as Arc<dyn Journal>,
            first: FIRST,
        }]
    };
    for _ in 0..2 {
        let pumps = start(pump(&journal));
        caught_up(&pumps, 5).await;
        pumps.close().await;
    }
    assert_eq!(*taken.lock().unwrap(), [1, 2, 3, 4, 5]);
    let cursor = Cursor::below(dir.path(), "a/b").unwrap();
    let at = cursor.read().unwrap();
    cursor.write(&At { hash: Digest::ZERO, ..at }).unwrap();
    let pumps = start(pump(&journal));
    caught_up(&pumps, 5).await;
    assert_eq!(taken.lock().unwrap().len(), 10);
}

#[test]
fn a_batch_is_bounded_in_bytes_and_never_empty() {
    assert_eq!(batch(&[]), (0, BATCH));
    assert_eq!(batch(&[500; BATCH]), (BATCH, BATCH));
    // One that is larger than all goes alone, and so few are read the next time.
    assert_eq!(batch(&[4 * BATCH_BYTES, 10, 10]).0, 1);
    assert_eq!(batch(&[BATCH_BYTES; BATCH]), (1, 1));
    assert_eq!(batch(&[BATCH_BYTES / 4; BATCH]), (4, 4));
    assert_eq!(batch(&[10, BATCH_BYTES, 10]).0, 1);
}
