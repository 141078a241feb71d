//! Names of steps and blocks, unique in the runbook.

use super::lint::Lints;
use crate::domain::plan::Section;
use std::collections::{HashMap, HashSet};

/// Gives every step and block its id: the name its author gave, else the section's anchor and an ordinal.
pub fn name(sections: &mut [Section], lints: &mut Lints) {
    let mut blocks = Names::default();
    for block in sections.iter_mut().flat_map(|s| &mut s.steps).flat_map(|s| &mut s.blocks) {
        if block.id.is_empty() {
            continue;
        }
        let new = blocks.give(&block.id);
        if new != block.id {
            lints.error(
                block.line,
                "duplicate-name",
                format!("the name `{}` is taken; this one is called `{new}` here", block.id),
            );
            block.id = new;
        }
    }
    // a derived name gives way to one that an author gave, wherever that stands
    let mut steps = blocks.clone();
    for section in sections {
        for (n, step) in section.steps.iter_mut().enumerate() {
            let named = step.blocks.iter().find(|b| !b.id.is_empty()).map(|b| b.id.clone());
            step.id = named.unwrap_or_else(|| steps.give(&format!("{}-{}", section.id, n + 1)));
            for (m, block) in step.blocks.iter_mut().enumerate() {
                if block.id.is_empty() {
                    block.id = blocks.give(&format!("{}-{}", step.id, m + 1));
                }
            }
        }
    }
}

/// Names given out, and how far each was counted on: ten thousand of one name stay quick.
#[derive(Clone, Default)]
struct Names {
    taken: HashSet<String>,
    counted: HashMap<String, usize>,
}

impl Names {
    /// The name, or the name with the first free number from 2 on.
    fn give(&mut self, wanted: &str) -> String {
        if self.taken.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let n = self.counted.entry(wanted.to_owned()).or_insert(1);
        loop {
            *n = n.saturating_add(1);
            let candidate = format!("{wanted}-{n}");
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}
