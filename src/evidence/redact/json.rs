//! Secrets taken out of structures: there a secret may be told by the key beside it, which its own text does not have.

use super::Redactor;
use crate::evidence::rules::{is_harmless, is_secret_name};
use serde_json::Value;
use std::borrow::Cow;

/// What is put in place of a value that is told by its name.
const BY_NAME: &str = "assignment";

impl Redactor {
    /// Takes secrets out of a JSON value: out of its texts and keys, and the texts that belong to a secret's name.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.text(text) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(map) => {
                let named =
                    ["name", "key"].into_iter().find_map(|key| Some(map.get(key)?.as_str()?.to_owned()));
                for (key, item) in map.iter_mut() {
                    match (item, &named) {
                        (Value::String(text), _) if is_secret_name(key) => *text = self.named(key, text),
                        (Value::String(text), Some(name)) if key == "value" && is_secret_name(name) => {
                            *text = self.named(name, text);
                        }
                        (item, _) => self.json(item),
                    }
                }
                if map.keys().any(|key| self.finds(key.as_bytes())) {
                    let all = std::mem::take(map);
                    map.extend(all.into_iter().map(|(key, item)| (self.text(&key).into_owned(), item)));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The same for a JSON text, which stays JSON; anything else is cleaned as the text it is. Whitespace may change.
    pub fn json_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Ok(mut value) = serde_json::from_str::<Value>(text) else { return self.text(text) };
        let before = value.clone();
        self.json(&mut value);
        if value == before {
            return Cow::Borrowed(text);
        }
        Cow::Owned(serde_json::to_string_pretty(&value).unwrap_or_default())
    }

    /// The text that belongs to `name`, without its secret: all of it where the name is a secret's.
    pub fn named(&self, name: &str, text: &str) -> String {
        let clean = self.text(text);
        let before = format!("{name}=");
        let harmless = text.is_empty() || is_harmless(before.as_bytes(), text.as_bytes());
        if harmless || !is_secret_name(name) || clean.contains("[redacted ") {
            return clean.into_owned();
        }
        format!("[redacted {BY_NAME} {}]", text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_tells_the_secret_beside_it() {
        let redactor = Redactor::default();
        let mut value = json!({
            "token": "abc123",
            "nested": [{"db": {"PASSWORD": "two words", "port": 5432}}],
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LEVEL", "value": "info"}],
            "token_count": "5",
            "password": "$DB_PASSWORD",
            "text": "{\"token\":\"abc123\"}",
        });
        redactor.json(&mut value);
        let wanted = json!({
            "token": "[redacted assignment 6]",
            "nested": [{"db": {"PASSWORD": "[redacted assignment 9]", "port": 5432}}],
            "env": [{"name": "DB_PASSWORD", "value": "[redacted assignment 7]"}, {"name": "LEVEL", "value": "info"}],
            "token_count": "5",
            "password": "$DB_PASSWORD",
            "text": "{\"token\":\"[redacted assignment 6]\"}",
        });
        assert_eq!(value, wanted);
        redactor.json(&mut value);
        assert_eq!(value, wanted, "redacted twice");
    }

    #[test]
    fn a_key_that_is_a_secret_is_taken_out() {
        let key = format!("ghp_{}", "a1".repeat(18));
        let mut value = json!({ "by": { key: 1 } });
        Redactor::default().json(&mut value);
        assert_eq!(value, json!({ "by": { "[redacted github-token 40]": 1 } }));
    }

    #[test]
    fn a_json_text_stays_json_and_other_text_is_cleaned_too() {
        let redactor = Redactor::default();
        let text = r#"{"lines":[{"text":"got {\"token\":\"abc123\"}"}]}"#;
        let clean = redactor.json_text(text);
        assert!(!clean.contains("abc123"));
        assert!(serde_json::from_str::<Value>(&clean).is_ok());
        assert!(!redactor.json_text("token=abc123").contains("abc123"));
        assert_eq!(redactor.json_text("{\"a\": 1}"), "{\"a\": 1}");
    }
}
