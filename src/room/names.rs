//! Names that were given while the journal was out of reach, and what they are in it.

use crate::domain::Command;
use std::collections::BTreeMap;

/// By the name that was given; none where nothing came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Names(BTreeMap<String, Option<String>>);

impl Names {
    /// What became of names that were given offline, in the order in which they were made.
    pub(super) fn learn(&mut self, given: &[String], made: &[String]) {
        let kind = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
        let mut left: Vec<&String> = made.iter().collect();
        for name in given {
            let same = left.iter().position(|one| kind(one) == kind(name));
            self.0.insert(name.clone(), same.map(|at| left.remove(at).clone()));
        }
    }

    /// The command with the names that things have in the journal, or the one that names nothing there.
    pub(super) fn renamed(&self, command: &Command) -> Result<Command, String> {
        if self.0.iter().all(|(given, now)| now.as_ref() == Some(given)) {
            return Ok(command.clone());
        }
        let Ok(mut value) = serde_json::to_value(command) else { return Ok(command.clone()) };
        self.rename(&mut value)?;
        let bytes = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    }

    /// What a name is in the journal: itself, where it was not given offline; none where nothing came of it.
    pub(super) fn now<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        self.0.get(name).map_or(Some(name), Option::as_deref)
    }

    /// A name stands alone in its string, as text of people hardly does.
    fn rename(&self, value: &mut serde_json::Value) -> Result<(), String> {
        match value {
            serde_json::Value::String(text) => match self.now(text) {
                Some(now) if now == text => {}
                Some(now) => *text = now.to_owned(),
                None => return Err(text.clone()),
            },
            serde_json::Value::Array(items) => {
                for item in items {
                    self.rename(item)?;
                }
            }
            serde_json::Value::Object(map) => {
                for item in map.values_mut() {
                    self.rename(item)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        id::{IncidentId, TaskId},
        note::NoteCommand,
        task::TaskCommand,
    };

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    fn done(incident: u32, task: u32) -> Command {
        let (incident, task) = (IncidentId(incident), TaskId(task));
        Command::Task(TaskCommand::Done { incident, task, result: "INC-1 is well".into() })
    }

    #[test]
    fn names_of_then_are_the_names_of_now_all_at_once() {
        let mut known = Names::default();
        // Two incidents change places.
        known.learn(&names(&["INC-1", "TSK-4"]), &names(&["INC-2", "TSK-9"]));
        known.learn(&names(&["INC-2"]), &names(&["INC-1"]));
        assert_eq!(known.renamed(&done(1, 4)), Ok(done(2, 9)));
        assert_eq!(known.renamed(&done(2, 5)), Ok(done(1, 5)));
        let said = |text: &str| Command::Note(NoteCommand::Say { incident: None, text: text.into() });
        assert_eq!(known.renamed(&said("see INC-1")), Ok(said("see INC-1")));
    }

    #[test]
    fn what_came_of_nothing_is_named_by_nothing() {
        let mut known = Names::default();
        known.learn(&names(&["INC-1"]), &[]);
        assert_eq!(known.renamed(&done(1, 4)), Err("INC-1".into()));
        assert_eq!(known.renamed(&done(2, 4)), Ok(done(2, 4)));
        // Another kind in between is none of it.
        known.learn(&names(&["TSK-1", "DEV-1"]), &names(&["DEV-3", "TSK-2"]));
        assert_eq!(known.renamed(&done(2, 1)), Ok(done(2, 2)));
    }
}
