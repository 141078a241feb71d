//! The customers: real requests at random moments, in the same order for the same seed. They do not wait for one
//! another and do not come back.

use super::client::client;
use super::rng::Rng;
use super::spec::Spec;
use super::trace::{HEADER, Trace};
use super::{Facts, Layout, WorldError, layout};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Checkouts a second, on average; it swings by a twentieth over two minutes.
const CHECKOUTS: f64 = 30.0;
/// One payment for so many checkouts.
const PAYMENT_ONE_IN: u64 = 12;
/// Customers who wait at the same time; more are lost.
const WAITING: usize = 256;
/// Patience of a customer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Sends customers until the process ends.
pub async fn run(layout: &Layout) -> Result<(), WorldError> {
    let spec: Spec = layout::read_json(&layout.spec())?;
    let facts = Facts::read(layout)?;
    let (checkout, payments) = (facts.urls("checkout"), facts.urls("payments"));
    let http = client()?;
    let mut rng = Rng::new(spec.seed);
    let room = Arc::new(Semaphore::new(WAITING));
    let began = Instant::now();
    let mut due = 0.0_f64;
    for n in 0_u64.. {
        let rate = CHECKOUTS * (1.0 + 0.05 * (due * std::f64::consts::TAU / 120.0).sin());
        due += rng.arrival(rate);
        let late = began.elapsed().as_secs_f64() - due;
        if late > 1.0 {
            // The machine slept or was busy: no flood of what was missed.
            due += late;
        }
        let at = began + Duration::from_secs_f64(due);
        tokio::time::sleep_until(at.into()).await;
        let (targets, path) =
            if n % PAYMENT_ONE_IN == 5 { (&payments, "pay") } else { (&checkout, "checkout") };
        let turn = usize::try_from(n).unwrap_or(0).checked_rem(targets.len()).unwrap_or(0);
        let (Some(base), Ok(place)) = (targets.get(turn), Arc::clone(&room).try_acquire_owned()) else {
            continue;
        };
        let trace = Trace::begin(&mut rng).header(&mut rng);
        let request = http.post(format!("{base}/{path}")).header(HEADER, trace).timeout(PATIENCE);
        tokio::spawn(async move {
            if let Ok(answer) = request.send().await {
                // Read to the end, so that the connection serves the next customer.
                let _ = answer.bytes().await;
            }
            drop(place);
        });
    }
    Ok(())
}
