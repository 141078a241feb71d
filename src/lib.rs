//! warroom: a terminal war room for incident response and release recovery.

#![allow(missing_docs)]

pub mod actuator;
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
pub mod room;
pub mod runbook;
pub mod seat;
pub mod signal;
pub mod source;
pub mod store;
pub mod theme;
pub mod transport;
pub mod wire;
