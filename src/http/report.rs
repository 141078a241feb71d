//! What the gate answered, on its way to the room: never waited for, never lost. Where the room is behind, repeats are
//! counted here and sent when there is place again.

use crate::domain::{
    actor::Actor,
    gate::{Answer, Request},
    id::FreezeId,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, mpsc, mpsc::error::TrySendError};

type Item = (Actor, Request, Answer);
/// What repeats are of: freeze, why, target, artifact, action, dry run, who.
type Key = (Option<FreezeId>, u8, [String; 3], &'static str, bool, (String, Option<String>));

/// Kinds that are counted apart at most; beyond, all of one caller and freeze are counted together.
const KINDS: usize = 1_024;
/// The names of those.
const OTHERS: [&str; 3] = ["(other services)", "(other environments)", "(other artifacts)"];

/// Sends to the room.
pub struct Report {
    to: mpsc::Sender<Item>,
    late: Mutex<BTreeMap<Key, (Item, u64)>>,
    more: Notify,
}

impl Report {
    /// Sends to this room.
    pub fn new(to: mpsc::Sender<Item>) -> Self {
        Self { to, late: Mutex::default(), more: Notify::new() }
    }

    /// Tells the room of an answer, where the journal has a use for it.
    pub fn answered(&self, who: Actor, request: Request, answer: &Answer) {
        if !answer.is_kept() {
            return;
        }
        if let Err(TrySendError::Full(item)) = self.to.try_send((who, request, answer.clone())) {
            self.keep(item);
            self.more.notify_one();
        }
    }

    fn late(&self) -> MutexGuard<'_, BTreeMap<Key, (Item, u64)>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, mut item: Item) {
        let mut late = self.late();
        let mut key = key(&item);
        if late.len() >= KINDS && !late.contains_key(&key) {
            let [service, env, artifact] = OTHERS.map(str::to_owned);
            item.1 = Request { service, env, artifact, alias: None, ..item.1 };
            key = self::key(&item);
        }
        late.entry(key).or_insert((item, 0)).1 += 1;
    }

    fn take(&self) -> Option<Item> {
        let mut late = self.late();
        let mut entry = late.first_entry()?;
        let (item, times) = entry.get_mut();
        *times = times.saturating_sub(1);
        Some(if *times == 0 { entry.remove().0 } else { item.clone() })
    }

    /// Sends what is late, until the room is gone.
    pub async fn catch_up(&self) {
        while self.send_late().await {
            self.more.notified().await;
        }
    }

    /// Sends what is late now; false where the room is gone.
    pub async fn send_late(&self) -> bool {
        while !self.late().is_empty() {
            // Place first, so that what is taken is not lost when this is dropped while it waits.
            let Ok(place) = self.to.reserve().await else { return false };
            match self.take() {
                Some(item) => place.send(item),
                None => break,
            }
        }
        !self.to.is_closed()
    }
}

fn key((who, request, answer): &Item) -> Key {
    let names = [request.service.clone(), request.env.clone(), request.artifact.clone()];
    let why = answer.because.exit();
    (
        answer.freeze,
        why,
        names,
        request.action.word(),
        request.dry_run,
        (who.name.clone(), request.alias.clone()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gate::{Action, Because};

    fn item(artifact: &str) -> (Actor, Request, Answer) {
        let request = Request {
            service: "s".into(),
            env: "e".into(),
            artifact: artifact.into(),
            action: Action::Deploy,
            dry_run: false,
            alias: None,
        };
        let answer = Answer {
            allowed: false,
            hold: true,
            abort: false,
            because: Because::Frozen,
            reason: "frozen".into(),
            freeze: Some(FreezeId(1)),
            incident: None,
            valid_until: None,
            seq: 1,
            checks: Vec::new(),
            warned: false,
        };
        (Actor::token("ci"), request, answer)
    }

    #[tokio::test]
    async fn nothing_is_lost_and_nothing_waits_where_the_room_is_behind() {
        let (to, mut room) = mpsc::channel(4);
        let report = Report::new(to);
        let sent = KINDS * 2 + 500;
        for n in 0..sent {
            let (who, request, answer) = item(&format!("a{}", n % (KINDS * 2)));
            report.answered(who, request, &answer);
        }
        assert!(report.late().len() <= KINDS + 1);
        let mut seen = 0;
        let counting = async {
            while seen < sent {
                room.recv().await.unwrap();
                seen += 1;
            }
        };
        let (alive, ()) = tokio::join!(report.send_late(), counting);
        assert!(alive && report.late().is_empty() && room.try_recv().is_err());
        assert_eq!(seen, sent);
        drop(room);
        assert!(!report.send_late().await, "a room that is gone ends the sending");
    }

    #[tokio::test]
    async fn what_nobody_keeps_is_not_sent() {
        let (to, mut room) = mpsc::channel(4);
        let report = Report::new(to);
        let (who, request, answer) = item("a");
        for because in [Because::Open, Because::Undecided] {
            report.answered(who.clone(), request.clone(), &Answer { because, ..answer.clone() });
        }
        assert!(room.try_recv().is_err());
    }
}
