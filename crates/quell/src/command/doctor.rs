//! `quell doctor`: can this machine and folder run Quell?

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use quell_index::Searcher;
use quell_store::{EmbeddedStore, StoreError, StoreSettings};

use crate::Outcome;
use crate::args::Doctor;
use crate::config::Config;
use crate::wiring;

/// One check: what was looked at, and what is wrong with it.
struct Check {
    what: String,
    outcome: Result<String, String>,
}

pub fn run(args: &Doctor) -> anyhow::Result<Outcome> {
    let config = match Config::load(&args.core) {
        Ok(config) => config,
        Err(error) => {
            println!("wrong  configuration: {error}");
            return Ok(Outcome::Config);
        }
    };
    let dir = args.data.clone().unwrap_or_else(|| PathBuf::from(config.get("run.data")));
    let checks = [
        Check { what: "taxonomy".to_owned(), outcome: taxonomy(&config) },
        Check { what: "adapter".to_owned(), outcome: adapter(&config) },
        Check { what: format!("address {}", config.get("run.listen")), outcome: address(&config) },
        Check { what: format!("data folder {}", dir.display()), outcome: folder(&dir) },
        Check { what: "index".to_owned(), outcome: index(&dir) },
        Check { what: "open files".to_owned(), outcome: open_files() },
        Check { what: "clock".to_owned(), outcome: clock() },
    ];
    let mut outcome = Outcome::Done;
    for check in checks {
        match check.outcome {
            Ok(detail) => println!("right  {}: {detail}", check.what),
            Err(detail) => {
                outcome = Outcome::Findings;
                println!("wrong  {}: {detail}", check.what);
            }
        }
    }
    Ok(outcome)
}

fn taxonomy(config: &Config) -> Result<String, String> {
    let taxonomy = wiring::taxonomy(config).map_err(|error| error.to_string())?;
    let findings = taxonomy.check();
    let errors: Vec<String> = findings
        .iter()
        .filter(|problem| problem.severity == quell_taxonomy::Severity::Error)
        .map(|problem| format!("\n    {problem}"))
        .collect();
    if errors.is_empty() { Ok(taxonomy.version().to_owned()) } else { Err(errors.concat()) }
}

fn adapter(config: &Config) -> Result<String, String> {
    wiring::adapter(config).map(|a| a.name().to_owned()).map_err(|error| error.to_string())
}

fn address(config: &Config) -> Result<String, String> {
    match TcpListener::bind(config.get("run.listen")) {
        Ok(_) => Ok("free".to_owned()),
        Err(error) => Err(format!("{error}; choose another with --listen or stop who has it")),
    }
}

fn folder(dir: &Path) -> Result<String, String> {
    if !dir.join("store").exists() {
        return Ok("not there yet; `quell run` makes it".to_owned());
    }
    match EmbeddedStore::open(&dir.join("store"), StoreSettings::default()) {
        Ok(store) => {
            let backlog = store.log_end().saturating_sub(store.committed());
            let bytes = store.disk_bytes().map_err(|error| error.to_string())?;
            Ok(format!("{bytes} bytes, {backlog} records wait to be worked on"))
        }
        Err(StoreError::InUse { .. }) => Ok("a Quell runs on it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn index(dir: &Path) -> Result<String, String> {
    if !dir.join("index").exists() {
        return Ok("not there yet".to_owned());
    }
    let searcher = Searcher::open(dir.join("index"));
    searcher.map(|s| format!("{} contacts", s.live_contacts())).map_err(|error| error.to_string())
}

/// The store and the index keep many files open.
fn open_files() -> Result<String, String> {
    const WANTED: u64 = 1_024;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    match soft.map(str::parse::<u64>) {
        Some(Ok(soft)) if soft < WANTED => {
            Err(format!("only {soft} allowed; raise it to {WANTED} (ulimit -n {WANTED})"))
        }
        Some(_) => Ok(format!("{} allowed", soft.unwrap_or_default())),
        None => Ok("the system does not say".to_owned()),
    }
}

/// A clock that is years off would reject every event as far ahead, or let none complete.
fn clock() -> Result<String, String> {
    let now = quell_ports::Clock::now(&crate::clock::SystemClock);
    let text = now.to_string();
    if text.as_str() < "2026" { Err(format!("{text} lies in the past; set it")) } else { Ok(text) }
}
