//! The room's own log, on standard error: secrets are taken out of it as out of everything that is kept, and nothing
//! in it acts on the terminal of whoever reads it.

use crate::{domain::text, evidence::redact::Redactor};
use std::io::{self, Write};

/// Writes whole entries, clean.
struct Clean<W> {
    to: W,
    redactor: Redactor,
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        self.to.write_all(text::bytes(&self.redactor.bytes(entry)).as_bytes())?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Begins it. `WARROOM_LOG` says how much is written, `warn` where it is not set.
pub fn begin(redactor: Redactor) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WARROOM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A log on a full disk must not take the room with it.
        .log_internal_errors(false)
        .with_ansi(false)
        .with_writer(move || Clean { to: io::stderr(), redactor: redactor.clone() })
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::redact::Secret;

    #[test]
    fn the_log_tells_no_secret_and_acts_on_no_terminal() {
        let redactor = Redactor::new(&[Secret::new("PROM_TOKEN", "opensesame")], &[]).unwrap();
        let mut clean = Clean { to: Vec::new(), redactor };
        let entry = "DEBUG get http://ana:hunter2@prom/?q=1 opensesame \u{1b}[2J\n";
        assert_eq!(clean.write(entry.as_bytes()).unwrap(), entry.len());
        let out = String::from_utf8(clean.to).unwrap();
        assert_eq!(
            out,
            "DEBUG get http://ana:[redacted url-password 7]@prom/?q=1 [redacted PROM_TOKEN 10] ␛[2J\n"
        );
    }
}
