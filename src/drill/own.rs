//! Runbooks of the player's own in a drill: kept with it, walked with stand-ins for all that they name, and without
//! their player's credentials.

use super::{
    ground::Places,
    pacing::paced,
    world::{WorldError, layout},
};
use crate::{
    domain::plan::Runbook,
    runbook::outside::{Remapped, Stand, remap},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What a person wants to practise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// As loaded.
    pub runbooks: Vec<Runbook>,
    /// What stands for what they name.
    pub stand: Stand,
}

/// Variables of the player that steps keep: how to find programs, who one is, how one reads.
const KEPT: [&str; 9] = ["PATH", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "SHELL"];
/// Proves who one is to another host; kept where a stand-in is one.
const AGENT: &str = "SSH_AUTH_SOCK";

impl Own {
    fn file(dir: &Path) -> PathBuf {
        dir.join("own.json")
    }

    /// Keeps it in a drill's directory, for who takes the drill up again.
    ///
    /// # Errors
    /// [`WorldError`].
    pub fn keep(&self, dir: &Path) -> Result<(), WorldError> {
        layout::write_json(&Self::file(dir), self)
    }

    /// What was kept in a drill's directory; nothing where the drill has no runbooks but its own.
    ///
    /// # Errors
    /// [`WorldError`] where it cannot be read.
    pub fn kept(dir: &Path) -> Result<Option<Self>, WorldError> {
        let file = Self::file(dir);
        if file.exists() { layout::read_json(&file).map(Some) } else { Ok(None) }
    }

    /// Each runbook with its stand-ins.
    ///
    /// # Errors
    /// Stand-ins that the practice world does not have.
    pub fn remapped(&self, places: &Places) -> Result<Vec<Remapped>, Vec<String>> {
        let (stand, ground) = (places.resolve(&self.stand)?, places.ground());
        Ok(self.runbooks.iter().map(|runbook| remap(runbook, &stand, &ground)).collect())
    }

    /// The runbooks as they are walked, at a pace.
    pub(super) fn walked(&self, places: &Places, pace: f64) -> Vec<Runbook> {
        let remapped = self.remapped(places).unwrap_or_default().into_iter();
        // What has a name left must not be walked; it was refused before anything was started.
        let sound = remapped.filter(|one| one.left.is_empty() && one.wrong.is_empty());
        sound.map(|one| paced(one.runbook, pace)).collect()
    }

    /// What is practised, in a few words.
    pub fn words(&self) -> String {
        let names: Vec<&str> = self.runbooks.iter().map(|one| one.source.as_str()).collect();
        names.join(", ")
    }

    /// The environment of the steps: a home of the drill's own, and nothing that proves who its player is.
    pub fn environment(
        &self,
        dir: &Path,
        socket: &Path,
        of_player: impl Fn(&str) -> Option<OsString>,
    ) -> BTreeMap<String, String> {
        let ssh = self.stand.map.values().any(|value| value.starts_with("ssh://"));
        let kept = KEPT.into_iter().chain(ssh.then_some(AGENT));
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        kept.filter_map(|name| Some((name.to_owned(), of_player(name)?.to_string_lossy().into_owned())))
            .chain([
                ("HOME".to_owned(), text(dir.join("home"))),
                ("TMPDIR".to_owned(), text(dir.join("home"))),
                ("XDG_STATE_HOME".to_owned(), text(dir.join("home"))),
                ("WARROOM_SOCKET".to_owned(), text(socket.to_owned())),
            ])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_none_of_their_players_credentials() {
        let player = |name: &str| Some(OsString::from(format!("of {name}")));
        let mut own = Own::default();
        let env = own.environment(Path::new("/d"), Path::new("/d/room/room.sock"), player);
        assert_eq!((env["PATH"].as_str(), env["HOME"].as_str()), ("of PATH", "/d/home"));
        assert!(!env.contains_key(AGENT) && !env.contains_key("KUBECONFIG"), "{env:?}");
        own.stand.map.insert("web".into(), "ssh://stand-in".into());
        let env = own.environment(Path::new("/d"), Path::new("/s"), player);
        assert_eq!(env[AGENT], format!("of {AGENT}"));
    }
}
