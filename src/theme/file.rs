//! A theme as a TOML file: who it inherits from, and a look for each role it names.

use super::{
    colour::Rgb,
    depth::{ANSI, Depth},
    role::Role,
};
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::{collections::BTreeMap, ops::Range};
use toml::Spanned;

/// The file does not make a theme. Says where, and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct ThemeError {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there, and what to write instead.
    pub what: String,
}

/// What a file says about one role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLook {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    ansi: Option<Spanned<String>>,
    ansi_bg: Option<Spanned<String>>,
    bold: Option<bool>,
    dim: Option<bool>,
    italic: Option<bool>,
    underline: Option<bool>,
    reverse: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    inherits: Option<Spanned<String>>,
    #[serde(default)]
    role: BTreeMap<Spanned<String>, RawLook>,
}

/// A colour at full depth, and the one of the sixteen to take where there are no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink {
    pub full: Option<Rgb>,
    pub ansi: Option<Color>,
}

impl Ink {
    const NONE: Self = Self { full: None, ansi: None };

    fn or(self, below: Self) -> Self {
        // A colour given anew does not keep the old one's stand-in.
        if self.full.is_some() { self } else { Self { full: below.full, ansi: self.ansi.or(below.ansi) } }
    }

    pub(super) fn at(self, depth: Depth) -> Option<Color> {
        match (depth, self.ansi, self.full) {
            (Depth::None, ..) => None,
            (Depth::Sixteen, Some(ansi), _) => Some(ansi),
            (_, _, Some(full)) => Some(depth.quantise(full)),
            (_, ansi, None) => ansi,
        }
    }
}

/// One role's look before the terminal's depth is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub fg: Ink,
    pub bg: Ink,
    add: Modifier,
    sub: Modifier,
}

impl Look {
    pub(super) const NONE: Self =
        Self { fg: Ink::NONE, bg: Ink::NONE, add: Modifier::empty(), sub: Modifier::empty() };

    /// This look where it says something, `below` elsewhere.
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            fg: self.fg.or(below.fg),
            bg: self.bg.or(below.bg),
            add: (below.add - self.sub) | self.add,
            sub: Modifier::empty(),
        }
    }

    pub(super) fn style(self, depth: Depth) -> Style {
        let mut style = Style::new().add_modifier(self.add);
        style.fg = self.fg.at(depth);
        style.bg = self.bg.at(depth);
        style
    }
}

/// A parsed file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub inherits: Option<(String, Range<usize>)>,
    pub looks: BTreeMap<usize, Look>,
}

/// Builds an error that points at a byte range of the text.
pub(super) fn at(file: &str, text: &str, span: &Range<usize>, what: impl Into<String>) -> ThemeError {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    ThemeError { file: file.into(), line, column, what: what.into() }
}

fn hex(file: &str, text: &str, value: Option<&Spanned<String>>) -> Result<Option<Rgb>, ThemeError> {
    let Some(value) = value else { return Ok(None) };
    let shown = crate::domain::text::line(value.get_ref());
    Rgb::hex(value.get_ref()).map(Some).ok_or_else(|| {
        at(file, text, &value.span(), format!("`{shown}` is not a colour: write it like #c9ccd3"))
    })
}

fn ansi(file: &str, text: &str, value: Option<&Spanned<String>>) -> Result<Option<Color>, ThemeError> {
    let Some(value) = value else { return Ok(None) };
    let shown = crate::domain::text::line(value.get_ref());
    let known = ANSI.iter().find(|(name, ..)| name == value.get_ref());
    known.map(|(_, color, _)| Some(*color)).ok_or_else(|| {
        let names = ANSI.map(|(name, ..)| name).join(", ");
        at(file, text, &value.span(), format!("`{shown}` is none of the sixteen colours: {names}"))
    })
}

/// Reads a file's text.
pub(super) fn parse(file: &str, text: &str) -> Result<File, ThemeError> {
    let raw: RawFile = toml::from_str(text).map_err(|e| {
        let what = crate::domain::text::line(e.message()).into_owned();
        at(file, text, &e.span().unwrap_or(0..0), what)
    })?;
    let mut looks = BTreeMap::new();
    for (name, raw) in &raw.role {
        let Some(index) = Role::ALL.iter().position(|role| role.name() == name.get_ref()) else {
            let shown = crate::domain::text::line(name.get_ref());
            let known = Role::ALL.map(Role::name).join(", ");
            return Err(at(
                file,
                text,
                &name.span(),
                format!("there is no role `{shown}`: the roles are {known}"),
            ));
        };
        let mut look = Look {
            fg: Ink { full: hex(file, text, raw.fg.as_ref())?, ansi: ansi(file, text, raw.ansi.as_ref())? },
            bg: Ink {
                full: hex(file, text, raw.bg.as_ref())?,
                ansi: ansi(file, text, raw.ansi_bg.as_ref())?,
            },
            ..Look::NONE
        };
        for (said, modifier) in [
            (raw.bold, Modifier::BOLD),
            (raw.dim, Modifier::DIM),
            (raw.italic, Modifier::ITALIC),
            (raw.underline, Modifier::UNDERLINED),
            (raw.reverse, Modifier::REVERSED),
        ] {
            match said {
                Some(true) => look.add |= modifier,
                Some(false) => look.sub |= modifier,
                None => {}
            }
        }
        looks.insert(index, look);
    }
    let inherits = raw.inherits.map(|name| (name.get_ref().clone(), name.span()));
    Ok(File { inherits, looks })
}
