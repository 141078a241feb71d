//! What sources read, on its way to the room: without secrets, before any seat sees it and before any of it is kept.

use crate::{
    evidence::redact::Redactor,
    signal::{Body, Line, Reading},
};
use std::borrow::Cow;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Readings that wait to be cleaned.
const WAITING: usize = 64;

/// Where sources send to: what arrives there goes on to `into` in its order, clean. Beside the room's loop, for a
/// flood of lines costs time.
pub(super) fn cleaned(redactor: Redactor, into: Sender<Reading>) -> Sender<Reading> {
    let (raw, from) = channel(WAITING);
    tokio::spawn(pass_on(redactor, from, into));
    raw
}

async fn pass_on(redactor: Redactor, mut from: Receiver<Reading>, into: Sender<Reading>) {
    while let Some(mut reading) = from.recv().await {
        clean(&redactor, &mut reading.body);
        if into.send(reading).await.is_err() {
            return;
        }
    }
}

fn clean(redactor: &Redactor, body: &mut Body) {
    let text = |text: &mut String| {
        if let Cow::Owned(clean) = redactor.text(text) {
            *text = clean;
        }
    };
    match body {
        Body::Lines(batch) => batch.lines.iter_mut().for_each(|line| clean_line(redactor, line)),
        Body::Probe(probe) => text(&mut probe.detail),
        Body::Check(check) => text(&mut check.seen),
        Body::Trouble(trouble) => text(&mut trouble.message),
        Body::Release(release) => release.by.iter_mut().for_each(text),
        Body::Series(_) | Body::Panels(_) | Body::Alive => {}
    }
}

/// A field's name stands apart from its value: `token` and `abc123`, and only together they tell a secret.
fn clean_line(redactor: &Redactor, line: &mut Line) {
    if let Cow::Owned(clean) = redactor.text(&line.text) {
        line.text = clean;
    }
    for (name, value) in &mut line.fields {
        *value = redactor.named(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::redact::Secret,
        signal::{LinesBatch, analysis::logline},
    };

    fn line(raw: &str) -> Line {
        let parsed = logline::parse(logline::Format::Auto, raw);
        Line {
            n: 0,
            at: crate::os::clock::now().wall,
            level: parsed.level,
            text: parsed.text,
            fields: parsed.fields,
            source: "app-1.log".into(),
        }
    }

    #[tokio::test]
    async fn a_structured_log_line_loses_the_secret_in_its_field_before_the_room_sees_it() {
        let redactor = Redactor::new(&[Secret::new("DB", "opensesame")], &[]).unwrap();
        let (into, mut heard) = channel(1);
        let raw = cleaned(redactor, into);
        let lines = [
            r#"{"level":"error","msg":"login failed","token":"abc123","attempts":3}"#,
            r#"level=error msg="login failed" password=hunter2"#,
            "ERROR cannot reach https://ana:hunter2@db/x with opensesame",
        ]
        .map(line)
        .to_vec();
        let at = lines[0].at;
        let body = Body::Lines(LinesBatch { lines, dropped: 0, turned: None });
        raw.send(Reading { source: "log".into(), at, body }).await.unwrap();
        let Body::Lines(batch) = heard.recv().await.unwrap().body else { panic!("no lines") };
        let shown = serde_json::to_string(&batch).unwrap();
        for secret in ["abc123", "hunter2", "opensesame"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("login failed") && shown.contains(r#"["attempts","3"]"#), "{shown}");
    }
}
