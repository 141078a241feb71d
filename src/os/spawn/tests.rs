use super::*;
use crate::os::{group::Ended, process};

#[tokio::test]
async fn output_is_bounded_and_codes_come_back() {
    let spec = Spec::new("sh").arg("-c").arg("head -c 100000 /dev/zero; echo e >&2; exit 3");
    let answer = spec.output(Duration::from_secs(60), 10).await.unwrap();
    assert_eq!((answer.code, answer.stdout.len(), answer.cut), (Some(3), 10, true));
    assert_eq!(answer.stderr, b"e\n");
}

#[tokio::test]
async fn past_the_limit_it_is_killed() {
    let spec = Spec::new("sleep").arg("600");
    let error = spec.output(Duration::from_millis(50), 10).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn grandchildren_that_ignore_term_are_killed_with_the_rest() {
    let script = "trap '' TERM; set -m; (trap '' TERM; sleep 600) & sleep 600 & echo ready; wait";
    let mut running = Spec::new("bash").arg("-c").arg(script).start(Streams::Merged, false).unwrap();
    let mut text = [0; 6];
    running.out.as_mut().unwrap().read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"ready\n");
    let members = running.group.members();
    assert!(members.len() >= 3, "{members:?}");
    let (ended, status) = tokio::join!(running.group.clone().end_quickly(), running.child.wait());
    assert_eq!(ended, Ended::Kill);
    assert_eq!(status.unwrap().code(), None);
    assert!(members.iter().all(|member| !process::alive(member)));
    assert_eq!(running.group.end(Span::ZERO).await, Ended::Already);
}

impl Group {
    async fn end_quickly(self) -> Ended {
        self.end(Span::millis(100)).await
    }
}

#[tokio::test]
async fn the_child_leads_a_session_and_sees_only_what_it_is_given() {
    let env =
        BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap()), ("ONE".into(), "1".into())]);
    let spec = Spec::new("sh").arg("-c").only_env(env).umask(0o077).cwd("/");
    let spec =
        spec.arg("set -- $(cat /proc/$$/stat); echo $6; echo $$; umask; pwd; tty; echo ${HOME-none}$ONE");
    let answer = spec.output(Duration::from_secs(60), 1000).await.unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], lines[1], "{text}");
    assert!(text.ends_with("0077\n/\nnot a tty\nnone1\n"), "{text}");
}

#[test]
fn what_is_detached_is_known_for_certain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = crate::os::durable::append_to(&path).unwrap();
    let id = Spec::new("sh").arg("-c").arg("pwd; exec sleep 600").detach(Some(&log)).unwrap();
    assert!(process::alive(&id));
    while std::fs::read(&path).unwrap() != b"/\n" {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(id.pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while process::alive(&id) {
        std::thread::yield_now();
    }
}
