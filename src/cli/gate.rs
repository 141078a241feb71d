//! `warroom gate`: may this change go? One line and an exit code for pipelines.

mod cache;
mod reach;
mod spool;
mod verdict;

pub use verdict::{Grounds, Verdict};

use crate::{
    domain::{
        CommandId, Refusal,
        gate::{Action, Because, Request},
        refusal, text,
        time::{Span, Wall},
    },
    http::token::{GateRight, Secret, Token},
    os::{clock, dirs},
};
use cache::Cache;
use reach::{Reach, Where};
use spool::{Override, Spool};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use uuid::Uuid;

/// Longest reason of an override, in bytes, as the rules have it.
const REASON_MAX: usize = 400;

/// Ask the gate whether a change may go.
///
/// Exit codes: 0 allowed, 2 wrong usage, 10 frozen, 11 a readiness check failed, 12 undecided (the room cannot write
/// its journal), 20 no room could be reached.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct GateArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Service that changes.
    #[arg(long, required = true)]
    service: Option<String>,
    /// Environment that changes.
    #[arg(long, required = true)]
    env: Option<String>,
    /// Artifact, named as exemptions name it: `checkout@2.4.2`, a digest.
    #[arg(long, required = true)]
    artifact: Option<String>,
    /// deploy, promote or rollback.
    #[arg(long, required = true)]
    action: Option<Action>,
    /// Name under which it asks, such as pipeline; shown beside the user who is proved to ask.
    #[arg(long = "as", value_name = "NAME")]
    alias: Option<String>,
    /// Ask only: a refusal proves that the freeze is enforced, and counts as no refused change.
    #[arg(long)]
    dry_run: bool,
    /// What to do where no room answers [default: deny; allow for rollback].
    #[arg(long, value_enum)]
    if_unavailable: Option<IfUnavailable>,
    /// How long to wait for the room.
    #[arg(long, default_value = "2s")]
    timeout: Span,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    /// Socket of the room [env: WARROOM_SOCKET].
    // Not read by clap: a variable that happens to be set is no conflict with --url.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// Ask over HTTP: address of the gate, such as `https://warroom.example:7311`.
    #[arg(long, conflicts_with = "socket")]
    url: Option<String>,
    /// File with the token for --url.
    #[arg(long, requires = "url")]
    token_file: Option<PathBuf>,
    /// Go on whatever the gate says, and have this reason written down.
    #[arg(long = "override", value_name = "REASON", conflicts_with = "dry_run")]
    over: Option<String>,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Tokens for callers over HTTP.
    Token {
        #[command(subcommand)]
        verb: TokenVerb,
    },
}

#[derive(Debug, Clone, clap::Subcommand)]
enum TokenVerb {
    /// Make a token: prints it once, and the lines for warroom.toml that know it by its hash alone.
    New {
        /// Who asks with it, as the journal shall say.
        name: String,
        /// It may look and not ask.
        #[arg(long)]
        read_only: bool,
    },
}

/// What to do where no room answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IfUnavailable {
    /// Let it go, with a warning.
    Allow,
    /// Hold it.
    Deny,
}

impl IfUnavailable {
    /// A room that is down must not keep a bad release in place; nor may it wave new ones through.
    pub fn by_default(action: Action) -> Self {
        if action == Action::Rollback { Self::Allow } else { Self::Deny }
    }
}

/// A question to the gate with all that its answer depends on.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub request: Request,
    /// Where no room answers.
    pub if_unavailable: IfUnavailable,
    /// Go on regardless, for this reason.
    pub over: Option<String>,
    /// How long to wait.
    pub timeout: Span,
    to: Where,
    memory: Result<Memory, String>,
}

/// What outlives one question.
#[derive(Debug)]
struct Memory {
    cache: Cache,
    spool: Spool,
}

impl Question {
    /// Asks rooms at these sockets, in this order; what is remembered lies below `dir`.
    pub fn at_sockets(
        request: Request,
        if_unavailable: IfUnavailable,
        sockets: Vec<PathBuf>,
        dir: &Path,
    ) -> Self {
        Self::new(request, if_unavailable, Where::Sockets(sockets), Ok((dir.to_owned(), dir.to_owned())))
    }

    /// Asks the gate at this address.
    ///
    /// # Errors
    /// What is wrong with the address or the token.
    pub fn at_url(
        request: Request,
        if_unavailable: IfUnavailable,
        url: &str,
        token: Option<Secret>,
        timeout: Span,
        dir: &Path,
    ) -> Result<Self, String> {
        let to = Where::url(url, token, timeout)?;
        let dirs = Ok((dir.to_owned(), dir.to_owned()));
        Ok(Self { timeout, ..Self::new(request, if_unavailable, to, dirs) })
    }

    fn new(
        request: Request,
        if_unavailable: IfUnavailable,
        to: Where,
        dirs: Result<(PathBuf, PathBuf), String>,
    ) -> Self {
        let memory = dirs.map(|(cache, spool)| Memory {
            cache: Cache::new(&cache, &to.name(), &request),
            spool: Spool::new(&spool),
        });
        Self { request, if_unavailable, over: None, timeout: Span::secs(2), to, memory }
    }

    fn from_args(args: &GateArgs) -> Result<Self, String> {
        let missing = || "--service, --env, --artifact and --action are needed".to_owned();
        let request = Request {
            service: args.service.clone().ok_or_else(missing)?,
            env: args.env.clone().ok_or_else(missing)?,
            artifact: args.artifact.clone().ok_or_else(missing)?,
            action: args.action.ok_or_else(missing)?,
            dry_run: args.dry_run,
            alias: args.alias.clone(),
        };
        let request = request.checked_alone().map_err(|refusal| refusal.to_string())?;
        let over = match &args.over {
            Some(reason) => Some(
                refusal::text("the reason of the override", reason, REASON_MAX)
                    .map_err(|refusal| refusal.to_string())?,
            ),
            None => None,
        };
        if args.timeout == Span::ZERO {
            return Err("--timeout 0s leaves no time to answer".into());
        }
        let if_unavailable = args.if_unavailable.unwrap_or_else(|| IfUnavailable::by_default(request.action));
        let to = match &args.url {
            Some(url) => Where::url(url, token(args.token_file.as_deref())?, args.timeout)?,
            None => Where::found(args.socket.clone().or_else(|| {
                std::env::var_os("WARROOM_SOCKET").filter(|path| !path.is_empty()).map(PathBuf::from)
            })),
        };
        // A build container may have no home: that costs the memory, not the answer.
        let dirs = dirs::state().map_err(|error| error.to_string()).map(|state| {
            let state = state.join("gate");
            (cache::place(&state), state)
        });
        Ok(Self { over, timeout: args.timeout, ..Self::new(request, if_unavailable, to, dirs) })
    }
}

fn token(file: Option<&Path>) -> Result<Option<Secret>, String> {
    let Some(file) = file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("cannot read the token in {}: {error}", text::line(&file.display().to_string()))
    })?;
    let secret = Secret::given(&text);
    if secret.expose().is_empty() || secret.expose().contains(char::is_whitespace) {
        return Err(format!(
            "{} has no token: one line is expected",
            text::line(&file.display().to_string())
        ));
    }
    Ok(Some(secret))
}

/// Asks, remembers, and says what to do. `now` is the wall's time of asking.
pub async fn ask(question: &Question, now: Wall) -> Verdict {
    let asked = async { question.to.ask(&question.request).await };
    let reach = tokio::time::timeout(question.timeout.std(), asked)
        .await
        .unwrap_or_else(|_| Reach::Unreachable(format!("no answer within {}", question.timeout)));
    let mut room = None;
    let mut verdict = match reach {
        Reach::Answered(answer, client) => {
            let mut verdict = Verdict::room(answer);
            let remembered = match &question.memory {
                Ok(memory) => memory.cache.remember(&question.request.artifact, &verdict.answer, now),
                Err(why) => Err(why.clone()),
            };
            if let Err(why) = remembered {
                verdict.warnings.push(format!("the answer is not remembered: {why}"));
            }
            room = client;
            verdict
        }
        // An override must name what it is of.
        Reach::Refused(why) => return Verdict::refused(&why),
        Reach::Unreachable(why) => {
            let known = question.memory.as_ref().ok();
            match known.and_then(|memory| memory.cache.frozen(&question.request.artifact, now)) {
                Some((answer, age)) => Verdict::cached(answer, age, &why),
                None => Verdict::unreachable(&question.request, question.if_unavailable, &why),
            }
        }
    };
    if let (Some(reason), false) = (&question.over, verdict.answer.allowed) {
        let over = Override {
            id: CommandId(Uuid::now_v7()),
            at: now,
            request: question.request.clone(),
            reason: reason.clone(),
        };
        override_it(question, &mut verdict, over, room.as_deref_mut()).await;
    } else if verdict.answer.because == Because::Unreachable && verdict.answer.allowed {
        verdict.warnings.push("no room was asked: this change goes without the gate's word".into());
    }
    if let (Some(client), Ok(memory)) = (room.as_deref_mut(), &question.memory) {
        verdict.warnings.extend(memory.spool.hand_in(client, question.timeout).await);
    }
    verdict
}

/// Breaks the glass: in the room where it takes it, else in a file here; never without a record.
async fn override_it(
    question: &Question,
    verdict: &mut Verdict,
    over: Override,
    room: Option<&mut crate::transport::client::Client>,
) {
    let said = match room {
        Some(client) => spool::tell(client, &over, question.timeout).await,
        None => spool::Said::NotNow(if question.to.is_http() {
            "an override is not taken over HTTP".into()
        } else {
            "no room was reached".into()
        }),
    };
    match said {
        spool::Said::Recorded => verdict.overridden(&over.reason, None),
        spool::Said::Refused(refusal) => {
            verdict.warnings.push(format!("the override was refused: {refusal}"));
        }
        spool::Said::NotNow(why) => {
            match question.memory.as_ref().map_err(Clone::clone).and_then(|m| m.spool.keep(&over)) {
                Ok(path) => {
                    verdict.warnings.push(format!(
                    "{why}: the override is written to {} and handed in at the next `warroom gate` of this user that \
                     reaches the room's socket",
                    text::line(&path.display().to_string())
                ));
                    verdict.overridden(&over.reason, Some(&path));
                }
                Err(error) => verdict.warnings.push(format!(
                    "{why}, and the override cannot be written down here, so it does not count: {error}"
                )),
            }
        }
    }
}

/// Runs the subcommand.
pub fn run(args: &GateArgs) -> ExitCode {
    if let Some(Verb::Token { verb: TokenVerb::New { name, read_only } }) = &args.verb {
        return new_token(name, *read_only);
    }
    let question = match Question::from_args(args) {
        Ok(question) => question,
        Err(why) => return usage(&why),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&format!("cannot start: {error}")),
    };
    let verdict = runtime.block_on(ask(&question, clock::now().wall));
    // A name that is still being looked up is not waited for: the caller said how long this may take.
    runtime.shutdown_background();
    for warning in &verdict.warnings {
        let _ = writeln!(std::io::stderr(), "warroom gate: {}", text::line(warning));
    }
    let line = if args.json { verdict.json().to_string() } else { verdict.line() };
    // The exit code is the answer; who does not read the line has lost nothing.
    let _ = writeln!(std::io::stdout(), "{line}");
    ExitCode::from(verdict.exit())
}

fn usage(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "warroom gate: {}", text::line(why));
    ExitCode::from(2)
}

fn new_token(name: &str, read_only: bool) -> ExitCode {
    match made(name, read_only) {
        Ok(printed) => {
            let mut out = std::io::stdout().lock();
            match out.write_all(printed.as_bytes()).and_then(|()| out.flush()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => usage(&format!("the token could not be printed and is lost: {error}")),
            }
        }
        Err(refusal) => usage(&refusal.to_string()),
    }
}

fn made(name: &str, read_only: bool) -> Result<String, Refusal> {
    let name = refusal::text("the token's name", name, 60)?;
    if name.contains(char::is_whitespace) {
        return Err(
            Refusal::new(refusal::Code::Invalid, "a token's name is one word").hint("name it ci-main")
        );
    }
    let secret = Secret::fresh();
    let may = if read_only { vec![GateRight::Read] } else { vec![GateRight::Read, GateRight::Ask] };
    let token = Token::new(name, &secret, may);
    Ok(format!(
        "{}\n\n# The token is above, shown once and stored nowhere. For warroom.toml:\n{}",
        secret.expose(),
        token.config()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    fn parse(line: &str) -> Result<GateArgs, clap::Error> {
        let command = GateArgs::augment_args(clap::Command::new("gate"));
        let words = std::iter::once("gate").chain(line.split_whitespace());
        GateArgs::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn what_is_usage_and_what_is_not() {
        let whole = "--service s --env e --artifact a --action deploy";
        for good in [
            whole.to_owned(),
            format!("{whole} --if-unavailable allow --timeout 500ms --json --dry-run"),
            format!("{whole} --url http://x --token-file f"),
            format!("{whole} --override because"),
            "token new ci".into(),
        ] {
            assert!(parse(&good).is_ok(), "{good}");
        }
        for bad in [
            String::new(),
            "--service s --env e --artifact a".into(),
            "--service s --env e --artifact a --action destroy".into(),
            format!("{whole} --timeout soon"),
            format!("{whole} --if-unavailable maybe"),
            format!("{whole} --token-file f"),
            format!("{whole} --url http://x --socket s"),
            format!("{whole} --override because --dry-run"),
            format!("{whole} token new ci"),
            "token new".into(),
        ] {
            assert_eq!(parse(&bad).map_err(|error| error.exit_code()).err(), Some(2), "{bad}");
        }
    }

    #[test]
    fn a_new_token_is_shown_once_beside_its_hash() {
        let printed = made("ci", false).unwrap();
        let secret = Secret::given(printed.lines().next().unwrap());
        let token = Token::new("ci", &secret, vec![GateRight::Read, GateRight::Ask]);
        assert!(printed.ends_with(&token.config()));
        assert_eq!(printed.matches(secret.expose()).count(), 1);
        assert!(made("two words", false).is_err() && made("", false).is_err());
    }
}
