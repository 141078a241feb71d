//! `warroom journal`: setting up a journal that lies in a database, moving one there, and its key; and the place of a journal, from what
//! was given.

use super::{With, anchor, exit, moving, sources, witness};
use crate::{
    config::{self, Config, journal::Durability},
    evidence::redact::Secret as Known,
    os::dirs,
    postgres::{Trust, user},
    store::{
        Place,
        postgres::{self, Init, Spec},
    },
};
use clap::{Args, Subcommand};
use secrecy::SecretString;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Set up a journal in a database, move one there, show the key that signs it, and what your seats doubt
#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum JournalCommand {
    /// Make the tables, append-only by constraint, and grant a room's role what it needs; does nothing twice
    ///
    /// The role that makes them owns them and could drop them: let a database administrator make them, and the room
    /// connect as another role.
    Init {
        /// The database, as who may create tables in it; the password is taken from PGPASSWORD [default: the journal of
        /// warroom.toml]
        #[arg(value_name = "URL")]
        url: Option<String>,
        /// The role that rooms connect as [default: the user in the journal's address in warroom.toml]
        #[arg(long)]
        role: Option<String>,
        /// Only print the statements, for who types them by hand
        #[arg(long)]
        print: bool,
    },
    /// Copy a journal to another place, the chain checked on both sides; goes on where it was interrupted
    ///
    /// From a file to a database, or to another file. No room may run on it meanwhile. Nothing of the source is
    /// changed; events come over byte by byte, what was erased stays erased. Killed or stopped with Ctrl-C, the same
    /// command goes on. A target that has another chain is left alone.
    #[command(
        after_help = "Exit codes: 0 it is there, whole; 1 it is not, and why; 2 wrong usage; 130 stopped with Ctrl-C"
    )]
    Move {
        /// The journal's file [default: your own room's]
        #[arg(value_name = "FROM")]
        from: Option<PathBuf>,
        /// A database or a file; a database's password is taken from PGPASSWORD [default: the database of
        /// warroom.toml]
        #[arg(value_name = "TO")]
        to: Option<String>,
    },
    /// Print the key by which a journal's checkpoints are checked
    ///
    /// In the form of Go's note package, NAME+ID+KEY; NAME is the origin in the checkpoints. Keep it elsewhere than the
    /// journal, for warroom verify --key. The key that signs stays in a file of the room's user alone.
    Key {
        /// The journal's file [default: the configured journal, else your own room's]
        #[arg(value_name = "JOURNAL")]
        journal: Option<PathBuf>,
    },
    /// Show which journals your own seats do not believe, since when and why
    ///
    /// A seat keeps the last checkpoint that it saw of a journal. Where a room shows one of fewer events later, or of
    /// others, this seat and the next ones say DO NOT TRUST THE RECORD until the room shows again what was seen, or you
    /// say why it can be trusted: warroom journal trust.
    #[command(after_help = "Exit codes: 0 none is in doubt; 1 one is; 2 it cannot be said")]
    Doubts {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Believe a journal again that your seats doubt, and say why
    ///
    /// Where you know what happened: a copy was restored, a second room has a key of its own. Run warroom verify
    /// against a checkpoint that was kept elsewhere first. Kept with the reason; warroom journal doubts shows it.
    #[command(after_help = "Exit codes: 0 it is believed again; 1 it is not, and why; 2 wrong usage")]
    Trust {
        /// Why it can be trusted
        #[arg(value_name = "REASON")]
        reason: String,
        /// Which, where several are in doubt: its name or the key's id, as warroom journal doubts shows it
        #[arg(long, value_name = "JOURNAL")]
        journal: Option<String>,
    },
}

/// Does it.
pub fn run(with: &With, args: &JournalArgs) -> ExitCode {
    let (url, role, print) = match &args.command {
        JournalCommand::Init { url, role, print } => (url, role, print),
        JournalCommand::Move { from, to } => return moving::run(with, from.as_deref(), to.as_deref()),
        JournalCommand::Key { journal } => return anchor::print_key(with, journal.as_ref()),
        JournalCommand::Doubts { json } => return witness::list(*json),
        JournalCommand::Trust { reason, journal } => return witness::trust(reason, journal.as_deref()),
    };
    match init(with, url.as_deref(), role.as_deref(), *print) {
        Ok(said) => {
            exit::put(&said);
            ExitCode::SUCCESS
        }
        Err(why) => {
            complain!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn init(with: &With, url: Option<&str>, role: Option<&str>, print: bool) -> Result<String, String> {
    // By hand everything may be told, and then no configuration is needed, nor one that is sound.
    let config = match (url, role) {
        (Some(_), Some(_)) => Config::default(),
        _ => configured(with)?,
    };
    let own = config.journal.url.as_deref();
    let role = role.map(str::to_owned).or_else(|| own.and_then(user));
    if print {
        let role = role.ok_or("name the role that rooms connect as: --role ROLE")?;
        return Ok(postgres::by_hand(&role));
    }
    let spec = match url {
        Some(url) => given(url),
        None => spec(&config, &mut Vec::new())?
            .ok_or("name the database: warroom journal init postgres://user@host/name, or url in [journal] of warroom.toml")?,
    };
    // Who makes the tables owns them and needs no grant.
    let role = role.filter(|role| user(&spec.url).as_ref() != Some(role));
    let (place, done) = exit::runtime()
        .map_err(|error| error.to_string())?
        .block_on(postgres::init(&spec, role.as_deref()))
        .map_err(|trouble| trouble.to_string())?;
    let made = match done {
        Init::Made => "made".to_owned(),
        Init::There => "was there".to_owned(),
        Init::Brought { from } => format!("brought on from format {from}, nothing journaled changed"),
    };
    let granted = role.map(|role| format!(", granted to {role}")).unwrap_or_default();
    Ok(format!("{place}: the journal {made}{granted}\n"))
}

/// A database that was named on the command line: the password as other clients take it.
fn given(url: &str) -> Spec {
    let password = std::env::var("PGPASSWORD").ok().filter(|word| !word.is_empty()).map(SecretString::from);
    Spec { url: url.to_owned(), password, durability: postgres::Durability::Local, ..Spec::default() }
}

pub(super) fn configured(with: &With) -> Result<Config, String> {
    let ask = config::Ask::here(with.config.clone(), with.flags.clone());
    config::load(&ask).map(|loaded| loaded.config).map_err(|report| report.to_string())
}

/// The database of a configuration, where it names one; its password is remembered among the secrets.
///
/// # Errors
/// Where the password cannot be had.
pub(super) fn spec(config: &Config, secrets: &mut Vec<Known>) -> Result<Option<Spec>, String> {
    let journal = &config.journal;
    let Some(url) = journal.url.clone() else { return Ok(None) };
    let password = journal.password.as_ref().map(|secret| sources::have(secret, secrets)).transpose()?;
    Ok(Some(Spec {
        url,
        password,
        trust: Trust { ca: journal.ca.clone(), identity: journal.cert.clone().zip(journal.key.clone()) },
        durability: match journal.durability {
            Durability::Replicated => postgres::Durability::Replicated,
            Durability::Local => postgres::Durability::Local,
        },
    }))
}

/// The place that was given, else the configured one, else one's own.
///
/// # Errors
/// In words, where there is none.
pub(super) fn place(with: &With, given_place: Option<&Path>) -> Result<Place, String> {
    if let Some(given_place) = given_place {
        return Ok(match given_place.to_str().filter(|text| text.contains("://")) {
            Some(url) => Place::Postgres(given(url)),
            None => Place::File(given_place.to_owned()),
        });
    }
    let own = own_file;
    match configured(with) {
        Ok(config) => match spec(&config, &mut Vec::new())? {
            Some(spec) => Ok(Place::Postgres(spec)),
            None => config.journal.path.map_or_else(own, Ok).map(Place::File),
        },
        // A record can be checked whatever is wrong with the configuration.
        Err(_) => own().map(Place::File),
    }
}

/// The file of one's own room.
///
/// # Errors
/// In words, where nobody knows where that would be.
pub(super) fn own_file() -> Result<PathBuf, String> {
    dirs::state().map(|dir| dir.join("journal.db")).map_err(|error| error.to_string())
}

/// A place's file, where it is one.
pub(super) fn file(place: &Place) -> Option<&PathBuf> {
    match place {
        Place::File(path) => Some(path),
        Place::Postgres(_) => None,
    }
}
