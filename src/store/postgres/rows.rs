//! The statements.

use super::{outcome, session::Session};
use crate::{
    domain::{
        CommandId, Seq,
        id::{Digest, IncidentId},
    },
    journal::{Appended, Head, Trouble, chain, chain::Record},
};
use tokio_postgres::{
    Error, Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

/// One statement, hence one transaction: nothing is inserted where the head is not the one that was expected, and who
/// listens hears of it when it is durable.
const APPEND: &str = "
WITH moved AS (
  UPDATE warroom.head SET seq = $3, hash = $4 WHERE seq = $1 AND hash = $2 RETURNING seq
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
SELECT pg_notify('warroom', seq::text) FROM moved";

const COLUMNS: &str = "SELECT e.seq, e.command, e.stream, e.header, e.prev, e.body, e.hash, p.salt, p.payload \
                       FROM warroom.events e LEFT JOIN warroom.payloads p ON p.seq = e.seq";

fn number(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Appends records that follow `expected`, or says that the head is another.
pub(super) async fn append(session: &Session, place: &str, expected: Head, records: &[Record]) -> Appended {
    let Some(last) = records.last() else { return Appended::Ok(expected) };
    let next = Head { seq: last.seq, hash: last.hash };
    session.begin();
    let moved = insert(session, expected, next, records).await;
    match moved {
        Ok(true) if session.has_warned() => Appended::Unknown(format!(
            "{place}: the server committed it with a warning, maybe without its standby"
        )),
        Ok(true) => Appended::Ok(next),
        Ok(false) => match head(session).await {
            Ok(head) => Appended::Conflict(head),
            Err(error) => Appended::Unavailable(outcome::trouble(place, &error).to_string()),
        },
        Err(error) => outcome::appended(place, &error),
    }
}

async fn insert(session: &Session, expected: Head, next: Head, records: &[Record]) -> Result<bool, Error> {
    let rows = Columns::of(records);
    let moved = session
        .client
        .query_typed(
            APPEND,
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
            ],
        )
        .await?;
    Ok(!moved.is_empty())
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
    let named =
        [(&number(head.seq) as &(dyn ToSql + Sync), Type::INT8), (&head.hash.0.as_slice(), Type::BYTEA)];
    Ok(head == Head::EMPTY || !session.client.query_typed(sql, &named).await?.is_empty())
}

/// Records from `from` on.
pub(super) async fn read(session: &Session, from: Seq, limit: usize) -> Result<Vec<Record>, Error> {
    let sql = format!("{COLUMNS} WHERE e.seq >= $1 ORDER BY e.seq LIMIT $2");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session.client.query_typed(&sql, &[(&number(from), Type::INT8), (&limit, Type::INT8)]).await?;
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
        session.client.query_typed("DELETE FROM warroom.payloads WHERE seq = $1", this).await?;
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
