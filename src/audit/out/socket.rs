//! Syslog over its three transports. None of them acknowledges anything.

use crate::{
    audit::{
        Sink,
        syslog::{Place, Style, checkpoint, frame, message},
    },
    domain::{
        Event,
        time::{Span, Wall},
    },
    journal::checkpoint::Note,
};
use futures::{FutureExt as _, future::BoxFuture};
use std::io;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, UdpSocket, UnixDatagram},
};

/// Events that a connection which broke may have swallowed.
const IN_DOUBT: u64 = 200;
/// Connecting and sending must succeed within this.
const WITHIN: Span = Span::secs(10);

enum Link {
    Unix(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// A syslog receiver.
pub struct Syslog {
    place: Place,
    style: Style,
    link: Option<Link>,
}

impl Syslog {
    /// A receiver, spoken to in this style.
    pub fn new(place: Place, style: Style) -> Self {
        Self { place, style, link: None }
    }

    /// Sends a checkpoint of the journal.
    ///
    /// # Errors
    /// In words, where nothing takes it.
    pub async fn checkpoint(&mut self, note: &Note, now: Wall) -> Result<(), String> {
        let message = checkpoint(note, now, &self.style);
        self.bring(vec![message]).await
    }

    async fn connect(place: &Place) -> io::Result<Link> {
        Ok(match place {
            Place::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Link::Unix(socket)
            }
            Place::Udp(at) => {
                let far = tokio::net::lookup_host(at)
                    .await?
                    .next()
                    .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name does not resolve"))?;
                let near = if far.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(near).await?;
                socket.connect(far).await?;
                Link::Udp(socket)
            }
            Place::Tcp(at) => Link::Tcp(TcpStream::connect(at).await?),
        })
    }

    async fn send(link: &mut Link, messages: &[String]) -> io::Result<()> {
        match link {
            Link::Unix(socket) => {
                for message in messages {
                    socket.send(message.as_bytes()).await?;
                }
            }
            Link::Udp(socket) => {
                for message in messages {
                    socket.send(message.as_bytes()).await?;
                }
            }
            Link::Tcp(stream) => {
                gone(stream)?;
                let frames: String = messages.iter().map(|message| frame(message)).collect();
                stream.write_all(frames.as_bytes()).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    async fn bring(&mut self, messages: Vec<String>) -> Result<(), String> {
        let place = self.place.clone();
        let mut link = self.link.take();
        let work = async {
            let mut link = match link.take() {
                Some(link) => link,
                None => Self::connect(&place).await?,
            };
            Self::send(&mut link, &messages).await?;
            Ok::<_, io::Error>(link)
        };
        match tokio::time::timeout(WITHIN.std(), work).await {
            Ok(Ok(link)) => {
                self.link = Some(link);
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it takes nothing within {WITHIN}")),
        }
    }
}

/// A receiver that closed its end reads no more; what were written now would be lost without a word.
fn gone(stream: &TcpStream) -> io::Result<()> {
    let mut piece = [0; 64];
    match stream.try_read(&mut piece) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::ConnectionReset, "it closed the connection")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

impl Sink for Syslog {
    fn take<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), String>> {
        let messages: Vec<String> = events.iter().map(|event| message(event, &self.style)).collect();
        self.bring(messages).boxed()
    }

    fn place(&self) -> String {
        self.place.to_string()
    }

    fn in_doubt(&self) -> u64 {
        IN_DOUBT
    }
}
