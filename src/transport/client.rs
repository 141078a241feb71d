//! A client's end of the wire: connect, hello, then frames both ways.

use crate::{
    domain::{Command, CommandId, Refusal, state::FOLD},
    os::{self, peer},
    signal::Shows,
    wire::{
        As, Ask, Assembly, FRAME_MAX, Finished, FromRoom, Lines, Outcome, Steer, StepRef, ToRoom, Told, WIRE,
        decode, encode,
    },
};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use uuid::Uuid;

/// No room answers, or not as one should.
#[derive(Debug, thiserror::Error)]
pub enum NoRoom {
    /// Nothing listens there.
    #[error("no room listens at {}: {why}", path.display())]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// Somebody else's process listens there.
    #[error("uid {uid} listens at {}, who is neither you, root nor the room's user: do not trust it", path.display())]
    Foreign {
        /// The socket.
        path: PathBuf,
        /// Whose.
        uid: u32,
    },
    /// It said no.
    #[error("the room ended the connection: {0}")]
    Refused(String),
    /// It speaks another version of the wire.
    #[error("{0}")]
    OtherWire(String),
    /// It went away.
    #[error("the connection to the room is lost: {0}")]
    Lost(io::Error),
    /// It did not answer in time.
    #[error("the room did not answer within {0:?}")]
    Slow(Duration),
}

/// The reading half: frames as they come.
#[derive(Debug)]
pub struct Reader {
    half: OwnedReadHalf,
    lines: Lines,
    piece: Box<[u8]>,
    parts: Assembly,
}

/// The writing half.
#[derive(Debug)]
pub struct Writer {
    half: OwnedWriteHalf,
}

impl Reader {
    /// The answer to this question is not wanted any more. The room is told by [`ToRoom::Cancel`].
    pub fn give_up(&mut self, n: u64) {
        self.parts.give_up(n);
    }

    /// The next frame, put together where it comes in parts; frames that this version does not know are passed over. Cancelling loses nothing.
    ///
    /// # Errors
    /// [`NoRoom::Lost`] at the end, [`NoRoom::Refused`] on a goodbye.
    pub async fn next(&mut self) -> Result<FromRoom, NoRoom> {
        loop {
            let line = self.lines.next_line().map_err(|long| NoRoom::Lost(io::Error::other(long)))?;
            if let Some(line) = line {
                match decode::<FromRoom>(&line) {
                    Ok(FromRoom::Bye { why: Finished::OtherWire, say }) => {
                        return Err(NoRoom::OtherWire(say));
                    }
                    Ok(FromRoom::Bye { say, .. }) => return Err(NoRoom::Refused(say)),
                    Ok(FromRoom::Part { of, n, last, text }) => {
                        let whole = self.parts.take(of, n, last, &text);
                        let whole = whole.map_err(|misfit| NoRoom::Lost(io::Error::other(misfit)))?;
                        match whole.map(|whole| decode::<FromRoom>(whole.as_bytes())) {
                            Some(Ok(frame)) => return Ok(frame),
                            Some(Err(error)) => tracing::debug!(%error, "a frame that is not known here"),
                            None => {}
                        }
                        continue;
                    }
                    Ok(frame) => return Ok(frame),
                    Err(error) => {
                        tracing::debug!(%error, "a frame that is not known here");
                        continue;
                    }
                }
            }
            let n = self.half.read(&mut self.piece).await.map_err(NoRoom::Lost)?;
            if n == 0 {
                return Err(NoRoom::Lost(io::ErrorKind::UnexpectedEof.into()));
            }
            self.lines.feed(self.piece.get(..n).unwrap_or_default());
        }
    }
}

impl Writer {
    /// Sends a frame.
    ///
    /// # Errors
    /// [`NoRoom::Lost`].
    pub async fn send(&mut self, frame: &ToRoom) -> Result<(), NoRoom> {
        self.half.write_all(&encode(frame)).await.map_err(NoRoom::Lost)
    }
}

/// Connects and says hello; gives both halves and the room's hello. `shows` is what of the signals a client shows that
/// wants state, events and signals as they come.
///
/// # Errors
/// [`NoRoom`].
pub async fn connect(
    path: &Path,
    role: As,
    shows: Option<Shows>,
    claimed: Option<String>,
) -> Result<(Reader, Writer, FromRoom), NoRoom> {
    let (live, shows) = (shows.is_some(), shows.unwrap_or_default());
    greet(
        path,
        ToRoom::Hello { wire: WIRE, fold: FOLD, role, live, claimed, read_only: false, shows, parts: true },
    )
    .await
}

/// Connects as a seat that is sent what it shows; one that only looks is refused whatever would change anything.
///
/// # Errors
/// [`NoRoom`].
pub async fn sit(
    path: &Path,
    claimed: Option<String>,
    read_only: bool,
    shows: Shows,
) -> Result<(Reader, Writer, FromRoom), NoRoom> {
    let role = As::Seat;
    greet(
        path,
        ToRoom::Hello { wire: WIRE, fold: FOLD, role, live: true, claimed, read_only, shows, parts: true },
    )
    .await
}

async fn greet(path: &Path, hello: ToRoom) -> Result<(Reader, Writer, FromRoom), NoRoom> {
    let stream =
        UnixStream::connect(path).await.map_err(|why| NoRoom::Absent { path: path.to_owned(), why })?;
    // The server proves itself too: in a directory that others could write, anybody could listen.
    let server = peer::of(&stream).map_err(|error| NoRoom::Lost(io::Error::other(error)))?.uid;
    let me = peer::my_uid();
    if server != me && server != 0 && Some(server) != os::dirs::owner_of(path) {
        return Err(NoRoom::Foreign { path: path.to_owned(), uid: server });
    }
    let (read, write) = stream.into_split();
    let mut reader = Reader {
        half: read,
        lines: Lines::new(FRAME_MAX),
        piece: vec![0; PIECE].into_boxed_slice(),
        parts: Assembly::default(),
    };
    let mut writer = Writer { half: write };
    let sent = writer.send(&hello).await;
    // A room that lets nobody in says why and closes, maybe before the hello could be sent: its reason comes first.
    let hello = in_time(reader.next()).await.map_err(|error| match sent {
        Err(failed) if matches!(error, NoRoom::Lost(_)) => failed,
        _ => error,
    })?;
    Ok((reader, writer, hello))
}

/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;

/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

async fn in_time<T>(wait: impl Future<Output = Result<T, NoRoom>>) -> Result<T, NoRoom> {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or(Err(NoRoom::Slow(PATIENCE)))
}

/// A client that asks and waits, for scripts.
#[derive(Debug)]
pub struct Client {
    reader: Reader,
    writer: Writer,
    /// The room's hello.
    pub hello: FromRoom,
    asked: u64,
}

impl Client {
    /// Connects as a script.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn script(path: &Path) -> Result<Self, NoRoom> {
        let (reader, writer, hello) =
            connect(path, As::Script, None, crate::os::claim::of_this_process()).await?;
        Ok(Self { reader, writer, hello, asked: 0 })
    }

    /// Sends a frame. A room that takes no more of it has said why before.
    async fn send(&mut self, frame: &ToRoom) -> Result<(), NoRoom> {
        let Err(lost) = self.writer.send(frame).await else { return Ok(()) };
        loop {
            match in_time(self.reader.next()).await {
                Ok(_) => {}
                Err(NoRoom::Lost(_) | NoRoom::Slow(_)) => return Err(lost),
                Err(said) => return Err(said),
            }
        }
    }

    /// Does a command and waits until it is durable or refused.
    ///
    /// # Errors
    /// [`NoRoom`]; the command may then have happened, and can be sent again under the same id.
    pub async fn command(&mut self, id: CommandId, command: Command) -> Result<Outcome, NoRoom> {
        self.command_under(id, command, None).await
    }

    /// The same, with the glass broken for it in case that the room cannot reach the journal that it shares.
    ///
    /// # Errors
    /// [`NoRoom`], as [`Self::command`].
    pub async fn command_under(
        &mut self,
        id: CommandId,
        command: Command,
        glass: Option<String>,
    ) -> Result<Outcome, NoRoom> {
        self.send(&ToRoom::Do { id, command, glass }).await?;
        in_time(async {
            loop {
                match self.reader.next().await? {
                    FromRoom::Done { id: done, outcome } if done == id => return Ok(outcome),
                    _ => {}
                }
            }
        })
        .await
    }

    /// Does a command under a new name.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn act(&mut self, command: Command) -> Result<Outcome, NoRoom> {
        self.command(CommandId(Uuid::now_v7()), command).await
    }

    /// Steers the hand of a step; waits until the room has passed it on or refused to. What becomes of the step says the
    /// rest.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn steer(&mut self, at: StepRef, steer: Steer) -> Result<Result<(), Refusal>, NoRoom> {
        self.send(&ToRoom::Steer { at, steer }).await?;
        self.asked += 1;
        let mine = self.asked;
        // Frames of one connection are heard in order: this is answered behind what may be said to the one before.
        self.send(&ToRoom::Ask { n: mine, ask: Ask::Status }).await?;
        in_time(async {
            let mut said = Ok(());
            loop {
                match self.reader.next().await? {
                    FromRoom::Refused { refusal, .. } => said = Err(refusal),
                    FromRoom::Told { n, .. } if n == mine => return Ok(said),
                    _ => {}
                }
            }
        })
        .await
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn ask(&mut self, ask: Ask) -> Result<Told, NoRoom> {
        self.asked += 1;
        let mine = self.asked;
        self.send(&ToRoom::Ask { n: mine, ask }).await?;
        in_time(async {
            loop {
                match self.reader.next().await? {
                    FromRoom::Told { n, told } if n == mine => return Ok(told),
                    _ => {}
                }
            }
        })
        .await
    }
}
