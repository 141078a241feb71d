//! Putting a release into production: history, link, reload of every instance.

use super::{Layout, WorldError, layout, release};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Appends to a service's history, in the words of Capistrano's `revision_log_message`.
pub fn note(layout: &Layout, service: &str, version: &str, who: &str) -> Result<(), WorldError> {
    let commit = release::short_revision(layout, service, version);
    append(layout, service, &format!("Branch main (at {commit}) deployed as release {version} by {who}\n"))
}

fn append(layout: &Layout, service: &str, line: &str) -> Result<(), WorldError> {
    let path = layout.revisions(service);
    let open = OpenOptions::new().create(true).append(true).open(&path);
    let mut file = open.map_err(WorldError::io("opening", &path))?;
    file.write_all(line.as_bytes()).map_err(WorldError::io("writing", &path))
}

/// Whether the history says that this release was ever deployed.
pub fn was_deployed(layout: &Layout, service: &str, version: &str) -> bool {
    let said = format!(" deployed as release {version} ");
    std::fs::read_to_string(layout.revisions(service)).is_ok_and(|text| text.contains(&said))
}

/// The release that the link points at.
pub fn linked(layout: &Layout, service: &str) -> Option<String> {
    let target = std::fs::read_link(layout.current(service)).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// Switches the link, notes it, and reloads the instances one after the other, with a pause between them. Gives the
/// instances that would not reload, with what they said.
pub async fn deploy(
    layout: &Layout,
    http: &reqwest::Client,
    service: &str,
    version: &str,
    instances: &[String],
    pause: Duration,
) -> Result<Vec<String>, WorldError> {
    layout::switch_link(&layout.current(service), &Path::new("releases").join(version))?;
    note(layout, service, version, "pipeline")?;
    let mut refused = Vec::new();
    for (n, url) in instances.iter().enumerate() {
        if n > 0 {
            tokio::time::sleep(pause).await;
        }
        let asked = http.post(format!("{url}/reload")).timeout(Duration::from_secs(5)).send().await;
        match asked {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                let status = answer.status();
                let said = answer.text().await.unwrap_or_default();
                refused.push(format!("{url}: {status} {}", crate::domain::text::line(said.trim())));
            }
            Err(why) => refused.push(format!("{url}: {why}")),
        }
    }
    Ok(refused)
}
