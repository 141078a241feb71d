//! From a request to a process: which interpreter, where, with what around the code.

use super::{
    carry::{Carry, Dialect, STATE_MAX},
    opening::Opening,
    outcome::{Request, Surroundings},
    remote::{self, Script, Splitter},
    shell::{bash_prologue, is_name, sh_prologue},
};
use crate::{
    domain::placeholder,
    os::{
        memory::MemoryFile,
        spawn::{Spec, Streams},
    },
};
use secrecy::ExposeSecret as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Longer code does not go on a command line (Linux allows 128 KiB for one argument).
const ARGUMENT_MAX: usize = 100 * 1024;

/// A process ready to be started, and the way its state comes back.
pub(super) struct Launch {
    pub spec: Spec,
    pub streams: Streams,
    /// Goes to standard input, which then stays open.
    pub script: Option<Vec<u8>>,
    /// Brings the script to a terminal on another host.
    pub opening: Opening,
    /// Takes the state out of a remote block's output.
    pub splitter: Splitter,
    dump: Option<(Dialect, Option<MemoryFile>)>,
    base: BTreeMap<OsString, OsString>,
    given: BTreeSet<String>,
    /// What the child opens by name; kept as long as it runs.
    _files: Vec<MemoryFile>,
    /// Worth telling the person.
    pub note: Option<String>,
}

impl Launch {
    /// Prepares one attempt; the error is what to tell the person.
    pub fn prepare(request: &Request, around: &Surroundings, carry: &Carry) -> Result<Self, String> {
        let block = &request.block;
        // The code is filled in by now; what stands open in it still is no command.
        if let Some(hole) = placeholder::find(&block.code).first() {
            return Err(format!("<{hole}> is not filled in"));
        }
        if block.code.contains('\0') {
            return Err("the code holds a NUL byte, which no shell can run".into());
        }
        let mut values = request.inputs.clone();
        values.extend(around.secrets.iter().map(|s| (s.name.clone(), s.value.expose_secret().to_owned())));
        if let Some(name) = values.keys().find(|name| !is_name(name)) {
            return Err(format!(
                "input {name:?} cannot be an environment variable: use letters, digits and _"
            ));
        }
        if let Some((name, _)) = values.iter().find(|(_, value)| value.contains('\0')) {
            return Err(format!("input {name} holds a NUL byte"));
        }
        match request.elsewhere() {
            Some(host) => Self::remote(request, around, carry, host, &values),
            None => Self::local(request, around, carry, &values),
        }
    }

    fn local(
        request: &Request,
        around: &Surroundings,
        carry: &Carry,
        values: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let mut base = around.env.clone();
        // These would run code of their own or change what the shell is.
        for name in ["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT"] {
            base.remove(OsStr::new(name));
        }
        let mut env = base.clone();
        carry.apply(&mut env);
        env.extend(values.iter().map(|(name, value)| (name.into(), value.into())));
        env.insert("TERM".into(), if request.block.interactive { "xterm-256color" } else { "dumb" }.into());

        let cwd = directory(request, carry)?;
        let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_else(|| "/usr/bin:/bin".into());
        let (program, kind, note) = interpreter(request, &path)?;
        let given = values.keys().cloned().collect();
        let memory =
            |bytes: &[u8]| MemoryFile::new(bytes).map_err(|error| format!("no memory for the code: {error}"));
        let code = &request.block.code;
        let mut spec = Spec::new(&program);
        let mut files = Vec::new();
        let mut dump = None;
        let name = if request.block.id.is_empty() { "block" } else { request.block.id.as_str() };
        let body = match kind {
            Some(Dialect::Bash) => {
                let to = memory(b"")?;
                let before =
                    memory((bash_prologue(&to.path()) + &carry.text(Dialect::Bash, &given)).as_bytes())?;
                env.insert("BASH_ENV".into(), before.path().into());
                files.push(before);
                dump = Some((Dialect::Bash, Some(to)));
                spec = spec.args(["--noprofile", "--norc"]);
                code.clone()
            }
            Some(Dialect::Sh) => {
                let to = memory(b"")?;
                let body = sh_prologue(&to.path()) + code;
                dump = Some((Dialect::Sh, Some(to)));
                body
            }
            None => code.clone(),
        };
        if kind.is_some() && body.len() < ARGUMENT_MAX {
            spec = spec.arg("-c").arg(body).arg(name);
        } else {
            let file = memory(body.as_bytes())?;
            spec = spec.arg(file.path());
            files.push(file);
        }
        let streams = if request.block.capture.is_some() { Streams::Apart } else { Streams::Merged };
        let spec = spec.cwd(cwd).only_env(env);
        let (opening, splitter) = (Opening::default(), Splitter::default());
        Ok(Self { spec, streams, script: None, opening, splitter, dump, base, given, _files: files, note })
    }

    fn remote(
        request: &Request,
        around: &Surroundings,
        carry: &Carry,
        host: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let block = &request.block;
        let chosen = block.interpreter.as_deref().unwrap_or(&block.lang);
        let (shell, dialect) = match chosen {
            "sh" | "dash" | "ash" => ("sh", Dialect::Sh),
            "bash" | "" | "shell" | "console" | "shell-session" | "terminal" => ("bash", Dialect::Bash),
            other => return Err(format!("{other:?} does not run on another host: only sh and bash do")),
        };
        let marker = uuid::Uuid::new_v4().simple().to_string();
        let given: BTreeSet<String> = values.keys().cloned().collect();
        let carried = carry.cwd().and_then(Path::to_str);
        let cwd = match (block.cwd.as_deref(), carried) {
            (Some(own), Some(carried)) => Some(Path::new(carried).join(own).to_string_lossy().into_owned()),
            (own, carried) => own.or(carried).map(str::to_owned),
        };
        let state = carry.text(dialect, &given);
        let script = Script {
            dialect,
            marker: &marker,
            values,
            state: &state,
            cwd: cwd.as_deref(),
            code: &block.code,
            grace: request.grace,
        };
        let (mut script, mut opening, mut env) = (Some(script), Opening::default(), around.env.clone());
        // Questions go to the step's terminal, and nowhere else; also those of an ssh on the way to another one.
        env.insert("SSH_ASKPASS_REQUIRE".into(), "never".into());
        let command = if block.interactive {
            opening =
                Opening::new(&marker, script.take().map(|script| script.on_terminal()).unwrap_or_default());
            env.insert("TERM".into(), "xterm-256color".into());
            opening.command(shell, &marker)
        } else {
            format!("{shell} -s")
        };
        let mut ssh = around.ssh.iter();
        let program = ssh.next().ok_or("no ssh command is configured")?;
        let options = remote::options(block.interactive);
        let spec = Spec::new(program).args(ssh).args(options).args(remote::target(host)?).arg(command);
        Ok(Self {
            spec: spec.only_env(env).cwd("/"),
            streams: if block.capture.is_some() { Streams::Apart } else { Streams::Merged },
            script: script.map(|script| script.piped()),
            opening,
            splitter: Splitter::new(&marker),
            dump: Some((dialect, None)),
            base: BTreeMap::new(),
            given,
            _files: Vec::new(),
            note: None,
        })
    }

    /// Whether it is certain that something ran on another host, and not that ssh let nobody in.
    pub fn has_begun_there(&self, terminal: bool) -> bool {
        self.splitter.has_begun() || (terminal && !self.opening.is_asking())
    }

    /// Takes over what the shell said of its state; the error says why nothing was.
    pub fn carry_out(&mut self, carry: &mut Carry) -> Result<(), &'static str> {
        let Some((dialect, file)) = &mut self.dump else { return Ok(()) };
        let dump = match file {
            Some(file) => file.contents(STATE_MAX).map_err(|_| "its state cannot be read back")?,
            None => std::mem::take(&mut self.splitter).finish().0,
        };
        carry.take(*dialect, &dump.ok_or("its state did not come back whole")?, &self.base, &self.given)
    }
}

/// Where the block starts: its own `cwd`, from where the last one ended, from where the request says.
fn directory(request: &Request, carry: &Carry) -> Result<PathBuf, String> {
    let mut path =
        carry.cwd().map(Path::to_owned).or_else(|| request.cwd.clone()).unwrap_or_else(|| "/".into());
    if let Some(own) = &request.block.cwd {
        path.push(own);
    }
    if path.is_dir() {
        Ok(path)
    } else {
        let shown = path.display().to_string();
        Err(format!("the working directory {} is not there (any more)", crate::domain::text::line(&shown)))
    }
}

type Chosen = (PathBuf, Option<Dialect>, Option<String>);

fn interpreter(request: &Request, path: &OsStr) -> Result<Chosen, String> {
    let block = &request.block;
    let wanted = match (&block.interpreter, block.lang.as_str()) {
        (Some(own), _) => own.as_str(),
        (None, "sh") => "sh",
        (None, "zsh") => "zsh",
        (None, _) if block.is_shell() => "bash",
        (None, lang) => {
            return Err(format!(
                "nothing runs a {lang:?} block: give it interpreter=…, or copy it and do it by hand"
            ));
        }
    };
    let word = Path::new(wanted).file_name().and_then(OsStr::to_str).unwrap_or(wanted);
    let is_shell = matches!(word, "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh");
    let kind = is_shell.then_some(if word == "bash" { Dialect::Bash } else { Dialect::Sh });
    if let Some(program) = find(wanted, path) {
        return Ok((program, kind, None));
    }
    let fallback = match wanted {
        "zsh" => find("bash", path).map(|program| (program, Dialect::Bash)),
        _ => None,
    };
    let fallback = fallback.or_else(|| find("sh", path).map(|program| (program, Dialect::Sh)));
    match fallback {
        Some((program, kind)) if is_shell => {
            let note = format!("{wanted} is not installed: {} runs the block instead", program.display());
            Ok((program, Some(kind), Some(note)))
        }
        _ => Err(format!("the interpreter {wanted:?} is not installed, or not on PATH")),
    }
}

fn find(program: &str, path: &OsStr) -> Option<PathBuf> {
    let runs = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| runs(path));
    }
    let dirs = path.as_bytes().split(|byte| *byte == b':').map(|dir| Path::new(OsStr::from_bytes(dir)));
    dirs.filter(|dir| dir.is_absolute()).map(|dir| dir.join(program)).find(|path| runs(path))
}
