//! OTLP logs in their JSON encoding. Pure.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use super::line::{self, Weight};
use crate::domain::{Event, tell, text, time::Wall};
use serde_json::{Value, json};

/// An `ExportLogsServiceRequest` with these events, in order. 64-bit integers are text, as the encoding has it.
pub fn request(events: &[Event], host: &str) -> Value {
    let records: Vec<Value> = events.iter().map(record).collect();
    json!({
        "resourceLogs": [{
            "resource": { "attributes": [
                text_of("service.name", "warroom"),
                text_of("service.version", env!("CARGO_PKG_VERSION")),
                text_of("host.name", host),
            ] },
            "scopeLogs": [{ "scope": { "name": "warroom.audit" }, "logRecords": records }],
        }],
    })
}

fn record(event: &Event) -> Value {
    let (number, word) = match line::weight(&event.fact) {
        Weight::Info => (9, "INFO"),
        Weight::Notice => (10, "INFO2"),
        Weight::Warning => (13, "WARN"),
    };
    let seq = json!({ "key": "warroom.seq", "value": { "intValue": event.seq.to_string() } });
    let mut attributes = vec![
        seq,
        text_of("warroom.room", &event.room),
        text_of("warroom.actor", &event.actor.name),
        text_of("warroom.command", &event.command.to_string()),
        text_of("warroom.hash", &event.hash.to_string()),
        text_of("warroom.event", &line::json(event)),
    ];
    attributes.extend(event.stream.map(|incident| text_of("warroom.incident", &incident.to_string())));
    let kind = event.fact.kind();
    json!({
        "timeUnixNano": nanos(event.occurred.wall),
        "observedTimeUnixNano": nanos(event.recorded),
        "severityNumber": number,
        "severityText": word,
        "eventName": format!("warroom.{kind}"),
        "body": { "stringValue": format!("{}: {}", tell::who(event), tell::line(event)) },
        "attributes": attributes,
    })
}

fn text_of(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": text::line(value) } })
}

fn nanos(at: Wall) -> String {
    format!("{}000000", at.timestamp_millis().max(0))
}

/// How many records the answer says were not taken, and why. None of them, with words: a warning.
/// <https://opentelemetry.io/docs/specs/otlp/#partial-success-1>
pub fn rejected(answer: &[u8]) -> Option<(u64, String)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let count = partial.get("rejectedLogRecords").unwrap_or(&Value::Null);
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or(0);
    let why = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default().trim();
    let why = match (count, why) {
        (0, "") => return None,
        (_, "") => "no reason given",
        (_, why) => why,
    };
    Some((count, text::line(why).chars().take(200).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::line::tests::event;

    #[test]
    fn a_request_is_this_json() {
        let one = event(9, "it is down");
        let hash = "ab".repeat(32);
        assert_eq!(
            request(std::slice::from_ref(&one), "bastion"),
            json!({ "resourceLogs": [{
                "resource": { "attributes": [
                    { "key": "service.name", "value": { "stringValue": "warroom" } },
                    { "key": "service.version", "value": { "stringValue": env!("CARGO_PKG_VERSION") } },
                    { "key": "host.name", "value": { "stringValue": "bastion" } },
                ] },
                "scopeLogs": [{ "scope": { "name": "warroom.audit" }, "logRecords": [{
                    "timeUnixNano": "1772373651120000000",
                    "observedTimeUnixNano": "1772373651120000000",
                    "severityNumber": 9,
                    "severityText": "INFO",
                    "eventName": "warroom.note.said",
                    "body": { "stringValue": "ana: it is down" },
                    "attributes": [
                        { "key": "warroom.seq", "value": { "intValue": "9" } },
                        { "key": "warroom.room", "value": { "stringValue": "bastion-41" } },
                        { "key": "warroom.actor", "value": { "stringValue": "ana" } },
                        { "key": "warroom.command",
                          "value": { "stringValue": "00000000-0000-0000-0000-000000000007" } },
                        { "key": "warroom.hash", "value": { "stringValue": hash } },
                        { "key": "warroom.event", "value": { "stringValue": line::json(&one) } },
                        { "key": "warroom.incident", "value": { "stringValue": "INC-7" } },
                    ],
                }] }],
            }] })
        );
    }

    #[test]
    fn what_was_not_taken_is_read() {
        let answer = br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#;
        assert_eq!(rejected(answer), Some((3, "too old".into())));
        let silent = br#"{"partialSuccess":{"rejectedLogRecords":2}}"#;
        assert_eq!(rejected(silent), Some((2, "no reason given".into())));
        let hostile = r#"{"partialSuccess":{"rejectedLogRecords":1,"errorMessage":"\u001b[2Jno"}}"#;
        assert!(!rejected(hostile.as_bytes()).unwrap().1.contains('\u{1b}'));
        let warns = br#"{"partialSuccess":{"errorMessage":"use gzip"}}"#;
        assert_eq!(rejected(warns), Some((0, "use gzip".into())));
        for fine in
            [&b"{}"[..], b"", br#"{"partialSuccess":{}}"#, br#"{"partialSuccess":{"rejectedLogRecords":0}}"#]
        {
            assert_eq!(rejected(fine), None);
        }
    }
}
