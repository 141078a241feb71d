//! A panic gives the terminal back before it says what happened.

use super::mode::Entered;
use std::{
    io::stdout,
    sync::{Mutex, Once, PoisonError},
};

static LIVE: Mutex<Option<Entered>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// From now on a panic on any thread leaves the modes of `entered` first. The screen then refuses to draw: a
/// seat that has lost a part of itself ends, the room and its journal are other processes.
pub(super) fn watch(entered: &Entered) {
    *LIVE.lock().unwrap_or_else(PoisonError::into_inner) = Some(entered.clone());
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Never waited for: who holds it may be what panics.
            let live = LIVE.try_lock().ok().and_then(|live| live.clone());
            if let Some(live) = live {
                let _ = live.give_back(&mut stdout());
            }
            before(info);
        }));
    });
}

/// The terminal is back in its owner's hands.
pub(super) fn forget() {
    *LIVE.lock().unwrap_or_else(PoisonError::into_inner) = None;
}
