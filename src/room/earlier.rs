//! A command whose id the journal may know: is it a retry, another command under the same id, or new?

use super::flight::ok;
use crate::{
    domain::{Refusal, actor::Actor},
    journal::{Trouble, chain, fingerprint::Fingerprint},
    wire::Outcome,
};

/// What the journal says of a command's id.
pub(super) enum Earlier {
    /// The id is new.
    Never,
    /// The command is answered: as it was, or that its id is in use, or that nobody can tell.
    Answered(Outcome),
}

/// Compares what the journal has under an id with who sends it now, and what. Events of before there were fingerprints are
/// compared by author alone, and so are those whose words were erased.
pub(super) fn earlier(
    found: Result<Vec<chain::Record>, Trouble>,
    actor: &Actor,
    fingerprint: Option<&Fingerprint>,
) -> Earlier {
    let compared = found.and_then(|records| {
        let events = records.iter().map(chain::open).collect::<Result<Vec<_>, _>>()?;
        let Some((record, event)) = records.first().zip(events.first()) else { return Ok(None) };
        let same = match fingerprint {
            Some(fingerprint) => chain::is_of(record, fingerprint)?.unwrap_or(true),
            None => true,
        };
        Ok(Some((same && event.actor.same(actor), events)))
    });
    match compared {
        Ok(None) => Earlier::Never,
        Ok(Some((true, events))) => Earlier::Answered(ok(&events)),
        Ok(Some((false, events))) => {
            let id = events.first().map(|event| event.command.to_string()).unwrap_or_default();
            Earlier::Answered(Outcome::Refused(Refusal::id_in_use(id)))
        }
        Err(trouble) => {
            let why = format!("whether it was recorded before cannot be looked up: {trouble}");
            Earlier::Answered(Outcome::Failed { why })
        }
    }
}
