//! Who asks: a token's bearer, or nobody in particular on this machine.

use super::{
    Options,
    problem::Problem,
    token::{GateRight, Secret, whose},
};
use crate::domain::actor::{Actor, Proof};
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use std::net::SocketAddr;

/// Headers by which a proxy says that the caller is somebody else.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Refuses web pages. Browsers send one of these with whatever a page does, and a page of anywhere can reach this
/// machine's loopback.
pub fn no_browser(headers: &HeaderMap) -> Result<(), Problem> {
    let typed_by_hand = |site: &[u8]| site == b"none";
    let page = headers.get_all("sec-fetch-site").iter().any(|site| !typed_by_hand(site.as_bytes()));
    if page || headers.contains_key(header::ORIGIN) { Err(Problem::browser()) } else { Ok(()) }
}

/// Who asks, where they may do this.
pub fn caller(
    options: &Options,
    peer: SocketAddr,
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
    let free = options.tokens.is_empty() || (right == GateRight::Read && options.anonymous_read_on_loopback);
    if free && on_this_machine(peer, headers) {
        return Ok(Actor { name: "pipeline".into(), uid: None, proof: Proof::Nobody, claimed: None });
    }
    Err(Problem::who("a token is needed here: authorization: Bearer …"))
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
