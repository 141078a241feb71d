//! Who somebody is, is what the kernel says: the cases in which that is not what one might think.

use super::house::{HELLO, Home, Room, printed, several_users, skip};
use std::{
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

const USER: u32 = 1_234;

/// A client in Perl: `$path` is the socket, `$hello` what is said first; `connect_to` connects.
const CLIENT: &str = r#"
use strict; use IO::Socket::UNIX; use POSIX;
# The room may have said why not, and closed, before the hello is written.
$SIG{PIPE} = 'IGNORE';
my ($path, $hello) = @ARGV; $hello .= "\n";
sub connect_to { IO::Socket::UNIX->new(Peer => $path) or die "connect: $!" }
sub talk { my $s = shift; $s->autoflush(1); print $s $hello; my $line = <$s>; print STDOUT $line; }
"#;

fn script(rest: &str) -> String {
    format!("{CLIENT}\n{rest}")
}

fn perl<'a>(command: &'a mut Command, room: &Room, rest: &str) -> &'a mut Command {
    command.args(["-e", &script(rest)]).arg(&room.socket).arg(HELLO.trim())
}

/// The uid that the room's hello names.
#[track_caller]
fn uid(said: &str) -> u64 {
    let value: serde_json::Value = serde_json::from_str(said).unwrap_or_else(|_| panic!("no hello: {said}"));
    assert_eq!(value["hello"]["you"]["proof"], "kernel", "{said}");
    value["hello"]["you"]["uid"].as_u64().unwrap_or_else(|| panic!("no uid: {said}"))
}

#[test]
fn who_connects_as_root_stays_root_whoever_it_becomes() {
    if !several_users("connects as root, then setuid") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let said = printed(perl(
        &mut home.clean("perl"),
        &room,
        "my $s = connect_to(); POSIX::setuid(1234) or die; die if $< != 1234; talk($s);",
    ));
    assert_eq!(uid(&said), 0, "what was proved when it connected");
}

#[test]
fn the_effective_user_counts_and_not_the_real_one() {
    if !several_users("seteuid, then connects") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let said = printed(perl(
        &mut home.clean("perl"),
        &room,
        "$> = 1234; die if $> != 1234 or $<; talk(connect_to());",
    ));
    assert_eq!(uid(&said), u64::from(USER));
}

#[test]
fn root_of_a_user_namespace_is_the_user_that_made_it() {
    if !several_users("root inside of a user namespace") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let mut own = home.as_user(USER, &[], "unshare");
    if !own.args(["-Ur", "true"]).status().unwrap().success() {
        return skip("users may make no user namespace here: root inside of one");
    }
    let mut inside = home.as_user(USER, &[], "unshare");
    let said =
        printed(perl(inside.args(["-Ur", "perl"]), &room, "die \"uid $<\" if $<; talk(connect_to());"));
    assert_eq!(uid(&said), u64::from(USER), "it is no root here");
}

#[test]
fn a_connection_that_is_handed_on_stays_the_one_who_connected() {
    if !several_users("a descriptor that a child of another user inherits") {
        return;
    }
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let said = printed(perl(
        &mut home.clean("perl"),
        &room,
        // The one who connected is dead before the first word is said: its pid may be anybody's by then.
        "$> = 1234; my $s = connect_to(); $> = 0; my $first = $$;
         my $pid = fork; exit if $pid;
         POSIX::setuid(1235) or die; 1 while getppid() == $first && select(undef, undef, undef, 0.01) + 1;
         talk($s);",
    ));
    assert_eq!(uid(&said), u64::from(USER), "neither the child's uid nor root's");
}

#[test]
fn a_room_inside_of_a_user_namespace_lets_in_nobody_whom_it_cannot_name() {
    if !several_users("a room inside of a user namespace") {
        return;
    }
    let home = Home::new();
    let dir = home.path("room");
    let mut unshare = home.clean("unshare");
    let child = unshare
        .args(["--user", "--map-root-user"])
        .arg(home.path("warroom"))
        .args(["serve", "--shared", "--dir"])
        .arg(&dir)
        .stdin(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return skip("there is no unshare: a room inside of a user namespace") };
    if !Command::new("unshare").args(["-Ur", "true"]).status().is_ok_and(|status| status.success()) {
        let _ = child.wait();
        return skip("no user namespace can be made here: a room inside of one");
    }
    let room = Room::opened(child, dir.join("room.sock"));
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&room.socket, std::fs::Permissions::from_mode(0o666)).unwrap();

    let said = printed(perl(&mut home.as_user(USER, &[], "perl"), &room, "talk(connect_to());"));
    assert!(said.contains("\"forbidden\"") && said.contains("65534"), "{said}");
    assert!(said.contains("user namespace"), "it says what to do: {said}");
    assert!(room.answers(), "whom it can name is let in");
}

#[test]
fn a_client_trusts_no_server_of_some_third_user() {
    if !several_users("a socket that somebody else listens at") {
        return;
    }
    let home = Home::new();
    let dir = home.path("open");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let socket = dir.join("room.sock");
    let mut listens = home
        .as_user(USER, &[], "perl")
        .args(["-MIO::Socket::UNIX", "-e"])
        .arg("my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die; chmod 0666, $ARGV[0]; sleep 600")
        .arg(&socket)
        .spawn()
        .unwrap();
    super::house::until("somebody listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
    super::house::until("everybody may", || {
        std::fs::metadata(&socket).is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o666)
    });
    let mut status = home.as_user(2, &[], home.path("warroom"));
    let said = printed(status.env("WARROOM_SOCKET", &socket).arg("status"));
    let _ = listens.kill();
    let _ = listens.wait();
    assert!(said.contains("uid 1234 listens at") && said.contains("do not trust it"), "{said}");
}
