//! Is the record sound? Names the first event that does not fit.

use super::{Head, Journal, Pages, Trouble, chain, cores};
use crate::domain::{Seq, id::Digest};
use serde::Serialize;
use std::collections::BTreeMap;

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events that fit, from the first on.
    pub sound: u64,
    /// Of these, events whose payload was erased, as a later event says.
    pub erased: u64,
    /// Hash of the last that fits.
    pub head: Digest,
    /// The first that does not, and why.
    pub broken: Option<(Seq, String)>,
    /// What could not be read.
    pub unreadable: Option<String>,
}

impl Report {
    /// 0 sound, 1 tampered, 2 incomplete.
    pub fn exit(&self) -> u8 {
        match (&self.broken, &self.unreadable) {
            (Some(_), _) => 1,
            (None, Some(_)) => 2,
            (None, None) => 0,
        }
    }
}

/// Reads the whole journal and checks every hash, and that a payload is gone only where an event says who erased it.
/// `progress` hears how many events have been read.
///
/// A chain proves that nothing in it was changed; that nothing is missing at its end, or that it was not written anew
/// from the first event on, only somebody can prove who kept its head elsewhere: `anchor`.
pub async fn run(journal: &dyn Journal, anchor: Option<Head>, mut progress: impl FnMut(u64)) -> Report {
    let mut report = chain_of(journal, anchor, &mut progress).await;
    if let (None, None, Some(anchor)) = (&report.broken, &report.unreadable, anchor)
        && report.sound < anchor.seq
    {
        let first = report.sound.saturating_add(1);
        report.broken = Some((first, format!("it is missing, and there were {} events", anchor.seq)));
    }
    report
}

async fn chain_of(journal: &dyn Journal, anchor: Option<Head>, progress: &mut impl FnMut(u64)) -> Report {
    let mut report = Report { sound: 0, erased: 0, head: Digest::ZERO, broken: None, unreadable: None };
    let mut head = Head::EMPTY;
    let mut pages = Pages::after(journal, head.seq);
    // Payloads that are gone and that no event has accounted for yet, each with the hash before it.
    let mut gone = BTreeMap::new();
    loop {
        let page = match pages.next().await {
            Ok(Some(page)) => page,
            Ok(None) => return accounted(report, &gone),
            Err(Trouble::Broken { seq, why }) => {
                report.broken = Some((seq, why));
                return report;
            }
            Err(trouble) => {
                report.unreadable = Some(trouble.to_string());
                return report;
            }
        };
        let checks = cores::each(&page, |record| chain::whole(record).map(|whole| whole.erases(record)));
        for (record, check) in page.iter().zip(checks) {
            let erases = match chain::linked(head, record).and(check) {
                Ok(erases) => erases,
                Err(why) => {
                    report.broken = Some((head.seq.saturating_add(1), why));
                    return report;
                }
            };
            if record.payload.is_none() {
                gone.insert(record.seq, head.hash);
            }
            if erases.is_some_and(|seq| gone.remove(&seq).is_some()) {
                report.erased += 1;
            }
            head = Head { seq: record.seq, hash: record.hash };
            if anchor.is_some_and(|anchor| anchor.seq == head.seq && anchor.hash != head.hash) {
                let why = "it is another event than the one that was kept elsewhere: it, or one before it, was \
                           written anew";
                report.broken = Some((head.seq, why.to_owned()));
                return report;
            }
            report.sound += 1;
            report.head = record.hash;
        }
        progress(report.sound);
    }
}

/// The report on a chain read to its end, where the first of `gone` is not accounted for.
fn accounted(mut report: Report, gone: &BTreeMap<Seq, Digest>) -> Report {
    if let Some((seq, before)) = gone.first_key_value() {
        report.sound = seq.saturating_sub(1);
        report.head = *before;
        report.broken =
            Some((*seq, "its payload is gone, and no event says who erased it and why".to_owned()));
    }
    report
}
