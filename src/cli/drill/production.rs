//! What is production, as far as the person's configuration and the runbooks themselves say: no stand-in may be it.

use crate::{
    config::{Config, Source},
    domain::plan::Runbook,
    drill::ground::PREFIX,
    runbook::outside::{
        Kind, Stand, named,
        scan::{self, is_below, is_loopback},
    },
};

/// Something of production, and who says so.
struct Known {
    text: String,
    says: String,
}

/// Stand-ins that are production themselves.
pub(super) fn refused(config: &Config, runbooks: &[Runbook], stand: &Stand) -> Vec<String> {
    let mut all: Vec<Known> = config.source.iter().filter_map(configured).collect();
    for runbook in runbooks {
        for one in named(runbook) {
            let text = match one.kind {
                Kind::Target => one.says,
                Kind::Url | Kind::Host | Kind::Path => one.name.clone(),
                Kind::Input => one.says.strip_prefix("default ").unwrap_or_default().to_owned(),
                _ => continue,
            };
            let says = format!("{} names it itself as {} {}", runbook.source, one.kind.word(), one.name);
            all.push(Known { text, says });
        }
    }
    let mut wrong = Vec::new();
    for (name, value) in stand.map.iter().filter(|(_, value)| !value.starts_with(PREFIX)) {
        if let Some(known) = all.iter().find(|known| is_same(value, &known.text)) {
            wrong.push(format!("{name}={value} is production, a drill refuses it: {}", known.says));
        }
    }
    for name in &stand.keep {
        let watched = config.source.iter().filter_map(configured).find(|known| is_same(name, &known.text));
        if let Some(known) = watched {
            wrong.push(format!("{name} cannot be kept, it is production: {}", known.says));
        }
    }
    wrong
}

fn configured(source: &Source) -> Option<Known> {
    let text = match source {
        Source::Log(log) => log.path.clone(),
        Source::Release(release) => release.dir.to_string_lossy().into_owned(),
        other => other.url()?.to_owned(),
    };
    Some(Known { text, says: format!("your configuration watches it as {}", source.id()) })
}

/// Whether two texts name one place: a host (this machine's own with its port), or a path at or above another.
fn is_same(a: &str, b: &str) -> bool {
    scan::scan(a).iter().any(|a| {
        scan::scan(b).iter().any(|b| match (a.kind, b.kind) {
            (scan::Kind::Path, scan::Kind::Path) => is_below(&a.text, &b.text) || is_below(&b.text, &a.text),
            (scan::Kind::Path, _) | (_, scan::Kind::Path) => false,
            _ => match (scan::place(&a.text), scan::place(&b.text)) {
                (Some((host, port)), Some((other, its))) => {
                    host == other && (!is_loopback(&host) || port == its)
                }
                _ => false,
            },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_is_known_by_whatever_name() {
        assert!(is_same("ssh://me@web1.prod", "ssh://web1.prod"));
        assert!(is_same("https://shop.example.com/x", "http://shop.example.com:8080"));
        assert!(is_same("a b http://127.0.0.1:9090", "http://127.0.0.1:9090/x"));
        assert!(!is_same("http://127.0.0.1:9091", "http://127.0.0.1:9090"));
        assert!(is_same("/srv/shop", "/srv/shop/current") && is_same("/srv/shop/current", "/srv/shop"));
        assert!(!is_same("/srv/shop2", "/srv/shop") && !is_same("local", "ssh://web1"));
    }
}
