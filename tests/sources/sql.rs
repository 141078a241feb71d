//! `sql` checks against a real PostgreSQL, which the test starts for itself.

use crate::peer::{Peer, binary, free_port, start, wanted};
use crate::pki::Pki;
use crate::world::until;
use secrecy::SecretString;
use std::{
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::sync::mpsc;
use warroom::domain::time::Span;
use warroom::postgres::Trust;
use warroom::signal::{Body, Verdict};
use warroom::source::{self, Handle, Spec};

/// PostgreSQL does not run as root: `nobody`, where the test is root.
const NOBODY: u32 = 65534;

struct Server {
    _dir: tempfile::TempDir,
    peer: Peer,
    port: u16,
}

fn as_no_root(program: &str) -> Command {
    let mut command = Command::new(binary(program));
    command.current_dir("/").env("LC_ALL", "C").stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn own(path: &Path) {
    if rustix::process::getuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

async fn server() -> Server {
    server_in(tempfile::tempdir().unwrap(), &[]).await
}

/// A server with its files in a directory, and further settings.
async fn server_in(dir: tempfile::TempDir, settings: &[String]) -> Server {
    own(dir.path());
    let (password, data) = (dir.path().join("pw"), dir.path().join("data"));
    std::fs::write(&password, "hunter2").unwrap();
    own(&password);
    let made = as_no_root("initdb")
        .args(["-U", "ana", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "-D"])
        .arg(&data)
        .arg(format!("--pwfile={}", password.display()))
        .status()
        .expect("the server's binary is installed");
    assert!(made.success());
    let port = free_port();
    let peer = start(
        as_no_root("postgres")
            .arg("-D")
            .arg(&data)
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "jit=off",
                "-p",
                &port.to_string(),
            ])
            .arg("-k")
            .arg(dir.path())
            .args(settings.iter().flat_map(|setting| ["-c", setting])),
    );
    let ready = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the server starts");
    Server { _dir: dir, peer, port }
}

impl Server {
    fn spec(&self, id: &str, timeout: Span) -> Spec {
        Spec::Sql {
            id: id.into(),
            url: format!("postgres://ana@127.0.0.1:{}/postgres", self.port),
            password: Some(SecretString::from("hunter2")),
            trust: Trust::default(),
            timeout,
            every: Span::millis(200),
        }
    }

    fn started(&self, timeout: Span) -> (Handle, mpsc::Receiver<warroom::signal::Reading>) {
        let (tx, rx) = mpsc::channel(64);
        (source::start(self.spec("shop", timeout), tx), rx)
    }

    fn psql(&self, sql: &str) {
        let done = as_no_root("psql")
            .env("PGPASSWORD", "hunter2")
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "ana", "-c", sql, "postgres"])
            .status()
            .unwrap();
        assert!(done.success(), "{sql}");
    }
}

#[tokio::test]
async fn a_real_database_answers_and_is_not_changed() {
    use Verdict::{No, Unknown, Yes};
    if !wanted("a_real_database_answers_and_is_not_changed") {
        return;
    }
    let server = server().await;
    let (shop, mut rx) = server.started(Span::secs(5));
    // The server listens a moment before it takes anybody.
    until(&mut rx, |body| matches!(body, Body::Alive).then_some(())).await;
    server.psql(
        "create table orders (id int, state text);
         insert into orders values (1, 'paid'), (2, 'stuck');
         create function sneaky() returns bool language plpgsql as
         $$ begin insert into orders values (9, 'sneaked'); return true; end $$",
    );
    for (code, verdict, seen) in [
        ("SELECT true", Yes, "true"),
        ("SELECT count(*) = 0 FROM orders WHERE state = 'stuck'", No, "false"),
        (
            "-- how many\nSELECT count(*) < 3 AS ok, count(*) AS n, avg(id) AS mean, min(state) AS least FROM orders;",
            Yes,
            "true, n=2, mean=1.5000000000000000, least=paid",
        ),
        ("WITH stuck AS (SELECT 1) SELECT true FROM stuck", Yes, "true"),
        ("VALUES (false), (true)", No, "false"),
        ("SELECT NULL::bool", Unknown, "NULL"),
        ("SELECT state = 'paid' FROM orders WHERE id = 7", Unknown, "no row"),
        (
            "SELECT count(*) FROM orders",
            Unknown,
            "the first column is int8 (2), not a boolean: compare it in the SQL",
        ),
        ("SELECT 1.5::numeric", Unknown, "numeric (1.5)"),
        ("SHOW server_version", Unknown, "the first column is text"),
        ("SELECT tru", Unknown, "42703"),
        ("SELECT true FROM nowhere", Unknown, "relation \"nowhere\" does not exist"),
        ("SELECT $1::bool", Unknown, "wants 1 parameters"),
        ("SELECT", Unknown, "no columns"),
        ("INSERT INTO orders VALUES (3, 'x')", Unknown, "a check only reads"),
        ("WITH x AS (DELETE FROM orders RETURNING id) SELECT true FROM x", Unknown, "25006"),
        ("SELECT sneaky()", Unknown, "cannot execute INSERT in a read-only transaction"),
        ("SELECT true; SELECT true", Unknown, "cannot insert multiple commands"),
        (
            "SELECT true; COMMIT; INSERT INTO orders VALUES (4, 'x')",
            Unknown,
            "cannot insert multiple commands",
        ),
        ("COMMIT", Unknown, "a check only reads"),
        ("SET TRANSACTION READ WRITE", Unknown, "a check only reads"),
        ("SELECT true FROM pg_sleep(60)", Unknown, "within 5s"),
    ] {
        let answer = shop.check("sql", code).await;
        assert_eq!(answer.verdict, verdict, "{code}: {answer:?}");
        assert!(answer.seen.contains(seen), "{code}: {answer:?}");
        assert_eq!(answer.source, "shop");
    }
    let answer = shop.check("sql", "SELECT count(*) = 2, count(*) FROM orders").await;
    assert_eq!((answer.verdict, answer.seen.as_str()), (Yes, "true, count=2"), "nothing was changed");
    // No number of rows is fetched to look at one.
    let many =
        shop.check("sql", "SELECT n > 0, n FROM (SELECT generate_series(1, 2000000000) AS n) AS rows").await;
    assert_eq!((many.verdict, many.seen.as_str()), (Yes, "true, n=1"));
}

#[tokio::test]
async fn what_a_database_says_is_shown_and_acts_on_nothing() {
    if !wanted("what_a_database_says_is_shown_and_acts_on_nothing") {
        return;
    }
    let server = server().await;
    let (shop, mut rx) = server.started(Span::secs(5));
    until(&mut rx, |body| matches!(body, Body::Alive).then_some(())).await;
    for code in [
        "SELECT true, E'\\x1b]0;owned\\x07\\x1b[2J' AS \"na\u{1b}me\", repeat('w', 100000)",
        "SELECT E'\\x1b[31m' || U&'\\202E'",
        "DO $$ BEGIN RAISE 'x' ; END $$",
        "SELECT 'a\u{1b}[2Jb'::int",
    ] {
        let seen = shop.check("sql", code).await.seen;
        assert!(!seen.chars().any(warroom::domain::text::acts), "{code}: {seen:?}");
        assert!(seen.chars().count() < 500, "{code}");
    }
    let seen = shop.check("sql", "SELECT true, E'\\x1b[2J'").await.seen;
    assert!(seen.contains("␛[2J"), "{seen}");
}

#[tokio::test]
async fn a_database_that_stands_still_is_unknown_in_time() {
    if !wanted("a_database_that_stands_still_is_unknown_in_time") {
        return;
    }
    let server = server().await;
    let (shop, mut rx) = server.started(Span::secs(1));
    until(&mut rx, |body| matches!(body, Body::Alive).then_some(())).await;
    server.peer.stop();
    let answer = shop.check("sql", "SELECT true").await;
    assert_eq!(answer.verdict, Verdict::Unknown, "{answer:?}");
    assert!(answer.seen.contains("did not answer within 1s"), "{answer:?}");
    until(&mut rx, |body| matches!(body, Body::Trouble(_)).then_some(())).await;
    server.peer.go_on();
    until(&mut rx, |body| matches!(body, Body::Alive).then_some(())).await;
    assert_eq!(shop.check("sql", "SELECT true").await.verdict, Verdict::Yes);
}

#[tokio::test]
async fn nobody_there_and_nobody_let_in_are_told() {
    let started = |url: &str, password: &str| {
        let spec = Spec::Sql {
            id: "shop".into(),
            url: url.into(),
            password: Some(SecretString::from(password.to_owned())),
            trust: Trust::default(),
            timeout: Span::secs(5),
            every: Span::secs(30),
        };
        source::start(spec, mpsc::channel(64).0)
    };
    let nobody = format!("postgres://ana@127.0.0.1:{}/x", free_port());
    for (url, seen) in
        [(nobody.as_str(), "cannot be reached"), ("postgres://", "names no host"), ("x", "not the address")]
    {
        let answer = started(url, "x").check("sql", "SELECT true").await;
        assert_eq!(answer.verdict, Verdict::Unknown);
        assert!(answer.seen.contains(seen), "{answer:?}");
    }
    if !wanted("nobody_there_and_nobody_let_in_are_told") {
        return;
    }
    let server = server().await;
    let (_shop, mut rx) = server.started(Span::secs(5));
    until(&mut rx, |body| matches!(body, Body::Alive).then_some(())).await;
    let url = format!("postgres://ana@127.0.0.1:{}/postgres", server.port);
    let answer = started(&url, "wrong-hunter3").check("sql", "SELECT true").await;
    assert!(answer.seen.contains("28P01"), "{answer:?}");
    assert!(!answer.seen.contains("hunter3"), "{answer:?}");
    let answer = started(&format!("{url}?sslmode=require"), "hunter2").check("sql", "SELECT true").await;
    assert!(answer.seen.contains("TLS"), "{answer:?}");
}

#[tokio::test]
async fn a_database_is_believed_by_its_certificate_and_shown_ones_own() {
    if !wanted("a_database_is_believed_by_its_certificate_and_shown_ones_own") {
        return;
    }
    let (dir, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pki = Pki(made.path());
    let (ca, other) = (pki.authority("ca"), pki.authority("other"));
    let (cert, key) = pki.signed("ca", "db", "IP:127.0.0.1");
    let mine = pki.signed("ca", "ana", "DNS:ana");
    let copied = |from: &Path, name: &str| {
        let to = dir.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        own(&to);
        to.display().to_string()
    };
    let hba = dir.path().join("hba");
    let lines = "local all all trust\nhostssl template1 ana 127.0.0.1/32 cert\n\
                 host postgres ana 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(&hba, lines).unwrap();
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", copied(&cert, "db.pem")),
        format!("ssl_key_file={}", copied(&key, "db.key")),
        format!("ssl_ca_file={}", copied(&ca, "ca.pem")),
        format!("hba_file={}", copied(&hba, "hba.conf")),
    ];
    let server = server_in(dir, &settings).await;
    let (_shop, mut rx) = server.started(Span::secs(5));
    until(&mut rx, |body| matches!(body, Body::Alive).then_some(())).await;

    let by = |ca: Option<&Path>, identity| Trust { ca: ca.map(Path::to_owned), identity };
    let asked = async |host: &str, rest: &str, trust: Trust| {
        let spec = Spec::Sql {
            id: "shop".into(),
            url: format!("postgres://ana@{host}:{}/{rest}", server.port),
            password: Some(SecretString::from("hunter2")),
            trust,
            timeout: Span::secs(5),
            every: Span::secs(30),
        };
        let database = source::start(spec, mpsc::channel(64).0);
        let answer =
            database.check("sql", "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await;
        (answer.verdict, answer.seen)
    };
    let known = || by(Some(&ca), None);
    for mode in ["postgres", "postgres?sslmode=require", "postgres?sslmode=verify-full"] {
        let (verdict, seen) = asked("127.0.0.1", mode, known()).await;
        assert!(verdict == Verdict::Yes && seen.starts_with("true, version=TLSv1."), "{mode}: {seen}");
    }
    // As by libpq: encrypted, and not verified.
    let (verdict, seen) = asked("127.0.0.1", "postgres", Trust::default()).await;
    assert!(verdict == Verdict::Yes && seen.starts_with("true, version=TLSv1."), "{seen}");
    let (verdict, seen) = asked("127.0.0.1", "postgres?sslmode=disable", Trust::default()).await;
    assert_eq!((verdict, seen.as_str()), (Verdict::No, "false, version=NULL"));

    for (host, rest, trust, wanted) in [
        ("127.0.0.1", "postgres", by(Some(&other), None), "nobody who is trusted here signed"),
        ("127.0.0.1", "postgres?sslmode=require", Trust::default(), "nobody who is trusted here signed"),
        ("localhost", "postgres", known(), "not valid for name"),
        (
            "127.0.0.1",
            "postgres",
            by(Some(Path::new("/nowhere/ca.pem")), None),
            "/nowhere/ca.pem: No such file",
        ),
        ("127.0.0.1", "postgres", by(Some(&key), None), "there is no certificate in it"),
        ("127.0.0.1", "template1", known(), "valid client certificate"),
    ] {
        let (verdict, seen) = asked(host, rest, trust).await;
        assert!(verdict == Verdict::Unknown && seen.contains(wanted), "{host}/{rest} {wanted}: {seen}");
    }
    let (verdict, seen) = asked("127.0.0.1", "template1", by(Some(&ca), Some(mine))).await;
    assert_eq!(verdict, Verdict::Yes, "{seen}");
}
