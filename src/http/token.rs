//! Bearer tokens: made once, shown once, kept as their SHA-256 alone.

use crate::domain::id::Digest;
use hmac::digest::CtOutput;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateRight {
    /// Look: `GET`.
    Read,
    /// Ask, which is journaled where it is refused: `POST`.
    Ask,
}

/// A token as `warroom.toml` has it. 256 random bits need no salt and no slow hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who asks with it, as the journal shall say.
    pub name: String,
    /// SHA-256 of the token, 64 hexadecimal digits.
    #[schemars(with = "String", regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Digest,
    /// What it is good for.
    #[serde(default = "all")]
    pub may: Vec<GateRight>,
}

fn all() -> Vec<GateRight> {
    vec![GateRight::Read, GateRight::Ask]
}

/// A token in the clear. Does not print by itself.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// How a token begins, so that scanners of repositories know one.
    pub const PREFIX: &'static str = "wrg_";

    /// A new one.
    pub fn fresh() -> Self {
        // Two random UUIDs have 244 random bits from the system's generator, and no error to handle.
        let (a, b) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        Self(SecretString::from(format!("{}{}{}", Self::PREFIX, a.simple(), b.simple())))
    }

    /// One that somebody has.
    pub fn given(text: &str) -> Self {
        Self(SecretString::from(text.trim()))
    }

    /// The token itself, to print once or to send.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn hash(&self) -> CtOutput<Sha256> {
        CtOutput::new(Sha256::digest(self.expose().as_bytes()))
    }
}

impl Token {
    /// The entry for this secret.
    pub fn new(name: impl Into<String>, secret: &Secret, may: Vec<GateRight>) -> Self {
        Self { name: name.into(), sha256: Digest(secret.hash().into_bytes().into()), may }
    }

    /// Whether this is that secret's entry; takes as long whatever is wrong with it.
    pub fn is(&self, secret: &Secret) -> bool {
        CtOutput::<Sha256>::new(self.sha256.0.into()) == secret.hash()
    }

    /// The lines for `warroom.toml`.
    pub fn config(&self) -> String {
        let mut lines = String::from("[[gate.tokens]]\n");
        let may: Vec<_> = self.may.iter().map(|right| format!("{:?}", right.word())).collect();
        let _ = writeln!(lines, "name = {:?}", self.name);
        let _ = writeln!(lines, "sha256 = \"{}\"", self.sha256);
        let _ = writeln!(lines, "may = [{}]", may.join(", "));
        lines
    }
}

impl GateRight {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ask => "ask",
        }
    }
}

/// Finds whose secret this is. All are looked at, so that the time tells nothing of which one nearly fits.
pub fn whose<'t>(tokens: &'t [Token], secret: &Secret) -> Option<&'t Token> {
    tokens.iter().fold(None, |found, token| if token.is(secret) { Some(token) } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_survives_the_config() {
        let (secret, other) = (Secret::fresh(), Secret::fresh());
        let token = Token::new("ci \"x\"", &secret, all());
        assert!(token.is(&secret) && !token.is(&other));
        assert!(token.is(&Secret::given(&format!("{}\n", secret.expose()))));
        assert_eq!(whose(std::slice::from_ref(&token), &other), None);

        let file: toml::Value = toml::from_str(&token.config()).unwrap();
        let read: Token = file["gate"]["tokens"][0].clone().try_into().unwrap();
        assert_eq!(read, token);
        assert!(!token.config().contains(secret.expose()));
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }

    #[test]
    fn the_hash_is_sha256_as_anybody_computes_it() {
        let token = Token::new("t", &Secret::given("abc"), all());
        assert_eq!(
            token.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
