//! JSON lines to a program's standard input.

use crate::{
    audit::{Sink, line},
    domain::{Event, time::Span},
    os::spawn::{Running, Spec, Streams},
};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Events that a program that ended may have read and not dealt with.
const IN_DOUBT: u64 = 200;
/// It must take a batch within this.
const WITHIN: Span = Span::secs(30);

/// A program that runs as long as the room does.
pub struct Pipe {
    spec: Spec,
    name: String,
    running: Option<Running>,
}

impl Pipe {
    /// Program and arguments; `None` where there is none.
    pub fn new(words: &[String]) -> Option<Self> {
        let (program, args) = words.split_first()?;
        Some(Self { spec: Spec::new(program).args(args), name: program.clone(), running: None })
    }

    fn start(&self) -> Result<Running, String> {
        let mut running = self
            .spec
            .start(Streams::Merged, true)
            .map_err(|error| format!("it cannot be started: {error}"))?;
        // What it prints is nobody's; a full pipe would stop it.
        if let Some(mut out) = running.out.take() {
            tokio::spawn(async move {
                let mut piece = [0; 4_096];
                while out.read(&mut piece).await.is_ok_and(|n| n > 0) {}
            });
        }
        Ok(running)
    }

    async fn write(&mut self, lines: &str) -> Result<(), String> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start()?,
        };
        if let Ok(Some(status)) = running.child.try_wait() {
            return Err(format!("it ended: {status}"));
        }
        let Some(input) = running.input.as_mut() else { return Err("it has no standard input".into()) };
        let written = async {
            input.write_all(lines.as_bytes()).await?;
            input.flush().await
        };
        match tokio::time::timeout(WITHIN.std(), written).await {
            Ok(Ok(())) => {
                self.running = Some(running);
                Ok(())
            }
            Ok(Err(error)) => Err(format!("it does not read: {error}")),
            Err(_) => {
                running.group.end(Span::ZERO).await;
                Err(format!("it has not read for {WITHIN} and was ended"))
            }
        }
    }
}

impl Sink for Pipe {
    fn take<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), String>> {
        let lines: String = events.iter().map(|event| line::json(event) + "\n").collect();
        async move { self.write(&lines).await }.boxed()
    }

    fn place(&self) -> String {
        format!("command {}", self.name)
    }

    fn in_doubt(&self) -> u64 {
        IN_DOUBT
    }
}
