//! Keys to effects: what a person does at a seat, and what the seat then asks of the room.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    dead_code,
    reason = "a test fails by panicking"
)]

#[path = "screens/story.rs"]
mod story;

use proptest::prelude::*;
use story::{hear, press, says, seat};
use warroom::{
    domain::{
        Command, CommandId,
        board::BoardCommand,
        cadence::{Audience, Beat},
        clock::Moment,
        decision::DecisionCommand,
        deviation::{DeviationCommand, ReasonCode},
        freeze::{AllServices, FreezeCommand},
        glass::GlassCommand,
        handover::{HandoverCommand, SAY},
        id::{DeviationId, TaskId},
        incident::{IncidentCommand, Status},
        note::NoteCommand,
        policy::Power,
        refusal::{Code, Refusal},
        report::ReportCommand,
        severity::Severity,
        task::TaskCommand,
        time::Span,
        walk::{Confirmation, Deviate, WalkCommand},
    },
    seat::{
        model::{Conn, Layer, Model, Pane, Tone, View, then::Then},
        term::{Input, KeyChord},
        update::{self, Effect, Event},
    },
    signal::Shows,
    wire::{Ask, FromRoom, HandSays, Outcome, Steer, ToRoom, Told},
};

const NOW: &str = "14:07:31";

fn commands(effects: &[Effect]) -> Vec<Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(ToRoom::Do { command, .. }) => Some(command.clone()),
            _ => None,
        })
        .collect()
}

fn id(effects: &[Effect]) -> CommandId {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Send(ToRoom::Do { id, .. }) => Some(*id),
            _ => None,
        })
        .expect("a command was sent")
}

fn accepted(model: &mut Model, effects: &[Effect]) -> Vec<Effect> {
    let outcome = Outcome::Ok { seqs: vec![1], made: Vec::new(), offline: false };
    hear(model, NOW, FromRoom::Done { id: id(effects), outcome })
}

fn ana() -> Model {
    seat(&story::asked(), "ana", NOW)
}

#[test]
fn words_become_commands() {
    let cases: [(&str, fn(&Command) -> bool); 10] = [
        (
            "n 'errors_are_back enter",
            |c| matches!(c, Command::Note(NoteCommand::Say { incident: Some(story::INC), text }) if text == "errors are back"),
        ),
        ("d 'roll_back enter", |c| matches!(c, Command::Decision(_))),
        ("t 'bo enter '10m enter 'call_the_bank enter", |c| {
            matches!(c, Command::Task(TaskCommand::Give { owner, within: Some(w), text, .. })
                if owner == "bo" && *w == Span::mins(10) && text == "call the bank")
        }),
        (
            "b g ctrl-u 'under_1_% enter",
            |c| matches!(c, Command::Board(BoardCommand::Set { text, .. }) if text == "under 1 %"),
        ),
        (
            "S '3 enter 'milder enter",
            |c| matches!(c, Command::Incident(IncidentCommand::Severity { to, .. }) if *to == Severity::new(3).unwrap()),
        ),
        (
            "R 'dep enter 'cy enter",
            |c| matches!(c, Command::Incident(IncidentCommand::Role { role, who, .. }) if role == "deputy" && who == "cy"),
        ),
        ("F enter enter enter", |c| {
            matches!(c, Command::Freeze(FreezeCommand::Begin { lease: Some(lease), scope, .. })
                if *lease == Span::hours(2) && scope.label() == "checkout/prod")
        }),
        (": 'correct_onset_01:52Z_the_graph_says_so enter", |c| {
            matches!(c, Command::Incident(IncidentCommand::Correct { moment: Moment::Onset, at, .. })
                if *at == story::wall("01:52:00"))
        }),
        ("L enter 'all_good enter", |c| matches!(c, Command::Freeze(FreezeCommand::Lift { .. }))),
        (
            ": 'unlisted_restarted_by_hand enter",
            |c| matches!(c, Command::Deviation(DeviationCommand::Unlisted { actual, .. }) if actual == "restarted by hand"),
        ),
    ];
    for (keys, fits) in cases {
        let mut model = ana();
        let sent = commands(&press(&mut model, NOW, keys));
        assert!(sent.len() == 1 && fits(&sent[0]), "{keys}: {sent:?} {:?}", model.notice);
        assert!(model.layers.is_empty(), "{keys} leaves {:?}", model.layers);
    }
}

#[test]
fn on_a_selected_task_each_way_on_is_one_key() {
    let mut bo = seat(&story::asked(), "bo", NOW);
    let task = TaskId(3);
    let cases: [(&str, fn(&Command, TaskId) -> bool); 5] = [
        ("w K", |c, id| matches!(c, Command::Task(TaskCommand::Acknowledge { task, .. }) if *task == id)),
        (
            "w r 'half_of_it enter",
            |c, id| matches!(c, Command::Task(TaskCommand::Report { task, text, .. }) if *task == id && text == "half of it"),
        ),
        (
            "w + enter",
            |c, id| matches!(c, Command::Task(TaskCommand::Extend { task, more, .. }) if *task == id && *more == Span::mins(5)),
        ),
        (
            "w T 'cy enter",
            |c, id| matches!(c, Command::Task(TaskCommand::Assign { task, owner, .. }) if *task == id && owner == "cy"),
        ),
        (
            "w enter d enter",
            |c, id| matches!(c, Command::Task(TaskCommand::Done { task, .. }) if *task == id),
        ),
    ];
    for (keys, fits) in cases {
        let mut model = bo.clone();
        let sent = commands(&press(&mut model, NOW, keys));
        assert!(sent.len() == 1 && fits(&sent[0], task), "{keys}: {sent:?} {:?}", model.notice);
        assert!(model.ui.has(Pane::Tasks));
    }
    // Elsewhere the keys are what they were.
    let sent = commands(&press(&mut bo, NOW, "T"));
    assert!(sent.is_empty() && matches!(bo.layers.last(), Some(Layer::Words { .. })), "{:?}", bo.layers);
}

#[test]
fn no_needs_is_one_key_and_a_need_is_asked_for_in_words() {
    for (keys, want) in [
        ("N 'errors_at_7_% enter 'rolling_back enter n", vec![]),
        (
            "N 'errors_at_7_% enter 'rolling_back enter w 'the_vault's_keys alt-enter 'eyes enter",
            vec!["the vault's keys", "eyes"],
        ),
        (": 'can_errors_at_7_%;_rolling_back;_- enter", vec![]),
    ] {
        let mut model = ana();
        let sent = commands(&press(&mut model, NOW, keys));
        let [Command::Report(ReportCommand::Give { conditions, actions, needs, .. })] = sent.as_slice()
        else {
            panic!("{keys}: {sent:?} {:?}", model.layers);
        };
        assert_eq!((conditions.as_str(), actions.as_str()), ("errors at 7 %", "rolling back"));
        assert_eq!(needs, &want);
    }
}

#[test]
fn a_proposal_is_put_to_every_seat_objected_to_and_decided_by_the_commander() {
    let mut bo = seat(&story::declared(), "bo", NOW);
    let sent = commands(&press(&mut bo, NOW, "V 'flags_off enter 'wait|scale_up enter 'slower_quotes enter"));
    let [Command::Decision(DecisionCommand::Propose { text, options, risks, .. })] = sent.as_slice() else {
        panic!("{sent:?} {:?}", bo.layers);
    };
    assert_eq!((text.as_str(), risks.as_deref()), ("flags off", Some("slower quotes")));
    assert_eq!(options, &["wait", "scale up"]);
    let mut told = story::declared();
    told.by("14:07:00", "bo", sent[0].clone());
    let waits = |story: &story::Story, who: &str| {
        let waits = warroom::seat::model::waits::waits(&seat(story, who, NOW));
        format!("{} {}: {}", waits.lead, waits.who, waits.what)
    };
    assert!(
        waits(&told, "cy").contains("everybody: any strong objections to DEC-2 \"flags off\"? no objections")
    );
    let mut cy = seat(&told, "cy", NOW);
    let sent = commands(&press(&mut cy, NOW, "V o 'quotes_are_cached enter"));
    assert!(
        matches!(sent.as_slice(), [Command::Decision(DecisionCommand::Object { why, .. })] if why == "quotes are cached"),
        "{sent:?}"
    );
    told.by("14:07:20", "cy", sent[0].clone());
    assert!(waits(&told, "ana").contains("you: decide on DEC-2 \"flags off\", 1 OBJECTION"));
    let mut ana = seat(&told, "ana", NOW);
    let sent = commands(&press(&mut ana, NOW, "V d '20m enter"));
    let [Command::Decision(DecisionCommand::Settle { review_in, .. })] = sent.as_slice() else {
        panic!("{sent:?} {:?}", ana.layers);
    };
    assert_eq!(*review_in, Some(Span::mins(20)));
    told.by(NOW, "ana", sent[0].clone());
    told.by(NOW, "bo", Command::Task(TaskCommand::Acknowledge { incident: story::INC, task: TaskId(3) }));
    told.room("14:27:31", Command::Tick);
    let due = seat(&told, "ana", "14:28:00");
    assert!(
        due.state.incidents[&story::INC].decided.iter().any(|one| one.review.as_ref().is_some_and(|r| r.due))
    );
    let mut ana = due;
    let sent = commands(&press(&mut ana, "14:28:00", "V 'it_stands enter"));
    assert!(
        matches!(sent.as_slice(), [Command::Decision(DecisionCommand::Review { text, .. })] if text == "it stands"),
        "{sent:?} {:?}",
        ana.layers
    );
}

#[test]
fn a_need_waits_for_an_owner_and_a_task_over_its_time_is_loud() {
    let mut told = story::declared();
    let waits = |story: &story::Story, who: &str| {
        let waits = warroom::seat::model::waits::waits(&seat(story, who, NOW));
        format!("{} {}: {}", waits.lead, waits.who, waits.what)
    };
    assert!(waits(&told, "eve").contains("TSK-1 \"who else calls it?\" is OVER"), "{}", waits(&told, "eve"));
    assert!(waits(&told, "ana").contains("eve: TSK-1"), "the commander hears of it too");
    assert!(!waits(&told, "cy").contains("TSK-"), "others have their own work: {}", waits(&told, "cy"));
    assert!(waits(&told, "bo").contains("you: acknowledge TSK-3"), "{}", waits(&told, "bo"));
    let report = ReportCommand::Give {
        incident: story::INC,
        conditions: "queue grows".into(),
        actions: "draining".into(),
        needs: vec!["a second pair of eyes".into()],
    };
    told.by(NOW, "cy", Command::Report(report));
    for who in ["ana", "bo", "cy", "eve"] {
        let line = waits(&told, who);
        assert!(
            line.contains("WAITS ON ana: assign TSK-4 \"a second pair of eyes\", needed by cy"),
            "{line}"
        );
    }
    let mut model = seat(&told, "ana", NOW);
    let sent = commands(&press(&mut model, NOW, "w T 'dee enter"));
    assert!(
        matches!(sent.as_slice(), [Command::Task(TaskCommand::Assign { task: TaskId(4), owner, .. })] if owner == "dee"),
        "{sent:?}"
    );
}

#[test]
fn updates_polls_and_their_clocks_are_two_keys_away() {
    let cases: [(&str, fn(&Command) -> bool); 5] = [
        ("b x enter", |c| {
            matches!(c, Command::Board(BoardCommand::Updated { audience: Audience::External, text, .. })
                if text.starts_with("There is a problem with checkout: we have found the cause"))
        }),
        ("U enter", |c| {
            matches!(c, Command::Board(BoardCommand::Updated { audience: Audience::Internal, .. }))
        }),
        ("b p", |c| matches!(c, Command::Board(BoardCommand::Poll { .. }))),
        ("b z enter enter 'in_the_middle_of_it enter", |c| {
            matches!(c, Command::Board(BoardCommand::Snooze { beat: Beat::Internal, by, reason, .. })
                if *by == Span::mins(15) && reason == "in the middle of it")
        }),
        ("b c 'ext enter '1h enter", |c| {
            matches!(c, Command::Board(BoardCommand::Cadence { beat: Beat::External, every: Some(every), .. })
                if *every == Span::hours(1))
        }),
    ];
    for (keys, fits) in cases {
        let mut model = ana();
        let sent = commands(&press(&mut model, NOW, keys));
        assert!(sent.len() == 1 && fits(&sent[0]), "{keys}: {sent:?} {:?} {:?}", model.notice, model.layers);
    }
    // One went out seven minutes ago and one is owed every ten: that is not too soon; a minute after it, it is.
    let mut model = seat(&story::declared(), "ana", "14:01:20");
    press(&mut model, "14:01:20", "U");
    let Some(Layer::Words { title, .. }) = model.layers.last() else { panic!("{:?}", model.layers) };
    assert!(title.contains("TOO SOON?") && title.contains("1m00s ago"), "{title}");
    let mut model = ana();
    press(&mut model, NOW, "U");
    let Some(Layer::Words { title, .. }) = model.layers.last() else { panic!("{:?}", model.layers) };
    assert!(!title.contains("TOO SOON?"), "{title}");
}

#[test]
fn closing_asks_for_the_reasons_that_are_owed_one_by_one() {
    let mut told = story::declared();
    for what in ["restarted by hand", "cleared the cache"] {
        let unlisted = DeviationCommand::Unlisted {
            incident: story::INC,
            actual: what.into(),
            host: String::new(),
            code: None,
        };
        told.by("14:07:00", "bo", Command::Deviation(unlisted));
    }
    let status = |to| Command::Incident(IncidentCommand::Status { incident: story::INC, to });
    told.by("14:07:10", "ana", status(Status::Resolved));
    let mut model = seat(&told, "ana", NOW);
    assert!(commands(&press(&mut model, NOW, "v 'closed enter")).is_empty());
    let Some(Layer::Pick { title, .. }) = model.layers.last() else { panic!("{:?}", model.layers) };
    assert!(
        title.contains("DEV-1") && title.contains("restarted by hand") && title.contains("2 are left"),
        "{title}"
    );
    let sent = press(&mut model, NOW, "5");
    assert!(
        matches!(
            commands(&sent).as_slice(),
            [Command::Deviation(DeviationCommand::Reason { code: ReasonCode::FasterFix, .. })]
        ),
        "{sent:?}"
    );
    assert!(accepted(&mut model, &sent).is_empty());
    // In words, where none of the codes fits.
    let sent = press(&mut model, NOW, "8 'it_was_full enter");
    assert!(
        matches!(commands(&sent).as_slice(), [Command::Deviation(DeviationCommand::Reason { code: ReasonCode::Other, text, .. })] if text == "it was full"),
        "{sent:?} {:?}",
        model.layers
    );
    let (deviation, code, text) = (DeviationId(1), ReasonCode::FasterFix, String::new());
    told.by("14:07:32", "ana", Command::Deviation(DeviationCommand::Reason { deviation, code, text }));
    model.state = told.state.clone();
    let sent = accepted(&mut model, &sent);
    assert!(
        matches!(
            commands(&sent).as_slice(),
            [Command::Incident(IncidentCommand::Status { to: Status::Closed, .. })]
        ),
        "{sent:?} {:?}",
        model.layers
    );
}

#[test]
fn a_declaration_takes_two_keys() {
    let mut model = seat(&story::wrong(), "ana", "13:56:30");
    let sent = commands(&press(&mut model, "13:56:30", "D enter"));
    let [Command::Incident(IncidentCommand::Declare { title, severity, services, freeze, .. })] =
        sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!(title, "errors 7.2 % on checkout after 2.4.1");
    assert_eq!(
        (*severity, services.as_slice(), *freeze),
        (Severity::WORST, ["checkout".to_owned()].as_slice(), true)
    );
}

/// The box that waits for the word to be typed a second time.
#[track_caller]
fn asks_for_all_again(model: &Model) {
    let Some(Layer::Confirm(confirm)) = model.layers.last() else { panic!("{:?}", model.layers) };
    assert_eq!(confirm.typed.as_deref(), Some("all"));
    assert!(confirm.sentence.contains("all services"), "{}", confirm.sentence);
}

#[test]
fn all_services_are_frozen_by_a_word_typed_twice_and_never_by_an_empty_box() {
    let mut model = ana();
    assert_eq!(commands(&press(&mut model, NOW, "F ctrl-u 'all/prod enter enter enter")), []);
    asks_for_all_again(&model);
    for wrong in ["enter", "'al enter", "ctrl-u 'ALL enter", "ctrl-u 'y enter"] {
        assert_eq!(commands(&press(&mut model, NOW, wrong)), [], "{wrong}");
        asks_for_all_again(&model);
    }
    let sent = commands(&press(&mut model, NOW, "ctrl-u 'all enter"));
    let [Command::Freeze(FreezeCommand::Begin { scope, all: Some(AllServices::Confirmed), .. })] =
        sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!((scope.services.len(), scope.envs.as_slice()), (0, ["prod".to_owned()].as_slice()));
    let mut model = ana();
    press(&mut model, NOW, "F ctrl-u 'all enter enter enter");
    assert_eq!(commands(&press(&mut model, NOW, "esc")), []);
    assert!(model.layers.is_empty(), "{:?}", model.layers);
    // A service that is left out is not said to be all of them: the room refuses this.
    let mut model = ana();
    for command in commands(&press(&mut model, NOW, "F ctrl-u '/prod enter enter enter")) {
        assert!(matches!(command, Command::Freeze(FreezeCommand::Begin { all: None, .. })), "{command:?}");
    }
}

/// A seat of a calm room in which a service that the catalogue does not have was released last.
fn beside_a_stranger() -> Model {
    let mut told = story::calm();
    told.room("13:55:00", story::saw("shop", "7.0.0", "6.9.9", story::at("13:55:00")));
    let mut model = seat(&told, "ana", "13:56:00");
    model.state.policy.environments = ["live", "test"].map(str::to_owned).into();
    model
}

#[test]
fn what_the_room_would_not_take_is_offered_nowhere() {
    let mut model = beside_a_stranger();
    assert!(model.released().iter().any(|one| one.service == "shop" && one.unlisted), "it is shown");
    assert_eq!(model.services(), ["checkout", "payments"]);
    let sent = commands(&press(&mut model, "13:56:00", "D 'fails enter"));
    assert!(
        matches!(sent.as_slice(), [Command::Incident(IncidentCommand::Declare { services, .. })] if services == &["checkout"]),
        "{sent:?}"
    );
    let mut model = beside_a_stranger();
    let sent = commands(&press(&mut model, "13:56:00", "F ctrl-u 'check down enter enter 'it_fails enter"));
    assert!(
        matches!(sent.as_slice(), [Command::Freeze(FreezeCommand::Begin { scope, .. })] if scope.label() == "checkout/live"),
        "{sent:?}"
    );
}

#[test]
fn a_declaration_freezes_what_it_names_or_all_typed_twice() {
    let form = "D down down ctrl-u";
    let mut model = seat(&story::wrong(), "ana", "13:56:30");
    assert_eq!(commands(&press(&mut model, "13:56:30", &format!("{form} enter"))), []);
    assert!(matches!(model.layers.last(), Some(Layer::Declare(_))), "the form stays: {:?}", model.layers);
    assert!(model.notice.as_ref().unwrap().text.starts_with("freeze what?"), "{:?}", model.notice);
    assert_eq!(commands(&press(&mut model, "13:56:30", "'all_checkout enter")), []);
    assert!(matches!(model.layers.last(), Some(Layer::Declare(_))), "{:?}", model.layers);
    assert_eq!(commands(&press(&mut model, "13:56:30", "ctrl-u 'all enter")), []);
    asks_for_all_again(&model);
    let sent = commands(&press(&mut model, "13:56:30", "'all enter"));
    let [Command::Incident(IncidentCommand::Declare { services, freeze: true, all, .. })] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!((services.len(), *all), (0, Some(AllServices::Confirmed)));
    assert!(model.layers.is_empty(), "{:?}", model.layers);
    // Without the freeze none need be named, and a word for all among names is the room's to refuse.
    for (typed, services) in [("", &[][..]), ("'all", &[]), ("'all_checkout", &["all", "checkout"])] {
        let mut model = seat(&story::wrong(), "ana", "13:56:30");
        let sent = commands(&press(&mut model, "13:56:30", &format!("{form} {typed} down 'n enter")));
        let [Command::Incident(IncidentCommand::Declare { services: sent, freeze: false, all: None, .. })] =
            sent.as_slice()
        else {
            panic!("{typed} {sent:?} {:?}", model.notice);
        };
        assert_eq!(sent, services, "{typed}");
    }
}

#[test]
fn a_step_of_high_risk_wants_its_second_key_and_then_its_hand() {
    let mut model = seat(&story::declared(), "bo", NOW);
    assert_eq!(commands(&press(&mut model, NOW, "enter")), []);
    assert!(
        matches!(model.layers.last(), Some(Layer::Confirm(confirm)) if confirm.sentence.contains("checkout"))
    );
    assert_eq!(commands(&press(&mut model, NOW, "enter x")), [], "only y does it");
    let effects = press(&mut model, NOW, "y");
    let sent = commands(&effects);
    let [Command::Walk(WalkCommand::Take { hand, confirm: Confirmation::Second, .. })] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    let after = accepted(&mut model, &effects);
    assert!(
        matches!(after.as_slice(), [Effect::SpawnHand { hand: started, step, .. }] if started == hand && step == story::SWITCH),
        "{after:?}"
    );
}

#[test]
fn a_refused_step_starts_no_hand() {
    let mut model = seat(&story::declared(), "bo", NOW);
    let effects = press(&mut model, NOW, "enter y");
    let refusal = Refusal::new(Code::Conflict, "cy has it").hint("wait");
    let after =
        hear(&mut model, NOW, FromRoom::Done { id: id(&effects), outcome: Outcome::Refused(refusal) });
    assert_eq!(after, []);
    let notice = model.notice.unwrap();
    assert_eq!((notice.tone, notice.text.as_str()), (Tone::Wrong, "cy has it: wait"));
}

#[test]
fn missing_values_are_asked_one_by_one_before_the_step_is_taken() {
    let mut story = story::wrong();
    story.by(
        "13:57:00",
        "bo",
        Command::Walk(WalkCommand::Start {
            incident: None,
            runbook: story::runbook(),
            inputs: std::collections::BTreeMap::new(),
        }),
    );
    let mut model = seat(&story, "bo", NOW);
    let mut asked = Vec::new();
    let mut effects = press(&mut model, NOW, "enter");
    for _ in 0..3 {
        let Some(Layer::Prompt(prompt)) = model.layers.last() else { panic!("{:?}", model.layers) };
        asked.push((prompt.call.given[0].clone(), prompt.field.text().to_owned()));
        effects = press(&mut model, NOW, "enter");
        let [Command::Walk(set @ WalkCommand::SetInput { .. })] = &commands(&effects)[..] else {
            panic!("{effects:?}")
        };
        story.by("13:57:30", "bo", Command::Walk(set.clone()));
        model.state = story.state.clone();
        effects = accepted(&mut model, &effects);
    }
    let all = [("SRV", "/srv/checkout"), ("GOOD", "2.4.0"), ("BAD", "2.4.1")];
    assert_eq!(asked, all.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(matches!(
        commands(&effects)[..],
        [Command::Walk(WalkCommand::Take { confirm: Confirmation::Enter, .. })]
    ));
}

#[test]
fn a_deviation_takes_two_keys_and_may_owe_its_reason() {
    for (keys, what, code) in [
        ("s 5", Deviate::Skip, Some(ReasonCode::FasterFix)),
        ("s enter", Deviate::Skip, None),
        ("m 7", Deviate::Manual, Some(ReasonCode::ToldByCommander)),
        ("x 2", Deviate::NotApplicable, Some(ReasonCode::NotApplicable)),
    ] {
        let mut model = seat(&story::declared(), "bo", NOW);
        let sent = commands(&press(&mut model, NOW, keys));
        let [Command::Walk(WalkCommand::Deviate { what: did, code: why, .. })] = sent.as_slice() else {
            panic!("{keys}: {sent:?}");
        };
        assert_eq!((*did, *why), (what, code), "{keys}");
    }
}

#[test]
fn approving_shows_the_digest_and_sends_that_one() {
    let mut model = ana();
    let digest = model.asked().unwrap().2.digest;
    let sent = commands(&press(&mut model, NOW, "a y"));
    assert_eq!(
        sent,
        [Command::Walk(WalkCommand::Approve {
            walk: story::WALK,
            step: story::SWITCH.into(),
            digest,
            glass: None
        })]
    );
}

#[test]
fn what_is_approved_can_be_read_to_its_end() {
    let mut model = ana();
    let theme = warroom::theme::Theme::built_in(
        "dark",
        warroom::theme::Depth::True,
        &warroom::theme::glyphs::UNICODE,
    );
    let text = |model: &Model| {
        let area = ratatui::layout::Rect::new(0, 0, 80, 24);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        warroom::seat::view::screen(&mut buffer, area, &theme, model);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
    };
    let _ = press(&mut model, NOW, "a");
    assert!(text(&model).contains("below: Up and Down") && !text(&model).contains("$base/version"));
    let _ = press(&mut model, NOW, "pagedown pagedown");
    assert!(text(&model).contains("$base/version"));
}

#[test]
fn alone_the_glass_is_broken_with_a_name_and_a_reason_that_are_typed() {
    let mut model = seat(&story::asked(), "bo", NOW);
    assert_eq!(commands(&press(&mut model, NOW, "a y")), [], "one's own step is not approved");
    let _ = press(&mut model, NOW, "b");
    let _ = update::update(&mut model, story::at(NOW), Event::Input(Input::Paste("checkout".into())));
    let sent = commands(&press(&mut model, NOW, "'checkout enter 'nobody_answers enter"));
    let [Command::Walk(WalkCommand::Approve { glass: Some(glass), .. })] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!((glass.typed.as_str(), glass.reason.as_str()), ("checkout", "nobody answers"));
}

#[test]
fn pasting_outside_a_text_field_does_nothing() {
    let mut model = ana();
    let effects =
        update::update(&mut model, story::at(NOW), Event::Input(Input::Paste("q\nenter\nD\n".into())));
    assert!(effects.is_empty() && model.layers.is_empty());
    assert!(model.notice.is_some(), "it says so");
}

#[test]
fn pasted_text_is_cleaned() {
    let mut model = ana();
    let _ = press(&mut model, NOW, "n");
    let _ = update::update(&mut model, story::at(NOW), Event::Input(Input::Paste("a\u{1b}[2Jb\nc".into())));
    let sent = commands(&press(&mut model, NOW, "enter"));
    assert!(
        matches!(&sent[..], [Command::Note(NoteCommand::Say { text, .. })] if text == "a␛[2Jb\nc"),
        "{sent:?}"
    );
}

#[test]
fn commands_survive_a_lost_connection_under_their_names() {
    let mut model = ana();
    let effects = press(&mut model, NOW, "n 'hello enter");
    let name = id(&effects);
    let lost = Event::Lost { why: "gone".into(), retry_in: Span::secs(1), other_wire: false };
    let _ = update::update(&mut model, story::at(NOW), lost);
    assert!(matches!(model.conn, Conn::Down { .. }));
    assert_eq!(commands(&press(&mut model, NOW, "n 'again enter")), [], "nothing new is sent into the void");
    let hello = FromRoom::Hello {
        wire: 1,
        fold: 1,
        you: story::person("ana"),
        groups: std::sync::Arc::default(),
        room: story::status(true),
        seat: 1,
    };
    let again = hear(&mut model, NOW, hello);
    assert_eq!(id(&again), name);
    let _ = accepted(&mut model, &again);
    assert_eq!(commands(&hear(&mut model, NOW, FromRoom::Room(story::status(true)))), []);
}

#[test]
fn what_the_room_has_not_taken_is_handed_out_on_leaving() {
    let mut model = ana();
    let _ = press(&mut model, NOW, "n 'discarded esc");
    assert_eq!(model.not_sent(), Vec::<String>::new());
    let _ = press(&mut model, NOW, "n 'underway enter");
    let lost = Event::Lost { why: "the room is newer".into(), retry_in: Span::secs(5), other_wire: true };
    let _ = update::update(&mut model, story::at(NOW), lost);
    let _ = press(&mut model, NOW, "n 'aside esc");
    let _ = press(&mut model, NOW, "n 'opened");
    let said = model.not_sent();
    assert_eq!(said.len(), 3, "{said:?}");
    for (line, text) in said.iter().zip(["aside", "underway", "opened"]) {
        assert!(line.contains(text), "{said:?}");
    }
}

#[test]
fn the_room_is_told_what_is_on_the_screen() {
    let told = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Send(ToRoom::Show(shows)) => Some(shows.clone()),
            _ => None,
        })
    };
    let mut model = ana();
    let size = |w, h| Event::Input(Input::Resize(w, h));
    let _ = update::update(&mut model, story::at(NOW), size(160, 50));
    assert!(model.showing.is_all(), "{:?}", model.showing);
    let timeline = told(&press(&mut model, NOW, "6")).unwrap();
    assert_eq!(timeline, Shows::little());
    assert_eq!(told(&press(&mut model, NOW, "7")), None, "the same as before is not said again");
    let logs = told(&press(&mut model, NOW, "4")).unwrap();
    assert!(logs.lines && logs.panels.is_some_and(|panels| panels.is_empty()));
    let metrics = told(&press(&mut model, NOW, "3")).unwrap();
    assert!(!metrics.lines && metrics.panels.is_none());
    let small = told(&update::update(&mut model, story::at(NOW), size(20, 5))).unwrap();
    assert_eq!(small, Shows::little(), "nothing of it fits");
}

#[test]
fn what_was_written_stays_while_it_cannot_be_sent() {
    let mut model = ana();
    let _ = press(&mut model, NOW, "n 'hello");
    let lost = Event::Lost { why: "gone".into(), retry_in: Span::secs(1), other_wire: false };
    let _ = update::update(&mut model, story::at(NOW), lost);
    assert_eq!(commands(&press(&mut model, NOW, "enter")), []);
    assert!(matches!(model.layers.last(), Some(Layer::Words { .. })), "{:?}", model.layers);
    let hello = FromRoom::Hello {
        wire: 1,
        fold: 1,
        you: story::person("ana"),
        groups: std::sync::Arc::default(),
        room: story::status(true),
        seat: 1,
    };
    let _ = hear(&mut model, NOW, hello);
    let sent = commands(&press(&mut model, NOW, "enter"));
    assert!(
        matches!(&sent[..], [Command::Note(NoteCommand::Say { text, .. })] if text == "hello"),
        "{sent:?}"
    );
    assert!(model.layers.is_empty());
}

#[test]
fn a_silent_room_is_asked_and_then_called_delayed() {
    let mut model = ana();
    let tick = |model: &mut Model, at: &str| update::update(model, story::at(at), Event::Tick);
    let effects = tick(&mut model, "14:07:36");
    let [Effect::Send(ToRoom::Ask { n, ask: Ask::Status })] = effects[..] else { panic!("{effects:?}") };
    assert!(model.conn.is_live(&model.now));
    let _ = tick(&mut model, "14:07:39");
    assert_eq!(model.conn.delayed(&model.now), Some(Span::secs(8)));
    hear(&mut model, "14:07:40", FromRoom::Told { n, told: Told::Status(Box::new(story::status(true))) });
    assert!(model.conn.is_live(&model.now));
}

#[test]
fn a_steps_terminal_takes_the_keys_until_it_is_left() {
    let mut model = seat(&story::holding(), "bo", "14:08:52");
    let screen = HandSays::Screen { cols: 80, rows: vec!["$".into()], cursor: (0, 1) };
    says(&mut model, NOW, "errors-recovered", screen);
    let _ = press(&mut model, NOW, "enter");
    let keys: Vec<Vec<u8>> = press(&mut model, NOW, "q ctrl-c up enter")
        .into_iter()
        .map(|effect| match effect {
            Effect::Send(ToRoom::Steer { steer: Steer::Keys(keys), .. }) => keys,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, [b"q".to_vec(), vec![3], b"\x1b[A".to_vec(), b"\r".to_vec()]);
    let _ = press(&mut model, NOW, "ctrl-]");
    assert!(model.layers.is_empty());
    let sent = press(&mut model, NOW, "c");
    assert!(matches!(sent[..], [Effect::Send(ToRoom::Steer { steer: Steer::Cancel, .. })]));
}

#[test]
fn while_the_journal_takes_nothing_a_command_can_still_be_copied() {
    let mut model = ana();
    let mut status = story::status(true);
    status.journal = warroom::wire::JournalState::ReadOnly { why: "full".into(), since: story::wall(NOW) };
    hear(&mut model, NOW, FromRoom::Room(status));
    assert_eq!(commands(&press(&mut model, NOW, "n 'x enter")), []);
    assert!(model.notice.as_ref().unwrap().text.contains("UNRECORDED"));
    let copied = press(&mut model, NOW, "esc y");
    assert!(matches!(&copied[..], [Effect::Copy(code)] if code.contains("ln -sfn")), "{copied:?}");
}

#[test]
fn logs_stand_still_and_count_what_waits() {
    let mut model = ana();
    let _ = press(&mut model, NOW, "4 / 'timeout enter space");
    let (before, _) = model.log_lines();
    let shown: Vec<u64> = before.iter().map(|line| line.n).collect();
    let later = story::live("14:07:45");
    let delta = warroom::signal::Delta {
        lines: later
            .lines
            .into_iter()
            .filter(|line| line.at > story::wall(NOW))
            .map(|mut line| {
                line.n += 60;
                line
            })
            .collect(),
        ..Default::default()
    };
    hear(&mut model, NOW, FromRoom::Delta(Box::new(delta)));
    let (after, waiting) = model.log_lines();
    assert_eq!(after.iter().map(|line| line.n).collect::<Vec<_>>(), shown);
    assert!(waiting > 0);
    let _ = press(&mut model, NOW, "G");
    assert_eq!(model.log_lines().1, 0);
    let _ = press(&mut model, NOW, "/ ctrl-u '( enter");
    assert!(
        model.notice.as_ref().is_some_and(|notice| notice.tone == Tone::Wrong),
        "a bad pattern is said to be bad"
    );
}

#[test]
fn views_and_focus() {
    let mut model = ana();
    update::update(&mut model, story::at(NOW), Event::Input(Input::Resize(80, 24)));
    for (key, view) in ('1'..='7').zip(View::ALL) {
        let _ = press(&mut model, NOW, &key.to_string());
        assert_eq!(model.ui.view, view);
    }
    let _ = press(&mut model, NOW, "esc 1");
    let mut seen = vec![model.ui.pane()];
    for _ in 0..4 {
        let _ = press(&mut model, NOW, "tab");
        seen.push(model.ui.pane());
    }
    assert_eq!(seen, [Pane::Runbook, Pane::Tasks, Pane::Timeline, Pane::Logs, Pane::Health]);
}

#[test]
fn what_happens_behind_a_gap_does_not_hide_what_is_still_read() {
    let story = story::holding();
    let (old, new) = story.events.split_at(story.events.len() - 3);
    let mut model = seat(&story::declared(), "ana", NOW);
    let asked = asked_for(&press(&mut model, NOW, "7"), true);
    let [(n, 1, _)] = asked[..] else { panic!("{asked:?}") };
    let mut later = story.events.last().unwrap().clone();
    later.seq += 1;
    hear(&mut model, NOW, FromRoom::Event(Box::new(later)));
    let events = old.iter().filter(|event| event.stream == Some(story::INC)).cloned().collect();
    let told = Told::Events { events, next: Some(new[0].seq) };
    let asked = asked_for(&hear(&mut model, NOW, FromRoom::Told { n, told }), true);
    let [(n, from, _)] = asked[..] else { panic!("the draft asks for more: {asked:?}") };
    assert_eq!(from, new[0].seq);
    let events = new.to_vec();
    let effects = hear(&mut model, NOW, FromRoom::Told { n, told: Told::Events { events, next: None } });
    assert!(effects.contains(&Effect::Draft(story::INC)), "{effects:?}");
    let seqs: Vec<u64> = model.draft.events.iter().map(|event| event.seq).collect();
    let all: Vec<u64> =
        story.events.iter().filter(|event| event.stream == Some(story::INC)).map(|event| event.seq).collect();
    assert_eq!(seqs, all);
}

/// What the last event of a story does to a seat that has heard all before it.
fn hears_last(story: &story::Story, who: &str) -> Model {
    let (last, before) = story.events.split_last().unwrap();
    let mut state = warroom::domain::State::default();
    for event in before {
        state.apply(event);
    }
    let earlier = story::Story { state, events: before.to_vec(), ..story::Story::default() };
    let mut model = seat(&earlier, who, NOW);
    hear(&mut model, NOW, FromRoom::Event(Box::new(last.clone())));
    model
}

#[test]
fn command_is_handed_over_by_keys_and_said_aloud() {
    // The commander offers it, having seen the briefing.
    let mut model = ana();
    let effects = press(&mut model, NOW, "H 'bo enter");
    assert_eq!(effects, []);
    let Some(Layer::Confirm(confirm)) = model.layers.last() else { panic!("{:?}", model.layers) };
    assert!(confirm.lines.iter().any(|line| line.contains("roll back to 2.4.0")), "{:?}", confirm.lines);
    let [Command::Handover(HandoverCommand::Propose { to, .. })] =
        &commands(&press(&mut model, NOW, "y"))[..]
    else {
        panic!()
    };
    assert_eq!(to, "bo");

    // The one who is named is told, reads it, and says so; nothing less is taken.
    let mut model = hears_last(&story::offered(), "bo");
    assert!(model.notice.as_ref().unwrap().text.contains("ana offers you command"));
    assert_eq!(warroom::seat::model::waits::waits(&model).who, "you");
    assert_eq!(commands(&press(&mut model, NOW, "H t 'ok enter")), []);
    let said = press(&mut model, NOW, "ctrl-u 'I_have_command enter");
    let [Command::Handover(HandoverCommand::Accept { said, .. })] = &commands(&said)[..] else { panic!() };
    assert_eq!(said, SAY);
    let mut model = seat(&story::offered(), "bo", NOW);
    let no = commands(&press(&mut model, NOW, "H d 'asleep enter"));
    assert!(matches!(no[..], [Command::Handover(HandoverCommand::Decline { .. })]), "{no:?}");

    // Nobody else can take what is offered; who offered it can take it back.
    let mut model = seat(&story::offered(), "cy", NOW);
    assert_eq!(press(&mut model, NOW, "H"), []);
    assert!(model.layers.is_empty());
    let mut model = seat(&story::offered(), "ana", NOW);
    let back = commands(&press(&mut model, NOW, "H w"));
    assert!(matches!(back[..], [Command::Handover(HandoverCommand::Withdraw { .. })]), "{back:?}");
}

#[test]
fn command_is_taken_from_one_who_is_gone_and_they_are_told() {
    let mut model = seat(&story::asked(), "bo", NOW);
    let taken = commands(&press(&mut model, NOW, "H t 'the_line_is_dead enter y"));
    let [Command::Handover(HandoverCommand::Take { reason, .. })] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(reason, "the line is dead");
    let mut story = story::asked();
    story.by(NOW, "bo", taken[0].clone());
    // The last event but one is the fact of its own; the role follows.
    story.events.pop();
    let model = hears_last(&story, "ana");
    assert!(model.notice.as_ref().unwrap().text.contains("bo TOOK COMMAND from you: the line is dead"));
    let waits = warroom::seat::model::waits::waits(&model);
    assert_eq!((waits.lead, waits.who.as_str()), ("COMMAND TAKEN by", "bo"));
    assert_eq!(waits.loud, warroom::seat::model::waits::Loud::Worst);
}

#[test]
fn an_empty_chair_is_the_loudest_thing_and_one_key_from_filled() {
    let mut model = seat(&story::nobody(), "eve", NOW);
    let waits = warroom::seat::model::waits::waits(&model);
    assert_eq!((waits.lead, waits.loud), ("WAITS ON", warroom::seat::model::waits::Loud::Worst));
    assert_eq!(waits.command, Some("handover"));
    let taken = commands(&press(&mut model, NOW, "H y"));
    assert!(
        matches!(&taken[..], [Command::Handover(HandoverCommand::Take { reason, .. })] if reason.is_empty())
    );
}

#[test]
fn a_key_that_one_may_not_use_says_why_and_the_glass_can_be_broken() {
    let mut model = seat(&story::observed(), "eve", NOW);
    for key in ["n", "F", "s", "S", "L"] {
        assert_eq!(press(&mut model, NOW, key), [], "{key}");
        assert!(model.layers.is_empty(), "{key} asks nothing");
        let said = &model.notice.as_ref().unwrap().text;
        assert!(said.contains("eve has not the power to respond"), "{key}: {said}");
    }
    // What no table entry forbids the rules do, before anything is sent.
    assert_eq!(commands(&press(&mut model, NOW, "enter")), []);
    let _ = press(&mut model, NOW, "esc esc");
    let keys = ": 'break-glass enter 'respond enter 'nobody_answers enter 'respond enter";
    let broken = commands(&press(&mut model, NOW, keys));
    let [Command::Glass(GlassCommand::Break { power: Power::Respond, incident: Some(story::INC), .. })] =
        broken[..]
    else {
        panic!("{broken:?}")
    };
    let mut story = story::observed();
    story.by(NOW, "eve", broken[0].clone());
    story.events.truncate(story.events.len() - 1);
    let model = hears_last(&story, "ana");
    assert!(model.notice.as_ref().unwrap().text.contains("GLASS BROKEN by eve: took the power to respond"));
    assert_eq!(warroom::seat::model::waits::waits(&model).lead, "GLASS BROKEN");
    let mut model = seat(&story, "eve", NOW);
    assert!(!commands(&press(&mut model, NOW, "n 'seen enter")).is_empty());
    assert!(!commands(&press(&mut model, NOW, ": 'give-back enter")).is_empty());
    // A group that the room proved gives a power, too.
    let mut model = seat(&story::observed(), "eve", NOW);
    model.groups = std::sync::Arc::new(["oncall".to_owned()].into());
    assert!(!commands(&press(&mut model, NOW, "n 'seen enter")).is_empty());
}

#[test]
fn whoever_shares_the_terminal_is_told_why_they_cannot_approve() {
    let mut model = seat(&story::asked(), "bo", NOW);
    let shown = |model: &Model| {
        let area = ratatui::layout::Rect::new(0, 0, 80, 24);
        let theme = warroom::theme::Theme::built_in(
            "dark",
            warroom::theme::Depth::True,
            &warroom::theme::glyphs::UNICODE,
        );
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        warroom::seat::view::screen(&mut buffer, area, &theme, model);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
    };
    let _ = press(&mut model, NOW, "a");
    assert!(!shown(&model).contains("SHARED"));
    assert!(!shown(&model).contains("shared terminal"));
    update::update(&mut model, story::at(NOW), Event::Attached(2));
    assert!(shown(&model).contains("SHARED"));
    assert!(
        shown(&model).contains("Everybody at this shared terminal is bo (uid 1209)"),
        "{}",
        shown(&model)
    );
    update::update(&mut model, story::at(NOW), Event::Attached(1));
    assert!(!shown(&model).contains("SHARED"));
}

#[test]
fn what_others_did_is_unread_until_a_timeline_showed_it() {
    let mut story = story::declared();
    let mut model = seat(&story, "ana", NOW);
    let _ = press(&mut model, NOW, "4");
    story.by(NOW, "bo", Command::Note(NoteCommand::Say { incident: Some(story::INC), text: "look".into() }));
    story.by(NOW, "ana", Command::Note(NoteCommand::Say { incident: Some(story::INC), text: "I do".into() }));
    for event in &story.events[story.events.len() - 2..] {
        hear(&mut model, NOW, FromRoom::Event(Box::new(event.clone())));
    }
    assert_eq!(model.unread(), 1);
    let _ = press(&mut model, NOW, "1");
    let theme = warroom::theme::Theme::built_in(
        "dark",
        warroom::theme::Depth::True,
        &warroom::theme::glyphs::UNICODE,
    );
    let area = ratatui::layout::Rect::new(0, 0, 80, 24);
    warroom::seat::view::screen(&mut ratatui::buffer::Buffer::empty(area), area, &theme, &model);
    assert_eq!(model.unread(), 0);
}

/// Every key either does something that shows, or says why not.
#[test]
fn every_key_does_something_or_says_why_not() {
    let models = [ana(), seat(&story::wrong(), "ana", NOW), Model::new(story::setup(NOW))];
    for base in models {
        for spec in warroom::seat::command::table::all() {
            // Scrolling at an end and following what is followed already change nothing.
            if ["up", "down", "page-up", "page-down", "first", "last"].contains(&spec.name) {
                continue;
            }
            for key in spec.keys {
                let mut model = base.clone();
                update::update(&mut model, story::at(NOW), Event::Input(Input::Resize(80, 24)));
                let before = format!("{:?}", (&model.ui, model.layers.len(), &model.coach));
                let effects = press(&mut model, NOW, key);
                let after = format!("{:?}", (&model.ui, model.layers.len(), &model.coach));
                assert!(
                    !effects.is_empty() || model.notice.is_some() || before != after,
                    "{key} ({})",
                    spec.name
                );
            }
        }
    }
}

fn any_key() -> impl Strategy<Value = KeyChord> {
    let names: Vec<KeyChord> = [
        "enter",
        "esc",
        "tab",
        "up",
        "down",
        "left",
        "right",
        "backspace",
        "space",
        "ctrl-u",
        "pageup",
        "delete",
    ]
    .iter()
    .map(|name| name.parse().unwrap())
    .collect();
    prop_oneof![proptest::sample::select(names), proptest::char::range('!', '~').prop_map(KeyChord::char)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_keys_can_be_pressed_and_drawn(keys in proptest::collection::vec(any_key(), 1..60), wide in 1_u16..170, high in 1_u16..60) {
        let mut model = ana();
        let theme = warroom::theme::Theme::built_in("dark", warroom::theme::Depth::True, &warroom::theme::glyphs::UNICODE);
        update::update(&mut model, story::at(NOW), Event::Input(Input::Resize(wide, high)));
        for key in keys {
            update::update(&mut model, story::at(NOW), Event::Input(Input::Key(key)));
            let area = ratatui::layout::Rect::new(0, 0, wide, high);
            let mut buffer = ratatui::buffer::Buffer::empty(area);
            warroom::seat::view::screen(&mut buffer, area, &theme, &model);
        }
    }
}

fn version_at(model: &Model, service: &str, clock: &str) -> String {
    model
        .released_at(story::wall(clock))
        .iter()
        .find_map(|one| match one {
            Then::Ran(ran) if ran.service == service => Some(ran.version.clone()),
            Then::Unknown { service: of, until, .. } if of == service => {
                Some(format!("unknown until {}", until.as_ref().map_or("", |(version, _)| version)))
            }
            _ => None,
        })
        .unwrap()
}

#[test]
fn releases_at_the_cursor_are_those_of_then() {
    let mut model = seat(&story::wrong(), "ana", "13:56:30");
    assert_eq!(version_at(&model, "checkout", "13:56:00"), "2.4.1");
    assert_eq!(version_at(&model, "checkout", "13:52:59"), "2.4.0");
    // A judgement holds from when it was made.
    let judged = |model: &Model, clock| match &model.released_at(story::wall(clock))[1] {
        Then::Ran(ran) => (ran.service.clone(), ran.judged.is_some()),
        Then::Unknown { .. } => panic!("payments is known"),
    };
    assert_eq!(judged(&model, "13:56:00"), ("payments".into(), true));
    assert_eq!(judged(&model, "12:00:00"), ("payments".into(), false));
    // What is older than the first record is not made up; nor is what the seat has no events of.
    let tuesday = story::wall("08:00:00") - chrono::TimeDelta::days(3);
    assert!(model.released_at(tuesday).iter().all(|one| matches!(one, Then::Unknown { until: Some(_), .. })));
    model.timeline.clear();
    assert_eq!(version_at(&model, "checkout", "13:52:59"), "unknown until 2.4.0");
    assert_eq!(version_at(&model, "checkout", "13:56:00"), "2.4.1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// A moment ago is what the room had then, whatever came after.
    #[test]
    fn what_ran_is_what_the_room_had(switches in prop::collection::vec((0_u32..3, 0_u32..4), 1..12)) {
        let mut whole = story::Story::default();
        let mut had = Vec::new();
        for (minute, (service, version)) in (10..).zip(switches) {
            let (service, clock) = (format!("s{service}"), format!("13:{minute}:00"));
            whole.room(&clock, story::saw(&service, &format!("v{version}"), "v", story::at(&clock)));
            had.push((format!("13:{minute}:30"), whole.state.releases.clone()));
        }
        let model = seat(&whole, "ana", "14:00:00");
        for (clock, releases) in had {
            for one in releases.values() {
                prop_assert_eq!(&version_at(&model, &one.service, &clock), &one.current, "{}", clock);
            }
        }
    }
}

#[test]
fn a_seat_is_a_witness_and_says_so_loudly() {
    use warroom::{seat::model::waits, wire::Anchored};
    let mut model = seat(&story::declared(), "ana", NOW);
    let anchor = |note: &str, lost: bool| {
        let trouble =
            lost.then(|| ("event 9 was signed and is not there any more".to_owned(), story::wall(NOW)));
        Some(Box::new(Anchored { seq: 9, note: Some(note.into()), key: "k".into(), trouble, lost }))
    };
    let room = |anchor| FromRoom::Room(warroom::wire::RoomStatus { anchor, ..story::status(true) });
    let effects = hear(&mut model, NOW, room(anchor("one", false)));
    assert_eq!(effects, [Effect::Witness(anchor("one", false).unwrap())]);
    assert_eq!(hear(&mut model, NOW, room(anchor("one", false))), [], "it was looked at");
    assert_eq!(hear(&mut model, NOW, room(anchor("two", false))).len(), 1);
    let line = waits::waits(&model);
    assert_ne!(line.lead, "DO NOT TRUST THE RECORD");
    // What the room itself found is told, and what this seat found stays, whatever the room says later.
    hear(&mut model, NOW, room(anchor("two", true)));
    assert!(waits::waits(&model).what.contains("event 9 was signed"));
    let since = story::wall(NOW) - chrono::TimeDelta::hours(2);
    let doubt = Some(("the journal has lost \u{1b}[2Jevents".to_owned(), since));
    update::update(&mut model, story::at(NOW), Event::Doubted(doubt));
    hear(&mut model, NOW, room(anchor("three", false)));
    let line = waits::waits(&model);
    assert_eq!((line.lead, line.loud), ("DO NOT TRUST THE RECORD", waits::Loud::Worst));
    assert!(line.what.contains("lost \u{241b}[2Jevents"), "{}", line.what);
    assert_eq!(
        line.age.map(warroom::domain::time::Span::as_secs),
        Some(7_200),
        "since it was first seen, whoever saw it"
    );
    update::update(&mut model, story::at(NOW), Event::Doubted(None));
    assert_ne!(waits::waits(&model).lead, "DO NOT TRUST THE RECORD");
}

/// Events that the seat asks for: the question's number, from where, how many.
fn asked_for(effects: &[Effect], incident: bool) -> Vec<(u64, u64, usize)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(ToRoom::Ask { n, ask: Ask::Events { from, limit, incident: of } })
                if of.is_some() == incident =>
            {
                Some((*n, *from, *limit))
            }
            _ => None,
        })
        .collect()
}

fn snapshot(story: &story::Story) -> FromRoom {
    FromRoom::Snapshot { state: Box::new(story.state.clone()), live: Box::default() }
}

#[test]
fn a_timeline_goes_on_where_large_events_cut_a_page_short() {
    let story = story::asked();
    let mut model = ana();
    let asked = asked_for(&hear(&mut model, NOW, snapshot(&story)), false);
    let [(n, 1, 300)] = asked[..] else { panic!("{asked:?}") };
    model.timeline.clear();
    let page = |n, from: usize, to: usize, next| FromRoom::Told {
        n,
        told: Told::Events { events: story.events[from..to].to_vec(), next },
    };
    let next = story.events[5].seq;
    let asked = asked_for(&hear(&mut model, NOW, page(n, 0, 5, Some(next))), false);
    let [(n, from, limit)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!((from, limit), (next, 300 + 1 - usize::try_from(next).unwrap()));
    let after = hear(&mut model, NOW, page(n, 5, story.events.len(), None));
    assert_eq!(asked_for(&after, false), []);
    let whole = ana();
    let seqs = |model: &Model| model.timeline.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&model), seqs(&whole));
    // A page that ends with what was asked for does not make it go on into what it has.
    let asked = asked_for(&hear(&mut model, NOW, snapshot(&story)), false);
    assert_eq!(asked_for(&hear(&mut model, NOW, page(asked[0].0, 0, 5, Some(301))), false), []);
}

/// What is shown never has a hole in it that nothing says.
#[test]
fn a_page_that_is_cut_off_by_a_lost_connection_is_asked_for_again() {
    let story = story::asked();
    let mut model = ana();
    let asked = asked_for(&hear(&mut model, NOW, snapshot(&story)), false);
    model.timeline.clear();
    let told = Told::Events { events: story.events[..5].to_vec(), next: Some(story.events[5].seq) };
    hear(&mut model, NOW, FromRoom::Told { n: asked[0].0, told });
    let lost = Event::Lost { why: "it fell".into(), retry_in: Span::secs(1), other_wire: false };
    update::update(&mut model, story::at(NOW), lost);
    assert!(model.timeline.iter().count() > 0, "what is known stays on the screen");
    let asked = asked_for(&hear(&mut model, NOW, snapshot(&story)), false);
    assert_eq!((asked[0].1, model.timeline.iter().count()), (1, 0));
    // Further behind than is asked for: what was known before would stand beside a hole.
    let mut model = ana();
    let mut later = story.state.clone();
    later.head += 1_000;
    hear(&mut model, NOW, FromRoom::Snapshot { state: Box::new(later), live: Box::default() });
    assert_eq!(model.timeline.iter().count(), 0);
}

#[test]
fn a_draft_passes_over_pages_in_which_nothing_is_its_own() {
    let mut model = ana();
    let asked = asked_for(&press(&mut model, NOW, "7"), true);
    let [(n, 1, _)] = asked[..] else { panic!("{asked:?}") };
    let told = Told::Events { events: Vec::new(), next: Some(2_001) };
    let asked = asked_for(&hear(&mut model, NOW, FromRoom::Told { n, told }), true);
    assert_eq!(asked.first().map(|(_, from, _)| *from), Some(2_001));
}
