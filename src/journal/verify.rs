//! Is the record sound? Names the first event that does not fit.

use super::{Head, Journal, Pages, Trouble, chain, cores};
use crate::domain::{Seq, id::Digest};
use serde::Serialize;

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events that fit, from the first on.
    pub sound: u64,
    /// Of these, events whose payload was erased.
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

/// Reads the whole journal and checks every hash. `progress` hears how many events have been read.
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
    loop {
        let page = match pages.next().await {
            Ok(Some(page)) => page,
            Ok(None) => return report,
            Err(Trouble::Broken { seq, why }) => {
                report.broken = Some((seq, why));
                return report;
            }
            Err(trouble) => {
                report.unreadable = Some(trouble.to_string());
                return report;
            }
        };
        let checks = cores::each(&page, |record| chain::whole(record).map(drop));
        for (record, check) in page.iter().zip(checks) {
            if let Err(why) = chain::linked(head, record).and(check) {
                report.broken = Some((head.seq.saturating_add(1), why));
                return report;
            }
            head = Head { seq: record.seq, hash: record.hash };
            if anchor.is_some_and(|anchor| anchor.seq == head.seq && anchor.hash != head.hash) {
                let why = "it is another event than the one that was kept elsewhere: it, or one before it, was \
                           written anew";
                report.broken = Some((head.seq, why.to_owned()));
                return report;
            }
            report.sound += 1;
            report.erased += u64::from(record.payload.is_none());
            report.head = record.hash;
        }
        progress(report.sound);
    }
}
