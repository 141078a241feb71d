//! `<name>` in code: bash reads it as two redirections, and in quotes it runs silently wrong, so a block that has one
//! is refused until it is filled.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

/// Longest name that is taken for a placeholder, in bytes.
const LONGEST: usize = 64;

/// Elements that are HTML and no placeholders where they stand in quotes or in a here-document.
const HTML: &[&str] = &[
    "a", "b", "body", "br", "button", "code", "div", "em", "form", "h1", "h2", "h3", "head", "hr", "html",
    "i", "img", "li", "link", "meta", "ol", "p", "pre", "script", "span", "strong", "style", "table", "td",
    "th", "tr", "ul", "xml",
];

/// Why a block could not be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// These have no value.
    #[error("no value for {}", list(.0))]
    Missing(Vec<String>),
    /// A value that is not plain; the block is edited by hand instead, and the edit recorded.
    #[error(
        "the value for <{name}> has {found:?} in it: only letters, digits and ._:/@%+=,- are filled in; edit the command by hand"
    )]
    NotPlain {
        /// The placeholder.
        name: String,
        /// The first character that is not allowed; none where the value is empty.
        found: Option<char>,
    },
}

fn list(names: &[String]) -> String {
    names.iter().map(|n| format!("<{n}>")).collect::<Vec<_>>().join(", ")
}

/// The placeholders in code, each once, in order of appearance, without their brackets.
pub fn find(code: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for at in spans(code) {
        if let Some(name) = name_at(code, &at)
            && seen.insert(name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// Code with its placeholders replaced. Values must match `[A-Za-z0-9._:/@%+=,-]+`.
///
/// # Errors
/// All names without a value, or the first value that is not plain.
pub fn fill(code: &str, values: &BTreeMap<String, String>) -> Result<String, FillError> {
    let missing: Vec<_> = find(code).into_iter().filter(|n| !values.contains_key(n)).collect();
    if !missing.is_empty() {
        return Err(FillError::Missing(missing));
    }
    let mut out = String::with_capacity(code.len());
    let mut from = 0;
    for at in spans(code) {
        let Some((name, value)) = name_at(code, &at).and_then(|n| values.get_key_value(n)) else { continue };
        let strange = value.chars().find(|c| !(c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(*c)));
        if strange.is_some() || value.is_empty() {
            return Err(FillError::NotPlain { name: name.clone(), found: strange });
        }
        out.push_str(code.get(from..at.start).unwrap_or_default());
        out.push_str(value);
        from = at.end;
    }
    out.push_str(code.get(from..).unwrap_or_default());
    Ok(out)
}

fn name_at<'a>(code: &'a str, at: &Range<usize>) -> Option<&'a str> {
    code.get(at.start + 1..at.end - 1)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Plain,
    Single,
    Double,
    Comment,
}

/// Where the placeholders are, brackets included.
fn spans(code: &str) -> Vec<Range<usize>> {
    let closed = closed(code);
    let mut out = Vec::new();
    let mut state = In::Plain;
    let mut heredoc: Option<String> = None;
    let mut offset = 0;
    for line in code.split_inclusive('\n') {
        if let Some(end) = &heredoc {
            if line.trim() == end {
                heredoc = None;
            } else {
                in_text(&closed, line, offset, &mut out);
            }
            offset += line.len();
            continue;
        }
        heredoc = scan(&closed, line, offset, &mut state, &mut out);
        offset += line.len();
    }
    out
}

/// One line outside a here-document. Gives the word that ends the here-document it opens.
fn scan(
    closed: &HashSet<&str>,
    line: &str,
    offset: usize,
    state: &mut In,
    out: &mut Vec<Range<usize>>,
) -> Option<String> {
    let mut heredoc = None;
    let mut before = '\n';
    let mut skip_to = 0;
    if *state == In::Comment {
        *state = In::Plain;
    }
    for (at, c) in line.char_indices() {
        if at < skip_to {
            before = c;
            continue;
        }
        match (*state, c) {
            (In::Comment, _) => break,
            (In::Single, '\'') => *state = In::Plain,
            (In::Double, '"') if before != '\\' => *state = In::Plain,
            (In::Plain, '\'') if before != '\\' => *state = In::Single,
            (In::Plain, '"') if before != '\\' => *state = In::Double,
            (In::Plain, '#') if before.is_whitespace() => *state = In::Comment,
            (In::Plain, '<')
                if before != '<'
                    && line.get(at..).is_some_and(|l| l.starts_with("<<") && !l.starts_with("<<<")) =>
            {
                heredoc = heredoc.or_else(|| line.get(at + 2..).and_then(here_word));
            }
            (_, '<') if !matches!(before, '<' | '\\' | '?') && !group(line, at) => {
                if let Some(len) = tag(line.get(at..).unwrap_or_default()) {
                    let span = offset + at..offset + at + len;
                    if *state == In::Plain
                        || !markup(closed, line.get(at + 1..at + len - 1).unwrap_or_default())
                    {
                        out.push(span);
                        skip_to = at + len;
                    }
                }
            }
            _ => {}
        }
        before = c;
    }
    heredoc
}

/// `(?P<name>` is a group of a regular expression.
fn group(line: &str, at: usize) -> bool {
    line.get(..at).is_some_and(|l| l.ends_with("(?P") || l.ends_with("(?"))
}

fn in_text(closed: &HashSet<&str>, line: &str, offset: usize, out: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|l| l.find('<')).map(|at| from + at) {
        from = at + 1;
        if let Some(len) = tag(line.get(at..).unwrap_or_default()) {
            let span = offset + at..offset + at + len;
            if !markup(closed, line.get(at + 1..at + len - 1).unwrap_or_default()) {
                from = at + len;
                out.push(span);
            }
        }
    }
}

/// The length of `<name>` at the start of a text. A name begins with a letter, has no space at its ends, and holds
/// nothing that a shell would need between two redirections.
fn tag(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let len = inner.find(['>', '\n', '<'])?;
    let name = inner.get(..len).filter(|n| !n.is_empty() && n.len() <= LONGEST)?;
    let rest = inner.get(len..)?;
    let good = name.starts_with(char::is_alphabetic)
        && !name.ends_with(' ')
        && !name.contains("  ")
        && (!name.contains('|') || !name.contains(' '))
        && name.chars().all(|c| c.is_alphanumeric() || " ._/|,'-".contains(c));
    (good && rest.starts_with('>')).then_some(len + 2)
}

/// Names of the elements that are closed, `</name>`, somewhere in the code.
fn closed(code: &str) -> HashSet<&str> {
    code.match_indices("</")
        .filter_map(|(at, _)| code.get(at + 2..)?.split_once('>'))
        .map(|(name, _)| name)
        .filter(|name| name.len() <= LONGEST)
        .collect()
}

/// Whether it is an element of HTML or XML: known by name, or closed somewhere in the code.
fn markup(closed: &HashSet<&str>, name: &str) -> bool {
    let element = name.split([' ', '/']).next().unwrap_or(name);
    HTML.contains(&element.to_ascii_lowercase().as_str()) || closed.contains(element)
}

fn here_word(after: &str) -> Option<String> {
    let word =
        after.trim_start_matches(['-', ' ']).split([' ', '\t', '\n', ';', '|', '>', ')', '&']).next()?;
    let word = word.trim_matches(['\'', '"', '\\']);
    word.starts_with(|c: char| c.is_alphabetic() || c == '_').then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_one_and_what_is_not() {
        let cases: [(&str, &[&str]); 26] = [
            ("kubectl -n <namespace> get pod <pod-name>", &["namespace", "pod-name"]),
            ("kubectl get pod <pod name>", &["pod name"]),
            ("echo \"<host>\"", &["host"]),
            ("echo '<host>'", &["host"]),
            ("curl https://<host>/x/<id>", &["host", "id"]),
            ("ssh <user>@<host>", &["user", "host"]),
            ("cat <<EOF\na: <ns>\nEOF", &["ns"]),
            ("cat <<EOF\n<html><p>x</p></html>\n<rest>1</rest>\nEOF", &[]),
            ("cat <<EOF > out\nhi\nEOF", &[]),
            ("cat <<EOF>out\nhi\nEOF", &[]),
            ("cat <<<word", &[]),
            ("diff <(ls a) <(ls b)", &[]),
            ("cmd < file > out", &[]),
            ("cmd <file >out", &[]),
            ("cmd 2>&1 <file", &[]),
            ("[[ $a < $b && $c > $d ]]", &[]),
            ("(( a < b ))", &[]),
            ("awk '$1 < max && $2 > min'", &[]),
            ("grep -P '(?<name>x)'", &[]),
            ("grep -P '(?P<name>x)'", &[]),
            ("grep '\\<word\\>' f", &[]),
            ("# put <name> here\nls", &[]),
            ("grep -o '<version>.*</version>' pom.xml", &[]),
            ("grep '<p>' index.html", &[]),
            ("echo <a|b>", &["a|b"]),
            ("git log --author='Me <me@example.org>'", &[]),
        ];
        for (code, names) in cases {
            assert_eq!(find(code), names, "{code}");
        }
    }

    #[test]
    fn only_plain_values_are_filled_in() {
        let values = |v: &str| BTreeMap::from([("ns".to_owned(), v.to_owned())]);
        assert_eq!(fill("k -n <ns> x '<ns>'", &values("web-1")).unwrap(), "k -n web-1 x 'web-1'");
        for bad in ["a b", "a;b", "$(id)", "a'b", "", "a\nb", "<x>"] {
            assert!(matches!(fill("k <ns>", &values(bad)), Err(FillError::NotPlain { .. })), "{bad}");
        }
        let missing = fill("k <a> <b> <ns>", &values("x"));
        assert_eq!(missing, Err(FillError::Missing(vec!["a".into(), "b".into()])));
        assert_eq!(missing.unwrap_err().to_string(), "no value for <a>, <b>");
    }

    proptest! {
        #[test]
        fn a_filled_block_has_none_left(code in "[a-z<> '\"#\\n$(|-]{0,60}", value in "[A-Za-z0-9._:/@%+=,-]{1,10}") {
            let values = find(&code).into_iter().map(|n| (n, value.clone())).collect();
            let filled = fill(&code, &values).unwrap();
            prop_assert!(find(&code).is_empty() == (filled == code));
        }

        #[test]
        fn any_text_is_scanned(code in "(?s).{0,80}") {
            let _ = find(&code);
        }
    }
}
