//! More than a room should take, on the real binary: it stays small, says so to whoever sends it, and goes on for all
//! others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::{sync::Arc, time::Duration};
use support::house::House;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};
use warroom::wire::FRAME_MAX;

/// Two hundred clients of one user that each begin a frame of eight megabytes: two of them are read, the others are told
/// to wait their turn and let go, the room stays small, and it goes on for everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_user_has_on_its_way_is_bounded_however_many_clients_it_has() {
    const CLIENTS: usize = 200;
    let house = House::new();
    house.ok(&["note", "before"]);
    let socket = house.state().join("room.sock");
    let pid = UnixStream::connect(&socket).await.unwrap().peer_cred().unwrap().pid().unwrap();
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    };
    let quiet = memory();
    let huge: Arc<[u8]> = vec![b'x'; FRAME_MAX].into();
    let (told, mut said) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..CLIENTS {
        let (read, mut write) = UnixStream::connect(&socket).await.unwrap().into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"{\"hello\":{\"wire\":1,\"as\":\"script\"}}\n").await.unwrap();
        assert!(lines.next_line().await.unwrap().unwrap().starts_with("{\"hello\""));
        let (huge, told) = (huge.clone(), told.clone());
        tokio::spawn(async move {
            let writing = write.write_all(&huge);
            let reading = lines.next_line();
            let (_, last) = tokio::join!(writing, reading);
            told.send(last.unwrap_or_default().unwrap_or_default()).unwrap();
        });
    }
    let began = std::time::Instant::now();
    house.ok(&["note", "meanwhile"]);
    for n in 0..CLIENTS - 2 {
        let last = tokio::time::timeout(Duration::from_secs(60), said.recv()).await.unwrap().unwrap();
        assert!(
            last.contains("too_many") && last.contains("2 frames of yours beyond 32 KiB"),
            "client {n}, after {:?}: {last}",
            began.elapsed()
        );
    }
    let grown = memory() - quiet;
    assert!(grown < 100, "the room has grown by {grown} MB");
    house.ok(&["note", "after"]);
}
