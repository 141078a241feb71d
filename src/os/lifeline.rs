//! Children that live no longer than this process: in a process group of their own, at the other end of a pipe that
//! closes with it.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// How a child is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// In a group of its own; its standard input ends when this process does, which it watches for.
    Lifeline,
    /// Not at all: it leads a session of its own as soon as it calls `setsid`, which a group's leader may not.
    Loose,
}

/// Starts a program in a directory, its output lost, its errors in a file.
///
/// # Errors
/// What the system refused.
pub fn start(
    program: &Path,
    args: &[OsString],
    directory: &Path,
    errors: File,
    hold: Hold,
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(args).current_dir(directory).stdout(Stdio::null()).stderr(errors);
    match hold {
        Hold::Lifeline => command.stdin(Stdio::piped()).process_group(0),
        Hold::Loose => command.stdin(Stdio::null()),
    };
    command.spawn()
}

/// Runs a program to its end in this process's own group, so that whoever ends the group ends it too. Past `limit` it
/// is killed.
///
/// # Errors
/// What the system refused; `TimedOut` past the limit.
pub async fn ask(
    program: &Path,
    args: &[OsString],
    env: &[(String, String)],
    limit: Duration,
) -> io::Result<Output> {
    let mut command = tokio::process::Command::new(program);
    command
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    tokio::time::timeout(limit, command.output()).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs())))
    })
}
