//! What leaves the fold when it is over. The journal has it for good: timeline and draft are read from there.

use super::{
    board::Board,
    event::Event,
    fact::Fact,
    id::IncidentId,
    incident::{COMMANDER, Incident, Status},
    release::Judgement,
    state::State,
};

/// Closed incidents that are still listed, the newest, a line each.
pub const CLOSED: usize = 32;
/// Ended walks that can still be looked at, the newest.
pub const ENDED: usize = 16;
/// Freezes that no longer hold and can still be looked at, the newest.
pub const OVER: usize = 32;
/// Deviations outside of any incident, the newest.
pub const STRAY: usize = 64;
/// Judgements of releases. The oldest good one leaves first: a bad one is what somebody asks for.
pub const JUDGED: usize = 512;

/// Lets go of what this event made an end of. Nothing of the incident in `keeps` is let go.
pub(super) fn shed(state: &mut State, event: &Event, keeps: Option<IncidentId>) {
    if let Some(id) = event.stream.filter(|id| Some(*id) != keeps && state.is_closed(*id)) {
        if let Some(incident) = state.incidents.get_mut(&id) {
            incident.shrink();
        }
        // What a hand may still run is recorded to its end.
        state.walks.retain(|_, walk| walk.incident != Some(id) || walk.is_leased());
        state.deviations.retain(|_, one| one.incident != Some(id) || one.owed());
        let closed = |one: &Incident| one.status == Status::Closed && Some(one.id) != keeps;
        excess(&mut state.incidents, CLOSED, |_, one| closed(one));
    }
    match &event.fact {
        Fact::Walk(_) => excess(&mut state.walks, ENDED, |_, walk| {
            walk.ended.is_some() && !walk.is_leased() && (keeps.is_none() || walk.incident != keeps)
        }),
        Fact::Freeze(_) => excess(&mut state.freezes, OVER, |_, freeze| {
            !freeze.holds() && (keeps.is_none() || freeze.incident != keeps)
        }),
        Fact::Glass(_) => excess(&mut state.glasses, OVER, |_, glass| glass.over.is_some()),
        Fact::Page(_) => {
            excess(&mut state.pages, OVER, |_, page| page.acknowledged.is_some() || page.withdrawn.is_some());
        }
        Fact::Deviation(_) => excess(&mut state.deviations, STRAY, |_, one| one.incident.is_none()),
        Fact::Release(_) => {
            while state.judged.len() > JUDGED {
                let oldest =
                    state.judged.iter().min_by_key(|(_, one)| (one.judgement == Judgement::Bad, one.seq));
                let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
                state.judged.remove(&key);
            }
        }
        _ => {}
    }
}

/// Removes the first of those that may go, until no more than `most` of them are left.
fn excess<K: Ord + Copy, V>(
    map: &mut std::collections::BTreeMap<K, V>,
    most: usize,
    may_go: impl Fn(&K, &V) -> bool,
) {
    if map.len() <= most {
        return;
    }
    let going: Vec<K> = map.iter().filter(|(key, value)| may_go(key, value)).map(|(key, _)| *key).collect();
    for key in going.iter().take(going.len().saturating_sub(most)) {
        map.remove(key);
    }
}

impl Incident {
    /// What a closed incident leaves: its title, its clocks, who commanded.
    fn shrink(&mut self) {
        self.roles.retain(|role, _| role == COMMANDER);
        self.board = Board::default();
        self.tasks.clear();
        self.reports.clear();
        self.proposals.clear();
        self.stars.clear();
        self.answers.clear();
    }
}
