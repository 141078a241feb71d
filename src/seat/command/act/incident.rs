//! The incident: declared, changed, corrected, written up.

use super::say::arg;
use crate::{
    domain::{
        Command,
        clock::Moment,
        id::PageId,
        incident::{COMMANDER, IncidentCommand, Status},
        page::PageCommand,
        severity::Severity,
        walk::approval,
    },
    seat::{
        command::Call,
        model::{Layer, Model, Tone, View, layer::Declare, when},
        update::Effect,
        view::widget::field::Field,
    },
};

/// Opens the form, filled with what signals say.
pub fn declare(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let breach = model.state.first_breach();
    let service = breach
        .and_then(|breach| model.live.panel(&breach.panel))
        .and_then(|view| view.panel.service.clone())
        // What the catalogue does not have would be refused.
        .or_else(|| model.released().into_iter().find(|one| !one.unlisted).map(|one| one.service))
        .or_else(|| model.state.policy.services.keys().next().cloned());
    let release =
        service.as_ref().and_then(|name| model.released().into_iter().find(|one| one.service == *name));
    let title = breach.map(|breach| {
        let on = service.as_ref().map(|name| format!(" on {name}")).unwrap_or_default();
        let after = release.as_ref().map(|one| format!(" after {}", one.version)).unwrap_or_default();
        format!("{} {}{on}{after}", breach.panel, breach.seen)
    });
    let tier =
        service.as_ref().and_then(|name| model.state.policy.services.get(name)).map_or(2, |one| one.tier);
    let form = Declare {
        title: Field::with(&title.unwrap_or_default()),
        severity: Severity::new(tier.clamp(1, 5)).unwrap_or(Severity::WORST),
        services: Field::with(&service.unwrap_or_default()),
        freeze: true,
        at: 0,
    };
    model.layers.push(Layer::Declare(Box::new(form)));
    Vec::new()
}

fn wrong<E: std::fmt::Display>(model: &mut Model, error: E) -> Vec<Effect> {
    model.say(Tone::Wrong, error.to_string());
    Vec::new()
}

/// Changes the severity.
pub fn severity(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    match arg(given, 0).parse() {
        Ok(to) => {
            let say = format!("it is {to} now");
            model.act(
                Command::Incident(IncidentCommand::Severity { incident, to, reason: arg(given, 1).into() }),
                say,
            )
        }
        Err(error) => wrong::<crate::domain::id::NotAnId>(model, error),
    }
}

/// Changes the status.
pub fn status(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    match arg(given, 0).parse::<Status>() {
        Ok(Status::Closed) if model.state.owed(incident) > 0 => super::close::close(model, &[]),
        Ok(to) => {
            let say = match to {
                Status::Resolved => "resolved; the draft is in view 7, its clock runs".into(),
                other => format!("it is {other} now"),
            };
            model.act(Command::Incident(IncidentCommand::Status { incident, to }), say)
        }
        Err(error) => wrong(model, error),
    }
}

/// Gives a role.
pub fn role(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let (role, who) = (arg(given, 0).to_owned(), arg(given, 1).to_owned());
    let role = approval::role(&role.to_lowercase()).to_owned();
    let offers = role == COMMANDER && who != model.my_name();
    let say = if offers {
        format!("command is offered to {who}; you command until it is taken")
    } else {
        format!("{who} is {role}")
    };
    model.act(Command::Incident(IncidentCommand::Role { incident, role, who }), say)
}

/// Takes a role away.
pub fn unrole(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    model.act(
        Command::Incident(IncidentCommand::Unrole { incident, role: arg(given, 0).into() }),
        "the role is vacant",
    )
}

/// Corrects a moment.
pub fn correct(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let word = arg(given, 0).to_lowercase();
    let Some(moment) = Moment::ALL.into_iter().find(|moment| moment.word() == word) else {
        let all: Vec<_> = Moment::ALL.iter().map(|moment| moment.word()).collect();
        return wrong(model, format!("{word:?} is no moment: {}", all.join(", ")));
    };
    let Some(at) = when::read(arg(given, 1), model.now.wall) else {
        return wrong(model, format!("{:?} is no time: write it like 01:52Z, or 5m ago", arg(given, 1)));
    };
    let say = format!("{word} was {}; both events stay", when::minute(at, model.now.wall));
    let reason = arg(given, 2).to_owned();
    model.act(Command::Incident(IncidentCommand::Correct { incident, moment, at, reason }), say)
}

/// Corrects the title.
pub fn retitle(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let (id, services) = (incident.id, incident.services.clone());
    let title = arg(given, 0).to_owned();
    model.act(
        Command::Incident(IncidentCommand::Retitle { incident: id, title, services }),
        "the title is corrected",
    )
}

/// Looks at another incident.
pub fn look(model: &mut Model, given: &[String]) -> Vec<Effect> {
    match arg(given, 0).parse() {
        Ok(id) => {
            model.ui.incident = Some(id);
            (model.ui.walk, model.ui.step) = (None, None);
            model.say(Tone::Done, format!("you look at {id}"));
            Vec::new()
        }
        Err(error) => wrong::<crate::domain::id::NotAnId>(model, error),
    }
}

/// Writes the draft out.
pub fn export(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    model.say(Tone::Info, "the draft is being written");
    vec![Effect::Export(incident)]
}

/// Answers a prompt of the draft.
pub fn answer(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let (prompt, text) = (arg(given, 0).to_owned(), arg(given, 1).to_owned());
    model.act(
        Command::Incident(IncidentCommand::Answer { incident, prompt, text }),
        "answered; the draft follows",
    )
}

/// The draft's selected prompt, asked.
pub(super) fn answer_selected(model: &mut Model) -> Vec<Effect> {
    if let Some(key) = model.draft.todos.get(model.ui.todo).map(|todo| todo.key.clone()) {
        crate::seat::command::invoke(model, Call::of("answer").with(key))
    } else {
        let view = model.ui.view == View::PostMortem;
        model.say(
            Tone::Info,
            if view { "the draft asks nothing more; X writes it out" } else { "7 shows the draft" },
        );
        Vec::new()
    }
}

fn which_page(model: &mut Model, given: &[String]) -> Option<PageId> {
    let page = arg(given, 0).parse().ok();
    if page.is_none() {
        model.say(Tone::Wrong, format!("{:?} is no page: write it like PAGE-3", arg(given, 0)));
    }
    page
}

/// Pages somebody.
pub fn page(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let incident = model.open_incident().map(|incident| incident.id);
    let (who, why) = (arg(given, 0).to_owned(), arg(given, 1).to_owned());
    let say = format!("{who} is being paged");
    model.act(Command::Page(PageCommand::Ask { incident, who, why }), say)
}

/// Acknowledges a page.
pub fn page_ack(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(page) = which_page(model, given) else { return Vec::new() };
    model.act(
        Command::Page(PageCommand::Acknowledge { page, note: None }),
        "acknowledged; it climbs no further",
    )
}

/// Takes a page back.
pub fn page_withdraw(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(page) = which_page(model, given) else { return Vec::new() };
    let reason = arg(given, 1).to_owned();
    model.act(Command::Page(PageCommand::Withdraw { page, reason }), "the page is withdrawn")
}
