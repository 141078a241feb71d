//! What to try next, from the state alone.

use crate::domain::{State, freeze::Freeze, incident::Status, walk::StepStatus};

/// One line of advice for the one who practises.
pub fn advice(state: &State) -> String {
    let Some(incident) = state.shown_incident() else {
        if state.incidents.values().any(|one| one.status == Status::Closed) {
            return "The drill is over. q leaves; the draft stays where X wrote it.".into();
        }
        let figures = state.breaches.values().filter(|breach| !breach.panel.starts_with("probe "));
        return match figures.min_by_key(|breach| breach.since.wall).or_else(|| state.first_breach()) {
            Some(breach) => format!(
                "{} {}, beyond {}. Press D to declare; it freezes deploys too.",
                breach.panel, breach.seen, breach.threshold
            ),
            None => "All is well. The pipeline deploys checkout 2.4.1 soon: watch errors.".into(),
        };
    };
    if incident.status == Status::Resolved {
        let owed = state.owed(incident.id);
        return if owed > 0 {
            let reasons = if owed == 1 { "A reason is".into() } else { format!("{owed} reasons are") };
            format!("{reasons} owed for what deviated: press r. Then X writes the draft.")
        } else {
            "Press X to write the draft, 7 to read it and answer its prompts.".into()
        };
    }
    let freeze = state.freezes.values().find(|freeze| freeze.holds());
    if freeze.is_none() && incident.clocks.recovered.is_none() {
        return "The pipeline may deploy again. Press F to freeze checkout.".into();
    }
    if let Some(walk) = state.walks.values().rev().find(|walk| walk.ended.is_none()) {
        let lent = walk.steps.iter().find(|(_, known)| known.status == StepStatus::Lent);
        if let Some((_, known)) = lent {
            return match &known.asked {
                Some(_) => "It waits for approval. Alone, you break the glass: a, b, the target.".into(),
                None => "The step runs. Its output is in the runbook pane; c cancels it.".into(),
            };
        }
        if walk.steps.values().any(|known| known.status == StepStatus::Unknown) {
            return "A step's process is gone, its outcome unknown: Enter takes it over.".into();
        }
        return match walk.current() {
            Some(step) if step.lead.is_some() => {
                "The step that is marked asks you: Enter answers it, s skips it.".into()
            }
            _ => "Enter acts on the step that is marked; s skip, m by hand, o override.".into(),
        };
    }
    match (&incident.clocks.recovered, &incident.clocks.first_good) {
        (Some(_), _) => "Recovery has held. v sets the status to resolved; W can validate first.".into(),
        (None, Some(_)) => "The numbers are good; now they must stay so. 6 is the timeline.".into(),
        (None, None) => {
            let refused = freeze.map_or(0, |freeze: &Freeze| freeze.refused);
            let gate =
                if refused > 0 { format!("The gate refused {refused} already. ") } else { String::new() };
            format!("{gate}Press W and start the rollback runbook.")
        }
    }
}
