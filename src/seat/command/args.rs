//! Asking for a command's arguments one by one, each with what can be chosen.

use super::{Arg, Call, Kind, Spec};
use crate::{
    domain::{
        cadence::{Audience, Beat, too_soon},
        clock::Moment,
        deviation::ReasonCode,
        incident::{Status, difference, steps},
        page::paged_for,
        policy::Power,
        severity::Severity,
        task::Task,
        time::Span,
    },
    seat::{
        model::{
            Layer, Model, Pane, find,
            layer::{Act, Choice, Prompt},
            when,
        },
        view::widget::field::Field,
    },
    signal::Level,
};
use tui_textarea::TextArea;

type Options = Vec<(String, String)>;

/// Opens the layer that asks for `arg`.
pub fn ask(model: &mut Model, spec: &'static Spec, arg: &Arg, call: Call) {
    if arg.kind == Kind::Words {
        let title = format!("{}{}", asked(&call, arg), above(model, &call));
        let area = Box::new(TextArea::from(prefill(model, &call, arg).lines()));
        let mut layer = Layer::Words { call, title, area };
        if let Layer::Words { area, .. } = &mut layer {
            area.move_cursor(tui_textarea::CursorMove::End);
        }
        model.layers.push(layer);
        return;
    }
    if arg.kind == Kind::Reason {
        let choices = ReasonCode::ALL
            .into_iter()
            .zip('1'..)
            .map(|(code, key)| Choice {
                key,
                label: code.words().into(),
                detail: String::new(),
                act: Act::Call(call.clone().with(code.words())),
            })
            .collect();
        model.layers.push(Layer::Pick {
            title: format!("{}{}", asked(&call, arg), above(model, &call)),
            choices,
            at: 0,
        });
        return;
    }
    if arg.kind == Kind::Need {
        let choices = needs(&call);
        model.layers.push(Layer::Pick { title: asked(&call, arg), choices, at: 0 });
        return;
    }
    let (options, strict) = options(model, arg.kind, &call);
    if strict && options.is_empty() {
        let why = if arg.kind == Kind::Power {
            "you have every power already; there is no glass to break".into()
        } else {
            format!("{}: there is nothing to choose from", spec.name)
        };
        model.say(crate::seat::model::Tone::Wrong, why);
        return;
    }
    let field = Field::with(&prefill(model, &call, arg));
    let at = (strict || (field.text().is_empty() && !options.is_empty() && !arg.optional)).then_some(0);
    let hint = hint(model, arg.kind, &call);
    model.layers.push(Layer::Prompt(Prompt {
        call,
        title: arg.ask.into(),
        hint,
        field,
        options,
        strict,
        optional: arg.optional,
        at,
    }));
}

/// No needs is one key; a need is put in words.
fn needs(call: &Call) -> Vec<Choice> {
    let mut words = Call::of("report-needs");
    words.given.clone_from(&call.given);
    let choice = |key, label: &str, detail: &str, act| Choice {
        key,
        label: label.into(),
        detail: detail.into(),
        act: Act::Call(act),
    };
    vec![
        choice('n', "no needs", "", call.clone().with("no needs")),
        choice('w', "needs", "in words; each becomes a task to assign", words),
    ]
}

/// The question, after what was given already: `severity SEV2: Why?`.
fn asked(call: &Call, arg: &Arg) -> String {
    if call.given.is_empty() {
        return arg.ask.to_owned();
    }
    if arg.kind == Kind::Need {
        return format!("{}; {}", crate::domain::text::line(&call.given.join("; ")), arg.ask);
    }
    let given = crate::domain::text::line(&call.given.join(" ")).into_owned();
    format!("{} {given}: {}", call.name, arg.ask)
}

/// Lines that belong above the question: what a severity brings, which deviation it is.
fn above(model: &Model, call: &Call) -> String {
    let first = call.given.first().map(String::as_str);
    match (call.name, first) {
        ("severity", Some(to)) => {
            to.parse().map_or(String::new(), |to| format!("\n{}", severity(model, to).join("\n")))
        }
        ("update", _) => sent(model, Audience::Internal),
        ("external-update", _) => sent(model, Audience::External),
        ("reason", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.state.deviations.get(&id))
            .map(|one| format!("\n{} {}: {}", one.id, one.what.kind.word(), one.what.actual))
            .unwrap_or_default(),
        ("object" | "withdraw-proposal", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.incident()?.proposals.get(&id))
            .map(|one| format!("\n{}: {}", one.by, one.text))
            .unwrap_or_default(),
        ("review", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.incident()?.decided.iter().find(|one| one.id == id))
            .map(|one| {
                format!("\ndecided {} by {}: {}", when::minute(one.at.wall, model.now.wall), one.by, one.text)
            })
            .unwrap_or_default(),
        ("task-report" | "task-done", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.incident()?.tasks.get(&id))
            .map(|task| format!("\n{}", task.text))
            .unwrap_or_default(),
        ("answer", Some(key)) => model
            .draft
            .todos
            .iter()
            .find(|todo| todo.key == key)
            .map(|todo| format!("\n{}: {}", todo.role, todo.question))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// Where an update goes, and whether it comes too soon after the last.
fn sent(model: &Model, audience: Audience) -> String {
    let to = model.state.policy.outward.updates_to(audience);
    let goes = match (to.is_empty(), audience) {
        (true, Audience::Internal) => {
            "no [update] targets are configured: it is written down, and goes nowhere".into()
        }
        (true, Audience::External) => {
            "no external [update] targets are configured: it is written down, and goes nowhere".into()
        }
        (false, _) => format!("it goes to {}", to.join(", ")),
    };
    let soon = model.incident().and_then(|incident| too_soon(incident, audience, &model.now));
    let soon = soon.map(|why| format!("\nTOO SOON? {why}")).unwrap_or_default();
    format!("\n{goes}{soon}")
}

/// What a change of severity brings with it, in lines.
pub fn severity(model: &Model, to: Severity) -> Vec<String> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let diff = difference(&model.state, incident, to);
    let mut lines = vec![format!("{} becomes {to}", incident.severity)];
    lines.extend(diff.meaning.map(|meaning| format!("  {to} means: {meaning}")));
    let every = |every: Option<Span>| every.map_or("none".into(), |every| format!("every {every}"));
    lines.extend(
        diff.cadence
            .iter()
            .map(|one| format!("  {}: {}, now {}", one.beat.owed(), every(one.from), every(one.to))),
    );
    if !diff.roles_missing.is_empty() {
        lines.push(format!("  roles to fill: {}", diff.roles_missing.join(", ")));
    }
    if !diff.roles_spare.is_empty() {
        lines.push(format!("  not wanted any more: {}", diff.roles_spare.join(", ")));
    }
    if let Some(name) = &diff.runbook {
        lines.push(format!("  runbook: {name}"));
        let known = |name: &str| {
            model
                .runbooks
                .iter()
                .find(|book| book.source == name || name.ends_with(&format!("/{}", book.source)))
        };
        let row = model.state.policy.severities.get(&incident.severity);
        let old = row.and_then(|row| known(row.runbook.as_ref()?)).map(|book| &**book);
        let walked =
            model.walks().rev().find(|walk| walk.incident == Some(incident.id)).map(|walk| &*walk.runbook);
        if let Some(book) = known(name) {
            lines.extend(steps(walked.or(old), book).lines().into_iter().map(|line| format!("    {line}")));
        }
    }
    if !diff.pages.is_empty() {
        lines.push(format!("  PAGES {} with the change", diff.pages.join(", ")));
    }
    lines.extend(diff.page_proposed.iter().map(|who| format!("  paging {who} is proposed (P)")));
    lines.extend(diff.freeze.map(|lease| format!("  a freeze of {lease} is proposed (F)")));
    let stays: Vec<_> = diff.freeze_stays.iter().map(ToString::to_string).collect();
    if !stays.is_empty() {
        lines.push(format!("  {} stays: severity lifts no freeze", stays.join(", ")));
    }
    if lines.len() == 1 {
        lines.push("  nothing else changes".into());
    }
    lines
}

fn hint(model: &Model, kind: Kind, call: &Call) -> String {
    match kind {
        Kind::Time => format!("now {}; 01:52Z, or 5m ago", crate::domain::time::clock_utc(model.now.wall)),
        Kind::Span => "like 90s, 15m, 2h".into(),
        Kind::Pattern if model.ui.has(Pane::Logs) => "a regular expression; (?i) ignores case".into(),
        Kind::InputValue => input(model, call).and_then(|input| input.prompt.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn input<'a>(model: &'a Model, call: &Call) -> Option<&'a crate::domain::plan::Input> {
    let name = call.given.first()?;
    model.walk()?.runbook.front.inputs.iter().find(|input| input.name == *name)
}

/// What stands in the field already.
fn prefill(model: &Model, call: &Call, arg: &Arg) -> String {
    let incident = model.incident();
    match (call.name, arg.kind) {
        ("freeze", Kind::Scope) => incident
            .map(|one| format!("{}/{}", one.services.join(","), one.env))
            .or_else(|| model.released().first().map(|one| format!("{}/{}", one.service, one.env)))
            .unwrap_or_default(),
        ("freeze" | "renew", Kind::Span) => {
            let row = incident.and_then(|one| model.state.policy.severities.get(&one.severity));
            row.and_then(|row| row.freeze).unwrap_or(model.state.policy.freeze_lease).to_string()
        }
        ("freeze", Kind::Words) => incident.map(|one| one.title.clone()).unwrap_or_default(),
        ("retitle", Kind::Words) => incident.map(|one| one.title.clone()).unwrap_or_default(),
        ("page", Kind::Words) => incident.map(|one| one.title.clone()).unwrap_or_default(),
        ("update" | "external-update", Kind::Words) => {
            let audience = if call.name == "update" { Audience::Internal } else { Audience::External };
            incident.map(|one| crate::domain::board::draft(one, audience, &model.now)).unwrap_or_default()
        }
        ("snooze", Kind::Span) => "15m".into(),
        ("now", _) => said(incident.and_then(|one| one.board.now.as_ref())),
        ("goal", _) => said(incident.and_then(|one| one.board.goal.as_ref())),
        ("else", _) => said(incident.and_then(|one| one.board.otherwise.as_ref())),
        ("extend" | "task-extend", Kind::Span) => "5m".into(),
        ("filter", _) if model.ui.has(Pane::Logs) => {
            model.ui.log_filter.pattern.as_ref().map(|re| re.as_str().to_owned()).unwrap_or_default()
        }
        ("filter", _) => model.ui.timeline_filter.words.clone(),
        ("inputs", Kind::InputValue) => call.given.first().map(|name| guess(model, name)).unwrap_or_default(),
        ("answer", Kind::Words) => call
            .given
            .first()
            .and_then(|key| incident.and_then(|one| one.answers.get(key)).cloned())
            .unwrap_or_default(),
        ("judge", Kind::Words) => model
            .state
            .first_breach()
            .map(|breach| format!("{} {}", breach.panel, breach.seen))
            .unwrap_or_default(),
        ("task-done", Kind::Words) => "done".into(),
        _ => String::new(),
    }
}

fn said(line: Option<&crate::domain::board::Said>) -> String {
    line.map(|said| said.text.clone()).unwrap_or_default()
}

/// What an input most probably is: as entered, its default, else what signals say of a name like it.
pub fn guess(model: &Model, name: &str) -> String {
    let walk = model.walk();
    if let Some(value) = walk.and_then(|walk| walk.value(name)) {
        return value.to_owned();
    }
    let input = walk.and_then(|walk| walk.runbook.front.inputs.iter().find(|input| input.name == name));
    let service = walk
        .and_then(|walk| walk.runbook.front.service.clone())
        .or_else(|| model.incident().and_then(|incident| incident.services.first().cloned()));
    let view = model
        .live
        .releases
        .values()
        .filter(|view| service.as_ref().is_none_or(|service| view.service == *service))
        .max_by_key(|view| view.since);
    let good = view.and_then(|view| view.previous.as_ref()).map(|one| one.version.clone());
    let bad = view.and_then(|view| view.current.as_ref()).map(|one| one.version.clone());
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let value = if has(&["good", "previous", "last", "target_version"]) {
        good
    } else if has(&["bad", "current", "suspect", "release", "version"]) {
        bad
    } else if has(&["srv", "dir", "path", "root"]) {
        view.map(|view| view.place.clone())
    } else if has(&["service", "app"]) {
        service
    } else if has(&["env"]) {
        model.incident().map(|incident| incident.env.clone())
    } else if has(&["instance", "base", "hosts", "url"]) {
        let bases: Vec<String> = model.live.probes.values().filter_map(|probe| base(&probe.name)).collect();
        (!bases.is_empty()).then(|| bases.join(" "))
    } else {
        None
    };
    value.or_else(|| input.and_then(|input| input.choices.first().cloned())).unwrap_or_default()
}

/// `http://127.0.0.1:8080` of `checkout-1 http://127.0.0.1:8080/healthz`.
fn base(name: &str) -> Option<String> {
    let url = name.split_whitespace().find(|word| word.starts_with("http"))?;
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').next().unwrap_or(rest)))
}

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
        Kind::Scope => (plain(model.services().iter().map(|name| format!("{name}/prod")).collect()), false),
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
                (super::act::presence::label(model, seat), what.trim().to_owned())
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
