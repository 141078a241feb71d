//! What strangers can do to the room: very little, and nothing to others.

use super::house::{HELLO, Home, Room, answer, printed, several_users, until};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    time::Duration,
};

/// Half-open connections of one user at most, and what a frame may have before the hello, as docs/bastion.md has it.
const STRANGERS: usize = 64;
const FRAME: usize = 64 * 1024;
/// Callers of the gate, below the 512 that it serves at once.
const CALLERS: usize = 400;

/// What comes until the room closes the connection.
fn rest(mut stream: &UnixStream) -> String {
    let mut bytes = Vec::new();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn who_has_not_said_hello_holds_little_memory_however_much_it_sends() {
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let before = room.memory("VmRSS");
    // Each as near to the bound as it gets, and never ended.
    let piece = vec![b'['; FRAME - 1];
    let half_open = || {
        let mut stream = UnixStream::connect(&room.socket).unwrap();
        let _ = stream.write_all(&piece);
        stream
    };
    let mut open: Vec<UnixStream> = (0..STRANGERS).map(|_| half_open()).collect();
    // Where the machine is so slow that the first of them are gone by now, others take their place.
    until("one more is refused", || {
        open.push(half_open());
        answer(UnixStream::connect(&room.socket).unwrap(), HELLO).contains("too_many")
    });
    let grown = room.memory("VmHWM") - before;
    println!("{STRANGERS} half-open connections with {FRAME} bytes each: {grown:.1} MB");
    assert!(grown < 16.0, "{grown:.1} MB for {STRANGERS} strangers");
    // None of them is waited for.
    for stream in &open {
        let said = rest(stream);
        assert!(said.is_empty() || said.contains("too_many"), "{said}");
    }
    until("there is room again", || room.answers());
}

#[test]
fn callers_of_the_gate_who_never_end_their_question_hold_little_memory() {
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let hello: serde_json::Value =
        serde_json::from_str(&answer(UnixStream::connect(&room.socket).unwrap(), HELLO)).unwrap();
    let gate = hello["hello"]["room"]["gate"].as_str().unwrap().to_owned();
    let before = room.memory("VmRSS");
    // A head that is as long as it may be and does not end.
    let head = format!("GET /v1/gate HTTP/1.1\r\nhost: localhost\r\nx: {}", "x".repeat(15 * 1024));
    let open: Vec<TcpStream> = (0..CALLERS)
        .map(|_| {
            let mut stream = TcpStream::connect(&gate).unwrap();
            let _ = stream.write_all(head.as_bytes());
            stream
        })
        .collect();
    let mut more = TcpStream::connect(&gate).unwrap();
    more.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    more.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut first = [0; 12];
    more.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200", "the next one is answered");
    let grown = room.memory("VmHWM") - before;
    println!("{CALLERS} half-open questions with 15 KiB each: {grown:.1} MB");
    assert!(grown < 32.0, "{grown:.1} MB for {CALLERS} callers");
    drop(open);
    assert!(room.answers());
}

#[test]
fn a_frame_before_the_hello_ends_at_its_bound() {
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let mut stream = UnixStream::connect(&room.socket).unwrap();
    let mut sent = 0;
    // It is told once more than the bound came; what is written after that finds nobody.
    while sent < 64 * FRAME && stream.write_all(&[b'x'; 4_096]).is_ok() {
        sent += 4_096;
    }
    assert!(sent < 8 * FRAME, "{sent} bytes were taken");
    assert!(room.answers());
}

#[test]
fn a_hello_that_drips_is_not_waited_for_and_a_frame_that_drips_holds_up_nobody() {
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let mut slow = UnixStream::connect(&room.socket).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut hello = HELLO.bytes().cycle();
    let mut byte = [0];
    let mut dripped = 0;
    let ended = loop {
        // One byte of a hello after another, never its end.
        let next = hello.next().filter(|byte| *byte != b'\n').unwrap_or(b' ');
        if slow.write_all(&[next]).is_err() {
            break true;
        }
        dripped += 1;
        match slow.read(&mut byte) {
            Ok(0) => break true,
            Ok(_) | Err(_) if dripped > 2_000 => break false,
            _ => {}
        }
    };
    assert!(ended, "after {dripped} bytes it still listens");

    let mut greeted = UnixStream::connect(&room.socket).unwrap();
    greeted.write_all(HELLO.as_bytes()).unwrap();
    for byte in b"{\"ask\":{\"n\":1," {
        greeted.write_all(&[*byte]).unwrap();
        assert!(room.answers());
    }
}

#[test]
fn garbage_is_told_what_it_is_and_the_corpus_stops_nothing() {
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let corpus = format!("{}/tests/bastion/corpus", env!("CARGO_MANIFEST_DIR"));
    let mut tried = 0;
    for entry in std::fs::read_dir(corpus).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        for greet in [false, true] {
            let mut stream = UnixStream::connect(&room.socket).unwrap();
            if greet {
                stream.write_all(HELLO.as_bytes()).unwrap();
            }
            let _ = stream.write_all(&bytes);
            let _ = stream.write_all(b"\n");
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let said = rest(&stream);
            let whole = said.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
            assert!(whole, "{}: {said}", entry.path().display());
            assert!(room.answers(), "{}", entry.path().display());
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn one_users_connections_are_counted_and_leave_room_for_others() {
    if !several_users("connections of one user") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let script = r#"
        use strict; use IO::Socket::UNIX; my @all;
        for my $n (1 .. 300) {
            my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!"; $s->autoflush(1);
            print $s "$ARGV[1]\n"; my $line = <$s> // ""; push @all, $s;
            if ($line !~ /"hello"/) { print "$n $line"; last }
        }
        $| = 1; print "held\n"; sleep 600;"#;
    let mut crowd = home
        .as_user(1, &[], "perl")
        .args(["-e", script])
        .arg(&room.socket)
        .arg(HELLO.trim())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(crowd.stdout.take().unwrap()));
    let refused = lines.next().unwrap().unwrap();
    assert!(refused.starts_with("257 ") && refused.contains("too_many"), "{refused}");
    assert!(room.answers(), "another user is let in");
    let said =
        printed(home.as_user(2, &[], home.path("warroom")).env("WARROOM_SOCKET", &room.socket).arg("status"));
    assert!(said.starts_with("room on "), "{said}");
    let _ = crowd.kill();
    let _ = crowd.wait();
    until("they have left", || {
        let status = home
            .as_user(1, &[], home.path("warroom"))
            .env("WARROOM_SOCKET", &room.socket)
            .arg("status")
            .status();
        status.unwrap().success()
    });
}
