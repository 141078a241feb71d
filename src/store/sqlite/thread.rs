//! The one thread that owns the file. Gathers waiting appends into one transaction.

use super::{
    Hold, Mode,
    file::{self, File},
    log,
};
use crate::{
    domain::{CommandId, Seq, id::IncidentId},
    journal::{Appended, Head, Trouble, chain::Record},
};
use rusqlite::ErrorCode;
use std::sync::mpsc::Receiver;
use tokio::sync::{oneshot, watch};

/// Records in one transaction at most, so that one sync does not delay the first of them for long.
const BATCH: usize = 1_024;

pub(super) enum Ask {
    Append {
        expected: Head,
        records: Vec<Record>,
        answer: oneshot::Sender<Appended>,
    },
    Read {
        from: Seq,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<Record>, Trouble>>,
    },
    ReadStream {
        stream: IncidentId,
        from: Seq,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<Record>, Trouble>>,
    },
    Find {
        command: CommandId,
        answer: oneshot::Sender<Result<Vec<Record>, Trouble>>,
    },
    Head {
        answer: oneshot::Sender<Result<Head, Trouble>>,
    },
    Erase {
        seq: Seq,
        answer: oneshot::Sender<Result<(), Trouble>>,
    },
    Close {
        closed: std::sync::mpsc::SyncSender<()>,
    },
}

type Batch = Vec<(Head, Vec<Record>, oneshot::Sender<Appended>)>;

/// Serves until it is told to close. The hold comes first, so that it is let go after the file.
pub(super) fn run(hold: Option<Hold>, mut file: File, inbox: &Receiver<Ask>, tell: &watch::Sender<Seq>) {
    let mut held: Option<Ask> = None;
    loop {
        let Some(ask) = held.take().or_else(|| inbox.recv().ok()) else { return };
        match ask {
            Ask::Append { expected, records, answer } => {
                let mut count = records.len();
                let mut batch: Batch = vec![(expected, records, answer)];
                while count < BATCH {
                    match inbox.try_recv() {
                        Ok(Ask::Append { expected, records, answer }) => {
                            count += records.len();
                            batch.push((expected, records, answer));
                        }
                        Ok(other) => {
                            held = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                append(&mut file, batch, tell);
            }
            Ask::Read { from, limit, answer } => drop(answer.send(file.read(from, limit))),
            Ask::ReadStream { stream, from, limit, answer } => {
                drop(answer.send(file.read_stream(stream, from, limit)));
            }
            Ask::Find { command, answer } => drop(answer.send(file.find(command))),
            Ask::Head { answer } => drop(answer.send(file.read_head())),
            Ask::Erase { seq, answer } => drop(answer.send(file.erase(seq))),
            Ask::Close { closed } => {
                // Everything into the one file, so that a copy of it is whole.
                file.fold_log();
                drop(file);
                drop(hold);
                let _ = closed.send(());
                return;
            }
        }
    }
}

fn append(file: &mut File, batch: Batch, tell: &watch::Sender<Seq>) {
    if file.mode == Mode::Read {
        for (_, _, answer) in batch {
            drop(answer.send(Appended::Unavailable("the journal was opened for reading".into())));
        }
        return;
    }
    if file.spoilt {
        match File::open(&file.path, Mode::Write) {
            Ok(fresh) => *file = fresh,
            Err(trouble) => {
                for (_, _, answer) in batch {
                    drop(answer.send(Appended::Unavailable(trouble.to_string())));
                }
                return;
            }
        }
    }
    let mut head = file.head;
    let (mut fit, mut waiting) = (Vec::new(), Vec::new());
    for (expected, records, answer) in batch {
        if expected != head {
            drop(answer.send(Appended::Conflict(file.head)));
            continue;
        }
        if let Some(last) = records.last() {
            head = Head { seq: last.seq, hash: last.hash };
        }
        fit.push(records);
        waiting.push((head, answer));
    }
    match file.write(fit.iter().flatten()) {
        Ok(()) => {
            file.head = head;
            tell.send_replace(head.seq);
            for (head, answer) in waiting {
                drop(answer.send(Appended::Ok(head)));
            }
        }
        Err((at_commit, error)) => {
            let said = outcome(file, at_commit, &error);
            for (_, answer) in waiting {
                drop(answer.send(said.clone()));
            }
        }
    }
}

/// After a failed write the handle is not trusted again: a sync that failed once may lie the next time.
fn outcome(file: &mut File, at_commit: bool, error: &rusqlite::Error) -> Appended {
    let said = file::trouble(&file.path, error).to_string();
    let code = error.sqlite_error_code();
    // The commit may lie in the log, whole and not durable. What could not be written to its end is none.
    let unwritten = code == Some(ErrorCode::DiskFull)
        || error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE);
    let in_doubt = at_commit && !unwritten;
    file.spoilt = true;
    let fresh = if in_doubt { File::open(&file.path, Mode::Write) } else { File::open_again(&file.path) };
    let Ok(mut fresh) = fresh else {
        return if in_doubt { Appended::Unknown(said) } else { Appended::Unavailable(said) };
    };
    let (same, head) = (fresh.head == file.head, fresh.head);
    let gone = !in_doubt
        || log::empty(&fresh.db, &fresh.path).unwrap_or_else(|trouble| {
            tracing::warn!(%trouble, "what failed to be committed stays in the write-ahead log");
            false
        });
    fresh.spoilt = !gone;
    *file = fresh;
    match (same, gone) {
        (true, true) => Appended::Unavailable(said),
        // Another process was first at this place of the chain, so nothing of this was written.
        (false, _) if !at_commit && code == Some(ErrorCode::ConstraintViolation) => Appended::Conflict(head),
        _ => Appended::Unknown(said),
    }
}
