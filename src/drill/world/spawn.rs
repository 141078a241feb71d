//! The processes that the world starts: its roles, and the pipeline's question to the gate.

use super::spec::Spec;
use super::{Layout, Role, WorldError};
use crate::domain::text;
use crate::os::lifeline::{self, Hold};
use std::ffi::OsString;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

/// How long the gate may think.
const GATE_PATIENCE: Duration = Duration::from_secs(15);

/// Starts a role in a process group of its own. Its standard input is the lifeline: it ends when ours is closed. The
/// supervisor has none, it leads a session of its own and watches its player.
pub fn role(layout: &Layout, spec: &Spec, role: Role, index: u32, port: u16) -> Result<Child, WorldError> {
    let name = role.name(index);
    let path = layout.run().join(format!("{name}.err"));
    let errors = std::fs::File::create(&path).map_err(WorldError::io("creating", &path))?;
    let dir = layout.dir.as_os_str().to_owned();
    let (index, port) = (index.to_string(), port.to_string());
    let mut args: Vec<OsString> = ["drill-world", role.word(), "--dir"].map(OsString::from).into();
    args.push(dir);
    args.extend(["--index", &index, "--port", &port].map(OsString::from));
    let hold = if role == Role::Supervisor { Hold::Loose } else { Hold::Lifeline };
    lifeline::start(&spec.exe, &args, &layout.dir, errors, hold)
        .map_err(WorldError::io("starting", &spec.exe))
}

/// Asks the gate whether a deploy may go. Gives its exit code, none if it could not be asked, and its one line.
pub async fn ask_gate(spec: &Spec, service: &str, artifact: &str) -> (Option<i32>, String) {
    let (program, mut args): (&Path, Vec<OsString>) = match &spec.gate {
        Some(shell) => {
            (Path::new("sh"), ["-c", &format!("{shell} \"$@\""), "gate"].map(OsString::from).into())
        }
        None => (&spec.exe, vec!["gate".into()]),
    };
    args.extend(["--service", service, "--env", "prod", "--artifact", artifact].map(OsString::from));
    args.extend(["--action", "deploy", "--as", "pipeline"].map(OsString::from));
    match lifeline::ask(program, &args, &spec.env, GATE_PATIENCE).await {
        Err(why) => (None, why.to_string()),
        Ok(done) => {
            let said = [&done.stdout, &done.stderr]
                .into_iter()
                .find_map(|out| String::from_utf8_lossy(out).lines().next().map(str::to_owned))
                .unwrap_or_default();
            (done.status.code(), text::line(&said).to_string())
        }
    }
}
