//! The runbook that stories walk.

use std::sync::Arc;
use warroom::domain::{
    id::Digest,
    plan::{
        Approval, Block, BlockKind, By, Choice, Ending, Front, Lead, Origin, Risk, Runbook, Section,
        SectionRole, Step,
    },
    time::Span,
};

/// A block by its name and kind.
pub fn block(id: &str, kind: BlockKind, code: &str) -> Block {
    serde_json::from_value(serde_json::json!({
        "id": id, "lang": "sh", "kind": kind, "code": code, "line": 1, "annotated": true
    }))
    .unwrap()
}

/// A step by its name.
pub fn step(
    id: &str,
    title: &str,
    lead: Option<Lead>,
    approval: Option<Approval>,
    blocks: Vec<Block>,
) -> Step {
    Step {
        id: id.into(),
        title: title.into(),
        text: String::new(),
        line: 1,
        origin: Origin::Task,
        lead,
        conditional: false,
        ticked: false,
        blocks,
        approval,
    }
}

/// Put the last good release back, as a runbook.
pub fn rollback() -> Arc<Runbook> {
    let section = |id: &str, title: &str, steps, ending| Section {
        id: id.into(),
        title: title.into(),
        level: 2,
        role: SectionRole::Action,
        text: String::new(),
        steps,
        ending,
        line: 1,
    };
    let choices = vec![
        Choice { label: "yes".into(), to: "roll-back".into() },
        Choice { label: "no".into(), to: "stand-down".into() },
    ];
    let by = By { roles: Vec::new(), n: 1, within: None };
    let approval = Approval { text: "Put 2.4.1 back into production".into(), by };
    let guard = block("already-good", BlockKind::Guard, "test \"$(curl -fsS localhost/version)\" = 2.4.1");
    let mut switch =
        block("switch", BlockKind::Run, "ln -sfn releases/2.4.1 current\nsystemctl reload checkout");
    switch.risk = Risk::High;
    switch.timeout = Some(Span::secs(60));
    Arc::new(Runbook {
        title: "Roll back a bad release".into(),
        source: "builtin:rollback".into(),
        hash: Digest([0x5a; 32]),
        front: Front { service: Some("checkout".into()), ..Front::default() },
        sections: vec![
            section(
                "size-up",
                "Size up",
                vec![step(
                    "started",
                    "Did the errors start with the release?",
                    Some(Lead::Decide(choices)),
                    None,
                    vec![],
                )],
                None,
            ),
            section(
                "roll-back",
                "Roll back",
                vec![
                    step(
                        "drain",
                        "Drain the queue of payments",
                        None,
                        None,
                        vec![block("pause", BlockKind::Run, "queue pause")],
                    ),
                    step(
                        "restore",
                        "Restore the last good release",
                        None,
                        Some(approval),
                        vec![guard, switch],
                    ),
                    step(
                        "verify",
                        "Error ratio is under 1 % again",
                        None,
                        None,
                        vec![block("errors", BlockKind::Verify, "ratio < 0.01")],
                    ),
                ],
                Some(Ending::End),
            ),
            section(
                "stand-down",
                "Stand down",
                vec![step("lifted", "Nothing was changed", Some(Lead::Confirm(By::default())), None, vec![])],
                Some(Ending::Stop),
            ),
        ],
        lints: Vec::new(),
    })
}
