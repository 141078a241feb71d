//! RFC 5424 messages, and their frames on a stream (RFC 6587). Pure.

use super::line::{self, Weight};
use crate::{
    domain::{
        Event,
        actor::Proof,
        tell, text,
        time::{Wall, rfc3339},
    },
    journal::checkpoint::Note,
};
use std::{fmt::Write as _, path::PathBuf, str::FromStr};

/// Facilities by number.
/// <https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1>
pub const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// The number of a facility.
pub fn facility(name: &str) -> Option<u8> {
    FACILITIES.iter().position(|known| *known == name).and_then(|at| u8::try_from(at).ok())
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A datagram socket of this machine.
    Unix(PathBuf),
    /// Datagrams to host and port.
    Udp(String),
    /// A stream to host and port, with octet counting.
    Tcp(String),
}

impl FromStr for Place {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let port = |place: &str| {
            let fits = place
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            fits.then(|| place.to_owned()).ok_or("no host and port")
        };
        match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("unix", _)) => Err("not an absolute path"),
            Some(("udp", rest)) => port(rest.trim_start_matches("//")).map(Self::Udp),
            Some(("tcp", rest)) => port(rest.trim_start_matches("//")).map(Self::Tcp),
            _ => Err("not a place for syslog"),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "syslog unix:{}", path.display()),
            Self::Udp(at) => write!(f, "syslog udp://{at}"),
            Self::Tcp(at) => write!(f, "syslog tcp://{at}"),
        }
    }
}

/// How messages are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Facility, 0 to 23.
    pub facility: u8,
    /// The machine.
    pub host: String,
    /// The process.
    pub process: u32,
    /// Whether the message is the whole event as JSON.
    pub json: bool,
    /// Bytes of a message at most.
    pub max_bytes: usize,
}

/// The structured data's name. 32473 is the number that RFC 5612 keeps for documentation: the project has none of its
/// own.
const SD_ID: &str = "warroom@32473";

/// An event as a message, without a frame.
pub fn message(event: &Event, style: &Style) -> String {
    let severity = match line::weight(&event.fact) {
        Weight::Warning => 4,
        Weight::Notice => 5,
        Weight::Info => 6,
    };
    let pri = u16::from(style.facility) * 8 + severity;
    let mut out = format!(
        "<{pri}>1 {} {} warroom {} {} ",
        rfc3339(event.occurred.wall),
        header(&style.host, 255),
        style.process,
        header(&event.fact.kind(), 32),
    );
    data(&mut out, event);
    out.push(' ');
    let words = format!("{}: {}", tell::who(event), tell::line(event));
    let room = style.max_bytes.saturating_sub(out.len() + 3);
    let whole = style.json.then(|| format!("@cee: {}", line::json(event))).filter(|all| all.len() <= room);
    let said = whole.unwrap_or(words);
    // A mark says that the text is UTF-8; text without such characters needs none.
    if !said.is_ascii() {
        out.push('\u{feff}');
    }
    out.push_str(&cut(said, room));
    out
}

/// A checkpoint of the journal as a message, without a frame. The note stands whole behind `@cee:`, so that it can be
/// checked again where the message ended up.
pub fn checkpoint(note: &Note, now: Wall, style: &Style) -> String {
    let pri = u16::from(style.facility) * 8 + 5;
    let head = format!("<{pri}>1 {} {}", rfc3339(now), header(&style.host, 255));
    let data = format!("[{SD_ID} seq=\"{}\" hash=\"{}\"]", note.head.seq, note.head.hash);
    let whole = serde_json::json!({ "checkpoint": note.to_string() }).to_string();
    format!("{head} warroom {} checkpoint {data} \u{feff}@cee: {whole}", style.process)
}

/// Printable ASCII without blanks, at most so long; `-` where nothing is left.
fn header(text: &str, most: usize) -> String {
    let clean: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if clean.is_empty() { "-".into() } else { clean }
}

fn data(out: &mut String, event: &Event) {
    let proof = match &event.actor.proof {
        Proof::Kernel => "kernel",
        Proof::Token(_) => "token",
        Proof::Nobody => "nobody",
        Proof::Room => "room",
    };
    let pairs = [
        ("seq", Some(event.seq.to_string())),
        ("kind", Some(event.fact.kind())),
        ("incident", event.stream.map(|incident| incident.to_string())),
        ("actor", Some(event.actor.name.clone())),
        ("proof", Some(proof.to_owned())),
        ("uid", event.actor.uid.map(|uid| uid.to_string())),
        ("room", Some(event.room.clone())),
        ("recorded", Some(rfc3339(event.recorded))),
        ("command", Some(event.command.to_string())),
        ("hash", Some(event.hash.to_string())),
    ];
    let _ = write!(out, "[{SD_ID}");
    for (name, value) in pairs.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        let _ = write!(out, " {name}=\"");
        for c in text::line(value).chars() {
            if matches!(c, '"' | '\\' | ']') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push(']');
}

/// At most so many bytes, cut between characters and said so.
fn cut(text: String, most: usize) -> String {
    const MARK: &str = " [cut]";
    if text.len() <= most {
        return text;
    }
    let mut at = most.saturating_sub(MARK.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    format!("{}{MARK}", text.get(..at).unwrap_or_default())
}

/// A message on a stream: its length in bytes, a blank, the message (RFC 6587 §3.4.1).
pub fn frame(message: &str) -> String {
    format!("{} {message}", message.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::line::tests::event, domain::actor::Actor};
    use proptest::prelude::*;

    fn style(json: bool, max_bytes: usize) -> Style {
        Style { facility: 16, host: "bastion".into(), process: 41, json, max_bytes }
    }

    #[test]
    fn a_message_is_these_bytes() {
        let hash = "ab".repeat(32);
        let head = format!(
            "<134>1 2026-03-01T14:00:51.120Z bastion warroom 41 note.said [warroom@32473 seq=\"9\" kind=\"note.said\" \
             incident=\"INC-7\" actor=\"ana\" proof=\"kernel\" uid=\"1001\" room=\"bastion-41\" \
             recorded=\"2026-03-01T14:00:51.120Z\" command=\"00000000-0000-0000-0000-000000000007\" hash=\"{hash}\"] "
        );
        assert_eq!(message(&event(9, "it is down"), &style(false, 8192)), format!("{head}ana: it is down"));
        assert_eq!(
            message(&event(9, "está caído\n\u{1b}[2J"), &style(false, 8192)),
            format!("{head}\u{feff}ana: está caído␊␛[2J")
        );
        let whole = message(&event(9, "it is down"), &style(true, 8192));
        assert_eq!(whole, format!("{head}@cee: {}", line::json(&event(9, "it is down"))));
        assert_eq!(frame("<1>1 é"), "7 <1>1 é");
    }

    #[test]
    fn a_checkpoint_is_whole_in_its_message() {
        use crate::{
            domain::id::Digest,
            journal::{Head, checkpoint::Signer},
        };
        let note = Signer::new("bastion/j", [1; 32]).unwrap().sign(Head { seq: 12, hash: Digest([2; 32]) });
        let at = chrono::DateTime::from_timestamp(1_772_373_651, 0).unwrap();
        let said = checkpoint(&note, at, &style(false, 8192));
        let head = format!(
            "<133>1 2026-03-01T14:00:51.000Z bastion warroom 41 checkpoint [warroom@32473 seq=\"12\" hash=\"{}\"] ",
            "02".repeat(32)
        );
        let (first, json) = said.split_once("\u{feff}@cee: ").unwrap();
        assert_eq!(first, head);
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(json["checkpoint"].as_str().unwrap().parse(), Ok(note));
        assert!(!said.contains('\n'));
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let mut event = event(1, "x");
        event.actor = Actor::user("a\"] [evil b=\"\\", 1);
        let said = message(&event, &style(false, 8192));
        assert!(said.contains(r#"actor="a\"\] [evil b=\"\\" proof"#), "{said}");
    }

    #[test]
    fn places_are_read() {
        assert_eq!("unix:/dev/log".parse(), Ok(Place::Unix("/dev/log".into())));
        assert_eq!("udp://logs:514".parse(), Ok(Place::Udp("logs:514".into())));
        assert_eq!("tcp://[::1]:601".parse(), Ok(Place::Tcp("[::1]:601".into())));
        for bad in ["", "logs", "udp://logs", "tcp://:1", "unix:log", "http://x:1"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        assert_eq!(facility("local0"), Some(16));
        assert_eq!(facility("audit"), Some(13));
    }

    proptest! {
        #[test]
        fn a_message_is_one_safe_line_of_bounded_length(
            said in "(?s).{0,400}", json in any::<bool>(), most in 480_usize..2_000
        ) {
            let message = message(&event(u64::MAX, &said), &style(json, most));
            prop_assert!(message.len() <= most, "{}", message.len());
            let (mut marks, mut acts) = (0, 0);
            for c in message.chars() {
                if c == '\u{feff}' { marks += 1 } else if text::acts(c) { acts += 1 }
            }
            prop_assert_eq!(acts, 0);
            prop_assert!(marks <= 1);
        }
    }
}
