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
        writeln!(out, "{}", crate::domain::text::json(&format!("{told:#}")))?;
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
        Ok(loaded) if json => {
            let shown = format!("{:#}", serde_json::json!(loaded.settings()));
            writeln!(out, "{}", crate::domain::text::json(&shown)).map(|()| true)
        }
        Ok(loaded) => out.write_all(loaded.show().as_bytes()).map(|()| true),
        Err(report) => print(&report, err).map(|()| false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ConfigArgs,
    }

    fn checked(text: &str, json: bool) -> (bool, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("warroom.toml");
        std::fs::write(&path, text).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let fine = check(Some(path), json, &mut out, &mut err).unwrap();
        (fine, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_right_file_is_said_to_be_so() {
        let (fine, out, err) = checked("[ui]\nmouse = true\n", false);
        assert!(fine && out.starts_with("ok: ") && err.is_empty(), "{out}{err}");
    }

    #[test]
    fn a_wrong_one_is_counted() {
        let (fine, out, err) = checked("[ui]\nmouse = 1\ntheme = \"neon\"\n", false);
        assert!(!fine && out.is_empty() && err.ends_with("2 errors, 0 warnings\n"), "{out}{err}");
        assert!(err.contains("warroom.toml:2:9"), "{err}");
    }

    #[test]
    fn scripts_get_line_column_key_and_advice() {
        let (fine, out, _) = checked("\nthem = 1\n", true);
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        let first = &told["problems"][0];
        assert!(!fine && told["ok"] == false && first["level"] == "error");
        assert_eq!((first["line"].as_u64(), first["column"].as_u64()), (Some(2), Some(1)));
        assert_eq!(first["key"], "them");
        assert!(first["help"].as_str().unwrap().contains("known here"));
    }

    #[test]
    fn what_is_shown_names_origins_and_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.toml");
        let text =
            "[[source]]\nkind = \"prometheus\"\nurl = \"http://p\"\nauth = { bearer = { env = \"HOME\" } }\n";
        std::fs::write(&path, text).unwrap();
        let mut out = Vec::new();
        assert!(show(Some(path), false, &mut out, &mut Vec::new()).unwrap());
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.contains("source[0].auth.bearer.env = \"HOME\"  # ") && out.contains("w.toml:4\n"),
            "{out}"
        );
        assert!(out.contains("policy.recovery_hold = \"2m\"  # built-in defaults:"), "{out}");
    }

    #[test]
    fn the_command_line_reads() {
        for line in ["x check", "x check f.toml --json", "x show", "x schema", "x default"] {
            assert!(Line::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        assert!(Line::try_parse_from(["x", "chek"]).map(|line| line.args).is_err());
    }
}
