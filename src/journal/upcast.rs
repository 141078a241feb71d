//! Payloads of older versions, read as today's. Stored bytes are never written again.
//!
//! Whoever changes what a stored fact looks like raises [`VERSION`], adds to [`STEPS`] what lifts the version before,
//! and adds a fixture to `tests/journal/`: the old fixtures must be read for ever.

use crate::domain::Fact;
use serde_json::Value;

/// Version of the payloads that this program writes.
pub const VERSION: u32 = 1;

/// Lifts a payload by one version, in place.
type Step = fn(&mut Value);

/// What lifts version 1 to 2, then 2 to 3, and so on to [`VERSION`].
const STEPS: &[Step] = &[];

/// Reads a payload. What this version does not know is kept as [`Fact::Foreign`], so that a newer journal can still
/// be read and verified.
pub fn fact(version: u32, payload: &[u8]) -> Fact {
    read(version, payload, STEPS)
}

fn read(version: u32, payload: &[u8], steps: &[Step]) -> Fact {
    let newest = u32::try_from(steps.len()).unwrap_or(u32::MAX).saturating_add(1);
    if version == newest
        && let Ok(fact) = serde_json::from_slice(payload)
    {
        return fact;
    }
    let Ok(stored) = serde_json::from_slice::<Value>(payload) else { return Fact::Foreign(Value::Null) };
    if version == 0 || version >= newest {
        return Fact::Foreign(stored);
    }
    let mut lifted = stored.clone();
    for step in steps.iter().skip(usize::try_from(version.saturating_sub(1)).unwrap_or(usize::MAX)) {
        step(&mut lifted);
    }
    again(&lifted).unwrap_or(Fact::Foreign(stored))
}

/// A fact of a tree, by its bytes: read straight from the tree it would be read by code of its own, as much again as
/// everything that reads facts.
pub fn again(tree: &Value) -> Option<Fact> {
    serde_json::from_slice(&serde_json::to_vec(tree).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::note::NoteFact;

    #[test]
    fn what_is_not_known_is_kept() {
        let payload = br#"{"gadget":{"invented":{"a":1}}}"#;
        assert_eq!(fact(1, payload), Fact::Foreign(serde_json::json!({"gadget":{"invented":{"a":1}}})));
        assert_eq!(fact(1, b"\xff"), Fact::Foreign(Value::Null));
        assert!(matches!(fact(2, br#"{"room":"drill_ended"}"#), Fact::Foreign(_)));
        assert!(matches!(fact(0, br#"{"room":"drill_ended"}"#), Fact::Foreign(_)));
        assert!(matches!(fact(1, br#"{"room":"drill_ended"}"#), Fact::Room(_)));
    }

    #[test]
    fn an_older_version_is_lifted_step_by_step() {
        // Once a note was `{"remark":"…"}`, then `{"note":{"said":{"words":…}}}`.
        let first: Step = |value| {
            if let Some(words) = value.get("remark").cloned() {
                *value = serde_json::json!({"note": {"said": {"incident": null, "words": words}}});
            }
        };
        let second: Step = |value| {
            if let Some(said) = value.pointer_mut("/note/said").and_then(Value::as_object_mut)
                && let Some(words) = said.remove("words")
            {
                said.insert("text".into(), words);
            }
        };
        let steps = [first, second];
        let said = Fact::Note(NoteFact::Said { incident: None, text: "hello".into() });
        assert_eq!(read(1, br#"{"remark":"hello"}"#, &steps), said);
        assert_eq!(read(2, br#"{"note":{"said":{"incident":null,"words":"hello"}}}"#, &steps), said);
        assert_eq!(read(3, br#"{"note":{"said":{"incident":null,"text":"hello"}}}"#, &steps), said);
        assert!(matches!(
            read(4, br#"{"note":{"said":{"incident":null,"text":"hello"}}}"#, &steps),
            Fact::Foreign(_)
        ));
        let odd = br#"{"remark":7}"#;
        assert_eq!(read(1, odd, &steps), Fact::Foreign(serde_json::from_slice(odd).unwrap()));
        assert_eq!(VERSION as usize, STEPS.len() + 1);
    }
}
