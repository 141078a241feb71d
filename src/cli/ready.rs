//! `warroom ready`: each service's scorecard.

use super::{With, exit, reach::Session};
use crate::{
    domain::{
        State,
        gate::Because,
        scorecard::{self, Scorecard},
        text,
        time::Stamp,
        verdict::Verdict,
    },
    os::clock,
};
use std::process::ExitCode;

/// What each service's readiness checks say, and its record: recoveries, rollbacks, the last drill, open actions
///
/// Exit codes: 0 all that is asked says yes, 11 something says no, 12 something is unknown, 20 no room.
#[derive(Debug, clap::Args)]
pub struct ReadyArgs {
    /// Only this service
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub fn run(with: &With, args: &ReadyArgs) -> ExitCode {
    exit::block_on(async {
        let mut session = match Session::existing(with).await {
            Ok(session) => session,
            Err(error) => return error.say(),
        };
        let state = match session.state().await {
            Ok(state) => state,
            Err(error) => return error.say(),
        };
        let now = clock::now();
        let cards = match cards(&state, args.service.as_deref(), &now) {
            Ok(cards) => cards,
            Err(why) => {
                exit::warn(&why);
                return exit::USAGE;
            }
        };
        if args.json {
            exit::print(&cards);
        } else if cards.is_empty() {
            exit::say("no service asks for readiness: add [[service.NAME.readiness]] to warroom.toml");
        } else {
            for line in cards.iter().flat_map(|card| lines(card, &now)) {
                exit::say(line);
            }
        }
        match cards.iter().fold(Verdict::Yes, |all, card| all.and(card.ready)) {
            Verdict::Yes => exit::DONE,
            Verdict::No => Because::NotReady.exit(),
            Verdict::Unknown => Because::Undecided.exit(),
        }
    })
}

fn cards(state: &State, service: Option<&str>, now: &Stamp) -> Result<Vec<Scorecard>, String> {
    let all = scorecard::services(state);
    match service {
        None => Ok(all.iter().map(|name| scorecard::scorecard(state, name, now)).collect()),
        Some(name) if all.iter().any(|own| own == name) || state.policy.services.contains_key(name) => {
            Ok(vec![scorecard::scorecard(state, name, now)])
        }
        Some(name) => {
            let known = if all.is_empty() {
                "none has one".into()
            } else {
                format!("these have: {}", all.join(", "))
            };
            Err(format!("there is no scorecard of {}: {known}", text::line(name)))
        }
    }
}

/// A scorecard in lines.
pub fn lines(card: &Scorecard, now: &Stamp) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", text::line(&card.service), card.word())];
    for line in &card.lines {
        lines.push(format!("  {:<8} {}", line.verdict, line.words()));
    }
    lines.extend(card.record_words(now).map(|words| format!("  {}", text::line(&words))));
    lines
}
