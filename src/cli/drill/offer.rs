//! What to do with a drill that was left behind: asked of the one at the terminal.

use crate::{cli::exit, drill::places::Left};
use std::io::{BufRead as _, Write as _};

/// What the person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Take up the newest.
    Resume,
    /// Throw away all that were left, and start anew.
    Discard,
    /// Start another one beside it.
    Anew,
    /// Do nothing.
    Leave,
}

/// Asks until there is an answer. Without one (the terminal closed, a signal) everything is left as it is.
pub(super) fn ask(newest: &Left, how_many: usize) -> Choice {
    say!("A drill was left behind: {}", newest.words());
    if how_many > 1 {
        say!("(and {} older)", how_many - 1);
    }
    if newest.sound() {
        exit::say("  r  take it up where it stands");
    }
    exit::say("  d  throw it away and start anew");
    exit::say("  n  leave it and start another one");
    exit::say("  q  leave it and go");
    let stdin = std::io::stdin();
    loop {
        let mut out = std::io::stdout();
        drop(
            write!(out, "{} ", if newest.sound() { "[r]/d/n/q" } else { "[d]/n/q" })
                .and_then(|()| out.flush()),
        );
        let mut line = String::new();
        match stdin.lock().read_line(&mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Choice::Leave,
        }
        if let Some(choice) = read(&line, newest.sound()) {
            return choice;
        }
        exit::say("one of the letters, or Enter for the one in brackets");
    }
}

fn read(line: &str, sound: bool) -> Option<Choice> {
    match line.trim().to_ascii_lowercase().as_str() {
        "" | "r" if sound => Some(Choice::Resume),
        "" | "d" => Some(Choice::Discard),
        "n" => Some(Choice::Anew),
        "q" => Some(Choice::Leave),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_takes_up_what_can_be_taken_up() {
        assert_eq!(read("\n", true), Some(Choice::Resume));
        assert_eq!(read("\n", false), Some(Choice::Discard));
        assert_eq!(read("R\n", true), Some(Choice::Resume));
        assert_eq!(read("r\n", false), None, "there is nothing to take up");
        assert_eq!(read(" d \n", true), Some(Choice::Discard));
        assert_eq!(read("what\n", true), None);
    }
}
