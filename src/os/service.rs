//! What a service manager (systemd) gives a process, and what it wants to be told. Without one both are nothing.

use listenfd::ListenFd;
use sd_notify::NotifyState;
use std::{io, os::unix::net::UnixListener};

/// The Unix socket that was bound for this process, `sd_listen_fds(3)`; none where there is none, or where it is
/// another process's. Reads the environment: once, and before anything else runs.
///
/// # Errors
/// Where more or something else than one listening Unix stream socket was given.
pub fn socket() -> io::Result<Option<UnixListener>> {
    // Sockets that are nobody's by number may be anything that was left open by accident.
    if std::env::var_os("LISTEN_PID").is_none() {
        return Ok(None);
    }
    let mut given = ListenFd::from_env();
    if given.len() > 1 {
        let why = format!("{} sockets were given, and a room has one", given.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    given.take_unix_listener(0)
}

/// Says that the service can be used, and how it is.
pub fn ready(status: &str) {
    say(&[NotifyState::Ready, NotifyState::Status(&crate::domain::text::line(status))]);
}

/// Says that the service ends.
pub fn stopping() {
    say(&[NotifyState::Stopping]);
}

fn say(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::warn!(%error, "the service manager was not told");
    }
}

/// The directory that systemd made for this service, `StateDirectory=` by `STATE_DIRECTORY`, `RuntimeDirectory=` by
/// `RUNTIME_DIRECTORY`; the first, where there are several.
pub fn directory(variable: &str) -> Option<std::path::PathBuf> {
    let all = std::env::var(variable).ok()?;
    all.split(':').next().map(std::path::PathBuf::from).filter(|dir| dir.is_absolute())
}
