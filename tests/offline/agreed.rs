//! What all rooms must agree on, done under broken glass, and what becomes of it when the journal is back.

use crate::house::{House, declare, give, is_offline, note, one, refusal, said, same, until};
use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, process::Output};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Event, Fact, State,
        conflict::ConflictCommand,
        deviation::{DeviationCommand, DeviationKind, ReasonCode},
        freeze::FreezeCommand,
        gate::GateFact,
        handover::HandoverCommand,
        id::{ConflictId, Digest, FreezeId, IncidentId, TaskId, WalkId},
        refusal::Code,
        task::TaskCommand,
        time::{BootId, Span},
        walk::{
            BlockDone, BlockResult, Confirmation, Deviate, ProcessRef, StepStatus, WalkCommand, WalkFact,
            shown,
        },
    },
    os::process::ProcessId,
    wire::Outcome,
};

const BOOK: &str = "# Put it back\n\n1. [ ] **APPROVE** Put the old release back\n\n   \
                    ```bash {name=act kind=run}\n   true\n   ```\n\n2. [ ] Look at it\n\n   \
                    ```bash {name=look kind=run}\n   true\n   ```\n";

fn start() -> Command {
    let (source, text) = ("back.md".into(), BOOK.to_owned());
    Command::Walk(WalkCommand::Load { incident: None, source, text, inputs: BTreeMap::new() })
}

/// A hand as the room sees it: what it would send.
#[derive(Clone)]
struct Hand {
    id: Uuid,
    walk: WalkId,
    step: String,
    shown: Option<Digest>,
}

impl Hand {
    /// For the step at this place.
    async fn of(house: &House, place: usize) -> Self {
        let state = house.state().await;
        let walk = state.walks.values().next_back().unwrap();
        let step = walk.runbook.steps().nth(place).unwrap().id.clone();
        let shown = walk.runbook.step(&step).map(|step| shown(walk, step, false, false));
        Self { id: Uuid::new_v4(), walk: walk.id, step, shown }
    }

    fn take(&self) -> Command {
        Command::Walk(WalkCommand::Take {
            walk: self.walk,
            step: self.step.clone(),
            hand: self.id,
            host: warroom::os::host_name(),
            confirm: Confirmation::Second,
            undo: false,
            again: false,
            shown: self.shown,
        })
    }

    fn attach(&self) -> Command {
        let ProcessId { pid, start, boot: BootId(boot) } = ProcessId::me();
        let process = ProcessRef { pid, start, boot };
        let (walk, step, hand) = (self.walk, self.step.clone(), self.id);
        Command::Walk(WalkCommand::Attach { walk, step, hand, process, carry: None })
    }

    fn intend(&self, block: &str) -> Command {
        let (walk, step, hand) = (self.walk, self.step.clone(), self.id);
        Command::Walk(WalkCommand::Intend { walk, step, hand, block: block.into() })
    }

    fn report(&self, block: &str) -> Command {
        let done = BlockDone {
            block: block.into(),
            result: BlockResult::Passed,
            exit: Some(0),
            seen: format!("{block} went well"),
            took: Span::secs(1),
            evidence: None,
            captured: None,
        };
        let (walk, step, hand) = (self.walk, self.step.clone(), self.id);
        Command::Walk(WalkCommand::Report { walk, step, hand, done, carry: None })
    }

    fn approve(&self, digest: Digest) -> Command {
        let (walk, step) = (self.walk, self.step.clone());
        Command::Walk(WalkCommand::Approve { walk, step, digest, glass: None })
    }

    fn status(&self, state: &State) -> StepStatus {
        state.walks[&self.walk].state(&self.step).status
    }

    fn begun(&self, state: &State, block: &str) -> u32 {
        state.walks[&self.walk].state(&self.step).begun.get(block).copied().unwrap_or_default()
    }
}

/// Done with the journal's consent; sent again where a slow disk made the room doubt it for a moment.
async fn ok(house: &House, command: Command) {
    let id = CommandId(Uuid::now_v7());
    until("it is done", async || {
        let outcome = house.client().await.command(id, command.clone()).await.unwrap();
        assert!(
            !matches!(outcome, Outcome::Refused(_)) || house.status().await.away.is_some(),
            "{outcome:?}"
        );
        matches!(outcome, Outcome::Ok { offline: false, .. })
    })
    .await;
}

async fn kept(house: &House, command: Command) {
    let outcome = house.does(command).await;
    assert!(is_offline(&outcome), "{outcome:?}");
}

async fn kept_under_glass(house: &House, command: Command) {
    assert_eq!(refusal(house.does(command.clone()).await).code, Code::NeedsMore);
    let outcome = house.under_glass(command).await;
    assert!(is_offline(&outcome), "{outcome:?}");
}

/// Another person, as the kernel proves them: the real program under another user. None where nobody can be another.
struct Other {
    dir: tempfile::TempDir,
}

impl Other {
    fn new(house: &House) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("needs several users: run as root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        open(dir.path(), 0o755);
        open(house.socket.parent().unwrap(), 0o755);
        open(&house.socket, 0o666);
        let binary = std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").into());
        let copied = std::process::Command::new("cp").arg(binary).arg(dir.path().join("warroom")).status();
        assert!(copied.unwrap().success());
        Some(Self { dir })
    }

    async fn runs(&self, house: &House, args: &[&str]) -> Output {
        self.runs_as(1, house, args).await
    }

    async fn runs_as(&self, uid: u32, house: &House, args: &[&str]) -> Output {
        let uid = uid.to_string();
        tokio::process::Command::new("setpriv")
            .args(["--reuid", &uid, "--regid", &uid, "--clear-groups"])
            .arg(self.dir.path().join("warroom"))
            .arg("--socket")
            .arg(&house.socket)
            .args(args)
            .env("XDG_STATE_HOME", "/nonexistent")
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .output()
            .await
            .unwrap()
    }
}

/// A walk whose first step is taken and waits for an approval, at both rooms.
async fn asked(houses: &[House]) -> (Hand, Digest) {
    ok(&houses[0], start()).await;
    let hand = Hand::of(&houses[0], 0).await;
    ok(&houses[0], hand.take()).await;
    ok(&houses[0], hand.attach()).await;
    same(houses).await;
    let asked = houses[0].state().await.walks[&hand.walk].state(&hand.step).asked.unwrap();
    (hand, asked.digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_under_glass_is_another_persons_and_stands_when_the_journal_is_back() {
    let (_ground, houses) = House::several(2).await;
    let Some(other) = Other::new(&houses[0]) else { return };
    let (hand, digest) = asked(&houses).await;
    houses[0].away().await;
    // Broken glass stands in for the other rooms, not for the other person.
    assert_eq!(refusal(houses[0].under_glass(hand.approve(digest)).await).code, Code::Forbidden);
    assert_eq!(refusal(houses[0].does(hand.intend("act")).await).code, Code::Conflict);
    let tried = other.runs(&houses[0], &["step", "approve"]).await;
    let why = String::from_utf8_lossy(&tried.stderr).into_owned();
    assert!(tried.status.code() == Some(1) && why.contains("--reason \"why\""), "{tried:?}");
    let done = other.runs(&houses[0], &["step", "approve", "--reason", "the database is gone"]).await;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("OFFLINE"), "{done:?}");
    assert!(houses[1].state().await.walks[&hand.walk].state(&hand.step).approvals.is_empty());
    for command in [hand.intend("act"), hand.report("act")] {
        kept(&houses[0], command).await;
    }
    assert_eq!(hand.status(&houses[0].state().await), StepStatus::Done);
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert!(state.conflicts.is_empty(), "{:?}", state.conflicts);
    assert_eq!(hand.status(&state), StepStatus::Done);
    let events = houses[1].events().await;
    let approved =
        events.iter().find(|event| matches!(event.fact, Fact::Walk(WalkFact::Approved { .. }))).unwrap();
    assert_eq!(approved.actor.uid, Some(1));
    let offline = approved.offline.as_ref().unwrap();
    assert_eq!((offline.provisional, offline.glass.as_deref()), (false, Some("the database is gone")));
    assert!(state.deviations.values().any(|one| one.what.kind == DeviationKind::BrokenGlass));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_what_was_rejected_elsewhere_is_a_conflict_and_so_is_what_ran_by_it() {
    let (_ground, houses) = House::several(2).await;
    let Some(other) = Other::new(&houses[0]) else { return };
    let (hand, _) = asked(&houses).await;
    houses[0].away().await;
    let done = other.runs(&houses[0], &["step", "approve", "--reason", "the database is gone"]).await;
    assert!(done.status.success(), "{done:?}");
    for command in [hand.intend("act"), hand.report("act")] {
        kept(&houses[0], command).await;
    }
    let (walk, step) = (hand.walk, hand.step.clone());
    ok(&houses[1], Command::Walk(WalkCommand::Reject { walk, step, reason: "not now".into() })).await;
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    let told: Vec<_> = state.conflicts.values().map(|one| one.what.said.as_str()).collect();
    println!("{told:#?}");
    assert_eq!(told.len(), 3, "the approval, that the block began, and how it ended");
    let first = &state.conflicts[&ConflictId(1)].what;
    assert_eq!((first.by.uid, first.glass.as_deref()), (Some(1), Some("the database is gone")));
    assert!(first.said.contains("approved") && first.why.contains("no approval is asked"), "{first:?}");
    assert!(told[1].contains("act begins") && told[2].contains("act"), "{told:?}");
    assert_eq!(hand.begun(&state, "act"), 0, "what all agree on is that it was rejected");
    // It happened all the same, and a person says so.
    let keep = ConflictCommand::Keep { conflict: ConflictId(3), reason: "it ran".into() };
    ok(&houses[1], Command::Conflict(keep)).await;
    assert!(one(&houses[1].events().await, "act").offline.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_that_was_lent_before_reports_needs_no_glass() {
    let (_ground, houses) = House::several(2).await;
    ok(&houses[0], start()).await;
    let hand = Hand::of(&houses[0], 1).await;
    ok(&houses[0], hand.take()).await;
    ok(&houses[0], hand.attach()).await;
    ok(&houses[0], hand.intend("look")).await;
    same(&houses).await;
    houses[0].away().await;
    kept(&houses[0], hand.report("look")).await;
    // The other room does not know, and does not lend it.
    let second = Hand { id: Uuid::new_v4(), ..hand.clone() };
    assert_eq!(refusal(houses[1].does(second.take()).await).code, Code::Conflict);
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert_eq!((hand.status(&state), state.conflicts.len()), (StepStatus::Done, 0));
    let events = houses[1].events().await;
    let reported = |event: &&Event| {
        serde_json::to_string(&event.fact).unwrap().contains("look went well") && event.offline.is_some()
    };
    let event = events.iter().find(reported).unwrap();
    let offline = event.offline.as_ref().unwrap();
    assert!(offline.glass.is_none() && event.occurred.wall <= offline.at && offline.at < event.recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_two_rooms_lent_is_a_conflict_and_neither_runs_it_again() {
    let (_ground, houses) = House::several(2).await;
    ok(&houses[0], start()).await;
    same(&houses).await;
    let hand = Hand::of(&houses[0], 1).await;
    houses[0].away().await;
    kept_under_glass(&houses[0], hand.take()).await;
    for command in [hand.attach(), hand.intend("look")] {
        kept(&houses[0], command).await;
    }
    // One room lends it once, with or without the journal.
    let again = Hand { id: Uuid::new_v4(), ..hand.clone() };
    assert_eq!(refusal(houses[0].under_glass(again.take()).await).code, Code::Conflict);
    let theirs = Hand { id: Uuid::new_v4(), ..hand.clone() };
    for command in [theirs.take(), theirs.attach(), theirs.intend("look")] {
        ok(&houses[1], command).await;
    }
    houses[0].back().await;
    same(&houses).await;
    let state = houses[0].state().await;
    let told: Vec<_> = state.conflicts.values().map(|one| one.what.said.as_str()).collect();
    println!("{told:#?}");
    assert_eq!(told.len(), 2, "that it was lent, and that the block began");
    assert!(state.conflicts[&ConflictId(1)].what.glass.is_some());
    assert!(told[0].contains("took") && told[1].contains("look begins"), "{told:?}");
    let lease = state.walks[&hand.walk].state(&hand.step).lease.unwrap();
    assert_eq!(lease.hand, theirs.id, "all agree on the one that the journal knew first");
    // The hand of the other one is told no at its next word: what it ran it ran once.
    assert_eq!(refusal(houses[0].does(hand.report("look")).await).code, Code::Conflict);
    assert_eq!(refusal(houses[0].does(hand.intend("look")).await).code, Code::Conflict);
    assert_eq!(refusal(houses[0].does(again.take()).await).code, Code::Conflict);
    ok(&houses[1], theirs.report("look")).await;
    same(&houses).await;
    let state = houses[0].state().await;
    assert_eq!((hand.status(&state), hand.begun(&state, "look")), (StepStatus::Done, 1));
    // A person decides what becomes of what the first one did.
    for (n, keeps) in [(1, true), (2, false)] {
        let (conflict, reason) = (ConflictId(n), "bo looked at the target".to_owned());
        ok(
            &houses[1],
            Command::Conflict(if keeps {
                ConflictCommand::Keep { conflict, reason }
            } else {
                ConflictCommand::SetAside { conflict, reason }
            }),
        )
        .await;
    }
    same(&houses).await;
    assert!(houses[0].state().await.conflicts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_was_begun_meanwhile_is_found_again_under_its_new_name() {
    let (_ground, houses) = House::several(2).await;
    houses[0].away().await;
    kept(&houses[0], start()).await;
    let hand = Hand::of(&houses[0], 1).await;
    kept_under_glass(&houses[0], hand.take()).await;
    for command in [hand.attach(), hand.intend("look"), hand.report("look")] {
        kept(&houses[0], command).await;
    }
    let (walk, step) = (hand.walk, Hand::of(&houses[0], 0).await.step);
    let skip = WalkCommand::Deviate {
        walk,
        step: step.clone(),
        what: Deviate::Skip,
        code: None,
        confirm: Confirmation::Second,
        host: String::new(),
    };
    kept(&houses[0], Command::Walk(skip)).await;
    ok(&houses[1], start()).await;
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert!(state.conflicts.is_empty(), "{:?}", state.conflicts);
    assert_eq!(state.walks.len(), 2);
    let mine = Hand { walk: WalkId(2), ..hand.clone() };
    assert_eq!((hand.status(&state), mine.status(&state)), (StepStatus::Todo, StepStatus::Done));
    let kinds: Vec<_> = state.deviations.values().map(|one| (one.what.walk, one.what.kind)).collect();
    assert!(kinds.contains(&(Some(WalkId(2)), DeviationKind::Skip)), "{kinds:?}");
    assert!(!kinds.iter().any(|(walk, _)| *walk == Some(WalkId(1))), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_a_freeze_under_glass_shuts_and_opens_nothing_until_all_know() {
    let (_ground, houses) = House::several(2).await;
    let freeze = FreezeId(1);
    ok(&houses[0], crate::house::freeze(None)).await;
    same(&houses).await;
    let before = houses[1].state().await.freezes[&freeze].ends.wall;
    houses[0].away().await;
    let renew = FreezeCommand::Renew { freeze, lease: Span::hours(5), reason: "burning on".into() };
    kept_under_glass(&houses[0], Command::Freeze(renew)).await;
    let refused = houses[0].gate().await;
    assert_eq!((refused.allowed, refused.freeze), (false, Some(freeze)));
    // One artifact may pass it, says this room; whether another room froze since nobody knows.
    let (artifact, reason) = ("shop@2".to_owned(), "it is the fix".to_owned());
    kept_under_glass(
        &houses[0],
        Command::Freeze(FreezeCommand::Exempt { freeze, artifact, reason, glass: true }),
    )
    .await;
    let unknown = houses[0].gate().await;
    assert_eq!((unknown.allowed, unknown.because.exit()), (false, 12), "{unknown:?}");
    kept(&houses[0], note("what happened meanwhile")).await;
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert!(state.freezes[&freeze].ends.wall > before);
    assert_eq!(state.freezes[&freeze].exemptions.len(), 1);
    assert!(houses[1].gate().await.allowed, "all know of it now");
    // What the gate refused meanwhile stands there, at its own time.
    let events = houses[1].events().await;
    let asked = |event: &&Event| matches!(event.fact, Fact::Gate(GateFact::Refused { .. }));
    let meanwhile: Vec<_> = events.iter().filter(asked).filter(|event| event.offline.is_some()).collect();
    let note = events.iter().find(|event| said(event) == Some("what happened meanwhile")).unwrap();
    assert!(!meanwhile.is_empty() && meanwhile.iter().all(|event| event.seq < note.seq));
    assert!(meanwhile.iter().all(|event| event.occurred.wall < event.recorded));
}

#[tokio::test(flavor = "multi_thread")]
async fn command_that_was_taken_offline_is_taken_from_the_one_who_had_it_then() {
    let (_ground, houses) = House::several(2).await;
    let Some(other) = Other::new(&houses[0]) else { return };
    let third = Other::new(&houses[1]).unwrap();
    ok(&houses[0], declare("checkout 5xx")).await;
    same(&houses).await;
    let commander = async |house: &House| {
        house.state().await.incidents[&IncidentId(1)].commander().unwrap_or_default().to_owned()
    };
    let first = commander(&houses[0]).await;
    let take = ["take-command", "--reason", "they do not answer", "--glass", "the database is gone"];
    houses[0].away().await;
    assert_eq!(other.runs(&houses[0], &take[..3]).await.status.code(), Some(1), "it takes broken glass");
    let done = other.runs(&houses[0], &take).await;
    assert!(done.status.success(), "{done:?}");
    let second = commander(&houses[0]).await;
    assert_ne!(first, second);
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert_eq!((commander(&houses[1]).await, state.conflicts.len()), (second.clone(), 0));

    houses[0].away().await;
    let back = HandoverCommand::Take { incident: IncidentId(1), reason: "they left".into(), from: None };
    kept_under_glass(&houses[0], Command::Handover(back)).await;
    assert_eq!(commander(&houses[0]).await, first);
    // Meanwhile somebody else has it, whom the first one knows nothing of.
    let done = third.runs_as(2, &houses[1], &take[..3]).await;
    assert!(done.status.success(), "{done:?}");
    let now = commander(&houses[1]).await;
    houses[0].back().await;
    same(&houses).await;
    assert_eq!(commander(&houses[0]).await, now, "nobody is replaced who was not meant");
    let state = houses[1].state().await;
    let what = &state.conflicts[&ConflictId(1)].what;
    assert!(what.why.contains(&format!("{now} commands INC-1 now")), "{what:?}");
    assert!(what.said.contains("they left") && what.glass.is_some(), "{what:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deviations_and_tasks_of_then_stand_with_their_own_time() {
    let (_ground, houses) = House::several(2).await;
    ok(&houses[0], declare("checkout 5xx")).await;
    ok(&houses[0], give(1, "look at the pool")).await;
    same(&houses).await;
    houses[0].away().await;
    let (incident, task) = (IncidentId(1), TaskId(1));
    let actual = "restarted the pool by hand".to_owned();
    let unlisted = DeviationCommand::Unlisted { incident, actual, host: "db-1".into(), code: None };
    kept(&houses[0], Command::Deviation(unlisted)).await;
    let deviation = *houses[0].state().await.deviations.keys().next_back().unwrap();
    let text = "the runbook waits for the database".to_owned();
    let reason = DeviationCommand::Reason { deviation, code: ReasonCode::Other, text };
    kept(&houses[0], Command::Deviation(reason)).await;
    let done = TaskCommand::Done { incident, task, result: "it was full".into() };
    kept(&houses[0], Command::Task(done)).await;
    // The other room gives the same names meanwhile.
    let theirs = "took a node out".to_owned();
    let unlisted = DeviationCommand::Unlisted { incident, actual: theirs, host: "db-2".into(), code: None };
    ok(&houses[1], Command::Deviation(unlisted)).await;
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert!(state.conflicts.is_empty(), "{:?}", state.conflicts);
    let owed = |part: &str| {
        let one = state.deviations.values().find(|one| one.what.actual.contains(part)).unwrap();
        one.reason.is_none()
    };
    assert!(!owed("by hand") && owed("a node"), "the reason is the one's that it was given for");
    let events = houses[1].events().await;
    let offline: Vec<_> = events.iter().filter(|event| event.offline.is_some()).collect();
    assert_eq!(offline.len(), 3);
    assert!(
        offline.iter().all(|event| event.occurred.wall < event.recorded && event.stream == Some(incident))
    );
}
