//! What one block leaves for the next: variables, functions and the working directory.
//!
//! One carry belongs to one walk, one person and one host. In memory it holds whatever the block left; on disk it
//! holds nothing that looks like a secret.

use super::shell::{internal, is_name, quoted};
use crate::{
    domain::id::Digest,
    evidence::redact::Redactor,
    os::durable::{FileError, write_whole},
};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

/// Most bytes of a shell's state that are carried.
pub const STATE_MAX: u64 = 4 << 20;

/// The state of a shell between two blocks.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Carry {
    /// Key of the digest; without it the digest of a short value could be guessed.
    key: [u8; 32],
    state: State,
    /// Variables that were not written to disk because they look like secrets: a later hand does not have them.
    #[serde(default)]
    withheld: BTreeSet<String>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    cwd: Option<PathBuf>,
    variables: BTreeMap<String, Variable>,
    functions: BTreeMap<String, String>,
    /// Variables of the person's environment that a block has unset.
    unset: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Variable {
    /// What makes it again in bash.
    declare: String,
    /// Its value where it is exported and no array.
    exported: Option<String>,
}

/// A stored carry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no randomness for the key.
    #[error("the system gives no random bytes for the key of the carried state: {0}")]
    Random(String),
    /// The file is not what was stored.
    #[error("the carried state {} is damaged ({why}): remove it to begin with an empty one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
}

impl std::fmt::Debug for Carry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let State { cwd, variables, functions, .. } = &self.state;
        write!(f, "Carry({} variables, {} functions, in {cwd:?})", variables.len(), functions.len())
    }
}

/// What a shell says of itself when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Everything, as `shell::bash_prologue` writes it.
    Bash,
    /// Exported variables, as `shell::sh_prologue` writes them.
    Sh,
}

impl Carry {
    /// An empty one, with a key of its own.
    pub fn new() -> Result<Self, CarryError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| CarryError::Random(error.to_string()))?;
        Ok(Self { key, ..Self::default() })
    }

    /// The one stored at `path`, or an empty one where there is none.
    pub fn load(path: &Path) -> Result<Self, CarryError> {
        match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::new(),
            Err(error) => Err(FileError::at("read", path)(error).into()),
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| CarryError::Damaged { path: path.to_owned(), why: error.to_string() }),
        }
    }

    /// Stores it, mode 0600, without the variables and functions in which `redactor` finds a secret.
    pub fn store(&self, path: &Path, redactor: &Redactor) -> Result<(), CarryError> {
        let mut kept = self.clone();
        let secret = |name: &str, text: &str| {
            redactor.finds(text.as_bytes()) || redactor.finds(format!("{name}={text}").as_bytes())
        };
        kept.state.variables.retain(|name, variable| {
            let keep = !redactor.finds(variable.declare.as_bytes())
                && !variable.exported.as_ref().is_some_and(|value| secret(name, value));
            if !keep {
                kept.withheld.insert(name.clone());
            }
            keep
        });
        kept.state.functions.retain(|name, body| {
            let keep = !redactor.finds(body.as_bytes());
            if !keep {
                kept.withheld.insert(name.clone());
            }
            keep
        });
        let text = serde_json::to_vec(&kept)
            .map_err(|error| CarryError::Damaged { path: path.to_owned(), why: error.to_string() })?;
        Ok(write_whole(path, &text)?)
    }

    /// HMAC-SHA256 (RFC 2104) of the state under this carry's key: part of what an approval names.
    pub fn digest(&self) -> Digest {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return Digest::ZERO };
        mac.update(&serde_json::to_vec(&self.state).unwrap_or_default());
        Digest(mac.finalize().into_bytes().into())
    }

    /// Names of what was withheld from disk and is missing here.
    pub fn withheld(&self) -> impl Iterator<Item = &str> {
        self.withheld.iter().map(String::as_str)
    }

    /// Where the last block ended.
    pub fn cwd(&self) -> Option<&Path> {
        self.state.cwd.as_deref()
    }

    /// Value of an exported variable.
    pub fn exported(&self, name: &str) -> Option<&str> {
        self.state.variables.get(name)?.exported.as_deref()
    }

    /// Sets an exported variable for the blocks to come.
    pub fn export(&mut self, name: &str, value: &str) {
        if is_name(name) && !internal(name) {
            let declare = format!("declare -x {name}={}", quoted(value));
            let exported = Some(value.to_owned());
            self.state.variables.insert(name.to_owned(), Variable { declare, exported });
            self.state.unset.remove(name);
            self.withheld.remove(name);
        }
    }

    /// Puts the exported variables into a block's environment.
    pub(super) fn apply(&self, env: &mut BTreeMap<OsString, OsString>) {
        for name in &self.state.unset {
            env.remove(OsString::from(name).as_os_str());
        }
        for (name, variable) in &self.state.variables {
            if let Some(value) = &variable.exported {
                env.insert(name.into(), value.into());
            }
        }
    }

    /// Shell text that makes the state again, but for `given`: those the request sets itself. For `sh`, exported
    /// variables only.
    pub(super) fn text(&self, dialect: Dialect, given: &BTreeSet<String>) -> String {
        let mut out = String::new();
        let wanted = self.state.variables.iter().filter(|(name, _)| !given.contains(*name));
        match dialect {
            Dialect::Bash => {
                for (_, variable) in wanted {
                    out += &variable.declare;
                    out.push('\n');
                }
                // A body with an extended pattern parses only while they are on.
                out += "builtin shopt -s extglob\n";
                for body in self.state.functions.values() {
                    out += body;
                    out.push('\n');
                }
                out += "builtin shopt -u extglob\n";
            }
            Dialect::Sh => {
                for (name, value) in wanted.filter_map(|(name, v)| Some((name, v.exported.as_ref()?))) {
                    let _ = writeln!(out, "{name}={}; export {name}", quoted(value));
                }
            }
        }
        out
    }

    /// Takes over what a shell said when it ended. `base` is the environment it was given by the person; what is as
    /// it was there is not kept, nor what is `given`. Nothing changes when the text is not complete.
    pub(super) fn take(
        &mut self,
        dialect: Dialect,
        dump: &[u8],
        base: &BTreeMap<OsString, OsString>,
        given: &BTreeSet<String>,
    ) -> Result<(), &'static str> {
        let mut fields = dump.split(|byte| *byte == 0);
        let mut next = || fields.next().map(|field| String::from_utf8_lossy(field).into_owned());
        let mut state = State::default();
        let mut seen = BTreeSet::new();
        let cut = "it did not say its state to the end";
        if next().as_deref() != Some("C") {
            return Err("it ended without saying its state (exec, a kill, or an EXIT trap of its own in sh)");
        }
        state.cwd = next().map(PathBuf::from).filter(|path| path.is_absolute());
        let as_given = |name: &str, value: &str| {
            base.get(OsString::from(name).as_os_str()).is_some_and(|was| was.to_str() == Some(value))
        };
        let wanted = |name: &str| is_name(name) && !internal(name) && !given.contains(name);
        if dialect == Dialect::Sh {
            if next().as_deref() != Some("N") {
                return Err(cut);
            }
            state.functions = std::mem::take(&mut self.state.functions);
            state.variables = std::mem::take(&mut self.state.variables);
            state.variables.retain(|_, variable| variable.exported.is_none());
            while let Some(pair) = next() {
                let Some((name, value)) = pair.split_once('=') else { continue };
                seen.insert(name.to_owned());
                if wanted(name) && !as_given(name, value) {
                    let declare = format!("declare -x {name}={}", quoted(value));
                    state.variables.insert(name.into(), Variable { declare, exported: Some(value.into()) });
                }
            }
        } else {
            loop {
                match next().ok_or(cut)?.as_str() {
                    "E" => break,
                    "V" => {
                        let (name, value) = (next().ok_or(cut)?, next().ok_or(cut)?);
                        let declare = next().ok_or(cut)?.trim_end_matches('\n').to_owned();
                        seen.insert(name.clone());
                        let flags = declare.split(' ').nth(1).unwrap_or("-r");
                        let has = |flag| flags.contains(flag);
                        let exported = (has('x') && !has('a') && !has('A')).then_some(value);
                        let same = exported.as_ref().is_some_and(|value| as_given(&name, value));
                        if wanted(&name) && !has('r') && !same {
                            state.variables.insert(name, Variable { declare, exported });
                        }
                    }
                    "F" => {
                        let (name, body) = (next().ok_or(cut)?, next().ok_or(cut)?);
                        state.functions.insert(name, body);
                    }
                    _ => return Err(cut),
                }
            }
        }
        let names = base.keys().filter_map(|name| name.to_str());
        state.unset = names.filter(|name| wanted(name) && !seen.contains(*name)).map(str::to_owned).collect();
        self.withheld.retain(|name| !seen.contains(name));
        self.state = state;
        Ok(())
    }
}
