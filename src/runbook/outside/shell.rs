//! The commands of a shell script, as far as they can be read without running it.
//!
//! What a script computes cannot be read. A word that begins with a variable is given as it stands, so that whoever asks
//! what a script reaches can say that it is not known.

use std::collections::BTreeSet;

/// Deepest nesting of `$( )` and `( )` that is read; what lies deeper is a command that is not known.
const DEEPEST: usize = 40;

/// One simple command: its words, quotes taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    /// From the program's name on; assignments before it are left out.
    pub words: Vec<String>,
    /// Line, from 0.
    pub line: u32,
}

/// A script, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Its simple commands, those inside of others too.
    pub commands: Vec<Simple>,
    /// Functions that it defines.
    pub functions: BTreeSet<String>,
    /// The code with blanks in place of its comments.
    pub text: String,
}

/// Reads a script. Any text is read.
pub fn read(code: &str) -> Script {
    let mut lexer = Lexer { chars: code.chars().collect(), ..Lexer::default() };
    while lexer.at < lexer.chars.len() {
        lexer.list(None);
    }
    Script {
        commands: lexer.commands,
        functions: lexer.functions,
        text: lexer.chars.into_iter().zip(lexer.comment.into_iter().chain(std::iter::repeat(false))).fold(
            String::with_capacity(code.len()),
            |mut text, (c, comment)| {
                text.push(if comment { ' ' } else { c });
                text
            },
        ),
    }
}

#[derive(Default)]
struct Lexer {
    chars: Vec<char>,
    comment: Vec<bool>,
    at: usize,
    line: u32,
    depth: usize,
    /// Here-documents whose bodies begin on the next line: the closing word, and whether `$( )` runs in them.
    heredocs: Vec<(String, bool)>,
    commands: Vec<Simple>,
    functions: BTreeSet<String>,
}

/// What is read of the command at hand.
#[derive(Default)]
struct Building {
    words: Vec<String>,
    line: u32,
    /// The next word is where a redirection leads.
    redirected: bool,
    /// `case` that are open, and whether a pattern is read.
    cases: usize,
    pattern: bool,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn ahead(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(n, c)| self.peek(n) == Some(c))
    }

    /// Reads commands up to a closing `)`, or to the end.
    fn list(&mut self, until: Option<char>) {
        if self.depth >= DEEPEST {
            self.commands.push(Simple { words: vec!["$(…)".into()], line: self.line });
            self.at = self.chars.len();
            return;
        }
        self.depth += 1;
        let mut one = Building { line: self.line, ..Building::default() };
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' => self.step(),
                '\\' if self.peek(1) == Some('\n') => {
                    self.step();
                    self.step();
                }
                '#' => self.comment(),
                ')' if one.pattern => {
                    self.step();
                    one.pattern = false;
                    one.words.clear();
                }
                ')' if until == Some(')') => {
                    self.step();
                    break;
                }
                '\n' => {
                    self.end(&mut one);
                    self.step();
                    self.heredocs();
                    one.line = self.line;
                }
                '&' if self.peek(1) == Some('>') => self.step(),
                ';' | '&' | '|' | ')' => self.separator(&mut one, c),
                '(' => self.bracket(&mut one),
                '<' | '>' => self.redirect(&mut one, c),
                _ => {
                    let word = self.word();
                    self.take(&mut one, word);
                }
            }
        }
        self.end(&mut one);
        self.depth -= 1;
    }

    fn separator(&mut self, one: &mut Building, c: char) {
        self.step();
        if one.pattern {
            one.words.clear();
            return;
        }
        let next_pattern = c == ';' && self.peek(0) == Some(';') && one.cases > 0;
        self.end(one);
        if next_pattern {
            self.step();
            one.pattern = true;
        }
    }

    fn take(&mut self, one: &mut Building, word: String) {
        if std::mem::take(&mut one.redirected) {
            return;
        }
        if one.pattern {
            if word == "esac" {
                one.pattern = false;
                one.cases = one.cases.saturating_sub(1);
            }
            return;
        }
        if one.words.is_empty() {
            one.line = self.line;
        }
        match (one.words.first().map(String::as_str), word.as_str()) {
            (Some("case"), "in") => {
                one.words.clear();
                one.cases += 1;
                one.pattern = true;
            }
            (None, "esac") => one.cases = one.cases.saturating_sub(1),
            // What opens or goes on with a compound command: the next word is a command's again.
            (
                None,
                "then" | "else" | "elif" | "if" | "do" | "while" | "until" | "!" | "{" | "time" | "}" | "fi"
                | "done" | "coproc",
            ) => {}
            (None, "[[") => self.test(),
            (Some("function"), _) if one.words.len() == 1 => {
                self.functions.insert(word);
                one.words.clear();
            }
            _ => one.words.push(word),
        }
    }

    /// `[[ … ]]`, where `<` and `&&` are no operators of the shell's.
    fn test(&mut self) {
        while let Some(c) = self.peek(0) {
            if c.is_whitespace() || "<>&|();".contains(c) {
                self.step();
            } else if self.word() == "]]" {
                return;
            }
        }
    }

    fn bracket(&mut self, one: &mut Building) {
        if one.pattern {
            return self.step();
        }
        let last = one.words.last().map(String::as_str).unwrap_or_default();
        if last.ends_with('=') {
            // The values of an array.
            self.step();
            while let Some(c) = self.peek(0).filter(|c| *c != ')') {
                if c.is_whitespace() || "<>&|(;".contains(c) { self.step() } else { drop(self.word()) }
            }
            self.step();
        } else if one.words.len() == 1 && self.peek(1) == Some(')') {
            self.functions.insert(last.to_owned());
            one.words.clear();
            self.step();
            self.step();
        } else if one.words.is_empty() && self.peek(1) == Some('(') {
            self.skip_arithmetic();
        } else {
            self.end(one);
            self.step();
            self.list(Some(')'));
        }
    }

    fn skip_arithmetic(&mut self) {
        while self.peek(0).is_some() && !self.ahead("))") {
            self.step();
        }
        self.step();
        self.step();
    }

    fn redirect(&mut self, one: &mut Building, c: char) {
        let number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        if before.is_some_and(char::is_ascii_digit) && one.words.last().is_some_and(number) {
            one.words.pop();
        }
        if self.ahead("<<<") {
            (0..3).for_each(|_| self.step());
        } else if self.ahead("<<") {
            (0..2).for_each(|_| self.step());
            if self.peek(0) == Some('-') {
                self.step();
            }
            while matches!(self.peek(0), Some(' ' | '\t')) {
                self.step();
            }
            let quoted = matches!(self.peek(0), Some('\'' | '"' | '\\'));
            let end = self.word();
            self.heredocs.push((end, !quoted));
            return;
        } else if self.peek(1) == Some('(') {
            self.step();
            self.step();
            return self.list(Some(')'));
        } else {
            self.step();
            if self.peek(0).is_some_and(|next| next == c || "&|".contains(next)) {
                self.step();
            }
        }
        one.redirected = true;
    }

    fn heredocs(&mut self) {
        for (end, runs) in std::mem::take(&mut self.heredocs) {
            let (mut body, mut line) = (String::new(), String::new());
            let began = self.line;
            loop {
                let c = self.peek(0);
                if matches!(c, None | Some('\n')) {
                    if line.trim() == end || c.is_none() {
                        self.step();
                        break;
                    }
                    body.push_str(&line);
                    body.push('\n');
                    line.clear();
                } else if let Some(c) = c {
                    line.push(c);
                }
                self.step();
            }
            if runs {
                self.substitutions(&body, began);
            }
        }
    }

    /// The commands inside `$( )` and backticks of a text.
    fn substitutions(&mut self, text: &str, line: u32) {
        let mut inner = Self { chars: text.chars().collect(), line, depth: self.depth, ..Self::default() };
        while let Some(c) = inner.peek(0) {
            match c {
                '$' | '`' => drop(inner.expansion()),
                '\\' => {
                    inner.step();
                    inner.step();
                }
                _ => inner.step(),
            }
        }
        self.commands.append(&mut inner.commands);
        self.functions.append(&mut inner.functions);
    }

    fn comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.comment.resize(self.chars.len(), false);
            if let Some(mark) = self.comment.get_mut(self.at) {
                *mark = true;
            }
            self.step();
        }
    }

    /// One word, quotes taken off, up to what ends it.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek(0) {
            match c {
                c if c.is_whitespace() || ";&|()<>".contains(c) => break,
                '\'' => {
                    self.step();
                    while let Some(c) = self.peek(0).filter(|c| *c != '\'') {
                        word.push(c);
                        self.step();
                    }
                    self.step();
                }
                '"' => {
                    self.step();
                    while let Some(c) = self.peek(0).filter(|c| *c != '"') {
                        match c {
                            '\\' => {
                                self.step();
                                word.extend(self.peek(0));
                                self.step();
                            }
                            '$' | '`' => word.push_str(&self.expansion()),
                            c => {
                                word.push(c);
                                self.step();
                            }
                        }
                    }
                    self.step();
                }
                '\\' => {
                    self.step();
                    word.extend(self.peek(0).filter(|c| *c != '\n'));
                    self.step();
                }
                '$' | '`' => word.push_str(&self.expansion()),
                c => {
                    word.push(c);
                    self.step();
                }
            }
        }
        word
    }

    /// What begins with `$` or a backtick, as it stands; the commands in it are read.
    fn expansion(&mut self) -> String {
        if self.peek(0) == Some('`') {
            self.step();
            let (mut inside, line) = (String::new(), self.line);
            while let Some(c) = self.peek(0).filter(|c| *c != '`') {
                inside.push(c);
                self.step();
            }
            self.step();
            let mut inner =
                Self { chars: inside.chars().collect(), line, depth: self.depth + 1, ..Self::default() };
            while inner.at < inner.chars.len() {
                inner.list(None);
            }
            self.commands.append(&mut inner.commands);
            return "$()".into();
        }
        self.step();
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') => {
                self.skip_arithmetic();
                "$()".into()
            }
            Some('(') => {
                self.step();
                self.list(Some(')'));
                "$()".into()
            }
            Some('{') => {
                let (mut out, mut open) = (String::from("$"), 0_usize);
                while let Some(c) = self.peek(0) {
                    out.push(c);
                    self.step();
                    match c {
                        '{' => open += 1,
                        '}' => open -= 1,
                        _ => {}
                    }
                    if open == 0 {
                        break;
                    }
                }
                out
            }
            _ => "$".into(),
        }
    }

    fn end(&mut self, one: &mut Building) {
        one.redirected = false;
        let words = std::mem::take(&mut one.words);
        let line = one.line;
        one.line = self.line;
        // The words of `for x in …` and of an open `case …` are no commands.
        if matches!(words.first().map(String::as_str), Some("for" | "select" | "case" | "function")) {
            return;
        }
        let words: Vec<String> = words.into_iter().skip_while(|word| is_assignment(word)).collect();
        if !words.is_empty() {
            self.commands.push(Simple { words, line });
        }
    }
}

/// `NAME=…`, `NAME+=…`, `NAME[i]=…`.
fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let name = name.trim_end_matches('+');
    let name = name.split('[').next().unwrap_or(name);
    crate::runbook::front::is_variable(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn programs(code: &str) -> Vec<String> {
        read(code).commands.into_iter().filter_map(|one| one.words.into_iter().next()).collect()
    }

    #[test]
    fn every_command_is_found_wherever_it_stands() {
        let cases: [(&str, &[&str]); 22] = [
            ("a 1 | b 2 && c || d; e & f", &["a", "b", "c", "d", "e", "f"]),
            ("X=1 Y=\"$(a b)\" c", &["a", "c"]),
            ("X=$(a)\nY=`b; c`", &["a", "b", "c"]),
            ("if a; then b; elif c; then d; else e; fi", &["a", "b", "c", "d", "e"]),
            ("for x in a b $(c); do d $x; done > out", &["c", "d"]),
            ("while read -r x; do a; done < <(b c)", &["read", "a", "b"]),
            ("case $(a) in x|y) b;; *) c ;; esac; d", &["a", "b", "c", "d"]),
            ("f() { a; }\nfunction g { b; }\nf", &["a", "b", "f"]),
            ("a <<EOF\nnot a command\n$(b)\nEOF\nc", &["b", "a", "c"]),
            ("a <<'EOF'\n$(b)\nEOF\nc", &["a", "c"]),
            ("a # b\nc", &["a", "c"]),
            ("a 2>&1 >out <in &>all; b", &["a", "b"]),
            ("[[ $a < $b && -n $(c) ]] && d", &["c", "d"]),
            ("(( a < b )) || c; x=$((1 + 2)); d", &["c", "d"]),
            ("( a; ( b ) ); { c; }", &["a", "b", "c"]),
            ("echo \"x $(a \"$(b)\") y\"", &["b", "a", "echo"]),
            ("xs=(a b $(c)); d ${xs[@]}", &["c", "d"]),
            ("! a; time b", &["a", "b"]),
            ("a \\\n  b\nc", &["a", "c"]),
            ("'quoted name' x; \"$TOOL\" y", &["quoted name", "$TOOL"]),
            ("echo a#b; echo '# c'; d", &["echo", "echo", "d"]),
            ("test \"$(readlink x)\" = y || { a; exit 1; }", &["readlink", "test", "a", "exit"]),
        ];
        for (code, wanted) in cases {
            let mut found = programs(code);
            let mut wanted: Vec<_> = wanted.iter().map(|word| (*word).to_owned()).collect();
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{code}");
        }
    }

    #[test]
    fn comments_go_and_lines_are_counted() {
        let script = read("a # see http://x\n\nb \\\n c\nd");
        assert_eq!(script.text, "a               \n\nb \\\n c\nd".to_owned());
        let lines: Vec<_> = script.commands.iter().map(|one| one.line).collect();
        assert_eq!(lines, [0, 2, 4]);
        assert_eq!(read("f() { a; }").functions, BTreeSet::from(["f".to_owned()]));
    }

    proptest! {
        #[test]
        fn any_text_is_read(code in "[a-c$(){}\\[\\]'\"`<>|&;# \\n\\\\=!]{0,80}") {
            prop_assert_eq!(read(&code).text.chars().count(), code.chars().count());
        }
    }
}
