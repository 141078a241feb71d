//! What the terminal can do, as its environment says it: no question is sent that a slow line would answer late.

use super::clipboard::Through;
use crate::theme::{Depth, Glyphs, glyphs};
use std::collections::BTreeMap;

/// What the terminal can do, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// How many colours it has.
    pub depth: Depth,
    /// Whether it shows UTF-8.
    pub utf8: bool,
    /// Whether it is a tmux pane, which several people may share while the kernel sees one.
    pub tmux: bool,
    /// Whether it is at the far end of an SSH connection.
    pub ssh: bool,
}

impl Caps {
    /// From the process's own environment.
    pub fn detect() -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_env(&env.collect())
    }

    /// From an environment.
    pub fn from_env(env: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| env.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let tmux = get("TMUX").is_some();
        let ssh = ["SSH_TTY", "SSH_CONNECTION"].iter().any(|name| get(name).is_some());
        Self { depth: depth(&get), utf8: utf8(&get), tmux, ssh }
    }

    /// The characters to draw with.
    pub fn glyphs(&self) -> &'static Glyphs {
        if self.utf8 { &glyphs::UNICODE } else { &glyphs::ASCII }
    }

    /// How a copy reaches the person's clipboard.
    pub fn clipboard(&self) -> Through {
        if self.tmux { Through::Tmux } else { Through::Direct }
    }
}

fn depth<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Depth {
    // no-color.org: any value that is not empty.
    if get("NO_COLOR").is_some() {
        return Depth::None;
    }
    let term = get("TERM").unwrap_or("dumb");
    if matches!(term, "dumb" | "vt52" | "vt100" | "vt102" | "vt220")
        || term.ends_with("-mono")
        || term.ends_with("-m")
    {
        return Depth::None;
    }
    // GNU screen keeps its host's COLORTERM, yet passes on 256 colours at most.
    let screen = term == "screen" || term.starts_with("screen.") || term.starts_with("screen-");
    let says_true = matches!(get("COLORTERM"), Some("truecolor" | "24bit")) || term.ends_with("-direct");
    let known_true = ["kitty", "alacritty", "foot", "ghostty", "wezterm", "contour"]
        .iter()
        .any(|name| term.trim_start_matches("xterm-").starts_with(name));
    if (says_true || known_true) && (!screen || get("TMUX").is_some()) {
        return Depth::True;
    }
    if term.contains("256color") || says_true {
        return Depth::Indexed;
    }
    Depth::Sixteen
}

fn utf8<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> bool {
    // The kernel's console has a font of 512 glyphs: no braille, few blocks.
    if get("TERM") == Some("linux") {
        return false;
    }
    // locale(7): the first of these that is set decides.
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| get(name)).is_some_and(|locale| {
        let charset = locale.rsplit_once('.').map_or(locale, |(_, charset)| charset).to_ascii_lowercase();
        let charset = charset.split('@').next().unwrap_or_default();
        matches!(charset, "utf-8" | "utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(env: &str) -> Caps {
        let pairs = env.split_whitespace().filter_map(|pair| pair.split_once('='));
        Caps::from_env(&pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    #[test]
    fn depth_by_environment() {
        for (env, want) in [
            ("", Depth::None),
            ("TERM=dumb COLORTERM=truecolor", Depth::None),
            ("TERM=xterm", Depth::Sixteen),
            ("TERM=linux", Depth::Sixteen),
            ("TERM=xterm-256color", Depth::Indexed),
            ("TERM=xterm-256color COLORTERM=truecolor", Depth::True),
            ("TERM=xterm-256color COLORTERM=24bit", Depth::True),
            ("TERM=xterm-256color COLORTERM=yes", Depth::Indexed),
            ("TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1", Depth::None),
            ("TERM=xterm-256color NO_COLOR=", Depth::Indexed),
            ("TERM=xterm-kitty", Depth::True),
            ("TERM=xterm-direct", Depth::True),
            ("TERM=screen-256color COLORTERM=truecolor", Depth::Indexed),
            ("TERM=screen COLORTERM=truecolor", Depth::Indexed),
            ("TERM=screen-256color COLORTERM=truecolor TMUX=/tmp/x,1,0", Depth::True),
            ("TERM=vt100", Depth::None),
        ] {
            assert_eq!(caps(env).depth, want, "{env}");
        }
    }

    #[test]
    fn characters_by_locale() {
        for (env, want) in [
            ("", false),
            ("LANG=C", false),
            ("LANG=C.UTF-8", true),
            ("LANG=de_DE.utf8@euro", true),
            ("LANG=de_DE.ISO-8859-15", false),
            ("LANG=en_GB.UTF-8 LC_ALL=C", false),
            ("LANG=C LC_CTYPE=UTF-8", true),
            ("LANG=en_GB.UTF-8 LC_ALL=", true),
            ("LANG=C.UTF-8 TERM=linux", false),
        ] {
            assert_eq!(caps(env).utf8, want, "{env}");
        }
    }

    #[test]
    fn where_it_stands() {
        let here = caps("TMUX=/tmp/tmux-0/default,1,0 SSH_TTY=/dev/pts/3");
        assert!(here.tmux && here.ssh);
        assert_eq!(here.clipboard(), Through::Tmux);
        assert_eq!(caps("TMUX=").clipboard(), Through::Direct);
    }
}
