//! The seven lines at the top that never move: how bad, how long, who, what next, are we safe.

use super::{
    inset,
    widget::{fit, progress, put, span},
};
use crate::{
    domain::{
        cadence::{Beat, Clock},
        clock::ImpactState,
        incident::{COMMANDER, Incident},
        severity::Severity,
        time::{Span, Stamp, clock_utc, minute_utc},
    },
    seat::model::{
        Conn, Model,
        entry::one,
        find::ROLES,
        waits::{Loud, waits},
        when,
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws it.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let row = |n| inset(put::row(area, n));
    headline(buf, put::row(area, 0), theme, model);
    if let Some(incident) = model.incident() {
        clocks(buf, row(1), theme, model, incident);
        roles(buf, row(3), theme, model, Some(incident));
        board(buf, [row(4), row(5)], theme, model, incident);
    } else {
        watched(buf, row(1), theme, model);
        roles(buf, row(3), theme, model, None);
        calm(buf, [row(4), row(5)], theme, model);
    }
    waiting(buf, row(2), theme, model);
    frozen(buf, row(6), theme, model);
}

/// Whether something about command waits for this person.
pub fn command_asks(model: &Model) -> bool {
    let me = model.my_name();
    model.open_incident().is_some_and(|incident| {
        incident.handover.as_ref().map_or(incident.commander().is_none(), |offer| offer.to == me)
    })
}

/// How loud a severity is.
pub fn severity(severity: Severity) -> Role {
    match severity.number() {
        1 => Role::Worst,
        2 => Role::Bad,
        3 => Role::Notice,
        _ => Role::Title,
    }
}

fn headline(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let local = model.zone.local(model.now.wall).map(|local| format!("  {local}")).unwrap_or_default();
    let clock = format!("{}{local} ", clock_utc(model.now.wall));
    let drill = model.state.room.drill.is_some() || model.incident().is_some_and(|one| one.drill);
    let mut pieces: Vec<(String, Role)> = Vec::new();
    if let Some(incident) = model.incident() {
        pieces.push((format!(" {} ", incident.severity), severity(incident.severity)));
        pieces.push((" ".into(), Role::Text));
        let env = if drill { "DRILL".into() } else { one(&incident.env).to_uppercase() };
        pieces.push((env, if drill { Role::Drill } else { Role::Title }));
        pieces.push((format!(" {} ", incident.id), Role::Quiet));
        let role = if incident.is_open() { Role::Text } else { Role::Good };
        pieces.push((format!("{}  ", incident.status), role));
        pieces.push((one(&incident.title), Role::Title));
    } else {
        if drill {
            pieces.push((" DRILL ".into(), Role::Drill));
        }
        let word = match (model.loaded, &model.conn) {
            (false, Conn::Down { .. }) => " no room",
            (false, _) => " loading",
            (true, _) => " no incident",
        };
        pieces.push((word.into(), Role::Title));
        let host = model.room.as_ref().map(|room| format!("  room on {}", one(&room.host)));
        pieces.push((host.unwrap_or_default(), Role::Quiet));
    }
    let shown: Vec<(&str, Role)> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    put::ends(buf, area, theme, &shown, (&clock, Role::Text));
}

/// A length of time that never takes more than six cells.
fn brief(span: Span) -> String {
    span.brief()
}

fn clocks(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, incident: &Incident) {
    let now = &model.now;
    let impact = incident.clocks.impact(&incident.declared, now);
    let target = incident.clocks.target;
    let clock = span::clock(impact.time, target);
    let soon = Span::millis(target.as_millis() / 5);
    let (role, state) = match impact.state {
        ImpactState::Running => (clock.role(soon), clock.text()),
        ImpactState::Provisional => {
            let held =
                incident.clocks.first_good.as_ref().map(|mark| mark.at.elapsed(now)).unwrap_or_default();
            (Role::Good, format!("good {}", brief(held)))
        }
        ImpactState::Final => (Role::Good, "recovered".into()),
    };
    let time = if role == Role::Bad { Role::Bad } else { Role::Title };
    let of = format!(" of {target}");
    put::pieces(
        buf,
        put::part(area, 0, 21),
        theme,
        &[("impact ", Role::Quiet), (&brief(impact.time), time), (&of, Role::Quiet)],
    );
    let spare = area.width.saturating_sub(78);
    let wide = (11 + spare / 2).min(30);
    let share = impact.time.as_secs_f64() / target.as_secs_f64().max(1.0);
    progress::draw(
        buf,
        put::part(area, 21, wide),
        theme,
        share,
        if role == Role::Calm { Role::Line } else { role },
    );
    let at = 21 + wide + 1;
    put::left(buf, put::part(area, at, 11), theme, &state, theme.style(role));
    let declared = brief(incident.declared.elapsed(now));
    let place = put::part(area, at + 12, 15);
    put::pieces(buf, place, theme, &[("declared ", Role::Quiet), (&declared, Role::Text)]);
    let rest = put::part(area, at + 29, area.width);
    let mut beats: Vec<_> = incident.board.beats.iter().filter(|_| incident.is_open()).collect();
    beats.sort_by_key(|(_, clock)| clock.due.wall);
    if !beats.is_empty() {
        // The next is always there; the others where there is room for them whole.
        let mut pieces: Vec<(String, Role)> = Vec::new();
        let mut total = 0;
        for (beat, clock) in beats {
            let (lead, text, role) = countdown(*beat, clock, now);
            let gap = if pieces.is_empty() { "" } else { "   " };
            let wide = fit::width(gap) + fit::width(&lead) + fit::width(&text);
            if total > 0 && total + wide > usize::from(rest.width) {
                break;
            }
            total += wide;
            pieces.extend([(gap.to_owned(), Role::Text), (lead, Role::Quiet), (text, role)]);
        }
        let shown: Vec<(&str, Role)> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        put::pieces(buf, rest, theme, &shown);
    } else if let Some(due) = incident.review_due.as_ref() {
        put::pieces(buf, rest, theme, &[("review in ", Role::Quiet), (&brief(due.until(now)), Role::Text)]);
    }
}

/// `update in 4m10s`, `update 3m OVER`.
fn countdown(beat: Beat, clock: &Clock, now: &Stamp) -> (String, String, Role) {
    if clock.due.reached(now) {
        let late = clock.due.elapsed(now);
        let late = if late >= Span::mins(1) { format!("{}m", late.as_secs() / 60) } else { late.brief() };
        return (format!("{beat} "), format!("{late} OVER"), Role::Bad);
    }
    let left = clock.due.until(now);
    let role = if left <= Span::mins(2) { Role::Notice } else { Role::Text };
    let off = if clock.snoozed.is_some() { " (put off)" } else { "" };
    (format!("{beat} in "), format!("{}{off}", brief(left)), role)
}

fn waiting(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let waits = waits(model);
    let role = match waits.loud {
        Loud::Calm => Role::Quiet,
        Loud::Notice => Role::Notice,
        Loud::Worst => Role::Worst,
    };
    let lead = if waits.loud == Loud::Worst { format!(" {} ", waits.lead) } else { waits.lead.to_owned() };
    let age = waits.age.map(Span::brief).unwrap_or_default();
    let colon = if waits.who.is_empty() && waits.age.is_none() { "  " } else { ": " };
    let who = if waits.who.is_empty() { String::new() } else { format!(" {}", one(&waits.who)) };
    let key = waits
        .command
        .and_then(|name| model.keymap.label(name))
        .map(|key| format!("[{key}]"))
        .unwrap_or_default();
    let quiet = if waits.loud == Loud::Calm { Role::Quiet } else { Role::Notice };
    put::ends(
        buf,
        area,
        theme,
        &[
            (&lead, role),
            (&who, Role::Owner),
            (if age.is_empty() { "" } else { " " }, Role::Text),
            (&age, quiet),
            (colon, quiet),
            (&one(&waits.what), Role::Text),
        ],
        (&key, Role::Key),
    );
}

fn roles(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, incident: Option<&Incident>) {
    let private = model.room.as_ref().is_some_and(|room| room.private);
    let here = model.here().len().max(usize::from(model.me.is_some()));
    let here = if model.me.is_some() { format!("here {here}  ") } else { String::new() };
    let shared = model.me.as_ref().and_then(|me| me.claimed.as_deref()).filter(|_| area.width >= 110);
    let shared = shared.map(|claimed| format!("  ({})", one(claimed))).unwrap_or_default();
    let you = if model.me.is_some() {
        let place =
            if private && area.width < 100 { String::new() } else { format!(" on {}", one(&model.host)) };
        // Where others sit at the same terminal, that matters more than where it is.
        let place = if model.is_shared() && area.width < 110 { String::new() } else { place };
        format!("you {}{place}{shared}", one(model.my_name()))
    } else {
        String::new()
    };
    let mut right = vec![(here, Role::Quiet), (you, Role::Quiet)];
    if model.is_shared() && area.width < 110 {
        right.push((" SHARED".into(), Role::Notice));
    } else if let Some(clients) = model.attached.filter(|clients| *clients > 1) {
        right.push((format!(" SHARED by {clients}"), Role::Notice));
    }
    if model.passed_over.is_some() {
        right.insert(0, ("  ".into(), Role::Text));
        right.insert(0, (" PRIVATE ".into(), Role::Worst));
    } else if private {
        right.insert(0, ("PRIVATE  ".into(), Role::Notice));
    }
    let used: usize = right.iter().map(|(text, _)| fit::width(text)).sum();
    let used = u16::try_from(used).unwrap_or(u16::MAX).min(area.width);
    let shown: Vec<(&str, Role)> = right.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    put::pieces(buf, put::part(area, area.width - used, used), theme, &shown);
    let Some(incident) = incident else { return };
    let room = put::part(area, 0, area.width.saturating_sub(used + 2));
    let gap = if room.width >= 70 { "   " } else { "  " };
    let mut pieces: Vec<(String, Role)> = Vec::new();
    let known = ROLES.iter().map(|(role, _)| *role);
    let others =
        incident.roles.keys().map(String::as_str).filter(|role| !known.clone().any(|one| one == *role));
    for (role, short) in ROLES.iter().copied().chain(others.map(|role| (role, role))) {
        let who = incident.roles.get(role).map(|holder| one(&holder.who));
        let vacant = who.is_none();
        let empty = vacant && role == COMMANDER && incident.is_open();
        let who = fit::cut(
            who.as_deref().unwrap_or(if empty { "NOBODY" } else { "--" }),
            if room.width >= 70 { 16 } else { 7 },
            theme.glyphs(),
        )
        .into_owned();
        if !pieces.is_empty() {
            pieces.push((gap.into(), Role::Text));
        }
        pieces.push((format!("{short} "), Role::Quiet));
        let loud = if empty { Role::Worst } else { Role::Quiet };
        pieces.push((who, if vacant { loud } else { Role::Owner }));
    }
    // Whole roles only: what finds no room is not begun.
    let mut total = 0;
    let mut fits = 0;
    for chunk in pieces.chunks(3) {
        let wide: usize = chunk.iter().map(|(text, _)| fit::width(text)).sum();
        let whole: usize = chunk.iter().take(2).map(|(text, _)| fit::width(text)).sum();
        if total + whole > usize::from(room.width) {
            break;
        }
        total += wide;
        fits += chunk.len();
    }
    let shown: Vec<(&str, Role)> =
        pieces.iter().take(fits).map(|(text, role)| (text.as_str(), *role)).collect();
    put::pieces(buf, room, theme, &shown);
}

fn board(buf: &mut Buffer, [now, goal]: [Rect; 2], theme: &Theme, model: &Model, incident: &Incident) {
    let key = model.keymap.label("board").unwrap_or_default();
    let hint = format!("-- {key} says what is the case");
    let text = |line: &Option<crate::domain::board::Said>| line.as_ref().map(|said| one(&said.text));
    let said = text(&incident.board.now);
    let role = if said.is_some() { Role::Text } else { Role::Quiet };
    let old = incident
        .board
        .now
        .as_ref()
        .map(|said| said.at.elapsed(&model.now))
        .filter(|age| *age >= Span::mins(5));
    let age = old.map(|age| format!("{} old", age.brief())).unwrap_or_default();
    let words = said.as_deref().unwrap_or(&hint);
    // The words come first: their age is told where it leaves them whole.
    let room = usize::from(now.width).saturating_sub(6 + fit::width(words));
    let age = if fit::width(&age) + 2 <= room { age } else { String::new() };
    put::ends(buf, now, theme, &[("now   ", Role::Quiet), (words, role)], (&age, Role::Quiet));
    let (target, otherwise) = (text(&incident.board.goal), text(&incident.board.otherwise));
    let half = if otherwise.is_some() { goal.width / 2 } else { goal.width };
    let wide = target.as_ref().map_or(2, |text| fit::width(text)) + 6;
    let most =
        usize::from(goal.width).saturating_sub(otherwise.as_ref().map_or(0, |text| fit::width(text) + 8));
    let wide = u16::try_from(wide.min(most.max(usize::from(half)))).unwrap_or(half);
    let role = if target.is_some() { Role::Text } else { Role::Quiet };
    let used = put::pieces(
        buf,
        put::part(goal, 0, wide),
        theme,
        &[("goal  ", Role::Quiet), (target.as_deref().unwrap_or("--"), role)],
    );
    let rest = put::part(goal, used + 3, goal.width);
    let role = if otherwise.is_some() { Role::Text } else { Role::Quiet };
    put::pieces(buf, rest, theme, &[("else ", Role::Quiet), (otherwise.as_deref().unwrap_or("--"), role)]);
}

fn watched(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    if !model.loaded {
        return;
    }
    let (panels, sources) = (model.live.panels.len(), model.live.sources.len());
    let bad = model.state.breaches.len();
    let text = format!("watching {sources} sources, {panels} panels, {} probes  ", model.live.probes.len());
    let (word, role) = match (bad, panels) {
        (0, 0) => (String::new(), Role::Quiet),
        (0, _) => ("none beyond its threshold".to_owned(), Role::Calm),
        (n, _) => (format!("{n} beyond their thresholds"), Role::Bad),
    };
    put::pieces(buf, area, theme, &[(&text, Role::Quiet), (&word, role)]);
}

fn calm(buf: &mut Buffer, [first, second]: [Rect; 2], theme: &Theme, model: &Model) {
    if !model.loaded {
        return;
    }
    let room = model.room.as_ref();
    let last = model.state.incidents.values().next_back();
    let last = last.map(|one_| format!("last {} {}, {}", one_.id, one(&one_.title), one_.status));
    put::pieces(
        buf,
        first,
        theme,
        &[("before  ", Role::Quiet), (last.as_deref().unwrap_or("nothing in this journal"), Role::Quiet)],
    );
    let trouble = room.and_then(|room| room.gate_trouble.as_ref());
    let (gate, role) = match (room.and_then(|room| room.gate.as_ref()), trouble) {
        (Some(at), _) => (format!("listens at {}", one(at)), Role::Quiet),
        (None, Some(trouble)) => (format!("DOES NOT LISTEN: {}", one(&trouble.why)), Role::Worst),
        (None, None) => ("does not listen".into(), Role::Quiet),
    };
    put::pieces(buf, second, theme, &[("gate    ", Role::Quiet), (&gate, role)]);
}

fn frozen(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    if !model.loaded {
        put::left(buf, area, theme, "whether deploys are frozen is not known yet", theme.style(Role::Quiet));
        return;
    }
    let freezes = model.freezes();
    let gate = model.room.as_ref().and_then(|room| room.gate.as_deref()).map(one);
    let Some(freeze) = freezes.first() else {
        let key = model.keymap.label("freeze").unwrap_or_default();
        let hint = format!("{key} freezes");
        let (hint, role) = match model.room.as_ref().and_then(|room| room.gate_trouble.as_ref()) {
            Some(trouble) => (format!(" NO GATE at {} ", one(&trouble.at)), Role::Worst),
            None => (hint, Role::Quiet),
        };
        let left = if model.gate_is_undecided() {
            [
                ("UNDECIDED", Role::Bad),
                ("  the gate lets no deploy through; rollbacks pass, warned", Role::Quiet),
            ]
        } else {
            [("open", Role::Calm), ("  deploys are not frozen", Role::Quiet)]
        };
        put::ends(buf, area, theme, &left, (&hint, role));
        return;
    };
    let now = &model.now;
    let left = freeze.ends.until(now);
    let soon = left <= Span::mins(5);
    let ends = format!(" to {}", when::minute(freeze.ends.wall, now.wall));
    let ends = if soon { format!("{ends} ({} left)", left.brief()) } else { ends };
    let refused = format!("  {} refused", freeze.refused);
    let (proved, role) = match &freeze.proved {
        Some(at) => (format!("proved {}", minute_utc(at.wall)), Role::Good),
        None => ("NOT proved".to_owned(), Role::Notice),
    };
    let more = if freezes.len() > 1 { format!("  +{} more", freezes.len() - 1) } else { String::new() };
    let through = if freeze.exemptions.is_empty() {
        String::new()
    } else {
        format!("  {} exempt", freeze.exemptions.len())
    };
    let scope = format!(" {}", one(&freeze.scope.label()));
    let holds = if freeze.scope.actions.contains(&crate::domain::gate::Action::Rollback) {
        "  rollback FROZEN"
    } else {
        "  rollback ok"
    };
    let left = [
        ("FROZEN", Role::Frozen),
        (scope.as_str(), Role::Text),
        (ends.as_str(), if soon { Role::Notice } else { Role::Text }),
        (refused.as_str(), Role::Text),
        ("  ", Role::Text),
        (proved.as_str(), role),
        (holds, Role::Quiet),
        (through.as_str(), Role::Text),
        (more.as_str(), Role::Notice),
    ];
    let used: usize = left.iter().map(|(text, _)| fit::width(text)).sum();
    let room = usize::from(area.width).saturating_sub(used + 2);
    let (gate, gate_role) = match &gate {
        Some(at) => {
            let port = at.rsplit_once(':').map_or(at.as_str(), |(_, port)| port);
            let told = [format!("gate {at}"), format!("gate :{port}"), "gate".to_owned()];
            (told.into_iter().find(|text| fit::width(text) <= room).unwrap_or_default(), Role::Quiet)
        }
        None if model.room.as_ref().is_some_and(|room| room.gate_trouble.is_some()) => {
            (" NO GATE ".to_owned(), Role::Worst)
        }
        None => ("NO gate".to_owned(), Role::Notice),
    };
    put::ends(buf, area, theme, &left, (&gate, gate_role));
}
