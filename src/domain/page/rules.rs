//! Who is paged and when a page climbs.

use super::{DEFAULT, Elsewhere, Page, PageCommand, PageFact, PageWhen, Rung, TargetKind};
use crate::domain::{
    command::Ctx,
    dispatch::{Matter, Names},
    event::CommandId,
    fact::Fact,
    id::{DispatchId, IncidentId, PageId},
    refusal::{Code, Refusal, text},
    severity::Severity,
    state::State,
    time::Stamp,
};

/// Who is paged for these services: whom each names, else the default group, else the only one that there is.
pub fn paged_for(state: &State, services: &[String]) -> Vec<String> {
    let pages = &state.policy.outward.pages;
    let mut named: Vec<String> = services
        .iter()
        .filter_map(|name| state.policy.services.get(name)?.page.clone())
        .filter(|who| pages.contains_key(who))
        .collect();
    named.sort_unstable();
    named.dedup();
    if named.is_empty() {
        let only = pages.keys().next().filter(|_| pages.len() == 1);
        named.extend(pages.get_key_value(DEFAULT).map(|(who, _)| who).or(only).cloned());
    }
    named
}

/// Who should be paged at this severity and has not been for this incident.
pub fn proposed(
    state: &State,
    incident: IncidentId,
    severity: Severity,
    services: &[String],
    when: PageWhen,
) -> Vec<String> {
    let row = state.policy.severities.get(&severity);
    if row.and_then(|row| row.page) != Some(when) {
        return Vec::new();
    }
    let paged =
        |who: &String| state.pages.values().any(|page| page.incident == Some(incident) && page.who == *who);
    paged_for(state, services).into_iter().filter(|who| !paged(who)).collect()
}

/// What the severity matrix pages by itself.
pub(in crate::domain) fn by_matrix(
    state: &State,
    incident: IncidentId,
    severity: Severity,
    services: &[String],
    why: &str,
    ctx: &Ctx,
) -> Vec<Fact> {
    let who = proposed(state, incident, severity, services, PageWhen::Always);
    asked(state, Some(incident), &who, why, ctx.id, true)
}

fn asked(
    state: &State,
    incident: Option<IncidentId>,
    who: &[String],
    why: &str,
    id: CommandId,
    matrix: bool,
) -> Vec<Fact> {
    let mut page = state.pages.keys().next_back().copied().unwrap_or(PageId(0));
    let mut names = Names::after(state);
    let mut facts = Vec::new();
    for who in who {
        let Some(ladder) = state.policy.outward.pages.get(who) else { continue };
        page = page.next();
        let key = format!("warroom-{id}-{page}");
        let (who, why) = (who.clone(), why.to_owned());
        let asked =
            PageFact::Asked { page, incident, who, why, key: key.clone(), ladder: ladder.clone(), matrix };
        facts.push(Fact::Page(asked));
        facts.extend(rung(&mut names, page, &key, ladder, 0));
    }
    facts
}

fn rung(names: &mut Names, page: PageId, key: &str, ladder: &[Rung], rung: usize) -> Vec<Fact> {
    let to = ladder.get(rung).map(|rung| rung.to.as_slice()).unwrap_or_default();
    to.iter().map(|target| names.owe(Matter::Page { page, rung }, target, key)).collect()
}

/// The targets that took a page and follow it are told what became of it, but for the one that said so.
fn tell(state: &State, page: &Page, matter: &Matter, but: Option<&String>) -> Vec<Fact> {
    let mut targets: Vec<&str> = page.reached.iter().map(|reached| reached.target.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut names = Names::after(state);
    targets
        .into_iter()
        .filter(|target| but.is_none_or(|but| but != target))
        .filter(|target| state.policy.outward.targets.get(*target).is_some_and(|kind| kind.follows()))
        .map(|target| names.owe(matter.clone(), target, &page.key))
        .collect()
}

fn open(state: &State, id: PageId) -> Result<&Page, Refusal> {
    let page = state.pages.get(&id).ok_or_else(|| Refusal::unknown("page", id))?;
    let over = match (&page.acknowledged, &page.withdrawn) {
        (Some(by), _) => format!("{id} is acknowledged already, by {}", by.by),
        (None, Some(why)) => format!("{id} is over: {why}"),
        (None, None) => return Ok(page),
    };
    Err(Refusal::new(Code::Conflict, over).hint("warroom status shows the pages that wait"))
}

pub(in crate::domain) fn decide(
    state: &State,
    command: &PageCommand,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    match command {
        PageCommand::Ask { incident, who, why } => {
            if let Some(id) = incident {
                state.open(*id)?;
            }
            let why = text("the reason", why, 400)?;
            let pages = &state.policy.outward.pages;
            if pages.is_empty() {
                return Err(Refusal::new(Code::Unknown, "nobody can be paged here").hint(
                    "add [page.NAME] and a [target.NAME] to warroom.toml; docs/configuration.md shows how",
                ));
            }
            if !pages.contains_key(who) {
                let known: Vec<&str> = pages.keys().map(String::as_str).collect();
                return Err(Refusal::new(
                    Code::Unknown,
                    format!("there is no [page.{}]", crate::domain::text::line(who)),
                )
                .hint(format!("who can be paged: {}", known.join(", "))));
            }
            let same = |page: &&Page| page.is_open() && page.who == *who && page.incident == *incident;
            if let Some(page) = state.pages.values().find(same) {
                let waits = format!("{} to {who} waits already, asked by {}", page.id, page.by);
                return Err(Refusal::new(Code::Conflict, waits)
                    .hint("it climbs by itself; acknowledge or withdraw it before paging anew"));
            }
            Ok(asked(state, *incident, std::slice::from_ref(who), &why, ctx.id, false))
        }
        PageCommand::Acknowledge { page, note } => {
            let known = open(state, *page)?;
            let note = note.as_deref().filter(|note| !note.trim().is_empty());
            let note = note.map(|note| text("the note", note, 400)).transpose()?;
            let mut facts = vec![Fact::Page(PageFact::Acknowledged { page: *page, note, elsewhere: None })];
            facts.extend(tell(state, known, &Matter::Acknowledged { page: *page }, None));
            Ok(facts)
        }
        PageCommand::Answered { page, elsewhere, how } => {
            ctx.room_only()?;
            // Somebody here may have been quicker.
            let Ok(known) = open(state, *page) else { return Ok(Vec::new()) };
            let Elsewhere { target, who } = elsewhere;
            let elsewhere = Elsewhere { target: target.clone(), who: text("the name", who, 120)? };
            let note = Some(text("the note", how, 400)?);
            let acknowledged = PageFact::Acknowledged { page: *page, note, elsewhere: Some(elsewhere) };
            let mut facts = vec![Fact::Page(acknowledged)];
            // Where it was acknowledged that is known.
            facts.extend(tell(state, known, &Matter::Acknowledged { page: *page }, Some(target)));
            Ok(facts)
        }
        PageCommand::Withdraw { page, reason } => {
            let known = open(state, *page)?;
            let reason = text("the reason", reason, 400)?;
            let mut facts = vec![Fact::Page(PageFact::Withdrawn { page: *page, reason })];
            facts.extend(tell(state, known, &Matter::Over { page: *page }, None));
            Ok(facts)
        }
    }
}

/// What waits for nobody any more once an incident is over: its pages are withdrawn.
pub(in crate::domain) fn with_incident_over(state: &State, incident: IncidentId) -> Vec<Fact> {
    let mut names = Names::after(state);
    let mut facts = Vec::new();
    for page in state.pages.values().filter(|page| page.incident == Some(incident)) {
        if page.is_open() {
            let reason = format!("{incident} is over");
            facts.push(Fact::Page(PageFact::Withdrawn { page: page.id, reason }));
        } else if page.withdrawn.is_some() {
            continue;
        }
        let mut told: Vec<&str> = page.reached.iter().map(|reached| reached.target.as_str()).collect();
        told.sort_unstable();
        told.dedup();
        // An alert that was acknowledged elsewhere is closed there too.
        let closes = |target: &&str| {
            state
                .policy
                .outward
                .targets
                .get(*target)
                .is_some_and(|kind| *kind == TargetKind::Pagerduty || (kind.follows() && page.is_open()))
        };
        facts.extend(
            told.into_iter()
                .filter(closes)
                .map(|target| names.owe(Matter::Over { page: page.id }, target, &page.key)),
        );
    }
    facts
}

/// The page climbs where this was the last dispatch of its rung that could still have reached somebody.
pub(in crate::domain) fn nobody_left(
    state: &State,
    page: PageId,
    on: usize,
    failed: DispatchId,
) -> Vec<Fact> {
    let Some(known) = state.pages.get(&page).filter(|known| known.is_open() && known.rung == on) else {
        return Vec::new();
    };
    let here = Matter::Page { page, rung: on };
    let other = state.dispatches.values().any(|one| one.id != failed && one.matter == here);
    let up = on.saturating_add(1);
    if other || !known.reached.is_empty() || known.ladder.len() <= up {
        return Vec::new();
    }
    let why = "nobody could be reached on this rung".to_owned();
    let mut facts = vec![Fact::Page(PageFact::Climbed { page, rung: up, why })];
    facts.extend(rung(&mut Names::after(state), page, &known.key, &known.ladder, up));
    facts
}

/// When the next page climbs.
pub(in crate::domain) fn deadlines(state: &State) -> impl Iterator<Item = Stamp> {
    state.pages.values().filter_map(Page::climbs_at)
}

/// Pages that climb now, each as far as its time has come.
pub(in crate::domain) fn due(state: &State, now: &Stamp) -> Vec<Fact> {
    let mut names = Names::after(state);
    let mut facts = Vec::new();
    for page in state.pages.values().filter(|page| page.is_open()) {
        for (at, next) in page.ladder.iter().enumerate().skip(page.rung.saturating_add(1)) {
            if !page.asked.plus(next.after).reached(now) {
                break;
            }
            let why = format!("not acknowledged within {}", next.after);
            facts.push(Fact::Page(PageFact::Climbed { page: page.id, rung: at, why }));
            facts.extend(rung(&mut names, page.id, &page.key, &page.ladder, at));
        }
    }
    facts
}
