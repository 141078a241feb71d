//! What may lie on a disk when the power goes: what was synced does, and of the rest any part.

use crate::shim::FILES;
use std::{fs, path::Path};

/// The number of the directory itself.
const DIRECTORY: usize = 127;
/// What a disk writes whole.
const SECTOR: u64 = 512;

/// One call, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    pub file: usize,
    pub call: Call,
    /// Where the record ends with it.
    pub end: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Write { at: u64, bytes: Vec<u8> },
    Sync,
    SyncFailed,
    Truncate(u64),
    Unlink,
}

/// A record as the shim writes it; what is cut off at its end is left out.
pub fn read(mut raw: &[u8]) -> Vec<Op> {
    let (mut all, whole) = (Vec::new(), raw.len());
    while raw.len() >= 14 {
        let (head, rest) = raw.split_at(14);
        let at = u64::from_le_bytes(head[2..10].try_into().unwrap());
        let len = u32::from_le_bytes(head[10..14].try_into().unwrap()) as usize;
        let len = if head[0] == b'W' { len } else { 0 };
        if rest.len() < len {
            break;
        }
        let (bytes, rest) = rest.split_at(len);
        raw = rest;
        let call = match head[0] {
            b'W' => Call::Write { at, bytes: bytes.to_vec() },
            b'S' => Call::Sync,
            b'F' => Call::SyncFailed,
            b'T' => Call::Truncate(at),
            b'U' => Call::Unlink,
            other => panic!("{other} in the record"),
        };
        all.push(Op { file: head[1].into(), call, end: (whole - raw.len()) as u64 });
    }
    all
}

/// A generator that a seed repeats.
pub struct Random(pub u64);

impl Random {
    /// From `WARROOM_SEED`, or anew; printed where the test fails.
    pub fn seeded() -> Self {
        let given = std::env::var("WARROOM_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("WARROOM_SEED={seed}");
        Self(seed)
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// What is there of all that was not synced.
pub enum Left<'r> {
    /// Nothing.
    Nothing,
    /// All: the process died, and the system lives.
    All,
    /// Any part.
    Some(&'r mut Random),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A sync will bring it to the disk.
    Cached,
    /// A sync failed: the system holds it for written, and it may never be.
    Lost,
    Durable,
}

/// One file: what is on the disk for certain, and what was done since.
#[derive(Debug, Clone, Default)]
struct Kept {
    base: Option<Vec<u8>>,
    since: Vec<(Call, Fate)>,
}

/// A disk after some calls.
#[derive(Debug, Clone)]
pub struct Disk {
    files: Vec<Kept>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { files: vec![Kept::default(); FILES.len()] }
    }
}

impl Disk {
    /// One call more.
    pub fn goes_on(&mut self, op: &Op) {
        if op.file == DIRECTORY {
            if op.call == Call::Sync {
                self.files.iter_mut().for_each(Kept::names_are_kept);
            }
            return;
        }
        let file = &mut self.files[op.file];
        match &op.call {
            Call::Sync => file.becomes(Fate::Durable),
            Call::SyncFailed => file.becomes(Fate::Lost),
            change => file.since.push((change.clone(), Fate::Cached)),
        }
    }

    /// The files as they may be when the power goes now.
    pub fn lay_out(&self, dir: &Path, mut left: Left<'_>) {
        for (file, name) in self.files.iter().zip(FILES) {
            if let Some(bytes) = file.lies(&mut left) {
                fs::write(dir.join(name), bytes).unwrap();
            }
        }
    }
}

impl Kept {
    /// What is cached of the file that has the name now.
    fn becomes(&mut self, fate: Fate) {
        let own = self.since.iter().rposition(|(call, _)| *call == Call::Unlink).map_or(0, |at| at + 1);
        for (_, before) in self.since[own..].iter_mut().filter(|(_, before)| *before == Fate::Cached) {
            *before = fate;
        }
        self.settles();
    }

    /// The directory was synced.
    fn names_are_kept(&mut self) {
        if let Some(last) = self.since.iter().rposition(|(call, _)| *call == Call::Unlink) {
            self.since.drain(..=last);
            self.base = None;
        }
        self.settles();
    }

    /// What nothing can undo any more is put together.
    fn settles(&mut self) {
        let still =
            self.since.iter().position(|(_, fate)| *fate != Fate::Durable).unwrap_or(self.since.len());
        for (call, _) in self.since.drain(..still) {
            happens(&mut self.base, &call);
        }
    }

    fn lies(&self, left: &mut Left<'_>) -> Option<Vec<u8>> {
        let mut bytes = self.base.clone();
        for (call, fate) in &self.since {
            let chance = match left {
                Left::Some(random) if *fate != Fate::Durable => random.below(3),
                Left::Nothing if *fate != Fate::Durable => 0,
                _ => 2,
            };
            if let (1, Call::Write { at, bytes: written }, Left::Some(random)) = (chance, call, &mut *left) {
                torn(&mut bytes, *at, written, random);
            } else if chance > 0 {
                happens(&mut bytes, call);
            } else if *call == Call::Unlink {
                // The old name is there still, and so what has it since is not.
                break;
            }
        }
        bytes
    }
}

fn happens(file: &mut Option<Vec<u8>>, call: &Call) {
    match call {
        Call::Write { at, bytes } => lay(file.get_or_insert_default(), *at, bytes),
        Call::Truncate(len) => {
            file.get_or_insert_default().resize(usize::try_from(*len).unwrap(), 0);
        }
        Call::Unlink => *file = None,
        Call::Sync | Call::SyncFailed => {}
    }
}

fn lay(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let at = usize::try_from(at).unwrap();
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Any of its sectors.
fn torn(file: &mut Option<Vec<u8>>, at: u64, bytes: &[u8], random: &mut Random) {
    let (mut from, end) = (at, at + bytes.len() as u64);
    while from < end {
        let to = end.min((from / SECTOR + 1) * SECTOR);
        if random.below(2) == 0 {
            let part = usize::try_from(from - at).unwrap()..usize::try_from(to - at).unwrap();
            lay(file.get_or_insert_default(), from, &bytes[part]);
        }
        from = to;
    }
}

#[test]
fn what_a_sync_did_not_reach_may_be_there_or_not() {
    let write = |at, text: &str| Op { file: 0, call: Call::Write { at, bytes: text.into() }, end: 0 };
    let of = |call| Op { file: 0, call, end: 0 };
    let lies =
        |disk: &Disk, left| disk.files[0].lies(&mut { left }).map(|bytes| String::from_utf8(bytes).unwrap());
    let mut disk = Disk::default();
    assert_eq!(lies(&disk, Left::All), None);
    disk.goes_on(&write(0, "one"));
    assert_eq!(lies(&disk, Left::Nothing), None);
    disk.goes_on(&of(Call::Sync));
    disk.goes_on(&write(3, "two"));
    assert_eq!(lies(&disk, Left::Nothing).as_deref(), Some("one"));
    assert_eq!(lies(&disk, Left::All).as_deref(), Some("onetwo"));
    // A sync that failed is not made good by the next one.
    disk.goes_on(&of(Call::SyncFailed));
    disk.goes_on(&write(6, "six"));
    disk.goes_on(&of(Call::Sync));
    assert_eq!(lies(&disk, Left::Nothing).as_deref(), Some("one\0\0\0six"));
    disk.goes_on(&write(3, "TWO"));
    disk.goes_on(&of(Call::Sync));
    assert_eq!(lies(&disk, Left::Nothing).as_deref(), Some("oneTWOsix"));
    // A name is gone for good with its directory.
    disk.goes_on(&of(Call::Unlink));
    disk.goes_on(&write(0, "new"));
    disk.goes_on(&of(Call::Sync));
    assert_eq!(lies(&disk, Left::Nothing).as_deref(), Some("oneTWOsix"));
    disk.goes_on(&Op { file: DIRECTORY, call: Call::Sync, end: 0 });
    assert_eq!(lies(&disk, Left::Nothing).as_deref(), Some("new"));
}
