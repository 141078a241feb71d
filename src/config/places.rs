//! Where warroom.toml is looked for.
//!
//! `--config FILE`, else `WARROOM_CONFIG`: that file alone. Else the system's and then the user's over it. A file in
//! the current directory is never read unasked: whoever can write there would decide what runs.

use super::{
    flags::Flags,
    load::{Loaded, World, assemble, layer},
    problem::{File, Problem, Report},
};
use std::{
    ffi::OsString,
    io::Read,
    path::{Path, PathBuf},
};

/// Largest file that is read.
const FILE_MAX: u64 = 1024 * 1024;

/// The system's file.
pub const SYSTEM: &str = "/etc/warroom/warroom.toml";

/// What is asked for, and the environment it is asked in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ask {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// The flags that name sources.
    pub flags: Flags,
    /// `WARROOM_CONFIG`.
    pub env_config: Option<OsString>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config: Option<OsString>,
    /// `HOME`.
    pub home: Option<OsString>,
    /// The current directory.
    pub here: PathBuf,
}

impl Ask {
    /// With this process's environment.
    pub fn here(config: Option<PathBuf>, mut flags: Flags) -> Self {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        flags.here.clone_from(&here);
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            config,
            flags,
            env_config: var("WARROOM_CONFIG"),
            xdg_config: var("XDG_CONFIG_HOME"),
            home: var("HOME"),
            here,
        }
    }

    /// The files to read in their order, and whether each must be there.
    pub fn places(&self) -> Vec<(PathBuf, bool)> {
        if let Some(path) = &self.config {
            return vec![(path.clone(), true)];
        }
        if let Some(path) = &self.env_config {
            return vec![(path.into(), true)];
        }
        // The specification has it that a relative path here is to be ignored.
        let base = self.xdg_config.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let user = base.or_else(|| self.home.as_ref().map(|home| Path::new(home).join(".config")));
        let mut places = vec![(PathBuf::from(SYSTEM), false)];
        places.extend(user.map(|dir| (dir.join("warroom/warroom.toml"), false)));
        places
    }
}

/// Reads the configuration that is in force.
///
/// # Errors
/// All that is wrong with it.
pub fn load(ask: &Ask) -> Result<Loaded, Report> {
    let mut layers = Vec::new();
    let mut problems = Vec::new();
    for (path, must) in ask.places() {
        match read(&path, &ask.here) {
            Ok(Some(file)) => layers.push(file),
            Ok(None) if must => problems.push(Problem::of_file(
                path.display().to_string(),
                "there is no such file",
                "check the path given by --config or WARROOM_CONFIG",
            )),
            Ok(None) => {}
            Err(report) => problems.extend(report.problems),
        }
    }
    if !problems.is_empty() {
        return Err(Report::new(problems));
    }
    let home = ask.home.as_ref().map(PathBuf::from);
    assemble(layers, &ask.flags, &World { home, exists: &|path| path.exists() })
}

fn read(path: &Path, here: &Path) -> Result<Option<File>, Report> {
    let name = path.display().to_string();
    let fail = |error: std::io::Error| -> Report {
        Problem::of_file(name.as_str(), format!("cannot be read: {error}"), "check its owner and mode").into()
    };
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    if !meta.is_file() {
        return Err(
            Problem::of_file(name.as_str(), "not a regular file", "give the path of a warroom.toml").into()
        );
    }
    let mut raw = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(FILE_MAX + 1).read_to_end(&mut raw).map_err(fail)?;
    if raw.len() as u64 > FILE_MAX {
        return Err(Problem::of_file(
            name.as_str(),
            "larger than 1 MiB",
            "a configuration is a few kilobytes: is this the right file?",
        )
        .into());
    }
    let whole = here.join(path);
    let dir = whole.parent().unwrap_or(here);
    layer(&name, dir, raw).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_named_file_stands_alone_else_system_then_user() {
        let mut ask = Ask { home: Some("/home/ana".into()), ..Ask::default() };
        let paths = |ask: &Ask| ask.places().into_iter().map(|(path, _)| path).collect::<Vec<_>>();
        let user = PathBuf::from("/home/ana/.config/warroom/warroom.toml");
        assert_eq!(paths(&ask), [PathBuf::from(SYSTEM), user.clone()]);
        ask.xdg_config = Some("relative".into());
        assert_eq!(paths(&ask), [PathBuf::from(SYSTEM), user]);
        ask.xdg_config = Some("/x".into());
        assert_eq!(paths(&ask), [PathBuf::from(SYSTEM), "/x/warroom/warroom.toml".into()]);
        ask.env_config = Some("/e.toml".into());
        assert_eq!(ask.places(), [("/e.toml".into(), true)]);
        ask.config = Some("c.toml".into());
        assert_eq!(ask.places(), [("c.toml".into(), true)]);
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_one() {
        let dir = tempfile::tempdir().unwrap();
        let ask = |path: PathBuf| Ask { config: Some(path), here: dir.path().into(), ..Ask::default() };
        let what = |ask: &Ask| load(ask).unwrap_err().problems.remove(0).what;
        assert_eq!(what(&ask(dir.path().join("none.toml"))), "there is no such file");
        assert_eq!(what(&ask(dir.path().into())), "not a regular file");
        let huge = dir.path().join("huge.toml");
        std::fs::write(&huge, vec![b'#'; FILE_MAX as usize + 1]).unwrap();
        assert_eq!(what(&ask(huge)), "larger than 1 MiB");
    }

    #[test]
    fn paths_are_relative_to_the_file_they_stand_in() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("w.toml");
        std::fs::write(&file, "[journal]\npath = \"j.db\"\n[evidence]\ndir = \"~/ev\"").unwrap();
        let ask = Ask { config: Some(file), home: Some("/home/ana".into()), ..Ask::default() };
        let config = load(&ask).unwrap().config;
        assert_eq!(config.journal.path, Some(dir.path().join("j.db")));
        assert_eq!(config.evidence.dir, Some("/home/ana/ev".into()));
    }
}
