//! `warroom who`: who is here, where they look, and the line to join.

use super::{With, exit, reach::Session};
use crate::{
    domain::{State, time::Wall},
    os::clock,
    wire::{Presence, RoomStatus},
};
use std::process::ExitCode;

/// Who is here, where they look, since when they are idle, and the line to join
#[derive(Debug, clap::Args)]
pub struct WhoArgs {
    /// As JSON: everybody who is here and the line to join
    #[arg(long)]
    json: bool,
}

/// Prints it. Exit 20 where no room runs.
pub fn run(with: &With, args: &WhoArgs) -> ExitCode {
    exit::block_on(async {
        let (_, state, room) = match Session::told(with).await {
            Ok(told) => told,
            Err(error) => return error.say(),
        };
        let join = room.join_line(state.open_incident().map(|incident| incident.id), &named(with));
        if args.json {
            let here: Vec<&Presence> = room.seats();
            exit::print(&serde_json::json!({ "here": here, "private": room.private, "join": join }));
        } else {
            for line in lines(&room, &state, clock::now().wall, &join) {
                say!("{line}");
            }
        }
        exit::DONE
    })
}

/// What has to stand on the line to join where the room is not found by itself.
pub fn named(with: &With) -> String {
    let quote = |path: &std::path::Path| {
        let text = crate::domain::text::line(&path.to_string_lossy()).into_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
        if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
    };
    with.socket.as_deref().map(|path| format!("--socket {}", quote(path))).unwrap_or_default()
}

/// The same in words, a line for each seat.
pub fn lines(room: &RoomStatus, state: &State, now: Wall, join: &str) -> Vec<String> {
    let seats = room.seats();
    let mut lines: Vec<String> = Vec::new();
    if seats.is_empty() {
        lines.push("nobody has a seat here".into());
    }
    let wide = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let clean = |text: &str| crate::domain::text::line(text).into_owned();
    let names = wide(&mut seats.iter().map(|one| one.who.name.chars().count()));
    let idles = wide(&mut seats.iter().map(|one| one.activity(now).chars().count()));
    for one in seats {
        let place = one.look.as_ref().map_or_else(|| "--".to_owned(), |look| clean(&look.say(state)));
        let notes: Vec<String> = one.notes(&room.here).iter().map(|note| clean(note)).collect();
        let notes = notes.join("  ");
        let (name, idle) = (clean(&one.who.name), one.activity(now));
        lines.push(format!("{name:names$}  {idle:idles$}  {place}  {notes}").trim_end().to_owned());
    }
    let only = if room.private { "  (PRIVATE: only you can)" } else { "" };
    lines.push(format!("to join  {join}{only}"));
    lines
}
