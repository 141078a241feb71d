//! Who asks: a token's bearer, or nobody in particular on this machine.

use super::{
    Options,
    problem::Problem,
    token::{GateRight, Secret, whose},
};
use crate::{
    domain::actor::{Actor, Proof},
    os::peer,
};
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Where it comes from.
    pub addr: SocketAddr,
    /// The user who holds it, where it is of this machine and the kernel says so.
    pub uid: Option<u32>,
}

/// Headers by which a proxy says that the caller is somebody else.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Refuses web pages. Browsers send one of these with whatever a page does, and a page of anywhere can reach this
/// machine's loopback.
pub fn no_browser(headers: &HeaderMap) -> Result<(), Problem> {
    let typed_by_hand = |site: &[u8]| site == b"none";
    let page = headers.get_all("sec-fetch-site").iter().any(|site| !typed_by_hand(site.as_bytes()));
    if page || headers.contains_key(header::ORIGIN) { Err(Problem::browser()) } else { Ok(()) }
}

/// Who asks, where they may do this. Without a token that is the user whom the kernel names, on this machine alone; of one
/// user's own room that must be its owner or root.
pub async fn caller(
    options: &Options,
    peer: Peer,
    headers: &HeaderMap,
    right: GateRight,
) -> Result<Actor, Problem> {
    if let Some(secret) = secret(headers)? {
        // Where there are no tokens there is nothing that one could prove, and no harm in one.
        if !options.tokens.is_empty() {
            let token = whose(&options.tokens, &secret)
                .ok_or_else(|| Problem::who("this token is not known here"))?;
            if !token.may.contains(&right) {
                let say = format!("the token {} may not {}", token.name, right.word());
                return Err(Problem::who(say));
            }
            return Ok(Actor::token(&token.name));
        }
    }
    let free = match options.owner {
        Some(owner) => peer.uid.is_some_and(|uid| uid == owner || uid == 0),
        None => options.tokens.is_empty() || (right == GateRight::Read && options.anonymous_read_on_loopback),
    };
    if free && on_this_machine(peer.addr, headers) {
        return Ok(match peer.uid {
            Some(uid) => options.names.actor(uid).await,
            None => Actor { name: "pipeline".into(), uid: None, proof: Proof::Nobody, claimed: None },
        });
    }
    Err(Problem::who(if options.owner.is_some() {
        "this is one user's own room: it answers that user on this machine, and who has a token: \
         authorization: Bearer …"
    } else {
        "a token is needed here: authorization: Bearer …"
    }))
}

/// Names of the users who ask, so that not each question asks the system's directory.
#[derive(Debug, Clone, Default)]
pub struct Names(Arc<Mutex<BTreeMap<u32, Actor>>>);

/// Names that are kept at most.
const NAMES_MAX: usize = 1_024;

impl Names {
    async fn actor(&self, uid: u32) -> Actor {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(&uid).cloned();
        if let Some(actor) = known {
            return actor;
        }
        let actor = peer::actor(uid).await;
        let mut kept = kept();
        if kept.len() >= NAMES_MAX {
            kept.clear();
        }
        kept.insert(uid, actor.clone());
        actor
    }
}

/// Whether the caller runs on this machine, and asked for it by a name of this machine: under another name it may be
/// a page whose site was pointed here after it was loaded.
fn on_this_machine(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let named = headers.get(header::HOST).is_none_or(|host| host.to_str().is_ok_and(local));
    let proxied = FORWARDED.iter().any(|name| headers.contains_key(HeaderName::from_static(name)));
    peer.ip().to_canonical().is_loopback() && named && !proxied
}

fn local(host: &str) -> bool {
    let bare = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let ip = bare.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The token that was sent: `Bearer TOKEN`, or `Basic` with the token as its password, for callers that know nothing
/// but an address (`http://any:TOKEN@host/`).
fn secret(headers: &HeaderMap) -> Result<Option<Secret>, Problem> {
    let bad = || Problem::who("authorization is neither Bearer nor Basic");
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(Problem::who("authorization is there twice"));
    }
    let (scheme, rest) = first.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(bad)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Secret::given(rest)));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let raw = base64::engine::general_purpose::STANDARD.decode(rest.trim()).map_err(|_| bad())?;
        let text = String::from_utf8(raw).map_err(|_| bad())?;
        let (_, password) = text.split_once(':').ok_or_else(bad)?;
        return Ok(Some(Secret::given(password)));
    }
    Err(bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for host in
            ["localhost", "LocalHost:7311", "127.0.0.1", "127.0.0.1:1", "[::1]:7311", "[::1]", "127.9.9.9"]
        {
            assert!(local(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:80", "10.0.0.1:80", "", ":80", "127.0.0.1.evil"]
        {
            assert!(!local(host), "{host}");
        }
    }
}
