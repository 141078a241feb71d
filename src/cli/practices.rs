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
    /// The file of the test that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// That test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
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
            eprintln!("{error}");
            return exit::code(exit::REFUSED);
        }
    };
    if args.json {
        exit::print(&all);
        return exit::code(exit::DONE);
    }
    for practice in &all {
        let status = if practice.status == Served::Served { "served " } else { "not yet" };
        println!("{:<4} {status}  {}", practice.number, practice.name);
        if let (Some(by), Some(test)) = (&practice.by, &practice.test) {
            println!("               {by}");
            println!("               test {test}");
        }
    }
    let served = all.iter().filter(|practice| practice.status == Served::Served).count();
    println!("{served} of {} served", all.len());
    exit::code(exit::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_be_served_names_a_test_that_is_there() {
        let all = all().unwrap();
        assert_eq!(all.len(), 42);
        for practice in all {
            match practice.status {
                Served::NotYet => assert_eq!(practice.test, None, "{}", practice.number),
                Served::Served => {
                    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(practice.file.unwrap());
                    let text = std::fs::read_to_string(&file).unwrap();
                    let name = format!("fn {}(", practice.test.unwrap());
                    assert!(text.contains(&name), "{}: {} has no {name}", practice.number, file.display());
                    assert!(practice.by.is_some_and(|by| !by.is_empty()));
                }
            }
        }
    }
}
