//! Where a secret is, never what it is.

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use std::{fmt, path::PathBuf};

const FORMS: &[&str] = &["env", "file", "command"];

/// A reference to a secret: `{ env = "X" }`, `{ file = "/path" }` or `{ command = ["pass", "show", "prom"] }`.
/// The secret itself never stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// The environment variable of this name, read when the room starts.
    Env(String),
    /// The first line of this file, which others must not be able to read.
    File(PathBuf),
    /// What this command prints; program and arguments, without a shell.
    Command(Vec<String>),
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(words) => write!(f, "command {}", words.first().map_or("", String::as_str)),
        }
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\"] }")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Secret, E> {
        Err(E::custom(
            "a secret must not stand in the file: name where it is, { env = \"NAME\" }, { file = \"PATH\" } or \
             { command = [\"PROGRAM\", \"ARGUMENT\"] }, and change the one that stood here",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let several = || A::Error::custom("a secret is in one place: keep one of env, file and command");
        let mut secret = None;
        while let Some(form) = map.next_key::<Form>()? {
            let next = match form {
                Form::Env => Secret::Env(map.next_value()?),
                Form::File => Secret::File(map.next_value()?),
                Form::Command => Secret::Command(map.next_value()?),
            };
            if secret.replace(next).is_some() {
                return Err(several());
            }
        }
        secret.ok_or_else(|| {
            A::Error::custom(
                "the secret's place is missing: write { env = \"NAME\" }, { file = \"PATH\" } or \
                 { command = [\"PROGRAM\"] }",
            )
        })
    }
}

enum Form {
    Env,
    File,
    Command,
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match String::deserialize(d)?.as_str() {
            "env" => Ok(Self::Env),
            "file" => Ok(Self::File),
            "command" => Ok(Self::Command),
            other => Err(D::Error::unknown_field(other, FORMS)),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Reads)
    }
}

/// A header's value: text where it is no secret, else where the secret is.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(untagged)]
pub enum Header {
    /// Not a secret: `X-Scope-OrgID = "team-a"`.
    Plain(String),
    /// A secret.
    Secret(Secret),
}

struct ReadsHeader;

impl<'de> Visitor<'de> for ReadsHeader {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes, or { env = \"NAME\" } for a secret")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Header, E> {
        Ok(Header::Plain(text.to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Header, A::Error> {
        Reads.visit_map(map).map(Header::Secret)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ReadsHeader)
    }
}
