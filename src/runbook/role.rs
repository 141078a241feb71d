//! D1: what a heading says its section is for; D6: what says that a block is sample output; D7: what makes an item
//! conditional.

use crate::domain::plan::SectionRole;
use regex::Regex;
use std::sync::LazyLock;

const CONTEXT: &str = "meaning|impact|overview|symptoms?|references?|background|summary|description|introduction|purpose|scope|about|context|links|see also|further reading|reading|related|glossary|contacts?|change ?log|contents|appendix|additional information|more information|additional resources|resources|owners?|ownership|audience|alert details|example alert|screenshots?|architecture|causes?|root causes?|what is this|why";
const ACTION: &str = "diagnos(?:is|e|ing|tics?)|mitigat(?:ion|e|ing|ions)|procedures?|verif(?:y|ication|ying)|roll ?-?back|roll back|rolling back|remediat(?:ion|e|ing)|resol(?:ution|ve|ving)|steps?|how to|fix(?:es|ing)?|trouble ?shoot(?:ing)?|recover(?:y|ing)?|restor(?:e|ing|ation)|actions?|investigat(?:ion|e|ing)|triage|check ?lists?|instructions?|work ?arounds?|validat(?:ion|e)|solutions?|debug(?:ging)?|execution|execute|post-?checks?|pre-?checks?|to do|what to do|preparation|containment|eradication";

fn word(pattern: &str) -> Option<Regex> {
    Regex::new(&format!(r"(?i)\b(?:{pattern})\b")).ok()
}

static CONTEXT_WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| word(CONTEXT));
static ACTION_WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| word(ACTION));
static SAMPLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    word(
        r"(?:example|sample|expected|typical|example's|resulting) (?:of )?(?:the )?(?:command )?(?:outputs?|results?|responses?|logs?|alerts?)|outputs?(?: (?:is|are|of the command))?(?: (?:similar|like|looks|should|will|would|as follows|below|shows?|example))|should (?:look|see|show|print|return|output|give|be similar)|(?:will|would|may|might) (?:look|see|be similar)|looks? (?:like|similar|something like)|similar to (?:the following|this|below)|you (?:get|see|will get)|something like",
    )
});
static CONDITION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^[\W_]*(?:if|when|otherwise|unless|in case)\b").ok());

/// Whether a pattern is found.
fn found(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|r| r.is_match(text))
}

fn last(regex: &LazyLock<Option<Regex>>, text: &str) -> Option<usize> {
    regex.as_ref().and_then(|r| r.find_iter(text).last().map(|m| m.start()))
}

/// D1. Of several words the last one counts, "impact mitigation" being a mitigation, before any "of" or "for".
pub fn role(title: &str) -> SectionRole {
    let lower = title.to_lowercase();
    let head = [" of ", " for ", " (", " - ", " – ", ": "]
        .iter()
        .filter_map(|part| lower.find(part))
        .min()
        .and_then(|at| lower.get(..at))
        .unwrap_or(&lower);
    let judge = |text: &str| match (last(&CONTEXT_WORDS, text), last(&ACTION_WORDS, text)) {
        (None, None) => SectionRole::Neutral,
        (Some(c), Some(a)) if c > a => SectionRole::Context,
        (Some(_), None) => SectionRole::Context,
        _ => SectionRole::Action,
    };
    match judge(head) {
        SectionRole::Neutral => judge(&lower),
        decided => decided,
    }
}

/// D6: whether the paragraph before a block says that what follows is output.
pub fn introduces_sample(intro: &str) -> bool {
    let sentence = intro.trim_end().trim_end_matches([':', '.', '：']);
    let from = sentence.rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
    let tail = sentence.get(from..).unwrap_or(sentence);
    // "run this and check the output" asks for a command
    let asks = tail.trim_start().to_lowercase();
    let asks = [
        "run ",
        "execute ",
        "use ",
        "issue ",
        "type ",
        "check the output",
        "inspect the output",
        "redirect",
        "capture ",
        "save ",
    ]
    .iter()
    .any(|verb| asks.starts_with(verb));
    let bare = tail.trim().trim_matches(['*', '_', ' ']).to_lowercase();
    !asks
        && (matches!(bare.as_str(), "output" | "the output" | "result" | "response") || found(&SAMPLE, tail))
}

/// D7.
pub fn conditional(title: &str) -> bool {
    found(&CONDITION, title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_say_what_they_are_for() {
        use SectionRole::{Action, Context, Neutral};
        for (title, role_wanted) in [
            ("Meaning", Context),
            ("Impact", Context),
            ("Diagnosis", Action),
            ("## 3. Mitigation", Action),
            ("Impact mitigation", Action),
            ("Rollback overview", Context),
            ("Summary of steps", Context),
            ("Roll back", Action),
            ("How to verify", Action),
            ("References", Context),
            ("Size up", Neutral),
            ("Kafka", Neutral),
            ("Troubleshooting", Action),
            ("", Neutral),
        ] {
            assert_eq!(role(title), role_wanted, "{title}");
        }
    }

    #[test]
    fn output_is_introduced_and_commands_are_not() {
        for (intro, sample) in [
            ("Example output:", true),
            ("The output should look like this:", true),
            ("It looks like", true),
            ("You should see something similar to the following:", true),
            ("Expected result:", true),
            ("Run the following and check the output:", false),
            ("List the pods:", false),
            ("The output was wrong. Restart it:", false),
            ("", false),
        ] {
            assert_eq!(introduces_sample(intro), sample, "{intro}");
        }
    }

    #[test]
    fn conditions_open_the_item() {
        assert!(conditional("If the disk is full, clean it"));
        assert!(conditional("otherwise, escalate"));
        assert!(!conditional("Iffy pods"));
        assert!(!conditional("Check if it runs"));
    }
}
