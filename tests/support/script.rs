//! A script's connection to a room, at the level of the wire.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};
use uuid::Uuid;
use warroom::{
    domain::{Command, CommandId, note::NoteCommand},
    signal::Shows,
    wire::{As, FromRoom, Outcome, ToRoom, WIRE, decode, encode},
};

/// One that was greeted.
pub struct Script {
    line: BufReader<UnixStream>,
}

impl Script {
    /// None where no room answers now.
    pub fn greeted(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let hello = ToRoom::Hello {
            wire: WIRE,
            fold: 0,
            role: As::Script,
            live: false,
            claimed: None,
            read_only: false,
            shows: Shows::default(),
            parts: false,
        };
        (&stream).write_all(&encode(&hello)).ok()?;
        let mut script = Self { line: BufReader::new(stream) };
        match script.next()? {
            FromRoom::Hello { .. } => Some(script),
            _ => None,
        }
    }

    /// The next frame; none where the room went away.
    pub fn next(&mut self) -> Option<FromRoom> {
        let mut bytes = Vec::new();
        self.line.read_until(b'\n', &mut bytes).ok()?;
        if bytes.last() != Some(&b'\n') {
            return None;
        }
        Some(decode(&bytes).unwrap())
    }

    /// Sends a command that has a name; gives what came of it, none where the room went away first.
    pub fn does(&mut self, id: CommandId, command: Command) -> Option<Outcome> {
        self.line.get_mut().write_all(&encode(&ToRoom::Do { id, command, glass: None })).ok()?;
        loop {
            match self.next()? {
                FromRoom::Done { id: done, outcome } if done == id => return Some(outcome),
                FromRoom::Bye { .. } => return None,
                _ => {}
            }
        }
    }

    /// Writes a note.
    pub fn says(&mut self, text: &str) -> Option<Outcome> {
        let command = Command::Note(NoteCommand::Say { incident: None, text: text.to_owned() });
        self.does(CommandId(Uuid::now_v7()), command)
    }
}
