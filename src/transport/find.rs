//! Where a room's socket is: the one named, else the system's, else the user's own.

use crate::os::{dirs, dirs::NoDirectory};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The socket of the room that serves a whole machine.
pub const SYSTEM: &str = "/run/warroom/room.sock";
/// Names another in its place.
pub const SYSTEM_BY: &str = "WARROOM_SYSTEM_SOCKET";
/// Files that say that a machine is to have a room of its own.
const UNITS: [&str; 2] = ["warroom.socket", "warroom.service"];
/// Where systemd has units, the administrator's and the packages'.
const UNIT_DIRS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// A place where a room may listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The socket.
    pub socket: PathBuf,
    /// Whose it is.
    pub kind: Kind,
}

/// Whose room it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Named by the person or by `WARROOM_SOCKET`.
    Named,
    /// The machine's.
    System,
    /// The user's own.
    Private,
}

/// Places in the order in which they are tried. `given` is `--socket` or `WARROOM_SOCKET`, and then the only one.
///
/// # Errors
/// Where the user has no private directory.
pub fn places(given: Option<PathBuf>) -> Result<Vec<Place>, NoDirectory> {
    if let Some(socket) = given {
        return Ok(vec![Place { socket, kind: Kind::Named }]);
    }
    let own = dirs::state()?.join("room.sock");
    Ok(vec![Place { socket: system(), kind: Kind::System }, Place { socket: own, kind: Kind::Private }])
}

/// The socket of the machine's room, [`SYSTEM`] or what [`SYSTEM_BY`] names.
pub fn system() -> PathBuf {
    named().unwrap_or_else(|| PathBuf::from(SYSTEM))
}

fn named() -> Option<PathBuf> {
    std::env::var_os(SYSTEM_BY).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Whether the machine is meant to have a room: one is named, its directory is there, or a unit of it is installed.
pub fn is_configured() -> bool {
    let there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    named().is_some()
        || Path::new(SYSTEM).parent().is_some_and(there)
        || UNIT_DIRS.iter().any(|dir| UNITS.iter().any(|unit| there(&Path::new(dir).join(unit))))
}

/// Whether a socket lies there that nobody listens at: its room died. One that is stopped takes its socket with it.
pub fn left_behind(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::ConnectionRefused
}

/// What to tell somebody who gets a room of their own although the machine is meant to have one.
pub fn passed_over(socket: &Path, why: &io::Error) -> String {
    format!("PRIVATE: others see nothing of this room. {}", unused(socket, why))
}

/// Why the room that the machine is meant to have is of no use to this person.
pub fn unused(socket: &Path, why: &io::Error) -> String {
    let help = match why.kind() {
        io::ErrorKind::PermissionDenied => "ask to be put into the group that may enter it",
        _ => "see systemctl status warroom.socket warroom.service",
    };
    format!("The machine's room at {} is not used: {why}; {help}", socket.display())
}
