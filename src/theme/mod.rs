//! Colour roles, depth, glyph sets. A theme gives each role a look; nothing else on the screen names a colour.

pub mod colour;
pub mod depth;
mod file;
pub mod glyphs;
pub mod role;

pub use depth::Depth;
pub use file::ThemeError;
pub use glyphs::Glyphs;
pub use role::Role;

use file::{File, Look};
use ratatui::style::Style;

/// The themes that are compiled in: name and file.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("monochrome", include_str!("../../themes/monochrome.toml")),
];

/// The theme for terminals without colours.
pub const COLOURLESS: &str = "monochrome";

/// A look for every role, at the depth of one terminal, and the characters to draw with.
#[derive(Debug, Clone)]
pub struct Theme {
    name: String,
    styles: [Style; Role::ALL.len()],
    looks: [Look; Role::ALL.len()],
    depth: Depth,
    glyphs: &'static Glyphs,
}

impl Theme {
    /// The theme `name`, as `find` or else the compiled-in set has it, for a terminal of `depth`. `find` gives the
    /// name and text of a user's file. A terminal without colours gets [`COLOURLESS`], whatever was asked for.
    ///
    /// # Errors
    /// A file that is not a theme, a name that nobody knows, a circle of `inherits`; each points at its line.
    pub fn load(
        name: &str,
        depth: Depth,
        glyphs: &'static Glyphs,
        find: &dyn Fn(&str) -> Option<(String, String)>,
    ) -> Result<Self, ThemeError> {
        let name = if depth == Depth::None { COLOURLESS } else { name };
        let looks = resolve(name, find)?;
        Ok(Self { name: name.into(), styles: looks.map(|look| look.style(depth)), looks, depth, glyphs })
    }

    /// A compiled-in theme; the dark one where there is none of that name.
    pub fn built_in(name: &str, depth: Depth, glyphs: &'static Glyphs) -> Self {
        Self::load(name, depth, glyphs, &|_| None)
            .or_else(|_| Self::load("dark", depth, glyphs, &|_| None))
            .unwrap_or(Self {
                name: "plain".into(),
                styles: [Style::new(); Role::ALL.len()],
                looks: [Look::NONE; Role::ALL.len()],
                depth,
                glyphs,
            })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many colours it was made for.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The look of a role. Where the role has no ground of its own, what it is drawn on shows through.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The look of a role for bars and lines, which underlines would only smear: its colours alone.
    pub fn ink(&self, role: Role) -> Style {
        let style = self.style(role);
        Style { fg: style.fg, bg: style.bg, ..Style::new() }
    }

    /// Whether the band is a ground of its own. Where there are too few colours for one, a texture stands for it.
    pub fn band_shows(&self) -> bool {
        let band = self.style(Role::Band).bg;
        !self.glyphs.ascii && band.is_some() && band != self.style(Role::Text).bg
    }

    /// The characters to draw with.
    pub fn glyphs(&self) -> &'static Glyphs {
        self.glyphs
    }

    /// The same theme drawn with other characters.
    #[must_use]
    pub fn with_glyphs(mut self, glyphs: &'static Glyphs) -> Self {
        self.glyphs = glyphs;
        self
    }

    /// A role's colours at full depth: words and ground, where the theme names them.
    pub fn full(&self, role: Role) -> (Option<colour::Rgb>, Option<colour::Rgb>) {
        let look = |role: Role| self.looks.get(role as usize).copied().unwrap_or(Look::NONE);
        let (own, text) = (look(role), look(Role::Text));
        (own.fg.full.or(text.fg.full), own.bg.full.or(text.bg.full))
    }
}

/// Most themes that inherit from one another.
const LONGEST_LINE: usize = 16;

fn resolve(
    name: &str,
    find: &dyn Fn(&str) -> Option<(String, String)>,
) -> Result<[Look; Role::ALL.len()], ThemeError> {
    let mut line: Vec<(String, File)> = Vec::new();
    let mut next = name.to_owned();
    let mut asked: Option<(String, String, std::ops::Range<usize>)> = None;
    loop {
        let complain = |what: String| match &asked {
            Some((file, text, span)) => file::at(file, text, span, what),
            None => ThemeError { file: "theme".into(), line: 1, column: 1, what },
        };
        let shown = crate::domain::text::line(&next).into_owned();
        if line.iter().any(|(seen, _)| *seen == next) || line.len() >= LONGEST_LINE {
            let names: Vec<_> = line.iter().map(|(seen, _)| crate::domain::text::line(seen)).collect();
            return Err(complain(format!(
                "themes inherit in a circle: {} inherits {shown}",
                names.join(" inherits ")
            )));
        }
        let own = || BUILT_IN.iter().find(|(known, _)| *known == next);
        let found = find(&next).or_else(|| own().map(|(n, text)| (format!("{n}.toml"), (*text).to_owned())));
        let Some((file, text)) = found else {
            let known = BUILT_IN.map(|(name, _)| name).join(", ");
            return Err(complain(format!("there is no theme `{shown}`: {known} are built in")));
        };
        let parsed = file::parse(&file, &text)?;
        let inherits = parsed.inherits.clone();
        line.push((next, parsed));
        match inherits {
            Some((parent, span)) => {
                asked = Some((file, text, span));
                next = parent;
            }
            None => break,
        }
    }
    let mut looks = [Look::NONE; Role::ALL.len()];
    for (_, file) in line.iter().rev() {
        for (index, look) in &file.looks {
            if let Some(below) = looks.get_mut(*index) {
                *below = look.over(*below);
            }
        }
    }
    Ok(looks)
}

#[cfg(test)]
mod tests;
