//! A connection to a database: one for each question, gone with it.

use crate::{
    postgres::{self, Address, Failed},
    source::problem::Problem,
};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};

/// A connection; closed when this is dropped, whatever it is doing.
pub struct Session {
    pub client: Client,
    task: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects.
pub async fn open(address: &Address) -> Result<Session, Problem> {
    let (client, connection) = postgres::connect(address).await.map_err(|failed| match failed {
        Failed::Trust(why) => Problem::Client(why),
        Failed::Server(error) => problem(&error, address.hosts()),
    })?;
    Ok(Session { client, task: tokio::spawn(async move { drop(connection.await) }) })
}

/// What a failure means to a person.
pub fn problem(error: &Error, host: &str) -> Problem {
    let Some(said) = error.as_db_error() else {
        return Problem::Unreachable { host: host.to_owned(), why: postgres::why(error) };
    };
    let place = match said.position() {
        Some(tokio_postgres::error::ErrorPosition::Original(at)) => format!(", at character {at}"),
        _ => String::new(),
    };
    let hint = said.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    Problem::Refused {
        kind: said.code().code().to_owned(),
        message: format!("{}{place}{hint}", said.message()),
    }
}
