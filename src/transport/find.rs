//! Where a room's socket is: the one named, else the system's, else the user's own.

use crate::os::{dirs, dirs::NoDirectory};
use std::path::PathBuf;

/// The socket of the room that serves a whole machine.
pub const SYSTEM: &str = "/run/warroom/room.sock";

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
    Ok(vec![
        Place { socket: PathBuf::from(SYSTEM), kind: Kind::System },
        Place { socket: own, kind: Kind::Private },
    ])
}
