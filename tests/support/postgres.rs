//! A PostgreSQL of the test's own, from the distribution's packages.

use super::peer::{Peer, binary, free_port, start};
use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// PostgreSQL does not run as root: `nobody`, where the test is root.
const NOBODY: u32 = 65534;
/// The administrator's password, and the role's of rooms.
pub const PASSWORD: &str = "hunter2";

/// A server with a database `warroom`, an administrator `ana` and a role `room` that owns nothing.
pub struct Server {
    dir: tempfile::TempDir,
    peer: Option<Peer>,
    pub port: u16,
    settings: Vec<String>,
}

/// Gives a file to the server's user.
pub fn own(path: &Path) {
    if rustix::process::getuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn as_no_root(program: &str) -> Command {
    let mut command = Command::new(binary(program));
    command.current_dir("/").env("LC_ALL", "C").stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

impl Server {
    /// With these settings, each `name=value`, over the defaults.
    pub fn start(settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        own(dir.path());
        let password = dir.path().join("pw");
        std::fs::write(&password, PASSWORD).unwrap();
        own(&password);
        let made = as_no_root("initdb")
            .args(["-U", "ana", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "-D"])
            .arg(dir.path().join("data"))
            .arg(format!("--pwfile={}", password.display()))
            .status()
            .expect("the server's binary is installed");
        assert!(made.success());
        let settings = settings.iter().map(|&one| one.to_owned()).collect();
        let mut server = Self { dir, peer: None, port: free_port(), settings };
        server.go();
        server.sql_in("postgres", "create database warroom");
        server.sql(&format!("create role room login password '{PASSWORD}'"));
        server
    }

    /// A copy that follows this one, and takes reads only.
    pub fn standby(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        own(dir.path());
        let copied = as_no_root("pg_basebackup")
            .env("PGPASSWORD", PASSWORD)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "ana", "-R", "-X", "stream"])
            .args(["-c", "fast", "--no-sync", "-D"])
            .arg(dir.path().join("data"))
            .status()
            .unwrap();
        assert!(copied.success());
        let mut server = Self { dir, peer: None, port: free_port(), settings: self.settings.clone() };
        server.go();
        server
    }

    /// Takes writes from now on.
    pub fn promote(&self) {
        self.sql_in("postgres", "select pg_promote()");
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts it, and waits until it takes anybody.
    pub fn go(&mut self) {
        let mut command = as_no_root("postgres");
        // JIT would take seconds to load on a machine that never did.
        let mut settings =
            vec!["listen_addresses=127.0.0.1".to_owned(), "jit=off".into(), format!("port={}", self.port)];
        settings.extend(self.settings.iter().cloned());
        command.arg("-D").arg(self.data()).arg("-k").arg(self.dir.path());
        for setting in settings {
            command.args(["-c", &setting]);
        }
        self.peer = Some(start(&mut command));
        super::house::until("the server takes anybody", || {
            self.psql("postgres", "select 1").status.success()
        });
    }

    /// kill -9, to the server's first process; its others end by themselves.
    pub fn kill(&mut self) {
        self.peer = None;
        super::house::until("nobody answers", || {
            std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], self.port).into(), Duration::from_secs(1))
                .is_err()
        });
    }

    pub fn stand_still(&self) {
        self.peer.as_ref().unwrap().stop();
    }

    pub fn go_on(&self) {
        self.peer.as_ref().unwrap().go_on();
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        as_no_root("psql")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("PGPASSWORD", PASSWORD)
            .args([
                "-qAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                "ana",
            ])
            .args(["-c", sql, database])
            .output()
            .unwrap()
    }

    fn sql_in(&self, database: &str, sql: &str) -> String {
        let done = self.psql(database, sql);
        assert!(done.status.success(), "{sql}: {done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// As the administrator, in the journal's database.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("warroom", sql)
    }

    /// The same, and what came of it.
    pub fn try_sql(&self, sql: &str) -> Output {
        self.psql("warroom", sql)
    }

    /// The journal's address, for a role.
    pub fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/warroom", self.port)
    }
}
