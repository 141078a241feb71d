//! What an error of the database means: was nothing written, or does nobody know?

use crate::{
    domain::text,
    journal::{Appended, Trouble},
    postgres,
};
use tokio_postgres::{Error, error::SqlState};

/// The outcome of an append that failed with this.
pub(super) fn appended(place: &str, error: &Error) -> Appended {
    let said = trouble(place, error).to_string();
    match error.code() {
        // Said by a server that goes down, maybe after the commit.
        Some(code) if is_going(code) => Appended::Unknown(said),
        // The transaction was refused, so nothing of it is there.
        Some(_) => Appended::Unavailable(said),
        // The connection broke: what was sent may have arrived.
        None => Appended::Unknown(said),
    }
}

/// Whether somebody else was first, where transactions are isolated from each other more than is needed here.
pub(super) fn is_overtaken(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}

fn is_going(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
            SqlState::IO_ERROR,
        ]
        .contains(code)
}

/// What an error means to a person.
pub(super) fn trouble(place: &str, error: &Error) -> Trouble {
    let why = match error.as_db_error() {
        Some(said) => text::line(said.message()).into_owned(),
        None => text::line(&postgres::why(error)).into_owned(),
    };
    Trouble::Unreadable { what: place.to_owned(), why, hint: hint(error).to_owned() }
}

fn hint(error: &Error) -> &'static str {
    match error.code() {
        Some(code)
            if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) =>
        {
            "see user and password of [journal] in warroom.toml, and pg_hba.conf of the server"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            "create the database, then run warroom journal init"
        }
        Some(code) if [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(code) => {
            "there is no journal there yet: run warroom journal init"
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "warroom journal init --print says what the role must be granted"
        }
        Some(code) if *code == SqlState::DISK_FULL => "the server's disk is full; free some space",
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "it takes no writes: name the primary too"
        }
        Some(_) => "see the server's log",
        None => "see that one of the hosts runs, is reached from here, and takes writes",
    }
}
