//! A child in a pseudo-terminal that this process owns.

use super::{group::Group, process::ProcessId, spawn::Spec};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};
use tokio::sync::{mpsc, oneshot};

/// Rows and columns; at least one of each is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

impl Default for Size {
    fn default() -> Self {
        Self { rows: 24, cols: 80 }
    }
}

impl From<Size> for PtySize {
    fn from(size: Size) -> Self {
        Self { rows: size.rows.max(1), cols: size.cols.max(1), pixel_width: 0, pixel_height: 0 }
    }
}

/// The child and its terminal.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: std::sync::mpsc::Sender<Vec<u8>>,
    /// Its session.
    pub group: Group,
    /// What it prints, in pieces; ends when the terminal is closed.
    pub output: mpsc::Receiver<Vec<u8>>,
    /// How it ended.
    pub ended: oneshot::Receiver<io::Result<Exit>>,
}

/// How a child in a terminal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Exit code, none when a signal ended it.
    pub code: Option<i32>,
    /// Name of that signal.
    pub signal: Option<String>,
}

impl Terminal {
    /// Starts `spec` as leader of a session whose terminal this is.
    pub fn start(spec: &Spec, size: Size) -> io::Result<Self> {
        let pair = native_pty_system().openpty(size.into()).map_err(io::Error::other)?;
        let mut command = CommandBuilder::new(spec.program());
        command.args(spec.arguments());
        if let Some(cwd) = spec.directory() {
            command.cwd(cwd);
        }
        if let Some(env) = spec.environment() {
            command.env_clear();
            for (name, value) in env {
                command.env(name, value);
            }
        }
        let mut reader = pair.master.try_clone_reader().map_err(io::Error::other)?;
        let mut writer = pair.master.take_writer().map_err(io::Error::other)?;
        let mut child = pair.slave.spawn_command(command).map_err(io::Error::other)?;
        drop(pair.slave);
        let leader = child.process_id().and_then(ProcessId::of);
        let leader = leader.ok_or_else(|| io::Error::other("it ended unseen"))?;

        let (send, output) = mpsc::channel(64);
        thread("pty-output", move || {
            let mut buffer = vec![0; 16 * 1024];
            // A terminal whose last user has gone answers EIO: that is its end.
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if send.blocking_send(buffer.iter().take(n).copied().collect()).is_err() {
                    break;
                }
            }
        })?;
        let (keys, typed) = std::sync::mpsc::channel::<Vec<u8>>();
        thread("pty-keys", move || {
            while let Ok(bytes) = typed.recv() {
                if writer.write_all(&bytes).and_then(|()| writer.flush()).is_err() {
                    break;
                }
            }
        })?;
        let (tell, ended) = oneshot::channel();
        thread("pty-wait", move || {
            let _ = tell.send(child.wait().map(|status| Exit {
                code: status.signal().is_none().then(|| i32::try_from(status.exit_code()).unwrap_or(-1)),
                signal: status.signal().map(str::to_owned),
            }));
        })?;
        Ok(Self { master: pair.master, keys, group: Group::of(leader), output, ended })
    }

    /// Types these bytes; lost when the child has gone.
    pub fn keys(&self, bytes: Vec<u8>) {
        let _ = self.keys.send(bytes);
    }

    /// Tells the child that its window has another size.
    pub fn resize(&self, size: Size) -> io::Result<()> {
        self.master.resize(size.into()).map_err(io::Error::other)
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).spawn(run).map(|_| ())
}
