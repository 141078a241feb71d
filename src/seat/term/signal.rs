//! Signals as a stream, each with who sent it.

use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH},
    iterator::exfiltrator::WithOrigin,
    low_level::siginfo::Origin,
};
use signal_hook_tokio::SignalsInfo;
use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

/// What a signal asks of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Give the terminal back and end.
    End(Ended),
    /// Give the terminal back and stop ([`super::Screen::suspend`]).
    Stop,
    /// Running again: take the terminal anew ([`super::Screen::reclaim`]).
    Continue,
    /// The terminal's size changed.
    Resize,
}

/// Which signal ended the seat, and the process that sent it, where the kernel says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The signal's number.
    pub number: i32,
    /// Process id and user id of the sender.
    pub sender: Option<(i32, u32)>,
}

impl Ended {
    /// The exit code that shells give a process that this signal ended.
    pub fn exit_code(&self) -> u8 {
        u8::try_from(128 + self.number).unwrap_or(1)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = signal_hook::low_level::signal_name(self.number).unwrap_or("a signal");
        match self.sender {
            Some((pid, uid)) => write!(f, "{name} from process {pid} of uid {uid}"),
            None => f.write_str(name),
        }
    }
}

/// The stream. While it lives, none of its signals does what it does by default.
pub struct Signals(SignalsInfo<WithOrigin>);

impl Signals {
    /// Begins to listen. Needs a tokio runtime.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self(SignalsInfo::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH])?))
    }

    /// The next signal.
    pub async fn next(&mut self) -> Option<Signal> {
        futures::StreamExt::next(self).await
    }
}

impl futures::Stream for Signals {
    type Item = Signal;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        Pin::new(&mut self.0).poll_next(cx).map(|origin| origin.map(|origin| meaning(&origin)))
    }
}

fn meaning(origin: &Origin) -> Signal {
    match origin.signal {
        SIGTSTP => Signal::Stop,
        SIGCONT => Signal::Continue,
        SIGWINCH => Signal::Resize,
        number => {
            let sender = origin.process.as_ref().map(|process| (process.pid, process.uid));
            Signal::End(Ended { number, sender })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sent_it_is_said() {
        let ended = Ended { number: SIGTERM, sender: Some((42, 1000)) };
        assert_eq!(ended.to_string(), "SIGTERM from process 42 of uid 1000");
        assert_eq!(ended.exit_code(), 143);
    }
}
