//! Running the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary that the workspace's tests have built beside them.
///
/// # Panics
/// When it is not there, with what to do.
pub fn quell() -> PathBuf {
    let mut dir = std::env::current_exe().expect("the test knows where it is");
    dir.pop();
    if dir.ends_with("deps") {
        dir.pop();
    }
    let path = dir.join("quell");
    assert!(path.is_file(), "{} is missing: run `cargo build -p quell` first", path.display());
    path
}

/// Runs it to its end, from the repository's root.
///
/// # Panics
/// When it cannot be started.
pub fn run(args: &[&str]) -> Output {
    let mut command = Command::new(quell());
    command.args(args).current_dir(root()).output().expect("quell starts")
}

/// Replays one input into a folder and returns the files' texts by name.
///
/// # Panics
/// When the replay fails.
pub fn replay(out: &Path, args: &[&str]) -> Vec<(&'static str, String)> {
    let out_text = out.to_string_lossy();
    let mut all = vec!["replay", "--out", &out_text];
    all.extend(args);
    let output = run(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    FILES
        .map(|name| {
            let text = std::fs::read_to_string(out.join(name)).expect("the file is there");
            (name, text)
        })
        .to_vec()
}

/// What a running quell answers to a GET.
///
/// # Panics
/// When it does not answer, or not with JSON.
pub fn get(url: &str, path: &str) -> serde_json::Value {
    let mut answer = ureq::get(format!("{url}{path}")).call().expect("a running quell answers");
    let text = answer.body_mut().read_to_string().expect("the answer is text");
    serde_json::from_str(&text).expect("the answer is JSON")
}

/// What a replay writes.
pub const FILES: [&str; 7] = [
    "contacts.ndjson",
    "repeats.ndjson",
    "trends.ndjson",
    "issues.ndjson",
    "candidates.ndjson",
    "dlq.ndjson",
    "summary.json",
];
