//! Where all that a block prints goes: without its secrets to the run folder, to whoever listens, and to the record.

use super::{
    outcome::{Printed, Progress},
    output::OutputLog,
};
use crate::{
    domain::text,
    evidence::{StreamRedactor, blob::digest_of, redact::Redactor},
};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Lines kept for the record.
const LAST: usize = 20;
/// How long a listener that does not listen is waited for, for what is not output.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Sink {
    redactor: Redactor,
    stream: StreamRedactor,
    log: OutputLog,
    listener: Sender<Progress>,
    missed: u64,
    pub trouble: Vec<String>,
}

impl Sink {
    pub fn new(redactor: Redactor, log: OutputLog, listener: Sender<Progress>) -> Self {
        let stream = StreamRedactor::new(redactor.clone());
        Self { redactor, stream, log, listener, missed: 0, trouble: Vec::new() }
    }

    /// Something was printed.
    pub async fn push(&mut self, bytes: &[u8]) {
        let clean = self.stream.push(bytes);
        self.out(clean).await;
    }

    /// Nothing was printed for a while.
    pub async fn idle(&mut self) {
        let clean = self.stream.idle();
        self.out(clean).await;
    }

    /// The end of one attempt's output.
    pub async fn end(&mut self) {
        let last = std::mem::replace(&mut self.stream, StreamRedactor::new(self.redactor.clone()));
        self.out(last.finish()).await;
    }

    /// Output is never waited for: what nobody takes is counted, and lies in the folder.
    async fn out(&mut self, clean: Vec<u8>) {
        if clean.is_empty() {
            return;
        }
        if let Err(error) = self.log.push(&clean) {
            self.trouble(format!("output is kept in memory only from here on: {error}")).await;
        }
        let len = clean.len() as u64;
        if self.missed > 0 && self.listener.try_send(Progress::Missed(self.missed)).is_ok() {
            self.missed = 0;
        }
        if self.missed > 0 || self.listener.try_send(Progress::Output(clean)).is_err() {
            self.missed += len;
        }
    }

    /// Tells something that is not output.
    pub async fn tell(&self, what: Progress) {
        let _ = self.listener.send_timeout(what, PATIENCE).await;
    }

    /// Something beside the block went wrong.
    pub async fn trouble(&mut self, what: String) {
        let what = text::line(&what).into_owned();
        self.tell(Progress::Trouble(what.clone())).await;
        self.trouble.push(what);
    }

    /// The last lines that were printed, safe to show.
    pub fn last(&self) -> Vec<String> {
        last(&self.log.kept().0)
    }

    /// Closes the log and says what was printed.
    pub async fn close(&mut self) -> Printed {
        if self.missed > 0 {
            self.tell(Progress::Missed(self.missed)).await;
        }
        if let Err(error) = self.log.close() {
            self.trouble(error.to_string()).await;
        }
        let (kept, cut) = self.log.kept();
        Printed { digest: digest_of(&kept), len: self.log.len(), cut, last: last(&kept) }
    }
}

fn last(kept: &[u8]) -> Vec<String> {
    let shown = text::bytes(kept);
    // Lines of a terminal end with a carriage return.
    let lines = shown.lines().rev().take(LAST).map(|line| line.trim_end_matches('\u{240d}'));
    let mut last: Vec<String> = lines.map(|line| text::line(line).into_owned()).collect();
    last.reverse();
    last
}
