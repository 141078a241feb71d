//! Where rooms on one database meet: a row for each, which is neither logged nor replicated. A notification wakes the
//! others at once; each asks several times a second anyway, and so knows soon that the database is out of reach.

use super::{
    outcome,
    session::{Connector, Session},
};
use crate::{
    domain::{text, time::Span},
    journal::meeting::{Heard, Meeting, Other},
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_postgres::types::{ToSql, Type};

/// How often a room says that it lives.
const EVERY: Duration = Duration::from_millis(250);
/// An answer that takes longer is told as trouble; together with [`EVERY`], a second.
const WITHIN: Duration = Duration::from_millis(750);
/// A connection that has not answered for so long is given up.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// Between two words at least, however much changes.
const APART: Duration = Duration::from_millis(50);
/// The longest wait before the next attempt to connect.
const BACKOFF: Duration = Duration::from_secs(2);

/// Says and hears in one statement. Rooms that are gone for long say nothing. Nothing of it is worth a sync.
const MEET: &str = "
WITH said AS (
  INSERT INTO warroom.rooms (room, seen, says)
  SELECT $1, clock_timestamp(), $2 WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
  ON CONFLICT (room) DO UPDATE SET seen = excluded.seen, says = excluded.says
), told AS (
  SELECT pg_notify('warroom_rooms', $1) WHERE $3
)
SELECT room, greatest(0, extract(epoch FROM clock_timestamp() - seen) * 1000)::bigint, says
FROM warroom.rooms LEFT JOIN told ON true WHERE room <> $1 AND seen > clock_timestamp() - interval '5 minutes'
ORDER BY room";

/// The same, where the server knows no notifications.
static MEET_QUIETLY: LazyLock<String> =
    LazyLock::new(|| MEET.replace("pg_notify('warroom_rooms', $1)", "NULL::text"));

/// Enters; stays until what is given back is dropped.
pub(super) fn enter(connector: Arc<Connector>, room: &str) -> Meeting {
    let (says, said) = watch::channel::<Arc<[u8]>>(Arc::from(Vec::new()));
    let (tell, heard) = watch::channel(Heard::default());
    tokio::spawn(stay(connector, room.to_owned(), said, tell));
    Meeting { says, heard }
}

async fn stay(
    connector: Arc<Connector>,
    room: String,
    mut said: watch::Receiver<Arc<[u8]>>,
    tell: watch::Sender<Heard>,
) {
    let mut wait = Duration::from_millis(100);
    while !tell.is_closed() && said.has_changed().is_ok() {
        let (notes, heard) = mpsc::channel(64);
        match connector.bare(Some(("warroom_rooms", notes))).await {
            Ok(session) => {
                let notifies = connector.notifies();
                let mut place = Place { session, notifies, room: &room, tell: &tell };
                if place.meet(&mut said, heard).await {
                    wait = Duration::from_millis(100);
                }
            }
            Err(why) => trouble(&tell, &why.to_string()),
        }
        sleep(wait).await;
        wait = (wait * 2).min(BACKOFF);
    }
}

fn trouble(tell: &watch::Sender<Heard>, why: &str) {
    let why = text::line(why).into_owned();
    tell.send_if_modified(|heard| heard.trouble.replace(why.clone()).as_ref() != Some(&why));
}

struct Place<'m> {
    session: Session,
    notifies: bool,
    room: &'m str,
    tell: &'m watch::Sender<Heard>,
}

impl Place<'_> {
    /// Meets on one connection until it breaks or the room leaves. Says whether it was one at all.
    async fn meet(
        &mut self,
        said: &mut watch::Receiver<Arc<[u8]>>,
        mut notes: mpsc::Receiver<String>,
    ) -> bool {
        if self.notifies {
            // Without, words arrive with the next look.
            drop(self.session.client.batch_execute("LISTEN warroom_rooms").await);
        }
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut met = false;
        loop {
            let mut news = false;
            tokio::select! {
                _ = tick.tick() => {}
                changed = said.changed() => {
                    if changed.is_err() {
                        self.leave().await;
                        return met;
                    }
                    news = true;
                }
                note = notes.recv() => match note {
                    Some(who) if who == self.room => continue,
                    Some(_) => {}
                    None => {
                        trouble(self.tell, "the connection to the journal's server is lost");
                        return met;
                    }
                },
            }
            let words = Arc::clone(&said.borrow_and_update());
            if let Err(why) = self.say(&words, news).await {
                trouble(self.tell, &why);
                return met;
            }
            met = true;
            sleep(APART).await;
        }
    }

    async fn say(&self, words: &[u8], news: bool) -> Result<(), String> {
        let with: [(&(dyn ToSql + Sync), Type); 3] =
            [(&self.room, Type::TEXT), (&words, Type::BYTEA), (&news, Type::BOOL)];
        let sql = if self.notifies { MEET } else { MEET_QUIETLY.as_str() };
        let asked = self.session.client.query_typed(sql, &with);
        tokio::pin!(asked);
        let rows = if let Ok(rows) = timeout(WITHIN, &mut asked).await {
            rows
        } else {
            trouble(self.tell, "the journal's server does not answer");
            let late = timeout(GIVEN_UP, asked).await;
            late.map_err(|_| "the journal's server does not answer".to_owned())?
        };
        let rows = match rows {
            Ok(rows) => rows,
            // The next word is not far.
            Err(error) if outcome::is_overtaken(&error) => return Ok(()),
            Err(error) => return Err(crate::postgres::why(&error)),
        };
        let others = rows
            .iter()
            .filter_map(|row| {
                Some(Other {
                    room: text::line(row.try_get::<_, &str>(0).ok()?).into_owned(),
                    silent: Span::millis(row.try_get::<_, i64>(1).ok()?.unsigned_abs()),
                    says: row.try_get::<_, &[u8]>(2).ok()?.into(),
                })
            })
            .collect();
        self.tell.send_modify(|heard| {
            *heard = Heard { others, trouble: None, answers: heard.answers.saturating_add(1) };
        });
        Ok(())
    }

    /// What lies there from before is cleared away by who leaves.
    async fn leave(&self) {
        let sql = "DELETE FROM warroom.rooms WHERE room = $1 OR seen < clock_timestamp() - interval '1 hour'";
        drop(timeout(WITHIN, self.session.client.query_typed(sql, &[(&self.room, Type::TEXT)])).await);
    }
}
