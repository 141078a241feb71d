//! A room whose calls to the disk are counted, recorded and made to fail.

use crate::{
    disk::{self, Op},
    support::house::{House, binary, until},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// The files of a journal and of a spool, by their numbers in a record.
pub const FILES: [&str; 4] = ["journal.db", "journal.db-wal", "journal.db-journal", "offline-*.spool"];

/// The shim, compiled once for all tests of this process.
fn object() -> &'static Path {
    static OBJECT: OnceLock<PathBuf> = OnceLock::new();
    OBJECT.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (made, object) = (dir.join(format!("shim-{}.so", std::process::id())), dir.join("shim.so"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/storage/shim.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&made)
            .arg(source)
            .arg("-ldl")
            .status()
            .expect("cc: install a C compiler");
        assert!(built.success(), "the shim does not compile");
        fs::rename(made, &object).unwrap();
        object
    })
}

/// A house with a disk of its own.
pub struct Ground {
    pub house: House,
    dir: PathBuf,
}

impl Ground {
    pub fn new() -> Self {
        let house = House::new();
        let dir = house.path().canonicalize().unwrap();
        Self { house, dir }
    }

    /// What a fault is named in while the room runs.
    pub fn switch(&self, fault: &str) {
        // Whole or not at all: the room looks at it at any moment.
        let made = self.dir.join("switch.new");
        fs::write(&made, fault).unwrap();
        fs::rename(made, self.dir.join("switch")).unwrap();
    }

    /// While it is there, calls that are told to wait wait.
    pub fn gate(&self) -> PathBuf {
        self.dir.join("gate")
    }

    pub fn socket(&self) -> PathBuf {
        self.house.state().join("room.sock")
    }

    fn record(&self) -> PathBuf {
        self.dir.join("record")
    }

    /// How long the record is now.
    pub fn recorded(&self) -> u64 {
        fs::metadata(self.record()).map_or(0, |meta| meta.len())
    }

    /// All calls up to now.
    pub fn calls(&self) -> Vec<Op> {
        disk::read(&fs::read(self.record()).unwrap_or_default())
    }

    /// A room with the shim below it.
    pub fn serve(&self, fault: &str) -> Served<'_> {
        let said = self.dir.join("said");
        let child = self
            .house
            .command(&binary())
            .arg("serve")
            .env("LD_PRELOAD", object())
            .env("SHIM_DIR", self.dir.join("warroom"))
            .env("SHIM_FILES", FILES.join(":"))
            .env("SHIM_FAULT", fault)
            .env("SHIM_SWITCH", self.dir.join("switch"))
            .env("SHIM_GATE", self.gate())
            .env("SHIM_RECORD", self.record())
            .stdout(Stdio::null())
            .stderr(File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut served = Served { ground: self, child, said };
        until("the room listens or gives up", || served.is_over() || served.listens());
        served
    }
}

/// It ends with this.
pub struct Served<'g> {
    ground: &'g Ground,
    child: Child,
    said: PathBuf,
}

impl Served<'_> {
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    fn listens(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.ground.socket()).is_ok()
    }

    /// What it said.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// kill -9.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Asked to end, as a service manager does.
    pub fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait().unwrap();
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the room said: {}", self.said());
        }
    }
}
