//! What commands do, and when they make sense.

pub mod cadence;
pub mod close;
pub mod decision;
pub mod deviate;
pub mod enter;
pub mod freeze;
pub mod incident;
pub mod look;
pub mod people;
pub mod presence;
pub mod say;
pub mod seat;
pub mod task;
pub mod walk;

use crate::{domain::walk::StepStatus, seat::model::Model};

type When = Result<(), String>;

fn no(yes: bool, why: &str) -> When {
    if yes { Ok(()) } else { Err(why.to_owned()) }
}

/// Whenever one likes.
pub fn always(_: &Model) -> When {
    Ok(())
}

/// With an incident shown.
pub fn incident(model: &Model) -> When {
    no(model.incident().is_some(), "there is no incident; D declares one")
}

/// With an open incident shown.
pub fn open(model: &Model) -> When {
    incident(model)?;
    no(model.open_incident().is_some(), "the incident is over; v sets its status back")
}

/// With somebody who can be paged.
pub fn paging(model: &Model) -> When {
    let any = !model.state.policy.outward.pages.is_empty();
    no(any, "nobody can be paged; add a [target.NAME] and a [page.NAME] to warroom.toml")
}

/// With a page that waits.
pub fn paged(model: &Model) -> When {
    no(model.state.pages.values().any(crate::domain::page::Page::is_open), "no page waits; P pages")
}

/// With open tasks.
pub fn tasks(model: &Model) -> When {
    open(model)?;
    let any = model.incident().is_some_and(|one| one.tasks.values().any(crate::domain::task::Task::is_open));
    no(any, "no task is open; t gives one")
}

/// With a resolved incident.
pub fn resolved(model: &Model) -> When {
    incident(model)?;
    let is = model.incident().is_some_and(|one| one.status == crate::domain::incident::Status::Resolved);
    no(is, "the incident is not resolved; v says how far it has come")
}

/// With something that is owed again and again.
pub fn owing(model: &Model) -> When {
    open(model)?;
    let any = model.incident().is_some_and(|one| !one.board.beats.is_empty());
    no(any, "no update and no poll is owed; b c says how often")
}

/// With a proposal that is open.
pub fn proposed(model: &Model) -> When {
    open(model)?;
    let any = model.incident().is_some_and(|one| !one.proposals.is_empty());
    no(any, "no proposal is open; V makes one")
}

/// With a decision that is to be looked at again.
pub fn reviewed(model: &Model) -> When {
    open(model)?;
    let any = model.incident().is_some_and(|one| one.decided.iter().any(|known| known.review.is_some()));
    no(any, "no decision waits for a review")
}

/// With command offered to this person.
pub fn offered(model: &Model) -> When {
    open(model)?;
    let offer = model.incident().and_then(|one| one.handover.as_ref());
    no(offer.is_some_and(|offer| offer.to == model.my_name()), "nobody offers you command")
}

/// With command offered by this person.
pub fn offering(model: &Model) -> When {
    open(model)?;
    let me = model.my_name();
    let own = model.incident().is_some_and(|one| {
        one.handover.as_ref().is_some_and(|offer| offer.by == me || one.commander() == Some(me))
    });
    no(own, "you offer command to nobody")
}

/// With command to give away.
pub fn commands(model: &Model) -> When {
    open(model)?;
    let who = model.incident().and_then(|one| one.commander());
    no(who.is_none_or(|who| who == model.my_name()), "another commands; H shows what can be done")
}

/// With a commander who is somebody else.
pub fn commanded(model: &Model) -> When {
    open(model)?;
    let who = model.incident().and_then(|one| one.commander());
    no(who.is_some_and(|who| who != model.my_name()), "there is nobody to replace; H takes command")
}

/// With something that waits for broken glass.
pub fn held(model: &Model) -> When {
    no(model.held.is_some(), "nothing waits for the glass to be broken")
}

/// With something that was recorded offline and not accepted.
pub fn conflicts(model: &Model) -> When {
    no(!model.state.conflicts.is_empty(), "there is no conflict")
}

/// With a power that this person took.
pub fn glass(model: &Model) -> When {
    no(model.my_glass().is_some(), "you have taken no power")
}

/// With runbooks to start.
pub fn runbooks(model: &Model) -> When {
    no(!model.runbooks.is_empty(), "no runbook is known here; start warroom with --runbook FILE")
}

/// With a walk that goes on.
pub fn walking(model: &Model) -> When {
    no(model.walk().is_some_and(|walk| walk.ended.is_none()), "no runbook is being walked; W starts one")
}

/// With any walk.
pub fn walks(model: &Model) -> When {
    no(model.walks().next().is_some(), "no runbook was walked; W starts one")
}

/// With a step that is open.
pub fn step(model: &Model) -> When {
    walking(model)?;
    no(model.step().is_some(), "no step is open")
}

/// With inputs to fill.
pub fn inputs(model: &Model) -> When {
    walking(model)
}

/// With an approval waiting.
pub fn asked(model: &Model) -> When {
    no(model.asked().is_some(), "nothing asks for approval")
}

/// With a step that runs.
pub fn running(model: &Model) -> When {
    no(walk::lent(model).is_some(), "no step is running")
}

/// With a step that somebody has or that is unknown.
pub fn taken(model: &Model) -> When {
    let any = model
        .step_states()
        .any(|(_, _, state)| matches!(state.status, StepStatus::Lent | StepStatus::Unknown));
    no(any, "nobody has a step")
}

/// With a freeze that holds.
pub fn frozen(model: &Model) -> When {
    no(!model.freezes().is_empty(), "nothing is frozen; F freezes")
}

/// With deviations.
pub fn owed(model: &Model) -> When {
    no(model.deviations().0 > 0, "nobody has deviated")
}

/// Where something can be filtered.
pub fn filterable(_: &Model) -> When {
    Ok(())
}

/// With prompts in the draft.
pub fn todos(model: &Model) -> When {
    incident(model)?;
    no(!model.draft.todos.is_empty(), "the draft asks nothing; 7 shows it")
}
