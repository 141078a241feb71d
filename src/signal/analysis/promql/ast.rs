//! A query, understood.

use crate::signal::analysis::labels::Labels;

/// An expression.
#[derive(Debug, Clone)]
pub enum Expr {
    /// `0.01`.
    Number(f64),
    /// `up{job="x"}`.
    Instant(Selector),
    /// `x[5m]`: the selector and the range in ms.
    Range(Selector, i64),
    /// `rate(x[5m])`.
    Call(String, Vec<Expr>),
    /// `sum by (job) (x)`.
    Aggregate(Aggregation, Grouping, Box<Expr>),
    /// `a / b`.
    Binary(Box<Binary>),
    /// `-a`.
    Negative(Box<Expr>),
}

/// Which series.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Metric name; every name where it is not given.
    pub name: Option<String>,
    /// All must hold.
    pub matchers: Vec<Matcher>,
}

/// A condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Label, `__name__` for the metric's name.
    pub label: String,
    /// What it must be.
    pub test: Test,
    /// Whether it must not be that.
    pub not: bool,
}

/// What a label is compared with.
#[derive(Debug, Clone)]
pub enum Test {
    /// This text.
    Equal(String),
    /// An anchored expression.
    Regex(regex::Regex),
}

impl Selector {
    /// Whether a series is meant.
    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.matchers.iter().all(|m| {
                let value = if m.label == "__name__" { name } else { labels.get(&m.label) };
                let holds = match &m.test {
                    Test::Equal(text) => text == value,
                    Test::Regex(regex) => regex.is_match(value),
                };
                holds != m.not
            })
    }
}

/// What is done to the series of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many there are.
    Count,
    /// One.
    Group,
}

/// By which labels series are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// By these: `by (a)`, `on (a)`. `by ()` is one group of all.
    By(Vec<String>),
    /// By all but these: `without (a)`, `ignoring (a)`.
    Without(Vec<String>),
}

impl Grouping {
    /// The labels that count.
    pub fn of(&self, labels: &Labels) -> Labels {
        match self {
            Self::By(names) => labels.filtered(|name| names.iter().any(|n| n == name)),
            Self::Without(names) => labels.filtered(|name| !names.iter().any(|n| n == name)),
        }
    }
}

/// An operator between two expressions.
#[derive(Debug, Clone)]
pub struct Binary {
    /// Which.
    pub op: Op,
    /// Left side.
    pub left: Expr,
    /// Right side.
    pub right: Expr,
    /// Which series belong together.
    pub matching: Grouping,
    /// A comparison gives 0 or 1 instead of leaving out.
    pub bool_result: bool,
}

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Each is its own sign.
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Unless,
}

impl Op {
    /// Whether it compares.
    pub fn compares(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// Whether it is about which series there are, not about their values.
    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// How strongly it binds.
    pub fn binds(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod => 5,
            Self::Pow => 6,
        }
    }
}

impl Expr {
    /// Whether this metric is all that is asked for.
    pub fn asks_only(&self, metric: &str) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Instant(selector) | Self::Range(selector, _) => selector.name.as_deref() == Some(metric),
            Self::Call(_, args) => args.iter().all(|arg| arg.asks_only(metric)),
            Self::Aggregate(_, _, of) | Self::Negative(of) => of.asks_only(metric),
            Self::Binary(binary) => binary.left.asks_only(metric) && binary.right.asks_only(metric),
        }
    }
}
