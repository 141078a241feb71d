//! D4: lists that unindented code broke apart are one list again.

use super::tree::{Item, Node, What};

/// Most blocks that stand between two parts of one list.
const BETWEEN: usize = 12;

/// Joins `1. 2.`, something unindented, `3.` into one list; what stood between belongs to item 2.
pub fn rejoin(nodes: Vec<Node>) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::new();
    for node in nodes {
        let What::List(Some(first), items) = node.what else {
            out.push(node);
            continue;
        };
        match earlier(&out, first) {
            Some(at) => {
                let between = out.split_off(at + 1);
                if let Some(Node { what: What::List(_, before), .. }) = out.last_mut() {
                    if let Some(last) = before.last_mut() {
                        last.nodes.extend(between);
                    }
                    before.extend(items);
                }
            }
            None => out.push(Node { what: What::List(Some(first), items), line: node.line }),
        }
    }
    out
}

/// Where the list stands that a list starting at `first` goes on with.
fn earlier(out: &[Node], first: u64) -> Option<usize> {
    if first < 2 {
        return None;
    }
    for (at, node) in out.iter().enumerate().rev().take(BETWEEN) {
        match &node.what {
            What::List(Some(start), items) => return (next(*start, items) == first).then_some(at),
            What::List(None, items) if items.iter().any(|i| i.task.is_some()) => return None,
            What::Heading(..) => return None,
            _ => {}
        }
    }
    None
}

fn next(start: u64, items: &[Item]) -> u64 {
    start.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX))
}
