//! Names that look like others, that nobody knows, or that mean all: what commands and the gate make of them.

use crate::domain::{
    Command, Refusal,
    actor::Actor,
    freeze::{AllServices, FreezeCommand, Scope},
    gate::{Action, Answer, Because, Request, answer},
    handover::HandoverCommand,
    id::IncidentId,
    incident::{IncidentCommand, IncidentFact},
    name::{self, Looks, Noun},
    policy::{Members, Policy, Power, Service},
    refusal::Code,
    release::{Judgement, ReleaseCommand},
    severity::Severity,
    task::TaskCommand,
    testing::{Ledger, ana},
    time::Stamp,
};
use proptest::prelude::*;

/// Names that people take for `checkout`, and the code point that is wrong in each with its place.
const LOOK_ALIKES: [(&str, &str, usize); 32] = [
    ("\u{441}heckout", "U+0441", 1),           // Cyrillic es
    ("che\u{441}kout", "U+0441", 4),           // the same within
    ("ch\u{435}ckout", "U+0435", 3),           // Cyrillic ie
    ("check\u{43e}ut", "U+043E", 6),           // Cyrillic o
    ("check\u{3bf}ut", "U+03BF", 6),           // Greek omicron
    ("checko\u{57d}t", "U+057D", 7),           // Armenian seh
    ("\u{188}heckout", "U+0188", 1),           // c with hook
    ("checkou\u{165}", "U+0165", 8),           // t with caron
    ("checkout\u{301}", "U+0301", 9),          // a combining acute
    ("che\u{327}ckout", "U+0327", 4),          // a combining cedilla
    ("checkout\u{20e3}", "U+20E3", 9),         // a combining key cap
    ("check\u{2800}out", "U+2800", 6),         // a blank braille pattern
    ("check\u{1d173}out", "U+1D173", 6),       // a musical begin beam
    ("check\u{1bca0}out", "U+1BCA0", 6),       // a shorthand format letter overlap
    ("check\u{70f}out", "U+070F", 6),          // a Syriac abbreviation mark
    ("check\u{13430}out", "U+13430", 6),       // a hieroglyph joiner
    ("check\u{200b}out", "U+200B", 6),         // a zero-width space
    ("check\u{200d}out", "U+200D", 6),         // a zero-width joiner
    ("check\u{2060}out", "U+2060", 6),         // a word joiner
    ("\u{feff}checkout", "U+FEFF", 1),         // a byte order mark
    ("check\u{ad}out", "U+00AD", 6),           // a soft hyphen
    ("check\u{34f}out", "U+034F", 6),          // a grapheme joiner
    ("check\u{180e}out", "U+180E", 6),         // a Mongolian vowel separator
    ("check\u{3164}out", "U+3164", 6),         // a Hangul filler
    ("check\u{202e}out", "U+202E", 6),         // right to left from here
    ("\u{2066}checkout\u{2069}", "U+2066", 1), // an isolate
    ("check\u{fe0f}out", "U+FE0F", 6),         // a variation selector
    ("check\u{e0061}out", "U+E0061", 6),       // a tag letter
    ("check\u{a0}out", "U+00A0", 6),           // a blank that does not break
    ("check out", "U+0020", 6),
    ("check\u{1b}out", "U+001B", 6),
    ("check\u{fffd}out", "U+FFFD", 6),
];

/// Names that are `checkout` when they are read: compatibility forms of its own letters.
const SAME: [&str; 5] = ["checkout", " checkout\t", "ｃｈｅｃｋｏｕｔ", "𝐜𝐡𝐞𝐜𝐤𝐨𝐮𝐭", "ⓒheckout"];

const LISTED: [&str; 4] = ["checkout", "payments", "search", "übersicht"];

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A room with this catalogue and these environments, INC-1 open on checkout.
fn ledger(services: &[&str], environments: &[&str]) -> Ledger {
    let services = services.iter().map(|&name| (name.to_owned(), Service::default())).collect();
    let environments = environments.iter().map(|&name| name.to_owned()).collect();
    let policy = Policy { services, environments, ..Policy::default() };
    let mut ledger = Ledger::new();
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
    ledger.ok(&ana(), crate::domain::testing::declare());
    ledger
}

fn saw(ledger: &mut Ledger, service: &str, env: &str) {
    let (service, env) = (service.into(), env.into());
    let (current, since) = ("2.4.1".into(), Stamp::wall_only(ledger.now.wall));
    let saw = ReleaseCommand::Saw { service, env, current, previous: None, since, by: None };
    ledger.ok(&Actor::room(), Command::Release(saw));
}

fn begin(services: &[&str], envs: &[&str]) -> Command {
    let scope = Scope::deploys(words(services), words(envs));
    let (reason, lease) = ("errors".into(), None);
    Command::Freeze(FreezeCommand::Begin { incident: None, scope, reason, lease, all: None })
}

fn declare(services: &[&str], env: Option<&str>) -> Command {
    Command::Incident(IncidentCommand::Declare {
        title: "it fails".into(),
        severity: Severity::WORST,
        services: words(services),
        env: env.map(str::to_owned),
        freeze: true,
        all: None,
    })
}

fn retitle(services: &[&str]) -> Command {
    let (incident, title, services) = (IncidentId(1), "it fails".into(), words(services));
    Command::Incident(IncidentCommand::Retitle { incident, title, services })
}

fn judge(service: &str, artifact: &str) -> Command {
    let (service, artifact, why) = (service.into(), artifact.into(), "it fails".into());
    Command::Release(ReleaseCommand::Judge { service, artifact, judgement: Judgement::Bad, why })
}

fn request(service: &str, env: &str, action: Action) -> Request {
    let (service, env, artifact) = (service.into(), env.into(), "checkout@2.4.2".into());
    Request { service, env, artifact, action, dry_run: false, alias: None }
}

/// What every door of the gate says: the refusal of what is no name, else the answer.
fn gate(ledger: &Ledger, request: Request) -> Result<Answer, Refusal> {
    let request = request.checked(&ledger.state)?;
    Ok(answer(&ledger.state, &request, &ledger.now))
}

fn of_deploy(ledger: &Ledger, service: &str, env: &str) -> Answer {
    gate(ledger, request(service, env, Action::Deploy)).unwrap()
}

/// Commands that name this service, each of another verb.
fn commands(service: &str) -> Vec<(&'static str, Command)> {
    vec![
        ("freeze", begin(&[service], &[])),
        ("freeze, beside a good one", begin(&["payments", service], &["prod"])),
        ("declare", declare(&[service], None)),
        ("retitle", retitle(&[service])),
        ("judge", judge(service, "2.4.2")),
    ]
}

#[test]
fn what_looks_like_a_name_is_refused_with_its_code_point_by_every_verb_and_by_the_gate() {
    for catalogue in [&LISTED[..], &[]] {
        for (given, point, at) in LOOK_ALIKES {
            let mut ledger = ledger(catalogue, &[]);
            for (verb, command) in commands(given) {
                let refusal = ledger.no(&ana(), command);
                assert_eq!(refusal.code, Code::Invalid, "{verb} {given:?}");
                let place = format!("{point} at character {at}");
                assert!(refusal.message.contains(&place), "{verb} {given:?}: {refusal}");
                let plain = refusal.to_string();
                assert!(plain.is_ascii() && !plain.contains('\u{1b}'), "{verb}: {plain}");
                if !catalogue.is_empty() && !given.contains(['\u{1b}', '\u{fffd}']) {
                    assert!(refusal.hint.unwrap().starts_with("did you mean checkout?"), "{verb} {given:?}");
                }
            }
            ledger.ok(&ana(), begin(&["checkout"], &["prod"]));
            for action in [Action::Deploy, Action::Promote, Action::Rollback] {
                let refusal = gate(&ledger, request(given, "prod", action)).unwrap_err();
                assert!(refusal.message.contains(point), "{action} {given:?}: {refusal}");
                let refusal = gate(&ledger, request("checkout", given, action)).unwrap_err();
                assert!(refusal.message.contains(point), "{action} in {given:?}: {refusal}");
                // Whoever goes past the door is not let through.
                assert!(
                    !answer(&ledger.state, &request(given, "prod", action), &ledger.now).allowed
                        || action == Action::Rollback
                );
            }
        }
    }
}

#[test]
fn compatibility_forms_are_the_name_that_they_are_forms_of() {
    for given in SAME {
        let mut ledger = ledger(&LISTED, &[]);
        ledger.ok(&ana(), begin(&[given], &["prod"]));
        assert_eq!(ledger.state.freezes.values().next().unwrap().scope.services, ["checkout"], "{given}");
        for asks in SAME {
            let answer = of_deploy(&ledger, asks, "ｐｒｏｄ");
            assert_eq!(answer.because, Because::Frozen, "{given} {asks}: {}", answer.reason);
        }
    }
    let mut ledger = ledger(&LISTED, &[]);
    ledger.ok(&ana(), begin(&["u\u{308}bersicht"], &[]));
    assert_eq!(of_deploy(&ledger, "\u{fc}bersicht", "prod").because, Because::Frozen, "composed or not");
}

#[test]
fn an_unknown_service_is_refused_with_the_nearest_and_leaves_the_gate_undecided() {
    for (given, near) in [
        ("Checkout", Some("checkout")),
        ("CHECKOUT", Some("checkout")),
        ("chekout", Some("checkout")),
        ("Chekout", Some("checkout")),
        ("checkouts", Some("checkout")),
        ("check0ut", Some("checkout")),
        ("payrnents", Some("payments")),
        ("seach", Some("search")),
        ("shop", None),
        ("prod", None),
    ] {
        let mut ledger = ledger(&LISTED, &[]);
        for (verb, command) in commands(given) {
            let refusal = ledger.no(&ana(), command);
            assert_eq!(refusal.code, Code::Unknown, "{verb} {given}: {refusal}");
            assert!(refusal.message.contains(&format!("no service {given}")), "{verb}: {refusal}");
            match near {
                Some(near) => assert_eq!(refusal.hint.unwrap(), format!("did you mean {near}?"), "{verb}"),
                None => assert!(refusal.hint.unwrap().contains("checkout, payments"), "{verb} {given}"),
            }
        }
        assert!(ledger.state.freezes.is_empty(), "nothing was half done");
        for action in [Action::Deploy, Action::Promote] {
            let answer = gate(&ledger, request(given, "prod", action)).unwrap();
            assert_eq!((answer.because, answer.allowed, answer.hold), (Because::Undecided, false, true));
            assert!(answer.reason.contains(near.unwrap_or("known: checkout")), "{}", answer.reason);
            assert!(!answer.abort);
        }
        let answer = gate(&ledger, request(given, "prod", Action::Rollback)).unwrap();
        assert_eq!((answer.because, answer.allowed), (Because::Open, true));
        assert!(answer.reason.contains("warning") && answer.reason.contains(given), "{}", answer.reason);
    }
}

#[test]
fn an_environment_that_looks_like_a_known_one_is_unknown() {
    let mut open = ledger(&LISTED, &[]);
    saw(&mut open, "search", "staging");
    let mut listed = ledger(&LISTED, &["prod", "staging"]);
    for given in ["Prod", "PROD", "pr0d", "Staging", "STAGING"] {
        for ledger in [&mut open, &mut listed] {
            let refusal = ledger.no(&ana(), begin(&["checkout"], &[given]));
            assert_eq!(refusal.code, Code::Unknown, "{given}: {refusal}");
            assert!(refusal.hint.unwrap().starts_with("did you mean"), "{given}");
            assert_eq!(ledger.no(&ana(), declare(&["checkout"], Some(given))).code, Code::Unknown, "{given}");
            assert_eq!(of_deploy(ledger, "checkout", given).because, Because::Undecided, "{given}");
            let rollback = gate(ledger, request("checkout", given, Action::Rollback)).unwrap();
            assert!(rollback.allowed && rollback.reason.contains("warning"), "{}", rollback.reason);
        }
    }
    // Without a list an environment may be new; with one it may not.
    open.ok(&ana(), begin(&["checkout"], &["canary"]));
    assert_eq!(of_deploy(&open, "checkout", "canary").because, Because::Frozen);
    assert_eq!(of_deploy(&open, "checkout", "Canary").because, Because::Undecided, "it looks frozen");
    assert_eq!(of_deploy(&open, "checkout", "dev").because, Because::Open);
    let refusal = listed.no(&ana(), begin(&["checkout"], &["canary"]));
    assert_eq!(refusal.hint.unwrap(), "known: prod, staging");
    assert_eq!(of_deploy(&listed, "checkout", "canary").because, Because::Undecided);
}

#[test]
fn an_environment_with_a_slip_of_the_keyboard_is_unknown_and_one_of_its_own_is_not() {
    let mut ledger = ledger(&LISTED, &[]);
    saw(&mut ledger, "search", "zone-a");
    saw(&mut ledger, "search", "eu");
    for slip in ["pord", "prdo", "prd", "rod", "prodd", "porod", "PORD"] {
        let refusal = ledger.no(&ana(), begin(&["checkout"], &[slip]));
        assert_eq!(refusal.code, Code::Unknown, "{slip}");
        let hint = refusal.hint.unwrap();
        assert!(hint.contains("did you mean prod?") && hint.contains("policy.environments"), "{hint}");
        let answer = of_deploy(&ledger, "checkout", slip);
        assert_eq!(answer.because, Because::Undecided, "{slip}: {}", answer.reason);
        assert!(gate(&ledger, request("checkout", slip, Action::Rollback)).unwrap().allowed);
    }
    for own in ["prod2", "2prod", "prod-b", "zone-b", "us", "ue", "preprod", "grid", "qa"] {
        assert_eq!(of_deploy(&ledger, "checkout", own).because, Because::Open, "{own}");
        ledger.ok(&ana(), begin(&["checkout"], &[own]));
    }
    // What is frozen already is known by that, whatever it is near to.
    saw(&mut ledger, "search", "prodd");
    assert_eq!(of_deploy(&ledger, "checkout", "prodd").because, Because::Open, "a source saw it");
}

#[test]
fn an_exemption_names_an_artifact_that_can_pass() {
    for catalogue in [&LISTED[..], &[]] {
        let mut ledger = ledger(catalogue, &[]);
        ledger.ok(&ana(), begin(&["checkout"], &["prod"]));
        let freeze = *ledger.state.freezes.keys().next().unwrap();
        let exempt = |artifact: &str| {
            let (artifact, reason) = (artifact.to_owned(), "the fix".to_owned());
            Command::Freeze(FreezeCommand::Exempt { freeze, artifact, reason, glass: false })
        };
        let refusal = ledger.no(&ana(), exempt("Checkout@2.4.2"));
        assert_eq!(refusal.hint.unwrap(), "did you mean checkout@2.4.2?");
        assert_eq!(ledger.no(&ana(), exempt("\u{441}heckout@2.4.2")).code, Code::Invalid);
        assert_eq!(of_deploy(&ledger, "checkout", "prod").because, Because::Frozen);
        ledger.ok(&ana(), exempt("payments@1"));
        ledger.ok(&ana(), exempt("registry.example:5000/shop/Checkout@2.4.2"));
        ledger.ok(&ana(), exempt(" checkout@2.4.2 "));
        assert_eq!(of_deploy(&ledger, "checkout", "prod").because, Because::Exempted);
    }
}

#[test]
fn where_no_environment_is_named_the_usual_one_is_meant_or_the_first_that_there_is() {
    for (listed, env) in [(&[][..], "prod"), (&["dev", "prod"], "prod"), (&["live", "test"], "live")] {
        assert_eq!(ledger(&LISTED, listed).state.incidents[&IncidentId(1)].env, env);
    }
}

#[test]
fn without_a_catalogue_only_what_looks_like_a_known_name_is_in_doubt() {
    let mut ledger = Ledger::new();
    saw(&mut ledger, "shop", "prod");
    assert_eq!(of_deploy(&ledger, "anything", "prod").because, Because::Open);
    assert_eq!(of_deploy(&ledger, "Shop", "prod").because, Because::Undecided, "of a release");
    assert_eq!(ledger.no(&ana(), begin(&["Shop"], &[])).code, Code::Unknown);
    ledger.ok(&ana(), begin(&["Checkout"], &["prod"]));
    let answer = of_deploy(&ledger, "checkout", "prod");
    assert_eq!(answer.because, Because::Undecided, "of a freeze");
    assert!(answer.reason.contains("Checkout"), "{}", answer.reason);
    assert_eq!(of_deploy(&ledger, "Checkout", "prod").because, Because::Frozen);
    ledger.ok(&ana(), begin(&["shop"], &["prod"]));
    // Known by itself, and yet somebody froze what looks like it.
    saw(&mut ledger, "checkout", "prod");
    assert_eq!(of_deploy(&ledger, "checkout", "prod").because, Because::Undecided);
    assert_eq!(of_deploy(&ledger, "checkout", "test").because, Because::Open, "that freeze is of prod alone");
}

#[test]
fn all_services_are_frozen_by_a_word_of_their_own_said_twice() {
    let of = |services: &[&str], all| {
        let scope = Scope::deploys(words(services), words(&["prod"]));
        Command::Freeze(FreezeCommand::Begin { incident: None, scope, reason: "x".into(), lease: None, all })
    };
    let declare = |services: &[&str], freeze, all| {
        let (title, severity, services) = ("x".into(), Severity::WORST, words(services));
        Command::Incident(IncidentCommand::Declare { title, severity, services, env: None, freeze, all })
    };
    for catalogue in [&LISTED[..], &[]] {
        let mut ledger = ledger(catalogue, &[]);
        let (asked, confirmed) = (Some(AllServices::Asked), Some(AllServices::Confirmed));
        for word in ["*", "all", "ALL", "All", "＊", "ａｌｌ", " all "] {
            for (verb, command) in commands(word) {
                let refusal = ledger.no(&ana(), command);
                assert_eq!(refusal.code, Code::Invalid, "{verb} {word}");
                let hint = refusal.hint.unwrap();
                assert!(
                    hint.contains("--all-services --yes") && hint.contains("typed twice"),
                    "{verb}: {hint}"
                );
            }
            assert!(gate(&ledger, request(word, "prod", Action::Deploy)).is_err(), "{word}");
            assert_eq!(ledger.no(&ana(), begin(&["checkout"], &[word])).code, Code::Invalid, "{word}");
        }
        for (services, all, code) in [
            (&[][..], None, Code::NeedsMore),
            (&[][..], asked, Code::NeedsMore),
            (&["checkout"], asked, Code::Invalid),
            (&["checkout"], confirmed, Code::Invalid),
        ] {
            let refusal = ledger.no(&ana(), of(services, all));
            assert_eq!(refusal.code, code, "{services:?} {all:?}");
            assert!(refusal.hint.unwrap().contains("--all-services --yes"));
            assert_eq!(ledger.no(&ana(), declare(services, true, all)).code, code, "{services:?} {all:?}");
        }
        assert_eq!(ledger.state.incidents.len(), 1, "a declaration that asks more has not happened");
        ledger.ok(&ana(), declare(&[], false, None));
        ledger.ok(&ana(), of(&[], confirmed));
        ledger.ok(&ana(), declare(&[], true, confirmed));
        assert!(ledger.state.freezes.values().all(|freeze| freeze.scope.services.is_empty()));
        assert_eq!(of_deploy(&ledger, "payments", "prod").because, Because::Frozen);
    }
}

#[test]
fn a_freeze_of_an_older_journal_holds_as_it_did() {
    for (name, asks) in [("das büro", "das büro"), ("sсheckout", "sсheckout"), ("übersicht", "übersicht")]
    {
        let mut ledger = Ledger::new();
        let ctx = ledger.ctx(&ana());
        let began = crate::domain::freeze::FreezeFact::Began {
            freeze: crate::domain::id::FreezeId(1),
            incident: None,
            scope: Scope::deploys(words(&[name]), Vec::new()),
            reason: "x".into(),
            lease: crate::domain::time::Span::hours(1),
        };
        let event = ledger.stamp(crate::domain::Fact::Freeze(began), &ctx, 0);
        ledger.state.apply(&event);
        assert_eq!(of_deploy(&ledger, asks, "prod").because, Because::Frozen, "{name}");
    }
    let old = r#"{"freeze":{"begin":{"incident":null,"scope":{"services":["checkout"],"envs":[],"actions":["deploy"]},"reason":"x"}}}"#;
    let read: Command = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), old.replace("\"x\"}", "\"x\",\"lease\":null}"));
}

#[test]
fn an_incident_with_an_odd_service_can_be_retitled_and_its_freeze_asks_for_the_name() {
    let mut ledger = ledger(&LISTED, &[]);
    let ctx = ledger.ctx(&ana());
    let (incident, title) = (IncidentId(1), "x".to_owned());
    let odd = IncidentFact::Retitled { incident, title, services: words(&["Chekout", "checkout"]) };
    let event = ledger.stamp(crate::domain::Fact::Incident(odd), &ctx, 0);
    ledger.state.apply(&event);
    ledger.ok(&ana(), retitle(&["Chekout", "payments"]));
    assert_eq!(ledger.no(&ana(), begin(&["Chekout"], &[])).code, Code::Unknown);
    ledger.ok(&ana(), retitle(&["checkout"]));
    assert_eq!(ledger.no(&ana(), retitle(&["Chekout"])).code, Code::Unknown, "not any more");
}

#[test]
fn an_artifact_that_looks_like_one_that_was_judged_bad_is_in_doubt() {
    let mut ledger = ledger(&LISTED, &[]);
    ledger.ok(&ana(), judge("checkout", "checkout@2.4.1-rc"));
    let of =
        |artifact: &str, action| Request { artifact: artifact.into(), ..request("checkout", "prod", action) };
    for (artifact, because) in [
        ("checkout@2.4.1-rc", Because::NotReady),
        ("2.4.1-rc", Because::NotReady),
        ("2.4.1-RC", Because::Undecided),
        ("Checkout@2.4.1-rc", Because::Undecided),
        ("2.4.l-rc", Because::Undecided),
        ("checkout@2.4.2-rc", Because::Open),
    ] {
        let answer = gate(&ledger, of(artifact, Action::Deploy)).unwrap();
        assert_eq!(answer.because, because, "{artifact}: {}", answer.reason);
        assert!(gate(&ledger, of(artifact, Action::Rollback)).unwrap().allowed, "{artifact}");
    }
    for artifact in ["2.4.1\u{2800}", "сheckout@2.4.1", "a b", "", "a?b"] {
        assert!(gate(&ledger, of(artifact, Action::Deploy)).is_err(), "{artifact}");
        assert_eq!(ledger.no(&ana(), judge("checkout", artifact)).code, Code::Invalid, "{artifact}");
    }
    let refusal = ledger.no(&ana(), judge("checkout", "Checkout@2.4.3"));
    assert_eq!(refusal.hint.unwrap(), "did you mean checkout@2.4.3?");
    for real in [
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "registry.example:5000/shop/checkout@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "1.2.3+build.7",
        "1.2.3~rc1-1",
        "@shop/checkout@1.0.0",
    ] {
        ledger.ok(&ana(), judge("checkout", real));
    }
}

#[test]
fn a_person_or_a_role_that_is_nearly_a_known_one_is_refused() {
    let mut ledger = ledger(&LISTED, &[]);
    let users = ["ana", "bo"].map(str::to_owned).into();
    let powers = [(Power::Command, Members { users, ..Members::default() })].into();
    ledger.ok(&Actor::room(), Command::Policy(Box::new(Policy { powers, ..ledger.state.policy.clone() })));
    let incident = IncidentId(1);
    let role = |role: &str, who: &str| {
        Command::Incident(IncidentCommand::Role { incident, role: role.into(), who: who.into() })
    };
    let offer = |to: &str| {
        Command::Handover(HandoverCommand::Propose { incident, to: to.into(), words: String::new() })
    };
    let task = |owner: &str| {
        Command::Task(TaskCommand::Give { incident, text: "x".into(), owner: owner.into(), within: None })
    };
    for who in ["Ana", "\u{430}na", "B0", "bo\u{301}"] {
        for command in [role("scribe", who), offer(who), task(who)] {
            let looks = Looks::of(who).like(&Looks::of("ana")) || Looks::of(who).like(&Looks::of("bo"));
            if looks {
                assert_eq!(ledger.no(&ana(), command).code, Code::Unknown, "{who}");
            }
        }
    }
    for (near, meant) in
        [("comander", "commander"), ("scribes", "scribe"), ("comunications", "communications")]
    {
        let refusal = ledger.no(&ana(), role(near, "bo"));
        assert_eq!((refusal.code, refusal.hint.unwrap()), (Code::Unknown, format!("did you mean {meant}?")));
    }
    for (known, who) in [("Scribe", "bo"), ("ops", "cy"), ("customer liaison", "dee")] {
        ledger.ok(&ana(), role(known, who));
    }
    ledger.ok(&ana(), task("the people of the database"));
}

#[test]
fn a_name_is_bounded_and_more_than_a_few_are_refused() {
    let mut ledger = Ledger::new();
    for (length, code) in [(128, None), (129, Some(Code::Invalid)), (1_000_000, Some(Code::Invalid))] {
        let name = "x".repeat(length);
        assert_eq!(
            ledger.ask(&ana(), begin(&[&name], &[])).err().map(|refusal| refusal.code),
            code,
            "{length}"
        );
    }
    let many: Vec<String> = (0..65).map(|n| format!("s{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(ledger.no(&ana(), begin(&many, &[])).code, Code::Invalid);
    ledger.ok(&ana(), begin(&["a", "b", "a"], &["prod", "prod"]));
    let scope = &ledger.state.freezes.values().last().unwrap().scope;
    assert_eq!((scope.services.len(), scope.envs.len()), (2, 1));
}

/// Names near `checkout`: its letters, their look-alikes, what hides, what is no letter.
fn near_names() -> impl Strategy<Value = String> {
    let letter = |own: char| {
        let own: Vec<String> = match own {
            'c' => words(&["c", "C", "\u{441}", "ｃ", "\u{421}", "ⅽ"]),
            'h' => words(&["h", "H", "һ", "ｈ"]),
            'e' => words(&["e", "E", "\u{435}", "é", "e\u{301}"]),
            'k' => words(&["k", "K", "\u{212a}", "κ"]),
            'o' => words(&["o", "O", "0", "\u{43e}", "ο", "º"]),
            'u' => words(&["u", "U", "υ", "ü"]),
            _ => words(&["t", "T", "\u{442}", "t\u{200b}", "t\u{2800}", "\u{ff54}"]),
        };
        proptest::sample::select(own)
    };
    let mixed = "checkout".chars().map(letter).collect::<Vec<_>>().prop_map(|letters| letters.concat());
    prop_oneof![4 => mixed, 1 => "\\PC{0,12}", 1 => "(?s).{0,12}", 2 => "[a-cA-C._:/-]{1,6}", 1 => Just("checkout".into())]
}

proptest! {
    /// What was read once is read as itself.
    #[test]
    fn reading_a_name_twice_changes_nothing(given in near_names(), listed in any::<bool>()) {
        for noun in [Noun::Service, Noun::Environment, Noun::Artifact] {
            let is_listed = |name: &str| listed && name::unfit_for_configuration(noun, name).is_none();
            if let Ok(once) = name::read(noun, &given, is_listed) {
                prop_assert_eq!(name::read(noun, &once, is_listed), Ok(once.clone()));
                prop_assert_eq!(&name::normal(&once), &once);
                prop_assert!(!once.is_empty() && once.chars().count() <= noun.max());
                prop_assert!(!once.chars().any(crate::domain::text::acts));
            }
        }
    }

    /// Nothing that could be taken for a frozen service is open, but by its own name read by both in one form.
    #[test]
    fn what_looks_like_a_frozen_name_is_never_open(
        given in near_names(),
        promote in any::<bool>(),
        catalogue in any::<bool>(),
        as_env in any::<bool>(),
    ) {
        let listed: &[&str] = if catalogue { &LISTED } else { &[] };
        let mut ledger = ledger(listed, &[]);
        let (service, env) = if as_env { ("checkout", "checkout") } else { ("checkout", "prod") };
        ledger.ok(&ana(), begin(&[service], &[env]));
        let action = if promote { Action::Promote } else { Action::Deploy };
        let asked = if as_env { request(service, &given, action) } else { request(&given, env, action) };
        let said = gate(&ledger, asked.clone());
        if Looks::of(&given).like(&Looks::of("checkout")) {
            prop_assert!(said.as_ref().map_or(true, |answer| !answer.allowed), "{:?}: {:?}", given, said);
            let past_the_door = answer(&ledger.state, &asked, &ledger.now);
            prop_assert!(!past_the_door.allowed, "{:?}: {}", given, past_the_door.reason);
        }
        if let Ok(answer) = said {
            prop_assert_eq!(answer.allowed, answer.because.exit() == 0);
            prop_assert!(!answer.reason.chars().any(crate::domain::text::acts));
        }
    }

    /// What a freeze takes as a name is held by it under that name, in whatever form it is asked.
    #[test]
    fn a_name_that_a_freeze_takes_is_the_name_that_the_gate_holds(given in near_names(), catalogue in any::<bool>()) {
        let listed: &[&str] = if catalogue { &LISTED } else { &[] };
        let mut ledger = ledger(listed, &[]);
        if ledger.ask(&ana(), begin(&[&given], &[])).is_ok() {
            let answer = gate(&ledger, request(&given, "prod", Action::Deploy)).unwrap();
            prop_assert_eq!(answer.because, Because::Frozen, "{}", answer.reason);
        }
    }
}
