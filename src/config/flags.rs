//! Sources named on the command line: the strongest layer, made of the same tables as a file would be.

use super::{
    load::{World, assemble},
    model::Config,
    problem::{File, Files, Report},
    tree::{At, Entry, Node, Table, Value},
};
use clap::Args;
use std::{collections::BTreeSet, path::PathBuf};

/// Sources for one session, without a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct Flags {
    /// Watch a Prometheus HTTP API
    #[arg(long, value_name = "URL")]
    pub prom: Vec<String>,
    /// Scrape an exposition endpoint directly
    #[arg(long, value_name = "URL")]
    pub scrape: Vec<String>,
    /// Follow log files
    #[arg(long, value_name = "GLOB")]
    pub log: Vec<String>,
    /// Probe a URL
    #[arg(long, value_name = "URL")]
    pub probe: Vec<String>,
    /// Watch a release directory
    #[arg(long, value_name = "DIR")]
    pub release: Vec<String>,
    /// Open a runbook
    #[arg(long, value_name = "FILE")]
    pub runbook: Vec<String>,
    /// What relative paths are relative to.
    #[arg(skip)]
    pub here: PathBuf,
}

impl Flags {
    /// The first flag that was given, as it is written.
    pub fn first(&self) -> Option<&'static str> {
        [
            ("--prom", &self.prom),
            ("--scrape", &self.scrape),
            ("--log", &self.log),
            ("--probe", &self.probe),
            ("--release", &self.release),
            ("--runbook", &self.runbook),
        ]
        .into_iter()
        .find_map(|(flag, values)| (!values.is_empty()).then_some(flag))
    }

    /// The defaults with these flags over them, and no file at all.
    ///
    /// # Errors
    /// What is wrong with the flags, pointed at as they were written.
    pub fn into_config(self, world: &World<'_>) -> Result<Config, Report> {
        assemble(Vec::new(), &self, world).map(|loaded| loaded.config)
    }

    /// The flags as a layer, its Prometheus servers named as none of `taken`; its text is the command line, so that a mistake can be pointed at.
    pub(super) fn layer(&self, files: &mut Files, taken: &BTreeSet<String>) -> Option<Node> {
        let mut line = Line { file: files.len(), text: String::new() };
        let mut sources = Vec::new();
        let names = (2..).map(|n| format!("prom-{n}"));
        let mut names = std::iter::once("prom".to_owned()).chain(names).filter(|name| !taken.contains(name));
        for (flag, kind, key, values) in [
            ("--prom", "prometheus", "url", &self.prom),
            ("--scrape", "scrape", "url", &self.scrape),
            ("--log", "log", "path", &self.log),
            ("--probe", "probe", "url", &self.probe),
            ("--release", "release", "dir", &self.release),
        ] {
            for value in values {
                let (flag_at, value) = line.write(flag, value);
                let at = value.at;
                let mut keys = vec![("kind", text(kind, flag_at)), (key, value)];
                if kind == "prometheus"
                    && let Some(name) = names.next().filter(|name| name != "prom")
                {
                    keys.push(("name", text(&name, flag_at)));
                }
                sources.push(table(keys, flag_at, at));
            }
        }
        let runbooks: Vec<Node> = self
            .runbook
            .iter()
            .map(|value| {
                let (flag_at, value) = line.write("--runbook", value);
                let at = value.at;
                table(vec![("path", value)], flag_at, at)
            })
            .collect();
        if line.text.is_empty() {
            return None;
        }
        let at = At { file: line.file, start: 0, end: 0 };
        let lists = [("source", sources), ("runbook", runbooks)];
        let root = lists
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(key, list)| (key, Node { at, value: Value::List(list) }))
            .collect();
        files.push(File { name: "command line".into(), dir: self.here.clone(), text: line.text });
        Some(table(root, at, at))
    }
}

struct Line {
    file: usize,
    text: String,
}

impl Line {
    fn write(&mut self, flag: &str, value: &str) -> (At, Node) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.text.push_str(flag);
        let flag_at = At { file: self.file, start, end: self.text.len() };
        self.text.push(' ');
        let start = self.text.len();
        // One line each, whatever the value holds.
        self.text.push_str(&value.replace('\n', " "));
        let at = At { file: self.file, start, end: self.text.len() };
        (flag_at, text(value, at))
    }
}

fn text(value: &str, at: At) -> Node {
    Node { at, value: Value::Text(value.to_owned()) }
}

fn table(keys: Vec<(&str, Node)>, key: At, at: At) -> Node {
    let entries = keys.into_iter().map(|(name, node)| (name.to_owned(), Entry { key, node }));
    Node { at, value: Value::Table(entries.collect::<Table>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: World<'static> = World { home: None, exists: &|_| true };

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn flags_are_sources_like_any_other() {
        let flags = Flags {
            prom: strings(&["http://127.0.0.1:9090", "https://prom.example/x"]),
            scrape: strings(&["http://127.0.0.1:8080/metrics"]),
            log: strings(&["logs/app*.log"]),
            release: strings(&["/srv/checkout"]),
            runbook: strings(&["r.md"]),
            here: "/work".into(),
            ..Flags::default()
        };
        let config = flags.into_config(&WORLD).unwrap();
        let ids: Vec<_> = config.source.iter().map(super::super::source::Source::id).collect();
        assert_eq!(ids, ["prom", "prom-2", "scrape:127.0.0.1:8080", "log:app*.log", "release:checkout"]);
        assert_eq!(config.runbook[0].path, Some("/work/r.md".into()));
        assert!(
            matches!(&config.source[3], super::super::Source::Log(log) if log.path == "/work/logs/app*.log")
        );
    }

    #[test]
    fn a_flags_server_takes_no_name_that_a_file_gave() {
        let ids = |file: &str, prom: &[&str]| {
            let flags = Flags { prom: strings(prom), ..Flags::default() };
            let file = super::super::layer("w.toml", std::path::Path::new("/etc"), file.as_bytes().to_vec());
            let config = assemble(vec![file.unwrap()], &flags, &WORLD).unwrap().config;
            config.source.iter().map(super::super::source::Source::id).collect::<Vec<_>>()
        };
        let unnamed = "[[source]]\nkind = \"prometheus\"\nurl = \"http://a\"\n";
        assert_eq!(ids(unnamed, &["http://b"]), ["prom", "prom-2"]);
        let named = format!("{unnamed}name = \"prom-2\"\n");
        assert_eq!(ids(&named, &["http://b", "http://c"]), ["prom-2", "prom", "prom-3"]);
    }

    #[test]
    fn a_wrong_flag_is_pointed_at() {
        let flags = Flags { prom: strings(&["localhost:9090"]), ..Flags::default() };
        insta::assert_snapshot!(flags.into_config(&WORLD).unwrap_err());
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_not_repeated() {
        let flags = Flags { prom: strings(&["https://ana:hunter2@prom"]), ..Flags::default() };
        let told = flags.into_config(&WORLD).unwrap_err().to_string();
        assert!(told.contains("must not stand in a URL") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn no_flags_are_the_defaults() {
        assert_eq!(Flags::default().into_config(&WORLD).unwrap().source, []);
    }
}
