//! `warroom drill record`: a drill's result, taken over into the room that it was practice for.

use crate::{
    cli::{With, exit, reach, verify},
    domain::{
        Command, Fact, State, clock::ImpactState, drill::DrillCommand, room::RoomFact, text, time::Stamp,
    },
    journal::{Head, read_all},
    store::sqlite::{Mode, Sqlite},
};
use std::path::{Path, PathBuf};

/// Take a drill's result over into your room's scorecard
///
/// Its journal is verified first; what is recorded is what it was, when, how long it took to recover, and the head of
/// that journal's chain. You vouch for it under your own name.
#[derive(Debug, clap::Args)]
pub struct RecordArgs {
    /// What the drill left: its directory, or the journal in it
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Service that it was practice for, as your catalogue names it
    #[arg(long, value_name = "SERVICE")]
    service: String,
    /// Say what became of it as JSON
    #[arg(long)]
    json: bool,
}

/// Records it.
pub(super) fn run(with: &With, args: &RecordArgs) -> std::process::ExitCode {
    exit::block_on(async {
        let command = match result(&args.from, &args.service).await {
            Ok(command) => Command::Drill(command),
            Err(why) => {
                exit::warn(&text::line(&why));
                return exit::REFUSED;
            }
        };
        match reach::act(with, args.json, |_, _| Ok(command)).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

/// Reads a drill's journal to its end.
async fn result(from: &Path, service: &str) -> Result<DrillCommand, String> {
    let path = if from.is_dir() { from.join("journal.db") } else { from.to_owned() };
    let shown = path.display().to_string();
    if !path.is_file() {
        return Err(format!("there is no journal at {shown}: name the directory that the drill left"));
    }
    let report = verify::check(&path).await.map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if report.exit() != 0 {
        return Err(format!("{shown} is not sound, nothing is recorded: warroom verify {shown} says why"));
    }
    let store =
        Sqlite::open(&path, Mode::Read).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut state = State::default();
    let (mut began, mut last) = (None, None);
    read_all(&store, Head::EMPTY, |event| {
        if let Fact::Room(RoomFact::DrillBegan { scenario, pace }) = &event.fact {
            began = Some((scenario.clone(), *pace));
        }
        state.apply(&event);
        last = Some(event.occurred);
    })
    .await
    .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let (Some((scenario, pace)), Some(last)) = (began, last) else {
        return Err(format!("{shown} is no drill's journal: only what was practice is recorded as practice"));
    };
    let incident = state.incidents.values().rev().find(|one| one.drill);
    let incident = incident.ok_or_else(|| format!("{shown} has no incident: there is nothing to record"))?;
    let impact = incident.clocks.impact(&incident.declared, &last);
    let took = (impact.state == ImpactState::Final).then_some(impact.time);
    let at = incident.clocks.recovered.as_ref().map_or(&last, |mark| &mark.at);
    let Stamp { wall, .. } = at;
    Ok(DrillCommand::Record {
        service: service.to_owned(),
        scenario,
        at: *wall,
        took,
        pace,
        head: report.head,
    })
}
