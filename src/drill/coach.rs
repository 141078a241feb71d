//! What to try next, from the state alone.

use crate::domain::{State, freeze::Freeze, incident::Status, walk::StepStatus};

/// One line of advice for the one who practises.
pub fn advice(state: &State) -> String {
    let Some(incident) = state.shown_incident() else {
        if state.incidents.values().any(|one| one.status == Status::Closed) {
            return "The drill is over. q leaves; the draft stays where X wrote it.".into();
        }
        return match state.first_breach() {
            Some(breach) => format!(
                "{} is {} and beyond {}. Press D to declare an incident (it can freeze deploys at once).",
                breach.panel, breach.seen, breach.threshold
            ),
            None => {
                "All is well. The pipeline deploys checkout 2.4.1 in a moment: watch errors and p99.".into()
            }
        };
    };
    if incident.status == Status::Resolved {
        let owed = state.owed(incident.id);
        return if owed > 0 {
            let reasons = if owed == 1 {
                "A reason for a deviation is".into()
            } else {
                format!("{owed} reasons for deviations are")
            };
            format!("{reasons} owed: press r. Then X writes the post-mortem draft.")
        } else {
            "Press X to write the post-mortem draft, 7 to read it and to answer its prompts.".into()
        };
    }
    let freeze = state.freezes.values().find(|freeze| freeze.holds());
    if freeze.is_none() && incident.clocks.recovered.is_none() {
        return "Nothing keeps the pipeline from deploying again. Press F to freeze checkout.".into();
    }
    if let Some(walk) = state.walks.values().rev().find(|walk| walk.ended.is_none()) {
        let lent = walk.steps.iter().find(|(_, known)| known.status == StepStatus::Lent);
        if let Some((_, known)) = lent {
            return match &known.asked {
                Some(_) => {
                    "The step waits for an approval. Alone, you break the glass: a, then the target's name."
                        .into()
                }
                None => "The step runs. Its output is in the runbook pane; c cancels it.".into(),
            };
        }
        if walk.steps.values().any(|known| known.status == StepStatus::Unknown) {
            return "A step's process is gone and nobody knows how far it came: Enter takes it over.".into();
        }
        return match walk.current() {
            Some(step) => {
                format!("Next: {}. Enter acts; s skips, m done by hand, o override, x n/a.", step.title)
            }
            None => "Follow the runbook: Enter acts on the step that is marked.".into(),
        };
    }
    match (&incident.clocks.recovered, &incident.clocks.first_good) {
        (Some(_), _) => "Recovery has held. Press v and set the status to resolved.".into(),
        (None, Some(_)) => {
            "The numbers are good; recovery counts when they have stayed so. Look at 6, the timeline.".into()
        }
        (None, None) => {
            let refused = freeze.map_or(0, |freeze: &Freeze| freeze.refused);
            let gate =
                if refused > 0 { format!("The gate refused {refused} already. ") } else { String::new() };
            format!("{gate}Press W and start the rollback runbook.")
        }
    }
}
