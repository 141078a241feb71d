//! D6: prompts stripped from commands, and the output beside them set apart.

use super::looks;
use regex::Regex;
use std::sync::LazyLock;

/// A block's text parted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parted {
    /// Commands without prompts.
    pub code: String,
    /// Output.
    pub sample: String,
    /// Which prompt was stripped, if any.
    pub prompt: Option<Prompt>,
    /// Whether different prompts stand in it: the commands are typed into more than one shell.
    pub several: bool,
}

/// Kinds of prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// `$ `, `sh-5.1$ `, `user@host:~$ `.
    User,
    /// `# `, `sh-5.1# `, `[root@host ~]# `.
    Root,
}

/// `sh-5.1$ `, `user@host:~$ `, `[user@host dir]$ `, `bash-5.0# `.
static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:(?:\([^)]*\) )?(?:(?:ba|da|k|z)?sh-[0-9.]+|[a-z_][\w.-]*@[\w.-]+(?:[: ][~/\w.-]*)?|\[[^\]@\s]+@[^\]]+\]|(?:pod|root|/[\w/.-]*|~)) ?([$#])) (.*)$").ok()
});

enum Line<'a> {
    User(&'a str),
    Root(&'a str),
    /// `# ` alone: a root prompt or a comment, the whole block decides.
    Hash(&'a str),
    Other,
}

fn line_of(line: &str) -> Line<'_> {
    let bare = line.trim_start();
    if let Some(rest) = bare.strip_prefix("$ ") {
        return Line::User(rest);
    }
    if let Some(rest) = bare.strip_prefix("# ") {
        return Line::Hash(rest);
    }
    let captured = LONG.as_ref().and_then(|r| r.captures(bare));
    match captured.as_ref().and_then(|c| Some((c.get(1)?.as_str(), c.get(2)?.range()))) {
        Some(("$", at)) => bare.get(at).map_or(Line::Other, Line::User),
        Some((_, at)) => bare.get(at).map_or(Line::Other, Line::Root),
        None => Line::Other,
    }
}

/// Parts a block's text. `console` is true for languages that are transcripts by name, where every line without a
/// prompt is output; `named` where the fence names a shell, so that a lone `# ` line is a comment.
pub fn part(text: &str, console: bool, named: bool) -> Parted {
    let lines: Vec<&str> = text.lines().collect();
    let prompted = |l: &&str| matches!(line_of(l), Line::User(_) | Line::Root(_));
    let mut said = lines.iter().filter(|l| !l.trim().is_empty() && !matches!(line_of(l), Line::Hash(_)));
    // a script that begins with a command has its `$ ` lines in a here-document
    let script = !console && said.next().is_some_and(|l| looks::is_command(l) && !prompted(l));
    let user = !script && lines.iter().any(prompted);
    let hash_root = !user && root_prompts(&lines, console, named);
    if !user && !hash_root {
        return Parted { code: text.to_owned(), ..Parted::default() };
    }
    // for each line whether the next one that is no comment has a prompt
    let mut above = vec![false; lines.len()];
    let mut next = false;
    for (flag, line) in above.iter_mut().zip(&lines).rev() {
        *flag = next;
        if !matches!(line_of(line), Line::Hash(_)) {
            next = prompted(line);
        }
    }
    let (mut code, mut sample): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut pending = Pending::default();
    let mut prompt = Prompt::User;
    let mut marks: Vec<&str> = Vec::new();
    for (line, above) in lines.iter().zip(above) {
        if pending.open() {
            let bare = line.strip_prefix("> ").unwrap_or(line);
            pending.take(bare);
            code.push(bare);
            continue;
        }
        let command = match line_of(line) {
            Line::User(rest) => Some(rest),
            Line::Root(rest) => {
                prompt = Prompt::Root;
                Some(rest)
            }
            Line::Hash(rest) if hash_root && looks::is_command(rest) => {
                prompt = Prompt::Root;
                Some(rest)
            }
            // a comment belongs to the command it stands above; elsewhere it may be output, as of a metrics page
            Line::Hash(_) => above.then_some(*line),
            Line::Other => None,
        };
        match command {
            Some(command) => {
                let mark = line.trim_start().strip_suffix(command).unwrap_or_default();
                if !mark.is_empty() && !marks.contains(&mark) {
                    marks.push(mark);
                }
                pending.take(command);
                code.push(command);
            }
            None => sample.push(line),
        }
    }
    Parted {
        code: code.join("\n"),
        sample: sample.join("\n").trim().to_owned(),
        prompt: Some(prompt),
        several: marks.len() > 1,
    }
}

/// Whether `# ` lines are root's prompts: the block begins with one that is a command, no line without it is a
/// command, and in a fence that names a shell something else (output) stands beside them.
fn root_prompts(lines: &[&str], console: bool, named: bool) -> bool {
    let mut full = lines.iter().filter(|l| !l.trim().is_empty());
    let begins = full
        .next()
        .is_some_and(|l| matches!(line_of(l), Line::Hash(rest) if looks::is_command(rest) && !prose(rest)));
    let mut others =
        lines.iter().filter(|l| !l.trim().is_empty() && matches!(line_of(l), Line::Other)).peekable();
    let beside = others.peek().is_some();
    begins && (console || ((beside || !named) && !others.any(|l| looks::is_command(l))))
}

/// "kubectl must be configured first" begins with a command's name, and is a sentence.
fn prose(text: &str) -> bool {
    let second = text.split_whitespace().nth(1).unwrap_or_default();
    matches!(
        second,
        "is" | "must"
            | "should"
            | "the"
            | "a"
            | "an"
            | "this"
            | "that"
            | "for"
            | "to"
            | "if"
            | "and"
            | "all"
            | "will"
            | "we"
            | "you"
    ) || text.trim_end().ends_with('.')
        || text.trim_end().ends_with(':')
}

/// What of a command is still to come on the next line.
#[derive(Default)]
struct Pending {
    quote: Option<char>,
    heredoc: Option<String>,
    continued: bool,
}

impl Pending {
    fn open(&self) -> bool {
        self.quote.is_some() || self.heredoc.is_some() || self.continued
    }

    fn take(&mut self, line: &str) {
        if let Some(end) = &self.heredoc {
            if line.trim() == end {
                self.heredoc = None;
            }
            return;
        }
        self.continued = false;
        let mut chars = line.chars().peekable();
        let mut last = ' ';
        let mut heredoc = None;
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (Some('\''), '\'') | (Some('"'), '"') => self.quote = None,
                (Some('\''), _) => {}
                (_, '\\') => self.continued = chars.next().is_none() && self.quote.is_none(),
                (None, '\'' | '"') => self.quote = Some(c),
                (None, '#') if last == ' ' => break,
                (None, '<') if last == '<' && chars.peek() != Some(&'<') => {
                    let rest: String = chars.clone().collect();
                    let word = rest
                        .trim_start_matches(['-', ' '])
                        .split([' ', ';', '|', '>', ')'])
                        .next()
                        .unwrap_or_default();
                    let word = word.trim_matches(['\'', '"', '\\']);
                    if !word.is_empty() {
                        heredoc = Some(word.to_owned());
                    }
                    last = ' ';
                    continue;
                }
                _ => {}
            }
            last = c;
        }
        if self.quote.is_none() {
            self.heredoc = heredoc;
            let tail = line.trim_end();
            self.continued |= tail.ends_with('|') || tail.ends_with("&&");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, console: bool, named: bool) -> (String, String) {
        let parted = part(text, console, named);
        (parted.code, parted.sample)
    }

    #[test]
    fn prompts_go_and_output_is_set_apart() {
        for (text, code, sample) in [
            ("$ ls\na\nb", "ls", "a\nb"),
            ("sh-5.1$ ls /\nbin", "ls /", "bin"),
            ("[root@db1 ~]# df -h\nFilesystem", "df -h", "Filesystem"),
            ("me@host:~$ id", "id", ""),
            ("$ a \\\n>   --b\nout", "a \\\n  --b", "out"),
            ("$ cat <<EOF\nx: 1\nEOF\ndone", "cat <<EOF\nx: 1\nEOF", "done"),
            ("$ echo 'a\nb'\na\nb", "echo 'a\nb'", "a\nb"),
            ("# list them\n$ ls\nx", "# list them\nls", "x"),
            ("$ curl -s :9090/metrics\n# HELP up\nup 1", "curl -s :9090/metrics", "# HELP up\nup 1"),
            ("cat <<EOF\n$ ls\nEOF", "cat <<EOF\n$ ls\nEOF", ""),
            ("ls\npwd", "ls\npwd", ""),
            ("echo $HOME\n$HOME/run", "echo $HOME\n$HOME/run", ""),
        ] {
            assert_eq!(parts(text, false, true), (code.to_owned(), sample.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_session_inside_a_session_is_seen() {
        assert!(part("$ oc debug node/a\nsh-4.4# chroot /host", true, true).several);
        assert!(!part("# first\n$ ls\n$ id", true, true).several);
    }

    #[test]
    fn a_comment_is_not_a_root_prompt() {
        for (text, console, named, stripped) in [
            ("# list the pods\nkubectl get pods", false, true, false),
            ("# kubectl get pods", false, true, false),
            ("# kubectl must be set up first\nkubectl get pods", false, true, false),
            ("# kubectl get pods\nkubectl get nodes", false, false, false),
            ("# only words", false, false, false),
            ("# systemctl status x\n● x.service - X", false, true, true),
            ("# systemctl restart x\n# systemctl status x", false, false, true),
            ("# systemctl restart x", true, true, true),
        ] {
            assert_eq!(part(text, console, named).prompt.is_some(), stripped, "{text}");
        }
    }
}
