//! `quell tagger` as people call it: with word vectors and without.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quell_tests::binary::quell;
use serde_json::{Value, json};

/// Labels with the words of their training texts and new ones of the same meaning.
const MEANINGS: [(&str, [&str; 3], [&str; 3]); 3] = [
    ("refund", ["refund", "money", "repay"], ["cashback", "payout", "restitution"]),
    ("delivery", ["parcel", "courier", "shipment"], ["dispatch", "freight", "mailman"]),
    ("login", ["password", "login", "account"], ["credentials", "userid", "keyphrase"]),
];
const FILLERS: [&str; 4] = ["today", "monday", "urgent", "hello"];

struct Desk {
    _dir: tempfile::TempDir,
    train: PathBuf,
    test: PathBuf,
    vectors: PathBuf,
    model: PathBuf,
}

fn desk() -> Desk {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str| dir.path().join(name);
    let (train, test) = (file("train.ndjson"), file("test.ndjson"));
    let (vectors, model) = (file("words.vec"), file("reasons.model"));
    let (mut known, mut new, mut table) = (String::new(), String::new(), "22 3\n".to_owned());
    for (at, (label, words, synonyms)) in MEANINGS.into_iter().enumerate() {
        for (out, words) in [(&mut known, words), (&mut new, synonyms)] {
            for (n, word) in words.iter().cycle().take(36).enumerate() {
                let text = format!("{} {word} {}", FILLERS[n % 4], words[(n / 3) % 3]);
                *out += &format!("{}\n", json!({"text": text, "label": label, "lang": "en"}));
            }
        }
        for (n, word) in words.into_iter().chain(synonyms).enumerate() {
            let mut numbers = [0.05 * n as f64; 3];
            numbers[at] += 1.0;
            table += &format!("{word} {} {} {}\n", numbers[0], numbers[1], numbers[2]);
        }
    }
    for filler in FILLERS {
        table += &format!("{filler} -1 -1 -1\n");
    }
    for (path, text) in [(&train, known), (&test, new), (&vectors, table)] {
        std::fs::write(path, text).expect("written");
    }
    Desk { _dir: dir, train, test, vectors, model }
}

fn tagger(arguments: &[&str], files: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(quell());
    command.arg("tagger").args(arguments).args(["--text", "text", "--lang", "lang"]);
    for (name, path) in files {
        if !name.is_empty() {
            command.arg(name);
        }
        command.arg(path);
    }
    command.output().expect("quell runs")
}

fn measured(desk: &Desk, vectors: &[(&str, &Path)]) -> Value {
    let mut files: Vec<(&str, &Path)> = vec![("--train", &desk.train), ("--test", &desk.test)];
    files.extend(vectors);
    let output = tagger(&["eval", "--json", "--label", "label"], &files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON alone")
}

#[test]
fn vectors_make_new_words_understood() {
    let desk = desk();
    let accuracy = |found: &Value| found["accuracy"].as_f64().expect("a share");
    let (without, with) = (measured(&desk, &[]), measured(&desk, &[("--vectors", &desk.vectors)]));
    assert!(accuracy(&without) < 0.6, "{without}");
    assert!(accuracy(&with) > 0.9, "{with}");
    assert!(with["model_bytes"].as_u64() > without["model_bytes"].as_u64());
}

#[test]
fn a_model_with_vectors_is_the_same_each_time_and_explains_itself() {
    let desk = desk();
    let train = || {
        let files: [(&str, &Path); 3] =
            [("--vectors", &desk.vectors), ("--model", &desk.model), ("", &desk.train)];
        let output = tagger(&["train", "--label", "label"], &files);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(&desk.model).expect("a model")
    };
    assert_eq!(train(), train());
    let files: [(&str, &Path); 2] = [("--model", &desk.model), ("", &desk.test)];
    let output = tagger(&["explain"], &files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let first = String::from_utf8(output.stdout).expect("UTF-8");
    let first: Value = serde_json::from_str(first.lines().next().expect("a row")).expect("JSON");
    assert_eq!(first["labels"][0]["label"], "refund");
    assert_eq!(first["labels"][0]["words"][0]["matched"], "cashback");
}

#[test]
fn a_file_that_is_no_table_is_refused_by_line() {
    let desk = desk();
    std::fs::write(&desk.vectors, "refund 1 2 3\nparcel 1 2\n").expect("written");
    let files: [(&str, &Path); 3] =
        [("--train", &desk.train), ("--test", &desk.test), ("--vectors", &desk.vectors)];
    let output = tagger(&["eval", "--label", "label"], &files);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("words.vec") && said.contains("line 2"), "{said}");
}
