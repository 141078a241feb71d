//! A seat's connection: kept up in a task of its own, so that the screen never waits for it.

use super::update::Event;
use crate::{
    domain::time::Span,
    transport::client,
    wire::{As, FromRoom, ToRoom},
};
use std::{path::PathBuf, time::Duration};
use tokio::sync::mpsc;

/// Between attempts to reach the room, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Connects, and connects again, until the seat is gone. Frames of the room come out of the returned receiver; what
/// is sent while the room is away is dropped, for the model asks again.
pub fn open(
    socket: PathBuf,
    claimed: Option<String>,
) -> (mpsc::UnboundedSender<ToRoom>, mpsc::Receiver<Event>) {
    let (send, mut to_send) = mpsc::unbounded_channel();
    let (heard, events) = mpsc::channel(256);
    tokio::spawn(async move {
        let mut wait = BACKOFF.0;
        loop {
            let why = match client::connect(&socket, As::Seat, true, claimed.clone()).await {
                Ok((reader, writer, hello)) => {
                    wait = BACKOFF.0;
                    match serve(reader, writer, hello, &heard, &mut to_send).await {
                        Some(why) => why,
                        None => return,
                    }
                }
                Err(error) => error.to_string(),
            };
            if heard.send(Event::Lost { why, retry_in: Span::from(wait) }).await.is_err() {
                return;
            }
            tokio::time::sleep(wait).await;
            while to_send.try_recv().is_ok() {}
            wait = (wait * 2).min(BACKOFF.1);
        }
    });
    (send, events)
}

/// One connection to its end; why it ended, or `None` when the seat is gone.
async fn serve(
    mut reader: client::Reader,
    mut writer: client::Writer,
    hello: FromRoom,
    heard: &mpsc::Sender<Event>,
    to_send: &mut mpsc::UnboundedReceiver<ToRoom>,
) -> Option<String> {
    heard.send(Event::Room(Box::new(hello))).await.ok()?;
    loop {
        tokio::select! {
            frame = reader.next() => match frame {
                Ok(frame) => heard.send(Event::Room(Box::new(frame))).await.ok()?,
                Err(error) => return Some(error.to_string()),
            },
            frame = to_send.recv() => {
                if let Err(error) = writer.send(&frame?).await {
                    return Some(error.to_string());
                }
            }
        }
    }
}
