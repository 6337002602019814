//! Measures embedded stores on the load of one Quell turn, and kills them in the middle of it.
//!
//! `store-choice measure ENGINE DIR [CONTACTS]` and `store-choice crash ENGINE DIR [ROUNDS]`, where
//! DIR does not exist yet. One engine per process, so that memory is its own.

mod crash;
mod engines;
mod measure;
mod turn;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use engines::Engine;

/// Contacts of history when no number is given.
const CONTACTS: u64 = 1_000_000;
/// Kills when no number is given.
const ROUNDS: u64 = 20;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("store-choice: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    let [task, engine, dir, rest @ ..] = words else {
        return Err("use: store-choice measure|crash ENGINE DIR [NUMBER]".into());
    };
    let number = rest.first().map(|word| word.parse()).transpose()?;
    match *engine {
        #[cfg(feature = "fjall")]
        "fjall" => run_on::<engines::fjall::Fjall>(task, engine, dir, number),
        #[cfg(feature = "redb")]
        "redb" => run_on::<engines::redb::Redb>(task, engine, dir, number),
        #[cfg(feature = "rocksdb")]
        "rocksdb" => run_on::<engines::rocksdb::Rocksdb>(task, engine, dir, number),
        #[cfg(feature = "sqlite")]
        "sqlite" => run_on::<engines::sqlite::Sqlite>(task, engine, dir, number),
        _ => Err(format!("the engine {engine} is unknown or not compiled in").into()),
    }
}

fn run_on<E: Engine>(task: &str, engine: &str, dir: &str, number: Option<u64>) -> Outcome {
    let dir = Path::new(dir);
    match task {
        "measure" => measure::measure::<E>(engine, dir, number.unwrap_or(CONTACTS)),
        "crash" => crash::crash::<E>(engine, dir, number.unwrap_or(ROUNDS)),
        "victim" => crash::victim::<E>(dir),
        _ => Err(format!("the task {task} is unknown").into()),
    }
}
