//! The file: its schema, what is checked before it is trusted, and its statements.

use super::{Mode, log};
use crate::{
    domain::{
        CommandId, Seq,
        id::{Digest, IncidentId},
    },
    journal::{Head, Trouble, chain, chain::Record},
};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// `PRAGMA application_id` of a journal: "WRJ1".
const APPLICATION: i32 = 0x5752_4a31;
/// `PRAGMA user_version` of the files that this program makes. Format 1 has two unique indexes more, on random hashes,
/// and is read and written as it is: the position is unique in both, so nobody appends twice to the same head.
const FORMAT: i32 = 2;
/// Formats that this program reads and writes.
const KNOWN: std::ops::RangeInclusive<i32> = 1..=FORMAT;
/// The first SQLite without the WAL-reset corruption bug (3.51.3).
const SQLITE_MIN: i32 = 3_051_003;

const SCHEMA: &str = "
CREATE TABLE events (
  seq     INTEGER PRIMARY KEY CHECK (seq > 0),
  command BLOB NOT NULL,
  stream  INTEGER,
  header  BLOB NOT NULL,
  prev    BLOB NOT NULL,
  body    BLOB NOT NULL,
  hash    BLOB NOT NULL
) STRICT;
CREATE INDEX events_command ON events (command);
CREATE INDEX events_stream ON events (stream, seq) WHERE stream IS NOT NULL;
CREATE TABLE payloads (
  seq     INTEGER PRIMARY KEY REFERENCES events (seq),
  salt    BLOB NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_keep BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER payloads_stay BEFORE UPDATE ON payloads BEGIN SELECT RAISE(ABORT, 'payloads are never changed'); END;
";

/// An open journal file.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) mode: Mode,
    pub(super) db: Connection,
    pub(super) head: Head,
    /// Something failed on this handle: nothing is written through it any more, only through one that is opened anew.
    pub(super) spoilt: bool,
}

/// Trouble with the file, in its words.
pub(super) fn unreadable(path: &Path, why: &dyn std::fmt::Display, hint: &str) -> Trouble {
    Trouble::Unreadable { what: path.display().to_string(), why: why.to_string(), hint: hint.to_owned() }
}

/// Trouble with SQLite, with what to do about it.
pub(super) fn trouble(path: &Path, error: &rusqlite::Error) -> Trouble {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is no journal, or its beginning is lost; restore a copy",
        Some(ErrorCode::DatabaseCorrupt) => {
            "it is damaged; keep it, run warroom verify on it, and restore a copy"
        }
        Some(ErrorCode::DiskFull) => "the disk is full; free some space",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "see that its directory exists and that you may write there"
        }
        Some(ErrorCode::SystemIoFailure) if no_space(path) => "the disk is full; free some space",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process holds it; stop that first"
        }
        _ => "see the system's log for the disk",
    };
    unreadable(path, error, hint)
}

/// Whether the file system that holds a file has next to nothing left; the system's word for it does not always come
/// through SQLite.
fn no_space(path: &Path) -> bool {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    rustix::fs::statvfs(dir).is_ok_and(|fs| fs.f_bavail.saturating_mul(fs.f_frsize) < 256 * 1024)
}

/// The name SQLite knows a file by that nothing can change: it then needs neither a lock nor a log beside it.
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            other => {
                let _ = write!(uri, "%{other:02x}");
            }
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Whether a file ends within a page although no log can make it whole. SQLite fills up what is missing with zeros, and
/// says nothing where it does not happen to look there.
fn is_torn(path: &Path, page: i64) -> bool {
    let len = std::fs::metadata(path).map_or(0, |meta| meta.len());
    u64::try_from(page).is_ok_and(|page| page > 0 && !len.is_multiple_of(page)) && log::bytes(path) == 0
}

/// A connection that only reads. Where the directory cannot be written, as on a copy kept for evidence, a file without
/// a write-ahead log is read as it lies.
fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    let log = log::bytes(path) > 0;
    match db.query_row("PRAGMA user_version", [], |_| Ok(())) {
        Err(error)
            if !log
                && matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) =>
        {
            Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        _ => Ok(db),
    }
}

/// Makes the file, for its owner alone, where there is none; SQLite gives its log the same mode.
pub(super) fn create_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    // What goes wrong here is said by SQLite a moment later.
    drop(std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

impl File {
    /// Opens it. What lies in the log of one that is to be written is made durable before anybody is told of it.
    pub(super) fn open(path: &Path, mode: Mode) -> Result<Self, Trouble> {
        let mut file = Self::connect(path, mode)?;
        if mode == Mode::Write {
            log::settle(&file.db, path)?;
            file.head = file.read_head()?;
            log::named(path)?;
        }
        Ok(file)
    }

    /// Opens it anew where no sync has failed.
    pub(super) fn open_again(path: &Path) -> Result<Self, Trouble> {
        let mut file = Self::connect(path, Mode::Write)?;
        file.head = file.read_head()?;
        log::named(path)?;
        Ok(file)
    }

    /// A handle on it that has not looked where it ends: one who only reads is told by the reading what does not fit.
    fn connect(path: &Path, mode: Mode) -> Result<Self, Trouble> {
        let found = rusqlite::version_number();
        if found < SQLITE_MIN {
            let why = format!("SQLite {} can corrupt a write-ahead log", rusqlite::version());
            return Err(unreadable(path, &why, "build with the bundled SQLite"));
        }
        let fail = |error: rusqlite::Error| trouble(path, &error);
        let had_bytes = std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
        let db = match mode {
            Mode::Write => {
                create_private(path);
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags)
            }
            Mode::Read => reading(path),
        }
        .map_err(fail)?;
        db.busy_timeout(std::time::Duration::from_secs(5)).map_err(fail)?;
        let pragma = |name: &str| {
            db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0)).map_err(fail)
        };
        let (application, format) = (pragma("application_id")?, pragma("user_version")?);
        let objects: i64 =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
        let new = objects == 0 && application == 0;
        if new && had_bytes {
            let why = "it has bytes and no journal in it: it was cut, or its write-ahead log is lost";
            return Err(unreadable(path, &why, "keep it, and restore a copy with its -wal file"));
        }
        if !new && application != APPLICATION {
            return Err(unreadable(path, &"it is a SQLite file of something else", "name another file"));
        }
        if !new && !KNOWN.contains(&format) {
            let why = format!("it has format {format}, this program knows up to {FORMAT}");
            return Err(unreadable(path, &why, "use the version of warroom that wrote it, or a newer one"));
        }
        if is_torn(path, i64::from(pragma("page_size")?)) {
            let why = "its end is cut off in the middle of a page";
            return Err(unreadable(path, &why, "keep it, and restore a copy"));
        }
        if mode == Mode::Write {
            db.execute_batch("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;")
                .map_err(fail)?;
            if new {
                let set = format!(
                    "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT}; COMMIT;"
                );
                // Before the log is switched on: a file that was begun and not finished has no bytes then.
                db.execute_batch(&set).map_err(fail)?;
            }
            // It commits when its answer has been read to the end, and where that fails goes on in a mode that promises less.
            let to_the_end = |sql: &str| -> rusqlite::Result<()> {
                let mut statement = db.prepare(sql)?;
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            };
            to_the_end("PRAGMA journal_mode=WAL").map_err(fail)?;
            let kept: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(fail)?;
            if kept != "wal" {
                let why =
                    format!("it cannot have a write-ahead log here: disk I/O error, it stays in mode {kept}");
                return Err(unreadable(
                    path,
                    &why,
                    "see the system's log for the disk, and keep it on a local one",
                ));
            }
        } else if new {
            return Err(unreadable(path, &"there is no journal in it", "start a room on it first"));
        }
        Ok(Self { path: path.to_owned(), mode, db, head: Head::EMPTY, spoilt: false })
    }

    /// The last record, checked against the one before it.
    pub(super) fn read_head(&self) -> Result<Head, Trouble> {
        let last: Option<Seq> = self
            .db
            .query_row("SELECT max(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0))
            .map_err(|error| trouble(&self.path, &error))?
            .map(i64::unsigned_abs);
        let Some(last) = last else { return Ok(Head::EMPTY) };
        let tail = self.read(last.saturating_sub(1).max(1), 2)?;
        let mut head = match tail.first() {
            Some(first) if tail.len() == 2 => Head { seq: first.seq, hash: first.hash },
            _ => Head {
                seq: last.saturating_sub(1),
                hash: tail.first().map_or(Digest::ZERO, |only| only.prev),
            },
        };
        if let Some(record) = tail.last() {
            chain::follows(head, record).map_err(|why| Trouble::Broken { seq: record.seq, why })?;
            head = Head { seq: record.seq, hash: record.hash };
        }
        Ok(head)
    }

    /// Writes batches in one transaction. Says whether the error came at the commit, whose outcome nobody knows.
    pub(super) fn write<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<(), (bool, rusqlite::Error)> {
        let before = |error| (false, error);
        let transaction =
            self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(before)?;
        {
            let mut event = transaction
                .prepare_cached("INSERT INTO events (seq, command, stream, header, prev, body, hash) VALUES (?,?,?,?,?,?,?)")
                .map_err(before)?;
            let mut payload = transaction
                .prepare_cached("INSERT INTO payloads (seq, salt, payload) VALUES (?,?,?)")
                .map_err(before)?;
            for record in records {
                let seq = i64::try_from(record.seq).unwrap_or(i64::MAX);
                event
                    .execute(params![
                        seq,
                        record.command.0.as_bytes(),
                        record.stream.map(|id| id.0),
                        record.header,
                        record.prev.0,
                        record.body.0,
                        record.hash.0
                    ])
                    .map_err(before)?;
                if let Some((salt, bytes)) = &record.payload {
                    payload.execute(params![seq, salt, bytes]).map_err(before)?;
                }
            }
        }
        transaction.commit().map_err(|error| (true, error))
    }

    pub(super) fn read(&self, from: Seq, limit: usize) -> Result<Vec<Record>, Trouble> {
        self.select(
            "SELECT e.seq, command, stream, header, prev, body, hash, salt, payload \
             FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.seq >= ?1 ORDER BY e.seq LIMIT ?2",
            params![i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX)],
        )
    }

    pub(super) fn read_stream(
        &self,
        stream: IncidentId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, Trouble> {
        self.select(
            "SELECT e.seq, command, stream, header, prev, body, hash, salt, payload \
             FROM events e LEFT JOIN payloads p ON p.seq = e.seq \
             WHERE stream = ?1 AND e.seq >= ?2 ORDER BY e.seq LIMIT ?3",
            params![
                i64::from(stream.0),
                i64::try_from(from).unwrap_or(i64::MAX),
                i64::try_from(limit).unwrap_or(i64::MAX)
            ],
        )
    }

    pub(super) fn find(&self, command: CommandId) -> Result<Vec<Record>, Trouble> {
        self.select(
            "SELECT e.seq, command, stream, header, prev, body, hash, salt, payload \
             FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE command = ?1 ORDER BY e.seq",
            params![command.0.as_bytes()],
        )
    }

    fn select(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Record>, Trouble> {
        let fail = |error: rusqlite::Error| trouble(&self.path, &error);
        let mut statement = self.db.prepare_cached(sql).map_err(fail)?;
        let rows = statement.query_map(params, record).map_err(fail)?;
        rows.collect::<Result<_, _>>().map_err(fail)
    }

    /// Moves what is in the write-ahead log into the file. A failure costs nothing: the log is read at the next start.
    pub(super) fn fold_log(&self) {
        if self.mode == Mode::Write
            && let Err(error) = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the write-ahead log stays");
        }
    }

    pub(super) fn erase(&mut self, seq: Seq) -> Result<(), Trouble> {
        let fail = |error: rusqlite::Error| trouble(&self.path, &error);
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let known: Option<i64> = self
            .db
            .query_row("SELECT seq FROM events WHERE seq = ?1", [seq], |row| row.get(0))
            .optional()
            .map_err(fail)?;
        if known.is_none() {
            return Err(unreadable(
                &self.path,
                &format!("there is no event {seq}"),
                "see warroom tail for their numbers",
            ));
        }
        // secure_delete overwrites the row's bytes, but not what was left of it where pages were split before: the file
        // is written anew. The checkpoint removes the rest from the write-ahead log. Appends wait for it.
        let erased = self
            .db
            .execute_batch("PRAGMA secure_delete=ON;")
            .and_then(|()| self.db.execute("DELETE FROM payloads WHERE seq = ?1", [seq]))
            .and_then(|_| self.db.execute_batch("VACUUM"))
            .and_then(|()| self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        self.spoilt |= erased.is_err();
        erased.map_err(fail)
    }
}

fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get::<_, [u8; 32]>(column).map(Digest)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let salt: Option<Vec<u8>> = row.get(7)?;
    let payload: Option<Vec<u8>> = row.get(8)?;
    Ok(Record {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        command: CommandId(Uuid::from_bytes(row.get(1)?)),
        stream: row.get::<_, Option<u32>>(2)?.map(IncidentId),
        header: row.get(3)?,
        prev: digest(row, 4)?,
        body: digest(row, 5)?,
        hash: digest(row, 6)?,
        payload: salt.zip(payload),
    })
}
