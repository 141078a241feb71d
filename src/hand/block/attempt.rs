//! One attempt: a child, its output, the clock over it, and its end.

use crate::{
    domain::{text, time::Span},
    hand::{
        carry::STATE_MAX,
        launch::Launch,
        outcome::{BlockResult, Control, Progress, Request, Screen, Surroundings},
        sink::Sink,
    },
    os::{
        group::{Ended, Group},
        pty::Terminal,
        spawn::Running,
    },
};
use std::{io, os::unix::process::ExitStatusExt as _, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
    sync::mpsc::Receiver,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// Bytes of standard output that become an input.
const CAPTURE_MAX: usize = 64 * 1024;
/// Without output for so long, an incomplete line is shown.
const IDLE: Duration = Duration::from_millis(100);
/// After the child has ended, others of its session may hold its output open: so long is it read on.
const DRAIN: Duration = Duration::from_millis(500);
/// A terminal's screen is shown at most so often.
const PAINT: Duration = Duration::from_millis(40);
/// So long before the end of its time, or a fifth of it where that is less, somebody is asked what to do.
const LATE: Duration = Duration::from_secs(30);
/// Further away than any deadline.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// A started attempt.
pub(super) struct Attempt {
    child: Child,
    pub group: Group,
    screen: Option<vt100::Parser>,
}

enum Child {
    Pipes { running: Box<Running>, writer: Option<JoinHandle<Option<tokio::process::ChildStdin>>> },
    Terminal(Terminal),
}

/// How an attempt ended.
#[derive(Debug, Default)]
pub(super) struct End {
    pub exit: Option<i32>,
    pub signal: Option<i32>,
    /// Why we killed it, where we did.
    pub killed: Option<BlockResult>,
    /// Standard output, or the size it should not have had.
    pub captured: Option<Result<Vec<u8>, usize>>,
}

/// What can happen to a running child.
enum Happened {
    Out(Vec<u8>),
    Err(Vec<u8>),
    Closed,
    Exited(io::Result<(Option<i32>, Option<i32>)>),
}

impl Attempt {
    pub fn start(request: &Request, launch: &mut Launch) -> io::Result<Self> {
        if request.block.interactive {
            let terminal = Terminal::start(&launch.spec, request.size)?;
            let (rows, cols) = dimensions(request.size);
            let screen = Some(vt100::Parser::new(rows, cols, 0));
            return Ok(Self { group: terminal.group.clone(), child: Child::Terminal(terminal), screen });
        }
        let mut running = launch.spec.start(launch.streams, launch.script.is_some())?;
        // The script is written beside everything else, and the pipe stays open: its end tells the remote side that
        // nobody is here any more.
        let writer = launch.script.take().zip(running.input.take()).map(|(script, mut input)| {
            tokio::spawn(async move { input.write_all(&script).await.ok().map(|()| input) })
        });
        Ok(Self {
            group: running.group.clone(),
            child: Child::Pipes { running: Box::new(running), writer },
            screen: None,
        })
    }

    /// Sees it to its end.
    pub async fn run(
        &mut self,
        request: &Request,
        around: &Surroundings,
        launch: &mut Launch,
        sink: &mut Sink,
        control: &mut Receiver<Control>,
    ) -> End {
        let mut end = End::default();
        let mut stdout = request.block.capture.is_some().then(Vec::new);
        let limit = request.block.timeout.map_or(NEVER, Span::std).min(NEVER);
        let mut deadline = Instant::now() + limit;
        let before_end = LATE.min(limit / 5);
        let mut late = deadline - before_end;
        let mut idle = Instant::now() + NEVER;
        // At once, so that a terminal is known to be there before it shows anything.
        let mut paint = self.screen.is_some().then(Instant::now);
        let mut stop: Option<Instant> = None;
        let mut ending: Option<JoinHandle<Ended>> = None;
        let mut listening = true;
        let mut exited = false;
        loop {
            tokio::select! {
                biased;
                told = control.recv(), if listening => match told {
                    None => listening = false,
                    Some(Control::Cancel) if ending.is_none() && !exited => {
                        end.killed = Some(BlockResult::Cancelled);
                        ending = Some(self.end(request.grace));
                        sink.tell(Progress::Ending).await;
                    }
                    Some(Control::Extend(more)) => {
                        deadline = deadline.checked_add(more.std().min(NEVER)).unwrap_or(deadline);
                        late = deadline - before_end;
                    }
                    Some(other) => {
                        if self.told(other, launch, sink).await {
                            paint = paint.or_else(|| Some(Instant::now()));
                        }
                    }
                },
                () = sleep_until(deadline), if ending.is_none() && !exited => {
                    end.killed = Some(BlockResult::TimedOut);
                    ending = Some(self.end(request.grace));
                    sink.tell(Progress::Ending).await;
                }
                () = sleep_until(late), if ending.is_none() && !exited && request.block.timeout.is_some() => {
                    late = Instant::now() + NEVER;
                    sink.tell(Progress::Late).await;
                }
                () = sleep_until(paint.unwrap_or(deadline)), if paint.is_some() => {
                    paint = None;
                    self.paint(around, sink).await;
                }
                () = sleep_until(idle) => {
                    idle = Instant::now() + NEVER;
                    sink.idle().await;
                }
                // Those that hold the output open after the child has gone are not waited for, unless being ended.
                () = sleep_until(stop.unwrap_or_else(|| Instant::now() + NEVER)), if stop.is_some() => break,
                happened = self.child.next(exited) => match happened {
                    Happened::Out(bytes) => {
                        let (bytes, typed) = launch.opening.printed(bytes);
                        if let Child::Terminal(terminal) = &self.child && !typed.is_empty() {
                            terminal.keys(typed);
                        }
                        let bytes = launch.splitter.push(&bytes, STATE_MAX);
                        if let Some(stdout) = &mut stdout {
                            stdout.extend(bytes.iter().take((CAPTURE_MAX + 1).saturating_sub(stdout.len())));
                        }
                        self.printed(&bytes, sink).await;
                        idle = Instant::now() + IDLE;
                        paint = paint.or_else(|| self.screen.is_some().then(|| Instant::now() + PAINT));
                    }
                    Happened::Err(bytes) => {
                        self.printed(&bytes, sink).await;
                        idle = Instant::now() + IDLE;
                    }
                    Happened::Exited(status) => {
                        exited = true;
                        match status {
                            Ok(status) => (end.exit, end.signal) = status,
                            Err(error) => sink.trouble(format!("its end was not seen: {error}")).await,
                        }
                        stop = Some(Instant::now() + DRAIN);
                        if let Some(ending) = ending.take() {
                            // Nobody of the session is left after this, so that nothing is held open.
                            if let Ok(Ended::Stuck(n)) = ending.await {
                                sink.trouble(format!("{n} processes cannot be killed")).await;
                            }
                        }
                    }
                    Happened::Closed if exited && self.child.is_closed() => break,
                    Happened::Closed => {}
                },
            }
        }
        self.paint(around, sink).await;
        sink.end().await;
        end.captured =
            stdout.map(|bytes| if bytes.len() > CAPTURE_MAX { Err(CAPTURE_MAX) } else { Ok(bytes) });
        end
    }

    /// Begins to end the whole session. A remote one is told by the end of its input first.
    fn end(&mut self, grace: Span) -> JoinHandle<Ended> {
        let group = self.group.clone();
        let writer = match &mut self.child {
            Child::Pipes { writer, .. } => writer.take(),
            Child::Terminal(_) => None,
        };
        tokio::spawn(async move {
            if let Some(writer) = writer {
                writer.abort();
                drop(writer.await);
                // The remote side has its own grace and KILL; ssh ends by itself after them.
                let deadline = Instant::now() + grace.plus(Span::secs(2)).std();
                while !group.members().is_empty() && Instant::now() < deadline {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            group.end(grace).await
        })
    }

    /// Gives whether the screen is to be shown anew.
    async fn told(&mut self, what: Control, launch: &mut Launch, sink: &mut Sink) -> bool {
        let Child::Terminal(terminal) = &self.child else { return false };
        match what {
            Control::Keys(bytes) => {
                terminal.keys(launch.opening.typed(bytes));
                false
            }
            Control::Resize(size) => {
                if let Err(error) = terminal.resize(size) {
                    sink.trouble(format!("the terminal keeps its size: {error}")).await;
                }
                if let Some(screen) = &mut self.screen {
                    let (rows, cols) = dimensions(size);
                    screen.screen_mut().set_size(rows, cols);
                }
                true
            }
            Control::Repaint => true,
            Control::Cancel | Control::Extend(_) => false,
        }
    }

    async fn paint(&self, around: &Surroundings, sink: &Sink) {
        let Some(screen) = self.screen.as_ref().map(vt100::Parser::screen) else { return };
        let cols = screen.size().1.get();
        let clean = |row: String| around.redactor.text(text::line(&row).as_ref()).into_owned();
        let rows = screen.rows(0, cols).map(clean).collect();
        sink.tell(Progress::Screen(Screen { cols, rows, cursor: screen.cursor_position() })).await;
    }

    async fn printed(&mut self, bytes: &[u8], sink: &mut Sink) {
        if let Some(screen) = &mut self.screen {
            screen.process(bytes);
        }
        sink.push(bytes).await;
    }
}

impl Child {
    /// Whether nothing more can be printed. (A terminal says so itself, after its end.)
    fn is_closed(&self) -> bool {
        match self {
            Self::Pipes { running, .. } => running.out.is_none() && running.err.is_none(),
            Self::Terminal(_) => true,
        }
    }

    /// The next thing that happens. Safe to drop while it waits.
    async fn next(&mut self, exited: bool) -> Happened {
        match self {
            Self::Pipes { running, .. } => {
                let Running { child, out, err, .. } = running.as_mut();
                if out.is_none() && err.is_none() && exited {
                    return Happened::Closed;
                }
                let (mut first, mut second) = (vec![0; 32 * 1024], vec![0; 32 * 1024]);
                let happened = tokio::select! {
                    n = read(out, &mut first) => filled(n.ok(), first, out).map(Happened::Out),
                    n = read(err, &mut second) => filled(n.ok(), second, err).map(Happened::Err),
                    status = child.wait(), if !exited => {
                        Some(Happened::Exited(status.map(|status| (status.code(), status.signal()))))
                    }
                };
                happened.unwrap_or(Happened::Closed)
            }
            Self::Terminal(terminal) => tokio::select! {
                biased;
                bytes = terminal.output.recv() => match bytes {
                    Some(bytes) => Happened::Out(bytes),
                    None if exited => Happened::Closed,
                    None => terminal_end(terminal).await,
                },
                ended = &mut terminal.ended, if !exited => exit_of(ended),
            },
        }
    }
}

async fn terminal_end(terminal: &mut Terminal) -> Happened {
    exit_of((&mut terminal.ended).await)
}

fn exit_of(
    ended: Result<io::Result<crate::os::pty::Exit>, tokio::sync::oneshot::error::RecvError>,
) -> Happened {
    let status = ended.unwrap_or_else(|_| Err(io::Error::other("its end was not told")));
    Happened::Exited(status.map(|exit| (exit.code, None)))
}

async fn read(from: &mut Option<pipe::Receiver>, buffer: &mut [u8]) -> io::Result<usize> {
    match from {
        Some(from) => from.read(buffer).await,
        None => std::future::pending().await,
    }
}

/// What was read, or nothing when that was the stream's end, which is then forgotten.
fn filled(n: Option<usize>, mut buffer: Vec<u8>, from: &mut Option<pipe::Receiver>) -> Option<Vec<u8>> {
    if let Some(n @ 1..) = n {
        buffer.truncate(n);
        return Some(buffer);
    }
    *from = None;
    None
}

fn dimensions(size: crate::os::pty::Size) -> (std::num::NonZeroU16, std::num::NonZeroU16) {
    let one = std::num::NonZeroU16::MIN;
    (std::num::NonZeroU16::new(size.rows).unwrap_or(one), std::num::NonZeroU16::new(size.cols).unwrap_or(one))
}
