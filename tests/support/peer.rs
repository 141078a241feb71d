//! Real servers that tests run against, where `WARROOM_PEERS=1` says that they are installed.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A server; ended when dropped.
pub struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// It stands still (SIGSTOP), with every process of its own.
    #[allow(dead_code)]
    pub fn stop(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// It goes on (SIGCONT).
    #[allow(dead_code)]
    pub fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

/// Whether peers are wanted; says which test waits where they are not. Written past the test harness's capture, so
/// that a plain `cargo test` shows it.
pub fn wanted(name: &str) -> bool {
    let yes = std::env::var("WARROOM_PEERS").is_ok_and(|v| v == "1");
    if !yes {
        let _ = writeln!(std::io::stderr(), "waits for tests/all: {name}");
    }
    yes
}

/// Whether a program is here that runbooks call, `curl` for one; says which test waits where it is not.
#[allow(dead_code)]
pub fn calls(program: &str, name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let yes = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !yes {
        let _ = writeln!(std::io::stderr(), "waits for tests/all, which gets {program}: {name}");
    }
    yes
}

/// Where a server's program is.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::var_os("WARROOM_PEER_BIN").map(|dir| PathBuf::from(dir).join(name));
    own.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// A port of loopback that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server.
pub fn start(command: &mut Command) -> Peer {
    Peer(
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server's binary is installed"),
    )
}
