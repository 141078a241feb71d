//! Markdown to a plan: parse, derive (layers 0 to 3), lint. Pure.
