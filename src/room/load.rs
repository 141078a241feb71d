//! What a client sends as a runbook's text, read by the room itself: its plan and its hash are the room's own.

use crate::{
    domain::{
        Command, Refusal, State,
        permissions::Principal,
        refusal::Code,
        walk::{TEXT_MAX, TITLE_MAX, WalkCommand},
    },
    runbook,
};
use std::sync::Arc;

/// The command as the rules decide it.
///
/// # Errors
/// `Invalid` where the text or a name is too long; `Forbidden` where a client says itself what a runbook comes to. Only
/// a drill's own player does that, with the stand-ins of the drill in it.
pub(super) fn read(state: &State, who: &Principal<'_>, command: Command) -> Result<Command, Refusal> {
    match command {
        Command::Walk(WalkCommand::Load { incident, source, text, inputs }) => {
            if text.len() > TEXT_MAX {
                let why = format!("the runbook has {} bytes, more than {TEXT_MAX}", text.len());
                return Err(Refusal::new(Code::Invalid, why).hint("split it into several runbooks"));
            }
            short("the name of the runbook's file", &source)?;
            let runbook = runbook::parse(&source, text.as_bytes());
            short("the runbook's title", &runbook.title)?;
            if runbook.source.starts_with("builtin:") && !runbook::is_builtin(&runbook) {
                let why = format!("{} is not the runbook of this name that is shipped", runbook.source);
                return Err(Refusal::new(Code::Invalid, why).hint(
                    "send it under the name of its own file, or begin it with a warroom of this version",
                ));
            }
            Ok(Command::Walk(WalkCommand::Start { incident, runbook: Arc::new(runbook), inputs }))
        }
        Command::Walk(WalkCommand::Start { .. }) if state.room.drill.is_none() || !who.is_owner => Err(
            Refusal::new(Code::Forbidden, "the room reads a runbook itself, and takes nobody's word for it")
                .hint("send its text: walk.load, or warroom step start FILE with a warroom of this version"),
        ),
        command => Ok(command),
    }
}

fn short(what: &str, words: &str) -> Result<(), Refusal> {
    let long = words.chars().count();
    if long <= TITLE_MAX {
        return Ok(());
    }
    Err(Refusal::new(Code::Invalid, format!("{what} has {long} characters, more than {TITLE_MAX}"))
        .hint("shorten it"))
}
