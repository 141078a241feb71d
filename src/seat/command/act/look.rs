//! Looking around: views, focus, selection, filters, pauses, the time cursor.

use super::{say::arg, walk};
use crate::{
    domain::plan::BlockKind,
    seat::{
        model::{
            Model, Pane, Tone, View, health::SPANS, lines, pending::For, timeline::PAGE, ui::Scroll,
            waits::pressing,
        },
        update::{Effect, open_draft},
    },
    signal::Level,
    wire::Ask,
};

fn go(model: &mut Model, view: View) -> Vec<Effect> {
    if model.ui.view == view {
        model.say(Tone::Info, format!("this is the {} view", view.name()));
    }
    model.ui.go(view);
    if view == View::PostMortem { open_draft(model) } else { Vec::new() }
}

/// View 1.
pub fn war_room(model: &mut Model, _: &[String]) -> Vec<Effect> {
    go(model, View::WarRoom)
}
/// View 2.
pub fn runbook(model: &mut Model, _: &[String]) -> Vec<Effect> {
    go(model, View::Runbook)
}
/// View 3.
pub fn metrics(model: &mut Model, _: &[String]) -> Vec<Effect> {
    go(model, View::Metrics)
}
/// View 4.
pub fn logs(model: &mut Model, _: &[String]) -> Vec<Effect> {
    go(model, View::Logs)
}
/// View 5.
pub fn releases(model: &mut Model, _: &[String]) -> Vec<Effect> {
    go(model, View::Releases)
}
/// View 6.
pub fn timeline(model: &mut Model, _: &[String]) -> Vec<Effect> {
    go(model, View::Timeline)
}
/// View 7.
pub fn post_mortem(model: &mut Model, _: &[String]) -> Vec<Effect> {
    if model.incident().is_none() {
        model.say(Tone::Info, "there is no incident to write about; D declares one");
    }
    go(model, View::PostMortem)
}

fn focus(model: &mut Model, by: usize) -> Vec<Effect> {
    let panes = model.ui.view.panes();
    let seen = crate::seat::view::layout::shown(model);
    for _ in 0..panes.len() {
        model.ui.focus = (model.ui.focus + by) % panes.len();
        if seen.contains(&model.ui.pane()) {
            break;
        }
    }
    if seen.len() < 2 {
        model.say(Tone::Info, "there is one pane here; 1 to 7 show other views");
    }
    Vec::new()
}

/// The next pane.
pub fn next_pane(model: &mut Model, _: &[String]) -> Vec<Effect> {
    focus(model, 1)
}
/// The pane before.
pub fn previous_pane(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let most = model.ui.view.panes().len();
    focus(model, most.saturating_sub(1))
}

/// Numbers of what a list shows.
fn ids(model: &Model, pane: Pane) -> Vec<u64> {
    match pane {
        Pane::Timeline => {
            let shown = model.timeline.shown(model.incident_id(), &model.ui.timeline_filter);
            let paused = model.ui.timeline_paused.unwrap_or(u64::MAX);
            shown.iter().map(|entry| entry.seq).filter(|seq| *seq <= paused).collect()
        }
        Pane::Logs => model.log_lines().0.iter().map(|line| lines::key(line)).collect(),
        Pane::Tasks => model.tasks().iter().map(|task| u64::from(task.id.0)).collect(),
        _ => Vec::new(),
    }
}

fn step(model: &mut Model, by: isize) -> Vec<Effect> {
    let pane = model.ui.pane();
    let list = ids(model, pane);
    let moved = |at: usize, most: usize| at.saturating_add_signed(by).min(most.saturating_sub(1));
    match pane {
        Pane::Timeline => {
            model.ui.timeline.step(&list, by);
            if model.ui.timeline.selected() == list.first().copied() {
                return older(model);
            }
        }
        Pane::Logs => {
            model.ui.logs.step(&list, by);
            let at = model.ui.logs.selected();
            let t = model.log_lines().0.iter().find(|line| Some(lines::key(line)) == at).map(|line| line.at);
            model.ui.cursor = t.map(|t| t.timestamp_millis());
        }
        Pane::Tasks => {
            // In the order in which they are listed, which is not that of their numbers.
            let at = list.iter().position(|id| Some(*id) == model.ui.tasks.selected());
            let to = at.map_or(0, |at| moved(at, list.len()));
            select(&model.ui.tasks, list.get(to).copied());
        }
        Pane::Runbook => {
            let slugs: Vec<String> = model.listed().iter().map(|step| step.id.clone()).collect();
            let open = model.step().map(|(_, step)| step.id.clone());
            let at = slugs.iter().position(|slug| Some(slug) == open.as_ref()).unwrap_or(0);
            let to = slugs.get(moved(at, slugs.len())).cloned();
            let current = model.walk().and_then(|walk| walk.current().map(|step| step.id.clone()));
            // On the current step again, one follows the walk again.
            model.ui.step = to.filter(|slug| Some(slug) != current.as_ref());
            model.ui.output_back = 0;
        }
        Pane::Output => model.ui.output_back = model.ui.output_back.saturating_add_signed(-by),
        Pane::Health => model.ui.panel = moved(model.ui.panel, model.live.panels.len()),
        Pane::Releases => model.ui.release = moved(model.ui.release, model.released().len()),
        Pane::Freezes => model.ui.freeze = moved(model.ui.freeze, model.freezes().len()),
        Pane::Draft => model.ui.draft_top = model.ui.draft_top.saturating_add_signed(by),
        Pane::Todos => {
            model.ui.todo = moved(model.ui.todo, model.draft.todos.len());
            if let Some(todo) = model.draft.todos.get(model.ui.todo) {
                model.ui.draft_top = todo.line.saturating_sub(3);
            }
        }
    }
    Vec::new()
}

fn select(scroll: &Scroll, id: Option<u64>) {
    let mut at = scroll.at.get();
    at.selected = id;
    scroll.at.set(at);
}

/// To the tasks, on the one that waits most.
pub fn tasks(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let wanted = pressing(model).or_else(|| model.selected_task()).map(|task| u64::from(task.id.0));
    model.ui.go(View::WarRoom);
    model.ui.focus_on(Pane::Tasks);
    select(&model.ui.tasks, wanted);
    Vec::new()
}

fn older(model: &mut Model) -> Vec<Effect> {
    let Some(first) = model.timeline.first().filter(|first| *first > 1) else { return Vec::new() };
    if model.timeline.from_start || model.pending.asks(For::Timeline) {
        return Vec::new();
    }
    let from = first.saturating_sub(PAGE as u64).max(1);
    let limit = usize::try_from(first - from).unwrap_or(PAGE);
    model.ask(Ask::Events { from, limit, incident: None }, For::Timeline)
}

fn page(model: &Model) -> isize {
    let rows = match model.ui.pane() {
        Pane::Timeline => model.ui.timeline.rows.get(),
        Pane::Logs => model.ui.logs.rows.get(),
        _ => 10,
    };
    isize::try_from(rows.max(2) - 1).unwrap_or(10)
}

/// Up.
pub fn up(model: &mut Model, _: &[String]) -> Vec<Effect> {
    step(model, -1)
}
/// Down.
pub fn down(model: &mut Model, _: &[String]) -> Vec<Effect> {
    step(model, 1)
}
/// A page up.
pub fn page_up(model: &mut Model, _: &[String]) -> Vec<Effect> {
    step(model, -page(model))
}
/// A page down.
pub fn page_down(model: &mut Model, _: &[String]) -> Vec<Effect> {
    step(model, page(model))
}

/// To the first.
pub fn first(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let pane = model.ui.pane();
    let first = ids(model, pane).first().copied();
    match pane {
        Pane::Timeline => {
            select(&model.ui.timeline, first);
            return older(model);
        }
        Pane::Logs => select(&model.ui.logs, first),
        _ => return step(model, -10_000),
    }
    Vec::new()
}

/// To the newest, following it.
pub fn last(model: &mut Model, _: &[String]) -> Vec<Effect> {
    match model.ui.pane() {
        Pane::Timeline => {
            model.ui.timeline_paused = None;
            select(&model.ui.timeline, None);
        }
        Pane::Logs => {
            model.ui.logs_paused = None;
            model.ui.cursor = None;
            select(&model.ui.logs, None);
        }
        Pane::Runbook => (model.ui.step, model.ui.output_back) = (None, 0),
        Pane::Output => model.ui.output_back = 0,
        _ => return step(model, 10_000),
    }
    Vec::new()
}

fn cursor(model: &mut Model, by: i64) -> Vec<Effect> {
    let now = model.now.wall.timestamp_millis();
    let one = (model.span() / 60).max(1_000);
    let to = model.ui.cursor.unwrap_or(now).saturating_add(by * one);
    model.ui.cursor = (to < now).then_some(to);
    if model.ui.cursor.is_none() {
        model.say(Tone::Info, "the cursor is at now");
    }
    Vec::new()
}

/// Moves the time cursor back.
pub fn back_in_time(model: &mut Model, _: &[String]) -> Vec<Effect> {
    cursor(model, -1)
}
/// Moves it on.
pub fn on_in_time(model: &mut Model, _: &[String]) -> Vec<Effect> {
    cursor(model, 1)
}

fn zoom(model: &mut Model, by: isize) -> Vec<Effect> {
    let span = model.span();
    let at = SPANS.iter().position(|known| *known >= span).unwrap_or(SPANS.len() - 1);
    let to = at.saturating_add_signed(by).min(SPANS.len() - 1);
    let span = SPANS.get(to).copied().unwrap_or(span);
    model.ui.chart_span = Some(span);
    let span = crate::domain::time::Span::millis(u64::try_from(span).unwrap_or(0));
    model.say(Tone::Info, format!("charts show the last {}", span.brief()));
    Vec::new()
}

/// Looks further back.
pub fn wider(model: &mut Model, _: &[String]) -> Vec<Effect> {
    zoom(model, 1)
}
/// Looks closer.
pub fn closer(model: &mut Model, _: &[String]) -> Vec<Effect> {
    zoom(model, -1)
}

/// Filters lines or events.
pub fn filter(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let text = arg(given, 0).trim();
    if model.ui.has(Pane::Timeline) {
        text.clone_into(&mut model.ui.timeline_filter.words);
        return Vec::new();
    }
    if text.is_empty() {
        model.ui.log_filter.pattern = None;
        return Vec::new();
    }
    match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
        Ok(pattern) => {
            model.ui.log_filter.pattern = Some(pattern);
            if !model.ui.has(Pane::Logs) {
                model.ui.focus_on(Pane::Logs);
            }
        }
        Err(error) => {
            let why = error.to_string().lines().last().unwrap_or_default().to_owned();
            model.say(Tone::Wrong, format!("/{text}/ is no regular expression: {why}"));
        }
    }
    Vec::new()
}

/// Lines from a level on.
pub fn level(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let word = arg(given, 0).to_uppercase();
    let all = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];
    match all.into_iter().find(|level| level.word() == word) {
        Some(level) => {
            model.ui.log_filter.level = level;
            model.say(Tone::Info, format!("lines from {word} on"));
        }
        None => {
            model.say(Tone::Wrong, format!("{word:?} is no level: trace, debug, info, warn, error or fatal"));
        }
    }
    Vec::new()
}

/// Starred events only.
pub fn starred(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let stars = model.incident().map(|incident| incident.stars.clone()).unwrap_or_default();
    let filter = &mut model.ui.timeline_filter;
    filter.stars = if filter.stars.is_some() { None } else { Some(stars) };
    Vec::new()
}

/// Details in the timeline.
pub fn details(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let filter = &mut model.ui.timeline_filter;
    filter.details = !filter.details;
    let on = filter.details;
    model.say(Tone::Info, if on { "the timeline shows details" } else { "the timeline hides details" });
    Vec::new()
}

/// Lets a pane stand still.
pub fn pause(model: &mut Model, _: &[String]) -> Vec<Effect> {
    match model.ui.pane() {
        Pane::Logs => {
            let newest = model.live.lines.iter().map(lines::key).max();
            model.ui.logs_paused = if model.ui.logs_paused.is_some() { None } else { newest };
        }
        Pane::Timeline => {
            let newest = model.timeline.iter().next_back().map(|entry| entry.seq);
            model.ui.timeline_paused = if model.ui.timeline_paused.is_some() { None } else { newest };
        }
        _ => {
            model.say(Tone::Info, "logs and the timeline can stand still; this pane does not move by itself");
        }
    }
    Vec::new()
}

/// Hides errors until they say something else.
pub fn dismiss(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let shown: Vec<(String, String)> =
        model.troubles().iter().map(|(id, message, _)| ((*id).to_owned(), (*message).to_owned())).collect();
    if shown.is_empty() {
        model.say(Tone::Info, "no error is shown");
    }
    model.ui.dismissed.extend(shown);
    Vec::new()
}

/// Copies what is selected.
pub fn copy(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let text = match model.ui.pane() {
        Pane::Logs => {
            let (shown, _) = model.log_lines();
            let at = model.ui.logs.selected();
            shown.iter().find(|line| Some(lines::key(line)) == at).or(shown.last()).map(|line| {
                format!(
                    "{} {} {} {}",
                    crate::domain::time::rfc3339(line.at),
                    line.source,
                    line.level.word(),
                    lines::words(line)
                )
            })
        }
        Pane::Timeline => {
            let shown = model.timeline.shown(model.incident_id(), &model.ui.timeline_filter);
            let at = model.ui.timeline.selected();
            shown.iter().find(|entry| Some(entry.seq) == at).or(shown.last()).map(|entry| {
                format!("{} {} {}", crate::domain::time::rfc3339(entry.at.wall), entry.who, entry.what)
            })
        }
        Pane::Draft | Pane::Todos => model.draft.text.clone(),
        _ => walk::here(model).as_ref().and_then(|at| walk::find(model, at)).map(|(walk, step)| {
            let code: Vec<_> = step
                .blocks
                .iter()
                .filter(|block| {
                    matches!(
                        block.kind,
                        BlockKind::Run | BlockKind::Check | BlockKind::Guard | BlockKind::Verify
                    )
                })
                .map(|block| walk.as_shown(step, block))
                .collect();
            code.join("\n")
        }),
    };
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        vec![Effect::Copy(text)]
    } else {
        model.say(Tone::Info, "there is nothing to copy here");
        Vec::new()
    }
}
