//! The clocks: the wall, and milliseconds since this boot.

use crate::domain::time::{BootId, Stamp};
use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;

/// This moment on both clocks. Only loops call this; everything else is told the time.
pub fn now() -> Stamp {
    Stamp { wall: chrono::Utc::now(), boot: boot_id(), clock: boot_clock() }
}

/// This start of the kernel; empty where the system does not tell, so that no two are taken for the same.
pub fn boot_id() -> BootId {
    static BOOT: OnceLock<BootId> = OnceLock::new();
    BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        BootId(text.trim().to_owned())
    })
    .clone()
}

/// Milliseconds since boot, suspend included (`CLOCK_BOOTTIME`); never jumps.
pub fn boot_clock() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let ms = i128::from(time.tv_sec) * 1_000 + i128::from(time.tv_nsec) / 1_000_000;
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_runs_on_within_one_boot() {
        let first = now();
        let second = now();
        assert!(!first.boot.0.is_empty());
        assert_eq!(first.boot, second.boot);
        assert!(second.clock >= first.clock && first.clock > 0);
    }
}
