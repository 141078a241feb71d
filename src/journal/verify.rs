//! Is the record sound? Names the first event that does not fit.

use super::{
    Head, Journal, Pages, Trouble,
    chain::{self, Fault, Record},
    cores,
};
use crate::domain::{Seq, id::Digest};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Heads that were kept elsewhere: what a chain alone cannot prove, that nothing is missing at its end and that it was
/// not written anew from the first event on, these do.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    heads: BTreeMap<Seq, Vec<(Digest, String)>>,
    forged: Option<(Seq, String)>,
    signed: u64,
    /// Where the journal itself says that it ends; it says so where it lies, so it vouches for nothing.
    own: Option<Head>,
}

impl Anchors {
    /// A head, and who says so, as in "the checkpoint of bastion".
    pub fn add(&mut self, head: Head, by: impl Into<String>) {
        self.heads.entry(head.seq).or_default().push((head.hash, by.into()));
    }

    /// A checkpoint whose signature is somebody's who is known.
    pub fn add_signed(&mut self, head: Head, by: impl Into<String>) {
        self.signed += 1;
        self.add(head, by);
    }

    /// The newest event that anything vouches for.
    pub fn newest(&self) -> Option<Seq> {
        self.heads.keys().next_back().copied()
    }

    /// Where the journal itself says that it ends: what is missing before that is missed, and nothing is vouched for.
    pub fn own(&mut self, head: Head) {
        self.own = Some(head);
    }

    /// A checkpoint of so many events that is not what was signed.
    pub fn forged(&mut self, seq: Seq, why: impl Into<String>) {
        self.forged.get_or_insert((seq, why.into()));
    }
}

impl From<Option<Head>> for Anchors {
    fn from(head: Option<Head>) -> Self {
        let mut anchors = Self::default();
        if let Some(head) = head {
            anchors.add(head, "the head that was kept elsewhere");
        }
        anchors
    }
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events that fit, from the first on.
    pub sound: u64,
    /// Of these, events whose payload was erased, as a later event says.
    pub erased: u64,
    /// Of these, events whose payload an export holds back, because it names a secret.
    #[serde(skip_serializing_if = "is_zero")]
    pub withheld: u64,
    /// Of these, events that an export holds back whole, because their headers name a secret: their places fit, and what
    /// they say cannot be checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<Seq>,
    /// Hash of the last that fits.
    pub head: Digest,
    /// The first that does not, and why.
    pub broken: Option<(Seq, String)>,
    /// In which way it does not.
    pub fault: Option<Fault>,
    /// What could not be read.
    pub unreadable: Option<String>,
    /// Checkpoints with a good signature.
    pub checkpoints: u64,
    /// The newest event that a checkpoint, or a head that was kept elsewhere, vouches for; and who.
    pub anchored: Option<(Seq, String)>,
    /// Events after it: cut off or written anew, they would not be missed.
    pub unanchored: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Report {
    /// 0 sound, 1 tampered, 2 incomplete.
    pub fn exit(&self) -> u8 {
        match (&self.broken, &self.unreadable) {
            (Some(_), _) => 1,
            (None, Some(_)) => 2,
            (None, None) if !self.unchecked.is_empty() => 2,
            (None, None) => 0,
        }
    }

    fn breaks(&mut self, seq: Seq, fault: Fault, why: impl Into<String>) {
        (self.broken, self.fault) = (Some((seq, why.into())), Some(fault));
    }
}

/// Checks records as they come, in their order. Pure: where they come from is somebody else's.
pub struct Checker {
    anchors: Anchors,
    report: Report,
    head: Head,
    /// Payloads that are gone and that no event has accounted for yet, each with the hash before it.
    gone: BTreeMap<Seq, Digest>,
    withheld: BTreeSet<Seq>,
}

impl Checker {
    /// Nothing was read yet.
    pub fn new(anchors: impl Into<Anchors>) -> Self {
        let anchors = anchors.into();
        let report = Report {
            sound: 0,
            erased: 0,
            withheld: 0,
            unchecked: Vec::new(),
            head: Digest::ZERO,
            broken: None,
            fault: None,
            unreadable: None,
            checkpoints: anchors.signed,
            anchored: None,
            unanchored: 0,
        };
        Self { anchors, report, head: Head::EMPTY, gone: BTreeMap::new(), withheld: BTreeSet::new() }
    }

    /// The payload of this event, which comes next, is not there because it was held back.
    pub fn withholds(&mut self, seq: Seq) {
        self.withheld.insert(seq);
    }

    /// Events that fit so far.
    pub fn sound(&self) -> u64 {
        self.report.sound
    }

    /// The next records. Says whether it is worth going on.
    pub fn page(&mut self, page: &[Record]) -> bool {
        let checks = cores::each(page, |record| chain::whole(record).map(|whole| whole.erases(record)));
        for (record, check) in page.iter().zip(checks) {
            let erases = match chain::settled(chain::linked(self.head, record.seq, record.prev), check) {
                Ok(erases) => erases,
                Err(misfit) => {
                    self.report.breaks(self.head.seq.saturating_add(1), misfit.fault, misfit.why);
                    return false;
                }
            };
            if record.payload.is_none() {
                if self.withheld.remove(&record.seq) {
                    self.report.withheld += 1;
                } else {
                    self.gone.insert(record.seq, self.head.hash);
                }
            }
            if erases.is_some_and(|seq| self.gone.remove(&seq).is_some()) {
                self.report.erased += 1;
            }
            if !self.stands(Head { seq: record.seq, hash: record.hash }) {
                return false;
            }
        }
        true
    }

    /// The next event is held back whole, and only its place can be checked. Says whether it is worth going on.
    pub fn passes(&mut self, seq: Seq, prev: Digest, hash: Digest) -> bool {
        if let Err(misfit) = chain::linked(self.head, seq, prev) {
            self.report.breaks(self.head.seq.saturating_add(1), misfit.fault, misfit.why);
            return false;
        }
        self.report.unchecked.push(seq);
        self.stands(Head { seq, hash })
    }

    /// An event fits; whether it is also the one that is known from elsewhere.
    fn stands(&mut self, head: Head) -> bool {
        if self.anchors.own.is_some_and(|own| own.seq == head.seq && own.hash != head.hash) {
            let why = "the row that says where the journal ends names another event";
            self.report.breaks(head.seq, Fault::Changed, why);
            return false;
        }
        if let Some(anchors) = self.anchors.heads.remove(&head.seq)
            && !self.fits(head, anchors)
        {
            return false;
        }
        self.head = head;
        self.report.sound += 1;
        self.report.head = head.hash;
        true
    }

    fn fits(&mut self, head: Head, anchors: Vec<(Digest, String)>) -> bool {
        for (hash, by) in anchors {
            if hash != head.hash {
                let since = self.report.anchored.as_ref().map_or(1, |(seq, _)| seq.saturating_add(1));
                let first = if since < head.seq {
                    format!("it, or one from event {since} on, was written anew")
                } else {
                    "it was written anew".into()
                };
                let why = format!("it is another event than {by} names: {first}");
                self.report.breaks(head.seq, Fault::Rewritten, why);
                return false;
            }
            self.report.anchored = Some((head.seq, by));
        }
        true
    }

    /// An event does not fit in a way that the chain does not show.
    pub fn breaks(&mut self, seq: Seq, why: String) {
        self.report.sound = self.report.sound.min(seq.saturating_sub(1));
        self.report.breaks(seq, Fault::Changed, why);
    }

    /// It cannot be read on.
    pub fn unreadable(&mut self, why: String) {
        self.report.unreadable = Some(why);
    }

    /// There is nothing more: what came to light.
    pub fn end(mut self) -> Report {
        let mut report = self.report;
        if report.broken.is_none()
            && report.unreadable.is_none()
            && let Some((seq, before)) = self.gone.pop_first()
            // Who erased it may be said by one that was held back.
            && report.unchecked.last().is_none_or(|last| *last < seq)
        {
            report.sound = seq.saturating_sub(1);
            report.head = before;
            report.breaks(seq, Fault::Erased, "its payload is gone, and no event says who erased it and why");
        }
        let own = self.anchors.own.map(|own| (own.seq, "the journal itself".to_owned()));
        let kept = self.anchors.heads.into_iter().next_back();
        let kept = kept.and_then(|(seq, by)| Some((seq, by.into_iter().next()?.1)));
        let missing = kept.into_iter().chain(own).find(|(seq, _)| *seq > report.sound);
        if let (None, None, Some((seq, by))) = (&report.broken, &report.unreadable, missing) {
            let why = format!("it is missing, and there were {seq} events, says {by}");
            report.breaks(report.sound.saturating_add(1), Fault::Cut, why);
        }
        if let (None, Some((seq, why))) = (&report.broken, self.anchors.forged) {
            report.breaks(seq, Fault::Signature, why);
        }
        let anchored = report.anchored.as_ref().map_or(0, |(seq, _)| *seq);
        report.unanchored = report.sound.saturating_sub(anchored);
        report
    }
}

/// Reads the whole journal and checks every hash, and that a payload is gone only where an event says who erased it.
/// `progress` hears how many events have been read.
pub async fn run(
    journal: &dyn Journal,
    anchors: impl Into<Anchors>,
    mut progress: impl FnMut(u64),
) -> Report {
    let mut anchors = anchors.into();
    // Asked first, for a room may append meanwhile. What cannot be said is found when it is read.
    anchors.own = journal.head().await.ok();
    let mut checker = Checker::new(anchors);
    let mut pages = Pages::after(journal, 0);
    loop {
        match pages.next().await {
            Ok(Some(page)) => {
                if !checker.page(&page) {
                    break;
                }
                progress(checker.sound());
            }
            Ok(None) => break,
            Err(Trouble::Broken { seq, why }) => {
                checker.report.breaks(seq, Fault::Changed, why);
                break;
            }
            Err(trouble) => {
                checker.unreadable(trouble.to_string());
                break;
            }
        }
    }
    checker.end()
}
