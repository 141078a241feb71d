//! Completions, manual pages and the table of keys, from the same tables as everything else.

use super::exit;
use clap_complete::Shell;
use std::{path::PathBuf, process::ExitCode};

/// Completions for a shell, on standard output
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

/// Manual pages
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Where they are written, one a subcommand
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Prints completions.
pub fn completions(args: &CompletionsArgs) -> ExitCode {
    clap_complete::generate(args.shell, &mut super::table(), "warroom", &mut std::io::stdout());
    exit::code(exit::DONE)
}

/// Writes manual pages.
pub fn man(args: &ManArgs) -> ExitCode {
    let written =
        std::fs::create_dir_all(&args.dir).and_then(|()| clap_mangen::generate_to(super::table(), &args.dir));
    match written {
        Ok(()) => exit::code(exit::DONE),
        Err(error) => {
            eprintln!("{} cannot be written: {error}", args.dir.display());
            exit::code(exit::REFUSED)
        }
    }
}

/// Prints the seat's keys as Markdown.
pub fn keys() -> ExitCode {
    print!("{}", crate::seat::command::doc::markdown());
    exit::code(exit::DONE)
}

#[cfg(test)]
mod tests {
    use clap::Command;

    fn visible(command: &Command) -> Vec<&Command> {
        command.get_subcommands().filter(|one| !one.is_hide_set()).collect()
    }

    #[test]
    fn every_subcommand_says_what_it_does() {
        super::super::table().debug_assert();
        for command in visible(&super::super::table()) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        }
    }

    #[test]
    fn pages_and_completions_are_made_for_all() {
        let dir = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(super::super::table(), dir.path()).unwrap();
        assert!(dir.path().join("warroom-gate.1").exists());
        let mut out = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut super::super::table(), "warroom", &mut out);
        assert!(String::from_utf8(out).unwrap().contains("declare"));
    }
}
