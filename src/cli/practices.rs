//! `warroom practices`: what this product serves, said by the product itself.

use super::exit;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

const TABLE: &str = include_str!("practices.toml");

/// The 42 practices of release recovery: what serves each, and which test shows it
#[derive(Debug, clap::Args)]
pub struct PracticesArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Whether a practice can be used in the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Served {
    /// It can, on real input, and a test shows it.
    #[serde(rename = "served")]
    Served,
    /// Not yet.
    #[serde(rename = "not yet")]
    NotYet,
}

/// One practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Practice {
    /// `5.4`.
    pub number: String,
    /// What it is.
    pub name: String,
    /// Whether it is served.
    pub status: Served,
    /// The command, screen or runbook that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The tests that show it: `tests/drill.rs::name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
}

#[derive(Deserialize)]
struct Table {
    practice: Vec<Practice>,
}

/// All of them, in their order.
///
/// # Errors
/// Where the table that is compiled in is none, which a test excludes.
pub fn all() -> Result<Vec<Practice>, toml::de::Error> {
    toml::from_str(TABLE).map(|table: Table| table.practice)
}

/// Prints them.
pub fn run(args: &PracticesArgs) -> ExitCode {
    let all = match all() {
        Ok(all) => all,
        Err(error) => {
            complain!("{error}");
            return exit::code(exit::REFUSED);
        }
    };
    if args.json {
        exit::print(&all);
        return exit::code(exit::DONE);
    }
    for practice in &all {
        let status = if practice.status == Served::Served { "served " } else { "not yet" };
        say!("{:<4} {status}  {}", practice.number, practice.name);
        if let Some(by) = &practice.by {
            say!("               {by}");
        }
        for test in &practice.tests {
            say!("               shown by {test}");
        }
    }
    let served = all.iter().filter(|practice| practice.status == Served::Served).count();
    say!("{served} of {} served", all.len());
    exit::code(exit::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_be_served_names_tests_that_are_there() {
        let all = all().unwrap();
        assert_eq!(all.len(), 42);
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for practice in all {
            let served = practice.status == Served::Served;
            assert_eq!(served, !practice.tests.is_empty(), "{}", practice.number);
            assert_eq!(served, practice.by.is_some_and(|by| !by.is_empty()), "{}", practice.number);
            for test in practice.tests {
                let (file, name) = test.split_once("::").unwrap();
                let text = std::fs::read_to_string(root.join(file)).unwrap();
                let is_test =
                    format!(r"#\[(tokio::)?test[^\n]*\]\n(\s*#\[[^\n]*\]\n)*\s*(async )?fn {name}\(");
                let found = regex::Regex::new(&is_test).unwrap().is_match(&text);
                assert!(found, "{}: {file} has no test {name}", practice.number);
            }
        }
    }
}
