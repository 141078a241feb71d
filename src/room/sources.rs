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

    /// Answers a check: from the first source that can, the next one where that has no data.
    pub async fn check(&self, lang: &str, code: &str) -> Answer {
        let able: Vec<_> = {
            let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
            handles.iter().filter(|handle| handle.answers(lang)).cloned().collect()
        };
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
