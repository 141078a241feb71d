//! The units that are shipped, as systemd reads them.

use super::house::{Home, finished, runs};
use crate::support::peer;
use std::fs;

const UNITS: [&str; 2] = ["warroom.socket", "warroom.service"];

fn unit(name: &str) -> String {
    fs::read_to_string(format!("{}/docs/systemd/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn user_group_and_modes_agree_wherever_they_stand() {
    let (socket, service) = (unit("warroom.socket"), unit("warroom.service"));
    for line in ["SocketUser=warroom", "SocketGroup=warroom-seats", "SocketMode=0660"] {
        assert!(socket.lines().any(|one| one == line), "{line}");
    }
    for line in ["User=warroom", "Group=warroom-seats", "RuntimeDirectoryMode=0750", "StateDirectory=warroom"]
    {
        assert!(service.lines().any(|one| one == line), "{line}");
    }
    assert!(socket.contains(&format!("ListenStream={}", warroom::transport::find::SYSTEM)));
    assert!(unit("warroom.tmpfiles").contains("d /run/warroom 0750 warroom warroom-seats"));
    // Each of these would blind the room to who its peers and its hands are.
    for never in ["PrivateUsers=", "ProtectProc=", "PrivatePIDs="] {
        assert!(!service.lines().any(|line| line.starts_with(never)), "{never}");
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_them_and_little_that_the_room_may() {
    if !peer::wanted("bastion::units::systemd_finds_nothing_wrong_with_them_and_little_that_the_room_may")
        || !runs("systemd-analyze")
    {
        return;
    }
    let home = Home::new();
    for name in UNITS {
        let here = unit(name).replace("/usr/bin/warroom", &home.path("warroom").display().to_string());
        fs::write(home.path(name), here).unwrap();
    }
    let mut verify = home.clean("systemd-analyze");
    let output = finished(verify.arg("verify").args(UNITS.map(|name| home.path(name))));
    let said = String::from_utf8_lossy(&output.stderr);
    let about: Vec<&str> = said.lines().filter(|line| line.contains("warroom")).collect();
    assert!(output.status.success() && about.is_empty(), "{said}");

    let mut security = home.clean("systemd-analyze");
    security.args(["security", "--offline=true", "--threshold=25"]).arg(home.path("warroom.service"));
    let output = finished(&mut security);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
