//! Bytes to text: encoding, line ends, front matter.

use super::lint::Lints;

/// The text of a file, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What stands between the marks at the top, where there is any.
    pub front: Option<RawFront>,
    /// The Markdown after it; lines end with `\n` alone.
    pub body: String,
    /// Lines of the file before `body`.
    pub base: u32,
}

/// Front matter as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFront {
    /// Which marks enclose it.
    pub format: Format,
    /// Text between the marks. Its first line is line 2 of the file.
    pub text: String,
}

/// Language of the front matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Between `---` and `---` or `...`.
    Yaml,
    /// Between `+++` and `+++`.
    Toml,
}

/// Takes a file's bytes apart. What is not UTF-8 becomes U+FFFD and is linted.
pub fn read(bytes: &[u8], lints: &mut Lints) -> Loaded {
    let bytes = if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        lints.note(
            1,
            "bom",
            "the file starts with a byte order mark; it is skipped, save the file without it",
        );
        rest
    } else {
        bytes
    };
    if let Err(error) = std::str::from_utf8(bytes) {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        lints.warning(
            newlines(before).saturating_add(1),
            "not-utf8",
            "this line is not UTF-8; what cannot be read is shown as \u{fffd}, save the file as UTF-8",
        );
    }
    let text = String::from_utf8_lossy(bytes);
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(at) = text.find('\0') {
        let line = newlines(text.as_bytes().get(..at).unwrap_or_default()).saturating_add(1);
        lints.warning(line, "nul", "a NUL byte; it is shown as \u{fffd}, no command can carry it");
        text = text.replace('\0', "\u{fffd}");
    }
    split(text, lints)
}

fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

fn split(text: String, lints: &mut Lints) -> Loaded {
    let whole = |text| Loaded { front: None, body: text, base: 0 };
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let (format, ends): (_, &[&str]) = match first.trim_end() {
        "---" => (Format::Yaml, &["---", "..."]),
        "+++" => (Format::Toml, &["+++"]),
        _ => return whole(text),
    };
    let mut inner = String::new();
    let mut taken = first.len();
    let mut count = 1_u32;
    for line in lines {
        taken += line.len();
        count = count.saturating_add(1);
        if ends.contains(&line.trim_end()) {
            if !inner.trim().is_empty() && !starts_with_key(&inner, format) {
                break;
            }
            let body = text.get(taken..).unwrap_or_default().to_owned();
            return Loaded { front: Some(RawFront { format, text: inner }), body, base: count };
        }
        inner.push_str(line);
    }
    if starts_with_key(&inner, format) && taken == text.len() {
        lints.warning(1, "front-matter-open", "the front matter never closes, so all of it is read as text; end it with a line of the same mark");
    }
    whole(text)
}

/// A rule at the top of a document looks like the mark of front matter; a key after it tells them apart.
fn starts_with_key(inner: &str, format: Format) -> bool {
    let line =
        inner.lines().map(str::trim_end).find(|l| !l.is_empty() && !l.starts_with('#')).unwrap_or_default();
    let key = line.trim_start_matches(['"', '\'']);
    let word = key.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_-. \"'".contains(b)).count();
    let after = key.get(word..).unwrap_or_default();
    match format {
        Format::Yaml => (word > 0 && after.starts_with(':')) || line.starts_with('{'),
        Format::Toml => (word > 0 && after.starts_with('=')) || line.starts_with('['),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &[u8]) -> (Loaded, Vec<String>) {
        let mut lints = Lints::default();
        let loaded = read(text, &mut lints);
        (loaded, lints.into_vec().into_iter().map(|l| l.code).collect())
    }

    #[test]
    fn front_matter_is_split_off() {
        let cases: [(&[u8], Option<&str>, &str, u32); 8] = [
            (b"---\na: 1\n---\n# T\n", Some("a: 1\n"), "# T\n", 3),
            (b"\xef\xbb\xbf---\r\na: 1\r\n...\r\n# T\r\n", Some("a: 1\n"), "# T\n", 3),
            (b"+++\na = 1\n+++\nx", Some("a = 1\n"), "x", 3),
            (b"---\n---\nx", Some(""), "x", 2),
            (b"---\na: 1\n# T\n", None, "---\na: 1\n# T\n", 0),
            (b"---\n\nSome words.\n\n---\n# T", None, "---\n\nSome words.\n\n---\n# T", 0),
            (b"# T\n---\na: 1\n---\n", None, "# T\n---\na: 1\n---\n", 0),
            (b"", None, "", 0),
        ];
        for (bytes, front, body, base) in cases {
            let (loaded, _) = load(bytes);
            assert_eq!(loaded.front.as_ref().map(|f| f.text.as_str()), front, "{bytes:?}");
            assert_eq!((loaded.body.as_str(), loaded.base), (body, base), "{bytes:?}");
        }
    }

    #[test]
    fn bad_bytes_are_named_by_line() {
        let (loaded, codes) = load(b"# T\n\xff\xfe caf\xe9\n");
        assert!(loaded.body.contains('\u{fffd}'));
        assert_eq!(codes, ["not-utf8"]);
        assert_eq!(load(b"---\na: 1\n").1, ["front-matter-open"]);
    }
}
