//! The real program on a journal in a database.

use crate::pki::Pki;
use crate::support::{
    house::{House, until},
    peer::wanted,
    postgres::{PASSWORD, Server, own},
};
use std::{os::unix::fs::PermissionsExt as _, path::Path};

pub fn configured(house: &House, server: &Server) -> String {
    let secret = house.path().join("password");
    std::fs::write(&secret, PASSWORD).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = house.path().join("warroom.toml");
    std::fs::write(
        &config,
        format!(
            "[journal]\nurl = {:?}\npassword = {{ file = \"{}\" }}\ndurability = \"local\"\n",
            server.url("room"),
            secret.display()
        ),
    )
    .unwrap();
    config.to_str().unwrap().to_owned()
}

#[test]
fn a_room_keeps_its_journal_in_a_database_through_both_their_deaths() {
    if !wanted("a_room_keeps_its_journal_in_a_database_through_both_their_deaths") {
        return;
    }
    let mut server = Server::start(&["fsync=on"]);
    let house = House::new();
    let config = configured(&house, &server);
    let run = |args: &[&str]| {
        let mut all = vec!["--config", &config];
        all.extend(args);
        house.run(&all)
    };
    let ok = |args: &[&str]| {
        let done = run(args);
        assert!(done.status.success(), "{args:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let early = run(&["declare", "5xx", "--service", "shop"]);
    assert!(!early.status.success());
    let said = crate::support::house::stderr(&early);
    assert!(said.contains("run warroom journal init"), "{said}");
    let made = house
        .command(&crate::support::house::binary())
        .args(["--config", &config, "journal", "init", &server.url("ana")])
        .env("PGPASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(String::from_utf8_lossy(&made.stdout).contains("the journal made, granted to room"), "{made:?}");
    ok(&["declare", "5xx", "--service", "shop"]);
    ok(&["note", "seen at the edge"]);
    let status = ok(&["status"]);
    assert!(status.contains("not replicated"), "{status}");
    assert!(!house.journal().exists(), "there is one journal");
    assert!(ok(&["verify"]).starts_with("sound: "));
    server.kill();
    let lost = run(&["note", "while it was gone"]);
    assert_eq!(lost.status.code(), Some(0), "{lost:?}");
    assert!(String::from_utf8_lossy(&lost.stdout).contains("OFFLINE"), "{lost:?}");
    assert!(ok(&["status"]).contains("OFFLINE"));
    server.go();
    until("what was kept is in the journal", || !ok(&["status"]).contains("OFFLINE"));
    ok(&["note", "and it is back"]);
    house.stop_with(&config);
    ok(&["note", "by a room that was started again"]);
    let timeline = ok(&["tail", "--no-follow", "--all"]);
    for (text, times) in
        [("seen at the edge", 1), ("while it was gone", 1), ("and it is back", 1), ("started again", 1)]
    {
        assert_eq!(timeline.matches(text).count(), times, "{text}: {timeline}");
    }
    assert!(ok(&["verify"]).starts_with("sound: "));
    house.stop_with(&config);
}

#[test]
fn the_statements_can_be_typed_by_hand() {
    if !wanted("the_statements_can_be_typed_by_hand") {
        return;
    }
    let server = Server::start(&["fsync=on"]);
    let house = House::new();
    let config = configured(&house, &server);
    let sql = house.ok(&["--config", &config, "journal", "init", "--print"]);
    server.sql(&sql);
    house.ok(&["--config", &config, "note", "by hand"]);
    assert!(house.ok(&["--config", &config, "verify"]).starts_with("sound: "));
    house.stop_with(&config);
}

/// An incident goes on at another room when the machine of the first is gone.
#[test]
fn an_incident_survives_the_loss_of_a_room() {
    if !wanted("an_incident_survives_the_loss_of_a_room") {
        return;
    }
    let server = Server::start(&["fsync=on"]);
    let (eu, us) = (House::new(), House::new());
    let (at_eu, at_us) = (configured(&eu, &server), configured(&us, &server));
    server.sql(&eu.ok(&["--config", &at_eu, "journal", "init", "--print"]));
    let ok = |house: &House, config: &str, args: &[&str]| {
        let mut all = vec!["--config", config];
        all.extend(args);
        house.ok(&all)
    };
    ok(&eu, &at_eu, &["declare", "5xx", "--service", "shop", "--freeze"]);
    ok(&us, &at_us, &["note", "seen from over here"]);
    let rooms = |house: &House, config: &str| {
        let status: serde_json::Value =
            serde_json::from_str(&ok(house, config, &["status", "--json"])).unwrap();
        status["room"]["rooms"].as_array().unwrap().clone()
    };
    until("each knows of the other", || rooms(&eu, &at_eu).len() == 2 && rooms(&us, &at_us).len() == 2);
    let duty =
        |rooms: &[serde_json::Value]| rooms.iter().any(|room| room["own"] == true && room["duty"] == true);
    assert!(duty(&rooms(&eu, &at_eu)) && !duty(&rooms(&us, &at_us)));
    assert!(ok(&us, &at_us, &["status"]).contains("rooms   "));
    eu.kill_room();
    let gate = us.run(&[
        "--config",
        &at_us,
        "gate",
        "--service",
        "shop",
        "--env",
        "prod",
        "--artifact",
        "shop@2",
        "--action",
        "deploy",
    ]);
    assert_eq!(gate.status.code(), Some(10), "{gate:?}");
    until("the other has the duties", || duty(&rooms(&us, &at_us)));
    ok(&us, &at_us, &["note", "gone on with"]);
    // And the first comes back, to what happened meanwhile.
    ok(&eu, &at_eu, &["note", "back again"]);
    let timeline = ok(&eu, &at_eu, &["tail", "--no-follow", "--all"]);
    for text in ["back again", "seen from over here", "gone on with", "said nothing for"] {
        assert_eq!(timeline.matches(text).count(), 1, "{text}: {timeline}");
    }
    assert!(ok(&eu, &at_eu, &["verify"]).starts_with("sound: "));
    eu.stop_with(&at_eu);
    us.stop_with(&at_us);
}

/// No password at all: the role is who its certificate says, and the server who its authority says.
#[test]
fn the_journals_database_is_believed_by_its_certificate_and_shown_the_rooms() {
    if !wanted("the_journals_database_is_believed_by_its_certificate_and_shown_the_rooms") {
        return;
    }
    let (dir, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    own(dir.path());
    let pki = Pki(made.path());
    let (ca, other) = (pki.authority("ca"), pki.authority("other"));
    let (cert, key) = pki.signed("ca", "db", "IP:127.0.0.1");
    let (room, room_key) = pki.signed("ca", "room", "DNS:room");
    let (strange, strange_key) = pki.signed("other", "room", "DNS:room");
    let copied = |from: &Path, name: &str| {
        let to = dir.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        own(&to);
        to.display().to_string()
    };
    let hba = made.path().join("hba");
    let lines = "hostssl warroom room 127.0.0.1/32 cert\nhost all ana 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(&hba, lines).unwrap();
    let settings = [
        "fsync=on".to_owned(),
        "ssl=on".into(),
        format!("ssl_cert_file={}", copied(&cert, "db.pem")),
        format!("ssl_key_file={}", copied(&key, "db.key")),
        format!("ssl_ca_file={}", copied(&ca, "ca.pem")),
        format!("hba_file={}", copied(&hba, "hba.conf")),
    ];
    let server = Server::start(&settings.each_ref().map(String::as_str));
    let house = House::new();
    let config = |ca: &Path, cert: &Path, key: &Path| {
        let path = house.path().join("warroom.toml");
        let text = format!(
            "[journal]\nurl = {:?}\nca = {ca:?}\ncert = {cert:?}\nkey = {key:?}\ndurability = \"local\"\n",
            format!("{}?sslmode=require", server.url("room"))
        );
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = config(&ca, &room, &room_key);
    server.sql(&house.ok(&["--config", &good, "journal", "init", "--print"]));
    for (ca, cert, key, part) in [
        (&other, &room, &room_key, "nobody who is trusted here signed"),
        (&ca, &strange, &strange_key, "it does not believe the certificate that it is shown (UnknownCA)"),
    ] {
        let tried = house.run(&["--config", &config(ca, cert, key), "note", "by a stranger"]);
        let said = crate::support::house::stderr(&tried);
        assert!(!tried.status.success() && said.contains(part), "{part}: {said}");
    }
    let good = config(&ca, &room, &room_key);
    house.ok(&["--config", &good, "note", "by the room itself"]);
    let encrypted = "select count(*) filter (where not ssl) || ' of ' || count(*) from pg_stat_ssl \
                     join pg_stat_activity using (pid) where usename = 'room'";
    let counted = server.sql(encrypted);
    assert!(counted.starts_with("0 of ") && counted != "0 of 0", "{counted} in the clear");
    assert!(house.ok(&["--config", &good, "verify"]).starts_with("sound: "));
    house.stop_with(&good);
}
