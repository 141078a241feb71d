//! `warroom verify`: is the journal sound?

mod export;

use super::{With, anchor, exit, journal};
use crate::{
    audit::anchor::{Files, read},
    journal::{
        Head, Trouble,
        checkpoint::{Kept, Signed, Verifier},
        verify::{self, Anchors, Report},
    },
    store::{self, Mode, sqlite::Sqlite},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// Check every hash of a journal. Exit 0 sound, 1 tampered, 2 incomplete
///
/// The chain shows that nothing in it was changed, moved or taken out of its middle. That its end was not cut off and that
/// it was not written anew is shown by checkpoints, which the room signs as it goes, for every event up to the newest of
/// them. Who owns the machine can forge both: keep checkpoints and the key (warroom journal key) elsewhere too.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The journal's file, the folder of an export, or the address of a database, whose password is taken from PGPASSWORD
    /// [default: the configured one, else your own room's]
    #[arg(value_name = "JOURNAL")]
    journal: Option<PathBuf>,
    /// A head that was kept elsewhere: shows that nothing is missing at the end and nothing was written anew
    #[arg(long, value_name = "SEQ:HASH")]
    expect: Option<Head>,
    /// Checkpoints that were kept elsewhere; may be given again [default: those that lie with the journal]
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The key that signs them, as warroom journal key prints it, or a file with it; may be given again [default: the one
    /// that lies with the journal]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Checks the journal in a file.
///
/// # Errors
/// Where it cannot be opened.
pub async fn check(path: &Path) -> Result<Report, Trouble> {
    let store = Sqlite::open(path, Mode::Read)?;
    Ok(verify::run(&store, None, |_| {}).await)
}

/// Reads it all. Works beside a room that writes.
pub fn run(with: &With, args: &VerifyArgs) -> ExitCode {
    if let Some(dir) = args.journal.as_ref().filter(|path| path.is_dir()) {
        return exit::code(export::run(args, dir));
    }
    let place = match journal::place(with, args.journal.as_deref()) {
        Ok(place) => place,
        Err(error) => {
            complain!("{error}");
            return exit::code(exit::USAGE);
        }
    };
    if let Some(path) = journal::file(&place).filter(|path| !path.exists()) {
        let shown = path.display().to_string();
        complain!(
            "there is no journal at {}: a room makes it when it first opens",
            crate::domain::text::line(&shown)
        );
        complain!("name another: warroom verify FILE, or the directory of an export");
        return exit::code(exit::USAGE);
    }
    let kept = match vouchers(with, args) {
        Ok(kept) => kept,
        Err(why) => {
            complain!("{why}");
            return exit::code(exit::USAGE);
        }
    };
    exit::block_on(async {
        let store = match store::open(place, Mode::Read).await {
            Ok(store) => store,
            Err(Trouble::Broken { seq, why }) => {
                say!("TAMPERED: event {seq}: {why}");
                return 1;
            }
            Err(error) => {
                complain!("{error}");
                return 2;
            }
        };
        let report = verify::run(store.as_ref(), kept.anchors.clone(), progress()).await;
        tell(args, &kept, report)
    })
}

/// Says every second how far it is.
fn progress() -> impl FnMut(u64) {
    let mut told = Instant::now();
    move |events| {
        if told.elapsed().as_secs() >= 1 {
            told = Instant::now();
            complain!("{events} events so far …");
        }
    }
}

/// Heads that vouch for the journal, and checkpoints whose signature nobody here can check.
struct Vouchers {
    anchors: Anchors,
    unchecked: u64,
    /// Whether these were asked for, and not only found.
    asked: bool,
}

fn vouchers(with: &With, args: &VerifyArgs) -> Result<Vouchers, String> {
    let own = anchor::files_of(with, args.journal.as_deref()).ok();
    let keys = keys(args, own.as_ref())?;
    let mut all = Vec::new();
    for path in &args.checkpoint {
        let kept = read(path)?;
        if kept.notes.is_empty() {
            return Err(format!("there is no checkpoint in {}", path.display()));
        }
        all.push(kept);
    }
    if let Some(own) = own.filter(|_| args.checkpoint.is_empty()) {
        // A room's that is not mine: the journal itself can still be checked.
        all.extend(read(&own.kept).inspect_err(|why| complain!("{why}")).ok());
    }
    let anchors = args.expect.into();
    Ok(weigh(anchors, all, &keys, !args.checkpoint.is_empty()))
}

/// The keys that were given, else the one that lies with the journal.
fn keys(args: &VerifyArgs, own: Option<&Files>) -> Result<Vec<Verifier>, String> {
    if args.key.is_empty() {
        let own = own.map(anchor::public).transpose();
        return Ok(own
            .unwrap_or_else(|why| {
                complain!("{why}");
                None
            })
            .flatten()
            .into_iter()
            .collect());
    }
    let one = |given: &String| {
        let text = std::fs::read_to_string(given).unwrap_or_else(|_| given.clone());
        text.parse::<Verifier>().map_err(|why| format!("--key {given}: {why}"))
    };
    args.key.iter().map(one).collect()
}

fn weigh(mut anchors: Anchors, all: Vec<Kept>, keys: &[Verifier], asked: bool) -> Vouchers {
    let mut unchecked = 0;
    for note in all.into_iter().flat_map(|kept| kept.notes) {
        let note = match note {
            Ok(note) => note,
            Err(why) => {
                anchors.forged(0, format!("something among the checkpoints is none: {why}"));
                continue;
            }
        };
        match note.signed(keys) {
            Signed::By(who) => anchors.add_signed(note.head, format!("the checkpoint by {who}")),
            Signed::Forged(who) => {
                let why = format!("its checkpoint is not what {who} signed");
                anchors.forged(note.head.seq, why);
            }
            Signed::Unknown => {
                unchecked += 1;
                anchors.add(
                    note.head,
                    format!("a checkpoint of {}, whose signature was not checked", note.origin),
                );
            }
        }
    }
    Vouchers { anchors, unchecked, asked }
}

/// Says what was found; gives the exit code.
fn tell(args: &VerifyArgs, kept: &Vouchers, mut report: Report) -> u8 {
    if kept.asked && kept.unchecked > 0 && report.broken.is_none() && report.unreadable.is_none() {
        report.unreadable = Some(format!(
            "{} of the checkpoints are signed by a key that is not known here: name it with --key, as warroom journal key \
             prints it",
            kept.unchecked
        ));
    }
    if args.json {
        exit::print(&report);
        return report.exit();
    }
    let sound = report.sound;
    match (&report.broken, &report.unreadable) {
        (Some((0, why)), _) => say!("TAMPERED: {why}; {sound} events are sound in themselves"),
        (Some((seq, why)), _) => {
            say!(
                "TAMPERED: event {seq} does not fit: {why}; {} events before it are sound",
                sound.min(seq.saturating_sub(1))
            );
        }
        (None, Some(why)) => say!("INCOMPLETE: {why}; {sound} events before it are sound"),
        (None, None) if !report.unchecked.is_empty() => say!("INCOMPLETE: {}", held_back(&report)),
        (None, None) => {
            let erased =
                if report.erased == 0 { String::new() } else { format!(", {} erased", report.erased) };
            let held = match report.withheld {
                0 => String::new(),
                n => format!(", {n} with a secret held back"),
            };
            say!("sound: {sound} events{erased}{held}, head {sound}:{}", report.head);
        }
    }
    say!("{}", crate::domain::text::line(&anchored(&report)));
    report.exit()
}

/// What of an export can only be checked where the journal is.
fn held_back(report: &Report) -> String {
    let named: Vec<_> = report.unchecked.iter().take(5).map(u64::to_string).collect();
    let more = report.unchecked.len().saturating_sub(named.len());
    let (named, more) =
        (named.join(", "), if more == 0 { String::new() } else { format!(" and {more} more") });
    let (were, their, they) = if report.unchecked.len() == 1 {
        (format!("event {named} was"), "its header names", "its place fits, what it says")
    } else {
        (format!("events {named}{more} were"), "their headers name", "their places fit, what they say")
    };
    let others = report.sound.saturating_sub(report.unchecked.len() as u64);
    format!(
        "{were} held back whole, because {their} a secret: {they} can only be checked in the journal itself; the other \
         {others} events are sound"
    )
}

fn anchored(report: &Report) -> String {
    let tail = match report.unanchored {
        0 => "nothing after it".to_owned(),
        1 => "1 event after it is not anchored yet".to_owned(),
        n => format!("{n} events after it are not anchored yet"),
    };
    match &report.anchored {
        Some((seq, by)) => format!("anchored up to event {seq}, by {by}; {tail}"),
        None if report.sound == 0 => "anchored: nothing".to_owned(),
        None => format!(
            "anchored: nothing; cut off at the end or written anew whole, {} would not be missed",
            if report.sound == 1 {
                "this event".to_owned()
            } else {
                format!("these {} events", report.sound)
            }
        ),
    }
}
