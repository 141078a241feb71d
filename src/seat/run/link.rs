//! The connection to the room: kept by a task of its own, made again when it is lost.

use crate::{
    domain::time::Span,
    os::claim,
    seat::update::Event,
    signal::Shows,
    transport::{
        client::{self, NoRoom},
        find,
    },
    wire::ToRoom,
};
use futures::future::BoxFuture;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::mpsc;

/// How long is waited before the next try, by the number of tries; the last for all that follow, so that a room that is
/// back has its seats within two seconds.
const BACKOFF: [Span; 4] = [Span::millis(250), Span::millis(500), Span::secs(1), Span::millis(1_500)];
/// Where the room speaks another version nothing changes before somebody does something.
const OTHER_WIRE: Span = Span::secs(5);
/// Frames that wait to be taken in; beyond, the room waits, which it does not do for long.
const WAITING: usize = 1_024;

/// Starts the room again that has fallen.
pub type Revive = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// How a seat sits down.
pub struct Sits {
    /// It only looks.
    pub read_only: bool,
    /// What of the signals it shows at first.
    pub shows: Shows,
}

/// This end of the connection.
pub struct Link {
    out: mpsc::UnboundedSender<ToRoom>,
    events: mpsc::Receiver<Event>,
}

impl Link {
    /// Begins to connect. Needs a tokio runtime.
    pub fn open(socket: PathBuf, revive: Option<Revive>, sits: Sits) -> Self {
        let (out, frames) = mpsc::unbounded_channel();
        let (send, events) = mpsc::channel(WAITING);
        tokio::spawn(keep((socket, sits), revive, frames, send));
        Self { out, events }
    }

    /// Sends a frame; lost where the connection is.
    pub fn send(&self, frame: ToRoom) {
        let _ = self.out.send(frame);
    }

    /// The next that came.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What has come already.
    pub fn ready(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

async fn keep(
    (socket, Sits { read_only, mut shows }): (PathBuf, Sits),
    revive: Option<Revive>,
    mut frames: mpsc::UnboundedReceiver<ToRoom>,
    events: mpsc::Sender<Event>,
) {
    let mut tries = 0;
    // Whether the room ended without a goodbye: one that was stopped is left alone, and takes its socket with it.
    let mut fell = false;
    loop {
        let sitting = client::sit(&socket, claim::of_this_process(), read_only, shows.clone());
        let why = match Box::pin(sitting).await {
            Ok((mut reader, mut writer, hello)) => {
                tries = 0;
                // What was meant for the connection before is void: commands are sent again by name.
                let before = shows.clone();
                while let Ok(frame) = frames.try_recv() {
                    if let ToRoom::Show(now) = frame {
                        shows = now;
                    }
                }
                if shows != before
                    && let Err(error) = writer.send(&ToRoom::Show(shows.clone())).await
                {
                    tracing::debug!(%error, "the room is gone again");
                }
                if events.send(Event::Room(Box::new(hello))).await.is_err() {
                    return;
                }
                loop {
                    tokio::select! {
                        biased;
                        frame = reader.next() => match frame {
                            Ok(frame) => {
                                if events.send(Event::Room(Box::new(frame))).await.is_err() {
                                    return;
                                }
                            }
                            Err(error) => break error,
                        },
                        frame = frames.recv() => match frame {
                            Some(frame) => {
                                if let ToRoom::Show(now) = &frame {
                                    shows = now.clone();
                                }
                                if let Err(error) = writer.send(&frame).await {
                                    break error;
                                }
                            }
                            None => return,
                        },
                    }
                }
            }
            Err(error) => error,
        };
        let other_wire = matches!(why, NoRoom::OtherWire(_));
        let retry_in = match BACKOFF.get(tries).or(BACKOFF.last()) {
            _ if other_wire => OTHER_WIRE,
            Some(wait) => *wait,
            None => OTHER_WIRE,
        };
        tries += 1;
        if events.send(Event::Lost { why: words(&why), retry_in, other_wire }).await.is_err() {
            return;
        }
        tokio::time::sleep(retry_in.std()).await;
        match why {
            NoRoom::Lost(_) => fell = true,
            NoRoom::Refused(_) | NoRoom::OtherWire(_) => fell = false,
            NoRoom::Absent { why, .. } => {
                // The one that let this seat in may have been dying: only its socket says so.
                fell |= find::left_behind(&why);
                if let (true, Some(revive)) = (fell, &revive) {
                    revive().await;
                }
            }
            _ => {}
        }
    }
}

fn words(why: &NoRoom) -> String {
    why.to_string()
}
