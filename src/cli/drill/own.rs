//! Runbooks of the person's own as a drill: each name of production gets a stand-in, or nothing is started.

use super::production;
use crate::{
    cli::{exit, step},
    config::{self, Config, Flags},
    domain::{plan::Runbook, text},
    drill::{
        ground::{PREFIX, Places},
        own::Own,
    },
    runbook::outside::{Kind, Named, Remapped, Stand, known},
};
use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};

/// What stands for what a runbook names.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct StandArgs {
    /// What a runbook names, and its stand-in: practice:NAME of the practice world, or one of your own
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub map: Vec<String>,
    /// Paths and commands that stay as they are: you vouch that they reach nothing of production
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub keep: Vec<String>,
}

impl StandArgs {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty() && self.keep.is_empty()
    }

    /// What was typed, over what the configuration says.
    ///
    /// # Errors
    /// What is no NAME=VALUE.
    pub fn stand(&self, config: &Config) -> Result<Stand, String> {
        let mut stand =
            Stand { map: config.drill.map.clone(), keep: config.drill.keep.iter().cloned().collect() };
        for (name, value) in self.pairs()? {
            stand.keep.remove(&name);
            stand.map.insert(name, value);
        }
        for name in &self.keep {
            stand.map.remove(name);
            stand.keep.insert(name.clone());
        }
        Ok(absolute(stand))
    }

    fn pairs(&self) -> Result<Vec<(String, String)>, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for given in &self.map {
            let mut first = true;
            for part in given.split(',') {
                match (part.split_once('='), pairs.last_mut()) {
                    (Some((name, value)), _) if !name.is_empty() => pairs.push((name.into(), value.into())),
                    // A comma in a value.
                    (_, Some((_, value))) if !first => {
                        value.push(',');
                        value.push_str(part);
                    }
                    _ => return Err(format!("--map {:?} is not NAME=VALUE", text::line(part))),
                }
                first = false;
            }
        }
        Ok(pairs)
    }

    /// Names that were typed.
    fn typed(&self) -> BTreeSet<String> {
        let pairs = self.pairs().unwrap_or_default().into_iter().map(|(name, _)| name);
        pairs.chain(self.keep.iter().cloned()).collect()
    }
}

/// Reads the runbooks, gives each name its stand-in, and refuses what would reach production.
///
/// # Errors
/// What is wrong, whole, and the exit code for it.
pub(super) fn prepare(
    files: &[String],
    args: &StandArgs,
    own: Option<&PathBuf>,
) -> Result<Own, (String, u8)> {
    let usage = |why: String| (why, exit::USAGE);
    let config = config::load(&config::Ask::here(own.cloned(), Flags::default()))
        .map_err(|report| {
            usage(format!(
                "{report}\nwithout your configuration nobody knows what production is: nothing was started"
            ))
        })?
        .config;
    let stand = args.stand(&config).map_err(usage)?;
    let mut runbooks: Vec<Runbook> = Vec::new();
    for file in files {
        runbooks.push((*step::load(file).map_err(|refusal| usage(refusal.to_string()))?).clone());
    }
    let own = Own { runbooks, stand };
    let remapped = own.remapped(&Places::before()).map_err(|wrong| usage(wrong.join("\n")))?;
    let mut wrong: Vec<String> = remapped.iter().flat_map(|one| one.wrong.clone()).collect();
    wrong.extend(production::refused(&config, &own.runbooks, &own.stand));
    let used: BTreeSet<&String> = remapped.iter().flat_map(|one| &one.used).collect();
    let names = files.join(", ");
    for name in args.typed().iter().filter(|name| !used.contains(name)) {
        wrong.push(format!("nothing in {names} is called {name}"));
    }
    wrong.sort();
    wrong.dedup();
    let left = unmapped(files, &own.runbooks, &remapped, args);
    if wrong.is_empty() && left.is_empty() {
        return Ok(own);
    }
    let mut said = String::new();
    for line in &wrong {
        let _ = writeln!(said, "{}", text::line(line));
    }
    said.push_str(&left);
    said.push_str("nothing was started");
    Err((said, exit::REFUSED))
}

/// Programs of one's own are named from where one stands; steps run elsewhere.
fn absolute(mut stand: Stand) -> Stand {
    for value in stand.map.values_mut() {
        if (value.starts_with("./") || value.starts_with("../"))
            && let Ok(whole) = std::path::absolute(&*value)
        {
            *value = whole.to_string_lossy().into_owned();
        }
    }
    stand
}

/// What has no stand-in, with what to type; empty where everything has one.
fn unmapped(files: &[String], runbooks: &[Runbook], remapped: &[Remapped], args: &StandArgs) -> String {
    let mut out = String::new();
    let mut map: Vec<String> = args.map.clone();
    let mut keep: Vec<String> = args.keep.clone();
    for (runbook, one) in runbooks.iter().zip(remapped).filter(|(_, one)| !one.left.is_empty()) {
        let _ = writeln!(
            out,
            "{} names what a drill must not reach. Each needs a stand-in:",
            text::line(&runbook.source)
        );
        for named in &one.left {
            let _ = writeln!(out, "{}", line(named));
            match suggested(named) {
                Some(value) => map.push(format!("{}={value}", named.name)),
                None => keep.push(named.name.clone()),
            }
        }
    }
    if out.is_empty() {
        return out;
    }
    let mut seen = BTreeSet::new();
    map.retain(|pair| seen.insert(pair.clone()));
    keep.retain(|name| seen.insert(name.clone()));
    let files: Vec<String> = files.iter().map(|file| format!("--runbook {}", quoted(file))).collect();
    let mut typed = format!("  warroom drill {}", files.join(" "));
    if !map.is_empty() {
        let _ = write!(typed, " --map {}", quoted(&map.join(",")));
    }
    if !keep.is_empty() {
        let _ = write!(typed, " --keep {}", quoted(&keep.join(",")));
    }
    let _ = writeln!(
        out,
        "as in (put your stand-ins in; for good they stand in warroom.toml, [drill]):\n{typed}"
    );
    let _ = writeln!(out, "practice targets: {}", Places::names());
    out.push_str(
        "--keep is for paths and commands alone that you vouch for; steps of a drill have a HOME of its own and none of your credentials\n",
    );
    out
}

/// One name that needs a stand-in.
fn line(named: &Named) -> String {
    let place = if named.line == 0 { "front matter".to_owned() } else { format!("line {}", named.line) };
    let says = if named.says.is_empty() { String::new() } else { format!(" ({})", named.says) };
    text::line(&format!("  {:<11} {}{says}, {place}", named.kind.word(), named.name)).into_owned()
}

/// A stand-in that may do; none where it may be one's own to vouch for.
fn suggested(named: &Named) -> Option<String> {
    let practice = |name: &str| Some(format!("{PREFIX}{name}"));
    match named.kind {
        Kind::Target => Some("local".into()),
        Kind::Service | Kind::Source => Some("checkout".into()),
        Kind::Input | Kind::Placeholder => Some("VALUE".into()),
        Kind::Url => practice("checkout-1"),
        Kind::Host => Some("STAND-IN".into()),
        Kind::Path => practice("srv/checkout"),
        Kind::Command if known::reaches(&named.name) => Some("STAND-IN".into()),
        Kind::Command => None,
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Prints what would run, stand-ins in place.
pub(super) fn dry_run(own: &Own) -> u8 {
    let remapped = own.remapped(&Places::before()).unwrap_or_default();
    exit::say(
        "DRILL, dry run: nothing is started. Addresses under .practice, and paths under /practice, are known when the",
    );
    exit::say("practice world is up.");
    for one in remapped {
        say!("\n# {}", text::line(&one.runbook.title));
        if let Some(section) = one.runbook.sections.first().filter(|section| section.line == 0) {
            exit::say(text::block(&section.text));
        }
        step::print_dry_run(&one.runbook);
    }
    exit::DONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_where_a_name_begins() {
        let args = |map: &[&str]| StandArgs {
            map: map.iter().map(|one| (*one).to_owned()).collect(),
            keep: Vec::new(),
        };
        let pairs = args(&["a=1,b=2", "c=x,y,z", "http://h=d"]).pairs().unwrap();
        let wanted = [("a", "1"), ("b", "2"), ("c", "x,y,z"), ("http://h", "d")];
        assert_eq!(pairs, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for bad in ["a", "=x", ",a=1"] {
            assert!(args(&[bad]).pairs().unwrap_err().contains("NAME=VALUE"), "{bad}");
        }
        assert!(args(&["a=1", "b"]).pairs().is_err(), "another --map is not a comma");
    }
}
