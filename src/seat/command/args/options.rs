//! What can be chosen for an argument.

use super::input;
use crate::{
    domain::{
        cadence::Beat, clock::Moment, incident::Status, known, page::paged_for, policy::Power,
        severity::Severity, task::Task,
    },
    seat::{
        command::{Call, Kind, act::presence},
        model::{Model, find, when},
    },
    signal::Level,
};

/// Values, each with what it is.
type Options = Vec<(String, String)>;

/// What can be chosen, and whether it must be one of them.
pub fn options(model: &Model, kind: Kind, call: &Call) -> (Options, bool) {
    let plain =
        |values: Vec<String>| values.into_iter().map(|value| (value, String::new())).collect::<Options>();
    match kind {
        Kind::Words | Kind::Line | Kind::Need | Kind::Reason | Kind::Pattern | Kind::Time => {
            (Vec::new(), false)
        }
        Kind::Value | Kind::Artifact => (candidates(model), false),
        Kind::Severity => {
            let meaning = |sev: Severity| {
                model.state.policy.severities.get(&sev).map(|row| row.meaning.clone()).unwrap_or_default()
            };
            (Severity::ALL.into_iter().map(|sev| (sev.to_string(), meaning(sev))).collect(), true)
        }
        Kind::Status => {
            let mut all: Options =
                Status::ALL.into_iter().map(|status| (status.word().to_owned(), String::new())).collect();
            if let Some(incident) = model.incident() {
                // What comes next stands first; what is, is no choice.
                let at = Status::ALL.iter().position(|one| *one == incident.status).map_or(0, |at| at + 1);
                all.rotate_left(at);
                all.retain(|(word, _)| word != incident.status.word());
            }
            (all, true)
        }
        Kind::Role => {
            let held = model.incident().map(|incident| &incident.roles);
            let mut roles: Vec<String> = find::ROLES.iter().map(|(role, _)| (*role).to_owned()).collect();
            roles.extend(model.state.policy.severities.values().flat_map(|row| row.roles.clone()));
            let mut seen = std::collections::BTreeSet::new();
            roles.retain(|role| seen.insert(role.clone()));
            let who = |role: &String| {
                held.and_then(|held| held.get(role)).map_or("--".into(), |one| one.who.clone())
            };
            (roles.iter().map(|role| (role.clone(), who(role))).collect(), true)
        }
        Kind::Person => {
            let mut people = model.people();
            if call.name == "hand-over" {
                people.retain(|name| name != model.my_name());
            }
            (plain(people), false)
        }
        Kind::Power => {
            let what = |power: Power| match power {
                Power::Observe => "look",
                Power::Respond => "note, walk, freeze, take tasks",
                Power::Command => "take command",
                Power::Approve => "approve steps of others",
            };
            let lacking = Power::ALL.into_iter().filter(|power| !model.may(*power));
            (lacking.map(|power| (power.word().to_owned(), what(power).to_owned())).collect(), true)
        }
        Kind::Scope => {
            let (services, envs) = (model.services(), known::environments_offered(&model.state));
            let of = |env: &&str| services.iter().map(|name| format!("{name}/{env}")).collect::<Vec<_>>();
            (plain(envs.iter().flat_map(of).collect()), false)
        }
        Kind::Runbook => (
            model
                .runbooks
                .iter()
                .map(|book| (book.title.clone(), format!("{}, {} steps", book.source, book.steps().count())))
                .collect(),
            true,
        ),
        Kind::Freeze => (
            model
                .freezes()
                .iter()
                .map(|one| (one.id.to_string(), format!("{} by {}", one.scope.label(), one.owner)))
                .collect(),
            true,
        ),
        Kind::Conflict => {
            let all = model.state.conflicts.values();
            (
                all.map(|one| (one.id.to_string(), format!("{}: {}", one.what.by, one.what.said))).collect(),
                true,
            )
        }
        Kind::Deviation => {
            let incident = model.incident_id();
            let own = model.state.deviations.values().filter(|one| one.incident == incident);
            let mut all: Vec<_> = own.collect();
            all.sort_by_key(|one| !one.owed());
            let words = |one: &crate::domain::deviation::Deviation| {
                let why = one.reason.as_ref().map_or("owed".into(), |reason| reason.code.words().to_owned());
                format!("{} {}: {why}", one.what.kind.word(), one.what.actual)
            };
            (all.into_iter().map(|one| (one.id.to_string(), words(one))).collect(), true)
        }
        Kind::Moment => {
            let marks = model.incident().map(|incident| &incident.clocks.marks);
            let at = |moment: &Moment| {
                marks
                    .and_then(|marks| marks.get(moment))
                    .map_or("no event".into(), |mark| when::minute(mark.at.wall, model.now.wall))
            };
            (Moment::ALL.iter().map(|moment| (moment.word().to_owned(), at(moment))).collect(), true)
        }
        Kind::Span => (plain(["5m", "10m", "15m", "30m", "1h", "2h"].map(str::to_owned).to_vec()), false),
        Kind::Input => {
            let Some(walk) = model.walk() else { return (Vec::new(), true) };
            let mut names: Vec<String> =
                walk.runbook.front.inputs.iter().map(|input| input.name.clone()).collect();
            names.extend(
                walk.runbook
                    .steps()
                    .flat_map(|step| &step.blocks)
                    .flat_map(|block| block.placeholders.clone()),
            );
            let mut seen = std::collections::BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            (
                names
                    .into_iter()
                    .map(|name| {
                        let value = walk.value(&name).unwrap_or("--").to_owned();
                        (name, value)
                    })
                    .collect(),
                true,
            )
        }
        Kind::InputValue => {
            let Some(input) = input(model, call) else { return (Vec::new(), false) };
            (plain(input.choices.clone()), !input.choices.is_empty())
        }
        Kind::Level => {
            let all = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];
            (plain(all.map(|level| level.word().to_lowercase()).to_vec()), true)
        }
        Kind::Judgement => (plain(vec!["bad".into(), "good".into()]), true),
        Kind::Task => {
            let who = |task: &Task| task.owner.clone().unwrap_or_else(|| "nobody".into());
            let fits = |task: &&&Task| {
                task.is_open() && (call.name != "task-ack" || task.owner.as_deref() == Some(model.my_name()))
            };
            let tasks = model.tasks();
            let named = tasks
                .iter()
                .filter(fits)
                .map(|task| (task.id.to_string(), format!("{}: {}", who(task), task.text)));
            (named.collect(), true)
        }
        Kind::Beat => {
            let board = model.incident().map(|incident| &incident.board);
            let fits = |beat: &Beat| {
                call.name != "snooze" || board.is_some_and(|board| board.every(*beat).is_some())
            };
            let told = |beat: Beat| match board.and_then(|board| board.beats.get(&beat)) {
                Some(clock) if clock.due.reached(&model.now) => {
                    format!("every {}, {} OVER", clock.every, clock.due.elapsed(&model.now).brief())
                }
                Some(clock) => format!("every {}, in {}", clock.every, clock.due.until(&model.now).brief()),
                None => "not owed".into(),
            };
            let all = Beat::ALL.into_iter().filter(fits);
            (
                all.map(|beat| (beat.word().to_owned(), format!("{}: {}", beat.owed(), told(beat))))
                    .collect(),
                true,
            )
        }
        Kind::Proposal => {
            let open = model.incident().into_iter().flat_map(|incident| incident.proposals.values());
            (open.map(|one| (one.id.to_string(), format!("{}: {}", one.by, one.text))).collect(), true)
        }
        Kind::Reviewed => {
            let decided = model.incident().into_iter().flat_map(|incident| &incident.decided);
            let waiting = decided.filter(|one| one.review.is_some());
            (waiting.map(|one| (one.id.to_string(), one.text.clone())).collect(), true)
        }
        Kind::Incident => (
            model
                .state
                .incidents
                .values()
                .rev()
                .map(|one| (one.id.to_string(), format!("{} {}  {}", one.severity, one.status, one.title)))
                .collect(),
            true,
        ),
        Kind::Todo => (
            model
                .draft
                .todos
                .iter()
                .map(|todo| (todo.key.clone(), format!("{}: {}", todo.role, todo.question)))
                .collect(),
            true,
        ),
        Kind::Paged => {
            let services = model.incident().map(|incident| incident.services.clone()).unwrap_or_default();
            let first = paged_for(&model.state, &services);
            let mut all: Options = model
                .state
                .policy
                .outward
                .pages
                .iter()
                .map(|(who, ladder)| {
                    let to = ladder.first().map(|rung| rung.to.join(", ")).unwrap_or_default();
                    (who.clone(), format!("first {to}, {} rungs", ladder.len()))
                })
                .collect();
            // Whom the incident's services name stands first.
            all.sort_by_key(|(who, _)| !first.contains(who));
            (all, true)
        }
        Kind::Page => {
            let open = model.state.pages.values().filter(|page| page.is_open());
            (open.map(|page| (page.id.to_string(), format!("{}: {}", page.who, page.why))).collect(), true)
        }
        Kind::Seat => {
            let one = |seat: &&crate::seat::model::Presence| {
                let place = seat.look.as_ref().map(|look| look.say(&model.state)).unwrap_or_default();
                let what = format!("{place}  {}", seat.activity(model.now.wall));
                (presence::label(model, seat), what.trim().to_owned())
            };
            (model.others().iter().map(one).collect(), true)
        }
        Kind::Walk => (
            model.walks().rev().map(|walk| (walk.id.to_string(), walk.runbook.title.clone())).collect(),
            true,
        ),
    }
}

/// Artifacts that are known: what was refused last would be wanted most, then what runs.
fn candidates(model: &Model) -> Options {
    let mut all: Options = Vec::new();
    for one in model.released() {
        all.push((format!("{}/{}", one.service, one.version), "runs".into()));
        if let Some(before) = one.before {
            all.push((format!("{}/{before}", one.service), "ran before".into()));
        }
    }
    all
}
