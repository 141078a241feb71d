//! The runbooks that are shipped, compiled in.

use crate::domain::plan::Runbook;

/// Name and text of each.
pub const BUILTIN: &[(&str, &str)] = &[
    ("rollback-release", include_str!("../../runbooks/rollback-release.md")),
    ("flags-back-on", include_str!("../../runbooks/flags-back-on.md")),
    ("post-recovery-validation", include_str!("../../runbooks/post-recovery-validation.md")),
];

/// One of them by name.
pub fn builtin(name: &str) -> Option<Runbook> {
    BUILTIN
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(own, text)| super::parse(&format!("builtin:{own}"), text.as_bytes()))
}

/// Whether it is one of them, word for word: by its hash, whatever it calls itself.
pub fn is_builtin(runbook: &Runbook) -> bool {
    let known = |(name, _): &(&str, &str)| builtin(name).is_some_and(|own| own.hash == runbook.hash);
    BUILTIN.iter().any(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::LintLevel;

    #[test]
    fn each_is_sound() {
        for (name, _) in BUILTIN {
            let runbook = builtin(name).unwrap();
            let wrong: Vec<_> = runbook.lints.iter().filter(|lint| lint.level > LintLevel::Note).collect();
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
            assert!(runbook.steps().count() > 2, "{name}");
        }
    }
}
