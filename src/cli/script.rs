//! `warroom do`: commands as JSON in, outcomes as JSON out.

use super::{
    With, exit,
    reach::{Session, Unreached},
};
use crate::{
    domain::{Command, CommandId},
    wire::Outcome,
};
use serde::Deserialize;
use std::{
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::ExitCode,
};
use uuid::Uuid;

/// Do commands that are given as JSON
///
/// Each line is a command as the wire and the journal have it, such as
/// {"note":{"say":{"incident":"INC-1","text":"looking"}}}, or {"id":"UUID","command":{…}} with a name of your own: sent
/// again under the same name, it is done once. Each is answered by one line of JSON. The first that is not done ends it.
#[derive(Debug, clap::Args)]
pub struct DoArgs {
    /// A file; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Go on after a command that was not done; the exit code is the first one's
    #[arg(long)]
    keep_going: bool,
}

/// A command under a name of the sender's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: Uuid,
    command: Command,
}

/// Does them.
pub fn run(with: &With, args: &DoArgs) -> ExitCode {
    exit::block_on(async {
        let input: Box<dyn BufRead> = if args.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            match std::fs::File::open(&args.file) {
                Ok(file) => Box::new(BufReader::new(file)),
                Err(error) => {
                    exit::warn(&format!("{} cannot be read: {error}", args.file.display()));
                    return exit::USAGE;
                }
            }
        };
        match each(with, args, input).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

async fn each(with: &With, args: &DoArgs, input: Box<dyn BufRead>) -> Result<u8, Unreached> {
    let mut session = Session::open(with).await?;
    let mut first = exit::DONE;
    for (number, text) in input.lines().enumerate() {
        let read = text.map_err(|error| error.to_string()).and_then(|text| parse(&text));
        let code = match read {
            Ok(None) => continue,
            Ok(Some((id, command))) => {
                let outcome = session.client.command(CommandId(id), command).await?;
                exit::print(&outcome);
                code(&outcome)
            }
            Err(why) => {
                exit::warn(&format!("{}:{}: {why}", args.file.display(), number + 1));
                exit::USAGE
            }
        };
        if first == exit::DONE {
            first = code;
        }
        if code != exit::DONE && !args.keep_going {
            break;
        }
    }
    Ok(first)
}

fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ok { .. } => exit::DONE,
        Outcome::Refused(_) => exit::REFUSED,
        Outcome::Failed { .. } => exit::UNRECORDED,
    }
}

/// A line as a command and its name; nothing where it is empty.
fn parse(text: &str) -> Result<Option<(Uuid, Command)>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    // Told apart here and not by trying both, so that the error is about what was meant.
    let read = if value.get("command").is_some() {
        serde_json::from_slice(text.as_bytes()).map(|Named { id, command }| (id, command))
    } else {
        serde_json::from_slice(text.as_bytes()).map(|command| (Uuid::now_v7(), command))
    };
    read.map(Some).map_err(|error| format!("no command: {error}; docs/wire.md says how they look"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::note::NoteCommand;

    #[test]
    fn lines_are_commands_or_say_what_is_wrong() {
        let say = Command::Note(NoteCommand::Say { incident: None, text: "looking".into() });
        let bare = serde_json::to_string(&say).unwrap();
        assert_eq!(parse(&bare).unwrap().unwrap().1, say);
        let id = Uuid::from_u128(7);
        let named = format!("{{\"id\":\"{id}\",\"command\":{bare}}}");
        assert_eq!(parse(&named).unwrap(), Some((id, say)));
        assert_eq!(parse("  ").unwrap(), None);
        for (text, why) in [
            ("note", "no JSON"),
            ("{\"gadget\":{}}", "unknown variant `gadget`"),
            ("{\"id\":\"x\",\"command\":{}}", "no command"),
            ("{\"note\":{\"say\":{}}}", "missing field"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
