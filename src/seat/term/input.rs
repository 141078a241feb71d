//! What comes from the terminal, as a stream of our own type.

use super::{key::KeyChord, translate};
use rustix::event::{PollFd, PollFlags, poll};
use std::thread::JoinHandle;
use std::{
    io::{self, PipeReader, PipeWriter},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc;

/// One thing that came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed, or repeats.
    Key(KeyChord),
    /// Text was pasted, as it came: hostile until it was cleaned.
    Paste(String),
    /// The terminal is now so many columns and rows.
    Resize(u16, u16),
    /// The terminal gained or lost the focus.
    Focus(bool),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal is gone; nothing follows.
    Gone,
}

/// What the mouse did, and where, from the top left, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// Column.
    pub column: u16,
    /// Row.
    pub row: u16,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// It moved with the left button down.
    Drag,
    /// The left button went up.
    Release,
    /// The wheel turned up.
    WheelUp,
    /// The wheel turned down.
    WheelDown,
}

/// Inputs that wait to be taken; beyond, the terminal waits.
const WAITING: usize = 256;

/// The least that the library may wait so that it looks at all.
const MOMENT: Duration = Duration::from_millis(1);

/// The terminal's input as a stream, read by a thread of its own; ends after [`Input::Gone`].
///
/// The library's own event stream is not used: its default source waits for edges and loses what it did not read at
/// the first one, and spins inside one poll where the terminal hung up; its other source, which is the one in use
/// here, answers nothing where it may not wait, as a stream never may. The thread asks the kernel first.
pub struct Inputs {
    heard: mpsc::Receiver<Input>,
    // Closing it tells the thread to end.
    alive: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Inputs {
    /// Begins to read standard input, which must be a terminal in raw mode.
    ///
    /// # Errors
    /// Where the system has no thread or pipe left.
    pub fn start() -> io::Result<Self> {
        let (end, alive) = io::pipe()?;
        let (send, inputs) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new().name("input".into()).spawn(move || {
            let _ = read(&end, &send);
            let _ = send.blocking_send(Input::Gone);
        })?;
        Ok(Self { heard: inputs, alive: Some(alive), thread: Some(thread) })
    }

    /// Stops to read, so that another program can, and waits until it has.
    pub fn stop(&mut self) {
        self.alive = None;
        self.heard.close();
        while self.heard.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// The next input; `None` after the last.
    pub async fn next(&mut self) -> Option<Input> {
        self.heard.recv().await
    }
}

impl futures::Stream for Inputs {
    type Item = Input;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Input>> {
        self.heard.poll_recv(cx)
    }
}

/// Reads until the terminal hangs up or nobody listens.
fn read(end: &PipeReader, send: &mpsc::Sender<Input>) -> io::Result<()> {
    let stdin = io::stdin();
    loop {
        let mut watched = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(end, PollFlags::IN)];
        match poll(&mut watched, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        let [tty, stop] = watched.map(|fd| fd.revents());
        let lost = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if !stop.is_empty() || tty.intersects(lost) {
            return Ok(());
        }
        while crossterm::event::poll(MOMENT)? {
            let input = translate::event(crossterm::event::read()?);
            if let Some(input) = input
                && send.blocking_send(input).is_err()
            {
                return Ok(());
            }
        }
    }
}
