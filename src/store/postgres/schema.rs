//! The schema: append-only by constraint, and by what the room's role is granted.

use super::{Mode, Spec, outcome, session::Connector};
use crate::journal::Trouble;
use tokio_postgres::Client;

/// The format of the tables that this program makes, reads and writes.
const FORMAT: i32 = 2;

/// The tables. Bytes and not `jsonb`: what was hashed is what is stored. The head row is what appends compare and swap.
const TABLES: &str = "
CREATE SCHEMA warroom;
CREATE TABLE warroom.head (
  one    boolean PRIMARY KEY DEFAULT true CHECK (one),
  format integer NOT NULL,
  seq    bigint  NOT NULL DEFAULT 0 CHECK (seq >= 0),
  hash   bytea   NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(hash) = 32)
);
CREATE TABLE warroom.events (
  seq     bigint PRIMARY KEY CHECK (seq > 0),
  command bytea  NOT NULL CHECK (octet_length(command) = 16),
  stream  bigint,
  header  bytea  NOT NULL,
  prev    bytea  NOT NULL UNIQUE CHECK (octet_length(prev) = 32),
  body    bytea  NOT NULL CHECK (octet_length(body) = 32),
  hash    bytea  NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX events_command ON warroom.events (command);
CREATE TABLE warroom.payloads (
  seq     bigint PRIMARY KEY REFERENCES warroom.events (seq),
  salt    bytea NOT NULL,
  payload bytea NOT NULL
);
CREATE FUNCTION warroom.refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'what is journaled is never changed or deleted'; END $$;
CREATE FUNCTION warroom.onward() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN
    IF NEW.seq <= OLD.seq THEN RAISE EXCEPTION 'the journal only grows'; END IF;
    RETURN NEW;
  END $$;
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON warroom.events FOR EACH ROW EXECUTE FUNCTION warroom.refuse();
CREATE TRIGGER keep BEFORE TRUNCATE ON warroom.events FOR EACH STATEMENT EXECUTE FUNCTION warroom.refuse();
CREATE TRIGGER stay BEFORE UPDATE ON warroom.payloads FOR EACH ROW EXECUTE FUNCTION warroom.refuse();
CREATE TRIGGER keep BEFORE TRUNCATE ON warroom.payloads FOR EACH STATEMENT EXECUTE FUNCTION warroom.refuse();
CREATE TRIGGER onward BEFORE UPDATE ON warroom.head FOR EACH ROW EXECUTE FUNCTION warroom.onward();
CREATE TRIGGER keep BEFORE DELETE ON warroom.head FOR EACH ROW EXECUTE FUNCTION warroom.refuse();
INSERT INTO warroom.head (format) VALUES (1);
";

/// What each format adds to the one before it. Format 2: where rooms meet, neither logged nor replicated.
const ONWARD: [&str; 1] = ["
CREATE UNLOGGED TABLE warroom.rooms (
  room text PRIMARY KEY,
  seen timestamptz NOT NULL,
  says bytea NOT NULL
);
"];

/// The head row moves on only with the journal, but for this.
fn named(format: i32) -> String {
    format!(
        "ALTER TABLE warroom.head DISABLE TRIGGER onward;\nUPDATE warroom.head SET format = {format};\n\
         ALTER TABLE warroom.head ENABLE TRIGGER onward;\n"
    )
}

/// Everything that brings a journal of this format to the one that is known.
fn onward(from: i32) -> String {
    let done = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX);
    let steps: String = ONWARD.iter().skip(done).copied().collect();
    format!("{steps}{}", named(FORMAT))
}

/// What came of [`init`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The tables were made.
    Made,
    /// They were there, in this program's format.
    There,
    /// They were there in an older format, and are in this program's now. Nothing that was journaled has changed.
    Brought {
        /// The format that they were in.
        from: i32,
    },
}

/// Everything that a person would type to set a journal up, for a room that connects as `role`.
pub fn by_hand(role: &str) -> String {
    format!("BEGIN;{TABLES}{}{}COMMIT;\n", onward(1), grants(role))
}

fn grants(role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    format!(
        "GRANT USAGE ON SCHEMA warroom TO {role};\n\
         GRANT SELECT, INSERT ON warroom.events TO {role};\n\
         GRANT SELECT, INSERT, DELETE ON warroom.payloads TO {role};\n\
         GRANT SELECT, UPDATE (seq, hash) ON warroom.head TO {role};\n\
         GRANT SELECT, INSERT, UPDATE, DELETE ON warroom.rooms TO {role};\n"
    )
}

/// Makes the tables where there are none, and grants the room's role what it needs. All of it or nothing.
///
/// # Errors
/// [`Trouble::Unreadable`] where the database cannot be reached, the role may not, or there is another format.
pub async fn init(spec: &Spec, role: Option<&str>) -> Result<(String, Init), Trouble> {
    let connector = Connector::new(spec, Mode::Write)?;
    let place = connector.place().to_owned();
    let mut session = connector.bare(None).await?;
    let fail = |error| outcome::trouble(&place, &error);
    let work = session.client.transaction().await.map_err(fail)?;
    // Two who set it up at once: one waits for the other.
    work.batch_execute("SELECT pg_advisory_xact_lock(hashtext('warroom journal init'))")
        .await
        .map_err(fail)?;
    let there: bool = work
        .query_typed("SELECT to_regclass('warroom.head') IS NOT NULL", &[])
        .await
        .map_err(fail)?
        .first()
        .is_some_and(|row| row.get(0));
    let format = async || {
        let rows = work.query_typed("SELECT format FROM warroom.head", &[]).await.map_err(fail)?;
        Ok(rows.first().map(|row| row.get::<_, i32>(0)))
    };
    let done = if there {
        match format().await? {
            Some(from) if (1..FORMAT).contains(&from) => {
                work.batch_execute(&onward(from)).await.map_err(fail)?;
                Init::Brought { from }
            }
            _ => Init::There,
        }
    } else {
        work.batch_execute(TABLES).await.map_err(fail)?;
        work.batch_execute(&onward(1)).await.map_err(fail)?;
        Init::Made
    };
    if let Some(role) = role {
        work.batch_execute(&grants(role)).await.map_err(fail)?;
    }
    work.commit().await.map_err(fail)?;
    known(&session.client, &place, Mode::Write).await?;
    Ok((place, done))
}

/// Whether there is a journal of a format that this program knows.
pub(super) async fn known(client: &Client, place: &str, mode: Mode) -> Result<(), Trouble> {
    let rows = client
        .query_typed("SELECT format FROM warroom.head", &[])
        .await
        .map_err(|error| outcome::trouble(place, &error))?;
    match rows.first().map(|row| row.get::<_, i32>(0)) {
        Some(FORMAT) => Ok(()),
        // What was journaled is the same in all.
        Some(1..FORMAT) if mode == Mode::Read => Ok(()),
        Some(format) => Err(Trouble::Unreadable {
            what: place.to_owned(),
            why: format!("its journal has format {format}, this program knows {FORMAT}"),
            hint: if format < FORMAT {
                "stop the rooms on it, then run warroom journal init, which changes nothing that was journaled"
            } else {
                "use the version of warroom that made it, or a newer one"
            }
            .into(),
        }),
        None => Err(Trouble::Unreadable {
            what: place.to_owned(),
            why: "its journal has lost its head row".into(),
            hint: "restore the database from its backup".into(),
        }),
    }
}
