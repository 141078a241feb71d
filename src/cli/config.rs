//! `warroom config`: what is wrong with a configuration, what is in force, what may stand in it.

use crate::config::{Ask, DEFAULT, Flags, Report, load, schema::schema};
use clap::{Args, Subcommand};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Check, show and describe the configuration
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigCommand {
    /// Say everything that is wrong; exit 1 where something is
    Check {
        /// The file; without one, what is in force
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print every value that is in force and where it came from; never a secret
    Show {
        /// The file; without one, the usual places
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of warroom.toml
    Schema,
    /// Print the built-in defaults, a file to begin with
    Default,
}

/// Runs it. `config` is the global `--config`.
pub fn run(args: &ConfigArgs, config: Option<PathBuf>) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let done = match &args.command {
        ConfigCommand::Schema => out.write_all(schema().as_bytes()).map(|()| true),
        ConfigCommand::Default => out.write_all(DEFAULT.as_bytes()).map(|()| true),
        ConfigCommand::Check { file, json } => check(file.clone().or(config), *json, &mut out, &mut err),
        ConfigCommand::Show { file, json } => show(file.clone().or(config), *json, &mut out, &mut err),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        // A reader that went away is no failure of ours.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

fn check(
    file: Option<PathBuf>,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<bool> {
    let loaded = load(&Ask::here(file, Flags::default()));
    let files: Vec<String> =
        loaded.as_ref().map(|ok| ok.files().map(str::to_owned).collect()).unwrap_or_default();
    let (fine, report) = match loaded {
        Ok(loaded) => (true, loaded.warnings),
        Err(report) => (false, report),
    };
    if json {
        let told = serde_json::json!({ "ok": fine, "files": files, "problems": report.problems });
        writeln!(out, "{told:#}")?;
        return Ok(fine);
    }
    print(&report, err)?;
    if fine {
        let read = if files.is_empty() {
            "no file: the built-in defaults are in force".into()
        } else {
            files.join(", ")
        };
        writeln!(out, "ok: {}", crate::domain::text::line(&read))?;
    }
    Ok(fine)
}

fn print(report: &Report, err: &mut dyn Write) -> std::io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    write!(err, "{report}")?;
    let (errors, all) = (report.errors(), report.problems.len());
    let s = |n: usize| if n == 1 { "" } else { "s" };
    writeln!(err, "\n{errors} error{}, {} warning{}", s(errors), all - errors, s(all - errors))
}

fn show(
    file: Option<PathBuf>,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<bool> {
    match load(&Ask::here(file, Flags::default())) {
        Ok(loaded) if json => writeln!(out, "{:#}", serde_json::json!(loaded.settings())).map(|()| true),
        Ok(loaded) => out.write_all(loaded.show().as_bytes()).map(|()| true),
        Err(report) => print(&report, err).map(|()| false),
    }
}
