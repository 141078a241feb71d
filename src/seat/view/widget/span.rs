//! A length of time as a person reads it: `13m12s`, `1m10s left`, `40s OVER`.

use crate::{domain::time::Span, theme::Role};

/// A time box at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// So long already, without an end that was agreed.
    Running(Span),
    /// So long until it is over.
    Left(Span),
    /// So long over.
    Over(Span),
}

/// What is left of `whole` after `used`.
pub fn clock(used: Span, whole: Span) -> Clock {
    if used > whole { Clock::Over(used.minus(whole)) } else { Clock::Left(whole.minus(used)) }
}

impl Clock {
    /// The words.
    pub fn text(self) -> String {
        match self {
            Self::Running(span) => span.brief(),
            Self::Left(span) => format!("{} left", span.brief()),
            Self::Over(span) => format!("{} OVER", span.brief()),
        }
    }

    /// How loud it is: over is bad, the last `soon` is worth a look.
    pub fn role(self, soon: Span) -> Role {
        match self {
            Self::Over(_) => Role::Bad,
            Self::Left(span) if span <= soon => Role::Notice,
            Self::Left(_) | Self::Running(_) => Role::Calm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_at_a_glance() {
        let quarter = Span::mins(15);
        assert_eq!(clock(Span::secs(792), quarter).text(), "1m48s left");
        assert_eq!(clock(Span::secs(940), quarter).text(), "40s OVER");
        assert_eq!(clock(quarter, quarter).text(), "0s left");
        assert_eq!(Clock::Running(Span::secs(792)).text(), "13m12s");
        assert_eq!(clock(Span::secs(940), quarter).role(Span::mins(2)), Role::Bad);
        assert_eq!(clock(Span::secs(840), quarter).role(Span::mins(2)), Role::Notice);
    }
}
