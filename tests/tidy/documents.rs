//! Rules over documents and all other text.

use crate::Violation;

/// A word in backticks that starts with one of these is a path of this repository.
const FOLDERS: &[&str] =
    &["adapters/", "crates/", "deploy/", "docs/", "samples/", "schemas/", "taxonomies/", "tests/"];

/// What no text of the repository contains. Each is written in two halves, since this file is
/// one of those texts.
const FORBIDDEN: &[(&str, &str, &str, &str)] = &[
    (
        "/wo",
        "rk/",
        "a path of one machine",
        "name a path inside the repository, or make it a setting",
    ),
    ("index.", "crates.io", "a package host", "leave the choice of registry to cargo's settings"),
    ("static.", "crates.io", "a package host", "leave the choice of registry to cargo's settings"),
    ("proxy.", "golang.org", "a package host", "leave the choice of registry to the user"),
    ("deb.", "debian.org", "a package host", "leave the choice of mirror to apt's settings"),
    ("assi", "stant", "is not about Quell", "say what the program does for its users"),
    ("TO", "DO", "work left undone", "do it now, or describe it where work is planned"),
    ("FIX", "ME", "work left undone", "do it now, or describe it where work is planned"),
    ("todo", "!(", "work left undone", "write the code, or return an error"),
    ("unimplemented", "!(", "work left undone", "write the code, or return an error"),
    ("```ig", "nore", "skips a test", "let it compile: mark it text, or no_run"),
];

/// Customers' own words, kept as they were written.
const NOT_OUR_WORDS: &[&str] = &["samples/", "Cargo.lock"];

/// Every path that a document names in backticks or links to exists.
pub fn check_paths(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Violation> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut violations = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let words = line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
        let named = words.filter_map(repository_path).map(str::to_owned);
        let linked = links(line).into_iter().map(|target| join(folder, target));
        for target in named.chain(linked) {
            if !exists(&target) {
                violations.push(Violation::new(
                    path,
                    index + 1,
                    format!("names {target}, which is not there"),
                    "correct the path, or add what is missing",
                ));
            }
        }
    }
    violations
}

/// The part of a word that must exist: `crates/*/src` asks for `crates`, `tests/a.rs:12` for the
/// file.
fn repository_path(word: &str) -> Option<&str> {
    let word = word.trim_start_matches(['"', '\'', '(']);
    let word = word.trim_end_matches(['"', '\'', ')', ',', ';', '.']);
    let word = word.strip_prefix("./").unwrap_or(word);
    if !FOLDERS.iter().any(|folder| word.starts_with(folder)) {
        return None;
    }
    let word = word.split(':').next()?;
    let fixed = match word.find(['*', '<', '{', '…', '[', '$']) {
        Some(pattern) => word[..pattern].rsplit_once('/')?.0,
        None => word,
    };
    Some(fixed.trim_end_matches('/'))
}

/// Targets of Markdown links inside the repository.
fn links(line: &str) -> Vec<&str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':')).collect()
}

fn join(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The text speaks of Quell alone, and leaves nothing for later.
pub fn check_words(path: &str, text: &str) -> Vec<Violation> {
    if NOT_OUR_WORDS.iter().any(|exempt| path.starts_with(exempt)) {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (head, tail, what, remedy) in FORBIDDEN {
            let word = format!("{head}{tail}");
            if contains_word(line, &word) {
                let what = format!("contains \"{word}\": {what}");
                violations.push(Violation::new(path, index + 1, what, *remedy));
            }
        }
    }
    violations
}

/// Capitals count in words of capitals alone. A word of letters stands alone or has an ending;
/// it is not the middle of another.
fn contains_word(line: &str, word: &str) -> bool {
    let line = if word.chars().any(char::is_lowercase) { line.to_lowercase() } else { line.into() };
    let capitals = word.chars().all(char::is_uppercase);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let starts_within_another = match word.starts_with('/') {
            true => is_letter(before) || before == Some('.'),
            false => word.starts_with(char::is_alphanumeric) && is_letter(before),
        };
        let ends_within_another = capitals && is_letter(after);
        !starts_within_another && !ends_within_another
    })
}
