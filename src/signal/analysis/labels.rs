//! The labels of a series: sorted, unique, without the metric's name.

use std::fmt;

/// Label names and values, sorted by name. Raw as they came: never shown but through [`Labels`]' `Display`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// From pairs in any order; of two with one name the later wins; an empty value is no label.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(&name, &value);
        }
        labels
    }

    /// The value of a label, empty where there is none (as PromQL's matchers see it).
    pub fn get(&self, name: &str) -> &str {
        self.0
            .binary_search_by(|(have, _)| have.as_str().cmp(name))
            .ok()
            .and_then(|i| self.0.get(i))
            .map_or("", |(_, value)| value)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.binary_search_by(|(have, _)| have.as_str().cmp(name)) {
            Ok(i) if value.is_empty() => {
                self.0.remove(i);
            }
            Ok(i) => {
                if let Some(pair) = self.0.get_mut(i) {
                    value.clone_into(&mut pair.1);
                }
            }
            Err(_) if value.is_empty() => {}
            Err(i) => self.0.insert(i, (name.to_owned(), value.to_owned())),
        }
    }

    /// Only those for which `keep` says yes of the name.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            self.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(", ");
        write!(f, "{{{}}}", crate::domain::text::line(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_of_writing_does_not_matter(mut pairs in proptest::collection::btree_map("[a-c]{1,2}", "[xy]{0,2}", 0..6)) {
            let forward = Labels::new(pairs.clone());
            let backward = Labels::new(pairs.clone().into_iter().rev());
            prop_assert_eq!(&forward, &backward);
            pairs.retain(|_, value| !value.is_empty());
            prop_assert_eq!(forward.len(), pairs.len());
            for (name, value) in &pairs {
                prop_assert_eq!(forward.get(name), value);
            }
        }
    }

    #[test]
    fn hostile_values_are_seen() {
        let labels = Labels::new([("a".to_owned(), "\u{1b}]0;x\u{202e}".to_owned())]);
        assert!(!labels.to_string().contains('\u{1b}') && !labels.to_string().contains('\u{202e}'));
    }
}
