//! Without a journal nothing runs; the commands are still there to be copied, and say that nobody records them.

use super::{
    load,
    show::{dry_run, print_blocks},
};
use crate::domain::walk::Walk;
use std::collections::BTreeMap;

/// Stands above every command that is printed so.
const MARK: &str =
    "UNRECORDED: the journal takes nothing, so nothing runs from here. To copy, and to note down later:";

/// No room could be reached: the whole runbook where one was named, else how to come to one.
pub(super) fn without_room(start: Option<(&String, &Vec<String>)>) {
    if let Some((name, inputs)) = start {
        runbook(name, inputs);
    } else {
        eprintln!("UNRECORDED: without a room nothing runs from here. Every command of a runbook, to copy:");
        eprintln!("  warroom step start RUNBOOK --dry-run");
    }
}

/// The whole runbook, with what is known filled in.
pub(super) fn runbook(name: &str, inputs: &[String]) {
    println!("# {MARK}");
    let complete = dry_run(name, inputs) == super::exit::DONE;
    if let (false, Ok(runbook)) = (complete, load(name)) {
        for section in &runbook.sections {
            for step in &section.steps {
                println!("\n## {}: {}", section.title, step.title);
                print_blocks(&runbook, step, &BTreeMap::new(), |block| &block.code);
            }
        }
    }
}

/// One step of a walk, with the walk's values filled in.
pub(super) fn step(walk: &Walk, slug: &str) {
    println!("# {MARK}");
    if let Some(step) = walk.runbook.step(slug) {
        let names = walk.runbook.front.inputs.iter().map(|input| input.name.clone());
        let values: BTreeMap<_, _> = names
            .chain(walk.inputs.keys().cloned())
            .filter_map(|name| walk.value(&name).map(str::to_owned).map(|value| (name, value)))
            .collect();
        for (name, value) in &values {
            println!("{name}={}", crate::domain::text::line(value));
        }
        print_blocks(&walk.runbook, step, &values, |block| walk.code(block));
    }
}
