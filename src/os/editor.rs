//! A person's own editor, in the terminal of this process, which must have been given back before.

use std::{io, path::Path, process::Command};

/// Opens `file` in `$VISUAL`, else `$EDITOR`, else `vi`, and waits for its end.
///
/// # Errors
/// Where it cannot be started; where it says that it failed.
pub fn edit(file: &Path) -> io::Result<()> {
    let named = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.trim().is_empty()));
    let editor = named.unwrap_or_else(|| "vi".into());
    // `code --wait` is one editor with an argument.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status =
        Command::new(program).args(words).arg(file).status().map_err(|error| {
            io::Error::new(error.kind(), format!("{program}: {error}; set EDITOR to yours"))
        })?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{program} ended with {status}")))
}
