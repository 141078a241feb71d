//! Starting other processes: always with no terminal to read from, in a session of their own.

use super::{group::Group, process::ProcessId, session};
use crate::domain::time::Span;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
};

/// What to start and in which surroundings.
#[derive(Debug, Clone)]
pub struct Spec {
    program: OsString,
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    env: Option<BTreeMap<OsString, OsString>>,
    umask: Option<u32>,
}

/// A child whose output is read through pipes.
#[derive(Debug)]
pub struct Running {
    /// The child itself, apart from its pipes so that all can be waited for at once.
    pub child: tokio::process::Child,
    /// Its session.
    pub group: Group,
    /// Standard output, and standard error too where they were merged.
    pub out: Option<pipe::Receiver>,
    /// Standard error where it was kept apart.
    pub err: Option<pipe::Receiver>,
    /// Standard input where it was asked for.
    pub input: Option<tokio::process::ChildStdin>,
}

/// A child that stands where this process stands: same terminal, same session, same standard input. Its output comes
/// through pipes.
#[derive(Debug)]
pub struct Attended {
    /// The child itself, apart from its pipes so that all can be waited for at once.
    pub child: tokio::process::Child,
    /// Standard output.
    pub out: pipe::Receiver,
    /// Standard error.
    pub err: pipe::Receiver,
}

/// Hands a signal on to a child, where it still runs.
pub fn hand_on(child: &tokio::process::Child, signal: rustix::process::Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// How standard output and error are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// One pipe, so that the order is the child's.
    Merged,
    /// Two pipes.
    Apart,
}

/// What a short command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Exit code, none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output, as much as was asked for.
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
    /// Whether more was printed than was asked for.
    pub cut: bool,
}

impl Spec {
    /// This program, looked up on `PATH` unless it holds a slash.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { program: program.as_ref().to_owned(), args: Vec::new(), cwd: None, env: None, umask: None }
    }

    /// This same binary, under the name it was started from the file system with.
    pub fn myself() -> io::Result<Self> {
        // Where the file was replaced by an upgrade the link is marked as deleted, and is still the one that runs.
        let path = std::env::current_exe()?;
        Ok(Self::new(if path.exists() { path } else { PathBuf::from("/proc/self/exe") }))
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Working directory.
    #[must_use]
    pub fn cwd(mut self, cwd: impl AsRef<Path>) -> Self {
        self.cwd = Some(cwd.as_ref().to_owned());
        self
    }

    /// Exactly this environment and nothing of this process's. The program is then looked up on its `PATH`.
    #[must_use]
    pub fn only_env(mut self, env: BTreeMap<OsString, OsString>) -> Self {
        self.env = Some(env);
        self
    }

    /// File mode mask, `0o077`.
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Self {
        self.umask = Some(mask);
        self
    }

    pub(super) fn program(&self) -> &OsStr {
        &self.program
    }
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.args
    }
    pub(super) fn directory(&self) -> Option<&Path> {
        self.cwd.as_deref()
    }
    pub(super) fn environment(&self) -> Option<&BTreeMap<OsString, OsString>> {
        self.env.as_ref()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null());
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if let Some(env) = &self.env {
            command.env_clear().envs(env);
        }
        session::own(&mut command, self.umask);
        command
    }

    /// Starts it with its output in pipes. With `input` its standard input is a pipe too, else there is none.
    pub fn start(&self, streams: Streams, input: bool) -> io::Result<Running> {
        let mut command = self.command();
        if input {
            command.stdin(Stdio::piped());
        }
        let (out, writer) = io::pipe()?;
        let err = match streams {
            Streams::Merged => {
                command.stderr(writer.try_clone()?);
                None
            }
            Streams::Apart => {
                let (err, writer) = io::pipe()?;
                command.stderr(writer);
                Some(err)
            }
        };
        command.stdout(writer);
        let mut command = tokio::process::Command::from(command);
        let mut child = command.spawn()?;
        // The command holds the writing ends: as long as it lives the pipes do not end.
        drop(command);
        let leader = child.id().and_then(ProcessId::of).ok_or_else(|| io::Error::other("it ended unseen"))?;
        Ok(Running {
            input: child.stdin.take(),
            child,
            group: Group::of(leader),
            out: Some(pipe::Receiver::from_owned_fd(OwnedFd::from(out))?),
            err: err.map(|err| pipe::Receiver::from_owned_fd(OwnedFd::from(err))).transpose()?,
        })
    }

    /// Starts it where this process stands, so that it can be typed to and interrupted as if it had been started by the
    /// shell.
    pub fn attend(&self) -> io::Result<Attended> {
        let (out, out_writer) = io::pipe()?;
        let (err, err_writer) = io::pipe()?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdout(out_writer).stderr(err_writer);
        let mut command = tokio::process::Command::from(command);
        let child = command.spawn()?;
        // The command holds the writing ends: as long as it lives the pipes do not end.
        drop(command);
        Ok(Attended {
            child,
            out: pipe::Receiver::from_owned_fd(OwnedFd::from(out))?,
            err: pipe::Receiver::from_owned_fd(OwnedFd::from(err))?,
        })
    }

    /// Starts it so that it outlives this process: session of its own, directory `/`, no terminal, output appended to
    /// `log` (or lost), nothing inherited but the environment. It is reaped if it ends first.
    pub fn detach(mut self, log: Option<&File>) -> io::Result<ProcessId> {
        session::seal_inherited();
        self.cwd.get_or_insert_with(|| PathBuf::from("/"));
        let mut command = self.command();
        let to = || -> io::Result<Stdio> {
            log.map_or_else(|| Ok(Stdio::null()), |log| Ok(Stdio::from(log.try_clone()?)))
        };
        command.stdout(to()?).stderr(to()?);
        let mut child = command.spawn()?;
        let id = ProcessId::of(child.id()).ok_or_else(|| io::Error::other("it ended unseen"))?;
        std::thread::Builder::new().name("reaper".into()).spawn(move || child.wait())?;
        Ok(id)
    }

    /// Runs it to its end and gives at most `most` bytes of each stream. Past `limit` its whole session is killed and
    /// the error is of kind `TimedOut`.
    pub async fn output(&self, limit: Duration, most: usize) -> io::Result<Answer> {
        self.answer(None, limit, most).await
    }

    /// The same, with `input` on its standard input. That it does not read all of it is no error.
    pub async fn answer(&self, input: Option<&[u8]>, limit: Duration, most: usize) -> io::Result<Answer> {
        let mut running = self.start(Streams::Apart, input.is_some())?;
        let (out, err, stdin) = (running.out.take(), running.err.take(), running.input.take());
        let feed = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                drop(stdin.write_all(input).await);
            }
            Ok(())
        };
        let whole = async {
            let ((stdout, more), (stderr, still_more), ()) =
                tokio::try_join!(some(out, most), some(err, most), feed)?;
            let status = running.child.wait().await?;
            Ok(Answer { code: status.code(), stdout, stderr, cut: more || still_more })
        };
        let answer = tokio::time::timeout(limit, whole).await;
        if let Ok(answer) = answer {
            answer
        } else {
            running.group.end(Span::ZERO).await;
            let _ = running.child.wait().await;
            let limit = Span::from(limit);
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("no end within {limit}")))
        }
    }
}

/// Reads to the end, keeps the first `most` bytes, and says whether there were more.
async fn some(from: Option<pipe::Receiver>, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let (mut kept, mut cut) = (Vec::new(), false);
    let Some(mut from) = from else { return Ok((kept, cut)) };
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok((kept, cut));
        }
        let room = most.saturating_sub(kept.len());
        kept.extend(buffer.iter().take(n.min(room)));
        cut |= n > room;
    }
}

#[cfg(test)]
mod tests;
