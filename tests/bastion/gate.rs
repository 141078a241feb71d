//! The gate's door: the address that it was given or none, to whom it answers, and who can keep others out.

use super::house::{Home, Room, finished, printed, several_users, until};
use serde_json::Value;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Stdio},
    time::Duration,
};

const QUESTION: &str = "/v1/gate.json?service=checkout&env=prod&artifact=checkout@2&action=deploy";

fn configured(home: &Home, gate: &str) {
    fs::write(home.path("warroom.toml"), gate).unwrap();
    fs::set_permissions(home.path("warroom.toml"), fs::Permissions::from_mode(0o644)).unwrap();
}

fn status(home: &Home, room: &Room) -> Value {
    let output = finished(home.program().arg("--socket").arg(&room.socket).args(["status", "--json"]));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["room"].take()
}

fn listens(home: &Home, room: &Room) -> SocketAddr {
    status(home, room)["gate"].as_str().expect("the gate listens").parse().unwrap()
}

/// The status of an answer to who asks from this process, which is root's; none where nobody answers in time.
fn asked(gate: SocketAddr) -> Option<u16> {
    let mut stream = TcpStream::connect(gate).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let request = format!("GET {QUESTION} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).ok()?;
    String::from_utf8_lossy(&said).split(' ').nth(1)?.parse().ok()
}

/// The same from another user.
fn asked_by(home: &Home, uid: u32, gate: SocketAddr, more: &[&str]) -> String {
    let url = format!("http://{gate}{QUESTION}");
    let mut curl = home.as_user(uid, &[], "curl");
    curl.args(["-s", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}"]).args(more).arg(url);
    printed(&mut curl)
}

#[test]
fn never_moves_to_another_port_and_tries_the_configured_one_again() {
    let home = Home::new();
    let squatter = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = squatter.local_addr().unwrap();
    configured(&home, &format!("[gate]\nlisten = \"{at}\"\n"));
    let room = Room::for_everybody(&home);
    let told = status(&home, &room);
    assert_eq!(told["gate"], Value::Null, "it took another one: {told}");
    assert_eq!(told["gate_trouble"]["at"], at.to_string(), "{told}");
    let said = printed(home.program().arg("--socket").arg(&room.socket).arg("status"));
    assert!(said.contains(&format!("DOES NOT LISTEN on {at}")) && said.contains("another program"), "{said}");
    drop(squatter);
    until("it has its address", || status(&home, &room)["gate"] == at.to_string());
    assert_eq!(status(&home, &room)["gate_trouble"], Value::Null);
    assert_eq!(asked(at), Some(200));
}

#[test]
fn takes_no_port_for_a_room_of_ones_own_unless_asked() {
    let home = Home::new();
    configured(&home, "");
    let dir = home.path("mine");
    let mut room = serve(&home, &["--dir", dir.to_str().unwrap()]);
    assert_eq!(
        (&status(&home, &room)["gate"], &status(&home, &room)["gate_trouble"]),
        (&Value::Null, &Value::Null)
    );
    room.end();
    let room = serve(&home, &["--dir", dir.to_str().unwrap(), "--gate", "127.0.0.1:0"]);
    assert_eq!(asked(listens(&home, &room)), Some(200));
}

fn serve(home: &Home, args: &[&str]) -> Room {
    let socket = home.path("mine").join("room.sock");
    Room::opened(home.program().arg("serve").args(args).spawn().unwrap(), socket)
}

/// Ends with the test.
struct Idle(Child);

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn idle_connections_of_one_user_keep_nobody_else_out() {
    if !several_users("idle connections at the gate") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let gate = listens(&home, &room);
    // Without a byte of a request, until they are all open or no more are taken.
    let script = "use IO::Socket::INET; $| = 1; my @all; for (1..900) { my $one = IO::Socket::INET->new(PeerAddr => $ARGV[0], \
                  Timeout => 1); last unless $one; push @all, $one } print \"open\\n\"; <STDIN>";
    let mut perl = home.as_user(4711, &[], "perl");
    perl.args(["-e", script, &gate.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut idle = Idle(perl.spawn().unwrap());
    let mut open = [0; 5];
    idle.0.stdout.as_mut().unwrap().read_exact(&mut open).unwrap();
    let answered = (0..18).filter(|_| asked(gate) == Some(200)).count();
    assert_eq!(answered, 18, "the others starve");
}

#[test]
fn a_room_of_ones_own_answers_its_owner_and_root_and_who_has_a_token() {
    if !several_users("the gate of a private room") {
        return;
    }
    let home = Home::new();
    let secret = warroom::http::token::Secret::fresh();
    let may = vec![warroom::http::token::GateRight::Read];
    let token = warroom::http::token::Token::new("ci", &secret, may).config();
    for tokens in ["", token.as_str()] {
        configured(&home, tokens);
        let dir = home.path("mine");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        std::os::unix::fs::chown(&dir, Some(4711), Some(4711)).unwrap();
        let mut room = home.as_user(4711, &[], home.path("warroom"));
        let child = room
            .args(["serve", "--gate", "127.0.0.1:0", "--dir"])
            .arg(&dir)
            .env("HOME", &dir)
            .spawn()
            .unwrap();
        let room = Owned(child);
        let socket = dir.join("room.sock");
        let mut gate = None;
        until("its owner sees where it listens", || {
            let mut ask = home.as_user(4711, &[], home.path("warroom"));
            let output = finished(ask.arg("--socket").arg(&socket).args(["status", "--json"]));
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            gate = status["room"]["gate"].as_str().and_then(|at| at.parse().ok());
            gate.is_some()
        });
        let gate: SocketAddr = gate.unwrap();
        assert_eq!(asked_by(&home, 4711, gate, &[]), "200", "its owner");
        assert_eq!(asked(gate), Some(200), "root");
        for _ in 0..3 {
            assert_eq!(asked_by(&home, 4712, gate, &[]), "401", "anybody else");
        }
        for path in ["/healthz", "/v1/freezes"] {
            let mut curl = home.as_user(4712, &[], "curl");
            curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", &format!("http://{gate}{path}")]);
            assert_eq!(printed(&mut curl), "401", "{path}");
        }
        if !tokens.is_empty() {
            assert_eq!(asked_by(&home, 4712, gate, &["--oauth2-bearer", secret.expose()]), "200", "a token");
        }
        drop(room);
    }
}

struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn refuses_a_hard_link_of_a_journal_that_is_open_and_one_that_has_several_names() {
    let home = Home::new();
    configured(&home, "");
    let mut room = Room::for_everybody(&home);
    let other = home.path("other");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).unwrap();
    let (own, link) = (home.path("room/journal.db"), other.join("journal.db"));
    fs::hard_link(&own, &link).unwrap();
    let second = || finished(home.program().args(["serve", "--dir"]).arg(&other));
    let refused = second();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "a second room opened on the same file");
    assert!(said.contains(&format!("(pid {})", room.child.id())) && said.contains("another one"), "{said}");
    // Another name is the same file, whatever became of the first.
    fs::remove_file(&link).unwrap();
    fs::rename(&own, &link).unwrap();
    let said = String::from_utf8_lossy(&second().stderr).into_owned();
    assert!(said.contains("as its journal"), "{said}");
    fs::rename(&link, &own).unwrap();
    fs::hard_link(&own, &link).unwrap();
    room.end();
    let said = String::from_utf8_lossy(&second().stderr).into_owned();
    assert!(said.contains("2 names (hard links)") && said.contains("-samefile"), "{said}");
}
