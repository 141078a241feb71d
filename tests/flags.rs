//! Flags alone, and all together, with the real program in a terminal: each shows a live value, from servers that
//! answer two polls and no third.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use axum::{Router, extract::Query, routing::get};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::pty::Pty;

/// What is answered at most of each.
const POLLS: usize = 2;

fn binary() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}

/// Answers so many times, and then never.
#[derive(Clone, Default)]
struct Twice(Arc<AtomicUsize>);

impl Twice {
    async fn say(&self, text: String) -> String {
        if self.0.fetch_add(1, Ordering::SeqCst) >= POLLS {
            std::future::pending::<()>().await;
        }
        text
    }
}

/// A Prometheus API whose sums are 7: its range and its instants together are answered twice for each query.
fn prometheus() -> Router {
    let asked: Arc<std::sync::Mutex<HashMap<String, Twice>>> = Arc::default();
    let answer = move |matrix: bool, asked: Arc<std::sync::Mutex<HashMap<String, Twice>>>| {
        move |Query(pairs): Query<HashMap<String, String>>| {
            let twice = asked.lock().unwrap().entry(pairs["query"].clone()).or_default().clone();
            async move {
                let now: f64 = pairs.get("time").or_else(|| pairs.get("end")).unwrap().parse().unwrap();
                let data = if matrix {
                    format!(
                        r#"{{"resultType":"matrix","result":[{{"metric":{{}},"values":[[{now},"7"]]}}]}}"#
                    )
                } else {
                    format!(r#"{{"resultType":"vector","result":[{{"metric":{{}},"value":[{now},"7"]}}]}}"#)
                };
                twice.say(format!(r#"{{"status":"success","data":{data}}}"#)).await
            }
        }
    };
    let none = || async { r#"{"status":"success","data":[]}"#.to_owned() };
    Router::new()
        .route("/api/v1/query", get(answer(false, Arc::clone(&asked))))
        .route("/api/v1/query_range", get(answer(true, asked)))
        .route("/api/v1/label/__name__/values", get(none))
        .route("/api/v1/labels", get(none))
}

/// What there is to watch.
struct World {
    _runtime: tokio::runtime::Runtime,
    home: tempfile::TempDir,
    url: String,
}

impl World {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (metrics, health) = (Twice::default(), Twice::default());
        let router = prometheus()
            .route(
                "/metrics",
                get(move || {
                    let metrics = metrics.clone();
                    async move { metrics.say("process_resident_memory_bytes 314572800\n".into()).await }
                }),
            )
            .route(
                "/healthz",
                get(move || {
                    let health = health.clone();
                    async move { health.say("ok".into()).await }
                }),
            );
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let home = tempfile::tempdir().unwrap();
        let shop = home.path().join("srv/checkout");
        std::fs::create_dir_all(shop.join("releases/2.4.1")).unwrap();
        std::os::unix::fs::symlink("releases/2.4.1", shop.join("current")).unwrap();
        std::fs::write(
            home.path().join("app-1.log"),
            "{\"level\":\"error\",\"msg\":\"quote timeout after 800 ms\\u001b]0;x\\u0007\"}\n",
        )
        .unwrap();
        std::fs::write(home.path().join("fix.md"), "# Turn the pump off\n\n1. Turn it off\n").unwrap();
        Self { _runtime: runtime, home, url }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_string_lossy().into_owned()
    }

    /// Each flag, its value, and what is then on the screen: a row with all of these.
    fn flags(&self) -> Vec<(&'static str, String, &'static [&'static str])> {
        vec![
            ("--prom", self.url.clone(), &["up", " 7 "]),
            ("--scrape", self.url.clone(), &["memory", "300 MiB"]),
            ("--log", self.path("app*.log"), &["ERROR", "quote timeout after 800 ms␛]0;x␇"]),
            ("--probe", format!("{}/healthz", self.url), &["probe", "1 of 1 answer"]),
            ("--release", self.path("srv/checkout"), &["checkout 2.4.1"]),
        ]
    }
}

/// A person's own room, stopped at the end whatever happens.
struct Own {
    state: PathBuf,
}

impl Own {
    fn env(&self) -> [(&'static str, String); 5] {
        let state = self.state.to_string_lossy().into_owned();
        [
            ("XDG_STATE_HOME", state.clone()),
            ("XDG_CONFIG_HOME", state.clone()),
            ("HOME", state),
            ("WARROOM_CONFIG", String::new()),
            ("TZ", "UTC".into()),
        ]
    }

    fn sit(&self, args: &[&str], size: (u16, u16)) -> Pty {
        let env = self.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Pty::spawn(binary(), args, &env, size)
    }

    fn run(&self, args: &[&str]) -> std::process::Output {
        Command::new(binary()).args(args).envs(self.env()).env_remove("WARROOM_CONFIG").output().unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.run(&["stop"]));
    }
}

fn own(dir: &Path, name: &str) -> Own {
    let state = dir.join(name);
    std::fs::create_dir_all(&state).unwrap();
    Own { state }
}

fn shows(pty: &Pty, wanted: &[&str]) {
    pty.wait_until(&format!("a row with {wanted:?}"), |screen| {
        screen.contents().lines().any(|row| wanted.iter().all(|text| row.contains(text)))
    });
}

fn leave(mut pty: Pty) {
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
}

#[test]
fn each_flag_alone_shows_a_live_value() {
    for n in 0..5 {
        let world = World::new();
        let (flag, value, wanted) = world.flags().swap_remove(n);
        let own = own(world.home.path(), "state");
        let pty = own.sit(&[flag, &value], (100, 30));
        shows(&pty, wanted);
        leave(pty);
    }
}

#[test]
fn a_runbook_alone_is_there_to_be_walked() {
    let world = World::new();
    let own = own(world.home.path(), "state");
    let pty = own.sit(&["--runbook", &world.path("fix.md")], (100, 30));
    pty.wait_for("watches nothing yet");
    pty.send("W");
    pty.wait_for("Turn the pump off");
    pty.key("esc");
    // An escape and a letter at once would be another key.
    pty.wait_until("the question is gone", |screen| !screen.contents().contains("Which runbook?"));
    leave(pty);
}

#[test]
fn all_flags_together_show_all_values() {
    let world = World::new();
    let own = own(world.home.path(), "state");
    let flags = world.flags();
    let runbook = world.path("fix.md");
    let mut args: Vec<&str> = flags.iter().flat_map(|(flag, value, _)| [*flag, value.as_str()]).collect();
    args.extend(["--runbook", &runbook]);
    let pty = own.sit(&args, (100, 30));
    for (.., wanted) in &flags {
        shows(&pty, wanted);
    }
    // Both metrics sources know an `up`: they are told apart.
    shows(&pty, &["up scrape"]);
    leave(pty);
}

#[test]
fn an_empty_room_says_what_to_do_and_takes_it_up_where_it_runs_already() {
    let world = World::new();
    let own = own(world.home.path(), "state");
    let pty = own.sit(&[], (100, 30));
    pty.wait_for("This room watches nothing yet");
    for said in
        ["--prom URL", "--scrape URL", "--log", "--release DIR", "--runbook FILE", "warroom drill", "declare"]
    {
        assert!(pty.screen_text().contains(said), "{said}:\n{}", pty.screen_text());
    }
    leave(pty);
    // The room goes on, and is asked to watch what is named now; named again, it is watched once.
    let shop = world.path("srv/checkout");
    for _ in 0..2 {
        let pty = own.sit(&["--scrape", &world.url, "--release", &shop], (100, 30));
        shows(&pty, &["memory", "300 MiB"]);
        shows(&pty, &["checkout 2.4.1"]);
        shows(&pty, &["watching 2 sources"]);
        leave(pty);
    }
}

#[test]
fn a_source_without_its_secret_says_so_and_holds_nothing_up() {
    let world = World::new();
    let own = own(world.home.path(), "state");
    let config = own.state.join("c.toml");
    let text = format!(
        "[[source]]\nkind = \"prometheus\"\nurl = \"{0}\"\nauth = {{ bearer = {{ env = \"WARROOM_TEST_UNSET\" }} }}\n\n\
         [[source]]\nkind = \"scrape\"\nurl = \"{0}/metrics\"\n",
        world.url
    );
    std::fs::write(&config, text).unwrap();
    let pty = own.sit(&["--config", &config.to_string_lossy()], (160, 50));
    shows(&pty, &["memory", "300 MiB"]);
    shows(&pty, &["prom", "never answered", "no secret"]);
    shows(&pty, &["WARROOM_TEST_UNSET: it is"]);
    leave(pty);
}
