//! The clipboard of the person's own terminal, wherever that is: OSC 52.

use crossterm::{Command, clipboard::CopyToClipboard};
use std::io;

/// What stands between this process and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Through {
    /// Nothing.
    #[default]
    Direct,
    /// tmux, which passes on what is wrapped for it (`allow-passthrough`), and takes OSC 52 itself
    /// (`set-clipboard`); it is told both ways.
    Tmux,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// xterm and others drop what is longer.
    #[error("{0} bytes are more than a terminal takes ({MAX}): copy less, or export it to a file")]
    TooLong(usize),
    /// The terminal did not take it.
    #[error("the terminal is gone: {0}")]
    Gone(#[from] io::Error),
}

/// Most bytes that are copied; base64 of it stays below the 100,000 that terminals take.
pub const MAX: usize = 74_000;

/// The sequence that copies `text`. The text travels as base64, so nothing in it can act.
pub(super) fn sequence(text: &str, through: Through) -> Result<String, CopyError> {
    if text.len() > MAX {
        return Err(CopyError::TooLong(text.len()));
    }
    let mut plain = String::new();
    CopyToClipboard::to_clipboard_from(text).write_ansi(&mut plain).map_err(io::Error::other)?;
    Ok(match through {
        Through::Direct => plain,
        // tmux(1), allow-passthrough: DCS tmux; with every ESC doubled, ended by ST.
        Through::Tmux => {
            let wrapped = plain.replace('\u{1b}', "\u{1b}\u{1b}");
            format!("{plain}\u{1b}Ptmux;{wrapped}\u{1b}\\")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_travels_as_base64() {
        let text = sequence("rm -rf \u{1b}]0;x\u{7}", Through::Direct).unwrap();
        assert!(text.starts_with("\u{1b}]52;c;"));
        assert_eq!(
            text.matches('\u{1b}').count(),
            text.matches("\u{1b}]52").count() + text.matches("\u{1b}\\").count()
        );
        assert!(!text.contains("rm"));
    }

    #[test]
    fn tmux_is_told_both_ways() {
        let text = sequence("x", Through::Tmux).unwrap();
        assert!(text.contains("\u{1b}Ptmux;\u{1b}\u{1b}]52;c;eA=="), "{text:?}");
        assert!(text.starts_with("\u{1b}]52;c;eA==") && text.ends_with("\u{1b}\\"));
    }

    #[test]
    fn too_long_is_said() {
        let error = sequence(&"x".repeat(MAX + 1), Through::Direct).unwrap_err().to_string();
        assert!(error.contains("74001 bytes"), "{error}");
    }
}
