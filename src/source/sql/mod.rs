//! `sql` blocks of a runbook: one question to a PostgreSQL, in a transaction that can only read.
//!
//! The first column of the first row is the answer: a boolean. A number or a text is none, as what it is to be compared
//! with belongs in the SQL; NULL and no row are unknown. Further columns of that row are shown beside it.

mod connect;
mod value;

use super::poll::{Gone, Mouth, backoff, chance, rest};
use super::problem::Problem;
use crate::domain::{text, time::Span};
use crate::postgres::{Address, Trust};
use crate::signal::{Body, Verdict, analysis::check::Judgement};
use secrecy::SecretString;
use std::{sync::Arc, time::Instant};
use tokio_postgres::{Row, types::Type};
use value::Shown;

/// Most characters of one value that are shown, and most values.
const SHOWN: (usize, usize) = (80, 6);
/// What a statement that asks begins with.
const ASKS: &[&str] = &["SELECT", "WITH", "VALUES", "TABLE", "SHOW"];

/// A database.
#[derive(Debug, Clone)]
pub struct Database {
    address: Address,
    limit: Span,
}

impl Database {
    /// At this address, `postgres://user@host:5432/name`. A server that is not on this machine must speak TLS, unless
    /// the address says `sslmode=disable` or `prefer`.
    pub fn new(
        url: &str,
        password: Option<&SecretString>,
        trust: Trust,
        limit: Span,
    ) -> Result<Self, Problem> {
        let bad = |why| Problem::Answer(format!("not the address of a database: {why}"));
        let mut address = Address::new(url, password, trust).map_err(bad)?;
        address.config.connect_timeout(limit.std());
        Ok(Self { address, limit })
    }

    /// Answers a block. Within the limit there is an answer, or the reason why there is none.
    pub async fn check(&self, code: &str) -> Result<Judgement, Problem> {
        one_that_asks(code)?;
        let slow = || Problem::Slow { host: self.address.hosts().to_owned(), limit: self.limit };
        tokio::time::timeout(self.limit.std(), self.ask(code)).await.unwrap_or_else(|_| Err(slow()))
    }

    async fn ask(&self, code: &str) -> Result<Judgement, Problem> {
        let mut session = connect::open(&self.address).await?;
        let wrong = |error| connect::problem(&error, self.address.hosts());
        let asking = session.client.build_transaction().read_only(true).start().await.map_err(wrong)?;
        // What is given up here is given up there, too. No startup parameter, which a pooler refuses.
        let limit = format!("SET LOCAL statement_timeout = {}", self.limit.as_millis().max(1));
        asking.batch_execute(&limit).await.map_err(wrong)?;
        let statement = asking.prepare(code).await.map_err(wrong)?;
        if statement.columns().is_empty() {
            return Err(Problem::Answer("the statement gives no columns: SELECT a boolean".into()));
        }
        let wanted = statement.params().len();
        if wanted > 0 {
            return Err(Problem::Answer(format!(
                "the statement wants {wanted} parameters ($1 …), and nobody gives them: write a <placeholder>"
            )));
        }
        let portal = asking.bind(&statement, &[]).await.map_err(wrong)?;
        let rows = asking.query_portal(&portal, 1).await.map_err(wrong)?;
        match rows.first() {
            Some(row) => judge(row),
            None => Ok(Judgement { verdict: Verdict::Unknown, seen: "no row".into() }),
        }
    }
}

/// A check asks one thing and changes nothing: no writing, no word about the transaction that keeps it from writing.
fn one_that_asks(code: &str) -> Result<(), Problem> {
    let word: String = after_comments(code)
        .trim_start_matches(|c: char| c == '(' || c.is_whitespace())
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_uppercase();
    if word.is_empty() {
        return Err(Problem::Answer("there is no statement in it: SELECT a boolean".into()));
    }
    if ASKS.contains(&word.as_str()) {
        return Ok(());
    }
    let word: String = word.chars().take(20).collect();
    Err(Problem::Answer(format!(
        "a check only reads, and {word} is not how that begins: {}; what changes something is a step",
        ASKS.join(", ")
    )))
}

fn after_comments(code: &str) -> &str {
    let mut rest = code.trim_start();
    loop {
        let after = match (rest.strip_prefix("--"), rest.strip_prefix("/*")) {
            (Some(line), _) => line.split_once('\n').map(|(_, after)| after),
            (_, Some(block)) => block.split_once("*/").map(|(_, after)| after),
            _ => return rest,
        };
        rest = after.unwrap_or_default().trim_start();
    }
}

fn judge(row: &Row) -> Result<Judgement, Problem> {
    let shown = |i: usize| match row.try_get::<_, Shown>(i) {
        Ok(shown) => bounded(&shown.0),
        Err(_) => "?".into(),
    };
    let Some(first) = row.columns().first() else { return Err(Problem::Answer("no column".into())) };
    if first.type_() != &Type::BOOL {
        return Err(Problem::Answer(format!(
            "the first column is {} ({}), not a boolean: compare it in the SQL, SELECT … > 0",
            first.type_().name(),
            shown(0)
        )));
    }
    let verdict = match row.try_get::<_, Option<bool>>(0) {
        Ok(Some(true)) => Verdict::Yes,
        Ok(Some(false)) => Verdict::No,
        Ok(None) => Verdict::Unknown,
        Err(error) => return Err(Problem::Nonsense(error.to_string())),
    };
    let mut seen = shown(0);
    for (i, column) in row.columns().iter().enumerate().skip(1).take(SHOWN.1) {
        seen = format!("{seen}, {}={}", bounded(column.name()), shown(i));
    }
    Ok(Judgement { verdict, seen })
}

fn bounded(value: &str) -> String {
    let mut short: String = value.chars().take(SHOWN.0).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    text::line(&short).into_owned()
}

/// Says whether the database answers, until nobody listens.
pub async fn run(database: Result<Arc<Database>, Problem>, every: Span, mouth: Mouth) -> Gone {
    let mut failures = 0;
    loop {
        let began = Instant::now();
        let said = match &database {
            Ok(database) => database.check("SELECT true").await.map(|_| ()),
            Err(problem) => Err(problem.clone()),
        };
        let told = match said {
            Ok(()) => {
                failures = 0;
                mouth.say(Body::Alive).await
            }
            Err(problem) => {
                failures += 1;
                let wait = backoff(failures, every, chance());
                match mouth.trouble(&problem.line(), wait).await {
                    Ok(()) => {
                        tokio::time::sleep(wait.std()).await;
                        continue;
                    }
                    gone => gone,
                }
            }
        };
        if let Err(gone) = told {
            return gone;
        }
        rest(began, every).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_asks_is_sent() {
        for good in [
            "SELECT true",
            "  -- how many\n select count(*) = 0 from t",
            "/* a\n b */ with x as (select 1) select true from x",
            "(select true)",
            "VALUES (true)",
            "table flags",
        ] {
            assert_eq!(one_that_asks(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "-- only a comment",
            "/* never closed",
            "COMMIT",
            "begin; select true",
            "rollback",
            "SET TRANSACTION READ WRITE",
            "insert into t values (1)",
            "update t set a = 1",
            "DO $$ begin end $$",
            "CALL mend()",
            "copy t to program 'x'",
            "-- select\ndelete from t",
            "; select true",
        ] {
            assert!(one_that_asks(bad).is_err(), "{bad}");
        }
    }
}
