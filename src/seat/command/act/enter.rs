//! Enter: acts on what is selected.

use super::{incident, walk};
use crate::{
    domain::{
        Command,
        plan::{BlockKind, Lead, Step},
        walk::{self as domain_walk, StepStatus, Walk, WalkCommand, sequence},
    },
    seat::{
        command::{self, Call},
        model::{
            Layer, Model, Pane, StepRef, Tone, View,
            find::number,
            layer::{Act, Choice},
            lines, when,
        },
        update::Effect,
    },
    wire::Steer,
};
use std::fmt::Write as _;

/// Acts on what is selected.
pub fn act(model: &mut Model, _: &[String]) -> Vec<Effect> {
    match model.ui.pane() {
        Pane::Runbook | Pane::Output => step(model),
        Pane::Tasks => super::task::choose(model),
        Pane::Timeline => {
            entry(model);
            Vec::new()
        }
        Pane::Logs => {
            line(model);
            Vec::new()
        }
        Pane::Health => {
            if model.ui.view == View::Metrics {
                model.say(
                    Tone::Info,
                    "left and right move the time cursor, z and Z look closer and further, p pins",
                );
            }
            model.ui.go(View::Metrics);
            Vec::new()
        }
        Pane::Releases => {
            let picked =
                model.released().get(model.ui.release).map(|one| format!("{}/{}", one.service, one.version));
            if let Some(artifact) = picked {
                command::invoke(model, Call::of("judge").with(artifact))
            } else {
                model.say(Tone::Info, "no release is known here; start warroom with --release DIR");
                Vec::new()
            }
        }
        Pane::Freezes => freeze(model),
        Pane::Draft | Pane::Todos => incident::answer_selected(model),
    }
}

fn freeze(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.freezes().get(model.ui.freeze).map(|freeze| freeze.id) else {
        return command::invoke(model, Call::of("freeze"));
    };
    let choice = |key, name: &'static str, detail: &str| Choice {
        key,
        label: name.into(),
        detail: detail.into(),
        act: Act::Call(Call::of(name).with(id.to_string())),
    };
    let choices = vec![
        choice('r', "renew", "its lease ends later"),
        choice('e', "exempt", "one artifact may pass"),
        choice('l', "lift", "deploys go on"),
    ];
    model.layers.push(Layer::Pick { title: id.to_string(), choices, at: 0 });
    Vec::new()
}

fn entry(model: &mut Model) {
    let shown = model.timeline.shown(model.incident_id(), &model.ui.timeline_filter);
    let picked =
        model.ui.timeline.selected().and_then(|seq| model.timeline.get(seq)).or(shown.last().copied());
    let Some(entry) = picked else {
        model.say(Tone::Info, "nothing has happened yet");
        return;
    };
    let by = if entry.who.is_empty() { "the room" } else { &entry.who };
    let text = format!("{}\n\nby {by} at {}", entry.what, crate::domain::time::rfc3339(entry.at.wall));
    // The cursor of all panes goes where the event is.
    let title = format!("Event {} at {}", entry.seq, when::minute(entry.at.wall, model.now.wall));
    let t = entry.at.wall.timestamp_millis();
    model.ui.cursor = Some(t);
    model.layers.push(Layer::Message { title, text, top: 0 });
}

fn line(model: &mut Model) {
    let (shown, _) = model.log_lines();
    let picked = model.ui.logs.selected();
    let Some(line) = shown.iter().find(|line| Some(lines::key(line)) == picked).or(shown.last()) else {
        model.say(Tone::Info, "there is no line");
        return;
    };
    let mut text = format!("{}\n\n", line.text);
    for (name, value) in &line.fields {
        let _ = writeln!(text, "{name} = {value}");
    }
    let _ = write!(text, "\n{} at {}", line.source, crate::domain::time::rfc3339(line.at));
    let title = format!("{} at {}", line.level.word(), when::minute(line.at, model.now.wall));
    let t = line.at.timestamp_millis();
    model.ui.cursor = Some(t);
    model.layers.push(Layer::Message { title, text, top: 0 });
}

fn choice(key: char, label: &str, detail: &str, act: Act) -> Choice {
    Choice { key, label: label.into(), detail: detail.into(), act }
}

fn step(model: &mut Model) -> Vec<Effect> {
    if model.walk().is_none_or(|walk| walk.ended.is_some()) {
        if model.walk().is_some() {
            model.say(Tone::Info, "checklist complete; W starts another runbook");
            return Vec::new();
        }
        return command::invoke(model, Call::of(if model.incident().is_some() { "walk" } else { "declare" }));
    }
    let Some((walk, step)) = model.step() else { return Vec::new() };
    let at = StepRef { walk: walk.id, step: step.id.clone() };
    let named = format!("step {} \"{}\"", number(walk, &step.id), walk.title(step));
    let status = walk.status(&step.id);
    if matches!(status, StepStatus::Todo | StepStatus::Failed)
        && let Err(why) = command::power::on_steps(model)
    {
        model.say(Tone::Wrong, format!("act: {why}"));
        return Vec::new();
    }
    match status {
        StepStatus::Todo => todo(model, &at),
        StepStatus::Lent => lent(model, &at, &named),
        StepStatus::Unknown => {
            model.say(
                Tone::Wrong,
                format!("nobody knows how far {named} came: look at the target, then T takes it over"),
            );
            Vec::new()
        }
        StepStatus::Done => {
            model.say(Tone::Info, format!("{named} is finished; :again runs it again, a deviation"));
            Vec::new()
        }
        StepStatus::Failed => {
            let choices = failed(walk, step, &at);
            model.layers.push(Layer::Pick { title: format!("{named} failed"), choices, at: 0 });
            Vec::new()
        }
    }
}

fn failed(walk: &Walk, step: &Step, at: &StepRef) -> Vec<Choice> {
    let take = |undo| {
        let shown = domain_walk::shown(walk, step, undo, false);
        Act::Take { walk: at.walk, step: at.step.clone(), undo, again: false, shown }
    };
    let mut all = vec![choice('a', "again", "take it once more", take(false))];
    if let sequence::Next::Failed(block) = sequence::next(walk, step) {
        all.push(choice(
            'o',
            "override",
            &format!("pass over {}: a deviation", block.id),
            Act::Call(Call::of("override")),
        ));
    }
    if step.of_kind(BlockKind::Undo).next().is_some() {
        all.push(choice('u', "undo", "run what takes it back", take(true)));
    }
    all.push(choice('e', "edit", "change the command: a deviation", Act::Call(Call::of("edit"))));
    all.push(choice('m', "by hand", "it was done outside: a deviation", Act::Call(Call::of("manual"))));
    all.push(choice('s', "skip", "leave it out: a deviation", Act::Call(Call::of("skip"))));
    all
}

fn lent(model: &mut Model, at: &StepRef, named: &str) -> Vec<Effect> {
    let Some((walk, _)) = walk::find(model, at) else { return Vec::new() };
    let state = walk.state(&at.step);
    if state.asked.is_some() {
        return command::invoke(model, Call::of("approve"));
    }
    let owner = state.lease.map(|lease| lease.owner);
    let mine = owner.as_ref().zip(model.me.as_ref()).is_some_and(|(owner, me)| owner.same(me));
    let show = model.hands.get(at);
    if show.is_some_and(|show| show.screen.is_some()) {
        if !mine {
            model.say(
                Tone::Info,
                format!("{named} has a terminal of {}'s", owner.map(|one| one.name).unwrap_or_default()),
            );
            return Vec::new();
        }
        model.layers.push(Layer::Terminal(at.clone()));
        let (cols, rows) = crate::seat::view::layout::terminal(model.ui.size);
        return model.steer(at.clone(), Steer::Resize { cols, rows });
    }
    if show.is_some_and(|show| show.over_time) {
        let choices = vec![
            choice('w', "wait", "five minutes more", Act::Call(Call::of("extend").with("5m"))),
            choice('k', "kill", "end its whole process group", Act::Call(Call::of("cancel"))),
            choice('c', "carry on", "an hour more", Act::Call(Call::of("extend").with("1h"))),
        ];
        model.layers.push(Layer::Pick {
            title: format!("{named} is killed when its time is over; give it more?"),
            choices,
            at: 0,
        });
        return Vec::new();
    }
    let who = owner.map(|one| one.name).unwrap_or_default();
    model.say(Tone::Info, format!("{who} runs {named}; c cancels, + gives it more time, T takes it over"));
    Vec::new()
}

fn todo(model: &mut Model, at: &StepRef) -> Vec<Effect> {
    let Some((walk, step)) = walk::find(model, at) else { return Vec::new() };
    match &step.lead {
        Some(Lead::Decide(branches)) => {
            let choices = branches
                .iter()
                .zip('1'..)
                .map(|(branch, key)| {
                    let choose = WalkCommand::Choose {
                        walk: at.walk,
                        step: at.step.clone(),
                        label: branch.label.clone(),
                    };
                    let to = walk
                        .runbook
                        .section(&branch.to)
                        .map_or(branch.to.as_str(), |section| section.title.as_str());
                    let first = branch
                        .label
                        .chars()
                        .next()
                        .filter(char::is_ascii_alphabetic)
                        .map(|c| c.to_ascii_lowercase());
                    let clash = first.is_none_or(|c| {
                        branches.iter().filter(|b| b.label.to_ascii_lowercase().starts_with(c)).count() > 1
                    });
                    let key = if clash { key } else { first.unwrap_or(key) };
                    let act = Act::Do(Box::new(Command::Walk(choose)), format!("chose {}", branch.label));
                    choice(key, &branch.label, &format!("goes on with {to}"), act)
                })
                .collect();
            let title = walk.title(step);
            model.layers.push(Layer::Pick { title, choices, at: 0 });
            return Vec::new();
        }
        Some(Lead::Approve(_)) if !step.runs() => return walk::take(model, at, false, false, None),
        _ => {}
    }
    if step.runs() && !step.blocks.iter().any(|block| block.annotated) {
        // Derived from plain Markdown: never run unasked.
        let code = walk::will_run(walk, step, false).join("\n");
        let raw: Vec<_> = step.of_kind(BlockKind::Run).map(|block| walk.as_shown(step, block)).collect();
        let shown = domain_walk::shown(walk, step, false, false);
        let confirm = WalkCommand::Confirm { walk: at.walk, step: at.step.clone(), seen: String::new() };
        let choices = vec![
            choice(
                'r',
                "run it here",
                "as you, on this machine",
                Act::Take { walk: at.walk, step: at.step.clone(), undo: false, again: false, shown },
            ),
            choice('y', "copy it", "to your terminal's clipboard", Act::Copy(raw.join("\n"))),
            choice(
                'd',
                "done",
                "it was done as written",
                Act::Do(Box::new(Command::Walk(confirm)), "ticked".into()),
            ),
        ];
        let title = format!("{}\n{code}", walk.title(step));
        model.layers.push(Layer::Pick { title, choices, at: 0 });
        return Vec::new();
    }
    if step.runs() {
        return walk::take(model, at, false, false, None);
    }
    let confirm = WalkCommand::Confirm { walk: at.walk, step: at.step.clone(), seen: String::new() };
    let say = format!("ticked \"{}\"", walk.title(step));
    model.act(Command::Walk(confirm), say)
}
