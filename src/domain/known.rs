//! Which services and environments a room knows, and what follows for a name that it does not.
//!
//! A list in the configuration is closed: the catalogue of services, the list of environments. What is not on it is
//! unknown. Without such a list any well-formed name may be new, but not one that looks like a name that is known and
//! is not it; of environments, which are few, not one that is a known one with a slip of the keyboard. Commands refuse an
//! unknown name; the gate is undecided about it, but for a rollback.

use super::{
    freeze::Freeze,
    gate::{Action, Request},
    name::{self, Looks, Noun},
    refusal::{Code, Refusal},
    release,
    state::State,
};

/// The environment that is meant where none is named.
pub const DEFAULT_ENVIRONMENT: &str = "prod";

/// Most services, or environments, that one command names.
pub const NAMES_MAX: usize = 64;

/// Most known names that a refusal lists.
const LISTED_MAX: usize = 12;

/// How a well-formed name stands to what is known.
enum Standing<'s> {
    /// It is one of the known.
    Known,
    /// Nobody knows it, and nothing says that it is wrong.
    New,
    /// It is none of the known where it should be; with the one that was probably meant.
    Unknown(Option<&'s str>),
}

/// Whether whatever is not on the configuration's list is unknown.
fn is_closed(state: &State, noun: Noun) -> bool {
    match noun {
        Noun::Service => !state.policy.services.is_empty(),
        Noun::Environment => !state.policy.environments.is_empty(),
        Noun::Artifact => false,
    }
}

/// Names that are known for sure: those of the configuration, and where it has no list those that the room's own
/// sources saw.
fn settled(state: &State, noun: Noun) -> Vec<&str> {
    let (policy, releases) = (&state.policy, state.releases.values());
    match noun {
        Noun::Service if is_closed(state, noun) => policy.services.keys().map(String::as_str).collect(),
        Noun::Service => releases.map(|one| one.service.as_str()).collect(),
        Noun::Environment if is_closed(state, noun) => {
            policy.environments.iter().map(String::as_str).collect()
        }
        Noun::Environment => {
            let checks = policy.services.values().flat_map(|one| &one.readiness);
            let asked = checks.flat_map(|check| check.envs.iter().map(String::as_str));
            let seen = releases.map(|one| one.env.as_str());
            std::iter::once(DEFAULT_ENVIRONMENT).chain(asked).chain(seen).collect()
        }
        Noun::Artifact => Vec::new(),
    }
}

/// Names that people gave and that hold something: of freezes and of open incidents.
fn in_use(state: &State, noun: Noun) -> Vec<&str> {
    let mut names = Vec::new();
    for freeze in state.freezes.values().filter(|freeze| freeze.holds()) {
        names.extend(frozen(freeze, noun).iter().map(String::as_str));
    }
    for incident in state.incidents.values().filter(|incident| incident.is_open()) {
        match noun {
            Noun::Service => names.extend(incident.services.iter().map(String::as_str)),
            Noun::Environment => names.push(&incident.env),
            Noun::Artifact => {}
        }
    }
    names
}

fn frozen(freeze: &Freeze, noun: Noun) -> &[String] {
    match noun {
        Noun::Service => &freeze.scope.services,
        Noun::Environment => &freeze.scope.envs,
        Noun::Artifact => &[],
    }
}

/// Whether the configuration writes exactly this name.
pub fn is_configured(state: &State, noun: Noun, name: &str) -> bool {
    let policy = &state.policy;
    match noun {
        Noun::Service => policy.services.contains_key(name),
        Noun::Environment => {
            policy.environments.contains(name)
                || policy
                    .services
                    .values()
                    .flat_map(|one| &one.readiness)
                    .any(|check| check.envs.contains(name))
        }
        Noun::Artifact => false,
    }
}

/// Whether exactly this name is configured or held by a freeze: a freeze of an older journal goes on to hold what it
/// held, whatever its name is made of.
pub fn is_configured_or_frozen(state: &State, noun: Noun, name: &str) -> bool {
    let holds = |freeze: &&Freeze| freeze.holds() && frozen(freeze, noun).iter().any(|one| one == name);
    is_configured(state, noun, name) || state.freezes.values().any(|freeze| holds(&freeze))
}

/// A name of a change that asks the gate, read; whether it is known is the gate's to say.
///
/// # Errors
/// `Invalid` where it is no name, with the nearest that is known.
pub fn asked(state: &State, noun: Noun, given: &str) -> Result<String, Refusal> {
    name::read(noun, given, |name| is_configured_or_frozen(state, noun, name))
        .map_err(|wrong| wrong.refusal(name::nearest(given, settled(state, noun))))
}

/// Whether a name is as [`asked`] gives it.
fn is_read(state: &State, noun: Noun, name: &str) -> bool {
    asked(state, noun, name).is_ok_and(|read| read == name)
}

/// Whether the configuration's list of its kind has this name.
fn is_listed(state: &State, noun: Noun, name: &str) -> bool {
    match noun {
        Noun::Service => state.policy.services.contains_key(name),
        Noun::Environment => state.policy.environments.contains(name),
        Noun::Artifact => false,
    }
}

/// Whether a name that a source gave is not on the configuration's list of its kind, where there is one.
pub fn is_unlisted(state: &State, noun: Noun, name: &str) -> bool {
    is_closed(state, noun) && !is_listed(state, noun, name)
}

fn standing<'s>(state: &'s State, noun: Noun, name: &str, others: &[&'s str]) -> Standing<'s> {
    // The gate asks this of every change: what a list has is answered without going through it.
    if is_listed(state, noun, name) {
        return Standing::Known;
    }
    let settled = settled(state, noun);
    if settled.contains(&name) {
        return Standing::Known;
    }
    if is_closed(state, noun) {
        return Standing::Unknown(name::nearest(name, settled));
    }
    if others.contains(&name) {
        return Standing::Known;
    }
    let looks = Looks::of(name);
    let mut all = settled.into_iter().chain(others.iter().copied());
    let slips = |other: &str| noun == Noun::Environment && name::is_slip(name, other);
    all.find(|other| looks.like(&Looks::of(other)) || slips(other))
        .map_or(Standing::New, |twin| Standing::Unknown(Some(twin)))
}

/// Nobody knows this name, in words; the nearest known one is named beside it.
fn unknown(state: &State, noun: Noun, name: &str, near: Option<&str>) -> (String, String) {
    let word = noun.word();
    let what = match noun {
        Noun::Service if is_closed(state, noun) => format!("the catalogue has no service {name}"),
        _ => format!("there is no {word} {name}"),
    };
    let hint = near.map_or_else(
        || {
            let known = settled(state, noun);
            let more = known.len().saturating_sub(LISTED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("known: {}{more}", known.iter().take(LISTED_MAX).copied().collect::<Vec<_>>().join(", "))
        },
        |near| match noun {
            Noun::Environment if !is_closed(state, noun) => {
                format!("did you mean {near}? one that is new is listed in policy.environments")
            }
            _ => format!("did you mean {near}?"),
        },
    );
    (what, hint)
}

fn read(state: &State, noun: Noun, given: &str) -> Result<String, Refusal> {
    let name = name::read(noun, given, |name| is_configured(state, noun, name)).map_err(|wrong| {
        let near = name::nearest(given, settled(state, noun));
        wrong.refusal(near)
    })?;
    match standing(state, noun, &name, &[]) {
        Standing::Known | Standing::New => Ok(name),
        Standing::Unknown(near) => {
            let (what, hint) = unknown(state, noun, &name, near);
            Err(Refusal::new(Code::Unknown, what).hint(hint))
        }
    }
}

/// A service that a command names.
///
/// # Errors
/// `Invalid` where it is no name, `Unknown` where the room does not know it; both with the nearest known name.
pub fn service(state: &State, given: &str) -> Result<String, Refusal> {
    read(state, Noun::Service, given)
}

/// An environment that a command names.
///
/// # Errors
/// As of [`service`].
pub fn environment(state: &State, given: &str) -> Result<String, Refusal> {
    read(state, Noun::Environment, given)
}

fn each(state: &State, noun: Noun, given: &[String], kept: &[String]) -> Result<Vec<String>, Refusal> {
    if given.len() > NAMES_MAX {
        let what = format!("{} names of {}s, more than {NAMES_MAX}", given.len(), noun.word());
        return Err(Refusal::new(Code::Invalid, what).hint("do it in several commands"));
    }
    let mut names = Vec::new();
    for one in given {
        let name = if kept.contains(one) { one.clone() } else { read(state, noun, one)? };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The services that a command names, each once.
///
/// # Errors
/// As of [`service`], of the first that is wrong; `Invalid` where there are too many.
pub fn services(state: &State, given: &[String]) -> Result<Vec<String>, Refusal> {
    each(state, Noun::Service, given, &[])
}

/// The same where `kept` are named already and may stay, whatever they are: what an older journal says can be written
/// again.
///
/// # Errors
/// As of [`services`].
pub fn services_beside(state: &State, given: &[String], kept: &[String]) -> Result<Vec<String>, Refusal> {
    each(state, Noun::Service, given, kept)
}

/// The environments that a command names, each once.
///
/// # Errors
/// As of [`services`].
pub fn environments(state: &State, given: &[String]) -> Result<Vec<String>, Refusal> {
    each(state, Noun::Environment, given, &[])
}

/// The environments that are known, each once, the one that is meant where none is named first: what a person is offered.
pub fn environments_offered(state: &State) -> Vec<&str> {
    let mut names = vec![default_environment(state)];
    for name in settled(state, Noun::Environment) {
        if !names.contains(&name) && !is_unlisted(state, Noun::Environment, name) {
            names.push(name);
        }
    }
    names
}

/// The environment that is meant where a command names none.
pub fn default_environment(state: &State) -> &str {
    let listed = &state.policy.environments;
    if listed.contains(DEFAULT_ENVIRONMENT) {
        return DEFAULT_ENVIRONMENT;
    }
    listed.first().map_or(DEFAULT_ENVIRONMENT, String::as_str)
}

/// An artifact that a command names, of one of these services.
///
/// # Errors
/// `Invalid` where it is no name; `Unknown` where it names what looks like one of the services and is none of them.
fn artifact_of(given: &str, services: &[&str]) -> Result<String, Refusal> {
    let name = name::read(Noun::Artifact, given, |_| false).map_err(|wrong| wrong.refusal(None))?;
    if let Some((named, version)) = name.split_once('@')
        && !services.contains(&named)
    {
        let looks = Looks::of(named);
        if let Some(service) = services.iter().find(|service| looks.like(&Looks::of(service))) {
            let what = format!("the artifact {name} is of {named}, which is not the service {service}");
            return Err(Refusal::new(Code::Unknown, what).hint(format!("did you mean {service}@{version}?")));
        }
    }
    Ok(name)
}

/// An artifact of this service.
///
/// # Errors
/// As of [`artifact_exempt`].
pub fn artifact(given: &str, service: &str) -> Result<String, Refusal> {
    artifact_of(given, &[service])
}

/// An artifact that is to pass a freeze: it would not pass under a name that only looks like its own.
///
/// # Errors
/// `Invalid` where it is no name; `Unknown` where it names what looks like a service of the freeze, or a known one, and is
/// none of them.
pub fn artifact_exempt(state: &State, given: &str, freeze: &Freeze) -> Result<String, Refusal> {
    let mut services: Vec<&str> = freeze.scope.services.iter().map(String::as_str).collect();
    services.extend(settled(state, Noun::Service));
    artifact_of(given, &services)
}

/// Why the gate cannot say whether a change may go that no freeze covers: its names are unknown here, or look like
/// names that are held. One sentence.
pub fn doubt(state: &State, request: &Request) -> Option<String> {
    let names = [
        (Noun::Service, &request.service),
        (Noun::Environment, &request.env),
        (Noun::Artifact, &request.artifact),
    ];
    for (noun, name) in names {
        if !is_read(state, noun, name) {
            return Some(format!("{} is no name of {}", name::shown(noun, name), noun.one()));
        }
        if noun == Noun::Artifact {
            continue;
        }
        if let Standing::Unknown(near) = standing(state, noun, name, &in_use(state, noun)) {
            let (what, hint) = unknown(state, noun, name, near);
            return Some(format!("{what}; {hint}"));
        }
    }
    looks_frozen(state, request).or_else(|| looks_bad(state, request))
}

/// A freeze holds on names that look like those of the change, and are not.
fn looks_frozen(state: &State, request: &Request) -> Option<String> {
    let like = |list: &[String], one: &str| {
        list.is_empty() || list.iter().any(|name| name == one) || {
            let looks = Looks::of(one);
            list.iter().any(|name| looks.like(&Looks::of(name)))
        }
    };
    state
        .freezes
        .values()
        .filter(|freeze| freeze.holds() && freeze.scope.actions.contains(&request.action))
        .filter(|freeze| !freeze.scope.covers(&request.service, &request.env, request.action))
        .find(|freeze| {
            like(&freeze.scope.services, &request.service) && like(&freeze.scope.envs, &request.env)
        })
        .map(|freeze| {
            let label = freeze.scope.label();
            format!("{} freezes {label}, which looks like {}/{}", freeze.id, request.service, request.env)
        })
}

/// An artifact that was judged bad looks like the one of the change, and is not.
fn looks_bad(state: &State, request: &Request) -> Option<String> {
    if request.action == Action::Rollback {
        return None;
    }
    let prefix = release::key(&request.service, "");
    let mut bad = state
        .judged
        .range(prefix.clone()..)
        .map_while(|(key, judged)| Some((key.strip_prefix(&prefix)?, judged)))
        .filter(|(_, judged)| judged.judgement == release::Judgement::Bad)
        .peekable();
    bad.peek()?;
    let own = release::version(&request.service, &request.artifact);
    if state.judged.contains_key(&release::key(&request.service, own)) {
        return None;
    }
    let after = request
        .artifact
        .split_once('@')
        .filter(|(named, _)| Looks::of(named).like(&Looks::of(&request.service)));
    let looks: Vec<Looks> =
        std::iter::once(own).chain(after.map(|(_, version)| version)).map(Looks::of).collect();
    bad.find(|(version, _)| {
        let bad = Looks::of(version);
        looks.iter().any(|looks| looks.like(&bad))
    })
    .map(|(version, _)| {
        format!("{} {version} was judged bad and looks like {}", request.service, request.artifact)
    })
}
