//! What a process says of where its person sits. Proves nothing; shown as a claim.

/// The SSH origin and whether the terminal is shared, from this process's environment.
pub fn of_this_process() -> Option<String> {
    let var = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let from =
        var("SSH_CONNECTION").and_then(|all| all.split(' ').next().map(|from| format!("ssh from {from}")));
    let shared = var("TMUX").or_else(|| var("STY")).map(|_| "shared terminal".to_owned());
    let parts: Vec<_> = from.into_iter().chain(shared).collect();
    (!parts.is_empty()).then(|| crate::domain::text::line(&parts.join(", ")).into_owned())
}
