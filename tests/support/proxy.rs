//! What lies between a room and its server: passes bytes on, cuts, holds them back, or delays them.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// How the line is.
#[allow(dead_code, reason = "not every test needs all of them")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Open,
    /// Broken, and nobody is let in.
    Cut,
    /// Half open: it takes bytes and passes none on, in either direction.
    Holds,
    /// Only what the server says is held back: what was asked arrives.
    Mute,
    Slow(Duration),
}

pub struct Proxy {
    pub port: u16,
    line: watch::Sender<Line>,
}

/// A word of who asks, and what the server gets in its place: as long, and nothing that it knows.
pub type Garbled = (&'static str, &'static str);

impl Proxy {
    pub async fn to(port: u16) -> Self {
        Self::garbling(port, &[]).await
    }

    /// In front of a server that does not know these words.
    pub async fn garbling(port: u16, words: &'static [Garbled]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (line, seen) = watch::channel(Line::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *seen.borrow() == Line::Cut {
                    continue;
                }
                tokio::spawn(join(client, ([127, 0, 0, 1], port).into(), seen.clone(), words));
            }
        });
        Self { port: own, line }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn join(client: TcpStream, server: SocketAddr, line: watch::Receiver<Line>, words: &'static [Garbled]) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = line.clone();
    tokio::select! {
        () = pass(from_client, to_server, line.clone(), Some(words)) => {}
        () = pass(from_server, to_client, line, None) => {}
        _ = cut.wait_for(|line| *line == Line::Cut) => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    asks: Option<&[Garbled]>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let holds = |line: &Line| *line == Line::Holds || (*line == Line::Mute && asks.is_none());
        let Ok(now) = line.wait_for(|line| !holds(line)).await.map(|line| *line) else { return };
        if let Line::Slow(by) = now {
            tokio::time::sleep(by).await;
        }
        for (word, other) in asks.unwrap_or_default() {
            let found: Vec<_> = (0..n).filter(|at| bytes[*at..n].starts_with(word.as_bytes())).collect();
            for at in found {
                bytes[at..at + word.len()].copy_from_slice(other.as_bytes());
            }
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
