//! The page: sections through the template that is compiled in.

use super::{Draft, Piece, Section, Sentence, escape::inline, todos};
use crate::domain::time::Wall;
use minijinja::{AutoEscape, Environment, Value, context};

const TEMPLATE: &str = include_str!("postmortem.md.j2");

/// The draft as Markdown with YAML front matter.
///
/// Everything that goes into the template is Markdown or YAML already, so that the template itself escapes nothing.
pub fn markdown(draft: &Draft) -> String {
    // The template is part of the program and tested; where it fails nevertheless, the page says so and is no panic.
    rendered(draft).unwrap_or_else(|error| format!("<!-- the draft's template failed: {error} -->\n"))
}

fn rendered(draft: &Draft) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.add_template("postmortem.md", TEMPLATE)?;
    let front = &draft.front;
    let mut page = environment.get_template("postmortem.md")?.render(context! {
        yaml => front.yaml(),
        title => format!("{}: {} (#{})", front.incident, inline(&front.title), draft.declared),
        drill => front.drill,
        headline => headline(draft),
        generator => front.generator.as_str(),
        open => todos(draft).len(),
        sections => draft.sections.iter().map(section).collect::<Vec<_>>(),
    })?;
    page.truncate(page.trim_end().len());
    page.push('\n');
    Ok(page)
}

fn section(section: &Section) -> Value {
    context! { title => section.title, pieces => section.pieces.iter().map(piece).collect::<Vec<_>>() }
}

fn piece(piece: &Piece) -> Value {
    let one = |kind: &str, said: &Sentence| context! { kind, sentence => sentence(said) };
    let many = |kind: &str, items: &[Sentence]| {
        context! { kind, sentences => items.iter().map(sentence).collect::<Vec<_>>() }
    };
    let words = |markdown: &str| context! { kind => "words", markdown };
    match piece {
        Piece::Fact { sentence } => one("fact", sentence),
        Piece::Heading { sentence } => one("heading", sentence),
        Piece::List { items } => many("list", items),
        Piece::Tasks { items } => many("tasks", items),
        Piece::Table { markdown } | Piece::Code { markdown } | Piece::Answer { markdown, .. } => {
            words(markdown)
        }
        Piece::Words { markdown } => words(markdown),
        Piece::Image { alt, path } => {
            context! { kind => "image", alt => alt.as_str(), path => path.as_str() }
        }
        Piece::Prompt { todo } => context! {
            kind => "prompt",
            role => todo.role.as_str(),
            question => todo.question.as_str(),
            key => todo.key.as_str(),
        },
    }
}

fn sentence(said: &Sentence) -> Value {
    context! { text => said.text.as_str(), cites => said.cites.to_string() }
}

/// `**SEV1 · resolved · impact 13m12s of 15m** · checkout in prod · commander ana · review due …`
fn headline(draft: &Draft) -> String {
    let front = &draft.front;
    let mut parts = vec![format!(
        "**{} · {} · impact {} ({}), target {}**",
        front.severity, front.status, front.impact, front.impact_state, front.target
    )];
    parts.push(format!("{} in {}", super::tell::list(&front.services), inline(&front.environment)));
    parts.push(format!("commander {}", front.commander.as_deref().map_or("nobody".into(), inline)));
    if let Some(due) = &front.review_due {
        let due = due.parse::<Wall>().map_or_else(|_| due.clone(), super::tell::moment);
        parts.push(format!("review due {due}"));
    }
    parts.join(" · ")
}
