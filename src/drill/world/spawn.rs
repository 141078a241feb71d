//! The processes that the world starts: its roles, and the pipeline's question to the gate.

use super::spec::Spec;
use super::{Layout, Role, WorldError};
use crate::domain::text;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long the gate may think.
const GATE_PATIENCE: Duration = Duration::from_secs(15);

/// Starts a role in a process group of its own. Its standard input is the lifeline: it ends when ours is closed. The
/// supervisor has none, it leads a session of its own and watches its player.
pub fn role(layout: &Layout, spec: &Spec, role: Role, index: u32, port: u16) -> Result<Child, WorldError> {
    let name = role.name(index);
    let path = layout.run().join(format!("{name}.err"));
    let errors = std::fs::File::create(&path).map_err(WorldError::io("creating", &path))?;
    let mut command = Command::new(&spec.exe);
    command
        .args(["drill-world", role.word(), "--dir"])
        .arg(&layout.dir)
        .args(["--index", &index.to_string(), "--port", &port.to_string()])
        .current_dir(&layout.dir)
        .stdout(Stdio::null())
        .stderr(errors);
    if role == Role::Supervisor {
        // It calls setsid itself, which a group's leader may not.
        command.stdin(Stdio::null());
    } else {
        command.stdin(Stdio::piped()).process_group(0);
    }
    command.spawn().map_err(WorldError::io("starting", &spec.exe))
}

/// Asks the gate whether a deploy may go. Gives its exit code, none if it could not be asked, and its one line.
pub async fn ask_gate(spec: &Spec, service: &str, artifact: &str) -> (Option<i32>, String) {
    let mut command = if let Some(shell) = &spec.gate {
        let mut command = tokio::process::Command::new("sh");
        command.arg("-c").arg(format!("{shell} \"$@\"")).arg("gate");
        command
    } else {
        let mut command = tokio::process::Command::new(&spec.exe);
        command.arg("gate");
        command
    };
    command
        .args(["--service", service, "--env", "prod", "--artifact", artifact, "--action", "deploy"])
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match tokio::time::timeout(GATE_PATIENCE, command.output()).await {
        Err(_) => (None, format!("no answer within {} s", GATE_PATIENCE.as_secs())),
        Ok(Err(why)) => (None, why.to_string()),
        Ok(Ok(done)) => {
            let said = [&done.stdout, &done.stderr]
                .into_iter()
                .find_map(|out| String::from_utf8_lossy(out).lines().next().map(str::to_owned))
                .unwrap_or_default();
            (done.status.code(), text::line(&said).to_string())
        }
    }
}
