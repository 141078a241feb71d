//! The drill's story with a real Prometheus between the world and the room: its panels are Prometheus queries, and the
//! runbook's promql checks are answered by it.

use crate::support::peer::{binary, free_port, start, wanted};
use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use warroom::{
    domain::id::WalkId,
    drill::{
        auto,
        stage::{self, Stage},
        story::Story,
        world::{Facts, Leave, Scenario, Spec, World},
    },
};

const PACE: f64 = 6.0;

/// Ends a room when the test is over, however it ends.
struct Room(Child);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends a world likewise.
struct Cleared<'a>(&'a Path);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        let _ = World::clear(self.0);
    }
}

fn prometheus_yml(facts: &Facts) -> String {
    let targets: Vec<_> =
        facts.urls("checkout").iter().map(|url| format!("'{}'", url.trim_start_matches("http://"))).collect();
    format!(
        "global: {{scrape_interval: 500ms}}\nscrape_configs:\n- job_name: checkout\n  scrape_timeout: 400ms\n  static_configs: [{{targets: [{}]}}]\n",
        targets.join(", ")
    )
}

fn config(facts: &Facts, prometheus: &str) -> String {
    let mut out = format!(
        "[[source]]\nkind = \"prometheus\"\nname = \"prom\"\nurl = \"{prometheus}\"\nevery = \"1s\"\n"
    );
    let panels = [
        (
            "errors",
            "ratio",
            "0.01",
            "(sum(rate(http_requests_total{service=\"checkout\",code=~\"5..\"}[5s])) or vector(0)) / sum(rate(http_requests_total{service=\"checkout\"}[5s]))",
        ),
        (
            "p99",
            "seconds",
            "0.5",
            "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{service=\"checkout\"}[5s])))",
        ),
    ];
    for (name, unit, threshold, query) in panels {
        let _ = write!(
            out,
            "\n[[panel]]\nname = \"{name}\"\nsource = \"prom\"\nunit = \"{unit}\"\nbad = \"up\"\nservice = \"checkout\"\nthreshold = {threshold}\nfor = \"1s\"\nquery = '{query}'\n"
        );
    }
    let _ = write!(
        out,
        "\n[[source]]\nkind = \"release\"\ndir = '{}/checkout'\nservice = \"checkout\"\nevery = \"1s\"\n\n[service.checkout]\ntier = 1\nmttr_target = \"15m\"\n",
        facts.srv.display()
    );
    out
}

/// What Prometheus itself answers.
async fn asked(prometheus: &str, query: &str) -> Option<f64> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url =
        reqwest::Url::parse_with_params(&format!("{prometheus}/api/v1/query"), [("query", query)]).unwrap();
    let answer: serde_json::Value = client.get(url).send().await.ok()?.json().await.ok()?;
    answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_story_against_a_real_prometheus() {
    if !wanted("the_same_story_against_a_real_prometheus") {
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("drill");
    std::fs::create_dir(&dir).unwrap();
    let mut spec = Spec::new(dir.join("world"), Scenario::BadRelease, PACE);
    spec.exe = crate::binary().into();
    for (name, place) in [("WARROOM_SOCKET", stage::socket(&dir)), ("XDG_STATE_HOME", dir.join("gate"))] {
        spec.env.push((name.into(), place.to_string_lossy().into_owned()));
    }
    let world = tokio::task::spawn_blocking(move || World::start(&spec)).await.unwrap().unwrap();
    let at = dir.join("world");
    let _cleared = Cleared(&at);
    let facts = world.facts().unwrap();

    let port = free_port();
    let prometheus = format!("http://127.0.0.1:{port}");
    let yml = home.path().join("prometheus.yml");
    std::fs::write(&yml, prometheus_yml(&facts)).unwrap();
    let _peer = start(
        Command::new(binary("prometheus"))
            .arg(format!("--config.file={}", yml.display()))
            .arg(format!("--storage.tsdb.path={}", home.path().join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}")),
    );
    std::fs::write(stage::config(&dir), config(&facts, &prometheus)).unwrap();
    let room = stage::room_dir(&dir);
    let _room = Room(
        Command::new(crate::binary())
            .arg("--config")
            .arg(stage::config(&dir))
            .args(["room", "--drill", "bad-release", "--pace", &PACE.to_string(), "--dir"])
            .arg(&room)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let socket = stage::socket(&dir);
    let opens = async {
        while tokio::net::UnixStream::connect(&socket).await.is_err() {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), opens).await.expect("the room opens");

    let stage = Stage { dir: dir.clone(), world, facts, pace: PACE, own: None };
    let hand = |socket: &Path, walk: WalkId, step: &str, hand: uuid::Uuid| {
        let mut command = Command::new(crate::binary());
        command.arg("hand").arg("--socket").arg(socket).args(["--walk", &walk.to_string(), "--step", step]);
        command.args(["--hand", &hand.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        std::thread::spawn(move || child.wait());
        Ok(())
    };
    let mut story = Story::default();
    let mut told = String::new();
    let played = auto::play(&stage, &hand, &mut |event| {
        if let Some(said) = story.tell(event) {
            told.push_str(&said);
            told.push('\n');
        }
    })
    .await;
    let incident = played.unwrap_or_else(|error| panic!("{error}\n{told}")).incident;
    for words in [
        "errors",
        "declared INC-1",
        "gate refused deploy of checkout@2.4.",
        "checkout 2.4.0 went live",
        "Error ratio is back under 1 % and stays there",
        "recovered, held for",
        "DEV-1 unlisted-action",
        "DEV-2 broken-glass",
    ] {
        assert!(told.contains(words), "{words:?} is not told:\n{told}");
    }
    // Prometheus saw the same: the worst was bad, what is now is good.
    let ratio = "(sum(rate(http_requests_total{service=\"checkout\",code=~\"5..\"}[5s])) or vector(0)) / sum(rate(http_requests_total{service=\"checkout\"}[5s]))";
    let worst = asked(&prometheus, &format!("max_over_time(({ratio})[10m:1s])")).await.unwrap();
    let now = asked(&prometheus, ratio).await.unwrap();
    assert!(worst > 0.05 && now < 0.01, "worst {worst}, now {now}");

    let out = home.path().join("draft");
    let done = Command::new(crate::binary())
        .arg("--socket")
        .arg(&socket)
        .args(["export", &incident.to_string(), "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let draft = std::fs::read_to_string(out.join("postmortem.md")).unwrap();
    assert!(draft.contains("held for") && draft.contains("charts/01-errors.svg"), "{draft}");
    let sound = Command::new(crate::binary()).arg("verify").arg(room.join("journal.db")).output().unwrap();
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
    stage.world.stop(Leave::Nothing).unwrap();
}
