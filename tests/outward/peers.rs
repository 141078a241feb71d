//! Against a real mail server and a real rsyslog, where `WARROOM_PEERS=1` says that they are installed.

use crate::{
    audit::{note, style},
    house::{House, outward, streaming},
    listener::until,
    pki::Pki,
};
use std::process::{Child, Command, Stdio};
use warroom::{
    audit::{Sink, out::Syslog, syslog::Place},
    domain::{dispatch::Message, id::PageId, page::TargetKind, time::Span},
    push::{
        Oncall,
        carrier::{Protection, Target},
    },
};

struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wanted(name: &str) -> bool {
    let yes = std::env::var("WARROOM_PEERS").is_ok_and(|v| v == "1");
    if !yes {
        println!("waits for tests/all: {name}");
    }
    yes
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(program: &str, args: &[&str]) -> Peer {
    let mut command = Command::new(program);
    Peer(command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it is installed"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_by_mail() {
    if !wanted("mail through aiosmtpd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (port, box_) = (free_port(), dir.path().join("mails"));
    let listen = format!("127.0.0.1:{port}");
    let mail = |listen: &str| Target::Smtp {
        server: listen.to_owned(),
        tls: Protection::Nothing,
        ca: None,
        login: None,
        from: "war room <warroom@example.org>".into(),
        to: vec!["cleo@example.org".into()],
        timeout: Span::secs(10),
    };
    let config = outward(&[("mail", TargetKind::Smtp)], &[&["mail"]], &[]);
    let house = House::open(dir, config, vec![("mail", mail(&listen))], Oncall::new()).await;
    house.declare().await;
    house.page().await;
    house.until("nobody is there yet", |state| state.undelivered.contains_key("mail")).await;
    let class = "aiosmtpd.handlers.Mailbox";
    let _server = start("aiosmtpd", &["-n", "-l", &listen, "-c", class, box_.to_str().unwrap()]);
    house.until("the mail goes out", |state| !state.pages[&PageId(1)].reached.is_empty()).await;
    let file = std::fs::read_dir(box_.join("new")).unwrap().next().unwrap().unwrap().path();
    let mail = std::fs::read_to_string(file).unwrap();
    for line in [
        "Subject: PAGE-1 oncall: SEV1 INC-1 checkout <fails>: come",
        "Auto-Submitted: auto-generated",
        "From: \"war room\" <warroom@example.org>",
        "acknowledge: warroom page ack PAGE-1",
    ] {
        assert!(mail.contains(line), "{line} is not in\n{mail}");
    }
    assert!(mail.contains("-PAGE-1-OUT-1@example.org>"), "{mail}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_by_starttls_and_by_tls_to_whom_the_certificate_names() {
    if !wanted("mail through aiosmtpd with STARTTLS and TLS") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki(dir.path());
    let (ca, other) = (pki.authority("ca"), pki.authority("other"));
    let (cert, key) = pki.signed("ca", "mail", "DNS:localhost");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (cert, key) = (path(&cert), path(&key));
    let serve = |name: &str, tls: &[&str]| {
        let (port, box_) = (free_port(), dir.path().join(name));
        let listen = format!("127.0.0.1:{port}");
        let class = ["-n", "-l", &listen, "-c", "aiosmtpd.handlers.Mailbox"];
        let box_name = path(&box_);
        let server = start("aiosmtpd", &[&class[..], tls, &[&box_name]].concat());
        (port, box_, server)
    };
    let starttls = serve("starttls", &["--tlscert", &cert, "--tlskey", &key]);
    let wrapped = serve("tls", &["--smtpscert", &cert, "--smtpskey", &key]);
    let bare = serve("bare", &[]);
    for (port, _, _) in [&starttls, &wrapped, &bare] {
        until("it listens", || std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok()).await;
    }
    let send = async |host: &str, port: u16, tls: Protection, ca: Option<&std::path::Path>| {
        let target = Target::Smtp {
            server: format!("{host}:{port}"),
            tls,
            ca: ca.map(std::path::Path::to_owned),
            login: None,
            from: "war room <warroom@example.org>".into(),
            to: vec!["cleo@example.org".into()],
            timeout: Span::secs(10),
        };
        match warroom::push::carrier("mail", &target) {
            Ok(carrier) => carrier.carry(message()).await.map_err(|failure| failure.why),
            Err(error) => Err(error.to_string()),
        }
    };
    let mails = |box_: &std::path::Path| std::fs::read_dir(box_.join("new")).map_or(0, Iterator::count);
    for ((port, box_, _), tls) in [(&starttls, Protection::Starttls), (&wrapped, Protection::Tls)] {
        send("localhost", *port, tls, Some(&ca)).await.unwrap();
        assert_eq!(mails(box_), 1);
        // Another authority, another name, only the system's authorities: nothing goes out.
        for (host, ca) in
            [("localhost", Some(other.as_path())), ("127.0.0.1", Some(&ca)), ("localhost", None)]
        {
            let why = send(host, *port, tls, ca).await.unwrap_err();
            assert!(why.contains("certificate"), "{host} {ca:?}: {why}");
        }
        assert_eq!(mails(box_), 1);
    }
    // A server that speaks no TLS is told nothing.
    let why = send("localhost", bare.0, Protection::Starttls, Some(&ca)).await.unwrap_err();
    assert!(why.contains("STARTTLS"), "{why}");
    send("localhost", bare.0, Protection::Tls, Some(&ca)).await.unwrap_err();
    assert_eq!(mails(&bare.1), 0);
    let none = send("localhost", bare.0, Protection::Tls, Some(dir.path())).await.unwrap_err();
    assert!(none.contains("[target.mail] cannot be used"), "{none}");
}

fn message() -> Message {
    Message {
        key: "OUT-1".into(),
        thread: "PAGE-1".into(),
        event: "update",
        title: "SEV1 checkout fails".into(),
        text: "5xx 7 %".into(),
        page: None,
        who: None,
        incident: None,
        severity: None,
        services: Vec::new(),
        env: None,
        at: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_takes_every_event_over_three_transports_and_after_it_was_down() {
    if !wanted("syslog through rsyslog") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (udp, tcp) = (free_port(), free_port());
    let (conf, out, log) = (dir.path().join("rsyslog.conf"), dir.path().join("out"), dir.path().join("log"));
    // rsyslog reads the structured data itself and writes seq, kind and message.
    std::fs::write(
        &conf,
        format!(
            "module(load=\"imudp\")\nmodule(load=\"imtcp\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             module(load=\"mmpstrucdata\")\n\
             template(name=\"line\" type=\"string\" string=\"%inputname% %APP-NAME% %MSGID% \
             %$!rfc5424-sd!warroom@32473!seq% %$!rfc5424-sd!warroom@32473!kind% %msg%\\n\")\n\
             ruleset(name=\"all\") {{ action(type=\"mmpstrucdata\") \
             action(type=\"omfile\" file=\"{}\" template=\"line\") }}\n\
             input(type=\"imudp\" address=\"127.0.0.1\" port=\"{udp}\" ruleset=\"all\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{tcp}\" ruleset=\"all\")\n\
             input(type=\"imuxsock\" socket=\"{}\" useSpecialParser=\"off\" ruleset=\"all\")\n",
            out.display(),
            log.display()
        ),
    )
    .unwrap();
    let pid = dir.path().join("pid");
    let args = ["-n", "-f", conf.to_str().unwrap(), "-i", pid.to_str().unwrap()];
    let server = start("rsyslogd", &args);
    until("it listens", || log.exists() && std::net::TcpStream::connect(("127.0.0.1", tcp)).is_ok()).await;
    let sinks: Vec<(&str, Box<dyn Sink>)> = vec![
        ("unix", Box::new(Syslog::new(Place::Unix(log.clone()), style()))),
        ("udp", Box::new(Syslog::new(Place::Udp(format!("127.0.0.1:{udp}")), style()))),
        ("tcp", Box::new(Syslog::new(Place::Tcp(format!("127.0.0.1:{tcp}")), style()))),
    ];
    let house = streaming(dir, sinks).await;
    house.ok(note("said with a ] and a \"quote\"")).await;
    let head = house.state().head;
    let lines = |input: &str, seq: u64| -> usize {
        let text = std::fs::read_to_string(&out).unwrap_or_default();
        let is = |line: &&str| {
            line.starts_with(&format!("{input} warroom ")) && line.contains(&format!(" {seq} "))
        };
        text.lines().filter(is).count()
    };
    for input in ["imuxsock", "imudp", "imtcp"] {
        until(&format!("all came through {input}"), || (1..=head).all(|seq| lines(input, seq) == 1)).await;
    }
    let text = std::fs::read_to_string(&out).unwrap();
    let said = format!("note.said {head} note.said");
    assert!(
        text.lines().any(|line| line.contains(&said) && line.ends_with("said with a ] and a \"quote\"")),
        "{text}"
    );

    drop(server);
    house.ok(note("while it is down")).await;
    let down = house.state().head;
    let behind = || {
        house
            .pumps
            .views()
            .borrow()
            .iter()
            .find(|one| one.name == "tcp")
            .is_some_and(|one| one.trouble.is_some())
    };
    until("the stream waits", behind).await;
    let _server = start("rsyslogd", &args);
    until("what was said meanwhile comes", || lines("imtcp", down) >= 1).await;
    house.end().await;
}
