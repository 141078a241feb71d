//! What a process says of where its person sits. Proves nothing; shown as a claim.

use super::spawn::Spec;
use std::time::Duration;

/// The SSH origin and whether the terminal is shared, from this process's environment.
pub fn of_this_process() -> Option<String> {
    let var = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let from =
        var("SSH_CONNECTION").and_then(|all| all.split(' ').next().map(|from| format!("ssh from {from}")));
    let shared = var("TMUX").or_else(|| var("STY")).map(|_| "shared terminal".to_owned());
    let parts: Vec<_> = from.into_iter().chain(shared).collect();
    (!parts.is_empty()).then(|| crate::domain::text::line(&parts.join(", ")).into_owned())
}

/// How many clients are attached to the tmux session that this process runs in; `None` where it runs in none, or tmux
/// does not say.
pub async fn attached() -> Option<usize> {
    let server = std::env::var("TMUX").ok().filter(|value| !value.is_empty())?;
    let pane = std::env::var("TMUX_PANE").unwrap_or_default();
    let socket = server.split(',').next()?;
    let mut ask = Spec::new("tmux").args(["-S", socket, "display-message", "-p"]);
    if !pane.is_empty() {
        ask = ask.args(["-t", &pane]);
    }
    let answer = ask.arg("#{session_attached}").output(Duration::from_secs(2), 1_024).await.ok()?;
    String::from_utf8_lossy(&answer.stdout).trim().parse().ok()
}
