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
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut super::table(), "warroom", &mut out);
    printed(&String::from_utf8_lossy(&out))
}

/// Writes manual pages.
pub fn man(args: &ManArgs) -> ExitCode {
    let written =
        std::fs::create_dir_all(&args.dir).and_then(|()| clap_mangen::generate_to(super::table(), &args.dir));
    match written {
        Ok(()) => exit::code(exit::DONE),
        Err(error) => {
            complain!("{} cannot be written: {error}", args.dir.display());
            exit::code(exit::REFUSED)
        }
    }
}

/// Prints the seat's keys as Markdown.
pub fn keys() -> ExitCode {
    printed(&crate::seat::command::doc::markdown())
}

/// Prints every subcommand as Markdown.
pub fn commands() -> ExitCode {
    printed(&markdown())
}

/// Whoever reads may have seen enough before the end.
fn printed(text: &str) -> ExitCode {
    exit::say(text.trim_end());
    exit::code(exit::DONE)
}

/// What stands before the subcommands: what all of them have in common.
const COMMANDS_HEAD: &str = "\
# Commands

Without a subcommand `warroom` opens a seat. Everything a seat does by a key has a verb here; `--json` makes its answer a
line of JSON, `-` in place of a text reads standard input. `warroom man DIR` writes manual pages, `warroom completions
SHELL` prints completions.

## Exit codes

| code | means |
|---|---|
| 0 | done; for `gate`: allow; for `verify`: sound |
| 1 | refused by the rules, or it failed; for `verify`: tampered |
| 2 | wrong usage or configuration; for `verify`: incomplete |
| 10 | `gate`: frozen |
| 11 | `gate`: a readiness check failed |
| 12 | the room cannot write its journal: nothing was recorded; for `gate`: undecided |
| 20 | no room answers |
| 129, 130, 143 | ended by SIGHUP, SIGINT, SIGTERM |
";

fn markdown() -> String {
    use std::fmt::Write as _;
    fn page(out: &mut String, path: &str, command: &clap::Command, depth: usize) {
        let name = format!("{path} {}", command.get_name());
        let mut shown = command.clone().bin_name(name.clone()).term_width(100).disable_help_flag(true);
        // What every subcommand takes stands once, with `warroom` itself.
        let globals: Vec<_> =
            shown.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().clone()).collect();
        for id in globals {
            shown = shown.mut_arg(id, |arg| arg.hide(true));
        }
        let help = shown.render_long_help().to_string();
        let help: Vec<_> = help.lines().map(str::trim_end).collect();
        let _ = write!(out, "\n{} `{name}`\n\n```text\n{}\n```\n", "#".repeat(depth), help.join("\n").trim());
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
            page(out, &name, sub, depth + 1);
        }
    }
    let mut out = COMMANDS_HEAD.to_owned();
    out.push_str(&super::twin::markdown());
    for command in super::table().get_subcommands().filter(|command| !command.is_hide_set()) {
        page(&mut out, "warroom", command, 2);
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Command;

    /// The pages in `docs/` are the tables, printed; `WARROOM_UPDATE=1` prints them anew.
    #[test]
    fn the_pages_in_the_repository_are_the_tables() {
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let pages = [("commands.md", super::markdown()), ("keys.md", crate::seat::command::doc::markdown())];
        for (name, page) in pages {
            let path = docs.join(name);
            if std::env::var_os("WARROOM_UPDATE").is_some() {
                std::fs::write(&path, &page).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                kept == page,
                "docs/{name} is not what the table says: WARROOM_UPDATE=1 cargo test --lib pages"
            );
        }
    }

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
