use super::*;
use crate::domain::{policy::Policy, severity::Severity, time::Span};
use std::{collections::BTreeMap, path::Path};

const WORLD: World<'static> = World { home: None, exists: &|_| true };

fn layers(texts: &[(&str, &str)]) -> Loaded {
    let files = texts
        .iter()
        .map(|(name, text)| layer(name, Path::new("/conf"), text.as_bytes().to_vec()).unwrap())
        .collect();
    assemble(files, &Flags::default(), &WORLD).unwrap()
}

#[test]
fn the_defaults_are_the_default_policy_and_five_severities() {
    let policy = layers(&[]).config.policy();
    assert_eq!(policy.severities.keys().copied().collect::<Vec<_>>(), Severity::ALL);
    assert_eq!(Policy { severities: BTreeMap::new(), ..policy.clone() }, Policy::default());
    for worst in [1, 2] {
        let row = &policy.severities[&Severity::new(worst).unwrap()];
        assert_eq!(row.runbook.as_deref(), Some("builtin:rollback-release"));
        assert!(row.freeze.is_some());
    }
}

#[test]
fn what_the_file_of_defaults_says_is_what_the_types_say() {
    let Config { severity, .. } = layers(&[]).config;
    assert_eq!(layers(&[]).config, Config { severity, ..Config::default() });
}

#[test]
fn the_later_layer_wins_key_by_key_and_adds_to_lists() {
    let source =
        |name: &str, url: &str| format!("[[source]]\nkind=\"probe\"\nname=\"{name}\"\nurl=\"{url}\"\n");
    let system = format!(
        "{}{}[policy]\nrecovery_hold=\"5m\"\nfreeze_lease=\"1h\"\n",
        source("a", "http://one"),
        source("b", "http://two")
    );
    let user = format!(
        "{}{}[policy]\nfreeze_lease=\"3h\"\n",
        source("b", "http://three"),
        source("c", "http://four")
    );
    let loaded = layers(&[("system", &system), ("user", &user)]);
    let urls: Vec<_> = loaded.config.source.iter().filter_map(Source::url).collect();
    assert_eq!(urls, ["http://one", "http://three", "http://four"]);
    assert_eq!(loaded.config.policy.recovery_hold, Span::mins(5));
    assert_eq!(loaded.config.policy.freeze_lease, Span::hours(3));
    let settings = loaded.settings();
    let origin = |key: &str| settings.iter().find(|s| s.key == key).map(|s| s.origin.as_str());
    assert_eq!(origin("policy.recovery_hold"), Some("system:10"));
    assert_eq!(origin("policy.freeze_lease"), Some("user:10"));
    assert_eq!(origin("source[1].url"), Some("user:4"));
    assert!(origin("policy.review_within").unwrap().starts_with("built-in defaults:"));
}

#[test]
fn one_row_of_the_matrix_is_changed_and_not_replaced() {
    let loaded = layers(&[("user", "[severity.sev-1]\nupdate_every = \"10m\"\n")]);
    let row = &loaded.config.severity[&Severity::WORST];
    assert_eq!(row.update_every, Some(Span::mins(10)));
    assert_eq!(row.runbook.as_deref(), Some("builtin:rollback-release"));
}

#[test]
fn a_panel_under_a_source_is_answered_by_it() {
    let loaded = layers(&[(
        "user",
        "[[source]]\nkind=\"scrape\"\nurl=\"http://127.0.0.1:9/metrics\"\npanels=[{name=\"up\",query=\"up\"}]\n",
    )]);
    assert_eq!(loaded.config.panels()[0].source, "scrape:127.0.0.1:9");
}

#[test]
fn a_fault_is_not_told_again_as_its_consequence() {
    let text = "[[source]]\nkind=\"prometheus\"\nname=\"p\"\nurl=7\n[[panel]]\nname=\"a\"\nsource=\"p\"\nquery=\"q\"\n";
    let file = layer("w", Path::new("/"), text.into()).unwrap();
    let report = assemble(vec![file], &Flags::default(), &WORLD).unwrap_err();
    assert_eq!(report.problems.len(), 1, "{report}");
    assert_eq!(report.problems[0].line, 4);
}

#[test]
fn a_journal_may_be_named_in_short() {
    let journal = |text: &str| layers(&[("user", text)]).config.journal;
    let named = |text: &str| (journal(text).path, journal(text).url);
    let url = "postgres://room@a,b:5433/warroom";
    assert_eq!(named(&format!("journal = {url:?}")), (None, Some(url.into())));
    assert_eq!(named(&format!("[journal]\nurl = {url:?}")), (None, Some(url.into())));
    assert_eq!(named("journal = \"j.db\""), (Some("/conf/j.db".into()), None));
    assert_eq!(named(""), (None, None));
    assert_eq!(journal(&format!("journal = {url:?}")).durability, journal::Durability::Replicated);
}
