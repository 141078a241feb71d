//! Layer 2 and D6: a block of code becomes what the plan says of it.

use super::{
    front::is_variable,
    info,
    lint::Lints,
    looks::{self, Looks},
    prompt, role, slug,
    tree::Code,
};
use crate::domain::{
    placeholder,
    plan::{Block, BlockKind, Match, OnFail, Retry, Risk},
    text,
    time::Span,
};

/// Keys that keep the meaning they have elsewhere and are no business of ours.
const KEPT: &[&str] = &["excludeFromRunAll", "tag", "promptEnv", "id", "ignore"];

/// Keys that are known.
const KNOWN: &[&str] = &[
    "kind",
    "name",
    "timeout",
    "retry",
    "for",
    "interactive",
    "expect",
    "match",
    "once",
    "risk",
    "onfail",
    "capture",
    "host",
    "cwd",
    "interpreter",
    "source",
    "background",
    "excludeFromRunAll",
    "tag",
    "promptEnv",
    "ignore",
];

/// What a value should have been.
const TIME: &str = "a length of time, like 90s or 15m";

/// Where a block stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Line of its opening fence.
    pub line: u32,
    /// The paragraph before it.
    pub intro: &'a str,
    /// Whether the block before it in the step is annotated.
    pub after_annotated: bool,
}

/// Makes a block. Its id is its name, or empty until names are given out.
pub fn block(code: &Code, place: Place<'_>, lints: &mut Lints) -> Block {
    let info = info::read(code.info.as_deref().unwrap_or_default());
    for (id, message) in &info.problems {
        match *id {
            "bad-attr" | "duplicate-attr" => lints.error(place.line, id, message),
            _ => lints.note(place.line, id, message),
        }
    }
    let mut block = Block {
        id: String::new(),
        lang: text::line(&info.lang).into_owned(),
        kind: BlockKind::Run,
        code: code.text.clone(),
        sample: String::new(),
        line: place.line,
        annotated: info.annotated,
        timeout: None,
        retry: None,
        hold: None,
        interactive: false,
        accept: Vec::new(),
        matching: None,
        once: false,
        risk: Risk::Low,
        onfail: OnFail::Stop,
        capture: None,
        host: None,
        cwd: None,
        interpreter: None,
        source: None,
        background: false,
        placeholders: Vec::new(),
        other: std::collections::BTreeMap::new(),
    };
    let mut asked = None;
    for (key, value) in &info.attrs {
        lints.at_column(column(code, key));
        attribute(&mut block, &mut asked, key, value, place.line, lints);
    }
    lints.at_column(0);
    block.kind = asked.unwrap_or_else(|| default_kind(&block, code, place, lints));
    if block.other.get("ignore").is_some_and(|v| v == "true") {
        block.kind = BlockKind::Sample;
    }
    broken_fence(&mut block, code, lints);
    if block.code.contains('\u{fffd}') && !matches!(block.kind, BlockKind::Sample | BlockKind::Expect) {
        lints.error(
            place.line,
            "lossy-code",
            "bytes of this code could not be read, so it is not what was written; it is shown and not run, save the file as UTF-8",
        );
        block.kind = BlockKind::Sample;
    }
    if block.kind == BlockKind::Expect && block.matching.is_none() {
        block.matching = Some(Match::Contains);
    }
    if block.is_shell() && !matches!(block.kind, BlockKind::Sample | BlockKind::Expect) {
        shell(&mut block, lints);
    }
    if !matches!(block.kind, BlockKind::Sample | BlockKind::Expect) {
        block.placeholders = placeholder::find(&block.code);
    }
    block
}

/// Where a key stands on the fence's line.
fn column(code: &Code, key: &str) -> u32 {
    let info = code.info.as_deref().unwrap_or_default();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
    let braces = info.find('{').unwrap_or(0);
    let found = info.match_indices(key).find(|(at, _)| {
        *at > braces
            && edge(info.get(..*at).and_then(|before| before.chars().next_back()))
            && edge(info.get(at + key.len()..).and_then(|after| after.chars().next()))
    });
    let Some(before) = found.and_then(|(at, _)| info.get(..at)) else { return 0 };
    code.column.saturating_add(u32::try_from(before.chars().count()).unwrap_or(0))
}

fn default_kind(block: &Block, code: &Code, place: Place<'_>, lints: &mut Lints) -> BlockKind {
    if block.annotated {
        return match block.lang.as_str() {
            "text" | "txt" | "output" => BlockKind::Expect,
            _ if block.is_query() => BlockKind::Check,
            _ => BlockKind::Run,
        };
    }
    if role::introduces_sample(place.intro) {
        return BlockKind::Sample;
    }
    if block.is_query() {
        return BlockKind::Check;
    }
    if block.lang == "text" && place.after_annotated {
        return BlockKind::Expect;
    }
    if !block.is_shell() {
        return BlockKind::Sample;
    }
    let parted = prompt::part(&code.text, is_console(&block.lang), !block.lang.is_empty());
    if parted.several {
        lints.warning(
            place.line,
            "several-shells",
            "its prompts are those of different shells, so its commands belong to different places; it is shown and not run, part it into blocks",
        );
        return BlockKind::Sample;
    }
    let looks = if parted.prompt.is_some() { Looks::Commands } else { looks::looks(&code.text) };
    let transcript = is_console(&block.lang);
    if looks == Looks::Commands || transcript {
        return BlockKind::Run;
    }
    if !block.lang.is_empty() {
        lints.warning(
            place.line,
            "not-shell",
            format!(
                "the fence says `{}` and it looks like {}; it is shown and not run, name its language",
                block.lang,
                looks.words()
            ),
        );
    }
    BlockKind::Sample
}

fn is_console(lang: &str) -> bool {
    matches!(lang, "console" | "shell-session" | "terminal")
}

/// Fences that do not close, or that swallowed another.
fn broken_fence(block: &mut Block, code: &Code, lints: &mut Lints) {
    if code.info.is_none() {
        return;
    }
    let swallowed = code.text.lines().enumerate().find(|(_, l)| {
        let l = l.trim_start();
        (code.ticks == 3 && l.starts_with("```")) || (!code.closed && is_markdown(l))
    });
    if let Some((n, _)) = swallowed {
        let at = block.line.saturating_add(u32::try_from(n).unwrap_or(0)).saturating_add(1);
        lints.error(
            block.line,
            "fence-in-fence",
            format!("this fence does not close before line {at}, which is no code; it is shown and not run, close it with ```"),
        );
        block.kind = BlockKind::Sample;
    } else if !code.closed {
        lints.error(block.line, "unclosed-fence", "this fence never closes; close it with the same marks");
    }
}

fn is_markdown(line: &str) -> bool {
    line.starts_with("## ")
        || line.starts_with("### ")
        || line.starts_with("- [ ] ")
        || line.starts_with("1. ")
        || line.starts_with("**")
}

fn shell(block: &mut Block, lints: &mut Lints) {
    let console = is_console(&block.lang);
    let parted = prompt::part(&block.code, console, !block.lang.is_empty());
    if parted.prompt.is_some() {
        if parted.prompt == Some(prompt::Prompt::Root) {
            lints.note(
                block.line,
                "root-prompt",
                "`# ` is read as root's prompt; the command runs as whoever takes the step",
            );
        }
        block.code = parted.code;
        block.sample = text::block(&parted.sample).into_owned();
    }
    if !block.code.trim().is_empty()
        && block.code.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#'))
    {
        lints.note(block.line, "only-comments", "there are only comments in it, so it does nothing");
    }
    if let Some(n) = block.code.lines().position(|l| l.trim_end() != l && l.trim_end().ends_with('\\')) {
        let line = block.code.lines().nth(n).unwrap_or_default().trim();
        lints.warning(
            block.line,
            "broken-continuation",
            format!("a space after the last `\\` of `{line}`: the command ends there; remove the space"),
        );
    }
    if block
        .code
        .chars()
        .any(|c| c != '\n' && c != '\t' && text::line(c.encode_utf8(&mut [0; 4])) != c.to_string())
    {
        lints.error(
            block.line,
            "hidden-character",
            "a character that acts or hides stands in this code, so what runs is not what is seen; remove it",
        );
    }
}

fn attribute(
    block: &mut Block,
    asked: &mut Option<BlockKind>,
    key: &str,
    value: &str,
    line: u32,
    lints: &mut Lints,
) {
    let mut bad =
        |wanted: &str| lints.error(line, "bad-attr", format!("`{key}={value}` is not read: {wanted}"));
    match key {
        "kind" => {
            *asked = kind(value);
            if asked.is_none() {
                // a misspelt undo must not run
                *asked = Some(BlockKind::Sample);
                bad(
                    "it is guard, check, run, verify, undo, expect or sample; the block is shown and not run",
                );
            }
        }
        "name" => {
            block.id = text::line(&slug::slug(value)).into_owned();
            if block.id != value {
                lints.warning(
                    line,
                    "bad-name",
                    format!("`{value}` is no slug; it is called `{}` here", block.id),
                );
            }
        }
        "timeout" => match value.parse() {
            Ok(span) => block.timeout = Some(span),
            Err(_) => bad(TIME),
        },
        "for" => match value.parse() {
            Ok(span) => block.hold = Some(span),
            Err(_) => bad(TIME),
        },
        "retry" => match retry(value) {
            Some(retry) => block.retry = Some(retry),
            None => bad("attempts and interval, like 10/30s"),
        },
        "interactive" | "once" | "background" => match value {
            "true" | "false" if key == "once" => block.once = value == "true",
            "true" | "false" if key == "background" => block.background = value == "true",
            "true" | "false" => block.interactive = value == "true",
            _ => bad("it is true or false, or stands alone"),
        },
        "expect" => match codes(value) {
            Some(codes) => block.accept = codes,
            None => bad("exit codes, like rc:0,1"),
        },
        "match" => match value {
            "contains" => block.matching = Some(Match::Contains),
            "exact" => block.matching = Some(Match::Exact),
            "regex" => block.matching = Some(Match::Regex),
            "json" => block.matching = Some(Match::Json),
            _ => bad("it is contains, exact, regex or json"),
        },
        "risk" => match value {
            "low" => block.risk = Risk::Low,
            "high" => block.risk = Risk::High,
            "irreversible" => block.risk = Risk::Irreversible,
            _ => {
                // in doubt more is asked, not less
                block.risk = Risk::High;
                bad("it is low, high or irreversible; it is taken for high");
            }
        },
        "onfail" => match (value, value.strip_prefix("goto:")) {
            ("stop", _) => block.onfail = OnFail::Stop,
            ("continue", _) => block.onfail = OnFail::Continue,
            ("undo", _) => block.onfail = OnFail::Undo,
            (_, Some(to)) if !to.is_empty() => {
                block.onfail = OnFail::Goto(to.trim_start_matches('#').to_owned());
            }
            _ => bad("it is stop, continue, undo or goto:slug"),
        },
        "capture" if is_variable(value) => block.capture = Some(value.to_owned()),
        "capture" => bad("a variable's name, like DRIFT"),
        "host" => block.host = Some(value.to_owned()),
        "cwd" => block.cwd = Some(value.to_owned()),
        "source" => block.source = Some(value.to_owned()),
        "interpreter" => block.interpreter = Some(value.to_owned()),
        _ => {
            if !KEPT.contains(&key) {
                let near = nearest(key);
                lints.warning(
                    line,
                    "unknown-attr",
                    format!("`{key}` is not known and is kept as it is{near}"),
                );
            }
            block.other.insert(key.to_owned(), value.to_owned());
        }
    }
}

/// The key that was probably meant.
fn nearest(key: &str) -> String {
    let close = |known: &&&str| strsim::damerau_levenshtein(known, key) <= 2;
    let near = KNOWN.iter().filter(close).min_by_key(|known| strsim::damerau_levenshtein(known, key));
    near.map_or_else(String::new, |known| format!("; is `{known}` meant?"))
}

fn kind(value: &str) -> Option<BlockKind> {
    Some(match value {
        "guard" => BlockKind::Guard,
        "check" => BlockKind::Check,
        "run" => BlockKind::Run,
        "verify" => BlockKind::Verify,
        "undo" => BlockKind::Undo,
        "expect" => BlockKind::Expect,
        "sample" => BlockKind::Sample,
        _ => return None,
    })
}

fn retry(value: &str) -> Option<Retry> {
    let (attempts, every) = value.split_once('/')?;
    let attempts = attempts.parse().ok().filter(|n| *n > 0)?;
    Some(Retry { attempts, every: every.parse::<Span>().ok()? })
}

fn codes(value: &str) -> Option<Vec<i32>> {
    value.strip_prefix("rc:")?.split(',').map(|c| c.parse().ok().filter(|c| (0..=255).contains(c))).collect()
}
