//! Secrets that can be told by themselves: tokens whose issuer gave them a prefix or a fixed shape, and password hashes.

use super::Pattern;

/// Tokens that begin with their issuer's mark. The prefixes are those that the issuers document.
pub(super) const TOKENS: &[Pattern] = &[
    ("aws-key", &["AKIA", "ASIA", "ABIA", "ACCA"], r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    ("aws-bedrock-key", &["ABSK"], r"\bABSK[A-Za-z0-9+/]{80,}={0,2}"),
    (
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    (
        "gitlab-token",
        &[
            "glpat-",
            "gldt-",
            "glrt-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glimt-",
            "glagent-",
            "glsoat-",
            "gloas-",
            "GR1348941",
        ],
        r"\b(?:gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[A-Za-z0-9_.-]{20,255}|GR1348941[A-Za-z0-9_-]{20,40})",
    ),
    ("slack-token", &["xox", "xapp-"], r"\bx(?:ox[abceoprs]|app)-[A-Za-z0-9.-]{10,255}"),
    (
        "stripe-key",
        &["k_live_", "k_test_", "whsec_"],
        r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{16,255}",
    ),
    ("google-key", &["AIza"], r"\bAIza[A-Za-z0-9_-]{35}"),
    (
        "google-token",
        &["ya29.", "GOCSPX-", "1//0"],
        r"\b(?:ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,})",
    ),
    ("jwt", &["eyJ"], r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"),
    ("vault-token", &["hvs.", "hvb.", "hvr."], r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("npm-token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36}"),
    ("pypi-token", &["pypi-"], r"\bpypi-[A-Za-z0-9_-]{16,}"),
    ("rubygems-key", &["rubygems_"], r"\brubygems_[a-f0-9]{40,}"),
    ("crates-token", &["cio"], r"\bcio[A-Za-z0-9]{32}\b"),
    ("nuget-key", &["oy2"], r"\boy2[a-z0-9]{43}\b"),
    ("docker-token", &["dckr_"], r"\bdckr_[po]at_[A-Za-z0-9_-]{20,}"),
    ("artifactory-key", &["AKCp", "cmVmdGtu"], r"\b(?:AKCp[A-Za-z0-9]{60,}|cmVmdGtu[A-Za-z0-9]{40,})"),
    ("sendgrid-key", &["SG."], r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("mailgun-key", &["key-"], r"\bkey-[a-f0-9]{32}\b"),
    ("mailchimp-key", &["-us"], r"\b[a-f0-9]{32}-us[0-9]{1,2}\b"),
    ("brevo-key", &["xkeysib-", "xsmtpsib-"], r"\bx(?:key|smtp)sib-[a-f0-9]{32,}(?:-[A-Za-z0-9]+)?"),
    ("twilio-key", &["SK"], r"\bSK[a-f0-9]{32}\b"),
    // Of what begins with `sk-` only what has a digit: names of styles do too, `sk-button-primary`.
    ("ai-key", &["sk-"], r"\bsk-[A-Za-z0-9_-]{20,255}"),
    ("huggingface-token", &["hf_"], r"\bhf_[A-Za-z0-9]{30,}"),
    ("replicate-token", &["r8_"], r"\br8_[A-Za-z0-9]{30,}"),
    ("databricks-token", &["dapi"], r"\bdapi[a-f0-9]{32}(?:-[0-9])?\b"),
    ("digitalocean-token", &["do"], r"\bdo[opr]_v1_[a-f0-9]{64}"),
    ("heroku-key", &["HRKU-"], r"\bHRKU-[A-Za-z0-9_-]{30,}"),
    (
        "fly-token",
        &["fo1_", "fm1", "fm2_"],
        r"\b(?:fo1_[A-Za-z0-9_-]{40,}|fm[12][ar]?_[A-Za-z0-9+/=_-]{40,})",
    ),
    ("newrelic-key", &["NRAK-", "NRAA-", "NRII-", "NRRA-"], r"\bNR(?:AK|AA|II|RA)-[A-Za-z0-9_-]{20,}"),
    ("grafana-token", &["glsa_", "glc_"], r"\b(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/=]{32,})"),
    ("sentry-token", &["sntrys_", "sntryu_"], r"\bsntry[su]_[A-Za-z0-9+/=_-]{32,}"),
    (
        "atlassian-token",
        &["ATATT3", "ATCTT3", "ATBB"],
        r"\b(?:AT[AC]TT3[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9]{28,})",
    ),
    ("doppler-token", &["dp."], r"\bdp\.(?:pt|ct|st|scim|audit|said|sa)\.(?:[a-z0-9_-]+\.)?[A-Za-z0-9]{40,}"),
    ("postman-key", &["PMAK-"], r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("pulumi-token", &["pul-"], r"\bpul-[a-f0-9]{40}\b"),
    ("terraform-token", &[".atlasv1."], r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    ("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    (
        "square-token",
        &["sq0atp-", "sq0csp-", "EAAA"],
        r"\b(?:sq0[a-z]{3}-[A-Za-z0-9_-]{22,}|EAAA[A-Za-z0-9_-]{60})",
    ),
    ("linear-key", &["lin_api_"], r"\blin_api_[A-Za-z0-9]{32,}"),
    ("notion-token", &["ntn_"], r"\bntn_[A-Za-z0-9]{40,}"),
    ("figma-token", &["figd_"], r"\bfigd_[A-Za-z0-9_-]{30,}"),
    ("netlify-token", &["nfp_"], r"\bnfp_[A-Za-z0-9]{36,}"),
    ("supabase-key", &["sbp_"], r"\bsbp_[a-f0-9]{40}"),
    ("planetscale-token", &["pscale_"], r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}"),
    ("sonar-token", &["squ_", "sqp_", "sqa_"], r"\bsq[upa]_[a-f0-9]{40}"),
    ("buildkite-token", &["bkua_"], r"\bbkua_[a-f0-9]{40}"),
    ("circleci-token", &["CCIPAT_"], r"\bCCIPAT_[A-Za-z0-9]{20,}_[a-f0-9]{40}"),
    ("tailscale-key", &["tskey-"], r"\btskey-[a-z]+-[A-Za-z0-9-]{16,}"),
    ("1password-token", &["ops_eyJ"], r"\bops_eyJ[A-Za-z0-9+/=_-]{40,}"),
    (
        "launchdarkly-key",
        &["sdk-", "api-"],
        r"\b(?:sdk|api)-[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[a-f0-9]{4}-[a-f0-9]{12}\b",
    ),
    ("alibaba-key", &["LTAI"], r"\bLTAI[A-Za-z0-9]{12,24}\b"),
    ("tencent-key", &["AKID"], r"\bAKID[A-Za-z0-9]{32}\b"),
    (
        "yandex-token",
        &["t1.", "AQVN"],
        r"\b(?:t1\.[A-Za-z0-9_-]{20,}=?\.[A-Za-z0-9_-]{20,}={0,2}|AQVN[A-Za-z0-9_-]{35,38})",
    ),
    (
        "azure-client-secret",
        &["Q~"],
        r"(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})",
    ),
    ("azure-devops-token", &["AZDO"], r"\b[A-Za-z0-9]{60,80}AZDO[A-Za-z0-9]{4}\b"),
    ("telegram-token", &[":AA"], r"(?:^|[^0-9])([0-9]{8,10}:AA[A-Za-z0-9_-]{33})"),
    (
        "discord-token",
        &[".G", ".X", ".Y"],
        r"\b[MNO][A-Za-z0-9_-]{23,27}\.[GXY][A-Za-z0-9_-]{5}\.[A-Za-z0-9_-]{27,40}",
    ),
    ("age-key", &["AGE-SECRET-KEY-"], r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,60}"),
    // What begins a private key, and what a registry's login begins with, in base64 as they stand in a manifest.
    (
        "encoded-key",
        &["LS0tLS1CRUdJTi"],
        r"\bLS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJVkFUR|BFQyBQUklWQVRF|BPUEVOU1NIIFBSSVZBVEUg|BFTkNSWVBURUQgUFJJVkFUR|BEU0EgUFJJVkFUR)[A-Za-z0-9+/=]{8,}",
    ),
    ("encoded-login", &["eyJhdXRocyI6"], r"\beyJhdXRocyI6[A-Za-z0-9+/=]{8,}"),
    // crypt(3) and its relatives: they are guessed at leisure by who has them.
    (
        "password-hash",
        &[
            "$1$",
            "$2a$",
            "$2b$",
            "$2y$",
            "$5$",
            "$6$",
            "$y$",
            "$gy$",
            "$7$",
            "$apr1$",
            "$argon2",
            "$scrypt$",
            "pbkdf2_",
            "{SSHA",
            "{SHA}",
            "SCRAM-SHA-",
        ],
        r"(?:\$(?:1|2[aby]|5|6|y|gy|7|apr1|argon2id?|argon2d|scrypt)\$[./A-Za-z0-9$=,+-]{20,}|pbkdf2_sha[0-9]+\$[0-9]+\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]{20,}|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/=]{20,}|SCRAM-SHA-(?:1|256)\$[0-9]+:[A-Za-z0-9+/=$:]{20,})",
    ),
];

/// Beginnings of the tokens above: on a line that is not complete, what follows one may still grow into a secret.
pub(super) fn beginnings() -> impl Iterator<Item = &'static str> {
    // Those that stand within a secret and not at its beginning say nothing of what is before them.
    const WITHIN: &[&str] = &["-us", "Q~", "AZDO", ":AA", ".G", ".X", ".Y", "do", "SK", ".atlasv1."];
    TOKENS.iter().flat_map(|(_, words, _)| words.iter().copied()).filter(|word| !WITHIN.contains(word))
}
