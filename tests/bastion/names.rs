//! Names as people and pipelines of other users give them, on the command line, over the socket and over HTTP: a name
//! that looks like a known one, that nobody knows, or that means all.

use super::house::{HELLO, Home, Room, answer, finished, several_users};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
};

/// daemon, who may respond.
const RESPONDER: u32 = 1;
/// sys, a pipeline's user, who may not.
const PIPELINE: u32 = 3;

const CONFIG: &str = "[gate]\nlisten = \"127.0.0.1:0\"\n[service.checkout]\n[service.payments]\n[power.respond]\n\
                      users = [\"daemon\"]\n[power.command]\nusers = [\"bin\"]\n";

/// Look-alikes of `checkout`, each with its code point.
const LOOK_ALIKES: [(&str, &str); 11] = [
    ("\u{441}heckout", "U+0441"),
    ("checkout\u{301}", "U+0301"),
    ("check\u{2800}out", "U+2800"),
    ("check\u{1d173}out", "U+1D173"),
    ("check\u{1bca0}out", "U+1BCA0"),
    ("check\u{70f}out", "U+070F"),
    ("check\u{13430}out", "U+13430"),
    ("check\u{200b}out", "U+200B"),
    ("check\u{202e}out", "U+202E"),
    ("check\u{3164}out", "U+3164"),
    ("check out", "U+0020"),
];

struct House {
    home: Home,
    room: Room,
    gate: String,
}

impl House {
    fn open() -> Self {
        let home = Home::new();
        fs::write(home.path("warroom.toml"), CONFIG).unwrap();
        let room = Room::for_everybody(&home);
        let hello: serde_json::Value =
            serde_json::from_str(&answer(UnixStream::connect(&room.socket).unwrap(), HELLO)).unwrap();
        let gate = hello["hello"]["room"]["gate"].as_str().unwrap().to_owned();
        Self { home, room, gate }
    }

    /// The program as this user: exit code, and all that it prints.
    fn says(&self, uid: u32, words: &[&str]) -> (i32, String) {
        let mut command = self.home.as_user(uid, &[], self.home.path("warroom"));
        command.args(words).env("WARROOM_SOCKET", &self.room.socket).env("XDG_STATE_HOME", "/nonexistent");
        let output = finished(&mut command);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    fn responder(&self, words: &[&str], code: i32) -> String {
        let (was, said) = self.says(RESPONDER, words);
        assert_eq!(was, code, "{words:?}: {said}");
        said
    }

    /// `warroom gate` as the pipeline.
    fn gate(&self, service: &str, env: &str, action: &str) -> (i32, String) {
        let change = ["--artifact", "checkout@2.4.2", "--action", action];
        self.says(PIPELINE, &[&["gate", "--service", service, "--env", env], &change[..]].concat())
    }

    /// The same over HTTP: by POST, and by GET; status and body.
    fn http(&self, service: &str, env: &str, action: &str) -> [(u16, serde_json::Value); 2] {
        let body = serde_json::json!({
            "service": service, "env": env, "artifact": "checkout@2.4.2", "action": action
        });
        let body = body.to_string();
        let escape =
            |name: &str| name.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02x}"));
        let query = format!(
            "service={}&env={}&artifact=checkout%402.4.2&action={action}",
            escape(service),
            escape(env)
        );
        let post = format!(
            "POST /v1/gate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let get =
            format!("GET /v1/gate.json?{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        [post, get].map(|request| {
            let mut stream = TcpStream::connect(&self.gate).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            let status = said.split(' ').nth(1).unwrap().parse().unwrap();
            (status, serde_json::from_str(said.split("\r\n\r\n").nth(1).unwrap()).unwrap())
        })
    }

    /// What the room says to a frame of the responder's own making.
    fn raw(&self, frame: &str) -> String {
        let script = "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; \
                      print $s qq({\"hello\":{\"wire\":1,\"as\":\"script\"}}\\n$ARGV[1]\\n); $s->flush; \
                      while (<$s>) { if (/\"(done|told)\"/) { print; exit } }";
        let mut command = self.home.as_user(RESPONDER, &[], "perl");
        let output = finished(command.args(["-e", script]).arg(&self.room.socket).arg(frame));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn a_freeze_covers_what_it_names_or_is_refused() {
    if !several_users("names of freezes") {
        return;
    }
    let house = House::open();
    for (given, point) in LOOK_ALIKES {
        for words in [
            &["freeze", "it fails", "--service", given][..],
            &["freeze", "it fails", "--service", "payments", "--env", given],
            &["declare", "it fails", "--freeze", "--service", given],
            &["judge", "bad", given, "2.4.2", "--reason", "it fails"],
            &["judge", "bad", "checkout", given, "--reason", "it fails"],
        ] {
            let said = house.responder(words, 1);
            assert!(said.contains(point) && said.is_ascii(), "{words:?}: {said}");
        }
    }
    for given in ["Chekout", "Checkout", "CHECKOUT", "chekout"] {
        for verb in [&["freeze", "it fails"][..], &["declare", "it fails"]] {
            let said = house.responder(&[verb, &["--service", given]].concat(), 1);
            assert!(said.contains(given) && said.contains("did you mean checkout?"), "{said}");
        }
    }
    let said = house.responder(&["freeze", "it fails", "--service", "checkout", "--env", "Prod"], 1);
    assert!(said.contains("did you mean prod?"), "{said}");
    for word in ["*", "all", "ALL"] {
        let said = house.responder(&["freeze", "it fails", "--service", word], 1);
        assert!(said.contains("--all-services --yes"), "{said}");
    }
    // Nobody freezes everything by leaving something out, nor by saying it once.
    for words in [
        &["freeze", "it fails"][..],
        &["freeze", "it fails", "--all-services"],
        &["declare", "it fails", "--freeze"],
        &["declare", "it fails", "--freeze", "--all-services"],
    ] {
        let said = house.responder(words, 1);
        assert!(said.contains("--all-services --yes"), "{words:?}: {said}");
    }
    let frame = r#"{"do":{"id":"01a21a7d-0000-7000-8000-000000000001","command":{"freeze":{"begin":{"incident":null,"scope":{"services":[],"envs":[],"actions":["deploy"]},"reason":"x"}}}}}"#;
    let said = house.raw(frame);
    assert!(said.contains("needs_more"), "a client of one's own goes through the same rule: {said}");
    assert!(!house.says(PIPELINE, &["status"]).1.contains("FROZEN"), "nothing of it froze anything");
    assert_eq!(house.gate("payments", "prod", "deploy").0, 0);
    house.responder(&["freeze", "it fails", "--all-services", "--yes"], 0);
    assert_eq!(house.gate("payments", "prod", "deploy").0, 10);
}

#[test]
fn the_gate_says_open_to_no_name_that_looks_like_a_frozen_one_and_to_none_that_it_does_not_know() {
    if !several_users("names at the gate") {
        return;
    }
    let house = House::open();
    house.responder(&["freeze", "it fails", "--service", "checkout", "--env", "prod"], 0);
    for action in ["deploy", "promote", "rollback"] {
        for (given, point) in LOOK_ALIKES {
            for (service, env) in [(given, "prod"), ("checkout", given)] {
                let (code, said) = house.gate(service, env, action);
                assert_eq!(code, 2, "{action} {service} {env}: {said}");
                assert!(said.contains(point), "{action} {service} {env}: {said}");
                for (status, body) in house.http(service, env, action) {
                    assert_eq!(status, 400, "{action} {service} {env}: {body}");
                    assert!(body["error"]["message"].as_str().unwrap().contains(point), "{body}");
                    assert!(body.get("allowed").is_none(), "{body}");
                }
            }
        }
    }
    let unknown = [
        ("Checkout", "prod"),
        ("chekout", "prod"),
        ("checkout", "Prod"),
        ("payments", "PROD"),
        ("shop", "prod"),
    ];
    for (service, env) in unknown {
        for action in ["deploy", "promote"] {
            let (code, said) = house.gate(service, env, action);
            assert_eq!(code, 12, "{action} {service} {env}: {said}");
            let [post, get] = house.http(service, env, action);
            assert_eq!((post.0, get.0), (503, 200), "{} {}", post.1, get.1);
            for body in [&post.1, &get.1] {
                assert_eq!(
                    (&body["allowed"], &body["hold"], &body["abort"]),
                    (&false.into(), &true.into(), &false.into())
                );
                assert_eq!(body["because"], "undecided");
            }
        }
        let (code, said) = house.gate(service, env, "rollback");
        assert!(code == 0 && said.contains("warning"), "{service} {env}: {code} {said}");
        for (status, body) in house.http(service, env, "rollback") {
            assert!(status == 200 && body["allowed"] == true, "{body}");
        }
    }
    for (service, near) in [("Checkout", "checkout"), ("chekout", "checkout")] {
        assert!(house.gate(service, "prod", "deploy").1.contains(&format!("did you mean {near}?")));
    }
    // Of what another room could have configured it is the room that says that it is no name here: not as if no room were
    // there, which would let a rollback through.
    for action in ["deploy", "promote", "rollback"] {
        let given =
            ["gate", "--service", "\u{fc}bersicht", "--env", "prod", "--artifact", "a", "--action", action];
        let url = format!("http://{}", house.gate);
        for way in [&[][..], &["--url", &url], &["--if-unavailable", "allow"]] {
            let (code, said) = house.says(PIPELINE, &[&given[..], way].concat());
            assert!(code == 2 && said.contains("U+00FC"), "{action} {way:?}: {code} {said}");
        }
    }
    // The name itself, and what is read as it.
    for service in ["checkout", "ｃｈｅｃｋｏｕｔ"] {
        assert_eq!(house.gate(service, "prod", "deploy").0, 10, "{service}");
        assert_eq!(house.http(service, "prod", "deploy").map(|(status, _)| status), [403, 200], "{service}");
        assert_eq!(house.gate(service, "prod", "rollback").0, 0, "{service}");
    }
    assert_eq!(house.gate("payments", "prod", "deploy").0, 0);
    // Nothing overrides what is no name.
    let over = ["--artifact", "a", "--action", "deploy", "--override", "it must go"];
    let (code, said) = house
        .says(PIPELINE, &[&["gate", "--service", "\u{441}heckout", "--env", "prod"], &over[..]].concat());
    assert_eq!(code, 2, "{said}");
    let frame =
        r#"{"ask":{"n":1,"ask":{"gate":{"service":"*","env":"prod","artifact":"a","action":"deploy"}}}}"#;
    let line = house.raw(frame);
    assert!(line.contains("invalid"), "{line}");
}
