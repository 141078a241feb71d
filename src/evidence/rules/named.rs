//! Secrets that are told by their name: assignments, headers, options, elements. What is judged here too is which
//! value of such a name is none: a variable, a placeholder, a word of a sentence.

use super::{Pattern, compile};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// What the last part of a secret's name is. `pass`, `pwd` and `auth` are beginnings of other words and have to stand
/// alone.
macro_rules! name {
    () => {
        r"(?:passw(?:or)?d|passphrase|passcode|(?:^|[^A-Za-z])pass|(?-i:[a-z](?:Pass|Pwd|PASS|PWD))|(?:^|[^A-Za-z])pw|pwd|secret(?:[_-]?(?:access[_-]?)?key)?(?:[_-]?base)?|(?:client|app|api|consumer|shared|webhook)[_-]?secret[_-]?[0-9]?|token|(?:api|apps?|application|access|auth|private|preshared|pre[_-]shared|shared|account|master|encryption|encrypt|signing|hmac|jwt|session|cookie|license|unseal|recovery|deploy|ingest|webhook|subscription|consumer|cipher|aes|seal|admin)[_-]?key|credentials?|(?:otp|totp|mfa|2fa|hotp)[_-]?(?:secret|seed|key)|_authToken|[a-z]_auth|requirepass|masterauth|client-key-data|sas[_-]?(?:token|key))"
    };
}

/// A value: in quotes, in quotes within quotes, or bare.
macro_rules! value {
    () => {
        r#"(?:\\+"([^"\s\\](?:[^"\\\r\n]|\\+[^"\\\r\n])*)|"((?:[^"\s\\]|\\[^\r\n])(?:[^"\\\r\n]|\\[^\r\n])*)"?|'([^'\s][^'\r\n]*)'?|([^\s"'&;,}\\=>](?:[^\s"'&;,}\\]|\\[^\s"'])*))"#
    };
}

pub(super) const NAMED: &[Pattern] = &[
    (
        "authorization",
        &["authorization"],
        r#"(?i)(?:authorization|x-authorization)\\*["']?[ \t]*[:=][ \t]*\\*["']?(?:(?:basic|bearer|digest|token|negotiate|apikey|geniekey|bot|ssws|splunk|aws4-hmac-sha256)[ \t]+)?([^\s"'\\][^\r\n"'\\]*)"#,
    ),
    (
        "integration-key",
        &["routing", "integration", "service"],
        r#"(?i)(?:routing|integration|service)_?key\\*["']?[ \t]*[=:][ \t]*\\*["']?([a-z0-9]{32})\b"#,
    ),
    ("bearer", &["bearer"], r"(?i)bearer[ \t]+([A-Za-z0-9._~+/=-]{16,})"),
    ("cookie", &["cookie"], r#"(?i)\b(?:set-)?cookie:[ \t]*([^\s"'][^\r\n"']*)"#),
    (
        "cookie",
        &["cookie", "sess"],
        r"(?i)\b(?:jsessionid|phpsessid|connect\.sid|asp\.net_sessionid)=([A-Za-z0-9%:._+/-]{16,})",
    ),
    (
        "assignment",
        &["pass", "pw", "secret", "token", "key", "credential", "auth", "seed", "sas"],
        concat!(r"(?i)", name!(), r#"\\*["']?\]?[ \t]*(?:=>|:=|[=:])[ \t]*"#, value!()),
    ),
    (
        "option",
        &["pass", "pw", "secret", "token", "key", "credential"],
        concat!(
            r#"(?i)(?:^|[\s"'\[,(`])--?(?:(?:[a-z0-9-]*-)?(?:pass|pwd)|[a-z0-9-]*"#,
            r#"(?:passw(?:or)?d|passphrase|secret|secret-(?:access-)?key|token|(?:api|access|auth|private|account|storage|master|encryption|signing)-?key|credential))"#,
            r#"(?:\\*["'][ \t]*,?[ \t]*|[ \t]+)(?:\\*"([^"\s\\-][^"\r\n\\]*)|'([^'\s-][^'\r\n]*)'?|([^\s"'&;,}|\\=<>()-][^\s"'&;}|\\)]*))"#
        ),
    ),
    (
        "element",
        &["pass", "secret", "token", "key"],
        concat!(
            r"(?i)<(?:[a-z0-9_.:-]*",
            name!(),
            r")(?:[ \t][^>]*)?>[ \t]*(?:<!\[CDATA\[)?([^<\s][^<\r\n\]]*)"
        ),
    ),
    (
        "assignment",
        &["value"],
        concat!(
            r#"(?i)\b(?:name|key|id)\\*["']?[ \t]*[=:][ \t]*\\*["']?[a-z0-9_.-]*"#,
            name!(),
            r#"\\*["']?[ \t]*,?[ \t]*\\*["']?value\\*["']?[ \t]*[=:][ \t]*"#,
            value!()
        ),
    ),
];

/// A name of a secret, whole, as a structure holds it beside its value.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| compile(concat!(r"(?i)", name!(), r"\z")).ok());

/// Whether what is called so is a secret.
pub(in super::super) fn is_secret_name(name: &str) -> bool {
    name.len() <= NAME_MAX && NAME.as_ref().is_some_and(|regex| regex.is_match(name.as_bytes()))
}

/// Names that are longer are texts.
const NAME_MAX: usize = 128;

/// Whether a value of a secret's name is no secret. `before` is what stands before it, its name included.
pub(in super::super) fn is_harmless(before: &[u8], value: &[u8]) -> bool {
    let is =
        |regex: &LazyLock<Option<Regex>>, text: &[u8]| regex.as_ref().is_some_and(|one| one.is_match(text));
    if is(&REFERENCE, value) || is(&WORD, value) {
        return true;
    }
    let name = before.trim_ascii_end().to_ascii_lowercase();
    let name = name.strip_suffix(b"\"").unwrap_or(&name);
    let name = name.trim_ascii_end();
    let name = name.strip_suffix(b"=").or_else(|| name.strip_suffix(b":")).unwrap_or(name).trim_ascii_end();
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    let ends = |word: &[u8]| name.ends_with(word);
    let option = name.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    if option.starts_with(b"--no-") || ends(b"unexpected token") || ends(b"without-password") {
        return true;
    }
    let directory = name.strip_suffix(b"oldpwd").or_else(|| name.strip_suffix(b"pwd")).is_some_and(|rest| {
        rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_-.".contains(byte))
    });
    if directory && is(&PATH_START, value) {
        return true;
    }
    if (ends(b"key") || ends(b"credentials") || ends(b"credential") || ends(b"token") || ends(b"secret"))
        && (is(&PATH, value) || is(&COUNT, value))
    {
        return true;
    }
    // Of a test's or a probe's result: `pass=12`, `pass: 3/4`.
    let bare = name.strip_suffix(b"pass").is_some_and(|rest| {
        rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_-.".contains(byte))
    });
    bare && (is(&COUNT, value) || value.starts_with(b"Test"))
}

/// A name for a value that stands elsewhere: of a shell, a template, a program.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(concat!(
        r"\A(?:\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][^}]*\}?|\$\(.*|`.*|<[A-Za-z][A-Za-z0-9 _-]*>?|%[A-Za-z_]+%",
        r"|\{\{.*|\$\{\{.*|\*+|x{3,}|X{3,}|\.{3,}|-+|#+|\|[+-]?|!vault|(?:file|env|fd):.*|\[REDACTED\]",
        r"|[A-Za-z_][A-Za-z0-9_.:]*(?:[\[(]|\([^)]*\)|\[[^\]]*\]|<.*>?)[;,)]?|(?:process|os|env|var|local|data|module|secrets|vault|self|this|config|settings|args|opts|params|req|request)\.[A-Za-z_][A-Za-z0-9_.]*)\\*\z"
    ))
    .ok()
});

/// A word of a program or of a sentence: it says of what kind the value is, or what became of it.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)\A\(?(?:true|false|null|nil|none|undefined|yes|no|on|off|ok|n/?a|empty|set|unset|missing|absent|present|required|optional|needed",
        r"|invalid|valid|expired|expires|expiring|revoked|rotated|rotation|refreshed|refresh|accepted|rejected|denied|wrong|incorrect|mismatch|mismatched|changed|unchanged|reset|redacted|hidden|masked|removed|deleted|created|updated|verified|unknown|unauthorized|found",
        r"|must|should|cannot|can't|is|are|was|were|not|has|had|have|does|do|to|the|a|an|or|and|of|in|for|from|with|without|by|at|instead|if|when|as|it|its|this|that|too|will|may|can|only|per|via|on",
        r"|policy|policies|length|field|count|type|name|manager|management|prompt|hash|file|path|store|vault|option|flag|argument|string|str|&str|int|integer|bool|boolean|bytes|char|varchar|text|optional\S*|secretstring|any|object|include|omit|same-origin|enabled|disabled|basic|bearer|fail|failed|passed|skip|skipped|error|ok)",
        r"[.,:;!?)]*\z"
    ))
    .ok()
});

/// The beginning of a path.
static PATH_START: LazyLock<Option<Regex>> = LazyLock::new(|| compile(r"\A(?:[/~.]|[A-Za-z]:\\)").ok());

/// A file's path and nothing else.
static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(concat!(
        r"\A(?:~|\.{1,2}|/(?:etc|var|run|home|root|usr|opt|tmp|srv|mnt|secrets?|certs?|data|app|vault|keys?|ssl|tls|private|config|Users))",
        r"/[A-Za-z0-9_./@-]+\z"
    ))
    .ok()
});

/// A small number or a share of one.
static COUNT: LazyLock<Option<Regex>> =
    LazyLock::new(|| compile(r"\A[0-9]{1,5}(?:/[0-9]{1,5})?(?:\.[0-9]+)?(?:ms|s|m|h|d|%|k|kb)?\z").ok());
