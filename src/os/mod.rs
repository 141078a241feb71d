//! What only the system can do: processes, credentials, clocks, locks. The one place that spawns and the one place with `unsafe`.

pub mod claim;
pub mod clock;
pub mod dirs;
pub mod durable;
pub mod editor;
pub mod group;
pub mod lifeline;
pub mod lock;
pub mod memory;
pub mod peer;
pub mod process;
pub mod pty;
mod session;
pub mod spawn;

pub use session::seal_inherited;

/// This machine's name, safe to show.
pub fn host_name() -> String {
    crate::domain::text::line(&rustix::system::uname().nodename().to_string_lossy()).into_owned()
}
