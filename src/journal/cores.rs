//! Work on many records at once, on all cores.

use super::chain::Record;
use std::{num::NonZero, thread};

/// Threads at most: beyond these the disk is what is waited for.
const THREADS: usize = 8;
/// Records that are worth a thread of their own.
const WORTH: usize = 256;

/// Works on each record and gives what came of it, in order.
pub(super) fn each<T: Send>(page: &[Record], work: impl Fn(&Record) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let size = page.len().div_ceil(threads).max(WORTH);
    let (mine, others) = page.split_at(size.min(page.len()));
    let work = &work;
    let alone = |part: &[Record]| part.iter().map(work).collect::<Vec<_>>();
    thread::scope(|scope| {
        let started: Vec<_> = others
            .chunks(size)
            .map(|part| (part, thread::Builder::new().spawn_scoped(scope, move || alone(part))))
            .collect();
        let mut done = alone(mine);
        for (part, thread) in started {
            // Where the system has no thread to give, the work is done here.
            done.extend(match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) => alone(part),
            });
        }
        done
    })
}
