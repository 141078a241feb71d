//! warroom: a terminal war room for incident response and release recovery.
//!
//! A *room* is one journal with people and signals around it. One direction, no side doors:
//!
//! ```text
//!  people ── commands ──▶ ┌────────┐            ┌─────────┐           ┌───────┐
//!  gate ──── requests ──▶ │ decide │─ events ─▶ │ journal │─ events ─▶│ state │──▶ seats (draw)
//!  signals ─ verdicts ──▶ └────────┘            └─────────┘           └───────┘──▶ draft (render)
//! ```
//!
//! # The map
//! - [`domain`]: the rules, pure, one file per noun; [`domain::walk`] is the one engine for every runbook.
//! - [`runbook`]: Markdown to a plan, pure. [`signal`]: what is live, and pure rules over it.
//! - [`journal`]: the record and its chain; [`store`]: where it lies. [`evidence`]: what was seen, redacted, by content.
//! - [`postgres`]: a database as checks and a journal reach it.
//! - [`source`]: I/O that makes signals. [`hand`]: runs one step as the person who took it.
//! - [`wire`]: frames, no I/O; [`transport`]: the socket under it.
//! - [`room`]: the process that decides, journals, publishes; [`http`]: the gate's thin surface.
//! - [`seat`]: one person's terminal; [`theme`]: meanings, not colours.
//! - [`push`]: pages and updates on their way out; [`audit`]: every event to a central audit system.
//! - [`config`]: warroom.toml. [`draft`]: the post-mortem. [`drill`]: the practice world. [`cli`]: on top of all.
//! - [`os`]: what only the system can do; the one place that spawns, the one place with `unsafe`.
//!
//! # Invariants
//! - What is not in the journal did not happen; what is in it is never changed. A correction is a new event.
//! - `decide` and `apply` are pure: no I/O, no clock, no async, no randomness. Every door goes through them.
//! - Nothing is published, answered or acted on before it is durable; the intent is journaled before the act.
//! - A command id makes a retry harmless; folding the same events gives the same state.
//! - A slow or stopped seat is never waited for; the screen waits neither for the network nor for the journal.
//! - No data is unknown, never yes. What is old is marked so, never shown as new.
//! - Text from outside passes [`domain::text`] before any terminal sees it; secrets are redacted before they are kept.
//! - Command has one holder and passes by a positive exchange; who may what is asked once, in [`domain::power`].
//! - A step has one owner; one that is unknown is never started again unasked.
//! - Deliberately absent: a template language in runbooks, a home-made remote login, a second engine, any power of the
//!   room over production.

#![allow(rustdoc::private_intra_doc_links, reason = "the documentation is built with private items")]

pub mod audit;
pub mod cli;
pub mod config;
pub mod domain;
pub mod draft;
pub mod drill;
pub mod evidence;
pub mod hand;
pub mod http;
pub mod journal;
pub mod os;
pub mod postgres;
pub mod push;
pub mod room;
pub mod runbook;
pub mod seat;
pub mod signal;
pub mod source;
pub mod store;
pub mod theme;
pub mod transport;
pub mod wire;
