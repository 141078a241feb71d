//! A runbook read and derived, beside the Markdown parser below it alone: the shipped runbooks, and all of the tests'
//! corpus. Ends with the slowest file by the byte, for a person opens one file and waits for that.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use pulldown_cmark::{Options, Parser};
use std::{fs, hint::black_box, path::PathBuf};
use support::{Asked, Goal, head, in_turns, row, seconds};
use warroom::runbook;

fn main() {
    let asked = Asked::here();
    let shipped: Vec<_> =
        runbook::BUILTIN.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let corpus = corpus();
    head("runbook: read, derived and linted");
    for (name, files, repeat) in
        [("the shipped ones", &shipped, asked.pick(40, 1)), ("the corpus, hostile files too", &corpus, 1)]
    {
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let megabytes = (bytes * repeat) as f64 / 1e6;
        let [ours, bare] = in_turns(
            asked.pick(7, 1),
            [
                &mut || megabytes / seconds(|| (0..repeat).for_each(|_| files.iter().for_each(read))),
                &mut || megabytes / seconds(|| (0..repeat).for_each(|_| files.iter().for_each(events))),
            ],
        );
        row(name, ours, "MB/s", Some(("pulldown-cmark alone", bare)), Goal::None);
    }
    let slowest = shipped.iter().chain(&corpus).filter(|(_, bytes)| bytes.len() > 200).map(|file| {
        let took = (0..3).map(|_| seconds(|| read(file))).fold(f64::MAX, f64::min);
        (took / file.1.len() as f64, took, file)
    });
    let (_, took, (name, bytes)) = slowest.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let whole = shipped.iter().map(|file| seconds(|| read(file))).fold(0.0, f64::max);
    row("the slowest shipped one", whole * 1e3, "ms", None, Goal::AtMost(5.0));
    let bare = seconds(|| events(&(name.clone(), bytes.clone()))) * 1e3;
    row(
        &format!("{name}, {} bytes", bytes.len()),
        took * 1e3,
        "ms",
        Some(("pulldown-cmark alone", bare)),
        Goal::None,
    );
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/runbooks");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn read((name, bytes): &(String, Vec<u8>)) {
    black_box(runbook::parse(name, bytes));
}

fn events((_, bytes): &(String, Vec<u8>)) {
    let text = String::from_utf8_lossy(bytes);
    black_box(Parser::new_ext(&text, Options::all()).into_offset_iter().count());
}
