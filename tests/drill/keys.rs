//! A newcomer lives through a bad release, by keys alone, in a real terminal: from the first frame to the draft.

use crate::support::pty::Pty;
use std::path::{Path, PathBuf};

/// The most keystrokes that the story may take.
const KEYSTROKES: usize = 60;

struct Person {
    pty: Pty,
    keys: usize,
}

impl Person {
    fn key(&mut self, name: &str) {
        self.keys += 1;
        self.pty.key(name);
    }

    fn letter(&mut self, c: char) {
        self.keys += 1;
        self.pty.send(&c.to_string());
    }

    fn word(&mut self, text: &str) {
        self.keys += text.chars().count();
        self.pty.send(text);
    }

    fn sees(&mut self, text: &str) {
        self.pty.wait_until(text, |screen| screen.contents().contains(text));
    }
}

fn children_of(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir)
        .map(|all| all.filter_map(|one| Some(one.ok()?.path())).collect())
        .unwrap_or_default()
}

#[test]
fn a_bad_release_is_lived_through_by_keys_alone() {
    if !crate::support::peer::calls("curl", "a_bad_release_is_lived_through_by_keys_alone") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let out = home.path().join("draft");
    let state_text = state.to_string_lossy().into_owned();
    let out_text = out.to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", state_text.as_str()),
        ("XDG_CONFIG_HOME", state_text.as_str()),
        ("COLORTERM", "truecolor"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
    ];
    let args = ["drill", "--pace", "4", "--out", out_text.as_str()];
    let mut me = Person { pty: Pty::spawn(crate::binary(), &args, &env, (100, 30)), keys: 0 };

    // Sees it.
    me.sees("All is well");
    me.sees("Press D to declare");
    // Declares it, which freezes deploys.
    me.letter('D');
    me.sees("Declare an incident");
    me.key("enter");
    me.sees("FROZEN checkout/prod");
    // Walks the rollback.
    me.letter('W');
    me.sees("Which runbook?");
    me.key("enter");
    me.sees("next  step 1");
    me.key("enter");
    me.sees("Both releases write the same");
    me.sees("next  step 2");
    me.key("enter");
    me.sees("next  step 3");
    me.key("enter");
    me.key("enter");
    me.sees("next  step 4");
    me.key("enter");
    me.sees("next  step 5");
    me.key("enter");
    me.sees("Are you sure?");
    me.letter('y');
    me.sees("WAITS ON");
    // Alone: breaks the glass.
    me.letter('a');
    me.sees("break");
    me.letter('b');
    me.sees("BREAK THE GLASS");
    me.word("checkout");
    me.key("tab");
    me.word("alone");
    me.key("enter");
    me.sees("GLASS BROKEN");
    me.sees("> 6 Error");
    // Sees the numbers recover and hold, and a deploy refused meanwhile.
    me.key("enter");
    me.sees("> 7 The");
    me.key("enter");
    me.sees("refused");
    me.sees("recovered");
    me.sees("checklist complete");
    // Resolves, gives the reason that is owed, has the draft in hand.
    me.letter('v');
    me.sees("How far has it come?");
    me.word("reso");
    me.key("enter");
    me.sees("INC-1 resolved");
    me.letter('r');
    me.sees("Which deviation?");
    me.key("enter");
    me.sees("Why?");
    me.letter('5');
    me.sees("the reason is given");
    me.letter('X');
    me.sees("the draft is in");
    me.letter('q');
    let code = me.pty.exit();
    assert_eq!(code.0, 0, "{}", me.pty.screen_text());
    assert!(me.keys <= KEYSTROKES, "{} keystrokes", me.keys);

    let draft = std::fs::read_to_string(out.join("postmortem.md")).unwrap();
    for said in ["DRILL", "broken-glass", "faster known fix", "refused", "held for", "`2.4.1`", "2.4.0"] {
        assert!(draft.contains(said), "{said:?} is not in the draft:\n{draft}");
    }
    assert!(out.join("manifest.json").exists());
    assert!(!children_of(&out.join("charts")).is_empty(), "the draft has no charts");
    let journal = std::fs::read_to_string(out.join("journal.jsonl")).unwrap();
    assert!(journal.contains("\"refused\"") && journal.contains("\"recovered\""), "{journal}");
    assert_eq!(children_of(&state.join("warroom")), Vec::<PathBuf>::new(), "the drill left something behind");
    // The error ratio went up and came back; every cited event is in the journal, and the journal is sound.
    let fact = |kind: &str, event: &str| {
        let lines = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut facts = lines.map(|line| line.to_string());
        facts.find(|line| line.contains(kind) && line.contains(event)).unwrap_or_else(|| panic!("no {event}"))
    };
    assert!(fact("errors", "breached").contains('%') && fact("errors", "cleared").contains('%'));
    let events = journal.lines().count();
    let cited = regex::Regex::new(r"#(\d+)").unwrap();
    let beyond = cited.captures_iter(&draft).find(|all| all[1].parse::<usize>().unwrap() > events);
    assert!(beyond.is_none(), "{beyond:?} of {events} events");
    let sound = std::process::Command::new(crate::binary())
        .arg("verify")
        .arg(out.join("journal.db"))
        .output()
        .unwrap();
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
    let said = String::from_utf8_lossy(&me.pty.raw()).into_owned();
    assert!(said.contains("journal  sound"), "{}", me.pty.screen_text());
}

#[test]
fn a_drill_looks_and_answers_as_its_player_is_used_to() {
    let home = tempfile::tempdir().unwrap();
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let own = home.path().join("config/warroom");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("warroom.toml"), "[ui]\ntheme = \"monochrome\"\nkeys = \"keys.toml\"\n").unwrap();
    std::fs::write(own.join("keys.toml"), "[keys]\n\"ctrl-y\" = \"declare\"\n").unwrap();
    let (state, config) = (text(home.path().join("state")), text(home.path().join("config")));
    let out = text(home.path().join("draft"));
    let env = [
        ("XDG_STATE_HOME", state.as_str()),
        ("XDG_CONFIG_HOME", config.as_str()),
        ("COLORTERM", "truecolor"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
    ];
    let args = ["drill", "--pace", "0.1", "--out", out.as_str()];
    let mut me = Person { pty: Pty::spawn(crate::binary(), &args, &env, (100, 30)), keys: 0 };
    me.sees("All is well");
    me.pty.send("\u{19}");
    me.sees("Declare an incident");
    me.key("esc");
    // Both at once would be one key, Alt and the letter.
    me.pty.wait_until("the form is gone", |screen| !screen.contents().contains("Declare an incident"));
    me.letter('q');
    assert_eq!(me.pty.exit().0, 0, "{}", me.pty.screen_text());
    let raw = String::from_utf8_lossy(&me.pty.raw()).into_owned();
    assert!(!raw.contains("38;2;"), "a monochrome theme was asked for");
}
