//! Payloads of older versions, read as today's. Stored bytes are never written again.

use crate::domain::Fact;
use serde_json::Value;

/// Version of the payloads that this program writes.
pub const VERSION: u32 = 1;

/// Reads a payload. What this version does not know is kept as [`Fact::Foreign`], so that a newer journal can still
/// be read and verified.
pub fn fact(version: u32, payload: &[u8]) -> Fact {
    if version <= VERSION
        && let Ok(fact) = serde_json::from_slice(payload)
    {
        return fact;
    }
    Fact::Foreign(serde_json::from_slice(payload).unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_kept() {
        let payload = br#"{"gadget":{"invented":{"a":1}}}"#;
        assert_eq!(fact(1, payload), Fact::Foreign(serde_json::json!({"gadget":{"invented":{"a":1}}})));
        assert_eq!(fact(1, b"\xff"), Fact::Foreign(Value::Null));
        assert!(matches!(fact(2, br#"{"room":"drill_ended"}"#), Fact::Foreign(_)));
        assert!(matches!(fact(1, br#"{"room":"drill_ended"}"#), Fact::Room(_)));
    }
}
