//! Readiness checks: what they say together, what the gate makes of them, what the journal keeps.

use crate::domain::{
    Command, Fact,
    actor::Actor,
    freeze::{FreezeCommand, Scope},
    gate::{Action, Answer, Because, GateCommand, GateFact, Request, answer},
    id::{FreezeId, IncidentId},
    policy::{Policy, Service},
    readiness::{self, ReadinessCheck, ReadinessCommand, ReadinessFact},
    refusal::Code,
    room::RoomFact,
    testing::{Ledger, ana},
    time::Span,
    verdict::Verdict::{self, No, Unknown, Yes},
};
use proptest::{collection::vec, prelude::*, sample::select};

fn check(name: &str) -> ReadinessCheck {
    ReadinessCheck {
        name: name.into(),
        lang: "promql".into(),
        code: format!("{name} < 1"),
        source: None,
        every: Span::secs(30),
        fresh: None,
        about: None,
        envs: [].into(),
    }
}

fn policy(checks: &[ReadinessCheck]) -> Command {
    let service = Service { readiness: checks.to_vec(), ..Service::default() };
    Command::Policy(Box::new(Policy { services: [("checkout".into(), service)].into(), ..Policy::default() }))
}

/// A room with these checks of checkout, and INC-1.
fn asked(checks: &[ReadinessCheck]) -> Ledger {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&Actor::room(), policy(checks));
    ledger
}

fn says(ledger: &mut Ledger, name: &str, verdict: Verdict, seen: &str) -> usize {
    let at = ledger.now.clone();
    let command = ReadinessCommand::Answered {
        service: "checkout".into(),
        check: name.into(),
        verdict,
        seen: seen.into(),
        at,
    };
    ledger.ok(&Actor::room(), Command::Readiness(command)).len()
}

fn request(action: Action, env: &str) -> Request {
    Request {
        service: "checkout".into(),
        env: env.into(),
        artifact: "checkout@2.4.2".into(),
        action,
        dry_run: false,
        alias: None,
    }
}

fn gate(ledger: &Ledger, action: Action, env: &str) -> Answer {
    answer(&ledger.state, &request(action, env), &ledger.now)
}

type Answers = [(&'static str, Verdict)];

#[test]
fn the_gate_asks_the_worst_of_the_checks() {
    use Because::{NotReady, Open, Undecided};
    let prod = ReadinessCheck { envs: ["prod".into()].into(), ..check("backup") };
    let table: &[(&str, &Answers, Because)] = &[
        ("nothing was answered yet", &[], Undecided),
        ("one is still owed", &[("errors", Yes)], Undecided),
        ("all say yes", &[("errors", Yes), ("backup", Yes)], Open),
        ("one says no", &[("errors", No), ("backup", Yes)], NotReady),
        ("a no is certain, whatever is not known", &[("errors", No), ("backup", Unknown)], NotReady),
        ("the other way round", &[("errors", Unknown), ("backup", No)], NotReady),
        ("unknown is never yes", &[("errors", Unknown), ("backup", Yes)], Undecided),
        ("the last answer counts", &[("errors", No), ("backup", Yes), ("errors", Yes)], Open),
    ];
    for (what, answers, because) in table {
        let mut ledger = asked(&[check("errors"), prod.clone()]);
        for (name, verdict) in *answers {
            says(&mut ledger, name, *verdict, "0.072");
        }
        for action in [Action::Deploy, Action::Promote] {
            let answer = gate(&ledger, action, "prod");
            assert_eq!(answer.because, *because, "{what}: {}", answer.reason);
            assert_eq!(answer.allowed, *because == Open, "{what}");
            assert_eq!(answer.hold, *because != Open, "{what}: it may become ready, so it is asked again");
            assert!(!answer.abort && answer.valid_until.is_none(), "{what}");
            assert_eq!(answer.checks.len(), 2, "{what}");
        }
        let back = gate(&ledger, Action::Rollback, "prod");
        assert_eq!((back.because, back.checks.len()), (Open, 0), "{what}: a rollback is never held");
        let test = gate(&ledger, Action::Deploy, "test");
        assert_eq!(test.checks.len(), 1, "{what}: a check of prod says nothing of test");
    }
}

#[test]
fn a_refusal_names_the_check_and_what_was_seen_and_since_when() {
    let about = Some("errors stay below 1 %".into());
    let mut ledger = asked(&[check("backup"), ReadinessCheck { about, ..check("errors") }]);
    says(&mut ledger, "errors", No, "0.072");
    ledger.pass(Span::mins(5));
    says(&mut ledger, "errors", No, "0.09");
    let answer = gate(&ledger, Action::Deploy, "prod");
    assert_eq!(
        answer.reason,
        "not ready: checkout: errors says no: 0.072 since 2023-11-14 22:13Z (errors stay below 1 %); \
         backup is unknown: not answered yet"
    );
    let refused = GateCommand::Refused { request: request(Action::Deploy, "prod"), answer, times: 1 };
    let events = ledger.ok(&Actor::room(), Command::Gate(refused));
    let Fact::Gate(GateFact::Refused { checks, because: Because::NotReady, .. }) = &events[0].fact else {
        panic!("{events:?}")
    };
    assert_eq!(checks, &["errors", "backup"]);
    assert_eq!(
        crate::domain::tell::line(&events[0]),
        "gate refused deploy of checkout@2.4.2 to prod: not ready: errors, backup"
    );
}

#[test]
fn an_exemption_for_an_incident_passes_the_checks_too_and_no_other() {
    for (incident, because) in [(Some(IncidentId(1)), Because::Exempted), (None, Because::NotReady)] {
        let mut ledger = asked(&[check("errors")]);
        says(&mut ledger, "errors", No, "0.072");
        let scope = Scope::deploys(vec!["checkout".into()], Vec::new());
        let begin = FreezeCommand::Begin { all: None, incident, scope, reason: "errors".into(), lease: None };
        ledger.ok(&ana(), Command::Freeze(begin));
        assert_eq!(gate(&ledger, Action::Deploy, "prod").because, Because::Frozen);
        let exempt = FreezeCommand::Exempt {
            freeze: FreezeId(1),
            artifact: "checkout@2.4.2".into(),
            reason: "the fix".into(),
            glass: false,
        };
        ledger.ok(&ana(), Command::Freeze(exempt));
        let answer = gate(&ledger, Action::Deploy, "prod");
        assert_eq!(answer.because, because, "{}", answer.reason);
        assert!(answer.reason.contains("errors says no: 0.072"), "{}", answer.reason);
    }
}

#[test]
fn the_journal_has_changes_and_no_polls() {
    let mut ledger = asked(&[check("errors")]);
    let told: Vec<usize> =
        [(Yes, "0"), (Yes, "0.1"), (No, "7"), (No, "8"), (Unknown, "x"), (Unknown, "y"), (Yes, "0")]
            .into_iter()
            .map(|(verdict, seen)| says(&mut ledger, "errors", verdict, seen))
            .collect();
    assert_eq!(told, [1, 0, 1, 0, 1, 0, 1]);
    assert_eq!(says(&mut ledger, "no-such-check", No, "1"), 0, "what is not configured any more is not kept");
    let last = ledger.now.clone();
    ledger.pass(Span::mins(3));
    let at = ledger.now.clone();
    let silent =
        ReadinessCommand::Silent { service: "checkout".into(), check: "errors".into(), last, at: at.clone() };
    let events = ledger.ok(&Actor::room(), Command::Readiness(silent.clone()));
    let fact = ReadinessFact::Turned {
        service: "checkout".into(),
        check: "errors".into(),
        from: Some(Yes),
        verdict: Unknown,
        seen: "no answer for 3m00s".into(),
        since: at,
    };
    assert_eq!(events[0].fact, Fact::Readiness(fact));
    assert_eq!(events[0].stream, Some(IncidentId(1)));
    assert!(ledger.ok(&Actor::room(), Command::Readiness(silent.clone())).is_empty());
    assert_eq!(ledger.no(&ana(), Command::Readiness(silent)).code, Code::Forbidden);
}

#[test]
fn what_another_room_or_another_question_was_answered_is_not_known() {
    let mut ledger = asked(&[check("errors"), check("backup")]);
    says(&mut ledger, "errors", Yes, "0");
    says(&mut ledger, "backup", Yes, "1");
    let slower = ReadinessCheck { every: Span::mins(1), about: Some("x".into()), ..check("errors") };
    let other = ReadinessCheck { code: "backup < 9".into(), ..check("backup") };
    ledger.ok(&Actor::room(), policy(&[slower, other]));
    let verdicts = |ledger: &Ledger| {
        readiness::lines(&ledger.state, "checkout", None, &ledger.now)
            .iter()
            .map(|line| line.verdict)
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&ledger), [Yes, Unknown]);
    let opened = RoomFact::Opened { version: "1".into(), host: "h".into(), private: true, shares: false };
    ledger.ok(&Actor::room(), Command::Room(opened));
    assert_eq!(verdicts(&ledger), [Unknown, Unknown]);
    assert_eq!(gate(&ledger, Action::Deploy, "prod").because, Because::Undecided);
}

#[test]
fn hostile_answers_stay_one_safe_line() {
    let mut ledger = asked(&[check("errors")]);
    says(&mut ledger, "errors", No, &format!("\u{1b}[2J\n{}", "x".repeat(5_000)));
    let answer = gate(&ledger, Action::Deploy, "prod");
    assert!(answer.reason.contains("\u{241b}[2J") && !answer.reason.contains(['\u{1b}', '\n']));
    assert!(answer.reason.chars().count() <= 1_000);
}

fn verdict() -> impl Strategy<Value = Verdict> {
    select(vec![Yes, No, Unknown])
}

proptest! {
    #[test]
    fn together_is_the_worst_in_any_order(all in vec(verdict(), 0..6)) {
        let fold = |all: &mut dyn Iterator<Item = &Verdict>| all.fold(Yes, |a, b| a.and(*b));
        let together = fold(&mut all.iter());
        prop_assert_eq!(together, fold(&mut all.iter().rev()));
        let worst = if all.contains(&No) { No } else if all.contains(&Unknown) { Unknown } else { Yes };
        prop_assert_eq!(together, worst);
    }

    /// Whatever is answered in whatever order: open only where the last answer to every check is yes; the journal has
    /// each change once; folding it again gives the same.
    #[test]
    fn only_all_yes_opens(steps in vec((select(vec!["a", "b", "c"]), verdict(), 0_u8..12), 0..40)) {
        let checks = [check("a"), check("b")];
        let mut ledger = asked(&checks);
        let mut last = std::collections::BTreeMap::new();
        for (name, verdict, what) in steps {
            if what == 0 {
                let opened = RoomFact::Opened { version: "1".into(), host: "h".into(), private: true, shares: false };
                ledger.ok(&Actor::room(), Command::Room(opened));
                last.clear();
                continue;
            }
            let told = says(&mut ledger, name, verdict, "x");
            prop_assert_eq!(told, usize::from(name != "c" && last.get(name) != Some(&verdict)));
            if name != "c" {
                last.insert(name, verdict);
            }
            let said = |verdict: Verdict| last.values().filter(|one| **one == verdict).count();
            let because = if said(No) > 0 { Because::NotReady } else if said(Yes) == 2 { Because::Open } else { Because::Undecided };
            prop_assert_eq!(gate(&ledger, Action::Deploy, "prod").because, because);
            prop_assert_eq!(gate(&ledger, Action::Rollback, "prod").because, Because::Open);
        }
        prop_assert_eq!(ledger.replay(), ledger.state);
    }
}
