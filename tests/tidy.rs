//! The repository's own rules, held by a test: who may import whom, what the pure crates may not
//! touch, how long things get, what they may be called, and that documents name what exists.
//!
//! Each violation tells the file, the line, what is wrong and what to do. The lists of exceptions
//! are next to the rules, in `tests/tidy/`; an entry needs a reason.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use manifests::{Lock, Manifest};
use source::Source;
use toml::{Table, Value};

#[test]
fn crates_import_lower_ranks_only() {
    report(manifests::check_ranks(&all_manifests()));
}

#[test]
fn libraries_stay_in_their_crates_and_out_of_the_pure_ones() {
    let lock = Lock::parse(&read("Cargo.lock"));
    report(manifests::check_libraries(&all_manifests(), &lock));
}

#[test]
fn the_architecture_document_names_the_crates_and_their_ranks() {
    report(manifests::check_architecture(&read("ARCHITECTURE.md"), &all_manifests()));
}

#[test]
fn pure_crates_touch_nothing_outside() {
    report(shipped_pure_sources().iter().flat_map(code::check_purity).collect());
}

#[test]
fn pure_crates_show_no_hash_order() {
    report(shipped_pure_sources().iter().flat_map(code::check_hash_maps).collect());
}

#[test]
fn exceptions_are_still_needed() {
    report(code::check_exceptions(&all_sources()));
}

#[test]
fn lines_are_at_most_100_chars() {
    report(all_sources().iter().flat_map(code::check_lines).collect());
}

#[test]
fn functions_are_at_most_70_lines() {
    report(all_sources().iter().flat_map(code::check_functions).collect());
}

#[test]
fn files_without_tests_are_at_most_400_lines() {
    report(shipped_sources().iter().flat_map(code::check_file_length).collect());
}

#[test]
fn files_and_modules_are_named_after_what_they_hold() {
    report(all_sources().iter().flat_map(code::check_names).collect());
}

#[test]
fn no_test_is_skipped() {
    report(all_sources().iter().flat_map(code::check_ignored_tests).collect());
}

#[test]
fn no_file_is_dead() {
    let mut violations = code::check_dead_files(&all_sources());
    let files = all_files();
    let tests = files.iter().filter(|path| {
        path.strip_prefix("tests/").is_some_and(|name| name.ends_with(".rs") && !name.contains('/'))
    });
    let tests: Vec<String> = tests.cloned().collect();
    violations.extend(manifests::check_test_entries(&read("tests/Cargo.toml"), &tests));
    report(violations);
}

#[test]
fn paths_named_in_documents_exist() {
    let mut documents = vec!["ARCHITECTURE.md".to_owned(), "README.md".to_owned()];
    // Decision records tell of their day; what they name may be gone.
    let is_document = |path: &&String| {
        path.strip_prefix("docs/").is_some_and(|name| name.ends_with(".md"))
            && !path.starts_with("docs/adr/")
    };
    documents.extend(all_files().iter().filter(is_document).cloned());
    let exists = |path: &str| root().join(path).exists();
    let check = |path: &String| match fs::read_to_string(root().join(path)) {
        Ok(text) => documents::check_paths(path, &text, exists),
        Err(error) => vec![Violation::new(path, 1, error.to_string(), "write it")],
    };
    report(documents.iter().flat_map(check).collect());
}

#[test]
fn the_text_speaks_of_quell_and_leaves_nothing_undone() {
    let mut violations = Vec::new();
    for path in all_files() {
        // What is not UTF-8 (archives, examples of broken input) holds no sentences.
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            violations.extend(documents::check_words(&path, &text));
        }
    }
    report(violations);
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    path: String,
    line: usize,
    what: String,
    remedy: String,
}

impl Violation {
    fn new(path: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    {}", self.path, self.line, self.what, self.remedy)
    }
}

#[track_caller]
fn report(violations: Vec<Violation>) {
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "{} violations\n{}\n", lines.len(), lines.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads a file of the repository that must be there.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of the repository, in order, without what is built or downloaded.
fn all_files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = root().join(&folder);
        let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for entry in entries {
            let entry = entry.unwrap_or_else(|error| panic!("{folder}: {error}"));
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            match entry.file_type() {
                _ if is_produced(&name) => {}
                Ok(kind) if kind.is_file() => files.push(path),
                Ok(kind) if kind.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// What is not part of the repository: the same as in `.gitignore`, and git's own.
fn is_produced(name: &str) -> bool {
    matches!(name, ".git" | "target" | "quell-data")
}

fn all_sources() -> Vec<Source> {
    let files = all_files().into_iter().filter(|path| path.ends_with(".rs"));
    files.map(|path| Source::new(&path, &read(&path))).collect()
}

fn shipped_sources() -> Vec<Source> {
    let sources = all_sources();
    let tests = code::test_files(&sources);
    sources.into_iter().filter(|source| !tests.contains(&source.path)).collect()
}

fn shipped_pure_sources() -> Vec<Source> {
    let pure = all_manifests().into_iter().filter(Manifest::is_pure);
    let folders: Vec<String> =
        pure.map(|manifest| manifest.path.replace("Cargo.toml", "src/")).collect();
    let is_pure = |source: &Source| folders.iter().any(|folder| source.path.starts_with(folder));
    shipped_sources().into_iter().filter(is_pure).collect()
}

/// The manifests of the workspace's crates.
fn all_manifests() -> Vec<Manifest> {
    let workspace: Table = read("Cargo.toml").parse().expect("Cargo.toml is read by cargo");
    let shared = workspace["workspace"].get("dependencies").and_then(Value::as_table);
    let shared = shared.cloned().unwrap_or_default();
    let is_member = |path: &String| {
        let parts: Vec<&str> = path.split('/').collect();
        matches!(parts[..], ["crates", _, "Cargo.toml"] | ["tests", "Cargo.toml"])
    };
    let files = all_files().into_iter().filter(is_member);
    let manifests = files.map(|path| Manifest::parse(&path, &read(&path), &shared));
    let manifests: Vec<Manifest> =
        manifests.map(|manifest| manifest.unwrap_or_else(|error| panic!("{error}"))).collect();
    assert!(manifests.len() > 10, "the crates are found");
    manifests
}
