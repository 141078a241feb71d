//! `warroom tail`: the timeline as it happens.

use super::{With, exit, reach};
use crate::{
    domain::{Event, Fact, State, erasure, id::IncidentId, jump::Jumps, tell, text, time::clock_utc},
    signal::Shows,
    transport::client,
    wire::{As, Ask, FromRoom, ToRoom, Told},
};
use std::process::ExitCode;

/// Follow the timeline
#[derive(Debug, clap::Args)]
pub struct TailArgs {
    /// Only this incident
    #[arg(long, value_name = "INCIDENT")]
    incident: Option<IncidentId>,
    /// From this event on, 0 for the next one to come
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// Print what is there and end
    #[arg(long)]
    no_follow: bool,
    /// Everything, also how it was done
    #[arg(long)]
    all: bool,
    /// Each event as JSON
    #[arg(long)]
    json: bool,
}

/// Prints events until interrupted.
pub fn run(with: &With, args: &TailArgs) -> ExitCode {
    exit::block_on(async {
        let reached = match reach::Session::existing(with).await {
            Ok(session) => session.socket,
            Err(error) => return error.say(),
        };
        match follow(&reached, args).await {
            Ok(()) => exit::DONE,
            Err(error) => exit::no_room(&error),
        }
    })
}

async fn follow(socket: &std::path::Path, args: &TailArgs) -> Result<(), client::NoRoom> {
    let (mut reader, mut writer, hello) =
        client::connect(socket, As::Script, (!args.no_follow).then(Shows::little), None).await?;
    let FromRoom::Hello { room, .. } = hello else { return Ok(()) };
    let mut next = if args.from == 0 { room.head + 1 } else { args.from };
    let ask = |from| ToRoom::Ask { n: 1, ask: Ask::Events { from, limit: 1_000, incident: args.incident } };
    writer.send(&ToRoom::Ask { n: 0, ask: Ask::State }).await?;
    writer.send(&ask(next)).await?;
    let mut state = State::default();
    let mut caught_up = false;
    let mut jumps = Jumps::default();
    let mut waiting: Vec<Event> = Vec::new();
    loop {
        if exit::is_unread() {
            return Ok(());
        }
        match reader.next().await? {
            FromRoom::Told { told: Told::State(known), .. } => state = *known,
            FromRoom::Told { told: Told::Events { events, next: more }, .. } => {
                for event in &events {
                    next = event.seq + 1;
                    print(event, &state, &mut jumps, args);
                }
                if let Some(more) = more {
                    writer.send(&ask(more)).await?;
                    continue;
                }
                caught_up = true;
                for event in waiting.drain(..) {
                    if event.seq >= next {
                        next = event.seq + 1;
                        print(&event, &state, &mut jumps, args);
                    }
                }
                if args.no_follow {
                    return Ok(());
                }
            }
            // Its number may become another's: it is told, and told again when it has its own.
            FromRoom::Event(event) if event.is_provisional() => {
                let wanted = args.incident.is_none() || event.stream == args.incident;
                wanted.then(|| print(&event, &state, &mut jumps, args));
            }
            FromRoom::Event(event) => {
                let wanted = args.incident.is_none() || event.stream == args.incident;
                if !caught_up {
                    waiting.extend(wanted.then_some(*event));
                } else if event.seq >= next {
                    next = event.seq + 1;
                    if wanted {
                        print(&event, &state, &mut jumps, args);
                    }
                }
            }
            // In place of events, where they were not read in time: what is missing is asked for.
            FromRoom::Snapshot { state, .. } if caught_up && state.head >= next => {
                caught_up = false;
                writer.send(&ask(next)).await?;
            }
            _ => {}
        }
    }
}

fn print(event: &Event, state: &State, jumps: &mut Jumps, args: &TailArgs) {
    let jump = jumps.note(event);
    if args.json {
        // Both clocks are in each line.
        exit::print(event);
        return;
    }
    if let Some(jump) = jump {
        say!("{:<9} {jump} (before #{})", "CLOCK", event.seq);
    }
    if args.all || tell::matters(event) {
        let told = words(event);
        // Who erased it and why was written down later than what it was.
        match event.fact {
            Fact::Erased => {
                let why = erasure::words(state, event.seq);
                say!("{}", told.replace("[erased]", &text::line(&why)));
            }
            _ => say!("{told}"),
        }
    }
}

/// `14:05:12Z #41 ana   decided: roll back`
pub fn words(event: &Event) -> String {
    format!(
        "{} #{:<4} {:<8} {}{}",
        clock_utc(event.occurred.wall),
        event.seq,
        tell::who(event),
        tell::offline(event),
        tell::line(event)
    )
}
