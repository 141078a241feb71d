//! One client's connection: proves who it is, reads its frames for the room, writes what waits for it.

use super::{
    budget::{self, Budget, Budgets, Large},
    outbox::{Next, Outbox},
};
use crate::{
    domain::{
        Command, CommandId,
        power::Groups,
        refusal::{Code, Refusal},
    },
    os::peer,
    wire::{FRAME_MAX, FRAME_MAX_STRANGER, Finished, FromRoom, Lines, Outcome, ToRoom, Told, decode, encode},
};
use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::Instant,
};

/// Names a connection for the life of the room.
pub type ConnId = u64;

/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;
/// A hello must come within this.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// What waits for a client that is told goodbye may take this long to go out.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);

/// Connections of one user that have not said hello at most, so that what they may hold is bounded too.
const STRANGERS_MAX: usize = 64;

/// Who has connected and not said hello yet, by user.
#[derive(Debug, Clone, Default)]
pub struct Strangers(Arc<Mutex<BTreeMap<u32, usize>>>);

/// One of them; leaves when dropped.
#[derive(Debug)]
struct Stranger {
    all: Strangers,
    uid: u32,
}

impl Strangers {
    fn enter(&self, uid: u32) -> Option<Stranger> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(uid).or_default();
        if *count >= STRANGERS_MAX {
            return None;
        }
        *count += 1;
        Some(Stranger { all: self.clone(), uid })
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.uid) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                all.remove(&self.uid);
            }
        }
    }
}

/// From a connection to the room.
#[derive(Debug)]
pub enum FromConn {
    /// It is there and has said hello.
    Joined {
        /// Its user.
        uid: u32,
        /// Its login name.
        name: String,
        /// Its groups.
        groups: Groups,
        /// Its hello.
        hello: ToRoom,
        /// What is sent to it.
        outbox: Arc<Outbox>,
    },
    /// It says this; with it what a long frame holds until the room is done with it.
    Says(ToRoom, Option<Large>),
    /// What it wants erased was looked up.
    LookedUp {
        /// Its command.
        id: CommandId,
        /// What is to be decided, or why nothing is.
        found: Result<Command, Refusal>,
    },
    /// It missed frames.
    Behind,
    /// It is gone.
    Left,
}

/// Serves a connection to its end.
pub async fn serve(
    id: ConnId,
    stream: UnixStream,
    room: mpsc::Sender<(ConnId, FromConn)>,
    owner: Option<u32>,
    (strangers, budgets): (Strangers, Budgets),
) {
    let found = peer::of(&stream).map(|peer| (peer.uid, peer::gids(&stream, &peer)));
    let (uid, gids) = match found {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "a connection was refused");
            goodbye(stream, Finished::Forbidden, &error.to_string()).await;
            return;
        }
    };
    if owner.is_some_and(|owner| owner != uid && uid != 0) {
        goodbye(
            stream,
            Finished::Forbidden,
            "this room is private to its owner; a room for all is warroom serve",
        )
        .await;
        return;
    }
    let Some(stranger) = strangers.enter(uid) else {
        let say = "64 connections of yours have not said hello yet; close some";
        goodbye(stream, Finished::TooMany, say).await;
        return;
    };
    let (name, groups) = tokio::join!(peer::name_of(uid), peer::group_names(&gids));
    let (read, mut write) = stream.into_split();
    let budget = budgets.of(uid);
    let mut frames = Frames::of_stranger(read);
    let hello = match tokio::time::timeout(HELLO_WITHIN, frames.next()).await {
        Ok(Ok(Some((hello @ ToRoom::Hello { .. }, _)))) => hello,
        Ok(Ok(None)) | Err(_) => return,
        Ok(Ok(Some(_)) | Err(_)) => {
            let say = "the first frame is not a hello: {\"hello\":{\"wire\":1,\"as\":\"script\"}}".to_owned();
            drop(write.write_all(&encode(&FromRoom::Bye { why: Finished::Nonsense, say })).await);
            return;
        }
    };
    drop(stranger);
    frames.allow(budget.clone());
    let outbox = Arc::new(Outbox::of(budget));
    let joined = FromConn::Joined { uid, name, groups: Arc::new(groups), hello, outbox: outbox.clone() };
    if room.send((id, joined)).await.is_err() {
        return;
    }
    let reading = async {
        loop {
            outbox.eased().await;
            match frames.next().await {
                Ok(Some((says, large))) => {
                    if matches!(says, ToRoom::Ask { .. }) {
                        outbox.asked();
                    }
                    if room.send((id, FromConn::Says(says, large))).await.is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(Strange { answer: Some(answer), .. }) => outbox.reply(encode(&answer)),
                Err(Strange { why, say, .. }) => {
                    outbox.reply(encode(&FromRoom::Bye { why, say }));
                    outbox.close();
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    let writing = async {
        loop {
            match outbox.next().await {
                Next::Frames(frames) => {
                    if send(&mut write, &frames).await.is_err() {
                        return;
                    }
                }
                Next::Resync => {
                    if room.send((id, FromConn::Behind)).await.is_err() {
                        return;
                    }
                }
                Next::Close => return,
            }
        }
    };
    // Who is told goodbye and does not read it is not waited for.
    let closing = async {
        outbox.closing().await;
        tokio::time::sleep(GOODBYE_WITHIN).await;
    };
    tokio::select! { () = reading => {} () = writing => {} () = closing => {} }
    drop(room.send((id, FromConn::Left)).await);
}

/// What cannot be taken in: a line that is no frame of this version, or more than may be sent at once.
struct Strange {
    /// Why the connection ends, where it does.
    why: Finished,
    /// What is wrong.
    say: String,
    /// What is answered where a later version may know it, so that one client can speak to more than one version.
    answer: Option<FromRoom>,
}

impl Strange {
    fn line(line: &[u8], error: &serde_json::Error) -> Self {
        let start = crate::domain::text::bytes(line.get(..80).unwrap_or(line));
        let say = format!("this is not a frame: {error}, in {start}");
        Self { why: Finished::Nonsense, say, answer: later(line, error) }
    }

    fn end(why: Finished, say: String) -> Self {
        Self { why, say, answer: None }
    }
}

/// The answer to a frame, command or question that is not known here.
fn later(line: &[u8], error: &serde_json::Error) -> Option<FromRoom> {
    let value: serde_json::Map<String, serde_json::Value> = decode(line).ok()?;
    let (name, body) = value.iter().next().filter(|_| value.len() == 1)?;
    let unknown = || {
        Refusal::new(
            Code::Invalid,
            crate::domain::text::line(&format!("this room does not know that: {error}")),
        )
        .hint("docs/wire.md has what it knows; a newer room may know more")
    };
    match name.as_str() {
        "do" => {
            let id = serde_json::from_value(body.get("id")?.clone()).ok()?;
            Some(FromRoom::Done { id, outcome: Outcome::Refused(unknown()) })
        }
        "ask" => Some(FromRoom::Told { n: body.get("n")?.as_u64()?, told: Told::No(unknown()) }),
        "hello" | "hand" | "steer" | "show" | "here" => None,
        other => Some(FromRoom::Ignored(crate::domain::text::line(other).chars().take(40).collect())),
    }
}

/// What a client sends, frame by frame.
struct Frames {
    read: OwnedReadHalf,
    lines: Lines,
    piece: Box<[u8]>,
    /// What long frames are taken from. A stranger has none, and needs none: the bound on its frames is its own.
    budget: Option<Arc<Budget>>,
    /// Held from where a frame is found to be long, and until when the rest of it must be there.
    large: Option<(Large, Instant)>,
}

impl Frames {
    fn of_stranger(read: OwnedReadHalf) -> Self {
        let piece = vec![0_u8; PIECE].into_boxed_slice();
        Self { read, lines: Lines::new(FRAME_MAX_STRANGER), piece, budget: None, large: None }
    }

    /// Long frames from now on, within what its user may send at once.
    fn allow(&mut self, budget: Arc<Budget>) {
        self.lines.allow(FRAME_MAX);
        self.budget = Some(budget);
    }

    /// The next frame; `None` at the end.
    async fn next(&mut self) -> Result<Option<(ToRoom, Option<Large>)>, Strange> {
        loop {
            match self.lines.next_line() {
                Ok(Some(line)) => {
                    let large = self.large.take().map(|(large, _)| large);
                    let frame = decode(&line).map_err(|error| Strange::line(&line, &error))?;
                    return Ok(Some((frame, large)));
                }
                Ok(None) => {}
                Err(long) => return Err(Strange::end(Finished::Nonsense, long.to_string())),
            }
            if let Some(budget) = &self.budget
                && self.lines.waiting() > budget::SMALL
                && self.large.is_none()
            {
                let large = budget.large().await;
                let large = large.map_err(|say| Strange::end(Finished::TooMany, say))?;
                self.large = Some((large, Instant::now() + budget::SENT_WITHIN));
            }
            let read = self.read.read(&mut self.piece);
            let read = match &self.large {
                None => read.await,
                Some((_, until)) => tokio::time::timeout_at(*until, read).await.map_err(|_| {
                    let within = budget::SENT_WITHIN.as_secs();
                    Strange::end(Finished::TooMany, format!("a long frame was not whole within {within} s"))
                })?,
            };
            match read {
                Ok(0) | Err(_) => return Ok(None),
                Ok(n) => self.lines.feed(self.piece.get(..n).unwrap_or_default()),
            }
        }
    }
}

/// Writes frames with as few calls of the system as it takes them in.
async fn send(write: &mut OwnedWriteHalf, frames: &[Arc<[u8]>]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let n = write.write_vectored(rest).await?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut rest, n);
    }
    Ok(())
}

async fn goodbye(mut stream: UnixStream, why: Finished, say: &str) {
    let bye = encode(&FromRoom::Bye { why, say: say.to_owned() });
    drop(tokio::time::timeout(GOODBYE_WITHIN, stream.write_all(&bye)).await);
}
