//! A block on another host: one ssh, the script on its standard input, the state back at the end of its output.

use super::{
    carry::Dialect,
    shell::{bash_prologue, is_name, quoted},
};
use crate::domain::time::Span;
use std::{collections::BTreeMap, ffi::OsString, fmt::Write as _};

/// Arguments for ssh from `ssh://[user@]host[:port]`. What could be read as an option is refused.
pub(super) fn target(host: &str) -> Result<Vec<OsString>, String> {
    let bad = |why: &str| {
        format!(
            "host {:?}: {why}; write it like ssh://user@host or ssh://host:2222",
            crate::domain::text::line(host)
        )
    };
    let rest = host.strip_prefix("ssh://").ok_or_else(|| bad("only local and ssh:// are known"))?;
    let rest = rest.trim_end_matches('/');
    let good = |c: char| c.is_ascii_alphanumeric() || "._-@:[]%".contains(c);
    if rest.is_empty() || !rest.chars().all(good) {
        return Err(bad("it is not a host name"));
    }
    let (place, port) = match rest.rsplit_once(':') {
        Some((place, port)) if !port.contains(']') => (place, Some(port)),
        _ => (rest, None),
    };
    let place = place.replace(['[', ']'], "");
    let name = place.rsplit('@').next().unwrap_or_default();
    if place.starts_with('-') || name.is_empty() || name.starts_with('-') {
        return Err(bad("it is not a host name"));
    }
    let mut args = Vec::new();
    if let Some(port) = port {
        port.parse::<u16>().map_err(|_| bad("its port is not a number"))?;
        args.extend(["-p".into(), port.into()]);
    }
    args.extend(["--".into(), place.into()]);
    Ok(args)
}

/// The remote shell reads this whole before it runs any of it, so that the block cannot eat its own script. A watcher
/// on the rest of standard input ends the remote process group when the connection goes, which ssh alone does not.
pub(super) fn script(
    dialect: Dialect,
    marker: &str,
    values: &BTreeMap<String, String>,
    state: &str,
    cwd: Option<&str>,
    code: &str,
    grace: Span,
) -> Vec<u8> {
    let marked = format!(r"\036{marker}\n");
    let seconds = grace.as_secs().max(1);
    let mut inner = format!(
        "( ( trap '' TERM HUP INT; while read -r _; do :; done <&3; kill -0 $$ && {{ kill -TERM 0; sleep {seconds}; \
         kill -KILL 0; }} ) >/dev/null 2>&1 & )\nexec 3<&-\n"
    );
    match dialect {
        Dialect::Bash => {
            let dump = format!("{{ builtin printf '{marked}'; __warroom_dump; builtin printf '{marked}'; }}");
            inner += &bash_prologue("").replace(r#"{ __warroom_dump >"$__warroom_to"; }"#, &dump);
        }
        Dialect::Sh => {
            let _ = writeln!(
                inner,
                "trap '{{ printf \"{marked}C\\0%s\\0N\\0\" \"$PWD\"; env -0; printf \"{marked}\"; }} 2>/dev/null' EXIT"
            );
        }
    }
    inner += state;
    for (name, value) in values.iter().filter(|(name, _)| is_name(name)) {
        let _ = writeln!(inner, "{name}={}; export {name}", quoted(value));
    }
    if let Some(cwd) = cwd {
        let _ = writeln!(inner, "cd -- {} || exit 125", quoted(cwd));
    }
    inner += code;
    format!("exec 3<&0\neval {} </dev/null; exit\n", quoted(&inner)).into_bytes()
}

/// Takes what stands between two markers out of a stream.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    marker: Vec<u8>,
    held: Vec<u8>,
    state: Option<Vec<u8>>,
    ended: bool,
}

impl Splitter {
    pub fn new(marker: &str) -> Self {
        Self { marker: format!("\u{1e}{marker}\n").into_bytes(), ..Self::default() }
    }

    /// Gives what is output of `bytes`.
    pub fn push(&mut self, bytes: &[u8], most: u64) -> Vec<u8> {
        if self.ended || self.marker.is_empty() {
            return bytes.to_vec();
        }
        let mut out = Vec::new();
        self.held.extend_from_slice(bytes);
        while let Some(at) = memchr::memmem::find(&self.held, &self.marker) {
            let rest = self.held.split_off(at + self.marker.len());
            self.held.truncate(at);
            let part = std::mem::replace(&mut self.held, rest);
            if let Some(state) = &mut self.state {
                state.extend(part);
                self.ended = true;
                out.append(&mut self.held);
                return out;
            }
            out.extend(part);
            self.state = Some(Vec::new());
        }
        // What may be the beginning of a marker waits.
        let most_held = self.marker.len().saturating_sub(1).min(self.held.len());
        let wait = (0..=most_held)
            .rev()
            .find(|n| self.marker.get(..*n).is_some_and(|head| self.held.ends_with(head)))
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - wait);
        let part = std::mem::replace(&mut self.held, rest);
        match &mut self.state {
            Some(state) if (state.len() as u64) <= most => state.extend(part),
            Some(_) => {}
            None => out.extend(part),
        }
        out
    }

    /// What stood between the markers, where both came, and what still waited.
    pub fn finish(self) -> (Option<Vec<u8>>, Vec<u8>) {
        (self.state.filter(|_| self.ended), self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_arguments_and_options_are_refused() {
        let args = |host| {
            target(host)
                .map(|args| args.iter().map(|a| a.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(args("ssh://db1").unwrap(), "-- db1");
        assert_eq!(args("ssh://me@db1:2222/").unwrap(), "-p 2222 -- me@db1");
        assert_eq!(args("ssh://[::1]:22").unwrap(), "-p 22 -- ::1");
        for bad in [
            "db1",
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://a@-x",
            "ssh://a b",
            "ssh://a:99999",
            "ssh://a;b",
        ] {
            assert!(args(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_state_is_taken_out_of_the_stream_however_it_is_cut() {
        let text = b"out\x1eput\x1emark\nSTATE\0\x1emark\nlate";
        for size in 1..text.len() {
            let mut splitter = Splitter::new("mark");
            let mut out: Vec<u8> = text.chunks(size).flat_map(|part| splitter.push(part, 1000)).collect();
            let (state, rest) = splitter.finish();
            out.extend(rest);
            assert_eq!((out, state), (b"out\x1eputlate".to_vec(), Some(b"STATE\0".to_vec())), "{size}");
        }
    }
}
