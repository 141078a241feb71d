//! Values that a step needs and nobody has entered: from the commands that the runbook names, and secrets, which are
//! asked for on the step's own terminal.

use super::attach::Hand;
use crate::{
    domain::{
        plan::{BlockKind, Input, Step},
        walk::{Walk, WalkCommand},
    },
    evidence::redact::{Redactor, Secret},
    os::spawn::Spec,
    runbook::resolve,
    wire::{HandSays, Steer},
};
use std::{collections::BTreeMap, ffi::OsString, time::Duration};

/// How long a command may take that gives a value, and how much it may print.
const FROM: (Duration, usize) = (Duration::from_secs(60), 64 * 1024);
/// A secret may come in the environment under this name, with the input's own behind it.
pub const GIVEN: &str = "WARROOM_INPUT_";

/// Whether a step's code needs an input: it names it, or no code of the runbook does, as a tool reads `PGPASSWORD` by
/// itself.
fn names(walk: &Walk, step: &Step, input: &Input) -> bool {
    let named = |step: &Step| {
        step.blocks
            .iter()
            .filter(|block| block.is_shell())
            .any(|block| walk.code(block).contains(&input.name))
    };
    let runs = step.blocks.iter().any(|block| block.is_shell() && block.kind != BlockKind::Sample);
    named(step) || (runs && !walk.runbook.steps().any(named))
}

/// Names of secrets that a step's code needs and that neither a command nor the environment gives: they have to be
/// typed.
pub fn typed(walk: &Walk, step: &Step) -> Vec<String> {
    let secrets = walk.runbook.front.inputs.iter().filter(|input| input.secret && input.from.is_none());
    secrets
        .filter(|input| names(walk, step, input))
        .filter(|input| std::env::var_os(format!("{GIVEN}{}", input.name)).is_none())
        .map(|input| input.name.clone())
        .collect()
}

impl Hand {
    /// Finds what is missing before anything of the step runs.
    ///
    /// # Errors
    /// Why a value could not be had, with what to do.
    pub(super) async fn values(&mut self, walk: &Walk, step: &Step) -> Result<(), String> {
        let mut missing = None;
        for input in walk.runbook.front.inputs.iter().filter(|input| !input.secret) {
            let values = walk.values(&step.id);
            let (Some(from), None) = (&input.from, values.get(&input.name)) else { continue };
            let set = match self.from(&values, &input.name, from).await {
                Ok(value) => {
                    let set = WalkCommand::SetInput { walk: walk.id, name: input.name.clone(), value };
                    self.act(&format!("input {}", input.name), set).await
                }
                Err(why) => Err(why),
            };
            match set {
                Err(why) if names(walk, step, input) => missing = missing.or(Some(why)),
                Err(why) => tracing::warn!(%why, "a value that this step does not name is missing"),
                Ok(()) => {}
            }
        }
        let mut secrets = Vec::new();
        for input in walk.runbook.front.inputs.iter().filter(|input| input.secret) {
            let given = std::env::var(format!("{GIVEN}{}", input.name));
            let value = match (given, &input.from) {
                (Ok(value), _) => Ok(value),
                (Err(_), Some(from)) => self.from(&walk.values(&step.id), &input.name, from).await,
                (Err(_), None) if names(walk, step, input) => self.ask_secret(input).await,
                (Err(_), None) => continue,
            };
            match value.and_then(|value| match resolve::check(input, &value) {
                Some(problem) => Err(problem.to_string()),
                None => Ok(value),
            }) {
                Ok(value) => secrets.push(Secret::new(&input.name, value)),
                Err(why) if names(walk, step, input) => missing = missing.or(Some(why)),
                Err(why) => tracing::warn!(%why, "a secret that this step does not name is missing"),
            }
        }
        self.around.env.retain(|name, _| !name.to_string_lossy().starts_with(GIVEN));
        self.around.redactor = Redactor::new(&secrets, &[]).map_err(|error| error.to_string())?;
        self.around.secrets = secrets;
        missing.map_or(Ok(()), Err)
    }

    /// What a command prints, with the values entered so far in its environment.
    async fn from(
        &self,
        values: &BTreeMap<String, String>,
        name: &str,
        command: &str,
    ) -> Result<String, String> {
        let mut env: BTreeMap<OsString, OsString> = self.around.env.clone();
        let entered = values.iter().filter(|(name, _)| crate::runbook::front::is_variable(name));
        env.extend(entered.map(|(name, value)| (name.into(), value.into())));
        let spec = Spec::new("sh").args(["-c", command]).only_env(env);
        match spec.output(FROM.0, FROM.1).await {
            Ok(answer) if answer.code == Some(0) => {
                Ok(String::from_utf8_lossy(&answer.stdout).trim_end_matches(['\n', '\r']).to_owned())
            }
            Ok(answer) => {
                let code = answer.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
                Err(format!("no value for {name}: its command ended with {code}"))
            }
            Err(error) => Err(format!("no value for {name}: its command failed: {error}")),
        }
    }

    /// Typed on the step's terminal, shown nowhere, and kept by this process alone.
    async fn ask_secret(&mut self, input: &Input) -> Result<String, String> {
        let given_up = || {
            format!(
                "nobody gave the secret {}: take the step again, or set {GIVEN}{0} where it is taken",
                input.name
            )
        };
        let what = input.prompt.as_deref().unwrap_or("a secret of this runbook");
        let mut problem = String::new();
        let mut typed: Vec<u8> = Vec::new();
        loop {
            let line = format!("{}: ", input.name);
            let column = u16::try_from(line.chars().count()).unwrap_or(u16::MAX);
            let rows = vec![
                crate::domain::text::line(what).into_owned(),
                "What you type is not shown, and nobody keeps it. Enter ends it, ^C gives up.".into(),
                problem.clone(),
                line,
            ];
            self.link.say(HandSays::Screen { cols: 80, rows, cursor: (3, column) });
            let keys = match self.steer.recv().await {
                Some(Steer::Keys(keys)) => keys,
                Some(Steer::Cancel) | None => return Err(given_up()),
                Some(Steer::Resize { .. } | Steer::Extend(_)) => continue,
            };
            for key in keys {
                match key {
                    b'\r' | b'\n' => {
                        let value = String::from_utf8_lossy(&std::mem::take(&mut typed)).into_owned();
                        match resolve::check(input, &value) {
                            None if !value.is_empty() => return Ok(value),
                            None => problem = "nothing was typed".into(),
                            Some(wrong) => problem = wrong.to_string(),
                        }
                    }
                    0x03 | 0x04 => return Err(given_up()),
                    0x15 => typed.clear(),
                    0x7f | 0x08 => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                    byte => typed.push(byte),
                }
            }
        }
    }
}
