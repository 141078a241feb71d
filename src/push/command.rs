//! A target that is a program.

use super::{Carrier, Failure, body};
use crate::{
    domain::{dispatch::Message, text, time::Span},
    os::spawn::Spec,
};
use futures::{FutureExt as _, future::BoxFuture};

/// Bytes of its output that are read.
const SAID_MAX: usize = 16 * 1024;

/// A program that reads a message from standard input and ends well where it took it.
pub struct Program {
    spec: Spec,
    limit: Span,
}

impl Program {
    /// Program and arguments; `None` where there is none.
    pub fn new(words: &[String], limit: Span) -> Option<Self> {
        let (program, args) = words.split_first()?;
        Some(Self { spec: Spec::new(program).args(args), limit })
    }

    async fn run(&self, message: Message) -> Result<String, Failure> {
        let mut input = body::webhook(&message).to_string().into_bytes();
        input.push(b'\n');
        let answer = match self.spec.answer(Some(&input), self.limit.std(), SAID_MAX).await {
            Ok(answer) => answer,
            Err(error) => return Err(Failure::later(format!("the command could not be run: {error}"))),
        };
        let first = |bytes: &[u8]| text::bytes(bytes).lines().next().unwrap_or_default().to_owned();
        match answer.code {
            Some(0) => Ok(first(&answer.stdout)),
            Some(code) => Err(Failure::later(format!("it ended with {code}: {}", first(&answer.stderr)))),
            None => Err(Failure::later("a signal ended it")),
        }
    }
}

impl Carrier for Program {
    fn carry(&self, message: Message) -> BoxFuture<'_, Result<String, Failure>> {
        self.run(message).boxed()
    }
}
