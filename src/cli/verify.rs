//! `warroom verify`: is the journal sound?

use super::{With, exit, journal};
use crate::{
    journal::{Head, Trouble, verify},
    store::{self, Mode, sqlite::Sqlite},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Check every hash of a journal. Exit 0 sound, 1 tampered, 2 incomplete
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The journal's file, or the address of a database, whose password is taken from PGPASSWORD [default: the
    /// configured one, else your own room's]
    #[arg(value_name = "JOURNAL")]
    journal: Option<PathBuf>,
    /// A head that was kept elsewhere: shows that nothing is missing at the end and nothing was written anew
    #[arg(long, value_name = "SEQ:HASH")]
    expect: Option<Head>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Checks the journal in a file.
///
/// # Errors
/// Where it cannot be opened.
pub async fn check(path: &Path) -> Result<verify::Report, Trouble> {
    let store = Sqlite::open(path, Mode::Read)?;
    Ok(verify::run(&store, None, |_| {}).await)
}

/// Reads it all. Works beside a room that writes.
pub fn run(with: &With, args: &VerifyArgs) -> ExitCode {
    let place = match journal::place(with, args.journal.as_deref()) {
        Ok(place) => place,
        Err(error) => {
            eprintln!("{error}");
            return exit::code(exit::USAGE);
        }
    };
    exit::block_on(async {
        let store = match store::open(place, Mode::Read).await {
            Ok(store) => store,
            Err(Trouble::Broken { seq, why }) => {
                println!("TAMPERED: event {seq}: {why}");
                return 1;
            }
            Err(error) => {
                eprintln!("{error}");
                return 2;
            }
        };
        let started = std::time::Instant::now();
        let mut told = started;
        let report = verify::run(store.as_ref(), args.expect, |events| {
            if told.elapsed().as_secs() >= 1 {
                told = std::time::Instant::now();
                eprintln!("{events} events so far …");
            }
        })
        .await;
        if args.json {
            exit::print(&report);
        } else {
            match (&report.broken, &report.unreadable) {
                (Some((seq, why)), _) => {
                    println!(
                        "TAMPERED: event {seq} does not fit: {why}; {} events before it are sound",
                        report.sound
                    );
                }
                (None, Some(why)) => {
                    println!("INCOMPLETE: {why}; {} events before it are sound", report.sound);
                }
                (None, None) => {
                    let erased = if report.erased == 0 {
                        String::new()
                    } else {
                        format!(", {} erased", report.erased)
                    };
                    println!("sound: {} events{erased}, head {}:{}", report.sound, report.sound, report.head);
                }
            }
        }
        report.exit()
    })
}
