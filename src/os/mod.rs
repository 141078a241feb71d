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
pub mod service;
mod session;
pub mod spawn;
pub mod tcp_peer;

pub use session::seal_inherited;

/// Makes a write beyond the allowed file size fail as a full disk does, instead of ending the process (SIGXFSZ).
/// Holds as long as what it gives.
///
/// # Errors
/// Where the system takes no handler.
pub fn outlive_limits() -> std::io::Result<std::sync::Arc<std::sync::atomic::AtomicBool>> {
    let hit = std::sync::Arc::default();
    signal_hook::flag::register(rustix::process::Signal::XFSZ.as_raw(), std::sync::Arc::clone(&hit))?;
    Ok(hit)
}

/// This machine's name, safe to show.
pub fn host_name() -> String {
    crate::domain::text::line(&rustix::system::uname().nodename().to_string_lossy()).into_owned()
}
