use super::*;
use std::os::unix::fs::symlink;

fn place() -> (tempfile::TempDir, Place) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    for name in ["2.3.9", "2.4.0", "2.4.1"] {
        fs::create_dir_all(path.join("releases").join(name)).unwrap();
        let revision = path.join("releases").join(name).join("REVISION");
        fs::write(&revision, format!("rev-{name}\n")).unwrap();
        let minute = u64::from(name.bytes().last().unwrap()) + if name.starts_with("2.4") { 100 } else { 0 };
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + minute * 60);
        fs::File::open(&revision).unwrap().set_modified(at).unwrap();
    }
    (dir, Place { service: "checkout".into(), env: "prod".into(), path })
}

#[test]
fn what_runs_what_ran_and_what_lies_ready() {
    let (_dir, place) = place();
    symlink("releases/2.4.1", place.path.join("current")).unwrap();
    let view = look(&place).unwrap();
    let names: Vec<&str> = view.ready.iter().map(|a| a.version.as_str()).collect();
    assert_eq!(names, ["2.4.1", "2.4.0", "2.3.9"]);
    assert_eq!(view.current.unwrap().revision.as_deref(), Some("rev-2.4.1"));
    assert_eq!(view.previous.unwrap().version, "2.4.0");
    assert!(view.since.is_some() && view.by.is_none());
}

#[test]
fn the_log_knows_better_what_ran_before_and_who_switched() {
    let (_dir, place) = place();
    symlink(place.path.join("releases/2.3.9"), place.path.join("current")).unwrap();
    fs::write(
        place.path.join("revisions.log"),
        "Branch main (at a1) deployed as release 2.3.9 by ana\n\
         Branch main (at b2) deployed as release 2.4.1 by eve\n\
         bo rolled back to release 2.3.9\n",
    )
    .unwrap();
    let view = look(&place).unwrap();
    assert_eq!(view.previous.unwrap().version, "2.4.1");
    assert_eq!(view.by.as_deref(), Some("bo"));
}

#[test]
fn what_is_broken_is_said() {
    let (_dir, place) = place();
    assert_eq!(look(&place).unwrap().current, None);
    let link = place.path.join("current");
    symlink("releases/9.9", &link).unwrap();
    assert!(look(&place).unwrap_err().contains("current points at releases/9.9: No such file"));
    fs::remove_file(&link).unwrap();
    fs::create_dir(&link).unwrap();
    assert!(look(&place).unwrap_err().contains("is not a link"));
    let nowhere = Place { path: place.path.join("nowhere"), ..place.clone() };
    assert!(look(&nowhere).unwrap_err().contains("give the directory that holds releases/ and current"));
}

#[test]
fn hostile_names_are_seen() {
    let (_dir, place) = place();
    fs::create_dir(place.path.join("releases/\u{1b}[2J")).unwrap();
    let view = look(&place).unwrap();
    assert!(view.ready.iter().any(|a| a.version == "␛[2J"));
}

#[test]
fn a_switch_back_is_named_by_the_log_and_not_by_the_order_of_names() {
    let (_dir, place) = place();
    // Rolled back twice: "previous" by names would be the bad one again.
    symlink("releases/2.4.0", place.path.join("current")).unwrap();
    let log = "Branch main (at a) deployed as release 2.3.9 by ana\n\
               Branch main (at b) deployed as release 2.4.0 by ci-bot\n\
               Branch main (at c) deployed as release 2.4.1 by ci-bot\n\
               bo rolled back to release 2.4.0\n";
    fs::write(place.path.join("revisions.log"), log).unwrap();
    let view = look(&place).unwrap();
    assert_eq!((view.previous.unwrap().version.as_str(), view.by.as_deref()), ("2.4.1", Some("bo")));
    // A log that is torn, binary or hostile tells nothing, and nothing breaks.
    for odd in [
        &b"\xff\xfe\0\x1b[2J"[..],
        b"release",
        b"release \n by",
        b"deployed as release 2.4.0 by \x1b]0;x\x07",
    ] {
        fs::write(place.path.join("revisions.log"), odd).unwrap();
        let view = look(&place).unwrap();
        assert_eq!(view.previous.unwrap().version, "2.3.9");
        assert!(view.by.is_none_or(|by| !by.chars().any(char::is_control)));
    }
}

#[test]
fn a_link_is_followed_to_its_end_and_a_loop_is_told() {
    let (_dir, place) = place();
    let link = place.path.join("current");
    symlink("releases/2.4.1", place.path.join("next")).unwrap();
    symlink("next", &link).unwrap();
    assert_eq!(look(&place).unwrap().current.unwrap().version, "2.4.1");
    fs::remove_file(&link).unwrap();
    symlink("current", &link).unwrap();
    assert!(look(&place).unwrap_err().contains("current points at current"));
    // A revision that is a directory, or not text, is none.
    fs::remove_file(&link).unwrap();
    symlink("releases/2.4.0", &link).unwrap();
    fs::write(place.path.join("releases/2.4.0/REVISION"), b"\xff\xfe").unwrap();
    assert_eq!(look(&place).unwrap().current.unwrap().revision, None);
}
