//! The journal in an export, without the store that it came from.

use super::{VerifyArgs, exit, keys, progress, tell, weigh};
use crate::{
    audit::anchor::read,
    domain::{Event, Seq, id::Digest},
    draft::Manifest,
    journal::{
        Head,
        chain::{self, Fault, Record},
        verify::{Anchors, Checker, Report},
    },
    wire::Sealed,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
};

/// Events that are checked at once.
const PAGE: usize = 1_000;
/// Files of an export that are the record; the others are for people, who may go on writing in them.
const RECORD: [&str; 3] = ["journal.jsonl", "chain.jsonl", "checkpoint.txt"];

pub(super) fn run(args: &VerifyArgs, dir: &Path) -> u8 {
    match check(args, dir) {
        Ok(code) => code,
        Err(why) => {
            exit::warn(&crate::domain::text::line(&why));
            exit::USAGE
        }
    }
}

fn check(args: &VerifyArgs, dir: &Path) -> Result<u8, String> {
    let shown = dir.display();
    let raw = std::fs::read(dir.join("manifest.json")).map_err(|error| {
        format!("{shown} is neither a journal nor an export, it has no manifest.json: {error}")
    })?;
    let manifest: Manifest = serde_json::from_slice(&raw)
        .map_err(|error| format!("{shown}/manifest.json is no manifest: {error}"))?;
    let mut changed = Vec::new();
    for entry in &manifest.files {
        if !is_as_written(&dir.join(&entry.path), entry.sha256) {
            changed.push(entry.path.as_str());
        }
    }
    let mut anchors = Anchors::from(args.expect);
    anchors.own(Head { seq: manifest.journal.last, hash: manifest.journal.head });
    let own = manifest.checkpoint.as_ref().and_then(|one| one.key.parse().ok());
    let known = if args.key.is_empty() { own.into_iter().collect() } else { keys(args, None)? };
    let mut all = Vec::new();
    for path in &args.checkpoint {
        all.push(read(path)?);
    }
    if manifest.checkpoint.is_some() {
        all.push(read(&dir.join("checkpoint.txt"))?);
    }
    let vouchers = weigh(anchors, all, &known, true);
    let mut report = if manifest.files.iter().any(|entry| entry.path == "chain.jsonl") {
        chained(dir, Checker::new(vouchers.anchors.clone()))?
    } else {
        let mut checker = Checker::new(None);
        checker.unreadable("the export has no chain.jsonl: an older version wrote it".into());
        checker.end()
    };
    let record: Vec<_> = changed.iter().copied().filter(|path| RECORD.contains(path)).collect();
    if report.broken.is_none() && !record.is_empty() {
        let why = format!("{} is not the file that the manifest names", record.join(", "));
        (report.broken, report.fault) = (Some((0, why)), Some(Fault::Changed));
    }
    let code = tell(args, &vouchers, report);
    if !args.json {
        if args.key.is_empty() && manifest.checkpoint.is_some() {
            say!("the key is the one in the export itself; --key takes one that was kept elsewhere");
        }
        for path in changed.into_iter().filter(|path| !RECORD.contains(path)) {
            say!("{} was edited after it was written", crate::domain::text::line(path));
        }
    }
    Ok(code)
}

fn is_as_written(path: &Path, wanted: Digest) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).is_ok() && Digest(hash.finalize().into()) == wanted
}

type Read = Lines<BufReader<File>>;

fn lines(path: &Path) -> Result<Read, String> {
    let file = File::open(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Ok(BufReader::new(file).lines())
}

/// A line of `chain.jsonl`.
enum Line {
    /// With whether its payload is held back.
    Record(Record, bool),
    /// Held back whole: only its place is left.
    Place { seq: Seq, prev: Digest, hash: Digest },
}

/// Checks the chain, and that the events that are told are those of the chain.
fn chained(dir: &Path, mut checker: Checker) -> Result<Report, String> {
    let (mut chain, mut told) = (lines(&dir.join("chain.jsonl"))?, lines(&dir.join("journal.jsonl"))?);
    let mut say = progress();
    loop {
        let mut page = Vec::new();
        let mut next = None;
        while page.len() < PAGE && next.is_none() {
            let Some(line) = chain.next() else { break };
            match line.map_err(|error| error.to_string()).and_then(|line| record(&line)) {
                Ok(Line::Record(record, withheld)) => {
                    if withheld {
                        checker.withholds(record.seq);
                    }
                    page.push(record);
                }
                other => next = Some(other),
            }
        }
        if !checker.page(&page) {
            return Ok(checker.end());
        }
        let over = page.is_empty() && next.is_none();
        for record in &page {
            if let Err(why) = tells(&mut told, record) {
                checker.breaks(record.seq, why);
                return Ok(checker.end());
            }
        }
        match next {
            Some(Ok(Line::Place { seq, prev, hash })) => {
                if !checker.passes(seq, prev, hash) {
                    return Ok(checker.end());
                }
                if let Err(why) =
                    event(&mut told).and_then(|event| same((event.seq, event.hash) == (seq, hash)))
                {
                    checker.breaks(seq, why);
                    return Ok(checker.end());
                }
            }
            Some(Err(why)) => {
                checker.breaks(checker.sound().saturating_add(1), why);
                return Ok(checker.end());
            }
            Some(Ok(Line::Record(..))) | None => {}
        }
        if over {
            let more = told.next().is_some();
            let mut report = checker.end();
            if more && report.broken.is_none() {
                let why = "journal.jsonl tells of an event that is not in the chain".to_owned();
                (report.broken, report.fault) =
                    (Some((report.sound.saturating_add(1), why)), Some(Fault::Changed));
            }
            return Ok(report);
        }
        say(checker.sound());
    }
}

/// A line as the record that it was.
fn record(line: &str) -> Result<Line, String> {
    let sealed: Sealed =
        serde_json::from_str(line).map_err(|error| format!("its line in chain.jsonl is none: {error}"))?;
    if sealed.header.is_empty() && sealed.withheld {
        return Ok(Line::Place { seq: sealed.seq, prev: sealed.prev, hash: sealed.hash });
    }
    let payload = match (sealed.salt, sealed.payload) {
        (Some(salt), Some(payload)) => Some((hex(&salt).ok_or("its salt is none")?, payload.into_bytes())),
        _ => None,
    };
    let record = Record {
        seq: sealed.seq,
        command: sealed.command,
        stream: sealed.stream,
        header: sealed.header.into_bytes(),
        prev: sealed.prev,
        body: sealed.body,
        hash: sealed.hash,
        payload,
    };
    Ok(Line::Record(record, sealed.withheld))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let mut pairs = digits.chunks_exact(2);
    let bytes = pairs.by_ref().filter_map(|pair| Some(pair.first()? * 16 + pair.last()?)).collect();
    pairs.remainder().is_empty().then_some(bytes)
}

/// The next event that `journal.jsonl` tells.
fn event(told: &mut Read) -> Result<Event, String> {
    let line = told.next().ok_or("it is missing in journal.jsonl")?.map_err(|error| error.to_string())?;
    serde_json::from_slice(line.as_bytes())
        .map_err(|error| format!("its line in journal.jsonl is none: {error}"))
}

fn same(is: bool) -> Result<(), String> {
    is.then_some(()).ok_or_else(|| "journal.jsonl tells something else than the chain".into())
}

/// Whether the next line of `journal.jsonl` tells what the chain has.
fn tells(told: &mut Read, record: &Record) -> Result<(), String> {
    let event = event(told)?;
    let stored = chain::open(record).map_err(|trouble| trouble.to_string())?;
    // What was held back or erased is told without its words.
    same(if record.payload.is_some() {
        event == stored
    } else {
        (event.seq, event.hash, event.recorded, &event.actor)
            == (stored.seq, stored.hash, stored.recorded, &stored.actor)
    })
}
