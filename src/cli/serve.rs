//! `warroom serve`: a room in the foreground, for one person or for a whole machine.

use super::{
    With, exit,
    room::{self, Door, Opening},
};
use crate::{
    os::{dirs, peer, service},
    transport::find,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Where the room of a whole machine keeps its journal.
const SYSTEM_DIR: &str = "/var/lib/warroom";

/// Serve a room in the foreground
///
/// For you alone, or with --shared for a group. Under systemd it takes the socket that is given, and says when it can
/// be used. See docs/bastion.md.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// State directory: journal, evidence [default: your own; with --shared systemd's StateDirectory=, else
    /// /var/lib/warroom]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Let everybody in whom the socket's directory lets in, instead of you alone. The socket is --socket, else in
    /// --dir, else systemd's RuntimeDirectory=, else /run/warroom/room.sock
    #[arg(long)]
    shared: bool,
    /// The group that may enter: it is given the socket and its directory
    #[arg(long, value_name = "GROUP", requires = "shared")]
    group: Option<String>,
    /// Where the gate listens for pipelines, none for nowhere [default: gate.listen of warroom.toml, else
    /// 127.0.0.1:7311 with --shared, and nowhere without]
    #[arg(long, value_name = "ADDRESS:PORT")]
    gate: Option<String>,
}

/// Serves in the foreground until a signal or `warroom stop`.
pub fn run(with: &With, args: &ServeArgs) -> ExitCode {
    match opening(with, args) {
        Ok(opening) => room::open(with, opening),
        Err(why) => {
            exit::warn(&why);
            exit::code(exit::REFUSED)
        }
    }
}

fn opening(with: &With, args: &ServeArgs) -> Result<Opening, String> {
    let given = service::socket().map_err(|error| format!("systemd's socket cannot be used: {error}"))?;
    let dir = match (&args.dir, args.shared) {
        (Some(dir), _) => dir.clone(),
        (None, true) => service::directory("STATE_DIRECTORY").unwrap_or_else(|| SYSTEM_DIR.into()),
        (None, false) => dirs::state().map_err(|error| error.to_string())?,
    };
    let door = match given {
        Some(listener) => Door::Given { listener, shared: args.shared },
        None if args.shared => Door::Shared {
            socket: socket(with.socket.as_deref(), args.dir.as_deref()),
            group: args.group.as_deref().map(peer::gid_of).transpose()?,
        },
        None => Door::Own,
    };
    Ok(Opening { dir, door, drill: None, gate: args.gate.clone() })
}

fn socket(named: Option<&Path>, dir: Option<&Path>) -> PathBuf {
    let runtime = || service::directory("RUNTIME_DIRECTORY").map(|dir| dir.join("room.sock"));
    let own = || dir.map(|dir| dir.join("room.sock"));
    named.map(Path::to_owned).or_else(own).or_else(runtime).unwrap_or_else(find::system)
}
