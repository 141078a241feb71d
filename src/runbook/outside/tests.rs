use super::*;
use crate::runbook::parse;

const BOOK: &str = r#"---
warroom:
  service: shop
  targets: {here: local, web: 'ssh://web1.prod.example', db: 'ssh://db1.prod.example'}
  inputs:
    - {name: GOOD, prompt: Last good}
    - {name: ROOT, default: /srv/shop}
    - {name: SECONDS_TO_WAIT, default: '30'}
    - {name: KEY, secret: true, from: vault read x}
    - {name: SEEN}
---
# Roll back

1. [ ] Look

   ```sh { name=look kind=check }
   # see https://wiki.example.com/shop
   curl -fsS "https://shop.example.com/version?x=<region>" && kubectl get pods
   ```

   ```sh { name=seen capture=SEEN }
   cat /etc/shop/app.conf | grep version
   ```

1. [ ] Switch

   ```sh { name=switch host=web }
   ln -sfn "releases/$GOOD" /srv/shop/current && sudo systemctl reload shop
   curl -X POST "http://$SEEN/x" "http://$computed/reload"
   ```

   ```promql { name=errors kind=verify source=prom-eu }
   sum(rate(http_requests_total{service="shop"}[1m])) < 1
   ```

   ```python { name=py interpreter=python3 host=here }
   print("redis1:6379")
   ```

   ```text
   https://not.run.example
   ```
"#;

fn stand(map: &[(&str, &str)], keep: &[&str]) -> Stand {
    Stand {
        map: map.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        keep: keep.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn ground() -> Ground {
    Ground {
        services: vec!["checkout".into()],
        sources: vec!["checkout".into()],
        inputs: BTreeMap::from([("GOOD".into(), "2.4.0".into())]),
    }
}

fn names(all: &[Named]) -> Vec<String> {
    all.iter().map(|one| format!("{} {} {}", one.kind.word(), one.name, one.line)).collect()
}

#[test]
fn everything_of_the_outside_is_named_with_its_line() {
    let runbook = parse("shop.md", BOOK.as_bytes());
    assert_eq!(
        names(&named(&runbook)),
        [
            "target db 0",
            "target web 0",
            "service shop 0",
            "input GOOD 0",
            "input KEY 0",
            "input ROOT 0",
            "placeholder region 16",
            "source prom-eu 32",
            "address http://$computed 29",
            "address https://shop.example.com 18",
            "host redis1:6379 37",
            "path /etc/shop/app.conf 22",
            "path /srv/shop/current 28",
            "command kubectl 18",
            "command python3 36",
            "command sudo 28",
            "command systemctl 28",
        ]
    );
}

fn whole() -> Stand {
    stand(
        &[
            ("db", "ssh://stand-in"),
            ("web", "local"),
            ("shop", "checkout"),
            ("KEY", "none"),
            ("ROOT", "/practice/checkout"),
            ("region", "eu"),
            ("prom-eu", "checkout"),
            ("http://$computed", "http://127.0.0.1:40001"),
            ("https://shop.example.com", "http://127.0.0.1:40001"),
            ("redis1:6379", "127.0.0.1:40002"),
            ("/srv/shop", "/practice/checkout"),
            ("kubectl", "/home/me/stand-ins/kubectl"),
            ("sudo", "env"),
            ("systemctl", "echo systemctl"),
        ],
        &["/etc/shop", "python3"],
    )
}

#[test]
fn with_a_stand_in_for_each_nothing_is_left_and_the_code_names_them() {
    let runbook = parse("shop.md", BOOK.as_bytes());
    let done = remap(&runbook, &whole(), &ground());
    assert_eq!((names(&done.left), done.wrong), (Vec::<String>::new(), Vec::new()));
    let code = |id: &str| {
        let mut blocks = done.runbook.steps().flat_map(|step| &step.blocks);
        blocks.find(|block| block.id == id).unwrap().code.clone()
    };
    assert!(code("look").ends_with(
        "curl -fsS \"http://127.0.0.1:40001/version?x=eu\" && /home/me/stand-ins/kubectl get pods"
    ));
    assert_eq!(
        code("switch"),
        "ln -sfn \"releases/$GOOD\" /practice/checkout/current && env echo systemctl reload checkout\n\
         curl -X POST \"http://$SEEN/x\" \"http://127.0.0.1:40001/reload\""
    );
    assert_eq!(code("errors"), "sum(rate(http_requests_total{service=\"checkout\"}[1m])) < 1");
    assert_eq!(code("py"), "print(\"127.0.0.1:40002\")");
    let front = &done.runbook.front;
    assert_eq!((front.service.as_deref(), front.targets["web"].as_str()), (Some("checkout"), "local"));
    let input = |name: &str| front.inputs.iter().find(|input| input.name == name).unwrap();
    assert_eq!(input("GOOD").default.as_deref(), Some("2.4.0"));
    assert_eq!(input("ROOT").choices, ["/practice/checkout"]);
    assert!(!input("KEY").secret && input("KEY").from.is_none());
    assert_eq!(input("SECONDS_TO_WAIT").choices, Vec::<String>::new());
    let told = &done.runbook.sections[0];
    assert_eq!(told.role, crate::domain::plan::SectionRole::Context);
    assert!(told.text.contains("- web (ssh://web1.prod.example): local\n"), "{}", told.text);
    assert!(told.text.contains("- /etc/shop: kept as it is"), "{}", told.text);
    assert_eq!(done.used.len(), 16, "{:?}", done.used);
}

#[test]
fn taking_any_stand_in_away_leaves_its_name() {
    let runbook = parse("shop.md", BOOK.as_bytes());
    for name in whole().map.keys().chain(&whole().keep) {
        let mut less = whole();
        less.map.remove(name);
        less.keep.remove(name);
        let left = remap(&runbook, &less, &ground()).left;
        assert!(
            left.iter().any(|one| one.name == *name || one.name.starts_with(&format!("{name}/"))),
            "{name}: {left:?}"
        );
    }
}

#[test]
fn on_a_stand_in_host_files_and_programs_are_its_own() {
    let runbook = parse("shop.md", BOOK.as_bytes());
    let mut less = whole();
    less.map.insert("web".into(), "ssh://stand-in".into());
    for name in ["/srv/shop", "sudo", "systemctl"] {
        less.map.remove(name);
    }
    assert_eq!(names(&remap(&runbook, &less, &ground()).left), Vec::<String>::new());
}

#[test]
fn a_stand_in_that_cannot_be_one_is_said() {
    let runbook = parse("shop.md", BOOK.as_bytes());
    let bad = stand(
        &[("web", "web2"), ("shop", "nowhere"), ("prom-eu", "prom"), ("kubectl", "a; b"), ("region", "")],
        &["sudo", "web", "https://shop.example.com"],
    );
    let wrong = remap(&runbook, &bad, &ground()).wrong.join("\n");
    for said in [
        "web=web2: a target is local or ssh://host",
        "shop=nowhere: the practice world has no such service, only checkout",
        "prom-eu=prom: the practice world has no such source",
        "kubectl=a; b: ';' cannot stand",
        "region= has no stand-in",
        "sudo cannot be kept",
        "web cannot be kept: only paths and commands can, and it is: target",
        "https://shop.example.com cannot be kept: only paths and commands can",
    ] {
        assert!(wrong.contains(said), "{said}\n{wrong}");
    }
}

#[test]
fn a_name_inside_of_a_longer_one_stays() {
    let text = "# T\n\n1. [ ] Do\n\n   ```sh { name=do }\n   shop shop-2 shop.md /srv/shop a/shop $shop ${shop} \"shop\" shop:1 --shop=shop\n   ```\n";
    let done = remap(&parse("x.md", text.as_bytes()), &stand(&[("shop", "S")], &[]), &Ground::default());
    let code = &done.runbook.steps().next().unwrap().blocks[0].code;
    assert_eq!(code, "S shop-2 shop.md /srv/shop a/shop $shop ${shop} \"S\" S:1 --shop=S");
    assert_eq!(done.used, BTreeSet::from(["shop".to_owned()]));
}

#[test]
fn checks_and_working_directories_name_places_too() {
    let text = "# T\n\n1. [ ] Do\n\n   ```http { name=a kind=check }\n   GET https://shop.example.com/healthz\n   expect: 200\n   ```\n\n   ```sh { name=b cwd=/srv/shop }\n   ls\n   ```\n\n   ```promql { name=c kind=check }\n   up{instance=\"db1.example.com:9100\"} > 0\n   ```\n\n   ```yaml\n   host: db2.example.com\n   ```\n";
    let runbook = parse("x.md", text.as_bytes());
    assert_eq!(names(&named(&runbook)), ["address https://shop.example.com 6", "path /srv/shop 10"]);
    let stand = stand(&[("https://shop.example.com", "http://127.0.0.1:1"), ("/srv/shop", "/practice")], &[]);
    let done = remap(&runbook, &stand, &Ground::default());
    assert_eq!(done.left, []);
    let blocks: Vec<_> = done.runbook.steps().flat_map(|step| &step.blocks).collect();
    assert!(blocks[0].code.starts_with("GET http://127.0.0.1:1/healthz\n"), "{}", blocks[0].code);
    assert_eq!(blocks[1].cwd.as_deref(), Some("/practice"));
}
