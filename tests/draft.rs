//! The post-mortem draft of whole incidents.

// Helpers of tests are not inside `#[test]`, where these are allowed anyway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code, reason = "screens use the rest")]
#[path = "support/picture.rs"]
mod picture;
#[path = "support/story.rs"]
mod story;

use std::{fs, os::unix::fs::PermissionsExt as _};
use story::{ana, bad_release, begin, hard_night, long};
use warroom::{
    domain::{
        Command, Fact,
        id::{Digest, IncidentId},
        incident::IncidentCommand,
        note::NoteFact,
        time::{Span, Wall},
    },
    draft::{self, Cites, Draft, Extra, Options, Piece, Recorded, WriteError},
    signal::{Direction, Panel, Point, Unit, panel::Baseline},
};

const ID: IncidentId = IncidentId(1);

fn written() -> Wall {
    begin() + Span::hours(2).signed()
}

fn series() -> Extra {
    let panel = Panel {
        name: "errors".into(),
        source: String::new(),
        query: "errors".into(),
        unit: Unit::Ratio,
        bad: Direction::Up,
        threshold: Some(0.01),
        hold: None,
        service: None,
    };
    let value = |s: i64| match s {
        0..200 => 0.002,
        200..620 => 0.072,
        620..700 => f64::NAN,
        _ => 0.003,
    };
    let points =
        (0..900).step_by(5).map(|s| Point { t: begin().timestamp_millis() + s * 1_000, v: value(s) });
    let baseline = Baseline { low: 0.001, median: 0.002, high: 0.004, points: 100, until: begin() };
    Extra {
        charts: vec![Recorded { panel, points: points.collect(), baseline: Some(baseline) }],
        proof: None,
    }
}

fn drafted(story: &story::Story, extra: &Extra) -> Draft {
    draft::build(&story.events, ID, written(), extra).unwrap()
}

#[test]
fn the_draft_of_a_bad_release() {
    let story = bad_release(false);
    let draft = drafted(&story, &series());
    insta::assert_snapshot!("bad_release", draft::markdown(&draft));
    insta::assert_snapshot!("errors_chart", draft.charts[0].svg);
}

/// A real renderer draws the chart: ground, grid, line, threshold and marks each in a colour of their own.
/// `WARROOM_SHOW=DIR` keeps the picture, to be looked at.
#[test]
fn a_chart_is_drawn_by_a_real_renderer() {
    let draft = drafted(&bad_release(false), &series());
    let picture = picture::rendered(&draft.charts[0].svg);
    assert_eq!((picture.width(), picture.height()), (860, 340));
    let mut colours = std::collections::BTreeMap::new();
    for pixel in picture.pixels() {
        *colours.entry((pixel.red(), pixel.green(), pixel.blue())).or_insert(0) += 1;
    }
    assert!(colours.values().filter(|&&count| count > 100).count() >= 5, "{colours:?}");
    if let Some(dir) = std::env::var_os("WARROOM_SHOW") {
        picture.save_png(std::path::Path::new(&dir).join("chart.png")).unwrap();
    }
}

#[test]
fn the_draft_of_a_hard_night_that_is_not_over() {
    let story = hard_night();
    let now = begin() + Span::hours(13).signed();
    let draft = draft::build(&story.events, ID, now, &Extra::default()).unwrap();
    insta::assert_snapshot!("hard_night", draft::markdown(&draft));
}

#[test]
fn every_sentence_stands_on_events_that_exist() {
    for story in [bad_release(false), bad_release(true), hard_night(), long(300)] {
        let last = story.events.len() as u64;
        let draft = drafted(&story, &series());
        let sentences =
            draft.sections.iter().flat_map(|section| &section.pieces).flat_map(|piece| match piece {
                Piece::Fact { sentence } | Piece::Heading { sentence } => vec![sentence],
                Piece::List { items } | Piece::Tasks { items } => items.iter().collect(),
                _ => Vec::new(),
            });
        for sentence in sentences {
            match &sentence.cites {
                Cites::These(events) => {
                    assert!(!events.is_empty(), "{}", sentence.text);
                    assert!(events.iter().all(|seq| (1..=last).contains(seq)), "{}", sentence.text);
                }
                Cites::All(first, end) => assert_eq!((*first, *end), (1, last)),
            }
        }
    }
}

#[test]
fn an_answer_takes_its_prompts_place_and_strict_sees_the_rest() {
    let mut story = bad_release(false);
    let keys = |draft: &Draft| draft::todos(draft).into_iter().map(|todo| todo.key).collect::<Vec<_>>();
    let open = keys(&drafted(&story, &Extra::default()));
    assert!(open.contains(&"root-cause".to_owned()) && !open.contains(&"summary".to_owned()), "{open:?}");
    for prompt in &open {
        let (prompt, text) = (prompt.clone(), format!("answered {prompt}"));
        story.act(&ana(), Command::Incident(IncidentCommand::Answer { incident: ID, prompt, text }));
    }
    let draft = drafted(&story, &Extra::default());
    assert_eq!(keys(&draft), Vec::<String>::new());
    let page = draft::markdown(&draft);
    assert!(!page.contains("TODO(") && open.iter().all(|key| page.contains(&format!("answered {key}"))));
}

#[test]
fn a_drill_says_so_at_the_top() {
    let page = draft::markdown(&drafted(&bad_release(true), &Extra::default()));
    let top: Vec<_> = page.split("\n---\n").nth(1).unwrap().lines().take(4).collect();
    assert!(top.iter().any(|line| line.contains("DRILL")), "{top:?}");
    assert!(page.contains("\ndrill: true\n"));
}

#[test]
fn an_unknown_incident_is_named() {
    let story = bad_release(false);
    let wrong = draft::build(&story.events, IncidentId(9), written(), &Extra::default()).unwrap_err();
    assert!(wrong.to_string().contains("INC-9"), "{wrong}");
    assert!(draft::build(&[], ID, written(), &Extra::default()).is_err());
}

#[test]
fn an_export_can_be_checked_and_is_replaced_only_when_asked() {
    let story = bad_release(false);
    let draft = drafted(&story, &series());
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("INC-1");
    let manifest = draft::write(&dir, &draft, &story.events, Options::default()).unwrap();
    let names: Vec<_> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["postmortem.md", "charts/01-errors.svg", "journal.jsonl"]);
    for file in &manifest.files {
        use sha2::Digest as _;
        let raw = fs::read(dir.join(&file.path)).unwrap();
        assert_eq!(raw.len() as u64, file.bytes);
        assert_eq!(Digest(sha2::Sha256::digest(&raw).into()), file.sha256);
    }
    let lines = fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    let read: Vec<warroom::domain::Event> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, story.events);

    fs::write(dir.join("mine.txt"), "kept until --force").unwrap();
    let again = draft::write(&dir, &draft, &story.events, Options::default()).unwrap_err();
    assert!(matches!(again, WriteError::Exists(_)) && again.to_string().contains("--force"), "{again}");
    assert!(dir.join("mine.txt").exists());
    let force = Options { force: true, ..Options::default() };
    draft::write(&dir, &draft, &story.events, force).unwrap();
    assert!(!dir.join("mine.txt").exists() && dir.join("postmortem.md").exists());

    let other = home.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.tex"), "years of work").unwrap();
    assert!(matches!(draft::write(&other, &draft, &story.events, force), Err(WriteError::Foreign(_))));
    assert!(other.join("thesis.tex").exists());
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_place_that_cannot_be_written_leaves_nothing() {
    let story = bad_release(false);
    let draft = drafted(&story, &Extra::default());
    let home = tempfile::tempdir().unwrap();
    let nowhere = home.path().join("no/such/place");
    let error = draft::write(&nowhere, &draft, &story.events, Options::default()).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
    let file = home.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(draft::write(&file, &draft, &story.events, Options::default()).is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "x");
    let closed = home.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write there all the same.
    if let Err(error) = draft::write(&closed.join("x"), &draft, &story.events, Options::default()) {
        assert!(error.to_string().contains("--out"), "{error}");
    }
    assert!(matches!(
        draft::write(&home.path().join("y"), &draft, &story.events[1..], Options::default()),
        Err(WriteError::OtherEvents)
    ));
    assert!(!home.path().join("y").exists());
}

#[test]
fn secrets_are_taken_out_on_the_way() {
    let mut story = bad_release(false);
    story.note("the key was s3cr3t-token, rotate it");
    let draft = drafted(&story, &Extra::default());
    let home = tempfile::tempdir().unwrap();
    let redact =
        |text: &str| text.contains("s3cr3t-token").then(|| text.replace("s3cr3t-token", "[redacted]"));
    let options = Options { force: false, redact: Some(&redact), proof: None };
    let dir = home.path().join("out");
    draft::write(&dir, &draft, &story.events, options).unwrap();
    for name in ["postmortem.md", "journal.jsonl"] {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        assert!(!text.contains("s3cr3t-token") && text.contains("[redacted]"), "{name}");
    }
}

#[test]
fn what_acts_on_a_terminal_is_written_as_its_number_and_reads_as_it_was() {
    const HOSTILE: &str = "x\u{202e}y\u{9b}31mz\u{200b}end";
    let mut story = bad_release(false);
    let last = story.events.iter_mut().rev().find_map(|event| match &mut event.fact {
        Fact::Note(NoteFact::Said { text, .. }) => Some(text),
        _ => None,
    });
    *last.expect("somebody said something") = HOSTILE.into();
    let draft = drafted(&story, &Extra::default());
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("out");
    draft::write(&dir, &draft, &story.events, Options::default()).unwrap();
    let text = fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    assert!(!text.chars().any(|c| warroom::domain::text::acts(c) && c != '\n'));
    assert!(text.contains("\\u202e") && text.contains("\\u009b") && text.contains("\\u200b"));
    let mut values = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert!(values.any(|one| one.to_string().contains(HOSTILE)), "the value is the same");
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("journal.jsonl"), mode("postmortem.md")), (0o700, 0o600, 0o600));
}

#[test]
fn a_clock_that_jumped_is_told_before_the_first_event_after_it() {
    let mut story = bad_release(false);
    let told = |story: &story::Story| draft::markdown(&drafted(story, &Extra::default()));
    assert!(!told(&story).contains("clock jumped"));
    let own: Vec<_> = story.events.iter().filter(|one| one.stream == Some(ID)).map(|one| one.seq).collect();
    let from = own[own.len() / 2];
    for event in story.events.iter_mut().filter(|event| event.seq >= from) {
        event.occurred.wall += Span::hours(1).signed();
    }
    let page = told(&story);
    assert!(page.contains(&format!("Before #{from} the clock jumped 1h00m forward")), "{page}");
}

#[test]
fn a_long_night_stays_readable() {
    let story = long(20_000);
    let page = draft::markdown(&drafted(&story, &Extra::default()));
    assert!(page.len() < 400_000, "{}", page.len());
    assert!(page.contains("entries are shown"));
}

#[test]
fn the_export_command_is_strict_when_asked_and_says_what_is_open() {
    use clap::Parser as _;
    use warroom::cli::export::{ExportArgs, ExportError, finish};
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: ExportArgs,
    }
    let story = bad_release(false);
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("out");
    let run = |more: &[&str]| {
        let line = ["export", "inc-1"].iter().chain(more).copied();
        finish(&story.events, &Line::parse_from(line).args, &series(), written(), None)
    };
    let out = place.to_str().unwrap();
    match run(&["--strict", "--out", out]) {
        Err(ExportError::Open { open, .. }) => assert!(open.iter().any(|todo| todo.key == "root-cause")),
        other => panic!("{other:?}"),
    }
    assert!(!place.exists());
    let printed = run(&["--stdout"]).unwrap();
    assert!(printed.text.starts_with("---\n") && printed.written.is_none());
    let done = run(&["--json", "--out", out]).unwrap();
    let said: serde_json::Value = serde_json::from_str(&done.text).unwrap();
    assert_eq!(said["manifest"]["incident"], "INC-1");
    assert_eq!(said["todos"].as_array().unwrap().len(), done.todos.len());
    assert!(matches!(run(&["--out", out]), Err(ExportError::Write(WriteError::Exists(_)))));
    assert!(run(&["--out", out, "--force"]).unwrap().text.contains("prompts are open"));
}

/// What a page is made of: its headings' levels, links, images, HTML, tables' cells, code blocks and rules.
fn structure(page: &str) -> Vec<String> {
    use pulldown_cmark::{Event, MetadataBlockKind, Parser, Tag};
    let options = pulldown_cmark::Options::all();
    let mut cells = 0;
    let mut out = Vec::new();
    for event in Parser::new_ext(page, options) {
        match event {
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                out.push(format!("{level} {id:?} {classes:?} {attrs:?}"));
            }
            Event::Start(Tag::Link { dest_url, .. }) => out.push(format!("link {dest_url}")),
            Event::Start(Tag::Image { dest_url, .. }) => out.push(format!("image {dest_url}")),
            Event::Start(Tag::TableCell) => cells += 1,
            Event::Start(Tag::CodeBlock(_)) => out.push("code".into()),
            Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle)) => out.push("yaml".into()),
            Event::Start(tag @ (Tag::List(Some(_)) | Tag::FootnoteDefinition(_) | Tag::DefinitionList)) => {
                out.push(format!("{tag:?}"));
            }
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::Rule
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {
                out.push(format!("{event:?}"));
            }
            Event::FootnoteReference(_) => out.push("footnote".into()),
            _ => {}
        }
    }
    out.push(format!("{cells} cells"));
    out
}

fn yaml(page: &str) -> draft::Front {
    let front = page.strip_prefix("---\n").unwrap().split("\n---\n").next().unwrap();
    serde_saphyr::from_str(front).unwrap()
}

/// Every text that people wrote into the story is `text` instead.
fn everywhere(value: &mut serde_json::Value, text: &str) {
    const THEIRS: &str = " title text reason why seen threshold name who actual expected how label code artifact panel \
                          service env host owner services ";
    // Words of ours that stand under the same keys.
    const OURS: &str = " ana ben deploy-bot runbook-wrong done satisfied confirmed skipped waited ";
    let theirs = |key: &str| THEIRS.contains(&format!(" {key} "));
    let ours = |words: &str| OURS.contains(&format!(" {words} "));
    match value {
        serde_json::Value::Object(map) => {
            for (key, one) in map.iter_mut() {
                match one {
                    serde_json::Value::String(words) if theirs(key) => {
                        if !ours(words) {
                            text.clone_into(words);
                        }
                    }
                    serde_json::Value::Array(list) if key == "services" => list.fill(text.into()),
                    other => everywhere(other, text),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|one| everywhere(one, text)),
        _ => {}
    }
}

fn hostile() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let bits = prop::sample::select(vec![
        "#",
        " ",
        "\n",
        "\n\n",
        "`",
        "```",
        "~~~",
        "[x](http://e)",
        "](",
        ")",
        "![i](y)",
        "<",
        ">",
        "<b>",
        "</b>",
        "|",
        "\\",
        "*",
        "_",
        "---",
        "\n---\n",
        "===",
        "1. ",
        "- ",
        "+ ",
        "&lt;",
        "https://x.y/z",
        "www.a.b",
        "a@b.c",
        "$x$",
        "{{ 7*7 }}",
        "{% raw %}",
        "title: \"x\"",
        "\"",
        "'",
        "é",
        "\t",
        "\r\n",
        ": ",
        "[^1]: x",
        "[a]: http://b",
        "\u{202e}",
        "\u{1b}]8;;http://e\u{7}",
        "<!--",
        "<script>alert(1)</script>",
        "(#1)",
        "TODO(x): ",
        "\u{feff}",
        "\n    code",
        "> ",
        "x",
    ]);
    prop::collection::vec(bits, 1..16).prop_map(|bits| bits.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn hostile_words_change_no_structure(text in hostile()) {
        let told = |text: &str| {
            let events: Vec<_> = bad_release(false).events.into_iter().map(|event| {
                let mut value = serde_json::to_value(&event).unwrap();
                everywhere(&mut value["fact"], text);
                serde_json::from_value(value).unwrap()
            }).collect();
            draft::build(&events, ID, written(), &series()).unwrap()
        };
        let (tame, wild) = (told("words"), told(&text));
        let page = draft::markdown(&wild);
        // An answer without a word in it leaves its prompt; nothing else may differ.
        let one = structure(&page);
        proptest::prop_assert_eq!(one, structure(&draft::markdown(&tame)), "{}", page);
        proptest::prop_assert_eq!(yaml(&page), wild.front);
        proptest::prop_assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    }
}
