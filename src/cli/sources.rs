//! From configuration to sources that can be started.

use crate::{
    config::{self, Config, Secret, resolve_secret, secret::Header, source::Auth},
    os::spawn::Spec as Process,
    signal::Panel,
    source::{Spec, probe::Expect},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{collections::BTreeMap, time::Duration};

/// Sources as configured, each with its panels.
///
/// # Errors
/// A secret that cannot be had, in words.
pub fn specs(config: &Config) -> Result<Vec<Spec>, String> {
    let mut unnamed: Vec<Panel> =
        config.panel.iter().filter(|panel| panel.source.is_empty()).cloned().collect();
    let mut specs = Vec::new();
    for source in &config.source {
        let id = source.id();
        let mut panels: Vec<Panel> =
            config.panel.iter().filter(|panel| panel.source == id).cloned().collect();
        let spec = match source {
            config::Source::Prometheus(one) => {
                panels.extend(one.panels.iter().cloned());
                panels.append(&mut unnamed);
                let (headers, bearer) = auth(&one.auth)?;
                Spec::Prometheus { id, url: one.url.clone(), panels, every: one.every, headers, bearer }
            }
            config::Source::Scrape(one) => {
                panels.extend(one.panels.iter().cloned());
                panels.append(&mut unnamed);
                let (_, bearer) = auth(&one.auth)?;
                Spec::Scrape { id, urls: vec![one.url.clone()], panels, every: one.every, bearer }
            }
            config::Source::Log(one) => Spec::Log { id, glob: one.path.clone(), every: one.every },
            config::Source::Probe(one) => {
                let mut expect = Expect::default();
                if !one.status.is_empty() {
                    let list: Vec<_> = one.status.iter().map(u16::to_string).collect();
                    expect.status = list.join(",").parse().map_err(|error| format!("{id}: {error}"))?;
                }
                expect.matches.clone_from(&one.body);
                Spec::Probe {
                    name: id.trim_start_matches("probe:").to_owned(),
                    id,
                    url: one.url.clone(),
                    expect,
                    timeout: one.timeout,
                    every: one.every,
                }
            }
            config::Source::Release(one) => Spec::ReleaseDir {
                service: one.service.clone().unwrap_or_else(|| id.trim_start_matches("release:").to_owned()),
                id,
                env: one.env.clone(),
                path: one.dir.clone(),
                every: one.every,
            },
        };
        // Flags name no service: endpoints named by them are taken for instances of one.
        let service = match source {
            config::Source::Scrape(one) => Some(one.service.clone().unwrap_or_default()),
            _ => None,
        };
        specs.push((service, spec));
    }
    Ok(together(specs))
}

/// Endpoints of one service are its instances, and one source: their numbers add up.
fn together(scrapes: Vec<(Option<String>, Spec)>) -> Vec<Spec> {
    let mut groups: Vec<(Option<String>, Spec)> = Vec::new();
    for (service, spec) in scrapes {
        let known = groups.iter_mut().find(|(own, _)| service.is_some() && *own == service);
        match (spec, known) {
            (Spec::Scrape { urls, panels, .. }, Some((_, Spec::Scrape { urls: all, panels: kept, .. }))) => {
                all.extend(urls);
                kept.extend(panels);
            }
            (spec, _) => groups.push((service, spec)),
        }
    }
    groups.into_iter().map(|(_, spec)| spec).collect()
}

type Proof = (Vec<(String, SecretString)>, Option<SecretString>);

/// Headers and a bearer token, their secrets fetched.
fn auth(auth: &Auth) -> Result<Proof, String> {
    let have = |secret: &Secret| resolve_secret(secret, &fetch).map_err(|error| error.to_string());
    let mut headers = header_values(&auth.headers, have)?;
    if let Some(basic) = &auth.basic {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let pair = format!("{}:{}", basic.user, have(&basic.password)?.expose_secret());
        headers
            .push(("Authorization".into(), SecretString::from(format!("Basic {}", STANDARD.encode(pair)))));
    }
    Ok((headers, auth.bearer.as_ref().map(have).transpose()?))
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
