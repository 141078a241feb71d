//! The person's editor, in the terminal that this process has.

use std::{
    io,
    path::Path,
    process::{Command, ExitStatus},
};

/// Opens a file in `$VISUAL`, `$EDITOR` or `vi` and waits until it is closed. The terminal must have been given back.
///
/// # Errors
/// Where the editor cannot be started.
pub fn edit(path: &Path) -> io::Result<ExitStatus> {
    let named = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".into());
    // Editors are configured with arguments (`code --wait`): the shell splits them, the path stays one word.
    Command::new("sh").arg("-c").arg(format!("exec {editor} \"$1\"")).arg("sh").arg(path).status()
}
