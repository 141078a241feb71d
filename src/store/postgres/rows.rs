//! The statements.

use super::{
    outcome,
    session::{Connector, Session},
};
use crate::{
    domain::{
        CommandId, Seq,
        id::{Digest, IncidentId},
    },
    journal::{Appended, Head, Trouble, chain, chain::Record},
};
use futures::future;
use std::sync::LazyLock;
use tokio_postgres::{
    Error, Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

/// One statement, hence one transaction: nothing is inserted where the head is not the one that was expected, or where no
/// standby would have it and one is demanded; and who listens hears of it when it is durable. Nothing of the connection
/// counts, for behind a pooler that is another with each transaction: what a role, a database or somebody else has set
/// does not weaken the commit.
const APPEND: &str = "
WITH moved AS (
  UPDATE warroom.head SET seq = $3, hash = $4
  WHERE seq = $1 AND hash = $2 AND (NOT $14 OR current_setting('synchronous_standby_names') <> '') RETURNING seq
), record AS MATERIALIZED (
  SELECT record.* FROM moved, unnest($5::bigint[], $6::bytea[], $7::bigint[], $8::bytea[], $9::bytea[], $10::bytea[],
    $11::bytea[], $12::bytea[], $13::bytea[])
    AS record (seq, command, stream, header, prev, body, hash, salt, payload)
), event AS (
  INSERT INTO warroom.events (seq, command, stream, header, prev, body, hash)
  SELECT seq, command, stream, header, prev, body, hash FROM record
), said AS (
  INSERT INTO warroom.payloads (seq, salt, payload)
  SELECT seq, salt, payload FROM record WHERE payload IS NOT NULL
)
SELECT current_setting('synchronous_standby_names') <> '',
  set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply'
    ELSE 'on' END, true), pg_notify('warroom', seq::text) FROM moved";

/// The same, where the server knows no notifications.
static APPEND_QUIETLY: LazyLock<String> =
    LazyLock::new(|| APPEND.replace(", pg_notify('warroom', seq::text)", ""));

const COLUMNS: &str = "SELECT e.seq, e.command, e.stream, e.header, e.prev, e.body, e.hash, p.salt, p.payload \
                       FROM warroom.events e LEFT JOIN warroom.payloads p ON p.seq = e.seq";

fn number(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Appends records that follow `expected`, or says that the head is another.
pub(super) async fn append(
    connector: &Connector,
    session: &Session,
    expected: Head,
    records: &[Record],
    acknowledged: Head,
) -> Appended {
    let Some(last) = records.last() else { return Appended::Ok(expected) };
    let next = Head { seq: last.seq, hash: last.hash };
    let place = connector.place();
    session.begin();
    // Sent at once, answered in this order.
    let (moved, stands) =
        future::join(insert(connector, session, expected, next, records), stands(connector, session)).await;
    match moved {
        Ok(Some(_)) if session.has_warned() => Appended::Unknown(format!(
            "{place}: the server committed it with a warning, maybe without its standby"
        )),
        // Who waits for a standby is let go where nobody demands one any more.
        Ok(Some(_)) if !stands => Appended::Unknown(format!(
            "{place}: the server committed it, and demands no standby any more (synchronous_standby_names is empty)"
        )),
        Ok(Some(replicated)) => {
            connector.found_replicated(replicated);
            Appended::Ok(next)
        }
        Ok(None) => {
            let alone = || Appended::Unavailable(connector.alone().to_string());
            overtaken(session, place, expected, acknowledged).await.unwrap_or_else(alone)
        }
        Err(error) if outcome::is_overtaken(&error) => {
            let refused = || outcome::appended(place, &error);
            overtaken(session, place, expected, acknowledged).await.unwrap_or_else(refused)
        }
        Err(error) => outcome::appended(place, &error),
    }
}

/// What became of an append of which nothing was inserted; none where the head is the one that was expected.
async fn overtaken(session: &Session, place: &str, expected: Head, acknowledged: Head) -> Option<Appended> {
    match head_after(session, acknowledged).await {
        Ok((head, _)) if head == expected => None,
        Ok((head, true)) => Some(Appended::Conflict(head)),
        // Behind a pooler a connection outlives its server, and what answers may be one that was behind.
        Ok((_, false)) => Some(Appended::Unavailable(lost(place, acknowledged).to_string())),
        Err(error) => Some(Appended::Unavailable(outcome::trouble(place, &error).to_string())),
    }
}

/// Whether, after a commit, a standby is demanded still, where it is to be.
pub(super) async fn stands(connector: &Connector, session: &Session) -> bool {
    if !connector.wants_standby() {
        return true;
    }
    let sql = "SELECT current_setting('synchronous_standby_names') <> ''";
    let rows = session.client.query_typed(sql, &[]).await;
    rows.ok().and_then(|rows| rows.first()?.try_get(0).ok()).unwrap_or_default()
}

/// Waits until a standby has all that is there: what a server found when it came up again it may have alone. Locking a row
/// is written to the log, and is over with the statement.
pub(super) async fn settled(session: &Session) -> Result<(), Error> {
    let sql = "SELECT set_config('synchronous_commit', 'on', true) FROM warroom.head FOR UPDATE";
    session.client.query_typed(sql, &[]).await.map(drop)
}

/// Whether a standby has what was inserted; none where nothing was.
async fn insert(
    connector: &Connector,
    session: &Session,
    expected: Head,
    next: Head,
    records: &[Record],
) -> Result<Option<bool>, Error> {
    let rows = Columns::of(records);
    let moved = session
        .client
        .query_typed(
            if connector.notifies() { APPEND } else { &APPEND_QUIETLY },
            &[
                (&number(expected.seq), Type::INT8),
                (&expected.hash.0.as_slice(), Type::BYTEA),
                (&number(next.seq), Type::INT8),
                (&next.hash.0.as_slice(), Type::BYTEA),
                (&rows.seqs, Type::INT8_ARRAY),
                (&rows.commands, Type::BYTEA_ARRAY),
                (&rows.streams, Type::INT8_ARRAY),
                (&rows.headers, Type::BYTEA_ARRAY),
                (&rows.prevs, Type::BYTEA_ARRAY),
                (&rows.bodies, Type::BYTEA_ARRAY),
                (&rows.hashes, Type::BYTEA_ARRAY),
                (&rows.salts, Type::BYTEA_ARRAY),
                (&rows.payloads, Type::BYTEA_ARRAY),
                (&connector.wants_standby(), Type::BOOL),
            ],
        )
        .await?;
    moved.first().map(|row| row.try_get(0)).transpose()
}

/// Records as the statement takes them: an array for each column.
#[derive(Default)]
struct Columns<'r> {
    seqs: Vec<i64>,
    commands: Vec<&'r [u8]>,
    streams: Vec<Option<i64>>,
    headers: Vec<&'r [u8]>,
    prevs: Vec<&'r [u8]>,
    bodies: Vec<&'r [u8]>,
    hashes: Vec<&'r [u8]>,
    salts: Vec<Option<&'r [u8]>>,
    payloads: Vec<Option<&'r [u8]>>,
}

impl<'r> Columns<'r> {
    fn of(records: &'r [Record]) -> Self {
        let mut all = Self::default();
        for record in records {
            let payload = record.payload.as_ref();
            all.seqs.push(number(record.seq));
            all.commands.push(record.command.0.as_bytes());
            all.streams.push(record.stream.map(|id| i64::from(id.0)));
            all.headers.push(&record.header);
            all.prevs.push(&record.prev.0);
            all.bodies.push(&record.body.0);
            all.hashes.push(&record.hash.0);
            all.salts.push(payload.map(|(salt, _)| salt.as_slice()));
            all.payloads.push(payload.map(|(_, payload)| payload.as_slice()));
        }
        all
    }
}

/// Where the chain ends.
pub(super) async fn head(session: &Session) -> Result<Head, Error> {
    let rows = session.client.query_typed("SELECT seq, hash FROM warroom.head", &[]).await?;
    // Without its head row nothing fits it, which is said where it is looked at.
    let Some(row) = rows.first() else { return Ok(Head::EMPTY) };
    Ok(Head { seq: row.get::<_, i64>(0).unsigned_abs(), hash: digest(row, 1)? })
}

/// The same, and whether an event is there that was acknowledged.
async fn head_after(session: &Session, acknowledged: Head) -> Result<(Head, bool), Error> {
    let sql = "SELECT seq, hash, $1 = 0 OR EXISTS (SELECT 1 FROM warroom.events WHERE seq = $1 AND hash = $2) \
               FROM warroom.head";
    let rows = session
        .client
        .query_typed(sql, &named(&number(acknowledged.seq), &acknowledged.hash.0.as_slice()))
        .await?;
    let Some(row) = rows.first() else { return Ok((Head::EMPTY, false)) };
    Ok((Head { seq: row.get::<_, i64>(0).unsigned_abs(), hash: digest(row, 1)? }, row.try_get(2)?))
}

fn named<'v>(seq: &'v i64, hash: &'v &[u8]) -> [(&'v (dyn ToSql + Sync), Type); 2] {
    [(seq, Type::INT8), (hash, Type::BYTEA)]
}

/// What is said where a server does not have what was acknowledged.
pub(super) fn lost(place: &str, Head { seq, hash }: Head) -> Trouble {
    Trouble::Broken { seq, why: format!("it was acknowledged as {seq}:{hash}, and {place} has lost it") }
}

/// Where the chain ends, once its last event was looked at.
pub(super) async fn checked_head(session: &Session, place: &str) -> Result<Head, Trouble> {
    let fail = |error| outcome::trouble(place, &error);
    let head = head(session).await.map_err(fail)?;
    let tail = read(session, head.seq.saturating_sub(1).max(1), 3).await.map_err(fail)?;
    let broken = |seq, why: &str| Err(Trouble::Broken { seq, why: why.to_owned() });
    let Some(last) = tail.last() else {
        return if head == Head::EMPTY { Ok(head) } else { broken(head.seq, "it is missing") };
    };
    if (last.seq, last.hash) != (head.seq, head.hash) {
        return broken(last.seq, "it is not the one that the head names");
    }
    let before = Head { seq: last.seq.saturating_sub(1), hash: last.prev };
    chain::follows(before, last).map_err(|why| Trouble::Broken { seq: last.seq, why })?;
    Ok(head)
}

/// Whether an event is there that was acknowledged.
pub(super) async fn has(session: &Session, head: Head) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM warroom.events WHERE seq = $1 AND hash = $2";
    let (seq, hash) = (number(head.seq), head.hash.0.as_slice());
    Ok(head == Head::EMPTY || !session.client.query_typed(sql, &named(&seq, &hash)).await?.is_empty())
}

/// Records from `from` on.
pub(super) async fn read(session: &Session, from: Seq, limit: usize) -> Result<Vec<Record>, Error> {
    let sql = format!("{COLUMNS} WHERE e.seq >= $1 ORDER BY e.seq LIMIT $2");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session.client.query_typed(&sql, &[(&number(from), Type::INT8), (&limit, Type::INT8)]).await?;
    rows.iter().map(record).collect()
}

/// Records of one incident from `from` on.
pub(super) async fn read_stream(
    session: &Session,
    stream: IncidentId,
    from: Seq,
    limit: usize,
) -> Result<Vec<Record>, Error> {
    let sql = format!("{COLUMNS} WHERE e.stream = $1 AND e.seq >= $2 ORDER BY e.seq LIMIT $3");
    let (stream, from) = (i64::from(stream.0), number(from));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let named: [(&(dyn ToSql + Sync), Type); 3] =
        [(&stream, Type::INT8), (&from, Type::INT8), (&limit, Type::INT8)];
    let rows = session.client.query_typed(&sql, &named).await?;
    rows.iter().map(record).collect()
}

/// Records of one command.
pub(super) async fn find(session: &Session, command: CommandId) -> Result<Vec<Record>, Error> {
    let sql = format!("{COLUMNS} WHERE e.command = $1 ORDER BY e.seq");
    let rows = session.client.query_typed(&sql, &[(&command.0.as_bytes().as_slice(), Type::BYTEA)]).await?;
    rows.iter().map(record).collect()
}

/// Takes a payload out; says whether there is such an event. The server's own clean-up overwrites what is left of it,
/// at once where the role may ask for that.
pub(super) async fn erase(session: &Session, seq: Seq) -> Result<bool, Error> {
    let seq = number(seq);
    let this: &[(&(dyn ToSql + Sync), Type)] = &[(&seq, Type::INT8)];
    let known = session.client.query_typed("SELECT 1 FROM warroom.events WHERE seq = $1", this).await?;
    if !known.is_empty() {
        let sql = "DELETE FROM warroom.payloads \
                   WHERE seq = $1 AND set_config('synchronous_commit', 'on', true) IS NOT NULL";
        session.client.query_typed(sql, this).await?;
        session.client.batch_execute("VACUUM warroom.payloads").await?;
    }
    Ok(!known.is_empty())
}

fn digest(row: &Row, column: usize) -> Result<Digest, Error> {
    // A constraint says that it has 32 bytes; what is shorter fits no hash.
    let bytes: &[u8] = row.try_get(column)?;
    Ok(Digest(bytes.try_into().unwrap_or([0; 32])))
}

fn record(row: &Row) -> Result<Record, Error> {
    let salt: Option<Vec<u8>> = row.try_get(7)?;
    let payload: Option<Vec<u8>> = row.try_get(8)?;
    let command: &[u8] = row.try_get(1)?;
    Ok(Record {
        seq: row.try_get::<_, i64>(0)?.unsigned_abs(),
        command: CommandId(Uuid::from_slice(command).unwrap_or_default()),
        stream: row.try_get::<_, Option<i64>>(2)?.map(|id| IncidentId(u32::try_from(id).unwrap_or(u32::MAX))),
        header: row.try_get(3)?,
        prev: digest(row, 4)?,
        body: digest(row, 5)?,
        hash: digest(row, 6)?,
        payload: salt.zip(payload),
    })
}
