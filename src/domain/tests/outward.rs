//! Pages, what goes out, and updates: whatever is asked, reported and forgotten in any order.

use super::random::deadlines;
use crate::domain::{
    Command, Event, Fact, State,
    actor::Actor,
    board::BoardCommand,
    dispatch::{DispatchCommand, DispatchFact, Matter, message},
    id::{DispatchId, IncidentId, PageId},
    incident::{IncidentCommand, Status, difference},
    page::{PageCommand, PageFact, PageWhen, Rung, TargetKind},
    policy::{Policy, Service, SeverityRow},
    refusal::Code,
    severity::Severity,
    testing::{Ledger, ana, bo, declare},
    time::Span,
};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::{BTreeMap, BTreeSet};

fn policy(page: Option<PageWhen>) -> Policy {
    let rung = |after, to: &[&str]| Rung {
        after: Span::mins(after),
        to: to.iter().map(|target| (*target).to_owned()).collect(),
        oncall: vec!["cleo".into()],
    };
    let mut policy = Policy::default();
    policy.outward.targets = [
        ("pd".to_owned(), TargetKind::Pagerduty),
        ("sms".to_owned(), TargetKind::Command),
        ("chat".to_owned(), TargetKind::Slack),
    ]
    .into();
    policy.outward.pages = [
        ("payments".to_owned(), vec![rung(0, &["pd"]), rung(5, &["sms", "chat"]), rung(15, &["pd"])]),
        ("default".to_owned(), vec![rung(0, &["sms"])]),
    ]
    .into();
    policy.outward.updates = vec!["chat".into()];
    policy
        .services
        .insert("checkout".into(), Service { page: Some("payments".into()), ..Service::default() });
    for severity in [1, 2] {
        let row = SeverityRow {
            meaning: "bad".into(),
            runbook: None,
            roles: BTreeSet::new(),
            update_every: None,
            freeze: None,
            page: if severity == 1 { Some(PageWhen::Always) } else { page },
            poll_every: None,
            external_every: None,
        };
        policy.severities.insert(Severity::new(severity).unwrap(), row);
    }
    policy
}

fn ledger(page: Option<PageWhen>) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy(page))));
    ledger.ok(&ana(), declare());
    ledger
}

fn ask(who: &str) -> Command {
    Command::Page(PageCommand::Ask { incident: Some(IncidentId(1)), who: who.into(), why: "come".into() })
}

fn ack(page: u32) -> Command {
    Command::Page(PageCommand::Acknowledge { page: PageId(page), note: None })
}

fn sent(dispatch: u32) -> Command {
    let dispatch = DispatchId(dispatch);
    Command::Dispatch(DispatchCommand::Sent { dispatch, said: "202".into(), oncall: Vec::new() })
}

fn failed(dispatch: u32, attempt: u32, again: Option<Span>) -> Command {
    let dispatch = DispatchId(dispatch);
    Command::Dispatch(DispatchCommand::Failed { dispatch, attempt, why: "refused".into(), again })
}

fn owed(state: &State) -> Vec<(u32, &str, bool)> {
    state.dispatches.values().map(|one| (one.id.0, one.target.as_str(), one.void.is_some())).collect()
}

#[test]
fn a_page_climbs_by_time_until_somebody_acknowledges_it() {
    let mut ledger = ledger(None);
    ledger.ok(&ana(), ask("payments"));
    assert_eq!(owed(&ledger.state), [(1, "pd", false)]);
    ledger.ok(&Actor::room(), sent(1));
    ledger.pass(Span::mins(4));
    assert!(owed(&ledger.state).is_empty());
    ledger.pass(Span::mins(2));
    assert_eq!(owed(&ledger.state), [(2, "sms", false), (3, "chat", false)]);
    ledger.ok(&bo(), ack(1));
    // What was not sent is void, and who follows pages hears that somebody comes.
    assert_eq!(owed(&ledger.state), [(2, "sms", true), (3, "chat", true), (4, "pd", false)]);
    let told = message(&ledger.state, &ledger.state.dispatches[&DispatchId(4)]);
    assert_eq!(
        (told.event, told.title.as_str()),
        ("page_acknowledged", "PAGE-1 payments is acknowledged by bo")
    );
    assert_eq!(told.thread, ledger.state.pages[&PageId(1)].key);
    ledger.pass(Span::hours(2));
    assert_eq!(ledger.state.pages[&PageId(1)].rung, 1, "it climbs no further");
    assert_eq!(ledger.no(&ana(), ack(1)).code, Code::Conflict);
}

#[test]
fn a_rung_that_reaches_nobody_climbs_at_once() {
    let mut ledger = ledger(None);
    ledger.ok(&ana(), ask("payments"));
    ledger.ok(&Actor::room(), failed(1, 1, Some(Span::secs(2))));
    assert_eq!(ledger.state.pages[&PageId(1)].rung, 0, "it is tried again");
    ledger.ok(&Actor::room(), failed(1, 2, None));
    assert_eq!(ledger.state.pages[&PageId(1)].rung, 1);
    assert_eq!(owed(&ledger.state), [(2, "sms", false), (3, "chat", false)]);
    ledger.ok(&Actor::room(), failed(2, 1, None));
    assert_eq!(ledger.state.pages[&PageId(1)].rung, 1, "the chat may still take it");
    assert_eq!(ledger.state.undelivered["sms"], "refused");
}

#[test]
fn a_report_in_doubt_is_made_twice_and_counts_once() {
    let mut ledger = ledger(None);
    ledger.ok(&ana(), ask("payments"));
    assert_eq!(ledger.ok(&Actor::room(), failed(1, 1, Some(Span::secs(2)))).len(), 1);
    assert!(ledger.ok(&Actor::room(), failed(1, 1, Some(Span::secs(2)))).is_empty());
    assert_eq!(ledger.ok(&Actor::room(), sent(1)).len(), 1);
    assert!(ledger.ok(&Actor::room(), sent(1)).is_empty());
    assert_eq!(ledger.no(&ana(), sent(1)).code, Code::Forbidden);
}

#[test]
fn nobody_is_paged_twice_for_the_same_and_nobody_who_is_not_there() {
    let mut ledger = ledger(None);
    ledger.ok(&ana(), ask("payments"));
    assert_eq!(ledger.no(&bo(), ask("payments")).code, Code::Conflict);
    let refusal = ledger.no(&bo(), ask("paiments")).to_string();
    assert_eq!(refusal, "there is no [page.paiments]: who can be paged: default, payments");
    let mut bare = Ledger::with_incident();
    assert!(bare.no(&ana(), ask("payments")).to_string().contains("add [page.NAME]"));
}

#[test]
fn the_matrix_pages_only_where_it_says_so() {
    let mut ledger = ledger(Some(PageWhen::Propose));
    assert!(ledger.state.pages.is_empty(), "what is proposed is not done");
    let incident = &ledger.state.incidents[&IncidentId(1)];
    let up = difference(&ledger.state, incident, Severity::WORST);
    assert_eq!((up.pages, up.page_proposed), (vec!["payments".to_owned()], Vec::new()));
    let (to, reason) = (Severity::WORST, "all of them".into());
    ledger.ok(&ana(), IncidentCommand::Severity { incident: IncidentId(1), to, reason });
    assert_eq!(ledger.state.pages[&PageId(1)].why, "now SEV1: all of them");
    let IncidentCommand::Declare { title, services, env, freeze, .. } = declare() else { panic!() };
    ledger.ok(
        &ana(),
        IncidentCommand::Declare { all: None, title, severity: Severity::WORST, services, env, freeze },
    );
    assert_eq!(ledger.state.pages[&PageId(2)].incident, Some(IncidentId(2)));
    assert_eq!(ledger.state.dispatches.len(), 2);
}

#[test]
fn an_incident_that_is_over_waits_for_nobody() {
    let mut ledger = ledger(None);
    ledger.ok(&ana(), ask("payments"));
    ledger.ok(&Actor::room(), sent(1));
    ledger.ok(&ana(), IncidentCommand::Status { incident: IncidentId(1), to: Status::Resolved });
    assert_eq!(ledger.state.pages[&PageId(1)].withdrawn.as_deref(), Some("INC-1 is over"));
    assert_eq!(owed(&ledger.state), [(2, "pd", false)]);
    assert_eq!(message(&ledger.state, &ledger.state.dispatches[&DispatchId(2)]).event, "page_over");
    ledger.pass(Span::hours(5));
    assert_eq!(ledger.state.pages[&PageId(1)].rung, 0);
}

#[test]
fn an_update_goes_to_its_targets_and_a_newer_one_replaces_it() {
    let mut ledger = ledger(None);
    let update = |text: &str, to: Option<Vec<String>>| {
        Command::Board(BoardCommand::Updated {
            incident: IncidentId(1),
            text: text.into(),
            to,
            audience: <_>::default(),
        })
    };
    ledger.ok(&ana(), update("we look", None));
    assert_eq!(owed(&ledger.state), [(1, "chat", false)]);
    ledger.ok(&ana(), update("we found it\u{1b}[2J", None));
    assert_eq!(owed(&ledger.state), [(1, "chat", true), (2, "chat", false)]);
    let said = message(&ledger.state, &ledger.state.dispatches[&DispatchId(2)]);
    assert_eq!((said.event, said.text.as_str()), ("update", "we found it␛[2J"));
    assert_eq!(said.title, "SEV2 INC-1 checkout fails");
    assert_eq!(ledger.no(&ana(), update("x", Some(vec!["nowhere".into()]))).code, Code::Unknown);
    assert_eq!(ledger.ok(&ana(), update("only written down", Some(Vec::new()))).len(), 1);
}

#[derive(Debug, Clone)]
enum Act {
    Ask(Actor, Box<Command>),
    Pass(Span),
}

fn acts() -> impl Strategy<Value = Act> {
    let actor = || select(vec![ana(), bo()]);
    let page = || 1_u32..5;
    let out = || 1_u32..14;
    let incident = || select(vec![None, Some(IncidentId(1)), Some(IncidentId(2))]);
    let asks = |who, command| Act::Ask(who, Box::new(command));
    let room = move |command| asks(Actor::room(), command);
    prop_oneof![
        3 => (actor(), incident(), select(vec!["payments", "default", "nobody"])).prop_map(move |(who, incident, to)| {
            asks(who, Command::Page(PageCommand::Ask { incident, who: to.into(), why: "come".into() }))
        }),
        2 => (actor(), page()).prop_map(move |(who, page)| asks(who, ack(page))),
        1 => (actor(), page()).prop_map(move |(who, page)| {
            asks(who, Command::Page(PageCommand::Withdraw { page: PageId(page), reason: "no".into() }))
        }),
        4 => out().prop_map(move |id| room(sent(id))),
        4 => (out(), 1_u32..4, any::<bool>())
            .prop_map(move |(id, n, more)| room(failed(id, n, more.then_some(Span::secs(4))))),
        2 => out().prop_map(move |id| room(Command::Dispatch(DispatchCommand::Dropped { dispatch: DispatchId(id) }))),
        2 => (actor(), 1_u32..3).prop_map(move |(who, id)| {
            let (incident, text) = (IncidentId(id), "news".into());
            asks(who, Command::Board(BoardCommand::Updated { incident, text, to: None, audience: <_>::default() }))
        }),
        1 => (actor(), select(vec![Status::Mitigating, Status::Resolved])).prop_map(move |(who, to)| {
            asks(who, Command::Incident(IncidentCommand::Status { incident: IncidentId(1), to }))
        }),
        1 => actor().prop_map(move |who| asks(who, Command::Incident(declare()))),
        3 => (0_u64..1_200).prop_map(|s| Act::Pass(Span::secs(s))),
    ]
}

/// Each dispatch is owed once, comes to one end at most, and is in the state exactly while it has none.
fn ends(events: &[Event], state: &State) -> Result<(), TestCaseError> {
    let mut open: BTreeMap<DispatchId, String> = BTreeMap::new();
    let (mut ever, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for event in events {
        match &event.fact {
            Fact::Dispatch(DispatchFact::Owed { dispatch, key, .. }) => {
                prop_assert!(ever.insert(*dispatch) && keys.insert(key.clone()), "{dispatch} twice");
                open.insert(*dispatch, key.clone());
            }
            Fact::Dispatch(
                DispatchFact::Sent { dispatch, .. }
                | DispatchFact::Dropped { dispatch, .. }
                | DispatchFact::Failed { dispatch, again: None, .. },
            ) => {
                prop_assert!(open.remove(dispatch).is_some(), "{dispatch} ended twice");
            }
            Fact::Dispatch(DispatchFact::Failed { dispatch, .. }) => {
                prop_assert!(open.contains_key(dispatch));
            }
            _ => {}
        }
    }
    prop_assert_eq!(open.keys().collect::<Vec<_>>(), state.dispatches.keys().collect::<Vec<_>>());
    for one in state.dispatches.values() {
        prop_assert_eq!(&one.key, &open[&one.id]);
    }
    Ok(())
}

fn pages(events: &[Event], state: &State) -> Result<(), TestCaseError> {
    let mut over = BTreeSet::new();
    for event in events {
        match &event.fact {
            Fact::Page(PageFact::Acknowledged { page, .. } | PageFact::Withdrawn { page, .. }) => {
                prop_assert!(over.insert(*page), "{page} is over twice");
            }
            Fact::Page(PageFact::Climbed { page, .. }) => prop_assert!(!over.contains(page), "{page} climbs"),
            Fact::Dispatch(DispatchFact::Owed { matter: Matter::Page { page, .. }, .. }) => {
                prop_assert!(!over.contains(page), "{page} goes out after its end");
            }
            _ => {}
        }
    }
    for page in state.pages.values() {
        prop_assert!(page.rung < page.ladder.len());
        let open = page.incident.is_none_or(|id| state.incidents[&id].is_open());
        prop_assert!(open || !page.is_open(), "{} waits although its incident is over", page.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_out(acts in vec(acts(), 1..80)) {
        let mut ledger = ledger(Some(PageWhen::Always));
        for act in acts {
            match act {
                Act::Pass(span) => ledger.pass(span),
                Act::Ask(who, command) => {
                    let before = ledger.state.clone();
                    if ledger.ask(&who, *command).is_err() {
                        prop_assert_eq!(&ledger.state, &before);
                    }
                }
            }
            ends(&ledger.events, &ledger.state)?;
            pages(&ledger.events, &ledger.state)?;
            deadlines(&ledger)?;
        }
        prop_assert_eq!(ledger.replay(), ledger.state);
    }
}
