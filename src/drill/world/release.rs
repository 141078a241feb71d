//! A release: what its code does, as far as this world is concerned. `app.toml` is that code; the rest is mechanics.

use super::spec::{Scenario, Spec};
use super::{Layout, WorldError, deploy, layout};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The one before the last good one.
const BEFORE: &str = "2.3.9";
/// Last release of checkout known to be good.
pub const GOOD: &str = "2.4.0";
/// The release with the fault.
pub const BAD: &str = "2.4.1";
/// The one after, built on top of it: the fault is still in it.
pub const NEXT: &str = "2.4.2";

/// The newest build that was not deployed yet: [`NEXT`], then those after it. None of them repairs the fault.
pub fn newest(was_deployed: impl Fn(&str) -> bool) -> String {
    let after = (3_u32..).map(|patch| format!("2.4.{patch}"));
    std::iter::once(NEXT.to_owned()).chain(after).find(|version| !was_deployed(version)).unwrap_or_default()
}

/// How a release behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its version, shown by the running process.
    pub version: String,
    /// Version of the stored data it writes; going back over a change of this number is not safe.
    pub schema: u32,
    /// Requests served at once.
    pub pool: Pool,
    /// How it asks for prices; a service that needs none has no such table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Quotes>,
    /// What it remembers of each request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
}

/// Connections that requests need while they are served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// How many there are.
    pub size: u32,
    /// Kept back for requests: sessions cannot pin these.
    pub reserved: u32,
    /// A request that waited this long for one is turned away.
    pub wait_ms: u64,
}

/// Calls to the price service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotes {
    /// Calls for one checkout, one after the other.
    pub calls: u32,
    /// The same where the flag `new-pricing` is on for the request.
    pub calls_new_pricing: u32,
    /// Patience with one call.
    pub timeout_ms: u64,
    /// How often one call is tried again.
    pub retries: u32,
}

/// The session cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Memory kept for each request, KiB.
    pub keep_kib: u32,
    /// One in this many sessions pins a connection as long as it is kept; 0: none does.
    pub pin_every: u32,
    /// A session is forgotten after this; 0: never.
    pub evict_after_ms: u64,
}

impl Release {
    /// Reads the release that a directory holds.
    pub fn read(dir: &Path) -> Result<Self, WorldError> {
        let path = dir.join("app.toml");
        let text = std::fs::read_to_string(&path).map_err(WorldError::io("reading", &path))?;
        let release: Self = toml::from_str(&text)
            .map_err(|why| WorldError::Unreadable { path: path.clone(), why: why.to_string() })?;
        if release.pool.size == 0 {
            let why = "pool.size is 0: nothing could be served, give at least 1".to_owned();
            return Err(WorldError::Unreadable { path, why });
        }
        Ok(release)
    }
}

/// What checkout's releases do in a scenario. The numbers belong to the price service's capacity in `pricing`.
fn checkout(spec: &Spec, version: &str) -> Release {
    let faulty = !matches!(version, BEFORE | GOOD);
    let bad = |scenario| faulty && spec.scenario == scenario;
    let leaky = spec.scenario == Scenario::SlowLeak;
    let quotes = if bad(Scenario::BadRelease) {
        // One call per item instead of one per basket, "made snappier" by a short timeout and a retry. Without the
        // flag it is still more than the price service can do: switching that off helps, and cures nothing.
        Quotes { calls: 4, calls_new_pricing: 5, timeout_ms: 250, retries: 1 }
    } else if leaky {
        // Two calls make a request long enough that an instance cannot live on its one reserved connection.
        Quotes { calls: 2, calls_new_pricing: 2, timeout_ms: 800, retries: 1 }
    } else {
        Quotes { calls: 1, calls_new_pricing: 1, timeout_ms: 800, retries: 1 }
    };
    let pool = if leaky {
        Pool { size: 8, reserved: 1, wait_ms: 400 }
    } else {
        Pool { size: 64, reserved: 1, wait_ms: 400 }
    };
    // A faster story leaks more per request and forgets sooner, so that what is held at rest stays the same.
    let sessions = leaky.then(|| Sessions {
        keep_kib: (24.0 * spec.pace).clamp(1.0, 1_024.0) as u32,
        pin_every: (240.0 / spec.pace).max(1.0) as u32,
        evict_after_ms: if bad(Scenario::SlowLeak) { 0 } else { (5_000.0 / spec.pace).max(1.0) as u64 },
    });
    Release { version: version.into(), schema: 41, pool, quotes: Some(quotes), sessions }
}

fn payments(version: &str) -> Release {
    Release {
        version: version.into(),
        schema: 12,
        pool: Pool { size: 32, reserved: 1, wait_ms: 400 },
        quotes: None,
        sessions: None,
    }
}

/// A release's commit: any forty digits, the same for the same release.
fn revision(service: &str, version: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{service} {version}"));
    let mut digits = crate::domain::id::Digest(digest.into()).to_string();
    digits.truncate(40);
    digits
}

/// Puts a release of a service into its directory, as a build would. One that lies there already is left alone.
pub fn put(layout: &Layout, spec: &Spec, service: &str, version: &str) -> Result<(), WorldError> {
    let dir = layout.releases(service).join(version);
    if dir.join("app.toml").exists() {
        return Ok(());
    }
    std::fs::create_dir_all(&dir).map_err(WorldError::io("creating", &dir))?;
    layout::write_whole(&dir.join("REVISION"), &format!("{}\n", revision(service, version)))?;
    let release = if service == "checkout" { checkout(spec, version) } else { payments(version) };
    let text = toml::to_string(&release)
        .map_err(|why| WorldError::Unreadable { path: dir.clone(), why: why.to_string() })?;
    layout::write_whole(&dir.join("app.toml"), &text)
}

/// All releases as they lie there when the drill begins, and the history that led to it.
pub fn furnish(layout: &Layout, spec: &Spec) -> Result<(), WorldError> {
    let services: [(&str, &[&str], &[&str]); 2] = [
        ("checkout", &[BEFORE, GOOD, BAD], &[BEFORE, GOOD]),
        ("payments", &["1.8.0", "1.8.1"], &["1.8.0", "1.8.1"]),
    ];
    for (service, ready, deployed) in services {
        for version in ready {
            put(layout, spec, service, version)?;
        }
        for version in deployed {
            deploy::note(layout, service, version, "pipeline")?;
        }
        if let Some(current) = deployed.last() {
            layout::switch_link(&layout.current(service), &Path::new("releases").join(current))?;
        }
    }
    Ok(())
}

/// The commit of a release that lies ready, shortened as the history does.
pub fn short_revision(layout: &Layout, service: &str, version: &str) -> String {
    let path = layout.releases(service).join(version).join("REVISION");
    std::fs::read_to_string(path)
        .map_or_else(|_| "unknown".into(), |text| text.trim().chars().take(7).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_reads_back_and_a_broken_one_says_where() {
        let home = tempfile::tempdir().unwrap();
        for scenario in Scenario::ALL {
            let spec = Spec::new(home.path().join(scenario.word()), scenario, 1.0);
            let layout = Layout::create(&spec.dir).unwrap();
            furnish(&layout, &spec).unwrap();
            put(&layout, &spec, "checkout", NEXT).unwrap();
            for version in ["2.3.9", GOOD, BAD, NEXT] {
                let dir = layout.releases("checkout").join(version);
                assert_eq!(Release::read(&dir).unwrap().version, version);
            }
            let current = Release::read(&layout.current("checkout")).unwrap();
            assert_eq!(current.version, GOOD);
            let broken = layout.releases("checkout").join(NEXT);
            for text in ["version = ", "version = '2'\nschema = 1\n[pool]\nsize=0\nreserved=0\nwait_ms=1\n"] {
                std::fs::write(broken.join("app.toml"), text).unwrap();
                let said = Release::read(&broken).unwrap_err().to_string();
                assert!(said.contains("app.toml"), "{said}");
            }
        }
    }

    #[test]
    fn the_fault_is_in_the_release_and_in_nothing_else() {
        for scenario in Scenario::ALL {
            let spec = Spec::new("/nowhere", scenario, 1.0);
            let plain = |version: &str| Release { version: String::new(), ..checkout(&spec, version) };
            assert_eq!(plain("2.3.9"), plain(GOOD));
            assert_eq!(plain(BAD), plain(NEXT));
            assert_eq!(plain(NEXT), plain(&newest(|version| version == NEXT)), "and nobody repairs it");
            assert_ne!(plain(GOOD), plain(BAD));
        }
    }
}
