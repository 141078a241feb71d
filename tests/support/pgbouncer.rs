//! A pooler of the test's own in front of a server, from the distribution's packages.

use crate::support::{
    house::until,
    peer::{Peer, binary, free_port, start},
    postgres::{PASSWORD, Server, own},
};
use std::{os::unix::process::CommandExt as _, process::Command};

/// pgbouncer; ended when dropped.
pub struct Pooler {
    _dir: tempfile::TempDir,
    _peer: Peer,
    pub port: u16,
}

impl Pooler {
    /// With this `pool_mode`, and so many connections to the server at most.
    pub fn start(server: &Server, mode: &str, size: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let (config, users) = (dir.path().join("pgbouncer.ini"), dir.path().join("users.txt"));
        std::fs::write(&users, format!("\"room\" \"{PASSWORD}\"\n\"ana\" \"{PASSWORD}\"\n")).unwrap();
        std::fs::write(
            &config,
            format!(
                "[databases]\nwarroom = host=127.0.0.1 port={} dbname=warroom\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
                 pool_mode = {mode}\ndefault_pool_size = {size}\nserver_login_retry = 1\n",
                server.port,
                users.display(),
            ),
        )
        .unwrap();
        [dir.path(), &config, &users].into_iter().for_each(own);
        let mut command = Command::new(binary("pgbouncer"));
        command.arg(&config).current_dir("/");
        // It does not run as root.
        if rustix::process::getuid().is_root() {
            command.uid(65534).gid(65534);
        }
        let pooler = Self { _peer: start(&mut command), _dir: dir, port };
        until("the pooler takes anybody", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        pooler
    }

    /// The journal's address, for a role.
    pub fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/warroom", self.port)
    }
}
