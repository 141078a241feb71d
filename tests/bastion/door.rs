//! How the room's socket comes to be, with and without systemd, and who gets through.

use super::house::{HELLO, Home, Room, answer, finished, printed, runs, several_users, until};
use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        net::{UnixDatagram, UnixStream},
    },
    process::Stdio,
};

const SEATS: u32 = 54_321;

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_group_gets_in_and_nobody_else_whatever_the_umask() {
    if !several_users("a room for a group") {
        return;
    }
    let home = Home::new();
    let (entry, state) = (home.path("run/warroom"), home.path("state"));
    let socket = entry.join("room.sock");
    let mut shell = home.clean("sh");
    let child = shell
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(home.path("warroom"))
        .arg("--socket")
        .arg(&socket)
        .args(["serve", "--shared", "--group", &SEATS.to_string(), "--dir"])
        .arg(&state)
        .spawn()
        .unwrap();
    let room = Room::opened(child, socket);
    assert_eq!((mode(&entry), fs::metadata(&entry).unwrap().gid()), (0o750, SEATS));
    assert_eq!((mode(&room.socket), fs::metadata(&room.socket).unwrap().gid()), (0o660, SEATS));
    assert_eq!((mode(&state), mode(state.join("journal.db"))), (0o700, 0o600), "what it keeps is its own");

    let status = |uid, groups: &[u32]| {
        finished(
            home.as_user(uid, groups, home.path("warroom")).env("WARROOM_SOCKET", &room.socket).arg("status"),
        )
    };
    let inside = status(1, &[SEATS]);
    assert!(inside.status.success(), "{inside:?}");
    assert!(String::from_utf8_lossy(&inside.stdout).starts_with("room on "), "{inside:?}");
    let outside = status(2, &[]);
    assert_eq!(outside.status.code(), Some(20), "{outside:?}");
    assert!(String::from_utf8_lossy(&outside.stderr).contains("ermission denied"), "{outside:?}");
}

#[test]
fn where_others_can_enter_no_room_is_opened() {
    let home = Home::new();
    let entry = home.path("open");
    fs::create_dir(&entry).unwrap();
    for open in [0o755, 0o770, 0o1777] {
        fs::set_permissions(&entry, fs::Permissions::from_mode(open)).unwrap();
        let said = printed(
            home.program()
                .arg("--socket")
                .arg(entry.join("room.sock"))
                .args(["serve", "--shared", "--dir"])
                .arg(home.path("state")),
        );
        assert!(said.contains("its group alone may enter") && said.contains("chmod 750"), "{open:o}: {said}");
        assert_eq!(fs::read_dir(&entry).unwrap().count(), 0, "{open:o}");
    }
}

#[test]
fn an_unknown_group_is_said() {
    let home = Home::new();
    let said = printed(home.program().args(["serve", "--shared", "--group", "no-such-group-here"]));
    assert!(said.contains("there is no group no-such-group-here"), "{said}");
}

/// What systemd does for a service: binds its socket as descriptor 3, says so in the environment, waits to be told.
const ACTIVATE: &str = r#"
use strict; use IO::Socket::UNIX; use POSIX; $^F = 10;
my ($path, @command) = @ARGV;
my $s = IO::Socket::UNIX->new(Local => $path, Listen => 128) or die "listen: $!"; chmod 0660, $path;
POSIX::dup2(fileno($s), 3) or die; @ENV{"LISTEN_FDS", "LISTEN_PID"} = (1, $$);
exec @command or die "exec: $!";
"#;

#[test]
fn a_socket_that_was_bound_before_is_taken_kept_and_readiness_is_told() {
    let home = Home::new();
    let entry = home.path("run");
    fs::create_dir(&entry).unwrap();
    fs::set_permissions(&entry, fs::Permissions::from_mode(0o750)).unwrap();
    let (socket, tells) = (entry.join("room.sock"), home.path("notify"));
    let notified = UnixDatagram::bind(&tells).unwrap();
    notified.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let said = || {
        let mut bytes = [0; 4_096];
        let n = notified.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    };
    let mut perl = home.clean("perl");
    let child = perl
        .args(["-e", ACTIVATE])
        .arg(&socket)
        .arg(home.path("warroom"))
        .args(["serve", "--shared"])
        .env("STATE_DIRECTORY", home.path("state"))
        .env("NOTIFY_SOCKET", &tells)
        .spawn()
        .unwrap();
    // Who comes before the room is open waits in the socket's queue, and is served.
    until("the socket is bound", || UnixStream::connect(&socket).is_ok());
    let early = answer(UnixStream::connect(&socket).unwrap(), HELLO);
    assert!(early.contains("\"private\":false"), "{early}");
    let ready = said();
    assert!(ready.starts_with("READY=1\nSTATUS=serves the journal"), "{ready}");
    let mut room = Room::opened(child, socket.clone());
    assert!(home.path("state/journal.db").exists());
    room.end();
    assert_eq!(said(), "STOPPING=1\n");
    assert!(socket.exists(), "it is the service manager's");
}

#[test]
fn sockets_of_another_process_are_left_alone() {
    let home = Home::new();
    let dir = home.path("room");
    let child = home
        .program()
        .args(["serve", "--dir"])
        .arg(&dir)
        .envs([("LISTEN_FDS", "1"), ("LISTEN_PID", "1")])
        .spawn()
        .unwrap();
    let room = Room::opened(child, dir.join("room.sock"));
    assert_eq!((mode(&dir), mode(&room.socket)), (0o700, 0o600));
}

#[test]
fn systemd_activates_it() {
    if !crate::support::peer::wanted("bastion::door::systemd_activates_it")
        || !runs("systemd-socket-activate")
    {
        return;
    }
    let home = Home::new();
    let entry = home.path("run");
    fs::create_dir(&entry).unwrap();
    fs::set_permissions(&entry, fs::Permissions::from_mode(0o750)).unwrap();
    let socket = entry.join("room.sock");
    let child = home
        .clean("systemd-socket-activate")
        .arg("-l")
        .arg(&socket)
        .arg("-E")
        .arg(format!("STATE_DIRECTORY={}", home.path("state").display()))
        .arg("-E")
        .arg(format!("WARROOM_CONFIG={}", home.path("warroom.toml").display()))
        .arg(home.path("warroom"))
        .args(["serve", "--shared"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it listens", || socket.exists());
    let room = Room::opened(child, socket);
    assert!(room.answers());
}
