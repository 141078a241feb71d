use super::*;
use proptest::prelude::*;

fn got(status: u16, body: &str) -> Got {
    Got { status, body: body.as_bytes().to_vec(), html: false, to: None }
}

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/samples/", $name, ".json"))
    };
}

#[test]
fn every_kind_of_result_of_a_real_server_is_read() {
    let ask = |body| query(&got(200, body)).unwrap().value;
    let Value::Vector(up) = ask(recorded!("prom_query")) else { panic!("a vector") };
    assert_eq!((up.len(), up[4].v, up[4].labels.get("job")), (5, 0.0, "dead"));
    assert_eq!(ask(recorded!("prom_query_scalar")), Value::Scalar(5.0));
    assert_eq!(ask(recorded!("prom_query_string")), Value::Text("hello".into()));
    let odd = ask(recorded!("prom_query_nan_inf")).numbers();
    assert!(odd[0].is_nan() && odd[1] == f64::INFINITY);
    let Value::Matrix(range) = ask(recorded!("prom_query_range")) else { panic!("a matrix") };
    assert_eq!(range[0].1[0], Point { t: 1_795_382_742_000, v: 1.0 });
    assert!(matches!(ask(recorded!("prom_query_matrix")), Value::Matrix(_)));
    assert_eq!(ask(recorded!("prom_query_stats")).numbers().len(), 5);
    assert_eq!(ask(recorded!("prom253_query_query_up")).numbers().iter().filter(|v| **v == 0.0).count(), 1);
    let labels = names(&got(200, recorded!("prom_labels"))).unwrap();
    assert!(labels.contains(&"alertname".to_owned()) && labels.len() > 50, "{labels:?}");
}

#[test]
fn what_answers_another_question_is_no_result() {
    for body in [
        recorded!("prom_labels"),
        recorded!("prom_series"),
        recorded!("vm_status_buildinfo"),
        recorded!("pushgateway_metrics"),
    ] {
        assert!(matches!(query(&got(200, body)), Err(Problem::Nonsense(_))), "{body}");
    }
    assert!(names(&got(200, recorded!("prom_series"))).is_err());
    assert!(names(&got(200, recorded!("prom_query"))).is_err());
}

#[test]
fn more_series_than_anyone_reads_are_not_kept() {
    let row = r#"{"metric":{},"value":[1,"2"]}"#;
    let answer = |n| {
        let rows = vec![row; n].join(",");
        let data = format!(r#"{{"resultType":"vector","result":[{rows}]}}"#);
        query(&got(200, &format!(r#"{{"status":"success","data":{data}}}"#)))
    };
    assert_eq!(answer(SERIES_MAX).unwrap().value.numbers().len(), SERIES_MAX);
    assert_eq!(answer(SERIES_MAX + 1), Err(Problem::Many(SERIES_MAX)));
    let list = vec!["\"a\""; NAMES_MAX + 9].join(",");
    let list = format!(r#"{{"status":"success","data":[{list}]}}"#);
    assert_eq!(names(&got(200, &list)).unwrap().len(), NAMES_MAX);
}

#[test]
fn a_number_that_is_none_is_told() {
    for odd in [r#""x\u001b[2J""#, "1", "null", r#""""#] {
        let body = format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,{odd}]}}}}"#);
        let told = query(&got(200, &body)).unwrap_err().line();
        assert!(told.contains("data of another shape") && !told.contains('\u{1b}'), "{told}");
    }
}

#[test]
fn victoria_metrics_is_read_too() {
    assert_eq!(query(&got(200, recorded!("vm_query_query_up"))).unwrap().value.numbers(), [1.0]);
    let Value::Matrix(range) = query(&got(200, recorded!("vm_query_range_query_"))).unwrap().value else {
        panic!("a matrix")
    };
    assert_eq!(range[0].1[0].t, 1_795_383_085_000);
    let Err(Problem::Refused { kind, message }) = query(&got(422, recorded!("vm_query_query_up_"))) else {
        panic!("refused")
    };
    assert_eq!(kind, "execution");
    assert!(message.contains("unexpected token"));
}

#[test]
fn errors_are_the_servers_own_words() {
    for (status, body, wanted) in [
        (400, recorded!("prom_error_bad_query"), "bad_data"),
        (400, recorded!("prom_error_too_many_points"), "bad_data"),
        (422, recorded!("prom_error_execution"), "execution"),
        (503, recorded!("prom_error_timeout"), "timeout"),
    ] {
        let problem = query(&got(status, body)).unwrap_err();
        assert!(problem.is_about_the_question() && problem.line().contains(wanted), "{problem}");
    }
    assert_eq!(query(&got(502, "<html>")), Err(Problem::Status { status: 502 }));
    assert!(query(&got(200, " <html>")).unwrap_err().to_string().contains("a web page"));
    assert!(query(&got(200, "{\"status\":")).unwrap_err().to_string().contains("broken JSON"));
    assert!(query(&got(200, r#"{"status":"success"}"#)).is_err());
    let partial = r#"{"status":"success","isPartial":true,"warnings":["w"],"data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(query(&got(200, partial)).unwrap().warnings.len(), 2);
}

proptest! {
    #[test]
    fn any_answer_is_survived(status in 100_u16..600, body in "(?s).{0,200}") {
        let _ = query(&got(status, &body)).map_err(|problem| problem.line());
        let _ = names(&got(status, &body)).map_err(|problem| problem.line());
    }

    #[test]
    fn cut_and_bent_answers_are_survived(cut in 0_usize..900, byte in any::<u8>(), at in 0_usize..900) {
        let mut body = recorded!("prom_query").as_bytes().to_vec();
        let len = body.len();
        body[at % len] = byte;
        body.truncate(cut % len);
        let _ = query(&Got { status: 200, body, html: false, to: None });
    }
}
