//! The practice world, lived through with its real processes: what breaks, what cures it, and that nothing stays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail as the test does"
)]

mod runbook_block;

use runbook_block::Block;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use warroom::domain::time::Span;
use warroom::drill::world::{Facts, Layout, Leave, Scenario, Spec, World, proc::Pid};

const PATIENCE: Duration = Duration::from_secs(60);

/// A world's place; whatever runs there is ended when the test is over, however it ends.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }
    fn dir(&self) -> PathBuf {
        self.home.path().join("drill")
    }
    /// A gate that says what a file tells it to, and notes what it was asked.
    fn gate(&self, code: i32) -> String {
        let script = self.home.path().join("gate.sh");
        let asked = self.home.path().join("asked");
        let text = format!("echo \"$@\" >> {}\necho \"frozen by FRZ-1\"\nexit {code}\n", asked.display());
        std::fs::write(&script, text).unwrap();
        format!("sh {}", script.display())
    }
    fn spec(&self, scenario: Scenario, pace: f64) -> Spec {
        let exe = env!("CARGO_BIN_EXE_warroom").into();
        Spec { exe, gate: Some(self.gate(10)), ..Spec::new(self.dir(), scenario, pace) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = World::clear(&self.dir());
    }
}

/// Asks again until there is an answer, or fails saying what was waited for.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Status and body.
fn http(method: &str, url: &str) -> Option<(u16, String)> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The sum of a metric over a service's instances, of the series whose text contains `with`.
fn metric(facts: &Facts, service: &str, name: &str, with: &str) -> f64 {
    facts
        .urls(service)
        .iter()
        .filter_map(|url| http("GET", &format!("{url}/metrics")))
        .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(with))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Requests answered from now on until there are fifty or more, and the share of them that failed.
fn ratio(facts: &Facts) -> f64 {
    let count = |with| metric(facts, "checkout", "http_requests_total", with);
    let (all, bad) = (count(""), count("code=\"5"));
    until("fifty requests", || {
        let more = count("") - all;
        (more >= 50.0).then(|| (count("code=\"5") - bad) / more)
    })
}

fn versions(facts: &Facts) -> Vec<String> {
    let ask = |url: &String| http("GET", &format!("{url}/version")).map(|(_, said)| said.trim().to_owned());
    facts.urls("checkout").iter().filter_map(ask).collect()
}

fn block(file: &str, name: &str, facts: &Facts) -> Block {
    Block::of(file, name)
        .env("SRV", facts.srv.join("checkout").display())
        .env("GOOD", &facts.good)
        .env("BAD", &facts.bad)
        .env("INSTANCES", facts.urls("checkout").join(" "))
        .env("FLAGS_FILE", facts.flags.display())
        .env("FLAG", "new-pricing")
        .env("CHECKOUT_PATH", "/checkout")
        .env("BASELINE_P99_MS", 400)
        .env("SAMPLE_SECONDS", 2)
}

fn curl_is_missing() -> bool {
    let found = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: the runbooks' blocks need curl");
    }
    !found
}

fn everybody(facts: &Facts) -> Vec<(String, Pid)> {
    let mut all: Vec<_> = facts.procs.iter().map(|one| (one.name.clone(), one.pid)).collect();
    all.push(("supervisor".into(), facts.supervisor));
    all
}

fn all_gone(facts: &Facts) {
    until("all processes gone", || everybody(facts).iter().all(|(_, pid)| !pid.alive()).then_some(()));
}

#[test]
fn a_bad_release_breaks_checkout_and_only_the_rollback_cures_it() {
    if curl_is_missing() {
        return;
    }
    let place = Place::new();
    let world = World::start(&place.spec(Scenario::BadRelease, 6.0)).unwrap();
    let facts = world.facts().unwrap();
    assert_eq!(facts.urls("checkout").len(), 3);

    // Before: traffic, and all of it well.
    until("healthy traffic", || {
        (metric(&facts, "checkout", "http_requests_total", "code=\"200\"") > 20.0).then_some(())
    });
    assert!(metric(&facts, "checkout", "http_requests_total", "code=\"5") < 1.0);

    // The bad release lands by itself, and hurts; the other service does not feel it.
    until("2.4.1 everywhere", || (versions(&facts) == [facts.bad.as_str(); 3]).then_some(()));
    until("errors above 5 %", || (ratio(&facts) > 0.05).then_some(()));
    assert!(metric(&facts, "checkout", "quote_timeouts_total", "") > 0.0);
    assert!(metric(&facts, "payments", "http_requests_total", "code=\"5") < 1.0);
    let log = std::fs::read_to_string(facts.log.join("checkout-1.log")).unwrap();
    let line = log.lines().find(|line| line.contains("quote timed out")).expect("the log says why");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "error");
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));

    // The next deploy asks the gate, and is refused.
    let pipeline = facts.log.join("pipeline.log");
    until("a refused deploy", || {
        let log = std::fs::read_to_string(&pipeline).ok()?;
        log.contains("deploy of checkout@2.4.2 refused: frozen by FRZ-1").then_some(())
    });
    let asked = std::fs::read_to_string(place.home.path().join("asked")).unwrap();
    let words = "--service checkout --env prod --artifact checkout@2.4.2 --action deploy --as pipeline";
    assert_eq!(asked.lines().next(), Some(words));
    assert!(!facts.srv.join("checkout/releases/2.4.2").exists());

    // The runbook, block by block.
    let rollback = |name| block("rollback-release.md", name, &facts);
    assert!(rollback("see-releases").run().ok);
    assert!(rollback("same-schema").run().ok);
    assert!(!rollback("already-good").run().ok);
    let validation = |name| block("post-recovery-validation.md", name, &facts);
    for name in ["p99-against-baseline", "instances-healthy"] {
        assert!(!validation(name).run().ok, "{name} must not hold before the rollback");
    }
    let done = rollback("switch").run();
    assert!(done.ok, "{}", done.output);
    let seen = rollback("every-instance-is-good").run();
    assert!(seen.ok, "{}", seen.output);
    assert!(rollback("already-good").run().ok, "a second walk finds it done");
    until("errors under 1 %", || (ratio(&facts) < 0.01).then_some(()));
    for name in ["p99-against-baseline", "instances-healthy", "transactions-go-through"] {
        until(name, || validation(name).run().ok.then_some(()));
    }

    // An open gate lets the next one through, and the fault is still in it.
    place.gate(0);
    until("2.4.2 everywhere", || (versions(&facts) == [facts.next.as_str(); 3]).then_some(()));
    let history = std::fs::read_to_string(facts.srv.join("checkout/revisions.log")).unwrap();
    let order: Vec<usize> =
        ["release 2.4.1 by pipeline", "rolled back to release 2.4.0", "release 2.4.2 by pipeline"]
            .iter()
            .map(|said| history.find(said).unwrap_or_else(|| panic!("{said} is not in\n{history}")))
            .collect();
    assert!(order.is_sorted(), "{history}");

    world.stop(Leave::Nothing).unwrap();
    assert!(everybody(&facts).iter().all(|(_, pid)| !pid.alive()));
    assert!(!place.dir().exists());
}

#[test]
fn a_leak_creeps_until_its_generation_goes() {
    let place = Place::new();
    let world = World::start(&place.spec(Scenario::SlowLeak, 40.0)).unwrap();
    let facts = world.facts().unwrap();
    let free = || metric(&facts, "checkout", "pool_connections_free", "");
    until("2.4.1 everywhere", || (versions(&facts) == [facts.bad.as_str(); 3]).then_some(()));
    until("connections run out", || (free() <= 4.0).then_some(()));
    until("requests turned away", || {
        (metric(&facts, "checkout", "http_requests_total", "code=\"503\"") > 0.0).then_some(())
    });
    let held = metric(&facts, "checkout", "sessions_bytes", "");
    assert!(held > 20e6, "{held}");
    assert!(metric(&facts, "checkout", "process_resident_memory_bytes", "") > held);

    // A reload of the same release is a restart: it helps, for a while.
    for url in facts.urls("checkout") {
        assert_eq!(http("POST", &format!("{url}/reload")).unwrap().0, 200);
    }
    until("connections are back", || (free() >= 12.0).then_some(()));
    until("and run out again", || (free() <= 4.0).then_some(()));

    // The release before forgets what it should, for good.
    warroom::drill::world::layout::switch_link(
        &world.layout().current("checkout"),
        Path::new("releases").join(&facts.good).as_path(),
    )
    .unwrap();
    for url in facts.urls("checkout") {
        http("POST", &format!("{url}/reload")).unwrap();
    }
    let before = metric(&facts, "checkout", "http_requests_total", "");
    until("three hundred requests later", || {
        (metric(&facts, "checkout", "http_requests_total", "") > before + 300.0).then_some(())
    });
    until("connections are free", || (free() >= 12.0).then_some(()));
    assert!(metric(&facts, "checkout", "sessions_bytes", "") < held / 2.0);
    world.stop(Leave::Nothing).unwrap();
}

#[test]
fn the_world_ends_with_its_supervisor_and_can_be_taken_up_again() {
    let place = Place::new();
    let mut world = World::start(&place.spec(Scenario::BadRelease, 0.1)).unwrap();
    let facts = world.facts().unwrap();
    assert!(!world.ended());

    // Who dies is started again, on the same port.
    let first = facts.named("checkout-1").unwrap().clone();
    assert!(first.pid.signal_group(Signal::KILL));
    let again = until("checkout-1 is back", || {
        let now = world.facts().ok()?.named("checkout-1")?.clone();
        (now.pid != first.pid && http("GET", &format!("{}/healthz", now.url.as_ref()?))?.0 == 200)
            .then_some(now)
    });
    assert_eq!(again.port, first.port);

    // A release that cannot be loaded is refused, and the running one goes on.
    let url = first.url.unwrap();
    let broken = facts.srv.join("checkout/releases/2.4.0/app.toml");
    let sound = std::fs::read_to_string(&broken).unwrap();
    std::fs::write(&broken, "version = \n").unwrap();
    let (code, said) = http("POST", &format!("{url}/reload")).unwrap();
    assert_eq!(code, 409);
    assert!(said.contains("app.toml") && said.contains("line 1"), "{said}");
    assert_eq!(http("GET", &format!("{url}/version")).unwrap(), (200, "2.4.0\n".into()));
    std::fs::write(&broken, sound).unwrap();

    let facts = world.facts().unwrap();
    assert!(facts.supervisor.signal_group(Signal::KILL));
    all_gone(&facts);
    assert!(world.ended());

    let taken = World::adopt(&place.dir()).unwrap();
    assert!(taken.revived());
    let now = taken.facts().unwrap();
    assert_eq!((now.urls("checkout"), now.started), (facts.urls("checkout"), facts.started));
    taken.stop(Leave::Nothing).unwrap();
    all_gone(&now);
    assert!(!place.dir().exists());
}

#[test]
fn a_dead_players_world_waits_and_then_ends_by_itself() {
    let place = Place::new();
    let mut player = Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["drill-world", "play", "--pace", "0.1", "--gate-cmd", "false", "--dir"])
        .arg(place.dir())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let layout = Layout::new(place.dir());
    let facts = until("the world is up", || Facts::read(&layout).ok().filter(|facts| facts.ready));
    let refused = World::adopt(&place.dir()).unwrap_err().to_string();
    assert!(refused.contains(&player.id().to_string()), "{refused}");
    player.kill().unwrap();
    player.wait().unwrap();

    let mut world = World::adopt(&place.dir()).unwrap();
    assert!(!world.revived() && !world.ended());
    assert_eq!(world.facts().unwrap(), facts, "the same processes");
    world.stop(Leave::Directory).unwrap();
    all_gone(&facts);

    // Taken up with hardly any grace, and left by its player.
    let world = World::adopt_with(&place.dir(), |spec| spec.grace = Span::millis(200)).unwrap();
    let facts = world.facts().unwrap();
    std::fs::remove_file(world.layout().owner()).unwrap();
    all_gone(&facts);
    drop(world);
    World::clear(&place.dir()).unwrap();
    assert!(!place.dir().exists());
}

#[test]
fn a_directory_that_is_no_world_is_neither_taken_nor_cleared() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("keep.txt"), "mine").unwrap();
    for refused in [World::adopt(home.path()).err(), World::clear(home.path()).err()] {
        assert!(refused.unwrap().to_string().contains("no practice world"));
    }
    let spec = Spec::new(home.path(), Scenario::BadRelease, 1.0);
    assert!(World::start(&spec).unwrap_err().to_string().contains("not empty"));
    assert!(home.path().join("keep.txt").exists());
}

#[test]
fn the_flag_goes_up_by_the_runbook_and_every_instance_reads_it() {
    if curl_is_missing() {
        return;
    }
    let place = Place::new();
    let world = World::start(&place.spec(Scenario::BadRelease, 0.1)).unwrap();
    let facts = world.facts().unwrap();
    let flags = |name: &str| block("flags-back-on.md", name, &facts).run();
    assert!(flags("flag-is-there").output.contains("\"percent\": 100"));
    assert!(!flags("flag-is-saved").ok);
    assert!(flags("save-flag").ok && flags("save-verified").ok && flags("flag-is-saved").ok);
    for (stage, back) in [("10", "0"), ("50", "10"), ("100", "50")] {
        assert!(flags(&format!("back-to-{back}")).ok);
        assert!(!flags(&format!("at-{stage}")).ok, "before it is set");
        let set = flags(&format!("set-{stage}"));
        assert!(set.ok, "{}", set.output);
        until("all instances read it", || flags(&format!("read-{stage}")).ok.then_some(()));
        assert!(flags(&format!("at-{stage}")).ok, "the guard sees it");
    }
    let saved = std::fs::read_to_string(facts.flags.with_file_name("flags.json.before-new-pricing")).unwrap();
    assert_eq!(
        saved,
        std::fs::read_to_string(&facts.flags).unwrap(),
        "nothing but the percentage was touched"
    );
    assert!(flags("drop-saved").ok && !flags("flag-is-saved").ok);
    world.stop(Leave::Nothing).unwrap();
}

#[test]
fn the_flags_edit_touches_the_flag_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("flags.json");
    let edit =
        || Block::of("flags-back-on.md", "set-10").env("FLAG", "b").env("FLAGS_FILE", path.display()).run();
    for (before, after) in [
        (
            r#"{"a":{"percent":1},"b":{"x":2,"percent":3},"c":{"percent":4}}"#,
            Some(r#""b":{"x":2,"percent": 10},"c""#),
        ),
        (
            "{\n \"a\": {\"percent\": 1},\n \"b\": {\n  \"percent\": 0\n }\n}",
            Some("\"b\": {\n  \"percent\": 10\n"),
        ),
        (r#"{"b":{"on":true},"c":{"percent":4}}"#, None),
        ("{\n \"b\": {\n  \"on\": true\n },\n \"c\": {\n  \"percent\": 4\n }\n}", None),
        (r#"{"a":{"percent":1}}"#, None),
    ] {
        std::fs::write(&path, format!("{before}\n")).unwrap();
        let done = edit();
        let now = std::fs::read_to_string(&path).unwrap();
        match after {
            Some(want) => assert!(done.ok && now.contains(want), "{now}"),
            None => assert!(!done.ok && now == format!("{before}\n"), "{now}"),
        }
    }
}

#[test]
fn a_gate_that_will_not_be_told_ends_with_the_world() {
    let place = Place::new();
    let note = place.home.path().join("gate.pid");
    let script = place.home.path().join("stubborn.sh");
    let text = format!("trap '' TERM\necho $$ > {}\nsleep 600\n", note.display());
    std::fs::write(&script, text).unwrap();
    let gate = Some(format!("sh {}", script.display()));
    let start = || {
        let world =
            World::start(&Spec { gate: gate.clone(), ..place.spec(Scenario::BadRelease, 100.0) }).unwrap();
        let asked =
            until("the gate is asked", || Pid::of(std::fs::read_to_string(&note).ok()?.trim().parse().ok()?));
        std::fs::remove_file(&note).unwrap();
        (world, asked)
    };
    let (world, asked) = start();
    world.stop(Leave::Nothing).unwrap();
    until("the gate is gone", || (!asked.alive()).then_some(()));

    let (world, asked) = start();
    let facts = world.facts().unwrap();
    assert!(facts.supervisor.signal_group(Signal::KILL));
    all_gone(&facts);
    until("the gate is gone", || (!asked.alive()).then_some(()));
    world.stop(Leave::Nothing).unwrap();
}
