//! The audit stream to files, programs, sockets and an OTLP endpoint.

use crate::{
    house::streaming,
    listener::{Listener, until},
};
use std::{
    io::{BufRead as _, Read as _},
    path::Path,
};
use warroom::{
    audit::{
        Sink,
        out::{JsonFile, Otlp, Pipe, Syslog},
        syslog::{Place, Style},
    },
    domain::{Command, Event, note::NoteCommand, time::Span},
};

pub fn note(text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: text.into() })
}

pub fn style() -> Style {
    Style { facility: 16, host: "bastion".into(), process: 41, json: false, max_bytes: 8_192 }
}

fn seqs(path: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str::<Event>(line).unwrap().seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_each_event_once_over_restart_rotation_and_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("audit.jsonl"), dir.path().join("audit.1"));
    let sink = || -> Box<dyn Sink> { Box::new(JsonFile::new(path.clone())) };
    let house = streaming(dir, vec![("file", sink())]).await;
    house.ok(note("one \u{9b}31m")).await;
    let head = house.state().head;
    until("it is written", || seqs(&path).last() == Some(&head)).await;
    assert!(!std::fs::read_to_string(&path).unwrap().contains('\u{9b}'));
    std::fs::rename(&path, &old).unwrap();
    house.ok(note("two")).await;
    until("it begins a new file", || seqs(&path) == [head + 1]).await;
    let dir = house.end().await;
    let closed = *seqs(&path).last().unwrap();
    // The end of a line was lost; the next line must not be glued to it.
    std::fs::write(&path, "{\"seq\":").unwrap();
    let house = streaming(dir, vec![("file", sink())]).await;
    let head = house.state().head;
    let lines =
        || -> Vec<String> { std::fs::read(&path).unwrap().lines().map(Result::unwrap).skip(1).collect() };
    until("it goes on", || lines().last().is_some_and(|line| line.contains(&format!("{{\"seq\":{head},"))))
        .await;
    let first: Event = serde_json::from_str(&lines()[0]).unwrap();
    assert_eq!(first.seq, closed + 1, "nothing is skipped and nothing doubled");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_is_started_again_and_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let (out_, flag) = (out.display(), dir.path().join("died").display().to_string());
    let script = format!("[ -e {flag} ] && exec cat >> {out_}; touch {flag}; head -n 1 >> {out_}");
    let pipe = Pipe::new(&["sh".into(), "-c".into(), script]).unwrap();
    let house = streaming(dir, vec![("pipe", Box::new(pipe))]).await;
    for n in 0..6 {
        house.ok(note(&format!("note {n}"))).await;
    }
    let head = house.state().head;
    let arrived = || -> Vec<u64> {
        let mut all = seqs(&out);
        all.sort_unstable();
        all.dedup();
        all
    };
    until("all arrive", || arrived() == (1..=head).collect::<Vec<_>>()).await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_goes_to_a_unix_socket_and_over_udp() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("log");
    let unix = tokio::net::UnixDatagram::bind(&at).unwrap();
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = udp.local_addr().unwrap();
    let sinks: Vec<(&str, Box<dyn Sink>)> = vec![
        ("unix", Box::new(Syslog::new(Place::Unix(at), style()))),
        ("udp", Box::new(Syslog::new(Place::Udp(port.to_string()), style()))),
    ];
    let house = streaming(dir, sinks).await;
    let mut piece = [0; 16_384];
    let n = unix.recv(&mut piece).await.unwrap();
    let first = String::from_utf8(piece[..n].to_vec()).unwrap();
    assert!(
        first.starts_with("<134>1 ")
            && first.contains(" bastion warroom 41 room.opened [warroom@32473 seq=\"1\" "),
        "{first}"
    );
    let n = udp.recv(&mut piece).await.unwrap();
    assert_eq!(String::from_utf8(piece[..n].to_vec()).unwrap(), first);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tcp_counts_octets_and_survives_a_receiver_that_goes() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // The first connection ends after two messages, whatever else was sent to it.
        for (stream, most) in listener.incoming().zip([2, usize::MAX]) {
            let mut stream = std::io::BufReader::new(stream.unwrap());
            for _ in 0..most {
                let mut length = Vec::new();
                if stream.read_until(b' ', &mut length).unwrap() == 0 {
                    break;
                }
                let length: usize = String::from_utf8(length).unwrap().trim().parse().unwrap();
                let mut message = vec![0; length];
                stream.read_exact(&mut message).unwrap();
                tell.send(String::from_utf8(message).unwrap()).unwrap();
            }
        }
    });
    let house = streaming(dir, vec![("tcp", Box::new(Syslog::new(Place::Tcp(at), style())))]).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut n = 0;
    // That it went is noticed when there is something to send, so something is said until all have arrived.
    while n < 10 || !(1..house.state().head).all(|seq| seen.contains(&seq)) {
        assert!(n < 2_000, "{seen:?}");
        n += 1;
        house.ok(note(&format!("note é {n}"))).await;
        for message in hear.try_iter() {
            let seq = message.split("seq=\"").nth(1).unwrap().split('"').next().unwrap();
            seen.insert(seq.parse::<u64>().unwrap());
        }
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn otlp_waits_while_the_collector_is_down_and_its_lag_is_shown() {
    let collector = Listener::start().await;
    collector.answers(503, "");
    let dir = tempfile::tempdir().unwrap();
    let otlp = Otlp::new(&collector.url(""), &[], Span::secs(5)).unwrap();
    let house = streaming(dir, vec![("otlp", Box::new(otlp))]).await;
    house.ok(note("while it is down")).await;
    let views = house.pumps.views();
    until("the lag is shown", || {
        views
            .borrow()
            .first()
            .is_some_and(|one| one.behind > 0 && one.oldest.is_some() && one.trouble.is_some())
    })
    .await;
    let why = views.borrow()[0].trouble.clone().unwrap().0;
    assert_eq!(why, "it answers HTTP 503");
    collector.answers(200, "{}");
    until("it catches up", || {
        views.borrow().first().is_some_and(|one| one.behind == 0 && one.trouble.is_none())
    })
    .await;
    let got = collector.got();
    let last = got.last().unwrap();
    assert_eq!(last.path, "/v1/logs");
    let records = last.body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap().clone();
    let seqs: Vec<&str> =
        records.iter().map(|one| one["attributes"][0]["value"]["intValue"].as_str().unwrap()).collect();
    assert!(seqs.contains(&house.state().head.to_string().as_str()), "{seqs:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_rejects_for_good_is_shown_and_what_follows_goes_on() {
    let collector = Listener::start().await;
    collector.answers(
        200,
        r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old \u001b[2Jby a day"}}"#,
    );
    let dir = tempfile::tempdir().unwrap();
    let otlp = Otlp::new(&collector.url(""), &[], Span::secs(5)).unwrap();
    let house = streaming(dir, vec![("otlp", Box::new(otlp))]).await;
    let views = house.pumps.views();
    let rejected = || views.borrow().first().and_then(|one| one.rejected.clone());
    until("it is shown", || rejected().is_some()).await;
    let (before, why, since) = rejected().unwrap();
    assert!(before >= 2 && why.starts_with("too old ") && !why.contains('\u{1b}'), "{why:?}");
    collector.answers(200, "{}");
    house.ok(note("it goes on")).await;
    until("the next are taken", || {
        let head = house.state().head;
        views.borrow().first().is_some_and(|one| one.behind == 0 && one.seq == head && one.trouble.is_none())
    })
    .await;
    let taken = rejected().unwrap();
    assert_eq!((taken.1.as_str(), taken.2), (why.as_str(), since), "and stays shown");
    // They are counted on.
    collector.answers(200, r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too long"}}"#);
    house.ok(note("another")).await;
    until("the next is counted", || rejected().is_some_and(|(_, why, _)| why == "too long")).await;
    let counted = rejected().unwrap();
    assert!(counted.0 > taken.0 && counted.2 == since, "{counted:?}");
    let told = warroom::transport::client::Client::script(&house.socket)
        .await
        .unwrap()
        .ask(warroom::wire::Ask::Status)
        .await
        .unwrap();
    let warroom::wire::Told::Status(room) = told else { panic!("{told:?}") };
    assert_eq!(room.audit[0].rejected.as_ref().map(|(_, why, _)| why.as_str()), Some("too long"));
    // Each once: the protocol forbids to bring what was rejected again.
    let mut seqs = Vec::new();
    for got in collector.got() {
        let records = got.body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap().clone();
        seqs.extend(
            records.iter().map(|one| {
                one["attributes"][0]["value"]["intValue"].as_str().unwrap().parse::<u64>().unwrap()
            }),
        );
    }
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    house.end().await;
}
