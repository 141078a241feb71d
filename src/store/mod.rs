//! Where a journal lies. Who opens one names a place, and knows from there on only a [`Journal`].

pub mod mirror;
pub mod postgres;
pub mod spool;
pub mod sqlite;

use crate::journal::{Journal, Trouble};
use std::{path::PathBuf, sync::Arc};

/// How a journal is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To append.
    Write,
    /// To look: never changes anything, also beside a room that writes.
    Read,
}

/// A place for a journal.
#[derive(Debug, Clone)]
pub enum Place {
    /// The embedded default: a SQLite file. Opened to append, it is made where there is none.
    File(PathBuf),
    /// A PostgreSQL, which `warroom journal init` has set up.
    Postgres(postgres::Spec),
}

/// Opens the journal at a place.
///
/// # Errors
/// [`Trouble`] where it is none of ours, out of reach, or damaged.
pub async fn open(place: Place, mode: Mode) -> Result<Arc<dyn Journal>, Trouble> {
    Ok(match place {
        Place::File(path) => Arc::new(sqlite::Sqlite::open(&path, mode)?),
        Place::Postgres(spec) => Arc::new(postgres::Postgres::open(&spec, mode).await?),
    })
}
