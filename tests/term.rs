//! The terminal is given back as it was, however the seat ends. The seat here is a small one: this test binary
//! itself, started again in a pseudo-terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod support;

use ratatui::widgets::Paragraph;
use rustix::process::Signal as Sig;
use support::pty::Pty;
use warroom::seat::term::{Input, Inputs, Options, Screen, Signal, Signals, clipboard::Through};

const PART: &str = "WARROOM_TERM_PART";

/// Not a test: the small seat, when it is started as one.
#[test]
fn small_seat() {
    let Ok(part) = std::env::var(PART) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let code = runtime.block_on(seat(&part));
    std::process::exit(code);
}

async fn seat(part: &str) -> i32 {
    let mut signals = Signals::listen().unwrap();
    let mut screen = match Screen::enter(Options { mouse: true, own_colour: true }) {
        Ok(screen) => screen,
        Err(error) => {
            println!("refused: {error}");
            return 2;
        }
    };
    let mut inputs = Inputs::start().unwrap();
    let mut said = "ready".to_owned();
    let mut frames = 0;
    loop {
        frames += 1;
        let line = format!("{said} frame={frames}");
        if let Err(error) =
            screen.draw(|frame| frame.render_widget(Paragraph::new(line.as_str()), frame.area()))
        {
            drop(screen);
            println!("ended: {error}");
            return 3;
        }
        tokio::select! {
            biased;
            Some(signal) = signals.next() => match signal {
                Signal::End(ended) => {
                    screen.leave().unwrap();
                    println!("ended: {ended}");
                    return i32::from(ended.exit_code());
                }
                Signal::Stop => { let _ = screen.suspend().unwrap(); said = "returned".into(); }
                Signal::Continue => { screen.reclaim().unwrap(); said = "continued".into(); }
                Signal::Resize => { let size = screen.size().unwrap(); said = format!("{}x{}", size.width, size.height); }
            },
            input = inputs.next() => match input {
                Some(Input::Key(key)) => match (key.to_string().as_str(), part) {
                    ("q", _) => { screen.leave().unwrap(); println!("left"); return 0; }
                    ("x", "panic") => { let _ = screen.draw(|_| panic!("a bug in a view")); }
                    ("x", "thread") => {
                        let _ = std::thread::spawn(|| panic!("a bug in a thread")).join();
                    }
                    ("ctrl-z", _) => said = format!("{:?}", screen.suspend().unwrap()),
                    ("c", _) => screen.copy("copied", Through::Direct).unwrap(),
                    (key, _) => said = format!("key {key}"),
                },
                Some(Input::Paste(text)) => said = format!("paste {}", text.len()),
                Some(Input::Focus(on)) => said = format!("focus {on}"),
                Some(other) => said = format!("{other:?}"),
                None => return 4,
            },
        }
    }
}

const ARGS: [&str; 5] = ["small_seat", "--exact", "--nocapture", "--test-threads=1", "--quiet"];

fn start(part: &str) -> Pty {
    let own = std::env::current_exe().unwrap();
    let pty = Pty::spawn(own, &ARGS, &[(PART, part)], (80, 24));
    pty.wait_for("ready");
    let screen = pty.screen();
    assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
    assert_ne!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    pty
}

/// Every private mode that was set is reset and the other way round, and the screen shows what was there before.
fn assert_given_back(pty: &Pty) {
    let screen = pty.screen();
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(
        !raw.contains("\u{1b}[6n"),
        "a question to the terminal, whose answer would come as keys: {raw:?}"
    );
    assert!(!screen.alternate_screen(), "alternate screen: {raw:?}");
    assert!(!screen.hide_cursor(), "cursor: {raw:?}");
    assert!(!screen.bracketed_paste(), "paste: {raw:?}");
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "mouse: {raw:?}");
    for mode in ["1000", "1002", "1003", "1004", "1006", "1015", "1049", "2004", "2026"] {
        let (on, off) = (raw.rfind(&format!("\u{1b}[?{mode}h")), raw.rfind(&format!("\u{1b}[?{mode}l")));
        assert!(on < off, "mode {mode} stays on: {raw:?}");
    }
    for mode in ["7", "25"] {
        let (on, off) = (raw.rfind(&format!("\u{1b}[?{mode}h")), raw.rfind(&format!("\u{1b}[?{mode}l")));
        assert!(on > off, "mode {mode} stays off: {raw:?}");
    }
}

#[test]
fn leaving_gives_the_terminal_back() {
    let mut pty = start("plain");
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
    assert_given_back(&pty);
    assert!(pty.screen_text().contains("left"));
}

#[test]
fn a_panic_while_drawing_gives_it_back_before_it_speaks() {
    let mut pty = start("panic");
    pty.key("x");
    assert_ne!(pty.exit().0, 0);
    assert_given_back(&pty);
    assert!(pty.screen_text().contains("a bug in a view"), "{}", pty.screen_text());
}

#[test]
fn a_panic_of_another_thread_ends_the_seat_with_a_reason() {
    let mut pty = start("thread");
    pty.key("x");
    assert_eq!(pty.exit().0, 3);
    assert_given_back(&pty);
    assert!(pty.screen_text().contains("the room goes on"), "{}", pty.screen_text());
}

#[test]
fn a_signal_ends_it_and_names_the_sender() {
    for (signal, name, code) in
        [(Sig::TERM, "SIGTERM", 143), (Sig::HUP, "SIGHUP", 129), (Sig::INT, "SIGINT", 130)]
    {
        let mut pty = start("plain");
        pty.signal(signal);
        assert_eq!(pty.exit().0, code, "{name}");
        assert_given_back(&pty);
        let want = format!("ended: {name} from process {}", std::process::id());
        assert!(pty.screen_text().contains(&want), "{}", pty.screen_text());
    }
}

#[test]
fn suspending_gives_it_back_and_returning_takes_it_again() {
    let own = std::env::current_exe().unwrap();
    // A shell with job control, so that there is somebody to come back from.
    let script = "set -m; \"$0\" \"$@\"; echo stopped here; read go; fg; echo all done";
    let mut args = vec!["-c", script, own.to_str().unwrap()];
    args.extend(ARGS);
    let mut pty = Pty::spawn("/bin/sh", &args, &[(PART, "plain")], (80, 24));
    pty.wait_for("ready");
    pty.key("ctrl-z");
    pty.wait_for("stopped here");
    assert_given_back(&pty);
    pty.send("go\n");
    pty.wait_until("the seat again", |screen| {
        screen.alternate_screen() && screen.contents().contains("continued")
    });
    pty.key("q");
    pty.wait_for("all done");
    assert_eq!(pty.exit().0, 0);
    assert_given_back(&pty);
}

#[test]
fn where_nobody_could_continue_it_it_does_not_stop() {
    let mut pty = start("plain");
    pty.key("ctrl-z");
    pty.wait_for("Refused");
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
}

#[test]
fn what_comes_in_is_told_apart() {
    let mut pty = start("plain");
    for (send, want) in [
        ("G", "key G "),
        ("\u{1b}[15~", "key f5 "),
        ("\u{1b}x", "key alt-x "),
        ("\u{c}", "key ctrl-l "),
        ("\u{1b}[I", "focus true"),
        ("\u{1b}[O", "focus false"),
        ("\u{1b}[<64;10;5M", "WheelUp, column: 9, row: 4"),
    ] {
        pty.send(send);
        pty.wait_for(want);
    }
    pty.paste("rm -rf /\nq");
    pty.wait_for("paste 10");
    pty.resize((100, 30));
    pty.wait_for("100x30");
    pty.key("c");
    pty.wait_raw("\u{1b}]52;c;Y29waWVk");
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
}

#[test]
fn a_flood_of_broken_sequences_does_not_end_it() {
    let mut pty = start("plain");
    for _ in 0..200 {
        pty.send("\u{1b}[999;;;999~\u{1b}[<9999;9M\u{1b}]52;c;\u{7}\u{1b}[?1;2c\u{1b}P\u{1b}\\");
    }
    pty.send("\u{1b}[A");
    pty.wait_for("key up");
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
    assert_given_back(&pty);
}

#[test]
fn no_terminal_is_said() {
    let out = std::process::Command::new(std::env::current_exe().unwrap())
        .args(ARGS)
        .env(PART, "plain")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(2));
    assert!(text.contains("refused: standard input is not a terminal"), "{text}");
}

#[test]
fn no_colour_keeps_attributes() {
    let own = std::env::current_exe().unwrap();
    let pty = Pty::spawn(own, &ARGS, &[(PART, "plain"), ("NO_COLOR", "1")], (80, 24));
    pty.wait_for("ready");
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(!raw.contains("\u{1b}[m") && !raw.contains("\u{1b}[;m"), "{raw:?}");
}
