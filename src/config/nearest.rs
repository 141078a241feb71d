//! What somebody probably meant.

/// Words that people bring from other tools.
const BROUGHT: [(&str, &str); 22] = [
    ("interval", "every"),
    ("scrape_interval", "every"),
    ("period", "every"),
    ("poll", "every"),
    ("token", "bearer"),
    ("bearer_token", "bearer"),
    ("type", "kind"),
    ("address", "url"),
    ("host", "url"),
    ("target", "url"),
    ("expr", "query"),
    ("promql", "query"),
    ("color", "colour"),
    ("port", "listen"),
    ("hash", "sha256"),
    ("file", "path"),
    ("directory", "dir"),
    ("duration", "for"),
    ("mttr", "mttr_target"),
    ("sources", "source"),
    ("scopes", "may"),
    ("limit", "threshold"),
];

/// The known name that is nearest, where one is near enough to be meant.
pub fn of<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = name.to_lowercase().replace('-', "_");
    if lower.len() > 64 {
        return None;
    }
    let brought = BROUGHT.iter().find(|(from, _)| *from == lower).map(|(_, to)| *to);
    if let Some(to) = brought.and_then(|to| known.iter().find(|k| **k == to)) {
        return Some(to);
    }
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, k), *k))
        .min()
        .filter(|(far, k)| *far <= (k.len() / 3).clamp(1, 3))
        .map(|(_, k)| k)
}

/// Whether what stands under such a key is likely to be a secret, so that its line is not shown as it is.
pub fn sounds_secret(key: &str) -> bool {
    const WORDS: [&str; 12] = [
        "token",
        "secret",
        "passw",
        "pwd",
        "bearer",
        "apikey",
        "authorization",
        "cookie",
        "sha256",
        "basic",
        "credential",
        "privatekey",
    ];
    let key = key.to_lowercase().replace(['-', '_'], "");
    key == "auth" || WORDS.iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found_and_the_far_is_not() {
        let known = ["every", "url", "headers", "review_within", "colour", "kind"];
        for (name, near) in [
            ("evry", Some("every")),
            ("interval", Some("every")),
            ("review-within", Some("review_within")),
            ("color", Some("colour")),
            ("URL", Some("url")),
            ("type", Some("kind")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(of(name, &known), near, "{name}");
        }
    }
}
