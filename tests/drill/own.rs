//! A runbook of one's own as a drill: walked against stand-ins, stopped where a person is needed, and refused as long as
//! anything of production has none.

use crate::{
    support::pty::Pty,
    told::{Home, signal, told_until},
};
use rustix::process::Signal;
use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Output};

/// A real rollback, as a team might have it: one host, three instances behind names of their own, a secret, a tool.
const SHOP: &str = r#"---
warroom:
  service: shop
  targets: {web: 'ssh://web1.prod.example'}
  inputs:
    - {name: GOOD, prompt: Last good release}
    - {name: ROOT, default: /srv/shop}
    - {name: KEY, secret: true, from: vault read -field=key shop}
---
# Put shop back

## Look

1. [ ] What runs

   ```sh { name=look kind=check timeout=20s }
   kubectl get pods && curl -fsS --noproxy '*' https://shop1.example.com/version
   ```

## Put back

1. [ ] Put the last good release back

   ```sh { name=switch host=web timeout=60s }
   ln -sfn "releases/$GOOD" "$ROOT/current.next" && mv -Tf "$ROOT/current.next" /srv/shop/current || exit 1
   curl -fsS --noproxy '*' -X POST https://shop1.example.com/reload
   curl -fsS --noproxy '*' -X POST https://shop2.example.com/reload
   curl -fsS --noproxy '*' -X POST https://shop3.example.com/reload
   ```

1. [ ] Errors are gone and stay gone

   ```promql { name=errors kind=verify for=30s timeout=5m source=prom-eu }
   (sum(rate(http_requests_total{service="shop",code=~"5.."}[1m])) or vector(0)) / sum(rate(http_requests_total{service="shop"}[1m])) < 0.01
   ```

**END**
"#;

const MAP: &str = "web=local,shop=checkout,ROOT=practice:srv/checkout,KEY=none,prom-eu=checkout,\
     /srv/shop=practice:srv/checkout,https://shop1.example.com=practice:checkout-1,\
     https://shop2.example.com=practice:checkout-2,https://shop3.example.com=practice:checkout-3";

/// Writes the runbook, and a stand-in for the tool that says in whose name it was called.
fn furnish(home: &Home, text: &str) -> (String, String) {
    let file = |name: &str| home.dir.path().join(name);
    std::fs::write(file("shop.md"), text).unwrap();
    let tool = format!("#!/bin/sh\necho \"$HOME ${{KUBECONFIG-none}}\" > {}\n", file("called").display());
    std::fs::write(file("fake-kubectl"), tool).unwrap();
    std::fs::set_permissions(file("fake-kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let map = format!("{MAP},kubectl={}", file("fake-kubectl").display());
    (file("shop.md").to_string_lossy().into_owned(), map)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn has(told: &str, all: &[&str]) {
    for words in all {
        assert!(told.contains(words), "{words:?} is not in:\n{told}");
    }
}

#[test]
fn a_runbook_of_ones_own_is_walked_against_stand_ins() {
    if !crate::support::peer::calls("curl", "a_runbook_of_ones_own_is_walked_against_stand_ins") {
        return;
    }
    let home = Home::new();
    let (file, map) = furnish(&home, SHOP);
    let args = ["--auto", "--pace", "8", "--runbook", &file, "--map", &map];
    let done = home.drill(&args).env("KUBECONFIG", "/root/.kube/production").output().unwrap();
    let told = said(&done);
    assert_eq!(done.status.code(), Some(0), "{told}");
    has(
        &told,
        &[
            "DRILL bad-release with shop.md at pace 8",
            "RUN-1 walks Put shop back",
            "step 2 Put the last good release back",
            "checkout 2.4.0 went live",
            "RUN-1: checklist complete",
            "recovered, held for",
            "status resolved",
            "1 runbook walked",
            "journal  sound",
            "nothing of it is left running",
        ],
    );
    assert!(!told.contains("new-pricing switched off"), "{told}");
    // The tool's stand-in was called without its player's credentials.
    let called = std::fs::read_to_string(home.dir.path().join("called")).unwrap();
    let own = home.state().join("warroom/drill/home");
    assert_eq!(called.trim(), format!("{} none", own.display()));
    let draft = std::fs::read_to_string(home.out().join("postmortem.md")).unwrap();
    has(&draft, &["drill: true", "**DRILL.**"]);
    let journal = std::fs::read_to_string(home.out().join("journal.jsonl")).unwrap();
    has(&journal, &["web (ssh://web1.prod.example): local", "bad-release with shop.md"]);
    assert!(!journal.contains("https://shop1.example.com/"), "no command names production");
    home.is_clean();
}

#[test]
fn where_a_person_is_needed_it_stops_there_with_the_draft() {
    if !crate::support::peer::calls("curl", "where_a_person_is_needed_it_stops_there_with_the_draft") {
        return;
    }
    let home = Home::new();
    let text = SHOP.replace(
        "## Put back\n",
        "## Put back\n\n1. [ ] **CONFIRM** (by=ic) The on-call of payments knows\n",
    );
    let (file, map) = furnish(&home, &text);
    let done = home.drill(&["--auto", "--pace", "10", "--runbook", &file, "--map", &map]).output().unwrap();
    let told = said(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    has(
        &told,
        &[
            "stopped  a person is needed at step 2 of 4 of \"Put shop back\"",
            "The on-call of payments knows",
            "it asks somebody to confirm",
            "draft    ",
            "journal  sound",
        ],
    );
    let draft = std::fs::read_to_string(home.out().join("postmortem.md")).unwrap();
    has(&draft, &["a person is needed at step 2 of 4"]);
    home.is_clean();
}

#[test]
fn what_has_no_stand_in_is_listed_whole_and_nothing_is_started() {
    let home = Home::new();
    let (file, _) = furnish(&home, SHOP);
    let done = home
        .drill(&["--runbook", &file, "--map", "web=local,/srv/shop=practice:srv/checkout"])
        .output()
        .unwrap();
    let told = said(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    has(
        &told,
        &[
            "shop.md names what a drill must not reach",
            "service     shop, front matter",
            "input       KEY (a secret), front matter",
            "input       ROOT (default /srv/shop), front matter",
            "source      prom-eu, line 33",
            "address     https://shop1.example.com, line 17",
            "address     https://shop2.example.com, line 27",
            "address     https://shop3.example.com, line 28",
            "command     kubectl, line 17",
            "https://shop1.example.com=practice:checkout-1",
            "practice targets: practice:checkout-1",
            "nothing was started",
        ],
    );
    assert!(!told.contains("target      web") && !told.contains("path        "), "{told}");
    assert!(!home.state().exists(), "nothing was begun");

    // The same without any: the target, and what would run on this machine in its place.
    let done = home.drill(&["--runbook", &file]).output().unwrap();
    has(
        &said(&done),
        &[
            "target      web (ssh://web1.prod.example), front matter",
            "path        /srv/shop/current, line 25",
        ],
    );
}

#[test]
fn a_stand_in_that_is_production_is_refused() {
    let home = Home::new();
    let (file, map) = furnish(&home, SHOP);
    let config = home.dir.path().join("config/warroom");
    std::fs::create_dir_all(&config).unwrap();
    let text = "[[source]]\nkind = \"probe\"\nurl = \"https://real.example.com/healthz\"\n";
    std::fs::write(config.join("warroom.toml"), text).unwrap();
    for (more, why) in [
        (
            "web=ssh://web1.prod.example",
            "web=ssh://web1.prod.example is production, a drill refuses it: shop.md names it itself",
        ),
        ("web=ssh://me@web1.prod.example:2222", "is production"),
        ("/srv/shop=/srv/shop2,ROOT=/srv", "ROOT=/srv is production"),
        (
            "https://shop1.example.com=https://real.example.com",
            "your configuration watches it as probe:real.example.com",
        ),
        ("KEY=https://shop2.example.com", "is production"),
        ("wep=local", "is called wep"),
        ("shop=bakery", "the practice world has no such service, only checkout, payments, pricing"),
        ("https://shop1.example.com=practice:shop", "the practice world has practice:checkout-1"),
        ("web", "is not NAME=VALUE"),
    ] {
        let done = home.drill(&["--runbook", &file, "--map", &map, "--map", more]).output().unwrap();
        let told = said(&done);
        assert!(matches!(done.status.code(), Some(1 | 2)), "{more}: {told}");
        has(&told, &[why]);
        assert!(!home.state().exists(), "{more}: nothing was begun");
    }
    let kept = home.drill(&["--runbook", &file, "--map", &map, "--keep", "kubectl"]).output().unwrap();
    has(&said(&kept), &["kubectl cannot be kept: it reaches further"]);
    for alone in [["--map", "a=b"], ["--keep", "a"]] {
        let done = home.drill(&alone).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        has(&said(&done), &["name it with --runbook FILE"]);
    }
}

#[test]
fn a_dry_run_shows_every_command_with_its_stand_ins() {
    let home = Home::new();
    let (file, map) = furnish(&home, SHOP);
    let done = home.drill(&["--dry-run", "--runbook", &file, "--map", &map]).output().unwrap();
    let told = said(&done);
    assert_eq!(done.status.code(), Some(0), "{told}");
    has(
        &told,
        &[
            "- web (ssh://web1.prod.example): local",
            "GOOD=2.4.0",
            "ROOT=/practice/srv/checkout",
            "# run switch on local",
            "mv -Tf \"$ROOT/current.next\" /practice/srv/checkout/current",
            "-X POST http://checkout-3.practice/reload",
            "service=\"checkout\"",
            "fake-kubectl get pods",
        ],
    );
    assert!(!home.state().exists(), "nothing was begun");
    // The same plan as it is read, and what is still missing in it.
    let show = |map: &str| {
        let mut command = std::process::Command::new(crate::binary());
        command.args(["runbook", "show", &file, "--map", map]).envs(home.env());
        said(&command.output().unwrap())
    };
    has(
        &show(&map),
        &[
            "Practice: what stands for what",
            "| curl -fsS --noproxy '*' -X POST http://checkout-2.practice/reload",
        ],
    );
    has(&show("web=local"), &["run sh on web", "command kubectl has no stand-in for a drill"]);
}

#[test]
fn a_crash_leaves_it_to_be_taken_up_with_the_same_stand_ins() {
    let home = Home::new();
    let (file, map) = furnish(&home, SHOP);
    let args = ["--auto", "--pace", "2", "--runbook", &file, "--map", &map];
    let (mut child, _told) = told_until(&mut home.drill(&args), "declared INC-1");
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    std::fs::remove_file(Path::new(&file)).unwrap();

    let env = home.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let out = home.out().to_string_lossy().into_owned();
    let mut pty = Pty::spawn(crate::binary(), &["drill", "--resume", "--out", &out], &env, (100, 30));
    pty.wait_for("FROZEN checkout/prod");
    pty.send("W");
    pty.wait_for("Which runbook?");
    pty.wait_for("Put shop back");
    pty.key("enter");
    pty.wait_for("What runs");
    pty.wait_for("next  step 1");
    pty.send("q");
    assert_eq!(pty.exit().0, 0, "{}", pty.screen_text());
    home.is_clean();
}
