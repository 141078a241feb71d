//! A database: what is demanded of it, what it refuses, and what of it survives.

use crate::{
    conformance::{Ground, spec},
    sealed::{note, sealed},
    support::{house::until, peer::wanted, postgres::Server},
};
use std::{sync::Arc, time::Duration};
use warroom::{
    journal::{Appended, Head, Journal, Trouble, verify},
    store::{
        Mode,
        postgres::{Durability, Init, Postgres, Spec, init},
    },
};

const WAITS: &str =
    "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'warroom'";

async fn refused(spec: Spec) -> String {
    Postgres::open(&spec, Mode::Write).await.err().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_keep_a_journal_is_refused_and_says_what_to_do() {
    if !wanted("what_does_not_keep_a_journal_is_refused_and_says_what_to_do") {
        return;
    }
    let server = Server::start(&["fsync=on"]);
    let room = spec(&server, "room");
    let said = refused(room.clone()).await;
    assert!(said.contains("run warroom journal init"), "{said}");
    let said = init(&room, None).await.unwrap_err().to_string();
    assert!(said.contains("permission denied"), "{said}");
    assert_eq!(init(&spec(&server, "ana"), None).await.unwrap().1, Init::Made);
    let said = refused(room.clone()).await;
    assert!(said.contains("permission denied") && said.contains("init --print"), "{said}");
    assert_eq!(init(&spec(&server, "ana"), Some("room")).await.unwrap().1, Init::There);
    drop(Postgres::open(&room, Mode::Write).await.unwrap());

    let said = refused(Spec { durability: Durability::Replicated, ..room.clone() }).await;
    assert!(said.contains("no standby") && said.contains("durability = \"local\""), "{said}");
    let said = refused(Spec { password: Some("wrong".to_owned().into()), ..room.clone() }).await;
    assert!(said.contains("password authentication failed") && said.contains("pg_hba.conf"), "{said}");
    let nobody = format!("postgres://room@127.0.0.1:{}/warroom", crate::support::peer::free_port());
    let said = refused(Spec { url: nobody.clone(), ..room.clone() }).await;
    assert!(said.contains("refused") && said.contains("reached from here"), "{said}");
    let said = refused(Spec { url: server.url("room").replace("/warroom", "/shop"), ..room.clone() }).await;
    assert!(said.contains("\"shop\" does not exist") && said.contains("create the database"), "{said}");
    // The one of several hosts that is there.
    let several =
        server.url("room").replace('@', &format!("@127.0.0.1:{},", crate::support::peer::free_port()));
    drop(Postgres::open(&Spec { url: several, ..room.clone() }, Mode::Write).await.unwrap());
    server.sql("alter table warroom.head disable trigger onward; update warroom.head set format = 9");
    let said = refused(room).await;
    assert!(said.contains("format 9"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_sync_is_refused() {
    if !wanted("a_server_that_does_not_sync_is_refused") {
        return;
    }
    let server = Server::start(&["fsync=off"]);
    init(&spec(&server, "ana"), Some("room")).await.unwrap();
    let said = refused(spec(&server, "room")).await;
    assert!(said.contains("fsync is off"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_an_older_format_is_brought_on_and_keeps_all() {
    if !wanted("a_journal_of_an_older_format_is_brought_on_and_keeps_all") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let (records, _, head) = sealed(Head::EMPTY, vec![note("a"), note("b")]);
    assert_eq!(ground.open().await.append(Head::EMPTY, records).await, Appended::Ok(head));
    // As it was before rooms met there.
    server.sql(
        "drop table warroom.rooms; alter table warroom.head disable trigger onward; \
         update warroom.head set format = 1; alter table warroom.head enable trigger onward",
    );
    let said = refused(spec(server, "room")).await;
    assert!(said.contains("has format 1") && said.contains("run warroom journal init"), "{said}");
    let read = Postgres::open(&spec(server, "room"), Mode::Read).await.unwrap();
    assert!(verify::run(&read, None, |_| {}).await.broken.is_none());
    assert_eq!(init(&spec(server, "ana"), Some("room")).await.unwrap().1, Init::Brought { from: 1 });
    assert_eq!(ground.open().await.head().await.unwrap(), head);
    assert!(!server.try_sql("update warroom.head set seq = 1").status.success(), "it still only grows");
    assert_eq!(init(&spec(server, "ana"), Some("room")).await.unwrap().1, Init::There);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_what_is_journaled_and_who_can_is_found() {
    if !wanted("nobody_changes_what_is_journaled_and_who_can_is_found") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let journal = ground.open().await;
    let (records, _, head) = sealed(Head::EMPTY, (0..6).map(|i| note(&format!("note {i}"))).collect());
    assert_eq!(journal.append(Head::EMPTY, records).await, Appended::Ok(head));
    for sql in [
        "update warroom.events set body = body",
        "delete from warroom.events",
        "truncate warroom.events cascade",
        "truncate warroom.payloads",
        "update warroom.payloads set salt = salt",
        "update warroom.head set seq = 1",
        "delete from warroom.head",
    ] {
        // Of the room's role by its grants, of the owner by triggers.
        for role in ["set role room; ", ""] {
            let tried = server.try_sql(&format!("{role}{sql}"));
            assert!(!tried.status.success(), "{role}{sql}");
        }
    }
    // An owner who takes the triggers away can, and is found.
    server.sql(
        "set session_replication_role = replica; \
         update warroom.payloads set payload = convert_to(replace(convert_from(payload, 'UTF8'), 'note 3', 'note 9'), 'UTF8') where seq = 4",
    );
    let report = verify::run(journal.as_ref(), None, |_| {}).await;
    assert_eq!((report.exit(), report.broken.map(|(seq, _)| seq)), (1, Some(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_appends_is_heard_of() {
    if !wanted("what_another_appends_is_heard_of") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let (ana, ben) = (ground.open().await, ground.open().await);
    let mut news = ben.watch();
    let (records, _, head) = sealed(Head::EMPTY, vec![note("a")]);
    assert_eq!(ana.append(Head::EMPTY, records).await, Appended::Ok(head));
    let heard = news.wait_for(|seq| *seq == 1);
    tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_keeps_all_that_it_acknowledged() {
    if !wanted("a_server_killed_under_load_keeps_all_that_it_acknowledged") {
        return;
    }
    let mut ground = Ground::database(&["fsync=on"]).await;
    let journal = ground.open().await;
    let (mut head, mut sent) = (Head::EMPTY, 0);
    for _ in 0..3 {
        let under_way = Arc::new(tokio::sync::Notify::new());
        let busy = tokio::spawn({
            let (journal, under_way) = (Arc::clone(&journal), Arc::clone(&under_way));
            async move {
                let mut acknowledged = head;
                for i in sent.. {
                    let (records, _, next) = sealed(acknowledged, vec![note(&i.to_string())]);
                    match journal.append(acknowledged, records).await {
                        Appended::Ok(at) => acknowledged = at,
                        Appended::Unknown(_) | Appended::Unavailable(_) => return (i, acknowledged, next),
                        Appended::Conflict(at) => panic!("nobody else appends, and yet there is {at:?}"),
                    }
                    if i == sent + 20 {
                        under_way.notify_one();
                    }
                }
                unreachable!()
            }
        });
        under_way.notified().await;
        let server = ground.server.as_mut().unwrap();
        server.kill();
        let (number, acknowledged, next) = busy.await.unwrap();
        server.go();
        // The journal goes on by itself; what nobody knew is there or is not.
        let found = journal.head().await.unwrap();
        assert!(found == acknowledged || found == next, "{acknowledged:?}, {next:?}: {found:?}");
        (head, sent) = (found, number + 1);
        let report = verify::run(journal.as_ref(), Some(acknowledged), |_| {}).await;
        assert_eq!((report.exit(), report.sound), (0, found.seq));
    }
}

/// A copy put back, as after a failover to a standby that was behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_what_it_acknowledged_is_not_gone_on_with() {
    if !wanted("a_server_that_lost_what_it_acknowledged_is_not_gone_on_with") {
        return;
    }
    let mut ground = Ground::database(&["fsync=on"]).await;
    let journal = ground.open().await;
    let (records, _, first) = sealed(Head::EMPTY, vec![note("a")]);
    assert_eq!(journal.append(Head::EMPTY, records).await, Appended::Ok(first));
    let server = ground.server.as_mut().unwrap();
    server.kill();
    let copy = server.data().with_extension("copy");
    let cp = |from: &std::path::Path, to: &std::path::Path| {
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    cp(&server.data(), &copy);
    server.go();
    let (records, _, second) = sealed(first, vec![note("b")]);
    let mut said = journal.append(first, records.clone()).await;
    if said != Appended::Ok(second) {
        // The first after the restart may meet the old connection.
        assert_eq!(journal.head().await.unwrap(), first);
        said = journal.append(first, records).await;
    }
    assert_eq!(said, Appended::Ok(second));
    server.kill();
    std::fs::remove_dir_all(server.data()).unwrap();
    cp(&copy, &server.data());
    server.go();
    for _ in 0..2 {
        let trouble = journal.head().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Broken { seq: 2, .. }), "{trouble}");
        let (records, _, _) = sealed(first, vec![note("c")]);
        let said = journal.append(first, records).await;
        assert!(matches!(&said, Appended::Unavailable(why) if why.contains("has lost it")), "{said:?}");
    }
    assert_eq!(server.sql("select seq from warroom.head"), "1", "nothing was written over the gap");
}

/// A commit that somebody stopped waiting for is on one server alone, and is not said to be safe.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_does_not_wait_for_its_standby_is_not_acknowledged() {
    if !wanted("a_commit_that_does_not_wait_for_its_standby_is_not_acknowledged") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    server.sql("alter system set synchronous_standby_names = 'ghost'");
    server.sql("select pg_reload_conf()");
    until("the setting is in force", || server.sql("show synchronous_standby_names") == "ghost");
    let replicated = Spec { durability: Durability::Replicated, ..spec(server, "room") };
    let journal = Postgres::open(&replicated, Mode::Write).await.unwrap();
    assert_eq!(journal.is_replicated(), Some(true));
    let (records, _, next) = sealed(Head::EMPTY, vec![note("a")]);
    let pending = tokio::spawn(journal.append(Head::EMPTY, records));
    until("it waits for the standby", || server.sql(WAITS) == "1");
    assert!(!pending.is_finished(), "nothing is acknowledged that no standby has");
    server.sql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
    let said = pending.await.unwrap();
    assert!(matches!(&said, Appended::Unknown(why) if why.contains("without its standby")), "{said:?}");
    // It is there, and nothing is told of it before a standby has it.
    let asked = tokio::spawn(journal.head());
    until("it waits for the standby", || server.sql(WAITS) == "1");
    assert!(!asked.is_finished());
    assert_eq!(server.sql("select seq from warroom.head"), next.seq.to_string());
    server.sql("alter system reset synchronous_standby_names");
    server.sql("select pg_reload_conf()");
    let said = asked.await.unwrap().unwrap_err().to_string();
    assert!(said.contains("no standby has what it acknowledges"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_holds_no_question_for_ever() {
    if !wanted("a_server_that_stands_still_holds_no_question_for_ever") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    let journal = ground.open().await;
    server.sql("alter table warroom.head rename to moved");
    let trouble = journal.head().await.unwrap_err().to_string();
    assert!(trouble.contains("warroom.head"), "{trouble}");
    server.sql("alter table warroom.moved rename to head");
    assert_eq!(journal.head().await.unwrap(), Head::EMPTY);
    // A lock that somebody holds: the question ends, the connection is given up, and then all is well again.
    let holder = std::thread::scope(|scope| {
        let holding = scope.spawn(|| server.sql("begin; lock warroom.head; select pg_sleep(14); commit"));
        until("the lock is held", || {
            server.sql("select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted") == "1"
        });
        let said = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(journal.head()).unwrap_err().to_string()
        });
        assert!(said.contains("did not answer within"), "{said}");
        holding.join().unwrap()
    });
    assert_eq!(holder, "");
    assert_eq!(journal.head().await.unwrap(), Head::EMPTY);
}
