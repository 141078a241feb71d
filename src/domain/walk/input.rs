//! Values that are entered: what may stand in a command.

use super::{
    WalkFact,
    rules::{ask_again, open},
};
use crate::domain::{
    command::Ctx,
    fact::Fact,
    id::WalkId,
    placeholder,
    plan::{Runbook, Slug},
    refusal::{Code, Refusal},
    state::State,
};
use std::collections::BTreeMap;

/// Checks a value against its input. A secret is accepted and not kept.
pub(super) fn accept_value(
    runbook: &Runbook,
    edits: &BTreeMap<Slug, String>,
    name: &str,
    value: &str,
) -> Result<Option<(String, String)>, Refusal> {
    let wrong = |why: String, hint: String| Err(Refusal::new(Code::Invalid, why).hint(hint));
    if let Some(input) = runbook.front.inputs.iter().find(|input| input.name == name) {
        if input.secret {
            return Ok(None);
        }
        if !input.choices.is_empty() && !input.choices.iter().any(|choice| choice == value) {
            return wrong(
                format!("{name} cannot be {value:?}"),
                format!("one of {}", input.choices.join(", ")),
            );
        }
        if let Some(pattern) = &input.pattern {
            let whole = regex::Regex::new(&format!("^(?:{pattern})$"));
            match whole {
                Ok(whole) if whole.is_match(value) => {}
                Ok(_) => {
                    return wrong(format!("{name} cannot be {value:?}"), format!("it must match {pattern}"));
                }
                Err(_) => {
                    return wrong(
                        format!("the pattern of {name} is no regular expression"),
                        "correct the runbook".into(),
                    );
                }
            }
        }
        if value.contains('\0') || value.len() > 4_000 {
            return wrong(format!("{name} is too long or has a zero byte"), "shorten it".into());
        }
        return Ok(Some((name.to_owned(), value.to_owned())));
    }
    let written =
        runbook.steps().flat_map(|s| &s.blocks).any(|block| block.placeholders.iter().any(|p| p == name));
    // What somebody edited may have others.
    let edited = || edits.values().any(|code| placeholder::find(code).iter().any(|p| p == name));
    if !written && !edited() {
        return wrong(
            format!("the runbook has no input {name:?}"),
            "warroom runbook show lists its inputs".into(),
        );
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c);
    if value.is_empty() || !value.chars().all(plain) {
        return wrong(
            format!("<{name}> cannot be filled with {value:?}"),
            "letters, digits and ._:/@%+=,- only; anything else is edited by hand with e".into(),
        );
    }
    Ok(Some((name.to_owned(), value.to_owned())))
}

pub(super) fn set_input(
    state: &State,
    id: WalkId,
    name: &str,
    value: &str,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let walk = open(state, id)?;
    let Some((name, value)) = accept_value(&walk.runbook, &walk.edits, name, value)? else {
        return Ok(Vec::new());
    };
    // A step that the one who enters it holds may not have it yet: what others entered did not reach it.
    let own = walk.steps.values().filter_map(|state| state.lease.as_ref());
    let mut own = own.filter(|lease| lease.owner.same(&ctx.actor));
    if walk.inputs.get(&name) == Some(&value) && own.all(|lease| lease.inputs.get(&name) == Some(&value)) {
        return Ok(Vec::new());
    }
    let mut facts = vec![Fact::Walk(WalkFact::InputSet { walk: id, name, value })];
    ask_again(walk, &mut facts, ctx);
    Ok(facts)
}
