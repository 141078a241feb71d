//! What `docs/gate.md` shows is what the gate says, takes and means.

use super::house::{House, json, web};
use clap::Args as _;
use serde_json::Value;
use warroom::{
    cli::gate::{GateArgs, IfUnavailable, Question, ask},
    domain::{
        gate::{Action, Because, Request},
        time::Span,
    },
    http::token::Token,
};

const DOC: &str = include_str!("../../docs/gate.md");

/// The block below `<!-- kind: name -->`.
fn block(mark: &str) -> &'static str {
    let (_, rest) = DOC.split_once(&format!("<!-- {mark} -->\n")).expect(mark);
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("\n```").unwrap().0
}

fn shown(name: &str) -> Value {
    serde_json::from_str(block(&format!("json: {name}"))).unwrap()
}

/// Same fields in the same order with the same values, but for times, positions, people and what is said of them.
fn same(documented: &Value, real: &Value, at: &str) {
    match (documented, real) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "fields of {at}");
            for (key, value) in a {
                same(value, &b[key], key);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{at}");
            a.iter().zip(b).for_each(|(a, b)| same(a, b, at));
        }
        _ if ["valid_until", "began", "ends", "now"].contains(&at) => {
            let times = [documented, real].map(|time| time.as_str().unwrap());
            assert!(times.iter().all(|time| chrono::DateTime::parse_from_rfc3339(time).is_ok()), "{times:?}");
            assert_eq!(times[0].len(), times[1].len(), "{times:?}");
        }
        _ if at == "seq" => assert!(documented.is_u64() && real.is_u64()),
        _ if at == "owner" => assert!(real.is_string()),
        (Value::String(a), Value::String(b)) if a.starts_with("frozen: ") => {
            // But for who and until when.
            let (head, tail) = (
                |text: &str| text.split(" by ").next().map(str::to_owned),
                |text: &str| text.split_once("Z: ").map(|(_, tail)| tail.to_owned()),
            );
            assert_eq!((head(a), tail(a)), (head(b), tail(b)), "{at}");
        }
        _ => assert_eq!(documented, real, "{at}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_json_is_the_gates() {
    let house = House::open().await;
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    let question = shown("question");
    let (status, answer) = json(web().post(house.url("/v1/gate")).json(&question)).await;
    assert_eq!(status, 403);
    same(&shown("answer"), &answer, "answer");
    house.until("the refusal", |state| state.freezes.values().any(|one| one.refused == 1)).await;
    same(&shown("freezes"), &json(web().get(house.url("/v1/freezes"))).await.1, "freezes");
    let empty = web().post(house.url("/v1/gate")).header("content-type", "application/json").body("{}");
    let (status, error) = json(empty).await;
    assert_eq!(status, 400);
    same(&shown("error"), &error, "error");
    let request: Request = serde_json::from_value(question).unwrap();
    let sockets = vec![house.socket.clone()];
    let asked = Question::at_sockets(request, IfUnavailable::Deny, sockets, house.dir.path());
    same(&shown("command"), &ask(&asked, chrono::Utc::now()).await.json(), "command");
    house.end().await;
}

#[test]
fn its_exit_codes_are_the_gates() {
    for because in [
        Because::Open,
        Because::Exempted,
        Because::Frozen,
        Because::NotReady,
        Because::Undecided,
        Because::Unreachable,
    ] {
        let word = serde_json::to_value(because).unwrap();
        let word = format!("`{}`", word.as_str().unwrap());
        let row = DOC.lines().find(|line| line.starts_with("| ") && line.contains(&word)).expect(&word);
        assert!(row.starts_with(&format!("| {} |", because.exit())), "{row}");
    }
}

#[test]
fn its_token_is_one() {
    let file: toml::Value = toml::from_str(block("toml: token")).unwrap();
    let token: Token = file["gate"]["tokens"][0].clone().try_into().unwrap();
    assert_eq!(token.config(), format!("{}\n", block("toml: token")));
}

#[test]
fn its_commands_are_taken() {
    let command = GateArgs::augment_args(clap::Command::new("gate"));
    let mut seen = 0;
    for line in
        DOC.lines().filter(|line| line.contains("--service checkout") || line.starts_with("warroom gate"))
    {
        let Some((_, line)) = line.split_once("warroom gate ") else { continue };
        let line = line.split('\'').next().unwrap();
        let words = line.split_whitespace().map(|word| word.trim_matches('"'));
        let taken = command.clone().try_get_matches_from(std::iter::once("gate").chain(words));
        assert!(taken.is_ok(), "{line}: {}", taken.unwrap_err());
        seen += 1;
    }
    assert!(seen >= 5, "{seen} commands");
}

#[test]
fn it_names_every_option() {
    let command = GateArgs::augment_args(clap::Command::new("gate"));
    for option in command.get_arguments().filter_map(|arg| arg.get_long()) {
        assert!(DOC.contains(&format!("--{option}")), "--{option} is not documented");
    }
}
