//! The walk: started, steps taken, approved, edited, cancelled, taken over.

use super::say::arg;
use crate::{
    domain::{
        Command,
        id::Digest,
        plan::{BlockKind, Risk, Step},
        time::Span,
        walk::{self, Confirmation, StepStatus, Walk, WalkCommand},
    },
    seat::{
        command::{self, Call},
        model::{
            Layer, Model, StepRef, Tone,
            find::number,
            layer::{Act, Approval, Confirm},
            pending::Then,
        },
        update::Effect,
        view::widget::field::Field,
    },
    wire::Steer,
};
use std::collections::BTreeMap;

/// Starts a runbook.
pub fn start(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let wanted = arg(given, 0);
    let Some(runbook) =
        model.runbooks.iter().find(|book| book.title == wanted || book.source == wanted).cloned()
    else {
        model.say(Tone::Wrong, format!("there is no runbook {wanted:?}; W lists those that are known"));
        return Vec::new();
    };
    let incident = model.open_incident().map(|incident| incident.id);
    let inputs = BTreeMap::new();
    // A drill's have stand-ins in them: there is no text of theirs.
    let start = match model.texts.get(&runbook.hash) {
        Some(text) => {
            let (source, text) = (runbook.source.clone(), text.clone());
            WalkCommand::Load { incident, source, text, inputs }
        }
        None => WalkCommand::Start { incident, runbook, inputs },
    };
    model.command(Command::Walk(start), Then::Walk)
}

/// The step one means: by its place, with its walk.
pub(super) fn here(model: &Model) -> Option<StepRef> {
    model.step().map(|(walk, step)| StepRef { walk: walk.id, step: step.id.clone() })
}

/// A step and its walk.
pub(super) fn find<'a>(model: &'a Model, at: &StepRef) -> Option<(&'a Walk, &'a Step)> {
    let walk = model.state.walks.get(&at.walk)?;
    walk.runbook.step(&at.step).map(|step| (walk, step))
}

/// Code of what a step will run, with where it runs, line by line.
pub fn will_run(walk: &Walk, step: &Step, undo: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let blocks = step.blocks.iter().filter(|block| match block.kind {
        BlockKind::Undo => undo,
        BlockKind::Sample | BlockKind::Expect => false,
        _ => !undo,
    });
    for block in blocks {
        let host = block.host.as_deref().map(|host| format!(" on {host}")).unwrap_or_default();
        let edited = if walk.edits.contains_key(&block.id) { ", EDITED" } else { "" };
        let kind = match block.kind {
            BlockKind::Guard => "guard",
            BlockKind::Check => "check",
            BlockKind::Verify => "verify",
            BlockKind::Undo => "undo",
            _ => "run",
        };
        lines.push(format!("{kind} {}{host}{edited}", block.id));
        let code = walk.as_shown(step, block);
        lines.extend(code.lines().map(|line| format!("  {}", crate::domain::text::line(line))));
    }
    lines
}

/// Takes a step: what it wants is asked first, then the room lends it, then its hand is started.
pub fn take(model: &mut Model, at: &StepRef, undo: bool, again: bool, seen: Option<Digest>) -> Vec<Effect> {
    let Some((walk, step)) = find(model, at) else { return Vec::new() };
    let shown = seen.unwrap_or_else(|| walk::shown(walk, step, undo, again));
    if let Some(name) = walk.missing(step).first().filter(|_| !undo) {
        let call = Call::of("inputs").with(name.clone());
        return command::invoke(model, call);
    }
    let risk = if undo {
        step.of_kind(BlockKind::Undo).map(|block| block.risk).max().unwrap_or_default()
    } else {
        step.risk()
    };
    let target = walk.target(step);
    let act = Act::Take { walk: at.walk, step: at.step.clone(), undo, again, shown };
    let verb = if undo { "undoes" } else { "runs" };
    let host = &model.host;
    let by = model.my_name();
    let sentence = format!(
        "This {verb} step {} \"{}\" as {by} on {host}, acting on {target}.",
        number(walk, &step.id),
        walk.title(step)
    );
    let lines = will_run(walk, step, undo);
    let typed = match risk {
        Risk::Low => return send_take(model, at, (undo, again), Confirmation::Enter, shown),
        Risk::High => None,
        Risk::Irreversible => Some(target),
    };
    model.layers.push(Layer::Confirm(Confirm {
        sentence,
        lines,
        typed,
        top: 0,
        field: Field::default(),
        act,
    }));
    Vec::new()
}

/// Asks the room to lend the step.
pub fn send_take(
    model: &mut Model,
    at: &StepRef,
    (undo, again): (bool, bool),
    confirm: Confirmation,
    shown: Digest,
) -> Vec<Effect> {
    let Some((_, step)) = find(model, at) else { return Vec::new() };
    let runs = step.runs() || undo;
    let hand = model.pending.name();
    let (walk, slug) = (at.walk, at.step.clone());
    let then = if runs {
        Then::Hand { walk, step: slug.clone(), hand }
    } else {
        Then::Say("the approval is asked for".into())
    };
    let host = model.host.clone();
    model.command(
        Command::Walk(WalkCommand::Take {
            walk,
            step: slug,
            hand,
            host,
            confirm,
            undo,
            again,
            shown: Some(shown),
        }),
        then,
    )
}

/// Whether this seat's person asks for the approval: took the step, or changed what it would run.
pub fn is_requester(model: &Model, at: &StepRef) -> bool {
    find(model, at).zip(model.me.as_ref()).is_some_and(|((walk, step), me)| {
        walk.state(&at.step).asked.is_some() && walk::approval::asked_for(walk, step, me)
    })
}

/// Shows exactly what would be approved.
pub fn approve(model: &mut Model, _: &[String]) -> Vec<Effect> {
    if let Some((walk, step, asked)) = model.asked() {
        let open = Approval {
            at: StepRef { walk: walk.id, step: step.id.clone() },
            digest: asked.digest,
            top: 0,
            glass: None,
        };
        model.layers.push(Layer::Approval(open));
    }
    Vec::new()
}

/// Says no.
pub fn reject(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some((walk, step, _)) = model.asked() else { return Vec::new() };
    let (walk, step) = (walk.id, step.id.clone());
    model.act(Command::Walk(WalkCommand::Reject { walk, step, reason: arg(given, 0).into() }), "rejected")
}

/// Opens the step's command in the editor.
pub fn edit(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let found = model.step().and_then(|(walk, step)| {
        let block = step
            .of_kind(BlockKind::Run)
            .chain(step.blocks.iter().filter(|block| block.kind != BlockKind::Sample))
            .next()?;
        Some((walk.id, step.id.clone(), block.id.clone(), walk.code(block).to_owned(), block.lang.clone()))
    });
    if let Some((walk, step, block, code, lang)) = found {
        vec![Effect::EditFile { walk, step, block, code, lang }]
    } else {
        model.say(Tone::Info, "there is no command in this step");
        Vec::new()
    }
}

/// Enters a value; then the step that wanted it is acted on once more.
pub fn input(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(walk) = model.walk() else { return Vec::new() };
    let id = walk.id;
    let name = arg(given, 0).to_owned();
    let wanted = model.step().is_some_and(|(walk, step)| {
        walk.status(&step.id) == StepStatus::Todo && step.runs() && walk.missing(step).contains(&name)
    });
    let secret = walk.runbook.front.inputs.iter().any(|input| input.name == name && input.secret);
    if secret {
        model.say(Tone::Info, format!("{name} is a secret: its hand asks for it, and nothing keeps it"));
        return Vec::new();
    }
    let say = format!("{name} is set");
    let set = WalkCommand::SetInput { walk: id, name, value: arg(given, 1).to_owned() };
    model.command(Command::Walk(set), if wanted { Then::Act } else { Then::Say(say) })
}

/// Runs the undo of the step.
pub fn undo(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(at) = here(model) else { return Vec::new() };
    if find(model, &at).is_none_or(|(_, step)| step.of_kind(BlockKind::Undo).next().is_none()) {
        model.say(Tone::Info, "this step has no undo");
        return Vec::new();
    }
    take(model, &at, true, false, None)
}

/// Runs a finished step again.
pub fn again(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(at) = here(model) else { return Vec::new() };
    take(model, &at, false, true, None)
}

/// The step that a hand has: the open one where it is, else any.
pub(super) fn lent(model: &Model) -> Option<StepRef> {
    let open = model.step().filter(|(walk, step)| walk.status(&step.id) == StepStatus::Lent);
    let found = open.or_else(|| model.running().map(|(walk, step, _)| (walk, step)));
    found.map(|(walk, step)| StepRef { walk: walk.id, step: step.id.clone() })
}

/// Ends what runs.
pub fn cancel(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(at) = lent(model) else { return Vec::new() };
    let what =
        find(model, &at).map_or(String::new(), |(walk, step)| format!("step {}", number(walk, &step.id)));
    model.say(Tone::Info, format!("{what} is told to end; its result will say how"));
    model.steer(at, Steer::Cancel)
}

/// Gives it more time.
pub fn extend(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(at) = lent(model) else { return Vec::new() };
    match arg(given, 0).parse::<Span>() {
        Ok(more) => {
            if let Err(refusal) = walk::extension(more) {
                model.say(Tone::Wrong, refusal.to_string());
                return Vec::new();
            }
            model.say(Tone::Info, format!("{} more", more.brief()));
            model.steer(at, Steer::Extend(more))
        }
        Err(error) => {
            model.say(Tone::Wrong, error.to_string());
            Vec::new()
        }
    }
}

/// Takes an unknown or stuck step over.
pub fn take_over(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let taken = |status| matches!(status, StepStatus::Lent | StepStatus::Unknown);
    let open = model
        .step()
        .filter(|(walk, step)| taken(walk.status(&step.id)))
        .map(|(walk, step)| (walk.id, step.id.clone()));
    let any = || {
        let mut all: Vec<_> = model.step_states().filter(|(_, _, state)| taken(state.status)).collect();
        all.sort_by_key(|(_, _, state)| state.status != StepStatus::Unknown);
        all.first().map(|(walk, slug, _)| (walk.id, (*slug).clone()))
    };
    let Some((walk, step)) = open.or_else(any) else { return Vec::new() };
    let over = WalkCommand::TakeOver { walk, step, reason: arg(given, 0).into() };
    model.act(Command::Walk(over), "it is yours to decide: guard and checks are asked first when you take it")
}

/// Ends the walk.
pub fn abandon(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(walk) = model.walk_id() else { return Vec::new() };
    model
        .act(Command::Walk(WalkCommand::Abandon { walk, reason: arg(given, 0).into() }), "the walk has ended")
}

/// Looks at another walk.
pub fn look(model: &mut Model, given: &[String]) -> Vec<Effect> {
    match arg(given, 0).parse() {
        Ok(id) => {
            (model.ui.walk, model.ui.step) = (Some(id), None);
            Vec::new()
        }
        Err(error) => {
            let error: crate::domain::id::NotAnId = error;
            model.say(Tone::Wrong, error.to_string());
            Vec::new()
        }
    }
}
