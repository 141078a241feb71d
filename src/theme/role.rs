//! What a thing on the screen means; never what it looks like.

/// A meaning that a theme gives a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Ordinary words, and the ground they stand on.
    Text,
    /// Headings, names, the words that are looked for first.
    Title,
    /// What may be overlooked: labels, times past, what is dimmed because it is old.
    Quiet,
    /// Rules between panes and chart axes. An ornament: it carries no words.
    Rule,
    /// As it should be; a value within its baseline.
    Calm,
    /// Worth a look; waiting for somebody; soon too late.
    Notice,
    /// Wrong.
    Bad,
    /// The one thing that is loud: SEV1, a target breached.
    Worst,
    /// Done, recovered, allowed.
    Good,
    /// A person's name, where it says who owns something.
    Owner,
    /// The selected row.
    Selection,
    /// Deploys are frozen.
    Frozen,
    /// A drill, not production.
    Drill,
    /// The title of the pane that has the focus.
    Focus,
    /// A key that works here.
    Key,
    /// The line of a chart or a sparkline.
    Line,
    /// The ground of a chart where the baseline lies. An ornament: words are not written on it.
    Band,
    /// A mark on a time axis: a release, a decision.
    Mark,
    /// The time cursor through all panes.
    Cursor,
    /// What a search or a filter found inside a text.
    Match,
}

impl Role {
    /// Every role, in the order of the files.
    pub const ALL: [Self; 20] = [
        Self::Text,
        Self::Title,
        Self::Quiet,
        Self::Rule,
        Self::Calm,
        Self::Notice,
        Self::Bad,
        Self::Worst,
        Self::Good,
        Self::Owner,
        Self::Selection,
        Self::Frozen,
        Self::Drill,
        Self::Focus,
        Self::Key,
        Self::Line,
        Self::Band,
        Self::Mark,
        Self::Cursor,
        Self::Match,
    ];

    /// The name in theme files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Title => "title",
            Self::Quiet => "quiet",
            Self::Rule => "rule",
            Self::Calm => "calm",
            Self::Notice => "notice",
            Self::Bad => "bad",
            Self::Worst => "worst",
            Self::Good => "good",
            Self::Owner => "owner",
            Self::Selection => "selection",
            Self::Frozen => "frozen",
            Self::Drill => "drill",
            Self::Focus => "focus",
            Self::Key => "key",
            Self::Line => "line",
            Self::Band => "band",
            Self::Mark => "mark",
            Self::Cursor => "cursor",
            Self::Match => "match",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it carries no words, so that it may stay below the contrast that reading needs.
    pub const fn ornament(self) -> bool {
        matches!(self, Self::Rule | Self::Band)
    }
}
