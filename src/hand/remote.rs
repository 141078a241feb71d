//! A block on another host: one ssh, the script on its standard input, the state back at the end of its output.
//! Nothing of it stands on a command line.

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

/// Options of ssh, after those of the person. Where a terminal is lent it may ask for passwords and codes, and what is
/// typed has no escapes: `~.` would cut the line, in the script too. A connection that the person shares is used where
/// it is there; none is shared from here, or it would end with this step, and others that hang on it too.
pub(super) fn options(terminal: bool) -> &'static [&'static str] {
    if terminal {
        &["-tt", "-o", "BatchMode=no", "-o", "EscapeChar=none", "-o", "ControlMaster=no"]
    } else {
        &["-o", "BatchMode=yes", "-o", "ControlMaster=no"]
    }
}

/// What makes a script for another host.
pub(super) struct Script<'a> {
    pub dialect: Dialect,
    /// Stands nowhere else.
    pub marker: &'a str,
    pub values: &'a BTreeMap<String, String>,
    /// Shell text that makes the carried state again.
    pub state: &'a str,
    pub cwd: Option<&'a str>,
    pub code: &'a str,
    pub grace: Span,
}

impl Script<'_> {
    /// The remote shell reads this whole before it runs any of it, so that the block cannot eat its own script. A
    /// watcher on the rest of standard input ends the remote process group when the connection goes, which ssh alone
    /// does not.
    pub fn piped(&self) -> Vec<u8> {
        let seconds = self.grace.as_secs().max(1);
        let watcher = format!(
            "( ( trap '' TERM HUP INT; while read -r _; do :; done <&3; kill -0 $$ && {{ kill -TERM 0; \
             sleep {seconds}; kill -KILL 0; }} ) >/dev/null 2>&1 & )\nexec 3<&-\n"
        );
        let body = watcher + &self.body("", "", "");
        format!("exec 3<&0\neval {} </dev/null; exit\n", quoted(&body)).into_bytes()
    }

    /// For a terminal: see [`super::opening`]. The terminal hangs up when the connection goes; a watcher then ends what
    /// does not care for that. It is told of an orderly end by being killed. The state goes out past the terminal's own
    /// treatment of line ends, and past where the block may have sent its output.
    pub fn on_terminal(&self) -> Vec<u8> {
        let seconds = self.grace.as_secs().max(1);
        let watcher = format!(
            "__warroom_stty=$(command -v stty)\n\
             __warroom_watch=$(exec 3<&0; ( trap '' TERM HUP INT; while [ -t 3 ]; do sleep 1; done; kill -TERM 0; \
             sleep {seconds}; kill -KILL 0 ) </dev/null >/dev/null 2>&1 & echo $!)\n"
        );
        let before = "__warroom_was=$(\"$__warroom_stty\" -g) && \"$__warroom_stty\" raw -echo && { \
                      command kill -KILL \"$__warroom_watch\"; ";
        let after = " \"$__warroom_stty\" \"$__warroom_was\"; }";
        (watcher + &self.body(before, after, " </dev/tty >/dev/tty")).into_bytes()
    }

    /// Everything but what watches over it. `before` and `after` stand around the telling of the state, `to` says where
    /// it goes.
    fn body(&self, before: &str, after: &str, to: &str) -> String {
        let marked = format!(r"\036{}\n", self.marker);
        let mut body = match self.dialect {
            Dialect::Bash => {
                let dump = format!(
                    "{{ {before}builtin printf '{marked}'; __warroom_dump; builtin printf '{marked}';{after} }}{to}"
                );
                bash_prologue("").replace(r#"{ __warroom_dump >"$__warroom_to"; }"#, &dump)
            }
            Dialect::Sh => format!(
                "trap '{{ {before}printf \"{marked}C\\0%s\\0N\\0\" \"$PWD\"; env -0; printf \"{marked}\";{after} }} \
                 2>/dev/null{to}' EXIT\n"
            ),
        };
        body += self.state;
        for (name, value) in self.values.iter().filter(|(name, _)| is_name(name)) {
            let _ = writeln!(body, "{name}={}; export {name}", quoted(value));
        }
        if let Some(cwd) = self.cwd {
            let _ = writeln!(body, "cd -- {} || exit 125", quoted(cwd));
        }
        body + self.code
    }
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
        let rest = self.held.split_off(self.held.len() - begun(&self.held, &self.marker));
        let part = std::mem::replace(&mut self.held, rest);
        match &mut self.state {
            Some(state) if (state.len() as u64) <= most => state.extend(part),
            Some(_) => {}
            None => out.extend(part),
        }
        out
    }

    /// Whether the other side has begun to tell its state.
    pub fn has_begun(&self) -> bool {
        self.state.is_some()
    }

    /// What stood between the markers, where both came, and what still waited.
    pub fn finish(self) -> (Option<Vec<u8>>, Vec<u8>) {
        (self.state.filter(|_| self.ended), self.held)
    }
}

/// Bytes at the end of `text` that may be the beginning of `marker`, and so have to wait.
pub(super) fn begun(text: &[u8], marker: &[u8]) -> usize {
    let most = marker.len().saturating_sub(1).min(text.len());
    (0..=most).rev().find(|n| marker.get(..*n).is_some_and(|head| text.ends_with(head))).unwrap_or(0)
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
