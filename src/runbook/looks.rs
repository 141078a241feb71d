//! What code looks like where its info string does not say, or says wrong: PromQL or output in a `bash` fence.

use regex::Regex;
use std::sync::LazyLock;

/// Commands that runbooks begin with; a line that begins with one is taken for a command.
const COMMANDS: &[&str] = &[
    "alias",
    "amtool",
    "ansible",
    "apk",
    "apt",
    "apt-get",
    "argocd",
    "aws",
    "awk",
    "az",
    "base64",
    "bash",
    "bazel",
    "bundle",
    "cat",
    "cd",
    "ceph",
    "chmod",
    "chown",
    "cp",
    "consul",
    "crictl",
    "ctr",
    "curl",
    "cut",
    "date",
    "dd",
    "df",
    "dig",
    "dmesg",
    "dnf",
    "docker",
    "du",
    "echo",
    "env",
    "etcdctl",
    "exit",
    "export",
    "find",
    "for",
    "free",
    "gcloud",
    "gh",
    "git",
    "gitlab-ctl",
    "gitlab-rake",
    "grep",
    "gsutil",
    "helm",
    "host",
    "hostname",
    "htop",
    "id",
    "if",
    "iostat",
    "ip",
    "iptables",
    "jq",
    "journalctl",
    "kafka-topics.sh",
    "kill",
    "knife",
    "kubectl",
    "kustomize",
    "less",
    "ln",
    "ls",
    "lsblk",
    "lsof",
    "make",
    "mkdir",
    "mkfs",
    "mount",
    "mpstat",
    "mv",
    "mysql",
    "mysqldump",
    "nc",
    "netstat",
    "nmap",
    "nodetool",
    "npm",
    "nslookup",
    "oc",
    "openssl",
    "patronictl",
    "pg_dump",
    "pg_restore",
    "pgrep",
    "ping",
    "pip",
    "pkill",
    "podman",
    "promtool",
    "ps",
    "psql",
    "pwd",
    "python",
    "python3",
    "rabbitmqctl",
    "redis-cli",
    "rm",
    "rsync",
    "sar",
    "scp",
    "sed",
    "set",
    "sh",
    "sleep",
    "sort",
    "source",
    "ss",
    "ssh",
    "strace",
    "su",
    "sudo",
    "sysctl",
    "systemctl",
    "tail",
    "tar",
    "tcpdump",
    "tee",
    "telnet",
    "terraform",
    "test",
    "time",
    "tmux",
    "top",
    "touch",
    "traceroute",
    "umount",
    "uname",
    "unset",
    "uptime",
    "until",
    "vault",
    "vi",
    "vim",
    "vmstat",
    "watch",
    "wc",
    "wget",
    "while",
    "xargs",
    "yum",
    "zgrep",
    "zcat",
    "true",
    "false",
    "printf",
    "read",
    "head",
    "diff",
    "createdb",
    "dropdb",
    "sha256sum",
    "velero",
    "calicoctl",
    "cilium",
    "istioctl",
    "linkerd",
    "flux",
    "nomad",
    "zfs",
    "zpool",
];

/// Whether a line begins with a command, an assignment, a variable or a path.
pub fn is_command(line: &str) -> bool {
    let line = line.trim_start();
    let word: &str = line.split([' ', '\t', ';', '|', '(']).next().unwrap_or_default();
    COMMANDS.contains(&word)
        || ["./", "/usr/", "/bin/", "/opt/", "/sbin/", "/etc/", "~/", "$", "((", "[[ ", "[ ", "!"]
            .iter()
            .any(|p| line.starts_with(p))
        || found(&ASSIGNMENT, line)
}

static ASSIGNMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z_][A-Za-z0-9_]*\+?=").ok());
static PROMQL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)^\s*(?:
            (?:sum|avg|min|max|count|topk|bottomk|quantile|stddev|group|count_values)\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\(
          | (?:rate|irate|increase|delta|deriv|predict_linear|histogram_quantile|absent|changes|resets|label_replace|(?:avg|min|max|sum|count)_over_time)\s*\(
          | [a-zA-Z_:][a-zA-Z0-9_:]*\{[^{}]*(?:=|!=|=~|!~)\s*"[^"]*"[^{}]*\}
          | ALERTS\{
        )"#,
    )
    .ok()
});
static OUTPUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^\s*(?:
            [A-Z][A-Z0-9_%()/-]+(?:\ +[A-Z][A-Z0-9_%()/@-]*)*(?:\ {2,}|\t)[A-Z][A-Z0-9_%()/\ \t@-]*$  # a table's head: NAME   READY
          | \d{4}[-/]\d\d[-/]\d\d[T\ ]\d\d:\d\d                         # a log line
          | (?:level|ts|time|msg)=\S+\ \S+=                                    # logfmt
          | [{\[]\s*(?:$|\x22)                                              # JSON
          | \*\ \S+\ |<\ HTTP/|HTTP/\d                                       # curl -v
          | (?:error|Error|ERROR|FATAL|fatal|panic|Warning|WARNING|WARN|INFO|I\d{4}|E\d{4})[:\ \]]
          | \+-{3,}|\|\ |-{4,}|={4,}                                          # drawn tables
          | apiVersion:|kind:\ |-\ \w+:\ |\w[\w.-]*:\ *(?:$|[^:/\s])            # YAML, key: value
        )",
    )
    .ok()
});
static REPL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:(?:mysql|MariaDB \[[^\]]*\]|postgres|sqlite|redis|cqlsh|mongo|ceph|irb\([^)]*\)[^>]*|influx|[\w-]+=)[>#]|>>>|[\w.-]+:\d+>|\[\d+\] pry\([^)]*\)>|\w+=[#>])\s").ok()
});

fn found(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|r| r.is_match(text))
}

/// What a text is, by its first lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Nothing speaks against commands.
    Commands,
    /// A PromQL expression.
    Promql,
    /// Output, a log, YAML or JSON.
    Output,
    /// Lines for the prompt of a database or an interpreter.
    Repl,
}

impl Looks {
    /// The words for a message.
    pub fn words(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Promql => "a PromQL expression",
            Self::Output => "output",
            Self::Repl => "lines for the prompt of another program",
        }
    }
}

/// What a block without prompts looks like. In doubt it is commands: a block that is wrongly output cannot be run.
pub fn looks(code: &str) -> Looks {
    let mut lines = code.lines().filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    let Some(first) = lines.next() else {
        return Looks::Commands;
    };
    if found(&REPL, first) {
        return Looks::Repl;
    }
    if is_command(first) {
        return Looks::Commands;
    }
    if found(&PROMQL, first) {
        return Looks::Promql;
    }
    if found(&OUTPUT, first) && !lines.any(is_command) {
        return Looks::Output;
    }
    Looks::Commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_its_first_line() {
        for (code, wanted) in [
            ("kubectl get pods", Looks::Commands),
            ("X=1\n./run.sh", Looks::Commands),
            ("for i in 1 2; do echo $i; done", Looks::Commands),
            ("some-tool --flag", Looks::Commands),
            ("sum(rate(http_requests_total[5m])) by (job)", Looks::Promql),
            ("sum by (job) (up)", Looks::Promql),
            ("up{job=\"x\"} == 0", Looks::Promql),
            ("NAME      READY   STATUS    RESTARTS\nweb-1     1/1", Looks::Output),
            ("2024-01-01T10:00:00Z started", Looks::Output),
            ("{\n  \"a\": 1\n}", Looks::Output),
            ("apiVersion: v1\nkind: Pod", Looks::Output),
            ("error: no such host", Looks::Output),
            ("mysql> show slave status;", Looks::Repl),
            ("postgres=# select 1;", Looks::Repl),
            ("# only a comment", Looks::Commands),
            ("", Looks::Commands),
        ] {
            assert_eq!(looks(code), wanted, "{code}");
        }
    }
}
