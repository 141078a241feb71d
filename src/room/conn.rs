//! One client's connection: proves who it is, reads its frames for the room, writes what waits for it.

use super::outbox::{Next, Outbox};
use crate::{
    domain::{Command, CommandId, Refusal, power::Groups},
    os::peer,
    wire::{FRAME_MAX, FRAME_MAX_STRANGER, Finished, FromRoom, Lines, ToRoom, decode, encode},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixStream, unix::OwnedReadHalf},
    sync::mpsc,
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
    /// It says this.
    Says(ToRoom),
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
    strangers: Strangers,
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
    let (mut read, mut write) = stream.into_split();
    let mut lines = Lines::new(FRAME_MAX_STRANGER);
    let mut piece = vec![0_u8; PIECE].into_boxed_slice();
    let hello = match tokio::time::timeout(HELLO_WITHIN, frame(&mut read, &mut lines, &mut piece)).await {
        Ok(Ok(Some(hello @ ToRoom::Hello { .. }))) => hello,
        Ok(Ok(None)) | Err(_) => return,
        Ok(Ok(Some(_)) | Err(_)) => {
            let say = "the first frame is not a hello: {\"hello\":{\"wire\":1,\"as\":\"script\"}}".to_owned();
            drop(write.write_all(&encode(&FromRoom::Bye { why: Finished::Nonsense, say })).await);
            return;
        }
    };
    drop(stranger);
    lines.allow(FRAME_MAX);
    let outbox = Arc::new(Outbox::default());
    let joined = FromConn::Joined { uid, name, groups: Arc::new(groups), hello, outbox: outbox.clone() };
    if room.send((id, joined)).await.is_err() {
        return;
    }
    let reading = async {
        loop {
            match frame(&mut read, &mut lines, &mut piece).await {
                Ok(Some(says)) => {
                    if room.send((id, FromConn::Says(says))).await.is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(say) => {
                    outbox.reply(encode(&FromRoom::Bye { why: Finished::Nonsense, say }));
                    outbox.close();
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    let writing = async {
        loop {
            match outbox.next().await {
                Next::Frame(frame) => {
                    if write.write_all(&frame).await.is_err() {
                        return;
                    }
                }
                Next::Resync => {
                    if room.send((id, FromConn::Behind)).await.is_err() {
                        return;
                    }
                    // The room answers with a snapshot; until then there is nothing to write.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Next::Close => return,
            }
        }
    };
    tokio::select! { () = reading => {} () = writing => {} }
    drop(room.send((id, FromConn::Left)).await);
}

/// The next frame; `None` at the end. What is not a frame is an error that says so.
async fn frame(
    read: &mut OwnedReadHalf,
    lines: &mut Lines,
    piece: &mut [u8],
) -> Result<Option<ToRoom>, String> {
    loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                return decode(&line).map(Some).map_err(|error| {
                    let start = crate::domain::text::bytes(line.get(..80).unwrap_or(&line));
                    format!("this is not a frame: {error}, in {start}")
                });
            }
            Ok(None) => {}
            Err(long) => return Err(long.to_string()),
        }
        match read.read(piece).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(n) => lines.feed(piece.get(..n).unwrap_or_default()),
        }
    }
}

async fn goodbye(mut stream: UnixStream, why: Finished, say: &str) {
    let bye = encode(&FromRoom::Bye { why, say: say.to_owned() });
    drop(tokio::time::timeout(GOODBYE_WITHIN, stream.write_all(&bye)).await);
}
