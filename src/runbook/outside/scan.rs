//! Addresses, hosts and paths in a text, as they are written.

use regex::Regex;
use std::{ops::Range, sync::LazyLock};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `scheme://host:port`, without what follows.
    Url,
    /// A host, with its port where one stands there.
    Host,
    /// An absolute path.
    Path,
}

/// One of them, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// As written.
    pub text: String,
    /// Bytes of the text that it stands at.
    pub at: Range<usize>,
}

/// First parts of paths that are no words of some pattern.
const ROOTS: &[&str] = &[
    "app", "apps", "backup", "backups", "boot", "data", "dev", "etc", "export", "home", "lib", "media",
    "mnt", "nfs", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var", "www",
];

/// Below these nothing of production lies.
const NOWHERE: &[&str] = &[
    "/dev/null",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/tty",
    "/dev/fd",
    "/dev/zero",
    "/dev/urandom",
    "/dev/random",
    "/tmp",
    "/var/tmp",
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/proc/self",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/cpuinfo",
];

/// Last parts of names of two parts that are taken for hosts.
const DOMAINS: &[&str] = &[
    "com",
    "org",
    "net",
    "edu",
    "gov",
    "mil",
    "int",
    "io",
    "dev",
    "cloud",
    "app",
    "biz",
    "info",
    "internal",
    "local",
    "localdomain",
    "lan",
    "corp",
    "home",
    "intra",
    "intranet",
    "example",
    "test",
    "invalid",
    "de",
    "fr",
    "uk",
    "eu",
    "ch",
    "at",
    "nl",
    "se",
    "no",
    "fi",
    "dk",
    "pl",
    "es",
    "it",
    "us",
    "ca",
    "au",
    "jp",
    "cn",
    "in",
    "br",
    "svc",
];

/// Last parts of file names, which are no hosts.
const FILES: &[&str] = &[
    "bak",
    "bash",
    "cfg",
    "cnf",
    "conf",
    "config",
    "crt",
    "csr",
    "css",
    "csv",
    "db",
    "env",
    "gz",
    "htm",
    "html",
    "ini",
    "jar",
    "java",
    "js",
    "json",
    "jsonl",
    "key",
    "lock",
    "log",
    "md",
    "new",
    "next",
    "old",
    "out",
    "pem",
    "php",
    "pid",
    "plist",
    "properties",
    "py",
    "rb",
    "rpm",
    "sh",
    "sock",
    "sql",
    "tar",
    "tgz",
    "tmp",
    "toml",
    "ts",
    "txt",
    "xml",
    "yaml",
    "yml",
    "zip",
    "zst",
    "service",
    "timer",
    "socket",
    "target",
];

static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r#"(?x) ([A-Za-z][A-Za-z0-9+.-]*)://
        (?: \$\{[^}\s]*\} | \$\([^)\s]*\) | [^\s"'`<>|;&()\\/?\#,] )*"#;
    Regex::new(text).ok()
});
/// What may follow in an address.
static REST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^[^\s"'`<>|;()\\]*"#).ok());
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*").ok());
static PATH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/[A-Za-z0-9._@%+-]+(?:/[A-Za-z0-9._@%+*?-]*)*").ok());

/// All of them, in order of appearance.
pub fn scan(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut left = text.to_owned();
    if let Some(url) = &*URL {
        for hit in url.find_iter(text) {
            let rest = text.get(hit.end()..).unwrap_or_default();
            let end =
                hit.end() + REST.as_ref().and_then(|rest_of| rest_of.find(rest)).map_or(0, |rest| rest.end());
            blank(&mut left, hit.start()..end);
            if !hit.as_str().starts_with("file://") {
                found.push(Found { kind: Kind::Url, text: hit.as_str().to_owned(), at: hit.range() });
            }
        }
    }
    paths(&mut left, &mut found);
    hosts(&left, &mut found);
    found.sort_by_key(|one| one.at.start);
    found
}

fn blank(text: &mut String, at: Range<usize>) {
    if text.get(at.clone()).is_some() {
        let blanks = " ".repeat(at.len());
        text.replace_range(at, &blanks);
    }
}

fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at).and_then(|before| before.chars().next_back())
}

fn paths(left: &mut String, found: &mut Vec<Found>) {
    let Some(path) = &*PATH else { return };
    let hits: Vec<_> = path.find_iter(left).map(|hit| (hit.range(), hit.as_str().to_owned())).collect();
    for (at, hit) in hits {
        let opens = before(left, at.start).is_none_or(|c| c.is_whitespace() || "\"'=:(<>,[|&;@".contains(c));
        let mut parts = hit.split('/').filter(|part| !part.is_empty());
        let first = parts.next().unwrap_or_default();
        // One part alone may be a pattern of awk's or a route of a service's.
        let is_path = parts.next().is_some() || ROOTS.contains(&first);
        if !(opens && is_path) {
            continue;
        }
        let text = hit.trim_end_matches(['/', '.', ',']).to_owned();
        blank(left, at.clone());
        if !NOWHERE.iter().any(|dir| is_below(&text, dir)) {
            found.push(Found { kind: Kind::Path, at: at.start..at.start + text.len(), text });
        }
    }
}

/// Whether a path is another or lies below it.
pub fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn hosts(left: &str, found: &mut Vec<Found>) {
    let Some(word) = &*WORD else { return };
    for hit in word.find_iter(left) {
        if before(left, hit.start()).is_some_and(|c| "$/{.\\%".contains(c)) {
            continue;
        }
        let word = hit.as_str().trim_end_matches([':', '.', '-', '@']);
        let after = left.get(hit.start() + word.len()..).and_then(|rest| rest.chars().next());
        if after == Some('(') {
            continue;
        }
        let (skipped, place) = match word.rsplit_once('@') {
            Some((user, place)) => (user.len() + 1, place),
            None => (0, word),
        };
        let (name, port) = match place.split_once(':') {
            Some((name, rest)) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                (
                    name,
                    rest.get(..digits).filter(|port| (2..=5).contains(&port.len()) && digits == rest.len()),
                )
            }
            None => (place, None),
        };
        let simple = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let is_host = name.parse::<std::net::Ipv4Addr>().is_ok()
            || name == "localhost"
            || (skipped > 0 && !name.is_empty())
            || (simple && port.is_some())
            || is_domain(name);
        if is_host {
            let text = port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
            let from = hit.start() + skipped;
            found.push(Found { kind: Kind::Host, at: from..from + text.len(), text });
        }
    }
}

/// Whether a name of several parts is more probably a host's than a file's.
fn is_domain(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let fits = |label: &&str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let Some(last) = labels.last() else { return false };
    let wordy = last.len() >= 2 && last.chars().all(|c| c.is_ascii_lowercase());
    labels.len() >= 2
        && labels.iter().all(fits)
        && wordy
        && !FILES.contains(last)
        && (labels.len() >= 3 || DOMAINS.contains(last))
}

/// A host and its port, out of an address, `user@host:port` or a bare host; none where there is no host.
pub fn place(text: &str) -> Option<(String, Option<u16>)> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (rest, None),
    };
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    (!host.is_empty()).then_some((host, port))
}

/// Whether a host is this machine itself.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Vec<(Kind, String)> {
        scan(text).into_iter().map(|one| (one.kind, one.text)).collect()
    }

    #[test]
    fn what_names_a_place_and_what_does_not() {
        use Kind::{Host, Path, Url};
        let cases: [(&str, &[(Kind, &str)]); 25] = [
            ("curl https://shop.example.com:8443/v1?x=/srv/y", &[(Url, "https://shop.example.com:8443")]),
            ("psql postgres://u@db1/shop", &[(Url, "postgres://u@db1")]),
            ("curl \"http://$HOST:80/x\" 'http://${H}/y'", &[(Url, "http://$HOST:80"), (Url, "http://${H}")]),
            ("cat file:///etc/hosts", &[]),
            ("ssh root@db1 x; scp a deploy@web1.prod:b", &[(Host, "db1"), (Host, "web1.prod")]),
            ("psql -h db1.example.com -p 5432", &[(Host, "db1.example.com")]),
            ("HOST=db1.prod.mycorp", &[(Host, "db1.prod.mycorp")]),
            (
                "nc localhost 80; nc 10.0.0.7 80; x redis1:6379",
                &[(Host, "localhost"), (Host, "10.0.0.7"), (Host, "redis1:6379")],
            ),
            ("curl db1.example.com:8080/x", &[(Host, "db1.example.com:8080")]),
            ("ls /srv/shop/current /etc", &[(Path, "/srv/shop/current"), (Path, "/etc")]),
            ("a > /var/log/x.log 2>/dev/null", &[(Path, "/var/log/x.log")]),
            ("cd /acme/releases/; --dir=/data/x", &[(Path, "/acme/releases"), (Path, "/data/x")]),
            ("docker pull registry.example.com/shop:1", &[(Host, "registry.example.com")]),
            ("\"$SRV/current\" ${X}/y a/b/c ./d/e ../f ~/g", &[]),
            ("awk '/error/ { n++ }' s/a/b/ \"$base/metrics\"", &[]),
            ("/usr/bin/test /tmp/x /bin/sh /proc/self/stat", &[]),
            ("app.toml revisions.log values.prod.yaml a.b.c.json", &[]),
            ("jq .status.conditions.type; os.path.join(x)", &[]),
            ("awk -F: '{ print $1.x }' 12:30:45 v1.2.3", &[]),
            ("echo 1.2.3 x86_64 sh-5.1 300ms 5s", &[]),
            ("git log --author me", &[]),
            ("http_requests_total{service=\"x\"}", &[]),
            ("tar -C /opt/a.b -x", &[(Path, "/opt/a.b")]),
            ("x shop.internal y", &[(Host, "shop.internal")]),
            ("rsync -a /srv/a/ backup@b1:/srv/b", &[(Path, "/srv/a"), (Host, "b1"), (Path, "/srv/b")]),
        ];
        for (text, wanted) in cases {
            let wanted: Vec<_> = wanted.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
            assert_eq!(of(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_place_is_a_host_and_a_port() {
        let is = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(place("https://u:p@Shop.example:8443/x"), is("shop.example", Some(8443)));
        assert_eq!(place("ssh://me@db1"), is("db1", None));
        assert_eq!(place("db1:5432"), is("db1", Some(5432)));
        assert_eq!(place("http://[::1]:80/"), is("::1", Some(80)));
        assert_eq!(place("https:///x"), None);
        assert!(is_loopback("127.0.0.1") && is_loopback("::1") && !is_loopback("10.0.0.1"));
        assert!(
            is_below("/srv/a/b", "/srv/a/") && is_below("/srv/a", "/srv/a") && !is_below("/srv/ab", "/srv/a")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_and_each_stands_where_it_is_said_to(text in "[a-c:/@.$\"{}() é0-9]{0,60}") {
            for one in scan(&text) {
                prop_assert_eq!(text.get(one.at.clone()), Some(one.text.as_str()));
            }
        }
    }
}
