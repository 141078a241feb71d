//! What happens because time has passed: the room is asked whether it is there, notices go, the draft follows.

use super::{Effect, draft, presence};
use crate::{
    domain::time::{Span, Stamp},
    seat::model::{Conn, Model, Tone, conn::PING_AFTER, pending::For},
    wire::Ask,
};

/// How long a notice stays by itself.
fn stays(tone: Tone) -> Span {
    match tone {
        Tone::Done | Tone::Info => Span::secs(6),
        Tone::Wrong => Span::secs(30),
    }
}

/// Time has passed.
pub fn tick(model: &mut Model) -> Vec<Effect> {
    let now = model.now.clone();
    if model.notice.as_ref().is_some_and(|notice| notice.at.elapsed(&now) >= stays(notice.tone)) {
        model.notice = None;
    }
    let mut effects = draft::refresh(model);
    if let Conn::Up { heard, asked } = &mut model.conn
        && asked.is_none()
        && heard.elapsed(&now) >= PING_AFTER
    {
        *asked = Some(now);
        effects.extend(model.ask(Ask::Status, For::Ping));
    }
    effects
}

/// When the screen changes next although nothing happens: the console's clocks count seconds.
pub fn next_change(model: &Model) -> Stamp {
    let into = u64::from(model.now.wall.timestamp_subsec_millis());
    let second = model.now.plus(Span::millis(1_000_u64.saturating_sub(into).clamp(10, 1_000)));
    let told = presence::next(model).filter(|at| at.until(&model.now) < second.until(&model.now));
    told.unwrap_or(second)
}
