//! What ssh says where it let nobody in, and what a person can do about it. Nothing was run then.

use crate::domain::text;

/// How one is asked once, and not by each step.
const SHARE: &str = "share a connection (ssh -MNf)";

/// Why ssh came to run nothing on `host`, by the last lines that it printed; none where it says something else. A block
/// with a terminal was asked what there was to ask.
pub(super) fn why(host: &str, terminal: bool, last: &[String]) -> Option<String> {
    let said = last.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty())?;
    let place = text::line(host.trim_start_matches("ssh://").trim_end_matches('/')).into_owned();
    let has = |words: &str| last.iter().any(|line| line.contains(words));
    if said == "Host key verification failed." {
        let known = known_as(&place);
        return Some(if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            format!(
                "the host key of {place} has CHANGED, nothing was run: ask who runs the host, compare its new key, and \
                 only then ssh-keygen -R '{known}'"
            )
        } else if has("REVOKED HOST KEY DETECTED") {
            format!("the host key of {place} is revoked, nothing was run: ask who runs the host")
        } else if terminal {
            format!("the host key of {place} was not accepted, nothing was run")
        } else {
            format!(
                "{place} is no known host yet, nothing was run: log in once by hand and compare its key, or make the \
                 block interactive"
            )
        });
    }
    let denied =
        said.split_once(": Permission denied (").map(|(_, methods)| methods.trim_end_matches(['.', ')']));
    let methods = denied.or_else(|| has("Too many authentication failures").then_some("too many keys"))?;
    let would_ask = ["keyboard-interactive", "password"].iter().any(|asks| methods.contains(asks));
    let refused = format!("Permission denied ({methods})");
    Some(match (terminal, would_ask) {
        (true, _) => format!("{place} did not let you in, nothing was run: {refused}"),
        (false, true) => format!(
            "{place} would ask for a password or a code, nothing was run: {refused}; {SHARE}, or make the block \
             interactive"
        ),
        (false, false) => format!(
            "{place} took no key unasked, nothing was run: {refused}; ssh-add yours, {SHARE}, or make the block interactive"
        ),
    })
}

/// As `known_hosts` has a place.
fn known_as(place: &str) -> String {
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((host, "22")) => host.to_owned(),
        Some((host, port)) if !port.contains(']') => format!("[{}]:{port}", host.trim_matches(['[', ']'])),
        _ => host.trim_matches(['[', ']']).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(terminal: bool, said: &str) -> Option<String> {
        let last: Vec<String> = said.lines().map(str::to_owned).collect();
        why("ssh://me@db1:2222", terminal, &last)
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        for (said, words) in [
            ("me@db1: Permission denied (publickey).", "ssh-add"),
            (
                "Banner\nme@db1: Permission denied (publickey,keyboard-interactive).\n",
                "would ask for a password or a code",
            ),
            (
                "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
                "too many keys",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nx\nHost key verification failed.",
                "'[db1]:2222'",
            ),
            ("Host key verification failed.", "no known host yet"),
            ("@ REVOKED HOST KEY DETECTED! @\nHost key verification failed.", "is revoked"),
        ] {
            let told = of(false, said).unwrap();
            assert!(told.contains(words) && told.contains("nothing was run"), "{said}: {told}");
            assert!(told.len() < 200, "what is seen is one short line: {told}");
        }
        assert!(
            of(true, "me@db1: Permission denied (publickey,password).")
                .unwrap()
                .contains("did not let you in")
        );
        assert!(of(true, "Host key verification failed.").unwrap().contains("was not accepted"));
    }

    #[test]
    fn what_a_block_prints_is_no_refusal() {
        for said in
            ["", "cat: x: Permission denied", "Connection to db1 closed by remote host.", "Permission denied"]
        {
            assert_eq!(of(false, said), None, "{said}");
        }
        assert_eq!(known_as("me@db1"), "db1");
        assert_eq!(known_as("db1:22"), "db1");
        assert_eq!(known_as("[::1]:2200"), "[::1]:2200");
    }
}
