//! Words from people and from outside as Markdown that shows them and does nothing else.
//!
//! No heading, link, image, HTML, table cell, list or fence comes out of them. What a forge would turn into a link or
//! a mention by itself (`https://…`, `www.…`, `a@b`, `#41`) becomes a code span: it stays readable and inert, and a
//! typed `#41` does not pass for an event id of ours.

use crate::domain::text;

/// One line, safe in a paragraph, a list item, a heading and a table cell. Lines are joined by ` / `.
pub fn inline(given: &str) -> String {
    let clean = text::block(given);
    let lines = clean.lines().map(str::trim).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join(" / ");
    let one = text::line(&joined);
    let mut out = String::with_capacity(one.len() + 16);
    for token in one.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        push_token(&mut out, token);
    }
    guard_start(&out)
}

/// The same, at most `most` characters of the original.
pub fn clipped(given: &str, most: usize) -> String {
    let all = given.chars().count();
    if all <= most {
        return inline(given);
    }
    let kept: String = given.chars().take(most).collect();
    format!("{} … {} characters more", inline(&kept), all - most)
}

/// Text of several paragraphs: blank lines part them, lines that begin with `- ` or `* ` are list items.
pub fn prose(given: &str) -> String {
    let clean = text::block(given);
    let mut out = String::with_capacity(clean.len() + 16);
    let mut before = Line::Blank;
    for raw in clean.lines() {
        let line = raw.trim();
        if line.is_empty() {
            before = Line::Blank;
            continue;
        }
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        let (now, words) = item.map_or((Line::Words, line), |item| (Line::Item, item));
        let words = inline(words);
        if words.is_empty() {
            continue;
        }
        let parted = before == Line::Blank || (before, now) == (Line::Words, Line::Item);
        match (out.is_empty(), parted) {
            (true, _) => {}
            (false, true) => out.push_str("\n\n"),
            (false, false) => out.push('\n'),
        }
        match (now, before) {
            (Line::Item, _) => out.push_str("- "),
            (Line::Words, Line::Item) => out.push_str("  "),
            _ => {}
        }
        out.push_str(&words);
        // Words behind an item go on with it until a blank line.
        before = if before == Line::Item { Line::Item } else { now };
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Blank,
    Words,
    Item,
}

/// A name or a version as a code span; as [`inline`] where a code span could not hold it.
pub fn code(given: &str) -> String {
    let one = text::line(given.trim());
    if one.is_empty() || one.contains(['`', '|', '\\']) {
        return inline(given);
    }
    format!("`{one}`")
}

/// Several lines as they are, in a fence that nothing inside can close.
pub fn fence(lang: &str, given: &str) -> String {
    let clean = text::block(given);
    let longest = clean.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let marks = "`".repeat(longest.max(2) + 1);
    format!("{marks}{lang}\n{}\n{marks}", clean.trim_end_matches('\n'))
}

/// A string as it stands in YAML: double-quoted, one line.
pub fn yaml(given: &str) -> String {
    serde_json::Value::from(text::line(given)).to_string()
}

fn push_token(out: &mut String, token: &str) {
    let mut run = String::new();
    for c in token.chars() {
        if matches!(c, '\\' | '|' | '`') {
            push_run(out, &run);
            run.clear();
            out.push('\\');
            out.push(c);
        } else {
            run.push(c);
        }
    }
    push_run(out, &run);
}

/// A run without white space, backslash, bar or backtick.
fn push_run(out: &mut String, run: &str) {
    if run.is_empty() {
        return;
    }
    if links_by_itself(run) {
        out.push('`');
        out.push_str(run);
        out.push('`');
        return;
    }
    let mut before = ' ';
    let mut rest = run.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        // Template languages of site generators read these pairs before Markdown is read.
        if c == '{' && matches!(next, '{' | '%' | ':' | '#' | '.') {
            out.push_str("&#123;");
            before = c;
            continue;
        }
        let acts = match c {
            '*' | '[' | ']' | '<' | '~' | '^' | '{' | '$' => true,
            '_' => !(before.is_alphanumeric() && next.is_alphanumeric()),
            '&' => next == '#' || next.is_ascii_alphanumeric(),
            _ => false,
        };
        if acts {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
}

fn links_by_itself(run: &str) -> bool {
    let lower = run.to_lowercase();
    let reference = run.char_indices().any(|(at, c)| {
        c == '#' && run.get(at + 1..).is_some_and(|rest| rest.starts_with(|d: char| d.is_ascii_digit()))
    });
    reference || run.contains('@') || ["://", "www.", "mailto:", "xmpp:"].iter().any(|it| lower.contains(it))
}

/// What would begin a block at the start of a line does not.
fn guard_start(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = line.split_at_checked(digits).unwrap_or(("", line));
    let mut after = rest.chars();
    let (mark, behind) = (after.next(), after.next());
    let word_goes_on = behind.is_some_and(char::is_alphanumeric);
    match mark {
        Some('.' | ')') if digits > 0 && behind.is_none_or(char::is_whitespace) => {
            format!("{number}\\{rest}")
        }
        Some('#' | ':' | '>') if digits == 0 => format!("\\{line}"),
        Some('+' | '-' | '=') if digits == 0 && !word_goes_on => format!("\\{line}"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    fn tags(markdown: &str) -> Vec<String> {
        Parser::new_ext(markdown, Options::all() - Options::ENABLE_SMART_PUNCTUATION)
            .filter_map(|event| match event {
                Event::Start(Tag::Paragraph | Tag::List(None) | Tag::Item)
                | Event::SoftBreak
                | Event::Text(_)
                | Event::Code(_)
                | Event::End(_) => None,
                other => Some(format!("{other:?}")),
            })
            .collect()
    }

    #[test]
    fn people_are_quoted_as_they_wrote() {
        for (given, wanted) in [
            ("plain words, 7.2 % & more", "plain words, 7.2 % & more"),
            ("see https://evil.example/?a=b", "see `https://evil.example/?a=b`"),
            ("ask ben@example.com or @ben", "ask `ben@example.com` or `@ben`"),
            ("as in #41", "as in `#41`"),
            ("# heading", "\\# heading"),
            ("1. item", "1\\. item"),
            ("7.2 %", "7.2 %"),
            ("-5 %", "-5 %"),
            ("--- ", "\\---"),
            ("<script>x</script>", "\\<script>x\\</script>"),
            ("a|b `c` d_e _f_", "a\\|b \\`c\\` d_e \\_f\\_"),
            ("two\nlines", "two / lines"),
            ("&amp; {{ x }}", "\\&amp; &#123;\\{ x }}"),
            ("bell \u{7} rlo \u{202e}", "bell ␇ rlo \\<202E>"),
        ] {
            assert_eq!(inline(given), wanted, "{given:?}");
        }
        assert_eq!(prose("one\ntwo\n\n- a\n- b\n\nend"), "one\ntwo\n\n- a\n- b\n\nend");
        assert_eq!(fence("diff", "a\n````\nb"), "`````diff\na\n````\nb\n`````");
        assert_eq!(yaml("a: \"b\"\n---"), r#""a: \"b\"␊---""#);
    }

    fn hostile() -> impl Strategy<Value = String> {
        let bits = prop::sample::select(vec![
            "#",
            " ",
            "\n",
            "`",
            "```",
            "~~~",
            "[",
            "](",
            ")",
            "<",
            ">",
            "<b>",
            "!",
            "|",
            "\\",
            "*",
            "_",
            "---",
            "===",
            "1.",
            "-",
            "+",
            "&lt;",
            "http://x.y",
            "www.a.b",
            "a@b.c",
            "$",
            "{{",
            "x",
            "é",
            "\t",
            "\r",
            ":",
            "[^1]: x",
            "[a]: b",
            "- [ ] ",
            "    ",
            "\u{202e}",
            "\u{1b}[2J",
            "<!--",
            "-->",
            "<?",
            "&#60;",
            "\n\n",
            "(#1)",
        ]);
        prop::collection::vec(bits, 0..24).prop_map(|bits| bits.concat())
    }

    proptest! {
        #[test]
        fn nothing_but_words_comes_out(text in hostile()) {
            for markdown in [inline(&text), format!("- {}", inline(&text)), clipped(&text, 9), code(&text), prose(&text)] {
                prop_assert_eq!(tags(&markdown), Vec::<String>::new(), "{}", markdown);
            }
        }

        #[test]
        fn a_cell_stays_one_cell(text in hostile()) {
            let markdown = format!("| a | b |\n|---|---|\n| {} | {} |\n", inline(&text), code(&text));
            let parser = Parser::new_ext(&markdown, Options::all());
            let cells = parser.filter(|event| matches!(event, Event::Start(Tag::TableCell))).count();
            prop_assert_eq!(cells, 4, "{}", markdown);
        }

        #[test]
        fn words_are_read_back(text in "[a-z`|\\\\*_<>#@.&]{1,12}") {
            let shown: String = Parser::new(&inline(&text)).filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.to_string()),
                _ => None,
            }).collect();
            prop_assert_eq!(shown, text);
        }

        #[test]
        fn a_fence_holds(text in hostile()) {
            let markdown = format!("{}\n\nafter", fence("", &text));
            let last = Parser::new(&markdown).filter_map(|event| match event {
                Event::Text(text) => Some(text.to_string()),
                _ => None,
            }).last();
            prop_assert_eq!(last.as_deref(), Some("after"));
        }

        #[test]
        fn yaml_gives_back_what_was_put_in(text in hostile()) {
            let read: String = serde_saphyr::from_str(&yaml(&text)).unwrap();
            prop_assert_eq!(read, text::line(&text).into_owned());
        }
    }
}
