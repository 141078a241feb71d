//! In which environment the steps of a room run: its person's, or the one that the room keeps for them beside its
//! socket, as a practice does.

use crate::os::dirs;
use std::{collections::BTreeMap, ffi::OsString, io, path::Path};

/// The file's name. A room that has it lends no step the environment of a person.
pub const FILE: &str = "environment.json";

/// The environment of a room's steps.
///
/// # Errors
/// Where the room keeps one and it cannot be read: nobody's own is taken in its place.
pub fn environment(socket: &Path) -> Result<BTreeMap<OsString, OsString>, String> {
    // Only in a directory that is this user's alone: others do not say what a step finds.
    let dir = dirs::beside(socket).ok().filter(|dir| Some(dir.as_path()) == socket.parent());
    let Some(file) = dir.map(|dir| dir.join(FILE)) else { return Ok(std::env::vars_os().collect()) };
    let wrong = |why: &dyn std::fmt::Display| format!("{} cannot be read: {why}", file.display());
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(std::env::vars_os().collect()),
        Err(error) => return Err(wrong(&error)),
    };
    let kept: BTreeMap<String, String> = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    Ok(kept.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_that_keeps_one_lends_nothing_of_its_persons() {
        let dir = tempfile::tempdir().unwrap();
        dirs::private(dir.path()).unwrap();
        let socket = dir.path().join("room.sock");
        assert!(environment(&socket).unwrap().contains_key(&OsString::from("PATH")));
        std::fs::write(dir.path().join(FILE), r#"{"HOME":"/practice"}"#).unwrap();
        assert_eq!(environment(&socket).unwrap(), BTreeMap::from([("HOME".into(), "/practice".into())]));
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(environment(&socket).unwrap_err().contains("cannot be read"));
    }
}
