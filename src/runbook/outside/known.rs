//! Programs by what they reach: those that stay with the files and text they are given, and those that are known to
//! reach further.

use super::shell::Simple;

/// They act on their arguments, their input and the files that are named to them, and on nothing else.
const STAY: &[&str] = &[
    ":",
    "[",
    "test",
    "true",
    "false",
    "echo",
    "printf",
    "read",
    "cd",
    "pwd",
    "pushd",
    "popd",
    "export",
    "unset",
    "declare",
    "local",
    "readonly",
    "typeset",
    "set",
    "shift",
    "return",
    "exit",
    "break",
    "continue",
    "wait",
    "sleep",
    "trap",
    "type",
    "hash",
    "umask",
    "ulimit",
    "getopts",
    "let",
    "shopt",
    "alias",
    "mapfile",
    "readarray",
    "times",
    "jobs",
    "bg",
    "fg",
    "disown",
    "cat",
    "tac",
    "head",
    "tail",
    "cut",
    "paste",
    "sort",
    "uniq",
    "wc",
    "tr",
    "sed",
    "awk",
    "gawk",
    "mawk",
    "grep",
    "egrep",
    "fgrep",
    "find",
    "ls",
    "stat",
    "file",
    "readlink",
    "realpath",
    "basename",
    "dirname",
    "mktemp",
    "touch",
    "mkdir",
    "rmdir",
    "rm",
    "mv",
    "cp",
    "ln",
    "chmod",
    "date",
    "seq",
    "expr",
    "bc",
    "tee",
    "split",
    "join",
    "comm",
    "diff",
    "cmp",
    "md5sum",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "cksum",
    "base64",
    "od",
    "xxd",
    "hexdump",
    "strings",
    "nl",
    "fold",
    "fmt",
    "column",
    "rev",
    "shuf",
    "yes",
    "printenv",
    "id",
    "whoami",
    "hostname",
    "uname",
    "nproc",
    "uptime",
    "free",
    "df",
    "du",
    "ps",
    "pgrep",
    "tty",
    "tput",
    "clear",
    "jq",
    "yq",
    "xmllint",
    "gzip",
    "gunzip",
    "zcat",
    "tar",
    "zip",
    "unzip",
    "zstd",
    "xz",
    "less",
    "more",
    "sync",
    "truncate",
    "tsort",
    "numfmt",
    // In a drill it speaks to the drill's own room.
    "warroom",
];

/// They run what follows them.
const BEFORE: &[&str] = &[
    "env", "time", "nohup", "exec", "command", "builtin", "xargs", "timeout", "nice", "ionice", "watch",
    "setsid", "stdbuf", "sudo", "doas", "su", "chroot", "unshare", "nsenter", "flock",
];

/// They reach other machines, or what this one serves with, by settings of their own: none is left as it is.
const REACH: &[&str] = &[
    "kubectl",
    "oc",
    "helm",
    "argocd",
    "flux",
    "istioctl",
    "linkerd",
    "aws",
    "gcloud",
    "gsutil",
    "bq",
    "az",
    "doctl",
    "hcloud",
    "openstack",
    "terraform",
    "tofu",
    "pulumi",
    "ansible",
    "ansible-playbook",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "psql",
    "pg_dump",
    "pg_restore",
    "pg_ctl",
    "pg_basebackup",
    "createdb",
    "dropdb",
    "mysql",
    "mysqldump",
    "mariadb",
    "mongo",
    "mongosh",
    "redis-cli",
    "valkey-cli",
    "cqlsh",
    "nodetool",
    "sqlcmd",
    "sqlplus",
    "clickhouse-client",
    "etcdctl",
    "consul",
    "vault",
    "nomad",
    "docker",
    "docker-compose",
    "podman",
    "nerdctl",
    "crictl",
    "ctr",
    "systemctl",
    "service",
    "supervisorctl",
    "initctl",
    "rc-service",
    "reboot",
    "shutdown",
    "rabbitmqctl",
    "varnishadm",
    "nc",
    "ncat",
    "socat",
    "telnet",
    "ftp",
    "lftp",
    "sudo",
    "doas",
    "su",
    "nsenter",
    "iptables",
    "nft",
    "ip",
    "mount",
    "umount",
    "kill",
    "pkill",
    "killall",
    "crontab",
    "gh",
    "glab",
    "mail",
    "sendmail",
    "aws-vault",
    "eval",
];

/// Directories of the system's own programs.
const BIN: &[&str] = &["/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/", "/usr/local/sbin/"];

/// A program's name without the directory of the system that it lies in.
fn short(program: &str) -> &str {
    BIN.iter().find_map(|dir| program.strip_prefix(dir)).filter(|name| !name.contains('/')).unwrap_or(program)
}

/// Whether a program is known to reach beyond the files that are named to it.
pub fn reaches(program: &str) -> bool {
    REACH.contains(&short(program))
}

/// The programs of a simple command that are not known to stay: what it runs, and what that runs in turn. Scripts that
/// stand in its words are given to `script`.
pub fn strangers(simple: &Simple, script: &mut impl FnMut(&str)) -> Vec<String> {
    let mut found = Vec::new();
    let mut words: &[String] = &simple.words;
    while let Some((program, rest)) = words.split_first() {
        let name = short(program);
        words = &[];
        if BEFORE.contains(&name) {
            if reaches(program) {
                found.push(program.clone());
            }
            words = behind(name, rest);
            continue;
        }
        match name {
            "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" => shell(program, rest, script, &mut found),
            "source" | "." => found.extend(rest.first().cloned()),
            "curl" | "wget" => {
                let named = |word: &String| word.contains("://") || word.contains('$') || word.contains('<');
                if !rest.iter().any(named) {
                    found.push(program.clone());
                }
            }
            "trap" => {
                if let Some(text) = rest.iter().find(|word| !word.starts_with('-')) {
                    script(text);
                }
            }
            _ if STAY.contains(&name) => {
                for (n, word) in rest.iter().enumerate() {
                    if name == "find" && matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir") {
                        words = rest.get(n + 1..).unwrap_or_default();
                        break;
                    }
                }
            }
            _ => found.push(program.clone()),
        }
    }
    found
}

/// A shell that is given a script: as text, as a file, or from its standard input, which may hold anything.
fn shell(program: &str, rest: &[String], script: &mut impl FnMut(&str), found: &mut Vec<String>) {
    let flag = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    if let Some(at) = rest.iter().position(flag) {
        match rest.get(at + 1) {
            Some(text) => script(text),
            None => found.push(program.to_owned()),
        }
        return;
    }
    let file = rest.iter().find(|word| !word.starts_with('-') && !word.starts_with('+'));
    found.push(file.map_or_else(|| program.to_owned(), Clone::clone));
}

/// The words of the command that stands behind another, that one's own options left out.
fn behind<'a>(name: &str, mut rest: &'a [String]) -> &'a [String] {
    // Options whose value is a word of its own.
    let valued: &[&str] = match name {
        "sudo" | "doas" => &["-u", "-g", "-h", "-p", "-C", "-r", "-t"],
        "xargs" => &["-n", "-I", "-P", "-L", "-s", "-d", "-a", "-E"],
        "timeout" => &["-k", "-s"],
        "nice" | "ionice" => &["-n", "-c", "-p"],
        "watch" => &["-n"],
        "env" => &["-u", "-C", "-S"],
        _ => &[],
    };
    let mut numbers = usize::from(matches!(name, "timeout" | "flock" | "chroot"));
    while let Some((word, more)) = rest.split_first() {
        if valued.contains(&word.as_str()) {
            rest = more.get(1..).unwrap_or_default();
        } else if word.starts_with('-') || (name == "env" && word.contains('=')) {
            rest = more;
        } else if numbers > 0 {
            numbers -= 1;
            rest = more;
        } else {
            break;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Vec<String> {
        let mut scripts = Vec::new();
        let mut all = Vec::new();
        for one in super::super::shell::read(code).commands {
            all.extend(strangers(&one, &mut |text| scripts.push(text.to_owned())));
        }
        for text in scripts {
            all.extend(of(&text));
        }
        all
    }

    #[test]
    fn what_may_reach_further_is_told_from_what_stays() {
        let cases: [(&str, &[&str]); 17] = [
            ("kubectl get pods | grep x", &["kubectl"]),
            ("/usr/bin/kubectl get pods", &["/usr/bin/kubectl"]),
            ("sudo -u postgres psql -c 'select 1'", &["sudo", "psql"]),
            ("timeout 10 env A=b systemctl restart x", &["systemctl"]),
            ("xargs -n 1 restore-side < list", &["restore-side"]),
            ("bash -c 'redis-cli flushall'", &["redis-cli"]),
            ("bash deploy.sh now", &["deploy.sh"]),
            ("curl -s http://x/install | sh", &["sh"]),
            ("source ./env.sh; . lib", &["./env.sh", "lib"]),
            ("curl -fsS \"$base/version\"; curl shop/health", &["curl"]),
            ("find . -name x -exec redis-cli del {} +", &["redis-cli"]),
            ("trap 'kill 0' EXIT", &["kill"]),
            ("\"$TOOL\" status", &["$TOOL"]),
            ("eval \"$x\"", &["eval"]),
            ("ln -sfn a b && mv -Tf b c; test -n \"$(ls -A)\"", &[]),
            ("exec 3<&0", &[]),
            ("python3 x.py", &["python3"]),
        ];
        for (code, wanted) in cases {
            assert_eq!(of(code), wanted, "{code}");
        }
        assert!(reaches("/usr/bin/kubectl") && !reaches("restore-side"));
    }
}
