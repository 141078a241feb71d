//! Secrets that stand on a command line, and in files whose lines have a form of their own.

use super::Pattern;

/// The word of a command line that is a secret: in quotes, or bare, but no option, variable or command.
macro_rules! word {
    () => {
        r#"(?:"((?:[^"\\$`]|\\.)+)"|'([^']+)'|([^\s"'`$<>|;&()-][^\s"'`|;&)]*))"#
    };
}

/// Anything of the same command before it.
macro_rules! same {
    () => {
        r"[^\r\n|;&]*?[ \t]"
    };
}

pub(super) const COMMANDS: &[Pattern] = &[
    (
        "mysql-password",
        &["mysql", "mariadb", "xtrabackup", "mydumper", "myloader", "mariabackup"],
        concat!(
            r"\b(?:mysql[a-z_]*|mariadb[a-z-]*|xtrabackup|mariabackup|mydumper|myloader)\b",
            same!(),
            "-p",
            word!()
        ),
    ),
    ("sshpass", &["sshpass"], concat!(r"\bsshpass[ \t](?:", same!(), r")?-p[ \t]*", word!())),
    (
        "basic-login",
        &["curl", "http", "xh", "wget"],
        concat!(
            r"(?:\bcurl[ \t]|(?:^|[\s;|&(])(?:https?|xhs?)[ \t])(?:",
            same!(),
            ")?",
            r#"(?:-[a-zA-Z]*u|--user|-U|--proxy-user|-a|--auth)(?:[ \t]*=?[ \t]*)(?:"[^\s"':$/]*:([^"$\r\n]+)"|'[^\s"':$/]*:([^'\r\n]+)'|(?:[^\s"':$/@-][^\s"':$/@]*)?:([^\s"'`$<>|;&/][^\s"'`|;&]*))"#
        ),
    ),
    ("redis-password", &["redis-cli"], concat!(r"\bredis-cli\b", same!(), r"-a[ \t]*", word!())),
    (
        "mongo-password",
        &["mongo"],
        concat!(r"\bmongo(?:sh|dump|restore|export|import|stat|top|files)?\b", same!(), r"-p[ \t]*", word!()),
    ),
    (
        "login-password",
        &["login"],
        concat!(
            r"\b(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm|az|oc|cf|ibmcloud|argocd|buildah)\b[^\r\n|;&]*?[ \t]login\b",
            same!(),
            r"-p[ \t]*",
            word!()
        ),
    ),
    (
        "sql-password",
        &["sqlcmd", "bcp", "osql"],
        concat!(r"\b(?:sqlcmd|bcp|osql)\b", same!(), r"-P[ \t]*", word!()),
    ),
    (
        "oracle-password",
        &["sqlplus", "expdp", "impdp", "rman", "jdbc:oracle"],
        r#"(?:\b(?:sqlplus|expdp|impdp|rman)\b[^\r\n|;&/]*?[ \t]|jdbc:oracle:[a-z]+:)["']?[A-Za-z][A-Za-z0-9_]*/([^\s@"'$/]+)(?:@|[ \t]|["']|$)"#,
    ),
    (
        "ldap-password",
        &["ldap"],
        concat!(r"\bldap(?:search|modify|add|delete|passwd|whoami|compare)\b", same!(), r"-w[ \t]*", word!()),
    ),
    (
        "smb-password",
        &["smbclient", "rpcclient", "mount.cifs", "smbmap", "net "],
        r#"\b(?:smbclient|rpcclient|smbmap|net[ \t]+(?:rpc|ads))\b[^\r\n|;&]*?[ \t](?:-U|--user)[ =]?[ \t]*["']?[^\s%"']+%([^\s"']+)"#,
    ),
    ("ipmi-password", &["ipmitool"], concat!(r"\bipmitool\b", same!(), r"-P[ \t]*", word!())),
    (
        "snmp-key",
        &["snmp"],
        concat!(
            r"\bsnmp(?:walk|get|set|bulkwalk|bulkget|getnext|trap|table)\b",
            same!(),
            r"-[AX][ \t]*",
            word!()
        ),
    ),
    (
        "archive-password",
        &["zip", "7z", "rar"],
        concat!(
            r"\b(?:(?:un)?zip\b",
            same!(),
            r"-P[ \t]+|(?:7za?|7zr|unrar|rar)\b",
            same!(),
            r"-h?p)",
            word!()
        ),
    ),
    ("openssl-password", &["pass:"], r#"-pass(?:in|out)?[ \t]+["']?pass:([^\s"'$]+)"#),
    (
        "openssl-key",
        &["openssl"],
        concat!(r"\bopenssl[ \t]+(?:enc|aes[a-z0-9-]*|des3?)\b", same!(), r"-[kK][ \t]+", word!()),
    ),
    (
        "htpasswd",
        &["htpasswd"],
        concat!(r"\bhtpasswd[ \t](?:", same!(), r")?-[a-zA-Z]*b[a-zA-Z]*[ \t]+\S+[ \t]+\S+[ \t]+", word!()),
    ),
    (
        "htpasswd",
        &["htpasswd"],
        concat!(
            r"\bhtpasswd[ \t](?:",
            same!(),
            r")?-[a-zA-Z]*(?:nb|bn)[a-zA-Z]*[ \t]+[^\s-]\S*[ \t]+",
            word!()
        ),
    ),
    (
        "chpasswd",
        &["chpasswd"],
        r#"\b(?:echo|printf)[ \t](?:-[a-z]+[ \t]+)?["']?[A-Za-z_][A-Za-z0-9_.-]*:([^\s"'|$]+)["']?[ \t]*\|[^|\r\n]*\bchpasswd\b"#,
    ),
    ("chpasswd", &["chpasswd"], r#"\bchpasswd\b[^|\r\n]*<<<[ \t]*["']?[A-Za-z_][A-Za-z0-9_.-]*:([^\s"'$]+)"#),
    (
        "piped-password",
        &["stdin", "sudo", "cryptsetup", "with-token", "passphrase-fd"],
        r#"\b(?:echo|printf)[ \t]+(?:-[a-zA-Z]+[ \t]+)?(?:"([^"$`]+)"|'([^']+)'|([^\s"'`$|;&-][^\s"'`$|;&]*))[ \t]*\|[^|\r\n]*(?:--stdin\b|--password-stdin\b|--with-token\b|--passphrase-fd\b|\bsudo[ \t][^|\r\n]*(?:-[a-zA-Z]*S\b|--stdin\b)|\bcryptsetup\b)"#,
    ),
    (
        "user-password",
        &["usermod", "useradd"],
        concat!(r"\buser(?:mod|add)\b", same!(), r"-p[ \t]+", word!()),
    ),
    (
        "rabbitmq-password",
        &["rabbitmq"],
        concat!(
            r"\brabbitmqctl\b[^\r\n|;&]*?[ \t](?:add_user|change_password|authenticate_user)[ \t]+\S+[ \t]+",
            word!()
        ),
    ),
    (
        "aws-configure",
        &["aws"],
        concat!(
            r"\baws\b[^\r\n|;&]*?[ \t]configure[ \t]+set[ \t]+\S*(?:secret_access_key|session_token)[ \t]+",
            word!()
        ),
    ),
    (
        "vault-login",
        &["vault"],
        concat!(r"\bvault[ \t]+(?:login|unseal|operator[ \t]+unseal)[ \t]+(?:-\S+[ \t]+)*", word!()),
    ),
    ("vault-token", &["s."], r"(?:^|[\s=:\x22'])(s\.[A-Za-z0-9]{24})(?:$|[\s\x22',;])"),
    (
        "kubernetes-literal",
        &["--from-literal"],
        r#"--from-literal(?:=|[ \t]+)(?:"[^"=\s]+=([^"$]+)"|'[^'=\s]+=([^']+)'|[^\s="']+=(?:"([^"$]+)"|'([^']+)'|([^\s"'$]\S*)))"#,
    ),
    (
        "wifi-key",
        &["psk", "wpa_passphrase"],
        r#"(?i)(?:\.psk[ \t]+|\bpsk[ \t]*[=:][ \t]*|\bwpa_passphrase[ \t]+\S+[ \t]+)"?([^\s"'=]{8,63})"#,
    ),
    (
        "secure-string",
        &["ConvertTo-SecureString"],
        r#"(?i)ConvertTo-SecureString[ \t]+(?:-String[ \t]+)?(?:"([^"$]+)"|'([^']+)')"#,
    ),
    (
        "sql-password",
        &["identified", "password"],
        r#"(?i)\b(?:identified[ \t]+(?:with[ \t]+\S+[ \t]+)?(?:by|as)|(?:role|user|login)[ \t]+\S+[^\r\n;]*?[ \t]password|password[ \t]+for[ \t]+\S+)[ \t]*=?[ \t]*(?:password[ \t]+)?\(?\\*(?:'([^'\r\n]+)'|"([^"\r\n]+)")"#,
    ),
    (
        "netrc",
        &["login", "password"],
        r"\b(?:machine[ \t]+\S+|default)[ \t]+login[ \t]+\S+[ \t]+(?:account[ \t]+\S+[ \t]+)?password[ \t]+(\S+)",
    ),
    // A word of netrc on a line of its own: only what does not look like a word of a sentence.
    (
        "netrc",
        &["password", "passwd"],
        r"^[ \t]*passw(?:or)?d[ \t]+([^\s=:]*[0-9A-Z!#%&*+@^~][^\s=:]*)[ \t]*$",
    ),
    (
        "pgpass",
        &[":"],
        r"^(?:[A-Za-z0-9.*_-]+|\[[0-9a-fA-F:]+\]):(?:[0-9]{3,5}|\*):(?:\*|[A-Za-z_][A-Za-z0-9_-]*):(?:\*|[A-Za-z_][A-Za-z0-9_.-]*):([^\s:]+)$",
    ),
    (
        "docker-login",
        &["auth"],
        r#"["']_?(?:auth|identitytoken|registrytoken)\\*["'][ \t]*:[ \t]*\\*["']([A-Za-z0-9+/=_.-]{8,})"#,
    ),
    ("npm-login", &["_auth"], r#"(?:^|[\s:/])_auth[ \t]*=[ \t]*"?([A-Za-z0-9+/=_-]{6,})"#),
    (
        "systemd-credential",
        &["SetCredential"],
        r"\bSetCredential(?:Encrypted)?[ \t]*=[ \t]*[^:\s]+:[ \t]*(\S[^\r\n]*)",
    ),
    ("ipsec-key", &["PSK", "XAUTH", "EAP"], r#"(?:^|[\s:]):[ \t]*(?:PSK|XAUTH|EAP)[ \t]+"([^"]+)""#),
    (
        "community",
        &["community"],
        r"(?i)\bsnmp-server[ \t]+community[ \t]+(\S+)|\br[ow]community6?[ \t]+(\S+)",
    ),
    ("okta-token", &["SSWS"], r"\bSSWS[ \t]+([A-Za-z0-9_-]{20,})"),
];
