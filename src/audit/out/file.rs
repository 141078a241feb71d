//! JSON lines in a file that is rotated under our hands.

use crate::{
    audit::{Sink, line},
    domain::Event,
    os::durable,
};
use futures::{FutureExt as _, future::BoxFuture};
use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// A file of JSON lines; a batch counts when it is synced.
pub struct JsonFile {
    path: PathBuf,
    file: Option<File>,
}

impl JsonFile {
    /// This file, made where it is not there.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }
}

/// Writes whole lines; gives the file that they are in.
fn append(path: &Path, open: Option<File>, lines: &str) -> Result<File, String> {
    let same = |file: &File| {
        let (Ok(own), Ok(there)) = (file.metadata(), std::fs::metadata(path)) else { return false };
        (own.ino(), own.dev()) == (there.ino(), there.dev())
    };
    let file = match open.filter(same) {
        Some(file) => file,
        None => durable::append_to(path).map_err(|error| error.to_string())?,
    };
    let fail = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
    let torn = ends_torn(path).map_err(fail)?;
    let mut out = &file;
    if torn {
        out.write_all(b"\n").map_err(fail)?;
    }
    out.write_all(lines.as_bytes()).map_err(fail)?;
    file.sync_data().map_err(fail)?;
    Ok(file)
}

/// Whether the last line was cut short, by a full disk or a lost power.
fn ends_torn(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Sink for JsonFile {
    fn take<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), String>> {
        let lines: String = events.iter().map(|event| line::json(event) + "\n").collect();
        let (path, open) = (self.path.clone(), self.file.take());
        async move {
            let written = tokio::task::spawn_blocking(move || append(&path, open, &lines)).await;
            self.file = Some(written.map_err(|error| error.to_string())??);
            Ok(())
        }
        .boxed()
    }

    fn place(&self) -> String {
        format!("json {}", self.path.display())
    }
}
