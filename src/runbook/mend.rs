//! Fences closed by too few backticks: to CommonMark they run to the end of the file and swallow every step after.
//! The opening is shortened to the length of the first line that was meant to close it, at the same byte length, so
//! that lines and offsets stay.

use super::{lint::Lints, tree};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

/// Most fences mended in one file; a file with more is not a runbook.
const MOST: usize = 32;

/// The text with such fences mended and linted. `base` is the number of lines before it.
pub fn mend(body: &str, base: u32, lints: &mut Lints) -> String {
    let mut text = body.to_owned();
    for _ in 0..MOST {
        let Some((at, mended, line, meant)) = first(&text, base) else { break };
        lints.error(
            line,
            "short-fence",
            format!("this fence is closed by too few marks on line {meant}, so a forge shows the rest of the file as code; it is read as closed there, make both alike"),
        );
        let end = at + mended.len();
        let (Some(head), Some(tail)) = (text.get(..at), text.get(end..)) else { break };
        text = [head, &mended, tail].concat();
    }
    text
}

/// The first such fence: its offset, its opening line as it should be, its line and that of the mark meant to close.
fn first(text: &str, base: u32) -> Option<(usize, String, u32, u32)> {
    let lines = tree::Lines::new(text, base);
    Parser::new_ext(text, tree::options()).into_offset_iter().find_map(|(event, at)| {
        let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) = event else { return None };
        let slice = text.get(at.clone())?;
        let (mark, open) = tree::fence_of(slice)?;
        if tree::is_closed(slice, mark, open) {
            return None;
        }
        let mut offset = at.start;
        for (n, line) in slice.split_inclusive('\n').enumerate() {
            let bare = line.trim().trim_start_matches(['>', ' ']);
            let marks = bare.chars().take_while(|c| *c == mark).count();
            if n > 0 && marks >= 3 && marks < open && bare.len() == marks {
                let opening = slice.lines().next()?;
                let start = opening.find(mark)?;
                let (head, tail) = opening.split_at(start);
                let rest = tail.get(open..)?;
                let mended =
                    format!("{head}{}{rest}{}", mark.to_string().repeat(marks), " ".repeat(open - marks));
                return Some((at.start, mended, lines.at(at.start), lines.at(offset)));
            }
            offset += line.len();
        }
        None
    })
}
