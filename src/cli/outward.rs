//! From configuration to what leaves the room: targets of pages and updates, and the audit stream.

use super::sources::{fetch, header_values};
use crate::{
    audit::{
        Pump, Sink,
        cursor::Cursor,
        out::{JsonFile, Otlp, Pipe, Syslog},
        pump::FIRST,
        syslog,
    },
    config::{
        Config,
        audit::{Audit, Body},
        outward::{MailTls, Target as Configured},
        resolve_secret,
        secret::{Header, Secret},
    },
    domain::Event,
    evidence::redact,
    journal::Journal,
    push::{
        Carrier, Oncall,
        answer::{Answer, Asker},
        carrier::{Protection, Target, carrier},
        incidents::Incidents,
    },
};
use futures::{FutureExt as _, future::BoxFuture};
use secrecy::SecretString;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// What pages and updates go through.
#[derive(Default)]
pub struct Outgoing {
    /// Targets by name.
    pub carriers: BTreeMap<String, Arc<dyn Carrier>>,
    /// Targets that can be asked who acknowledged, by name.
    pub askers: BTreeMap<String, Arc<dyn Asker>>,
    /// Commands that say who is on call.
    pub oncall: Oncall,
    /// Everything secret among it, so that it is never kept.
    pub secrets: Vec<redact::Secret>,
}

/// Targets as configured; in a drill nothing leaves the room. One that cannot be used does not keep the room from
/// opening: it refuses what it is given, and is shown.
pub fn outgoing(config: &Config, drill: bool) -> Outgoing {
    let mut all = Outgoing::default();
    for (name, configured) in &config.target {
        let target = if drill { Ok(Target::Drill) } else { target(name, configured, &mut all.secrets) };
        let made = target.and_then(|target| carrier(name, &target).map_err(|error| error.to_string()));
        let made = made.or_else(|why| {
            tracing::error!(%why, "a target cannot be used");
            carrier(name, &Target::Broken(why))
        });
        if let Ok(made) = made {
            all.carriers.insert(name.clone(), made);
        }
        if let (false, Some(asker)) = (drill, asker(name, configured, &mut all.secrets)) {
            all.askers.insert(name.clone(), asker);
        }
    }
    for (who, group) in config.page.iter().filter(|_| !drill) {
        for (rung, step) in
            group.ladder.iter().enumerate().filter(|(_, step)| !step.oncall_command.is_empty())
        {
            all.oncall.insert((who.clone(), rung), step.oncall_command.clone());
        }
    }
    all
}

/// What asks a target who acknowledged there, where one is configured. One that cannot be used says so when it is asked.
fn asker(name: &str, configured: &Configured, secrets: &mut Vec<redact::Secret>) -> Option<Arc<dyn Asker>> {
    let Configured::Pagerduty(one) = configured else { return None };
    let token = resolve_secret(one.token.as_ref()?, &fetch).map_err(|error| error.to_string());
    let made = token.and_then(|token| {
        secrets.push(redact::Secret { name: name.to_owned(), value: token.clone() });
        Incidents::new(&one.api, &token, one.timeout)
    });
    Some(match made {
        Ok(made) => Arc::new(made),
        Err(why) => Arc::new(Broken(why)),
    })
}

fn target(name: &str, configured: &Configured, secrets: &mut Vec<redact::Secret>) -> Result<Target, String> {
    let mut have = |secret: &Secret| -> Result<SecretString, String> {
        let value = resolve_secret(secret, &fetch).map_err(|error| format!("[target.{name}]: {error}"))?;
        secrets.push(redact::Secret { name: name.to_owned(), value: value.clone() });
        Ok(value)
    };
    Ok(match configured {
        Configured::Command(one) => Target::Command(one.run.clone(), one.timeout),
        Configured::Webhook(one) => {
            let url = match &one.url {
                Header::Plain(url) => SecretString::from(url.clone()),
                Header::Secret(secret) => have(secret)?,
            };
            let headers = header_values(&one.headers, &mut have)?;
            Target::Webhook(url, headers, one.timeout)
        }
        Configured::Slack(one) => Target::Slack(have(&one.url)?, one.timeout),
        Configured::Pagerduty(one) => {
            Target::Pagerduty(one.url.clone(), have(&one.routing_key)?, one.timeout)
        }
        Configured::Smtp(one) => {
            let password = one.password.as_ref().map(have).transpose()?;
            Target::Smtp {
                server: one.server.clone(),
                tls: match one.tls {
                    MailTls::Starttls => Protection::Starttls,
                    MailTls::Tls => Protection::Tls,
                    MailTls::None => Protection::Nothing,
                },
                ca: one.ca.clone(),
                login: one.user.clone().zip(password),
                from: one.from.clone(),
                to: one.to.clone(),
                timeout: one.timeout,
            }
        }
    })
}

/// The audit stream as configured, its cursors below the room's directory. A sink that cannot be used is shown as one
/// that takes nothing.
///
/// # Errors
/// Where the cursors cannot be kept, in words.
pub fn audit(config: &Config, dir: &Path, journal: &Arc<dyn Journal>) -> Result<Vec<Pump>, String> {
    let mut pumps = Vec::new();
    for (name, configured) in &config.audit {
        let sink = sink(configured).unwrap_or_else(|why| {
            tracing::error!(%why, %name, "a sink of the audit stream cannot be used");
            Box::new(Broken(why))
        });
        let cursor = Cursor::below(dir, name).map_err(|error| error.to_string())?;
        pumps.push(Pump { name: name.clone(), sink, cursor, journal: journal.clone(), first: FIRST });
    }
    Ok(pumps)
}

fn sink(configured: &Audit) -> Result<Box<dyn Sink>, String> {
    Ok(match configured {
        Audit::Syslog(one) => {
            let place = one.to.parse().map_err(|why: &str| why.to_owned())?;
            let style = syslog::Style {
                facility: syslog::facility(&one.facility).unwrap_or(16),
                host: crate::os::host_name(),
                process: std::process::id(),
                json: one.body == Body::Json,
                max_bytes: one.max_bytes,
            };
            Box::new(Syslog::new(place, style))
        }
        Audit::Json(one) => Box::new(JsonFile::new(one.path.clone())),
        Audit::Command(one) => Box::new(Pipe::new(&one.run).ok_or("its command is empty")?),
        Audit::Otlp(one) => {
            let have = |secret: &Secret| resolve_secret(secret, &fetch).map_err(|error| error.to_string());
            let headers = header_values(&one.headers, have)?;
            Box::new(Otlp::new(&one.url, &headers, one.timeout)?)
        }
    })
}

/// A sink, or what would be asked, that cannot be used, and why.
struct Broken(String);

impl Asker for Broken {
    fn ask(&self, _: String) -> BoxFuture<'_, Result<Option<Answer>, String>> {
        let why = self.0.clone();
        async { Err(why) }.boxed()
    }
}

impl Sink for Broken {
    fn take<'a>(&'a mut self, _: &'a [Event]) -> BoxFuture<'a, Result<(), String>> {
        let why = self.0.clone();
        async { Err(why) }.boxed()
    }

    fn place(&self) -> String {
        "cannot be used".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, World, assemble, layer};
    use secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn secrets_are_known_a_target_without_its_secret_refuses_and_a_drill_needs_none() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        std::fs::write(&key, "R0UTINGKEY\n").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "[target.pd]\nkind = \"pagerduty\"\nrouting_key = {{ file = {key:?} }}\n\
             [page.default]\nladder = [{{ to = [\"pd\"] }}]\n"
        );
        let world = World { home: None, exists: &|_| true };
        let file = layer("warroom.toml", dir.path(), text.into_bytes()).unwrap();
        let config = assemble(vec![file], &Flags::default(), &world).unwrap().config;
        let all = outgoing(&config, false);
        assert!(all.carriers.contains_key("pd"));
        assert!(all.secrets.iter().any(|one| one.value.expose_secret() == "R0UTINGKEY"));
        std::fs::remove_file(&key).unwrap();
        let pd = outgoing(&config, false).carriers["pd"].clone();
        let failure = pd.carry(crate::push::body::example()).await.unwrap_err();
        assert!(failure.why.contains("[target.pd]") && !failure.again, "{failure:?}");
        assert!(outgoing(&config, true).carriers["pd"].carry(crate::push::body::example()).await.is_ok());
    }
}
