//! Anchors as forges make them from headings.

use std::collections::HashMap;

/// A heading's anchor: lower case, spaces to `-`, everything but letters, digits, `-` and `_` dropped. Empty where
/// nothing is left.
pub fn slug(title: &str) -> String {
    title
        .trim()
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect()
}

/// Hands out names that are unique: the second `setup` is `setup-1`, as forges count.
#[derive(Debug, Default)]
pub struct Slugs(HashMap<String, usize>);

impl Slugs {
    /// `wanted`, or `wanted-1` and so on where it is taken.
    pub fn unique(&mut self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "section" } else { wanted };
        if !self.0.contains_key(wanted) {
            self.0.insert(wanted.to_owned(), 0);
            return wanted.to_owned();
        }
        // counted on from the last, so that ten thousand of one name stay quick
        let mut n = self.0.get(wanted).copied().unwrap_or(0);
        let candidate = loop {
            n = n.saturating_add(1);
            let candidate = format!("{wanted}-{n}");
            if !self.0.contains_key(&candidate) {
                break candidate;
            }
        };
        self.0.insert(wanted.to_owned(), n);
        self.0.insert(candidate.clone(), 0);
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_a_forge() {
        for (title, anchor) in [
            ("Roll back", "roll-back"),
            ("  Size up! ", "size-up"),
            ("2. Drain `node-1` (if needed)", "2-drain-node-1-if-needed"),
            ("Was ist los? Überblick", "was-ist-los-überblick"),
            ("A & B", "a--b"),
            ("🔥", ""),
        ] {
            assert_eq!(slug(title), anchor, "{title}");
        }
    }

    #[test]
    fn second_ones_are_counted() {
        let mut slugs = Slugs::default();
        let names: Vec<_> = ["a", "a", "a-1", "a", ""].iter().map(|s| slugs.unique(s)).collect();
        assert_eq!(names, ["a", "a-1", "a-1-1", "a-2", "section"]);
    }
}
