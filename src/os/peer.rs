//! Who is at the other end of a socket, as the kernel says.

use crate::domain::actor::Actor;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, io, os::fd::AsFd, path::Path, process::Stdio, time::Duration};

/// Most bytes of a user database entry that are read.
const ENTRY_MAX: usize = 64 * 1024;

/// Credentials of a peer, fixed when it connected. The pid is a hint: it may be used again by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Process that connected.
    pub pid: u32,
}

/// Why a peer is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// The kernel did not answer.
    #[error("the kernel does not say who is at the other end of the socket: {0}")]
    Silent(#[from] io::Error),
    /// The uid that stands for all users whom this user namespace does not know.
    #[error(
        "the peer's uid is {0}, which stands for every user unknown here: run the room outside of the user namespace \
         or map the peer's uid into it"
    )]
    Overflow(u32),
}

/// `SO_PEERCRED` of a connected Unix socket; the overflow uid is refused.
pub fn of(socket: impl AsFd) -> Result<Peer, Unproved> {
    let peer = rustix::net::sockopt::socket_peercred(socket).map_err(io::Error::from)?;
    let peer = Peer {
        uid: peer.uid.as_raw(),
        gid: peer.gid.as_raw(),
        pid: u32::try_from(peer.pid.as_raw_nonzero().get()).unwrap_or(0),
    };
    if is_overflow(peer.uid) { Err(Unproved::Overflow(peer.uid)) } else { Ok(peer) }
}

/// All groups of a connected peer: its effective one, and the supplementary ones that it had when it connected
/// (`SO_PEERGROUPS`). Where the kernel does not say, and the one that stands for all that this user namespace does not
/// know, a peer has fewer groups, never more.
pub fn gids(socket: impl AsFd, peer: &Peer) -> BTreeSet<u32> {
    let mut gids: BTreeSet<u32> =
        super::session::peer_groups(socket.as_fd()).unwrap_or_default().into_iter().collect();
    gids.insert(peer.gid);
    let overflow = std::fs::read_to_string("/proc/sys/kernel/overflowgid").unwrap_or_default();
    gids.remove(&overflow.trim().parse().unwrap_or(65_534));
    gids
}

/// Whether a uid is the one that stands for users unknown to this namespace.
pub fn is_overflow(uid: u32) -> bool {
    let text = std::fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
    uid == text.trim().parse().unwrap_or(65_534)
}

/// The effective user of this process.
pub fn my_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The person with this uid, proved by the kernel.
pub async fn actor(uid: u32) -> Actor {
    Actor::user(name_of(uid).await, uid)
}

/// Login name: from `/etc/passwd`, else asked of the system's directory through `getent` (LDAP and the like), else
/// `uid-1234`.
pub async fn name_of(uid: u32) -> String {
    if let Some(name) = local_name(Path::new("/etc/passwd"), uid) {
        return name;
    }
    let ask = super::spawn::Spec::new("getent").arg("passwd").arg(uid.to_string());
    match ask.output(Duration::from_secs(2), ENTRY_MAX).await {
        Ok(answer) if answer.code == Some(0) => {
            find(&String::from_utf8_lossy(&answer.stdout), uid).unwrap_or_else(|| format!("uid-{uid}"))
        }
        _ => format!("uid-{uid}"),
    }
}

/// Names of groups: from `/etc/group`, the rest asked of the system's directory through `getent`. A group without a name
/// gives no power, so it is left out.
pub async fn group_names(gids: &BTreeSet<u32>) -> BTreeSet<String> {
    let text = std::fs::read("/etc/group").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let (mut names, mut rest) = (BTreeSet::new(), Vec::new());
    for gid in gids {
        match find(&text, *gid) {
            Some(name) => drop(names.insert(name)),
            None => rest.push(gid.to_string()),
        }
    }
    if !rest.is_empty() {
        // It fails where one of them is not known, and gives the others all the same.
        let ask = super::spawn::Spec::new("getent").arg("group").args(rest);
        if let Ok(answer) = ask.output(Duration::from_secs(2), ENTRY_MAX).await {
            let text = String::from_utf8_lossy(&answer.stdout).into_owned();
            names.extend(gids.iter().filter_map(|gid| find(&text, *gid)));
        }
    }
    names
}

/// Number of a group by its name, or as it is where it is a number.
///
/// # Errors
/// Where there is none of that name.
pub fn gid_of(group: &str) -> Result<u32, String> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let text = std::fs::read("/etc/group").unwrap_or_default();
    let asked = || {
        let mut ask = std::process::Command::new("getent");
        ask.args(["group", "--", group]).stdin(Stdio::null()).stderr(Stdio::null());
        ask.output().map(|answer| answer.stdout).unwrap_or_default()
    };
    let number = |text: &[u8]| {
        String::from_utf8_lossy(text).lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok()).flatten()
        })
    };
    number(&text).or_else(|| number(&asked())).ok_or_else(|| {
        format!("there is no group {}: groupadd --system it first", crate::domain::text::line(group))
    })
}

/// As [`name_of`] where nothing can be waited for: `/etc/passwd` only, then `getent` without a time limit.
pub fn name_now(uid: u32) -> String {
    local_name(Path::new("/etc/passwd"), uid)
        .or_else(|| {
            let mut ask = std::process::Command::new("getent");
            ask.arg("passwd").arg(uid.to_string()).stdin(Stdio::null()).stderr(Stdio::null());
            find(&String::from_utf8_lossy(&ask.output().ok()?.stdout), uid)
        })
        .unwrap_or_else(|| format!("uid-{uid}"))
}

fn local_name(passwd: &Path, uid: u32) -> Option<String> {
    find(&String::from_utf8_lossy(&std::fs::read(passwd).ok()?), uid)
}

/// `name:password:uid:…`, `passwd(5)`, or `name:password:gid:…`, `group(5)`. Names come from a directory that others write: made safe to show.
fn find(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid).then(|| crate::domain::text::line(name).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_kernel_says_who_it_is() {
        let (a, _b) = UnixStream::pair().unwrap();
        let peer = of(&a).unwrap();
        assert_eq!(peer.uid, my_uid());
        assert_eq!(peer.pid, std::process::id());
    }

    #[tokio::test]
    async fn the_kernel_says_which_groups_it_is_in() {
        let (a, _b) = UnixStream::pair().unwrap();
        let mut mine: BTreeSet<u32> =
            rustix::process::getgroups().unwrap().into_iter().map(rustix::process::Gid::as_raw).collect();
        mine.insert(rustix::process::getegid().as_raw());
        mine.remove(&65_534);
        assert_eq!(gids(&a, &of(&a).unwrap()), mine);
        let names = group_names(&[0, 4_000_000_001].into()).await;
        assert_eq!(names, ["root".to_owned()].into(), "what has no name gives no power");
    }

    #[test]
    fn the_user_of_nobody_is_refused() {
        assert!(is_overflow(65_534));
        assert!(!is_overflow(0));
    }

    #[test]
    fn names_are_read_and_shown_safely() {
        let text = "root:x:0:0::/root:/bin/sh\nbroken\n:x:5:\nev\u{1b}il:x:7:7:::\n";
        assert_eq!(find(text, 0).as_deref(), Some("root"));
        assert_eq!(find(text, 5), None);
        assert_eq!(find(text, 7).as_deref(), Some("ev␛il"));
    }

    #[test]
    fn a_group_is_found_by_name_and_by_number() {
        assert_eq!(gid_of("root"), Ok(0));
        assert_eq!(gid_of("4711"), Ok(4711));
        assert!(gid_of("no-such-group-here").unwrap_err().contains("no-such-group-here"));
    }

    #[tokio::test]
    async fn an_unknown_user_has_a_name_all_the_same() {
        assert_eq!(name_of(4_000_000_001).await, "uid-4000000001");
        assert_eq!(name_now(4_000_000_001), "uid-4000000001");
    }
}
