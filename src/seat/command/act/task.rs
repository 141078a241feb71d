//! Tasks, and the reports that they come of.

use super::say::{arg, on, span};
use crate::{
    domain::{
        Command,
        id::TaskId,
        report::ReportCommand,
        task::{Task, TaskCommand},
    },
    seat::{
        command::{self, Call},
        model::{
            Layer, Model, Tone,
            layer::{Act, Choice},
        },
        update::Effect,
    },
};

/// Gives somebody a task.
pub fn give(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Ok(within) = span(model, arg(given, 1)) else { return Vec::new() };
    let (owner, text) = (arg(given, 0).to_owned(), arg(given, 2).to_owned());
    let say = if owner == model.my_name() {
        String::from("you have it")
    } else {
        format!("{owner} has it, and acknowledges it")
    };
    on(model, |incident| Command::Task(TaskCommand::Give { incident, text, owner, within }), &say)
}

fn which(model: &mut Model, given: &[String]) -> Option<TaskId> {
    let task = arg(given, 0).parse().ok();
    if task.is_none() {
        model.say(Tone::Wrong, format!("{:?} is no task: write it like TSK-4", arg(given, 0)));
    }
    task
}

/// It is done.
pub fn done(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(task) = which(model, given) else { return Vec::new() };
    let result = arg(given, 1).to_owned();
    on(model, |incident| Command::Task(TaskCommand::Done { incident, task, result }), "the task is done")
}

/// Its owner has it.
pub fn acknowledge(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(task) = which(model, given) else { return Vec::new() };
    on(
        model,
        |incident| Command::Task(TaskCommand::Acknowledge { incident, task }),
        "you have it; its clock runs",
    )
}

/// How it stands.
pub fn report(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(task) = which(model, given) else { return Vec::new() };
    let text = arg(given, 1).to_owned();
    on(model, |incident| Command::Task(TaskCommand::Report { incident, task, text }), "reported")
}

/// More time for its owner.
pub fn extend(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(task) = which(model, given) else { return Vec::new() };
    let Ok(Some(more)) = span(model, arg(given, 1)) else { return Vec::new() };
    let say = format!("{task} has {more} more");
    on(model, |incident| Command::Task(TaskCommand::Extend { incident, task, more }), &say)
}

/// To somebody else.
pub fn assign(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(task) = which(model, given) else { return Vec::new() };
    let owner = arg(given, 1).to_owned();
    let say = format!("{owner} has {task}, and acknowledges it");
    let make = |incident| Command::Task(TaskCommand::Assign { incident, task, owner, within: None });
    on(model, make, &say)
}

/// What can be done about the selected task, each by its key.
pub fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(task) = model.selected_task().cloned() else {
        return command::invoke(model, Call::of("task"));
    };
    let title = format!("{} {}", task.id, crate::seat::model::entry::one(&task.text));
    if let Some((_, result)) = &task.done {
        model.say(Tone::Info, format!("{title} is done: {result}"));
        return Vec::new();
    }
    let choices = choices(&task, model.my_name());
    model.layers.push(Layer::Pick { title: format!("{title}{}", told(&task)), choices, at: 0 });
    Vec::new()
}

fn told(task: &Task) -> String {
    let owner = task.owner.as_deref().unwrap_or("nobody");
    let mut lines = vec![format!("{owner} has it, given by {}", task.by)];
    if task.waits_for_acknowledgement() {
        lines.push("not acknowledged so far".into());
    }
    if task.extended > 0 {
        lines.push(format!("got more time, {} so far", times(task.extended)));
    }
    lines.extend(task.reported.as_ref().map(|word| format!("{}: {}", word.by, word.text)));
    format!("\n  {}", lines.join("\n  "))
}

fn times(n: u32) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

fn choices(task: &Task, me: &str) -> Vec<Choice> {
    let choice = |key, label: &str, detail: &str, name| Choice {
        key,
        label: label.into(),
        detail: detail.into(),
        act: Act::Call(Call::of(name).with(task.id.to_string())),
    };
    let mut all = Vec::new();
    if task.owner.as_deref() == Some(me) && task.acknowledged.is_none() {
        all.push(choice('k', "acknowledge", "you have it", "task-ack"));
    }
    if task.owner.is_none() {
        all.push(choice('a', "assign", "to one named person", "task-assign"));
    }
    all.push(choice('d', "done", "with what result", "task-done"));
    if task.owner.is_some() {
        all.push(choice('r', "report", "how it stands", "task-report"));
        all.push(choice('+', "extend", "more time for its owner", "task-extend"));
        all.push(choice('a', "reassign", "to somebody else, whose time begins", "task-assign"));
    }
    all
}

/// A CAN report.
pub fn can(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let (conditions, actions) = (arg(given, 0).to_owned(), arg(given, 1).to_owned());
    let words = arg(given, 2).trim();
    let none = ["", "-", "none", "no needs"].contains(&words.to_lowercase().as_str());
    let lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let needs: Vec<String> = if none { Vec::new() } else { lines.map(str::to_owned).collect() };
    let say = match needs.len() {
        0 => "reported: no needs",
        1 => "reported; the need is a task that waits for an owner",
        _ => "reported; the needs are tasks that wait for an owner",
    };
    let make = |incident| Command::Report(ReportCommand::Give { incident, conditions, actions, needs });
    on(model, make, say)
}
