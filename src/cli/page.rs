//! `warroom page`: calls people who are not in the room.

use super::{
    With, exit,
    reach::{self, Session},
};
use crate::{
    domain::{
        Command, Refusal, State,
        id::{IncidentId, PageId},
        page::{Page, PageCommand, paged_for},
        refusal::Code,
        time::{Stamp, minute_utc},
    },
    os::clock,
    wire::Outcome,
};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Page somebody, acknowledge a page, see who can be paged
///
/// A page goes to the first rung of the ladder in warroom.toml and climbs while nobody acknowledges it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PageArgs {
    /// Who, a `[page.NAME]` of warroom.toml; whom the incident's services name where only a reason is given
    #[arg(value_name = "WHO")]
    first: Option<String>,
    /// Why, one line
    #[arg(value_name = "WHY")]
    second: Option<String>,
    /// What it is about
    #[command(flatten)]
    about: About,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What every verb of a page takes.
#[derive(Debug, Clone, Args)]
struct About {
    /// The incident; the open one that matters most where none is given
    #[arg(long, short, value_name = "INCIDENT", env = "WARROOM_INCIDENT")]
    incident: Option<IncidentId>,
    /// What became of it, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Verb {
    /// Somebody comes: it climbs no further
    Ack {
        /// Which; the only one that waits where none is given
        page: Option<PageId>,
        /// A note with it
        #[arg(long)]
        note: Option<String>,
        /// What became of it, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Nobody needs to come any more
    Withdraw {
        /// Which
        page: PageId,
        /// Why
        reason: String,
        /// What became of it, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Who can be paged, and the pages that wait
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
pub fn run(with: &With, args: &PageArgs) -> ExitCode {
    exit::block_on(async {
        let mut session = match Session::open(with).await {
            Ok(session) => session,
            Err(error) => return error.say(),
        };
        let state = match session.state().await {
            Ok(state) => state,
            Err(error) => return error.say(),
        };
        match &args.verb {
            Some(Verb::List { json }) => return list(&state, *json),
            None if args.first.is_none() => return list(&state, args.about.json),
            _ => {}
        }
        let (json, command) = command(&state, args);
        let outcome = match command {
            Ok(command) => match session.act(Command::Page(command)).await {
                Ok(outcome) => outcome,
                Err(error) => return error.say(),
            },
            Err(refusal) => Outcome::Refused(refusal),
        };
        exit::outcome(&outcome, json)
    })
}

fn command(state: &State, args: &PageArgs) -> (bool, Result<PageCommand, Refusal>) {
    match &args.verb {
        Some(Verb::Ack { page, note, json }) => {
            let page = page.map_or_else(|| only(state), Ok);
            (*json, page.map(|page| PageCommand::Acknowledge { page, note: note.clone() }))
        }
        Some(Verb::Withdraw { page, reason, json }) => {
            (*json, Ok(PageCommand::Withdraw { page: *page, reason: reason.clone() }))
        }
        Some(Verb::List { json }) => (*json, Err(Refusal::new(Code::Invalid, "nothing is asked"))),
        None => (args.about.json, ask(state, args)),
    }
}

fn ask(state: &State, args: &PageArgs) -> Result<PageCommand, Refusal> {
    let incident = match args.about.incident {
        Some(id) => Some(id),
        None => reach::incident(state, None).ok(),
    };
    let first = args.first.clone().unwrap_or_default();
    let (who, why) = match &args.second {
        Some(why) => (first, why.clone()),
        None if state.policy.outward.pages.contains_key(&first) => {
            let why = incident.and_then(|id| state.incidents.get(&id)).map(|one| one.title.clone());
            let why = why.ok_or_else(|| {
                Refusal::new(Code::NeedsMore, "a page needs a reason").hint("warroom page WHO \"why\"")
            })?;
            (first, why)
        }
        None => {
            let services = incident.and_then(|id| state.incidents.get(&id)).map(|one| one.services.clone());
            let mut whom = paged_for(state, &services.unwrap_or_default());
            match (whom.pop(), whom.is_empty()) {
                (Some(who), true) => (who, first),
                // The rules say what is missing.
                (None, _) if state.policy.outward.pages.is_empty() => (String::new(), first),
                _ => {
                    let known: Vec<&str> = state.policy.outward.pages.keys().map(String::as_str).collect();
                    return Err(Refusal::new(Code::NeedsMore, "say who is to be paged")
                        .hint(format!("warroom page WHO \"why\"; who can be paged: {}", known.join(", "))));
                }
            }
        }
    };
    Ok(PageCommand::Ask { incident, who, why })
}

fn only(state: &State) -> Result<PageId, Refusal> {
    let mut open = state.pages.values().filter(|page| page.is_open());
    match (open.next(), open.next()) {
        (Some(page), None) => Ok(page.id),
        (None, _) => Err(Refusal::new(Code::Unknown, "no page waits")),
        (Some(_), Some(_)) => {
            Err(Refusal::new(Code::NeedsMore, "more than one page waits").hint("name it: warroom page list"))
        }
    }
}

fn list(state: &State, json: bool) -> u8 {
    let now = clock::now();
    if json {
        let open: Vec<&Page> = state.pages.values().filter(|page| page.is_open()).collect();
        exit::print(&serde_json::json!({ "outward": state.policy.outward, "waiting": open }));
        return exit::DONE;
    }
    let pages = &state.policy.outward.pages;
    if pages.is_empty() {
        say!("nobody can be paged: warroom.toml has no [page.NAME]");
        say!("add a [target.NAME] and a [page.NAME] with a ladder; docs/configuration.md shows how");
    }
    for (who, ladder) in pages {
        say!("{who}");
        for rung in ladder {
            let oncall = if rung.oncall.is_empty() {
                String::new()
            } else {
                format!("  on call {}", rung.oncall.join(", "))
            };
            say!("  after {:<6} {}{oncall}", rung.after.to_string(), rung.to.join(", "));
        }
    }
    for line in lines(state, &now) {
        say!("{line}");
    }
    exit::DONE
}

/// Pages that wait, and what could not be sent, in lines.
pub fn lines(state: &State, now: &Stamp) -> Vec<String> {
    let mut lines = Vec::new();
    for page in state.pages.values().filter(|page| page.is_open()) {
        let reached: Vec<&str> = page.reached.iter().map(|one| one.target.as_str()).collect();
        let reached = if reached.is_empty() {
            "has reached NOBODY".into()
        } else {
            format!("went to {}", reached.join(", "))
        };
        let climbs = match page.climbs_at() {
            Some(at) => format!("climbs in {}", at.until(now).brief()),
            None => "is at the top of its ladder".into(),
        };
        let (age, asked) = (page.asked.elapsed(now).brief(), minute_utc(page.asked.wall));
        lines.push(format!(
            "PAGE {} {}  not acknowledged for {age} (asked {asked} by {})  {reached}  {climbs}: {}",
            page.id, page.who, page.by, page.why
        ));
    }
    for (target, why) in &state.undelivered {
        let waiting = state.dispatches.values().filter(|one| one.target == *target && one.void.is_none());
        let next = waiting.clone().filter_map(|one| one.next.as_ref()).map(|at| at.until(now)).min();
        let next = next.map_or("given up".into(), |left| format!("next try in {}", left.brief()));
        lines.push(format!("target  {target} cannot be reached: {why}  {} waiting  {next}", waiting.count()));
    }
    lines
}
