//! What comes back from the spool, with a real database.

use crate::{
    conformance::{Ground, spec},
    proxy::{Line, Proxy},
    rooms::{One, events, note, said, until_async},
    support::{
        house::{House, stderr},
        peer::wanted,
        postgres::{PASSWORD, Server},
    },
};
use std::{os::unix::fs::PermissionsExt as _, process::Output, sync::Arc, time::Instant};
use warroom::{
    store::postgres::{Durability, Spec},
    wire::Outcome,
};

/// A standby that has all that is acknowledged, so that every commit waits for two disks.
async fn with_standby(server: &Server) -> Server {
    let standby = server.standby();
    server.sql("alter system set synchronous_standby_names = '*'");
    server.sql("select pg_reload_conf()");
    until_async("the standby is in step", async || {
        server.sql("select count(*) from pg_stat_replication where sync_state = 'sync'") == "1"
    })
    .await;
    standby
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_comes_back_many_to_a_commit() {
    if !wanted("what_was_kept_comes_back_many_to_a_commit") {
        return;
    }
    let count: usize = std::env::var("WARROOM_KEPT").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let _standby = with_standby(server).await;
    let line = Proxy::to(server.port).await;
    let url = format!("postgres://room@127.0.0.1:{}/warroom", line.port);
    let room =
        Arc::new(One::open(Spec { url, durability: Durability::Replicated, ..spec(server, "room") }).await);
    line.set(Line::Cut);
    until_async("it is away", async || room.status().await.away.is_some()).await;
    let people: Vec<_> = (0..8)
        .map(|who| {
            let room = room.clone();
            tokio::spawn(async move {
                let mut client = room.client().await;
                for n in (who..count).step_by(8) {
                    let outcome = client.act(note(&format!("kept {n}"))).await.unwrap();
                    assert!(matches!(outcome, Outcome::Ok { offline: true, .. }), "{outcome:?}");
                }
            })
        })
        .collect();
    for person in people {
        person.await.unwrap();
    }
    let since = Instant::now();
    line.set(Line::Open);
    until_async("the first of it is there", async || {
        room.status().await.away.is_none_or(|away| away.waiting < count as u64)
    })
    .await;
    let began = Instant::now();
    until_async("all of it is there", async || room.status().await.away.is_none()).await;
    println!(
        "{count} entries in {} ms, {} ms after the line was back",
        began.elapsed().as_millis(),
        since.elapsed().as_millis()
    );
    let all = events(ground.open().await.as_ref()).await;
    let kept = all.iter().filter(|event| event.offline.is_some() && said(event).is_some());
    assert_eq!(kept.count(), count);
    // Rows of one commit have the same transaction.
    let commits: usize = server.sql("select count(distinct xmin::text) from warroom.events").parse().unwrap();
    println!("{commits} commits");
    assert!(commits < count / 4, "{commits} commits for {count} entries");
    room.stop().await;
}

/// The real program in a room of its own, which reaches the database at this port.
struct Seat {
    house: House,
    config: String,
}

impl Seat {
    fn new(port: u16, power: &str) -> Self {
        let house = House::new();
        let secret = house.path().join("password");
        std::fs::write(&secret, PASSWORD).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = house.path().join("warroom.toml").to_str().unwrap().to_owned();
        let seat = Self { house, config };
        let text = format!(
            "[journal]\nurl = \"postgres://room@127.0.0.1:{port}/warroom\"\ndurability = \"local\"\n\
             password = {{ file = \"{}\" }}\n{power}",
            secret.display()
        );
        std::fs::write(&seat.config, text).unwrap();
        seat
    }

    fn run(&self, line: &str) -> Output {
        // Words between quotes stand together.
        let mut args = vec!["--config".to_owned(), self.config.clone()];
        for (n, part) in line.split('\'').enumerate() {
            match n % 2 {
                0 => args.extend(part.split_whitespace().map(str::to_owned)),
                _ => args.push(part.to_owned()),
            }
        }
        self.house.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn ok(&self, line: &str) -> String {
        let done = self.run(line);
        assert_eq!(done.status.code(), Some(0), "{line}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn fails(&self, line: &str, code: i32, says: &str) {
        let done = self.run(line);
        assert_eq!(done.status.code(), Some(code), "{line}: {done:?}");
        assert!(stderr(&done).contains(says), "{line}: {}", stderr(&done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_listed_kept_and_set_aside_by_the_program() {
    if !wanted("conflicts_are_listed_kept_and_set_aside_by_the_program") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let line = Proxy::to(server.port).await;
    let (eu, us) = (Seat::new(line.port, ""), Seat::new(server.port, ""));
    us.ok("freeze 'it burns' --service shop --env prod");
    eu.fails("conflict list", 20, "no room listens");
    eu.ok("note 'here too'");
    assert_eq!(eu.ok("conflict list"), "no conflict is open\n");
    assert_eq!(eu.ok("conflict list --json"), "[]\n");
    eu.fails("conflict keep CFL-1 --reason 'it happened'", 1, "CFL-1");
    line.set(Line::Cut);
    let state = |seat: &Seat| serde_json::from_str::<serde_json::Value>(&seat.ok("status --json")).unwrap();
    until_async("it is away", async || !state(&eu)["room"]["away"].is_null()).await;
    eu.fails("conflict keep CFL-1 --reason 'it happened'", 1, "decided when the journal is back");
    eu.fails("renew FRZ-1 --reason 'still burning'", 1, "break the glass");
    for reason in ["still burning", "burning on", "and on"] {
        eu.ok(&format!("renew FRZ-1 --reason '{reason}' --glass 'nobody else is here'"));
    }
    us.ok("thaw FRZ-1 --reason 'it is out'");
    line.set(Line::Open);
    until_async("it is back", async || state(&eu)["room"]["away"].is_null()).await;
    for seat in [&eu, &us] {
        let listed = seat.ok("conflict list");
        let lines: Vec<_> = listed.lines().collect();
        assert_eq!(lines.len(), 3, "{listed}");
        for (n, said) in ["still burning", "burning on", "and on"].into_iter().enumerate() {
            assert!(lines[n].starts_with(&format!("CONFLICT CFL-{}  ", n + 1)), "{listed}");
            for part in [said, "glass broken: nobody else is here", "NOT ACCEPTED: "] {
                assert!(lines[n].contains(part), "{part}: {listed}");
            }
        }
        assert!(seat.ok("status").contains("CONFLICT CFL-2"));
        let json: serde_json::Value = serde_json::from_str(&seat.ok("conflict list --json")).unwrap();
        assert_eq!(json.as_array().unwrap().len(), 3);
        assert_eq!(
            (&json[1]["id"], &json[1]["what"]["glass"]),
            (&"CFL-2".into(), &"nobody else is here".into())
        );
    }
    // What names no conflict, and what gives no reason.
    us.fails("conflict keep CFL-9 --reason 'it happened'", 1, "CFL-9");
    us.fails("conflict set-aside nine --reason 'it happened'", 2, "nine");
    us.fails("conflict keep CFL-1", 2, "--reason");
    us.fails("conflict keep CFL-1 --reason ' '", 1, "the reason");
    us.fails("conflict", 2, "Usage");
    // Decided at the other room than the one that recorded it, and once.
    assert!(us.ok("conflict keep CFL-1 --reason 'it happened'").starts_with("done  #"));
    us.fails("conflict keep CFL-1 --reason 'it happened'", 1, "CFL-1");
    let aside: serde_json::Value =
        serde_json::from_str(&eu.ok("conflict set-aside CFL-2 --reason 'the same again' --json")).unwrap();
    assert_eq!(aside["ok"]["seqs"].as_array().map(Vec::len), Some(1), "{aside}");
    let told = us.ok("tail --no-follow --all");
    for part in ["not accepted: ", "still burning", "it happened", "the same again"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Who may not respond does not decide what others did.
    let guest = Seat::new(server.port, "[power.respond]\nusers = [\"somebody-else\"]\n");
    guest.fails("conflict keep CFL-3 --reason 'it happened'", 1, "respond");
    guest.fails("conflict set-aside CFL-3 --reason 'it did not'", 1, "respond");
    assert!(guest.ok("conflict list").contains("CFL-3"));
    for seat in [&eu, &us, &guest] {
        seat.house.stop_with(&seat.config);
    }
}

/// A step that runs when the journal is back goes on under the name that its walk has now; where another room lent it too, the
/// record has that one, and what runs here is ended and told.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_when_the_journal_is_back_goes_on_or_is_ended_and_told() {
    if !wanted("what_runs_when_the_journal_is_back_goes_on_or_is_ended_and_told") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let line = Proxy::to(server.port).await;
    let (eu, us) = (Seat::new(line.port, ""), Seat::new(server.port, ""));
    let (ran, go) = (eu.house.path().join("ran"), eu.house.path().join("go"));
    let book = eu.house.path().join("book.md");
    let code = format!(
        "echo ran >> {}; while [ ! -e {} ]; do sleep 0.1; done; echo fine",
        ran.display(),
        go.display()
    );
    std::fs::write(
        &book,
        format!("# Restart\n\n1. [ ] Restart it\n\n   ```bash {{name=act kind=run}}\n   {code}\n   ```\n"),
    )
    .unwrap();
    let times = || std::fs::read_to_string(&ran).unwrap_or_default().lines().count();
    let state = |seat: &Seat| serde_json::from_str::<serde_json::Value>(&seat.ok("status --json")).unwrap();
    let away = |seat: &Seat| !state(seat)["room"]["away"].is_null();
    let step =
        |seat: &Seat, walk: &str| state(seat)["state"]["walks"][walk]["steps"]["act"]["status"].clone();
    us.ok("note 'here'");
    eu.ok("note 'here too'");
    line.set(Line::Cut);
    until_async("it is away", async || away(&eu)).await;
    let start = format!("step start {}", book.display());
    eu.ok(&start);
    eu.fails("step take --no-wait", 1, "--glass");
    eu.ok("step take --no-wait --glass 'nobody else is here'");
    until_async("it runs", async || times() == 1).await;
    us.ok(&start);
    line.set(Line::Open);
    until_async("it is back", async || !away(&eu)).await;
    assert_eq!((step(&eu, "RUN-1"), step(&eu, "RUN-2")), (serde_json::Value::Null, "lent".into()));
    std::fs::write(&go, "").unwrap();
    until_async("it has ended under its new name", async || step(&us, "RUN-2") == "done").await;
    assert_eq!((times(), eu.ok("conflict list")), (1, "no conflict is open\n".to_owned()));
    std::fs::remove_file(&go).unwrap();

    line.set(Line::Cut);
    until_async("it is away", async || away(&eu)).await;
    eu.ok("step --walk RUN-1 take --no-wait --glass 'nobody else is here'");
    until_async("it runs here", async || times() == 2).await;
    us.ok("step --walk RUN-1 take --no-wait");
    until_async("it runs there", async || times() == 3).await;
    line.set(Line::Open);
    let told = || us.ok("tail --no-follow --all");
    until_async("what ran here is told", async || {
        told().lines().any(|line| line.contains("[not in RUN-1: ") && line.contains("was cancelled"))
    })
    .await;
    assert_eq!(us.ok("conflict list").lines().count(), 2);
    assert_eq!(step(&us, "RUN-1"), "lent");
    std::fs::write(&go, "").unwrap();
    until_async("the other has ended", async || step(&eu, "RUN-1") == "done").await;
    assert_eq!(times(), 3, "each room ran it once");
    for seat in [&eu, &us] {
        seat.house.stop_with(&seat.config);
    }
}
