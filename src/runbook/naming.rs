//! Names of steps and blocks, unique in the runbook.

use super::lint::Lints;
use crate::domain::plan::Section;
use std::collections::HashSet;

/// Gives every step and block its id: the name its author gave, else the section's anchor and an ordinal.
pub fn name(sections: &mut [Section], lints: &mut Lints) {
    let mut blocks: HashSet<String> = HashSet::new();
    for block in sections.iter_mut().flat_map(|s| &mut s.steps).flat_map(|s| &mut s.blocks) {
        if !block.id.is_empty() && !blocks.insert(block.id.clone()) {
            let new = free(&blocks, &block.id);
            lints.error(
                block.line,
                "duplicate-name",
                format!("the name `{}` is taken; this one is called `{new}` here", block.id),
            );
            blocks.insert(new.clone());
            block.id = new;
        }
    }
    // a derived name gives way to one that an author gave, wherever that stands
    let mut steps = blocks.clone();
    for section in sections {
        for (n, step) in section.steps.iter_mut().enumerate() {
            let named = step.blocks.iter().find(|b| !b.id.is_empty()).map(|b| b.id.clone());
            step.id = named.unwrap_or_else(|| {
                let wanted = format!("{}-{}", section.id, n + 1);
                if steps.contains(&wanted) { free(&steps, &wanted) } else { wanted }
            });
            steps.insert(step.id.clone());
            for (m, block) in step.blocks.iter_mut().enumerate() {
                if block.id.is_empty() {
                    let wanted = format!("{}-{}", step.id, m + 1);
                    block.id = if blocks.contains(&wanted) { free(&blocks, &wanted) } else { wanted };
                    blocks.insert(block.id.clone());
                }
            }
        }
    }
}

fn free(taken: &HashSet<String>, wanted: &str) -> String {
    let mut n = 2_usize;
    loop {
        let candidate = format!("{wanted}-{n}");
        if !taken.contains(&candidate) {
            return candidate;
        }
        n = n.saturating_add(1);
    }
}
