//! Secrets within an address: logins, signatures, and webhooks whose path is the key to them.

use super::Pattern;

pub(super) const URLS: &[Pattern] = &[
    ("url-password", &["://"], r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s/@:"'<>]*:([^\s/"'<>]+)@"#),
    // A token that stands where a user's name would.
    (
        "url-token",
        &["://"],
        r"\b[a-z][a-z0-9+.-]*://((?:[A-Za-z_-]*[0-9]){3}[A-Za-z0-9_-]{13,})(?::x-oauth-basic)?@",
    ),
    (
        "dsn-password",
        &["@tcp(", "@unix(", "@("],
        r#"(?:^|[\s"'=])[A-Za-z0-9_.-]+:([^\s"'$]+)@(?:tcp|unix)?\("#,
    ),
    (
        "signature",
        &["sig", "X-Amz-Signature", "X-Amz-Security-Token", "X-Goog-Signature"],
        r"(?i)[?&](?:sig|signature|x-amz-signature|x-goog-signature|x-amz-security-token)=([A-Za-z0-9%+/=_-]{16,})",
    ),
    (
        "url-key",
        &["code=", "auth="],
        r"(?i)[?&](?:auth=([A-Za-z0-9%+/=_.-]{16,})|code=([A-Za-z0-9_-]{40,}(?:={1,2}|%3D)*))",
    ),
    (
        "slack-webhook",
        &["hooks.slack.com"],
        r"\bhooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,})",
    ),
    (
        "discord-webhook",
        &["/api/webhooks/"],
        r"\bdiscord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/([0-9]+/[A-Za-z0-9_-]{16,})",
    ),
    (
        "teams-webhook",
        &["/webhookb2/", "/IncomingWebhook/"],
        r"\b(?:outlook\.office(?:365)?|[a-z0-9.-]+\.webhook\.office|outlook\.office)\.com/webhook(?:b2)?/([A-Za-z0-9@/_-]{32,})",
    ),
    ("mattermost-webhook", &["/hooks/"], r"://[^\s/]+/hooks/([a-z0-9]{26})\b"),
    ("zapier-webhook", &["hooks.zapier.com"], r"\bhooks\.zapier\.com/hooks/catch/([0-9]+/[A-Za-z0-9]+)"),
    ("telegram-token", &["/bot"], r"/bot([0-9]{6,10}:[A-Za-z0-9_-]{30,})"),
    ("otp-seed", &["otpauth://"], r"(?i)otpauth://[^\s?]*\?(?:[^\s&]*&)*?secret=([A-Z2-7=]+)"),
];
