//! How soon what has happened is to be seen.

use super::Event;
use crate::wire::FromRoom;

/// How soon a change is to be seen; the first the soonest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    /// The person waits for it.
    Key,
    /// It happened.
    Soon,
    /// One of many, as lines that run by.
    Flow,
    /// It was measured; the console's clock moves once a second too.
    Second,
}

impl Haste {
    /// Of an event, by whether the person looks at a log.
    pub fn of(event: &Event, at_log: bool) -> Self {
        match event {
            Event::Tick | Event::Input(_) => Self::Key,
            Event::Room(frame) => match **frame {
                FromRoom::Delta(_) if at_log => Self::Flow,
                FromRoom::Delta(_) => Self::Second,
                FromRoom::Hand { .. } | FromRoom::Here(_) => Self::Flow,
                _ => Self::Soon,
            },
            _ => Self::Soon,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seat::term::Input;

    #[test]
    fn a_key_is_seen_first_and_a_measurement_with_the_clock() {
        let measured = Event::Room(Box::new(FromRoom::Delta(Box::default())));
        assert_eq!(Haste::of(&measured, false), Haste::Second);
        assert_eq!(Haste::of(&measured, true), Haste::Flow, "who reads a log sees it run");
        assert_eq!(Haste::of(&Event::Input(Input::Resize(80, 24)), false), Haste::Key);
        assert_eq!(Haste::of(&Event::Coach(None), false), Haste::Soon);
    }
}
