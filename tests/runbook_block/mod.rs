//! A named block of a shipped runbook, taken from the file as it stands and run by `sh`.

use std::fmt::Display;
use std::process::{Command, Stdio};

/// A block's code and the inputs it gets.
pub struct Block {
    code: String,
    env: Vec<(String, String)>,
}

/// How it went.
pub struct Done {
    /// Exit code 0.
    pub ok: bool,
    /// Both outputs, for reading.
    pub output: String,
}

impl Block {
    /// The block called `name` in `runbooks/FILE`.
    pub fn of(file: &str, name: &str) -> Self {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let mark = format!("name={name} ");
        let code: Vec<&str> = text
            .lines()
            .skip_while(|line| !(line.trim_start().starts_with("```sh {") && line.contains(&mark)))
            .skip(1)
            .take_while(|line| line.trim() != "```")
            .map(|line| line.strip_prefix("   ").unwrap_or(line))
            .collect();
        assert!(!code.is_empty(), "{file} has no block {name}");
        Self { code: code.join("\n"), env: Vec::new() }
    }

    /// Gives it an input.
    pub fn env(mut self, name: &str, value: impl Display) -> Self {
        self.env.push((name.into(), value.to_string()));
        self
    }

    /// Runs it.
    pub fn run(self) -> Done {
        let done = Command::new("sh")
            .args(["-c", &self.code])
            .envs(self.env)
            .stdin(Stdio::null())
            .output()
            .expect("sh can be started");
        let output = [done.stdout, done.stderr].concat();
        Done { ok: done.status.success(), output: String::from_utf8_lossy(&output).into_owned() }
    }
}
