//! How a script reaches a terminal on another host.
//!
//! ssh asks what it has to (a password, a code, whether a new host is known) and the person answers on the step's
//! terminal. Then the other side silences its end, says that it is ready, and takes so many bytes as the script: they
//! stand on no command line and are not echoed. What is typed meanwhile waits for the block; what was typed before is
//! not part of the script, which begins after a mark of its own and is run only where it came whole.

use super::remote::begun;

/// Most that is typed ahead while the script is on its way.
const AHEAD_MAX: usize = 4_096;

/// Stands before the script. The key for it is seldom pressed; where it was, the script does not come whole.
const BEGIN: u8 = 0x1e;

/// The way from ssh's own questions to the block. Open by default: nothing stands between.
#[derive(Default)]
pub(super) struct Opening {
    ready: Vec<u8>,
    go: Vec<u8>,
    script: Vec<u8>,
    stage: Stage,
    held: Vec<u8>,
    ahead: Vec<u8>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Stage {
    /// ssh may ask.
    Asking,
    /// The script is on its way.
    Giving,
    /// The block runs.
    #[default]
    Open,
}

impl Opening {
    /// For a script that `command` will take.
    pub fn new(marker: &str, script: Vec<u8>) -> Self {
        let mut all = vec![BEGIN];
        all.extend(script);
        all.extend(marker.as_bytes());
        let mark = |what: char| format!("\u{1e}{marker}{what}").into_bytes();
        Self { ready: mark('r'), go: mark('g'), script: all, stage: Stage::Asking, ..Self::default() }
    }

    /// Whether ssh has not come to the other side yet.
    pub fn is_asking(&self) -> bool {
        self.stage == Stage::Asking
    }

    /// What ssh runs at the other side, in any login shell: no quotes but these, and nothing of the script. (A shell's
    /// own `read` may take more than it gives.)
    pub fn command(&self, shell: &str, marker: &str) -> String {
        let length = self.script.len().saturating_sub(1);
        format!(
            "exec {shell} -c 'stty raw -echo || exit 125; printf \"\\036{marker}r\"; \
             while __warroom_key=$(dd bs=1 count=1 2>/dev/null; echo .); do \
             case $__warroom_key in \"$(printf \"\\036\")\".) break;; .) exit 125;; esac; done; \
             __warroom_script=$(head -c {length}); stty sane; printf \"\\036{marker}g\"; \
             case $__warroom_script in *{marker}) eval \"${{__warroom_script%{marker}}}\";; \
             *) echo \"the script did not arrive whole: nothing was run\"; exit 125;; esac'"
        )
    }

    /// Something was printed. Gives what of it is for the person, and what is to be typed now.
    pub fn printed(&mut self, bytes: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        if self.stage == Stage::Open && self.held.is_empty() {
            return (bytes, Vec::new());
        }
        let (mut shown, mut typed) = (Vec::new(), Vec::new());
        self.held.extend(bytes);
        while self.stage != Stage::Open {
            let marker = if self.stage == Stage::Asking { &self.ready } else { &self.go };
            let Some(at) = memchr::memmem::find(&self.held, marker) else {
                let rest = self.held.split_off(self.held.len() - begun(&self.held, marker));
                shown.append(&mut self.held);
                self.held = rest;
                return (shown, typed);
            };
            let rest = self.held.split_off(at + marker.len());
            self.held.truncate(at);
            shown.append(&mut self.held);
            self.held = rest;
            if self.stage == Stage::Asking {
                typed.append(&mut self.script);
                self.stage = Stage::Giving;
            } else {
                typed.append(&mut self.ahead);
                self.stage = Stage::Open;
            }
        }
        shown.append(&mut self.held);
        (shown, typed)
    }

    /// The person typed this. Gives what of it is to be passed on now.
    pub fn typed(&mut self, mut keys: Vec<u8>) -> Vec<u8> {
        if self.stage == Stage::Giving {
            keys.truncate(AHEAD_MAX.saturating_sub(self.ahead.len()));
            self.ahead.append(&mut keys);
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_ssh_then_wait_then_go_to_the_block() {
        let text = b"Password: \x1emrnoise\x1emghello";
        for size in 1..=text.len() {
            let mut opening = Opening::new("m", b"echo\n".to_vec());
            let (mut shown, mut typed) = (Vec::new(), opening.typed(b"secret\r".to_vec()));
            let mut waited = false;
            for part in text.chunks(size) {
                let (more, keys) = opening.printed(part.to_vec());
                shown.extend(more);
                typed.extend(keys);
                if opening.stage == Stage::Giving && !waited {
                    waited = true;
                    assert_eq!(opening.typed(b"y".to_vec()), b"", "{size}");
                }
            }
            let ahead: &[u8] = if waited { b"y" } else { b"" };
            assert_eq!(shown, b"Password: noisehello", "{size}");
            assert_eq!(typed, [b"secret\r\x1eecho\nm".as_slice(), ahead].concat(), "{size}");
            assert_eq!(opening.typed(b"z".to_vec()), b"z");
            assert_eq!(opening.printed(b"\x1emr".to_vec()).0, b"\x1emr", "what the block prints is its own");
        }
    }

    #[test]
    fn nothing_of_the_script_stands_on_the_command_line() {
        let opening = Opening::new("mark", b"echo geheim".to_vec());
        let command = opening.command("bash", "mark");
        assert!(!command.contains("geheim") && command.matches('\'').count() == 2 && !command.contains('\n'));
        assert!(command.contains("head -c 15"), "the mark at its end comes with it: {command}");
    }
}
