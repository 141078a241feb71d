//! Layers put together, read and judged. Pure: what is on the disk is told by [`World`].

use super::{
    DEFAULT, check,
    flags::Flags,
    journal, merge,
    model::Config,
    paths,
    places::SYSTEM,
    problem::{File, Files, Problem, Report},
    read,
    tree::{self, Node, Value},
};
use std::path::{Path, PathBuf};

/// What judging a configuration needs to know of the machine.
pub struct World<'a> {
    /// Home directory, for `~/`.
    pub home: Option<PathBuf>,
    /// Whether a file or directory is there.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

/// A configuration that something can start with.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is probably not meant.
    pub warnings: Report,
    /// The merged tree, for origins.
    pub(super) tree: Node,
    /// Where its parts came from.
    pub(super) files: Files,
}

impl Loaded {
    /// The files that were read, the weakest layer first, the built-in defaults left out.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().skip(1).map(|file| file.name.as_str())
    }

    /// Whether the file of the whole machine says this, and no other layer.
    pub fn is_of_machine(&self, key: &str) -> bool {
        let settings = self.settings();
        let origin =
            settings.iter().find(|setting| setting.key == key).map(|setting| setting.origin.as_str());
        origin.and_then(|at| at.rsplit_once(':')).is_some_and(|(file, _)| file == SYSTEM)
    }
}

/// Puts the built-in defaults, these files in their order, and the flags over one another.
///
/// # Errors
/// All that is wrong, where at least one thing is an error.
pub fn assemble(layers: Vec<File>, flags: &Flags, world: &World<'_>) -> Result<Loaded, Report> {
    let mut files =
        vec![File { name: "built-in defaults".into(), dir: PathBuf::from("/"), text: DEFAULT.into() }];
    files.extend(layers);
    let mut problems = Vec::new();
    let mut trees: Vec<Node> = Vec::new();
    for index in 0..files.len() {
        match tree::parse(&files, index) {
            Ok(tree) => trees.push(tree),
            Err(mut syntax) => problems.append(&mut syntax),
        }
    }
    if !problems.is_empty() {
        return Err(Report::new(problems));
    }
    let taken = trees.iter().flat_map(prometheus).collect();
    if let Some(tree) = flags.layer(&mut files, &taken) {
        trees.push(tree);
    }
    let mut merged = Node::empty(0);
    for mut tree in trees {
        journal::written_out(&mut tree);
        merge::severities(&mut tree, &files, &mut problems);
        paths::absolute(&mut tree, &files, world.home.as_deref());
        merge::merge(&mut merged, tree);
    }
    let whole = merged.clone();
    let config: Option<Config> = read::read(&mut merged, &files, &mut problems);
    let Some(config) = config else { return Err(Report::new(problems)) };
    problems.extend(check::check(&config, &merged, &whole, &files, world));
    let report = Report::new(problems);
    if report.broken() {
        return Err(report);
    }
    Ok(Loaded { config, warnings: report, tree: merged, files })
}

/// Names of the Prometheus servers of a layer, and of whatever else took such a name.
fn prometheus(tree: &Node) -> Vec<String> {
    let Some(Value::List(sources)) = tree.get("source").map(|entry| &entry.node.value) else {
        return Vec::new();
    };
    let text = |source: &Node, key: &str| match source.get(key).map(|entry| &entry.node.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let name = |source| {
        text(source, "name").or_else(|| (text(source, "kind")? == "prometheus").then(|| "prom".into()))
    };
    sources.iter().filter_map(name).collect()
}

/// Bytes as the text of a layer.
///
/// # Errors
/// Where they are not UTF-8, with the place of the first byte that is not.
pub fn layer(name: &str, dir: &Path, raw: Vec<u8>) -> Result<File, Report> {
    let file = |text: String| File { name: name.to_owned(), dir: dir.to_owned(), text };
    if raw.starts_with(&[0xff, 0xfe]) || raw.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::of_file(name, "the file is UTF-16", "save it as UTF-8").into());
    }
    String::from_utf8(raw).map(file).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let files = vec![file(String::from_utf8_lossy(error.as_bytes()).into_owned())];
        let at = tree::At { file: 0, start, end: start + 3 };
        let byte = error.as_bytes().get(start).copied().unwrap_or_default();
        Problem::error(&files, at, String::new(), format!("not UTF-8: byte 0x{byte:02x}"))
            .help("save the file as UTF-8")
            .into()
    })
}
