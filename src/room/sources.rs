//! The sources that a room polls, and the checks that they answer.

use crate::{
    signal::{Answer, Reading, SourceView, Verdict},
    source::{self, Handle, Spec},
};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::mpsc::Sender;

/// Running sources. Clones share them.
#[derive(Clone)]
pub struct Sources {
    handles: Arc<RwLock<Vec<Arc<Handle>>>>,
    readings: Sender<Reading>,
    base: PathBuf,
}

impl Sources {
    /// None yet; readings go to `readings`, files that checks name are read below `base`.
    pub fn new(readings: Sender<Reading>, base: PathBuf) -> Self {
        Self { handles: Arc::default(), readings, base }
    }

    /// Starts a source; one of the same name is replaced. Gives what seats see of it.
    pub fn start(&self, spec: Spec) -> SourceView {
        let view = SourceView {
            id: spec.id().clone(),
            address: spec.address(),
            last_seen: None,
            every: spec.every(),
            trouble: None,
            polls: 0,
        };
        let handle = Arc::new(source::start(spec, self.readings.clone()));
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|own| own.id() != handle.id());
        handles.push(handle);
        view
    }

    /// Answers a check: from the source that is named, else from the first that can, the next one where that has no
    /// data. Databases and logs are never tried in turn: what one does not know, another may answer by accident.
    pub async fn check(&self, lang: &str, code: &str, named: Option<&str>) -> Answer {
        let mut able: Vec<_> = {
            let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
            handles.iter().filter(|handle| handle.answers(lang)).cloned().collect()
        };
        let names = || able.iter().map(|handle| handle.id().as_str()).collect::<Vec<_>>().join(", ");
        if let Some(named) = named {
            if !able.iter().any(|handle| handle.id() == named) {
                let (lang, known) = (brief(lang), names());
                let others = if known.is_empty() { "none does".into() } else { format!("these do: {known}") };
                let why = format!("no source {} answers {lang} checks; {others}", brief(named));
                return source::unknown("room", &why);
            }
            able.retain(|handle| handle.id() == named);
        } else if matches!(lang, "sql" | "logs") && able.len() > 1 {
            let kind = if lang == "sql" { "SQL" } else { "log" };
            let why = format!("several {kind} sources ({}): name one, ```{lang} {{ source=NAME }}", names());
            return source::unknown("room", &why);
        } else if lang == "http" {
            // What proves who asks is shown only where somebody wrote so.
            able.clear();
        }
        let mut best: Option<Answer> = None;
        for handle in able {
            let answer = handle.check(lang, code).await;
            if answer.verdict != Verdict::Unknown {
                return answer;
            }
            best.get_or_insert(answer);
        }
        match best {
            Some(answer) => answer,
            None => source::check(lang, code, &self.base).await,
        }
    }
}

fn brief(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Span;
    use secrecy::SecretString;

    #[tokio::test]
    async fn a_database_is_named_where_there_are_several() {
        let sources = Sources::new(tokio::sync::mpsc::channel(64).0, PathBuf::new());
        let none = sources.check("sql", "SELECT true", None).await;
        assert!(none.seen.contains("no SQL source is configured"), "{none:?}");
        let database = |id: &str, port: u16| Spec::Sql {
            id: id.into(),
            url: format!("postgres://u@127.0.0.1:{port}/x"),
            password: Some(SecretString::from("x")),
            trust: crate::postgres::Trust::default(),
            timeout: Span::secs(2),
            every: Span::secs(30),
        };
        sources.start(database("shop", 1));
        let one = sources.check("sql", "SELECT true", None).await;
        assert_eq!((one.verdict, one.source.as_str()), (Verdict::Unknown, "shop"), "{one:?}");
        assert!(one.seen.contains("127.0.0.1:1 cannot be reached"), "{one:?}");
        sources.start(database("billing", 2));
        let two = sources.check("sql", "SELECT true", None).await;
        assert!(two.seen.contains("several SQL sources (shop, billing): name one"), "{two:?}");
        let named = sources.check("sql", "SELECT true", Some("billing")).await;
        assert!(named.seen.contains("127.0.0.1:2 cannot be reached"), "{named:?}");
        let other = sources.check("promql", "up == 1", Some("billing")).await;
        assert!(other.seen.contains("no source billing answers promql checks; none does"), "{other:?}");
        let wrong = sources.check("sql", "SELECT true", Some("shpo\u{1b}")).await;
        assert!(
            wrong.seen.contains("no source shpo␛ answers sql checks; these do: shop, billing"),
            "{wrong:?}"
        );
    }

    /// Asks until it is known.
    async fn known(sources: &Sources, lang: &str, code: &str, named: Option<&str>) -> Answer {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let answer = sources.check(lang, code, named).await;
            if answer.verdict != Verdict::Unknown {
                return answer;
            }
            assert!(std::time::Instant::now() < end, "never known: {answer:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn what_proves_who_asks_is_shown_only_to_the_source_that_is_named() {
        use axum::{Router, http::HeaderMap, routing::get};
        let guarded = |headers: HeaderMap| async move {
            let said = headers.get("authorization").and_then(|value| value.to_str().ok());
            if said == Some("Bearer s3cret") {
                (axum::http::StatusCode::OK, "warm")
            } else {
                (axum::http::StatusCode::UNAUTHORIZED, "no")
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        let router = Router::new().route("/ready", get(guarded)).route("/healthz", get(|| async { "ok" }));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (readings, mut heard) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
        let sources = Sources::new(readings, PathBuf::new());
        let bearer = Some(SecretString::from("s3cret"));
        sources.start(Spec::Probe {
            id: "api".into(),
            name: "api".into(),
            url: format!("http://{place}/healthz"),
            expect: source::probe::Expect::default(),
            access: source::client::Access { bearer, ..source::client::Access::default() },
            every: Span::secs(30),
        });
        let with = known(&sources, "http", "GET /ready\nexpect-body: warm", Some("api")).await;
        assert_eq!((with.verdict, with.source.as_str()), (Verdict::Yes, "api"), "{with:?}");
        let without = known(&sources, "http", &format!("GET http://{place}/ready"), None).await;
        assert_eq!((without.verdict, without.seen.as_str()), (Verdict::No, "HTTP 401"), "{without:?}");
        let elsewhere = sources.check("http", "GET http://127.0.0.1:1/ready", Some("api")).await;
        assert!(elsewhere.seen.contains("goes nowhere else"), "{elsewhere:?}");
        let none = sources.check("http", "GET /ready", Some("apo")).await;
        assert!(none.seen.contains("no source apo answers http checks; these do: api"), "{none:?}");
    }

    #[tokio::test]
    async fn a_log_source_answers_how_many_lines_there_were() {
        let dir = tempfile::tempdir().unwrap();
        let (readings, mut heard) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
        let sources = Sources::new(readings, PathBuf::new());
        let none = sources.check("logs", "level: error", None).await;
        assert!(none.seen.contains("no log source is configured"), "{none:?}");
        let log = |id: &str| {
            let file = dir.path().join(format!("{id}.log"));
            let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
            std::fs::write(&file, format!("{now} ERROR pool exhausted in {id}\n")).unwrap();
            Spec::Log {
                id: id.into(),
                glob: file.to_string_lossy().into_owned(),
                format: crate::signal::analysis::logline::Format::Auto,
                least: crate::signal::Level::Trace,
                every: Span::millis(20),
            }
        };
        sources.start(log("app"));
        let no = known(&sources, "logs", "lines: pool exhausted\nlevel: error", None).await;
        assert_eq!((no.verdict, no.source.as_str()), (Verdict::No, "app"), "{no:?}");
        assert!(no.seen.starts_with("1 line in 5m; the last "), "{no:?}");
        let unsure = sources.check("logs", "lines: deadlock", None).await;
        assert_eq!(unsure.verdict, Verdict::Unknown, "what was before is not known: {unsure:?}");
        sources.start(log("db"));
        let two = sources.check("logs", "level: error", None).await;
        assert!(two.seen.contains("several log sources (app, db): name one, ```logs"), "{two:?}");
        assert_eq!(known(&sources, "logs", "lines: in db", Some("db")).await.verdict, Verdict::No);
    }
}
