//! Secrets fetched from where they are. The only place that does.

use super::secret::Secret;
use secrecy::SecretString;
use std::{
    fs::File,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// Longest secret that is taken.
const SECRET_MAX: u64 = 64 * 1024;

/// Runs a command to its end and gives what it printed, or in words why not. Given by whoever may spawn.
pub type Run<'a> = &'a dyn Fn(&[String]) -> Result<Vec<u8>, String>;

/// Why a secret could not be had. Never holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no secret from {place}: {why}")]
pub struct NoSecret {
    /// Where it should be.
    pub place: String,
    /// What is wrong and what to do.
    pub why: String,
}

/// Fetches a secret, without the line end it may close with.
///
/// # Errors
/// Where it is not there, is empty, is not text, or lies in a file that everybody can read.
pub fn resolve_secret(secret: &Secret, run: Run<'_>) -> Result<SecretString, NoSecret> {
    let fail = |why: String| NoSecret { place: secret.to_string(), why };
    let raw = match secret {
        Secret::Env(name) => match std::env::var(name) {
            Ok(text) => text.into_bytes(),
            Err(std::env::VarError::NotPresent) => return Err(fail("it is not set".into())),
            Err(std::env::VarError::NotUnicode(_)) => return Err(fail("it is not UTF-8".into())),
        },
        Secret::File(path) => read(path).map_err(fail)?,
        Secret::Command(words) => run(words).map_err(fail)?,
    };
    if raw.len() as u64 > SECRET_MAX {
        return Err(fail(format!("it is longer than {SECRET_MAX} bytes")));
    }
    let text = String::from_utf8(raw).map_err(|_| fail("it is not UTF-8".into()))?;
    let bare = text.trim_end_matches(['\r', '\n']);
    if bare.is_empty() {
        return Err(fail("it is empty".into()));
    }
    if bare.contains(|c: char| c.is_control()) {
        return Err(fail("it has more than one line, or control characters".into()));
    }
    Ok(SecretString::from(bare.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    // Not blocking, so that a pipe without a writer cannot hold the room up.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file =
        File::options().read(true).custom_flags(nonblock).open(path).map_err(|error| error.to_string())?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a regular file".into());
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(format!(
            "everybody can reach it (mode {mode:04o}); chmod o-rwx it, and change the secret"
        ));
    }
    let mut raw = Vec::new();
    file.take(SECRET_MAX + 1).read_to_end(&mut raw).map_err(|error| error.to_string())?;
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, Secret) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, Secret::File(path))
    }

    const NO: Run<'static> = &|_| Err("not here".into());

    #[test]
    fn a_file_of_ones_own_is_read_without_its_line_end() {
        let (_dir, secret) = file("s3cret\r\n", 0o640);
        assert_eq!(resolve_secret(&secret, NO).unwrap().expose_secret(), "s3cret");
    }

    #[test]
    fn what_everybody_can_read_is_refused() {
        for mode in [0o644, 0o604, 0o606] {
            let (_dir, secret) = file("s3cret", mode);
            let why = resolve_secret(&secret, NO).unwrap_err().to_string();
            assert!(why.contains(&format!("mode {mode:04o}")) && !why.contains("s3cret"), "{why}");
        }
    }

    #[test]
    fn nothing_odd_is_a_secret() {
        for text in ["", "\n", "two\nlines", "x\u{1b}[2J"] {
            let (_dir, secret) = file(text, 0o600);
            assert!(resolve_secret(&secret, NO).is_err(), "{text:?}");
        }
        assert!(resolve_secret(&Secret::File("/".into()), NO).is_err());
        assert!(resolve_secret(&Secret::File("/nowhere/at/all".into()), NO).is_err());
        assert!(resolve_secret(&Secret::Env("WARROOM_TEST_NEVER_SET".into()), NO).is_err());
    }

    #[test]
    fn a_command_is_run_by_who_may() {
        let secret = Secret::Command(vec!["pass".into(), "prom".into()]);
        let run: Run<'_> = &|words| Ok(format!("{}!\n", words.join(" ")).into_bytes());
        assert_eq!(resolve_secret(&secret, run).unwrap().expose_secret(), "pass prom!");
        assert_eq!(
            resolve_secret(&secret, NO).unwrap_err().to_string(),
            "no secret from command pass: not here"
        );
    }
}
