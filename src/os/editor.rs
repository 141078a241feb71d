//! A person's own editor, in the terminal of this process, which must have been given back before.

use std::{
    io::{self, Write as _},
    path::Path,
    process::Command,
};

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

/// Lets the person change a text; gives what they saved, without the line end that editors put at the end. `suffix` is
/// that of the file, so that it is highlighted; what is no plain word counts as `sh`.
///
/// # Errors
/// Where the editor cannot be started or says that it failed, or the text is not UTF-8 any more.
pub fn edit_text(text: &str, suffix: &str) -> io::Result<String> {
    let plain = !suffix.is_empty() && suffix.chars().all(char::is_alphanumeric);
    let suffix = format!(".{}", if plain { suffix } else { "sh" });
    let mut file = tempfile::Builder::new().prefix("warroom-").suffix(&suffix).tempfile()?;
    writeln!(file, "{text}")?;
    file.flush()?;
    // Editors that write anew and rename leave the path, not the descriptor.
    let path = file.into_temp_path();
    edit(&path)?;
    let saved = std::fs::read_to_string(&path)?;
    Ok(saved.strip_suffix('\n').unwrap_or(&saved).to_owned())
}
