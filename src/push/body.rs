//! Messages in the form that each kind of target takes. Pure.

use crate::domain::dispatch::Message;
use serde_json::{Value, json};

/// Characters that PagerDuty takes of a summary.
const SUMMARY_MAX: usize = 1_024;
/// Characters that Slack takes of a text.
const SLACK_MAX: usize = 12_000;

/// The generic webhook's, and a command's standard input.
pub fn webhook(message: &Message) -> Value {
    serde_json::to_value(message).unwrap_or_default()
}

/// Slack's incoming webhook: `text`, in which `&`, `<` and `>` are escaped, so that nothing becomes a link or calls
/// everybody.
/// <https://api.slack.com/reference/surfaces/formatting#escaping>
pub fn slack(message: &Message) -> Value {
    let text = if message.text == message.title {
        message.title.clone()
    } else if message.text.starts_with(&message.title) {
        message.text.clone()
    } else {
        format!("{}\n{}", message.title, message.text)
    };
    let text: String = text.chars().take(SLACK_MAX).collect();
    json!({ "text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") })
}

/// PagerDuty's Events API v2; `None` for what it does not take. All about one page has one `dedup_key`.
/// <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>
pub fn pagerduty(message: &Message, routing_key: &str, source: &str) -> Option<Value> {
    let action = match message.event {
        "page" => "trigger",
        "page_acknowledged" => "acknowledge",
        "page_over" => "resolve",
        _ => return None,
    };
    let head = json!({ "routing_key": routing_key, "event_action": action, "dedup_key": message.thread });
    if action != "trigger" {
        return Some(head);
    }
    let severity = match message.severity.as_deref() {
        Some("SEV1") | None => "critical",
        Some("SEV2") => "error",
        Some("SEV3") => "warning",
        Some(_) => "info",
    };
    let summary: String = message.title.chars().take(SUMMARY_MAX).collect();
    let payload = json!({
        "summary": summary,
        "source": source,
        "severity": severity,
        "timestamp": message.at,
        "component": message.services.join(", "),
        "group": message.env,
        "class": "page",
        "custom_details": {
            "text": message.text,
            "incident": message.incident,
            "page": message.page,
            "who": message.who,
        },
    });
    let mut body = head;
    if let Some(map) = body.as_object_mut() {
        map.insert("payload".into(), payload);
        map.insert("client".into(), "warroom".into());
    }
    Some(body)
}

#[cfg(test)]
pub(crate) fn example() -> Message {
    Message {
        key: "warroom-1-PAGE-3-OUT-5".into(),
        thread: "warroom-1-PAGE-3".into(),
        event: "page",
        title: "PAGE-3 payments: SEV2 INC-7 checkout <!channel> & fails: no one can pay".into(),
        text: "PAGE-3 payments: SEV2 INC-7 checkout <!channel> & fails: no one can pay\nasked by ana".into(),
        page: Some("PAGE-3".into()),
        who: Some("payments".into()),
        incident: Some("INC-7".into()),
        severity: Some("SEV2".into()),
        services: vec!["checkout".into()],
        env: Some("prod".into()),
        at: "2026-03-01T14:07:31.000Z".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_can_call_nobody_by_what_a_title_says() {
        let text = slack(&example())["text"].as_str().unwrap().to_owned();
        assert!(text.contains("&lt;!channel&gt; &amp; fails") && !text.contains('<'), "{text}");
        assert!(text.ends_with("\nasked by ana"));
    }

    #[test]
    fn pagerduty_gets_one_key_for_all_about_a_page() {
        let trigger = pagerduty(&example(), "R0", "bastion").unwrap();
        assert_eq!(trigger["event_action"], "trigger");
        assert_eq!(trigger["payload"]["severity"], "error");
        assert_eq!(trigger["payload"]["source"], "bastion");
        let over = pagerduty(&Message { event: "page_over", ..example() }, "R0", "bastion").unwrap();
        assert_eq!(over["event_action"], "resolve");
        assert_eq!(over["dedup_key"], trigger["dedup_key"]);
        assert_eq!(over.get("payload"), None);
        assert_eq!(pagerduty(&Message { event: "update", ..example() }, "R0", "bastion"), None);
        let long = Message { title: "é".repeat(5_000), ..example() };
        let long = pagerduty(&long, "R0", "b").unwrap();
        assert_eq!(long["payload"]["summary"].as_str().unwrap().chars().count(), SUMMARY_MAX);
    }
}
