//! Which user's process is at the other end of a TCP connection on this machine, as the kernel says (`sock_diag(7)`).
//!
//! TCP has no `SO_PEERCRED`, but the other end is a socket of this machine too, and the kernel knows whose. One exact
//! question: reading `/proc/net/tcp` would take the longer the more sockets somebody opens.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
    netlink::{SOCK_DIAG, SocketAddrNetlink},
    recv, sendto, socket_with,
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
};

/// `SOCK_DIAG_BY_FAMILY`, of `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`: one answer, not a listing.
const REQUEST: u16 = 1;
const TCP: u8 = 6;
/// States in which a process may hold the other end: established, closing on its side, closed by this side.
const HELD: [u8; 4] = [1, 4, 5, 8];
/// Bytes of a netlink header, and of a socket's name in a question and in an answer.
const HEADER: usize = 16;
const NAME: usize = 48;
/// Bytes of an answer at the least: its header, four bytes of state, the name, five numbers.
const ANSWER: usize = HEADER + 4 + NAME + 20;

/// Asks the kernel; one socket for all questions.
#[derive(Debug)]
pub struct TcpPeers(OwnedFd);

impl TcpPeers {
    /// # Errors
    /// Where this system has no `sock_diag`.
    pub fn open() -> io::Result<Self> {
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
        Ok(Self(socket))
    }

    /// The user who holds the other end of an accepted connection, from this machine: `peer` is where it comes from,
    /// `own` where it was accepted. `None` where the kernel does not say: from another machine, or the other end is
    /// closed, or the uid stands for all that are unknown here.
    pub fn uid(&mut self, peer: SocketAddr, own: SocketAddr) -> Option<u32> {
        let (peer, own) = (canonical(peer), canonical(own));
        let name = name(peer, own)?;
        let question = question(peer, &name);
        // An answer to an earlier question, which was given up, is none to this one.
        let mut answer = [0; 512];
        while recv(&self.0, &mut answer, RecvFlags::DONTWAIT).is_ok() {}
        sendto(&self.0, &question, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).ok()?;
        // The kernel has answered when it has taken the question.
        let (read, _) = recv(&self.0, &mut answer, RecvFlags::DONTWAIT).ok()?;
        let uid = read_uid(answer.get(..read)?, &name)?;
        (!super::peer::is_overflow(uid)).then_some(uid)
    }
}

fn canonical(at: SocketAddr) -> SocketAddr {
    SocketAddr::new(at.ip().to_canonical(), at.port())
}

/// `struct inet_diag_sockid`: ports and addresses of the other end, in network order, any interface, no cookie.
fn name(peer: SocketAddr, own: SocketAddr) -> Option<[u8; NAME]> {
    let mut name = [0; NAME];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = name.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, &peer.port().to_be_bytes());
    put(2, &own.port().to_be_bytes());
    match (peer.ip(), own.ip()) {
        (IpAddr::V4(peer), IpAddr::V4(own)) => {
            put(4, &peer.octets());
            put(20, &own.octets());
        }
        (IpAddr::V6(peer), IpAddr::V6(own)) => {
            put(4, &peer.octets());
            put(20, &own.octets());
        }
        _ => return None,
    }
    put(40, &[0xff; 8]);
    Some(name)
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn question(peer: SocketAddr, name: &[u8; NAME]) -> Vec<u8> {
    let family = if peer.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let family = u8::try_from(family.as_raw()).unwrap_or(0);
    let len = HEADER + 8 + NAME;
    let mut out = Vec::with_capacity(len);
    out.extend_from_slice(&u32::try_from(len).unwrap_or(0).to_ne_bytes());
    out.extend_from_slice(&BY_FAMILY.to_ne_bytes());
    out.extend_from_slice(&REQUEST.to_ne_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&[family, TCP, 0, 0]);
    out.extend_from_slice(&u32::MAX.to_ne_bytes());
    out.extend_from_slice(name);
    out
}

/// The uid in an answer about exactly this socket, held by a process. One that nobody holds any more is told as root's.
fn read_uid(answer: &[u8], name: &[u8; NAME]) -> Option<u32> {
    let number = |at: usize| {
        let bytes = answer.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    if answer.len() < ANSWER || kind != BY_FAMILY {
        return None;
    }
    let state = answer.get(HEADER + 1)?;
    let told = answer.get(HEADER + 4..HEADER + 4 + NAME)?;
    // Ports and addresses; what follows is the interface and the cookie.
    let same = told.get(..36) == name.get(..36);
    let (uid, inode) = (number(HEADER + 4 + NAME + 12)?, number(HEADER + 4 + NAME + 16)?);
    (same && HELD.contains(state) && inode != 0).then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_kernel_says_whose_a_connection_is_and_of_one_that_is_closed_nothing() {
        let mut peers = TcpPeers::open().unwrap();
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(at) else { continue };
            let own = listener.local_addr().unwrap();
            let client = TcpStream::connect(own).unwrap();
            let (server, peer) = listener.accept().unwrap();
            assert_eq!(peers.uid(peer, own), Some(super::super::peer::my_uid()), "{at}");
            client.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(peers.uid(peer, own), Some(super::super::peer::my_uid()), "{at}, half closed");
            drop(client);
            assert_eq!(peers.uid(peer, own), None, "{at}: nobody's socket is not root's");
            drop(server);
        }
        let nobody = "127.0.0.1:9".parse().unwrap();
        assert_eq!(peers.uid(nobody, nobody), None);
        let elsewhere = "192.0.2.1:4711".parse().unwrap();
        assert_eq!(peers.uid(elsewhere, "[::1]:1".parse().unwrap()), None);
    }

    #[test]
    fn a_listener_at_the_same_port_is_not_taken_for_the_peer() {
        let mut peers = TcpPeers::open().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert_eq!(peers.uid(at, "127.0.0.1:9".parse().unwrap()), None);
    }
}
