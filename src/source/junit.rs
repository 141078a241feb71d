//! `junit` blocks of a runbook: the path of a test report in JUnit's XML.

use super::client::BODY_MAX;
use crate::domain::text;
use crate::signal::{Answer, Verdict};
use chrono::Utc;
use std::{fs::File, io::Read, path::Path};

/// Answers a block: yes where tests ran and none failed. A report without a single test is unknown. A relative path
/// lies below `base`.
pub async fn junit_check(code: &str, base: &Path) -> Answer {
    let path = base.join(code.trim());
    if code.trim().is_empty() {
        return super::unknown("junit", "the block names no report: write its path, like target/junit.xml");
    }
    let read = tokio::task::spawn_blocking(move || {
        let report = load(&path).and_then(|text| judge(&text));
        (report, path)
    });
    let Ok((report, path)) = read.await else {
        return super::unknown("junit", "the report could not be read");
    };
    let source = text::line(&path.to_string_lossy()).into_owned();
    match report {
        Ok((verdict, seen)) => Answer { verdict, seen, at: Utc::now(), source },
        Err(why) => super::unknown(&source, &format!("{source}: {why}")),
    }
}

fn load(path: &Path) -> Result<String, String> {
    let told = |e: std::io::Error| e.to_string();
    if !path.metadata().map_err(told)?.is_file() {
        return Err("it is not a file".into());
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(told)?.take(BODY_MAX as u64 + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() > BODY_MAX {
        return Err("it is larger than 8 MiB".into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Counts the tests of a report.
pub fn judge(report: &str) -> Result<(Verdict, String), String> {
    let document = roxmltree::Document::parse(report.trim_start_matches('\u{feff}'))
        .map_err(|e| format!("it is not XML: {e}"))?;
    let (mut passed, mut failed, mut skipped) = (0_usize, 0_usize, 0_usize);
    for case in document.descendants().filter(|n| n.has_tag_name("testcase")) {
        let has = |name: &str| case.children().any(|n| n.has_tag_name(name));
        if has("failure") || has("error") {
            failed += 1;
        } else if has("skipped") {
            skipped += 1;
        } else {
            passed += 1;
        }
    }
    // A suite that broke before its first test says so in its attributes alone.
    let broken = document
        .descendants()
        .filter(|n| n.has_tag_name("testsuite"))
        .flat_map(|n| ["failures", "errors"].into_iter().filter_map(move |a| n.attribute(a)))
        .filter_map(|count| count.parse::<usize>().ok())
        .max()
        .unwrap_or(0);
    let failed = failed.max(broken);
    let skips = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let seen = format!("{passed} passed, {failed} failed{skips}");
    let verdict = match (passed, failed) {
        (0, 0) => Verdict::Unknown,
        (_, 0) => Verdict::Yes,
        _ => Verdict::No,
    };
    Ok((verdict, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tests_are_counted() {
        for (report, verdict, seen) in [
            (
                "<testsuites><testsuite><testcase/><testcase/></testsuite></testsuites>",
                Verdict::Yes,
                "2 passed, 0 failed",
            ),
            (
                "<testsuite><testcase><failure/></testcase><testcase/></testsuite>",
                Verdict::No,
                "1 passed, 1 failed",
            ),
            (
                "<testsuite><testcase><skipped/></testcase></testsuite>",
                Verdict::Unknown,
                "0 passed, 0 failed, 1 skipped",
            ),
            ("<testsuite errors=\"1\"/>", Verdict::No, "0 passed, 1 failed"),
            ("<html/>", Verdict::Unknown, "0 passed, 0 failed"),
        ] {
            assert_eq!(judge(report), Ok((verdict, seen.to_owned())), "{report}");
        }
        assert!(judge("not xml").is_err());
        assert!(judge("<!DOCTYPE x [<!ENTITY a \"aaaa\">]><x>&a;</x>").is_err());
    }

    #[test]
    fn a_deep_report_is_survived() {
        let _ = judge(&"<a>".repeat(200_000));
        let _ = judge(&format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000)));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(report in "(?s)[<>a-z/=\"&; ]{0,100}") {
            let _ = judge(&report);
        }
    }
}
