//! What can be wrong with a source, said so that a person knows what to do.

use crate::domain::{text, time::Span};
use crate::signal::analysis::{promql::PromqlError, value::Several};

/// A source did not answer, or not with sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The address cannot be used.
    #[error("{0} is not an http or https address: write it like http://127.0.0.1:9090")]
    Address(String),
    /// The HTTP client itself cannot start.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// Nobody there.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// In the system's words.
        why: String,
    },
    /// Its name leads nowhere.
    #[error("{0} has no address: the name does not resolve")]
    NoSuchHost(String),
    /// It took too long.
    #[error("{host} did not answer within {}", .limit.brief())]
    Slow {
        /// Host and port.
        host: String,
        /// How long was waited.
        limit: Span,
    },
    /// More than is read.
    #[error("the answer is larger than {} MiB: ask for less", .0 / 1_048_576)]
    Large(usize),
    /// More series than are read.
    #[error("the query gives more than {0} series: aggregate it, e.g. sum(…)")]
    Many(usize),
    /// It sends us elsewhere.
    #[error("it redirects to {0}: give that address if it is the right one, redirects are not followed")]
    Redirect(String),
    /// An HTTP error without more.
    #[error("HTTP {status}{}", hint(*.status))]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// It answers, and refuses what is asked: the query is wrong, or too much.
    #[error("it refuses the query ({kind}): {message}")]
    Refused {
        /// The server's word for it.
        kind: String,
        /// Its message.
        message: String,
    },
    /// It is not what was expected.
    #[error("it does not answer as expected: {0}")]
    Nonsense(String),
    /// What was asked, or what came of it, is no answer.
    #[error("{0}")]
    Answer(String),
    /// The query itself.
    #[error(transparent)]
    Query(#[from] PromqlError),
    /// One number was wanted.
    #[error("the query {0}")]
    Several(#[from] Several),
}

impl Problem {
    /// Whether the source answers and only this question is wrong: asking again sooner or later changes nothing.
    pub fn is_about_the_question(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Answer(_) | Self::Query(_) | Self::Several(_) | Self::Many(_)
        )
    }

    /// In a line that is safe to show.
    pub fn line(&self) -> String {
        let long = self.to_string();
        let short: String = long.chars().take(400).collect();
        text::line(&short).into_owned()
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ": it wants credentials",
        403 => ": the credentials are not enough",
        404 => ": is the path right?",
        429 => ": it is asked too often",
        _ => "",
    }
}
