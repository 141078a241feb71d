//! How much evidence clients may have the room keep: so much within an hour, of one user and in all.

use crate::domain::{
    Refusal,
    actor::Actor,
    limits::KEPT_PER_HOUR_MAX,
    refusal::Code,
    time::{Span, Stamp},
};
use std::collections::BTreeMap;

const HOUR: Span = Span::hours(1);

/// What was kept since an hour began.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    since: Option<Stamp>,
    all: u64,
    by: BTreeMap<Option<u32>, u64>,
}

impl Keeping {
    /// A user wants so many bytes kept.
    ///
    /// # Errors
    /// Where that is more than may be kept within an hour; nothing is counted then.
    pub(super) fn keep(&mut self, who: &Actor, bytes: usize, now: &Stamp) -> Result<(), Refusal> {
        if self.since.as_ref().is_none_or(|since| since.elapsed(now) >= HOUR) {
            *self = Self { since: Some(now.clone()), ..Self::default() };
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let own = self.by.entry(who.uid).or_default();
        let (whose, has, most) = if own.saturating_add(bytes) > KEPT_PER_HOUR_MAX.0 {
            ("you", *own, KEPT_PER_HOUR_MAX.0)
        } else if self.all.saturating_add(bytes) > KEPT_PER_HOUR_MAX.1 {
            ("all users", self.all, KEPT_PER_HOUR_MAX.1)
        } else {
            *own = own.saturating_add(bytes);
            self.all = self.all.saturating_add(bytes);
            return Ok(());
        };
        let mib = |bytes: u64| bytes / 1024 / 1024;
        let why = format!("{whose} had {} MiB kept within the hour, and {} MiB may be", mib(has), mib(most));
        Err(Refusal::new(Code::Conflict, why)
            .hint("keep it elsewhere and name it in a note, or try again later"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_a_share_and_all_have_a_bound_and_an_hour_later_it_begins_anew() {
        let mut now = crate::os::clock::now();
        let mut keeping = Keeping::default();
        let piece = 16 * 1024 * 1024;
        let mut fits = |uid: u32, now: &Stamp| {
            let who = Actor::user("u", uid);
            (0..1_000).take_while(|_| keeping.keep(&who, piece, now).is_ok()).count()
        };
        assert_eq!((1..=5).map(|uid| fits(uid, &now)).collect::<Vec<_>>(), [16, 16, 16, 16, 0]);
        now = now.plus(Span::hours(1));
        assert_eq!(fits(5, &now), 16);
        let said = keeping.keep(&Actor::user("u", 5), piece, &now).unwrap_err().to_string();
        assert!(said.starts_with("you had 256 MiB kept"), "{said}");
    }
}
