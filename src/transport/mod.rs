//! The socket under the wire: where rooms listen, how clients find them.

pub mod client;
pub mod find;
pub mod listen;
