//! From configuration to sources that can be started.

use crate::{
    config::{self, Config, Secret, resolve_secret, secret::Header, source::Auth},
    domain::time::Span,
    evidence::redact::Secret as Known,
    os::spawn::Spec as Process,
    postgres,
    signal::{Level, Panel},
    source::{
        Spec,
        client::{self, Access},
        probe::Expect,
    },
    wire::Wanted,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{collections::BTreeMap, time::Duration};

/// What is to be watched, and the secrets that were fetched for it.
#[derive(Debug, Default)]
pub struct Sources {
    /// Sources, each with its panels.
    pub specs: Vec<Spec>,
    /// What must never be journaled, found by its value.
    pub secrets: Vec<Known>,
}

/// Sources as configured. One whose secret cannot be had, or that is asked for in vain, is there all the same and
/// says what is wrong; the others are not held up by it.
pub fn sources(config: &Config) -> Sources {
    let mut unnamed: Vec<Panel> =
        config.panel.iter().filter(|panel| panel.source.is_empty()).cloned().collect();
    let mut secrets = Vec::new();
    let mut specs = Vec::new();
    for source in &config.source {
        let mut panels = source.panels().to_vec();
        panels.extend(config.panel.iter().filter(|panel| panel.source == source.id()).cloned());
        if source.answers_queries() {
            panels.append(&mut unnamed);
        }
        let spec = spec(source, panels, &mut secrets).unwrap_or_else(|why| Spec::Unready {
            id: source.id(),
            address: source
                .url()
                .map(|url| match source {
                    config::Source::Sql(_) => postgres::shown(url),
                    _ => client::address(url).map_or_else(|_| String::new(), |url| client::shown(&url)),
                })
                .unwrap_or_default(),
            why: format!("{why}; mend it and start the room again"),
        });
        // Flags name no service: endpoints named by them are taken for instances of one. Only those that are asked
        // alike can be one source.
        let group = match source {
            config::Source::Scrape(one) => {
                Some((one.service.clone(), one.auth.clone(), one.timeout, one.every))
            }
            _ => None,
        };
        specs.push((group, spec));
    }
    Sources { specs: together(specs), secrets }
}

/// What is named while the room runs, read as the flags that it stands for.
///
/// # Errors
/// What is wrong with it.
pub fn wanted(wanted: &Wanted) -> Result<Vec<Spec>, String> {
    let flags = config::Flags {
        prom: wanted.prom.clone(),
        scrape: wanted.scrape.clone(),
        log: wanted.log.clone(),
        probe: wanted.probe.clone(),
        release: wanted.release.clone(),
        here: "/".into(),
        ..config::Flags::default()
    };
    let world = config::World { home: None, exists: &|path| path.exists() };
    flags.into_config(&world).map(|config| sources(&config).specs).map_err(|report| report.to_string())
}

fn spec(source: &config::Source, panels: Vec<Panel>, secrets: &mut Vec<Known>) -> Result<Spec, String> {
    let id = source.id();
    Ok(match source {
        config::Source::Prometheus(one) => {
            let access = access(&one.auth, one.timeout, secrets)?;
            Spec::Prometheus { id, url: one.url.clone(), panels, every: one.every, access }
        }
        config::Source::Scrape(one) => {
            let access = access(&one.auth, one.timeout, secrets)?;
            Spec::Scrape { id, urls: vec![one.url.clone()], panels, every: one.every, access }
        }
        config::Source::Log(one) => Spec::Log {
            id,
            glob: one.path.clone(),
            format: one.format.into(),
            least: one.level.map_or(Level::Trace, Level::from),
            every: one.every,
        },
        config::Source::Probe(one) => {
            let well = if one.status.is_empty() {
                "2xx 3xx".to_owned()
            } else {
                one.status.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
            };
            let status = well.parse().map_err(|error| format!("{id}: {error}"))?;
            Spec::Probe {
                name: id.trim_start_matches("probe:").to_owned(),
                id,
                url: one.url.clone(),
                expect: Expect { status, matches: one.body.clone(), ..Expect::default() },
                access: access(&one.auth, one.timeout, secrets)?,
                every: one.every,
            }
        }
        config::Source::Sql(one) => Spec::Sql {
            id,
            url: one.url.clone(),
            password: one.password.as_ref().map(|password| have(password, secrets)).transpose()?,
            trust: postgres::Trust { ca: one.ca.clone(), identity: one.cert.clone().zip(one.key.clone()) },
            timeout: one.timeout,
            every: one.every,
        },
        config::Source::Release(one) => Spec::ReleaseDir {
            service: one.service(),
            id,
            env: one.env.clone(),
            path: one.dir.clone(),
            every: one.every,
        },
    })
}

/// Scrapes that are asked alike and of one service.
type Group = Option<(Option<String>, Auth, Span, Span)>;

/// Endpoints of one service are its instances, and one source: their numbers add up.
fn together(all: Vec<(Group, Spec)>) -> Vec<Spec> {
    let mut groups: Vec<(Group, Spec)> = Vec::new();
    for (group, spec) in all {
        let known = groups.iter_mut().find(|(own, _)| group.is_some() && *own == group);
        match (spec, known) {
            (Spec::Scrape { urls, panels, .. }, Some((_, Spec::Scrape { urls: all, panels: kept, .. }))) => {
                all.extend(urls);
                kept.extend(panels);
            }
            (spec, _) => groups.push((group, spec)),
        }
    }
    groups.into_iter().map(|(_, spec)| spec).collect()
}

/// How a source is asked, its secrets fetched and remembered.
fn access(auth: &Auth, timeout: Span, secrets: &mut Vec<Known>) -> Result<Access, String> {
    let headers = header_values(&auth.headers, |secret| have(secret, secrets))?;
    let mut access = Access { headers, timeout, ..Access::default() };
    if let Some(basic) = &auth.basic {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let password = have(&basic.password, secrets)?;
        let pair = STANDARD.encode(format!("{}:{}", basic.user, password.expose_secret()));
        secrets.push(Known::new(label(&basic.password), pair.clone()));
        access.headers.push(("Authorization".into(), SecretString::from(format!("Basic {pair}"))));
    }
    access.bearer = auth.bearer.as_ref().map(|bearer| have(bearer, secrets)).transpose()?;
    Ok(access)
}

pub(super) fn have(secret: &Secret, secrets: &mut Vec<Known>) -> Result<SecretString, String> {
    let value = resolve_secret(secret, &fetch).map_err(|error| error.to_string())?;
    secrets.push(Known { name: label(secret), value: value.clone() });
    Ok(value)
}

/// What a secret is called where it was taken out.
fn label(secret: &Secret) -> String {
    match secret {
        Secret::Env(name) => name.clone(),
        Secret::File(path) => path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into()),
        Secret::Command(words) => words.first().cloned().unwrap_or_default(),
    }
}

/// Headers with their values, the secrets among them fetched.
pub(super) fn header_values(
    headers: &BTreeMap<String, Header>,
    mut have: impl FnMut(&Secret) -> Result<SecretString, String>,
) -> Result<Vec<(String, SecretString)>, String> {
    let one = |(name, value): (&String, &Header)| {
        let value = match value {
            Header::Plain(text) => SecretString::from(text.clone()),
            Header::Secret(secret) => have(secret)?,
        };
        Ok((name.clone(), value))
    };
    headers.iter().map(one).collect()
}

/// What a command prints. Called before there is a runtime, or beside one.
pub(super) fn fetch(argv: &[String]) -> Result<Vec<u8>, String> {
    let (program, args) = argv.split_first().ok_or("the command is empty")?;
    let spec = Process::new(program).args(args);
    let run = || {
        let runtime = super::exit::runtime().map_err(|error| error.to_string())?;
        runtime.block_on(spec.output(Duration::from_secs(30), 64 * 1024)).map_err(|error| error.to_string())
    };
    let answer =
        std::thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|_| Err("it panicked".into())))?;
    if answer.code == Some(0) { Ok(answer.stdout) } else { Err(format!("it ended with {:?}", answer.code)) }
}
