//! Who acknowledged an incident in PagerDuty, by its REST API.
//! <https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents>

use super::answer::{Answer, Asker};
use crate::{
    domain::{text, time::Span},
    source::client::{self, Access, Client},
};
use futures::{FutureExt as _, future::BoxFuture};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Characters of a name that are told.
const NAME_MAX: usize = 80;

/// The incidents of an account.
pub struct Incidents {
    url: Url,
    client: Client,
}

impl Incidents {
    /// Those that this token may read.
    ///
    /// # Errors
    /// Why that is not possible, without the token.
    pub fn new(api: &str, token: &SecretString, timeout: Span) -> Result<Self, String> {
        let mut url = client::address(api).map_err(|problem| problem.to_string())?;
        url.set_path(&format!("{}/incidents", url.path().trim_end_matches('/')));
        let proof = format!("Token token={}", token.expose_secret().trim());
        let headers = vec![
            ("authorization".to_owned(), SecretString::from(proof)),
            ("accept".to_owned(), SecretString::from("application/vnd.pagerduty+json;version=2".to_owned())),
        ];
        let client = Client::new(&url, &Access { headers, bearer: None, timeout })
            .map_err(|problem| problem.to_string())?;
        Ok(Self { url, client })
    }

    async fn of(&self, key: &str) -> Result<Option<Answer>, String> {
        let mut url = self.url.clone();
        // Also an incident of more than thirty days ago.
        url.query_pairs_mut().append_pair("incident_key", key).append_pair("date_range", "all");
        let got = self.client.get(url).await.map_err(|problem| problem.to_string())?;
        match got.status {
            200 => answered(&got.body),
            401 | 403 => Err(format!("HTTP {}: its token may not read incidents", got.status)),
            status => Err(format!("HTTP {status}")),
        }
    }
}

impl Asker for Incidents {
    fn ask(&self, key: String) -> BoxFuture<'_, Result<Option<Answer>, String>> {
        async move { self.of(&key).await }.boxed()
    }
}

/// Who acknowledged, by a list of incidents; nobody while one of them is still triggered. One that a person resolved was
/// seen by that person; one that resolved itself was seen by nobody.
///
/// # Errors
/// Where it is no such list.
pub fn answered(body: &[u8]) -> Result<Option<Answer>, String> {
    let no_list = || "its answer is no list of incidents".to_owned();
    let answer: Value = serde_json::from_slice(body).map_err(|_| no_list())?;
    let incidents = answer.get("incidents").and_then(Value::as_array).ok_or_else(no_list)?;
    let status = |one: &Value| one.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    if incidents.iter().any(|one| status(one) == "triggered") {
        return Ok(None);
    }
    Ok(incidents.iter().rev().find_map(|one| {
        let number = one.get("incident_number").and_then(Value::as_u64);
        let number = number.map(|number| format!(" incident {number}")).unwrap_or_default();
        let last = one.get("last_status_change_by");
        match status(one).as_str() {
            "acknowledged" => {
                let all = one.get("acknowledgements").and_then(Value::as_array);
                let by = all.and_then(|all| all.last()).and_then(|one| one.get("acknowledger")).or(last);
                Some(Answer { who: name(by), how: format!("acknowledged{number}") })
            }
            "resolved" if last.is_some_and(is_person) => {
                Some(Answer { who: name(last), how: format!("resolved{number}") })
            }
            _ => None,
        }
    }))
}

fn is_person(by: &Value) -> bool {
    by.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("user"))
}

fn name(by: Option<&Value>) -> String {
    let name = by.and_then(|by| by.get("summary")).and_then(Value::as_str).unwrap_or_default();
    let name: String = text::line(name.trim()).chars().take(NAME_MAX).collect();
    if name.is_empty() { "somebody".into() } else { name }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An incident as the API documents it, cut to what is read and what stands beside it.
    pub(crate) fn incident(status: &str, acknowledgements: &str, last: &str) -> String {
        format!(
            r#"{{"incidents":[{{"id":"PT4KHLK","type":"incident","summary":"[#1234] The server is on fire.",
            "self":"https://api.pagerduty.com/incidents/PT4KHLK","incident_number":1234,
            "title":"The server is on fire.","created_at":"2015-10-06T21:30:42Z","status":"{status}",
            "incident_key":null,"assignments":[{{"at":"2015-11-10T00:31:52Z","assignee":{{"id":"PXPGF42",
            "type":"user_reference","summary":"Earline Greenholt"}}}}],"acknowledgements":{acknowledgements},
            "last_status_change_at":"2015-10-06T21:38:23Z","last_status_change_by":{last},
            "urgency":"high"}}],"limit":25,"offset":0,"total":null,"more":false}}"#
        )
    }

    const SERVICE: &str = r#"{"id":"PIJ90N7","type":"service_reference","summary":"My Mail Service"}"#;
    const USER: &str = r#"{"id":"PXPGF42","type":"user_reference","summary":"Earline Greenholt"}"#;

    #[test]
    fn who_acknowledged_is_read_from_the_documented_answer() {
        let by = |text: &str| answered(text.as_bytes()).unwrap();
        let acknowledged = format!(r#"[{{"at":"2015-11-10T00:32:52Z","acknowledger":{USER}}}]"#);
        let answer = by(&incident("acknowledged", &acknowledged, SERVICE)).unwrap();
        assert_eq!(
            (answer.who.as_str(), answer.how.as_str()),
            ("Earline Greenholt", "acknowledged incident 1234")
        );
        assert_eq!(by(&incident("acknowledged", "[]", USER)).unwrap().who, "Earline Greenholt");
        assert_eq!(by(&incident("acknowledged", "[]", "null")).unwrap().who, "somebody");
        assert_eq!(by(&incident("resolved", "[]", USER)).unwrap().how, "resolved incident 1234");
        assert_eq!(by(&incident("resolved", "[]", SERVICE)), None, "it resolved itself: nobody saw it");
        assert_eq!(by(&incident("triggered", "[]", SERVICE)), None);
        assert_eq!(by(r#"{"incidents":[]}"#), None);
    }

    #[test]
    fn what_is_no_answer_is_told_and_a_hostile_name_does_nothing() {
        for bad in ["", "null", "[]", "{}", r#"{"incidents":7}"#, r#"{"error":{"message":"Not Found"}}"#] {
            assert!(answered(bad.as_bytes()).is_err(), "{bad}");
        }
        let hostile = r#"[{"acknowledger":{"summary":"\u001b[2J"}}]"#;
        let answer = answered(incident("acknowledged", hostile, USER).as_bytes()).unwrap().unwrap();
        assert!(!answer.who.contains('\u{1b}'));
        // A second one of the same key rings still.
        let (one, other) = (incident("acknowledged", "[]", USER), incident("triggered", "[]", SERVICE));
        let inner =
            |text: &str| text.split_once('[').unwrap().1.rsplit_once("],\"limit\"").unwrap().0.to_owned();
        let both = format!(r#"{{"incidents":[{},{}]}}"#, inner(&one), inner(&other));
        assert_eq!(answered(both.as_bytes()).unwrap(), None);
    }
}
