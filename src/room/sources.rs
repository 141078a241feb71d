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
    /// data. Databases are never tried in turn: what one does not know, another may answer by accident.
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
        } else if lang == "sql" && able.len() > 1 {
            let why = format!("several SQL sources ({}): name one, ```sql {{ source=NAME }}", names());
            return source::unknown("room", &why);
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
}
