//! The repository's own commands: `cargo xtask test` fetches what the tests need and runs them all;
//! `cargo xtask soak` disturbs a real cluster; `cargo xtask kafka` starts one.
//!
//! It needs cargo, a C compiler and, for the first run, the network. Nothing outside the target
//! directory is changed, but for what is missing of rustup's components, Java, Maven, Node.js,
//! Python and systemd.

mod kafka;
mod soak;
mod steps;
mod tools;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use steps::Step;

const USAGE: &str = "\
usage: cargo xtask test [--only STEP]
       cargo xtask soak [ROUNDS [FIRST]]
       cargo xtask kafka up [NODES] | down

test: Fetches what the tests need, then runs every step and prints how long each took:
  fmt      formatting
  clippy   lints, warnings denied
  deny     bans, licenses and sources of dependencies
  deploy   dashboards, image, Compose file, Helm chart and units, without running them
  tests    every test of the workspace
A part of `tests`, for --only:
  tidy     the repository's own rules: crate ranks, sizes, names, paths in documents

soak: disturbs workers and broker of a real cluster, each fault ROUNDS times (20), and compares what
comes out with a replay. A soak that ended early goes on with the round FIRST (0).

kafka: starts a real Apache Kafka of 1 to 5 nodes on free ports of this machine and prints where
clients find it; or stops it.
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Test(Vec<Step>),
    Soak(soak::Rounds),
    Kafka(kafka::Action),
    Help,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workspace = Workspace::locate();
    let outcome = match parse(&arguments) {
        Ok(Request::Test(steps)) => steps::run_all(&workspace, &steps),
        Ok(Request::Soak(rounds)) => soak::run(&workspace, rounds),
        Ok(Request::Kafka(action)) => kafka::run(&workspace, action),
        Ok(Request::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprint!("error: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[&str]) -> Result<Request, String> {
    match arguments {
        ["test"] => Ok(Request::Test(Step::ALL.to_vec())),
        ["test", "--only", name] => match Step::named(name) {
            Some(step) => Ok(Request::Test(vec![step])),
            None => Err(format!("there is no step `{name}`")),
        },
        ["test", "--only"] => Err("--only needs the name of a step".to_owned()),
        ["soak"] => Ok(Request::Soak(soak::Rounds { count: soak::ROUNDS, first: 0 })),
        ["soak", count] => soak_of(count, "0"),
        ["soak", count, first] => soak_of(count, first),
        ["kafka", action @ ..] => match kafka::Action::parse(action) {
            Some(action) => Ok(Request::Kafka(action)),
            None => Err("`kafka` takes `up`, `up` and 1 to 5 nodes, or `down`".to_owned()),
        },
        [] | ["help" | "--help" | "-h"] | ["test", "--help" | "-h"] => Ok(Request::Help),
        other => Err(format!("cannot read `{}`", other.join(" "))),
    }
}

fn soak_of(count: &str, first: &str) -> Result<Request, String> {
    match (count.parse(), first.parse()) {
        (Ok(count), Ok(first)) if count > 0 => Ok(Request::Soak(soak::Rounds { count, first })),
        _ => Err("`soak` takes the number of rounds, 1 or more, and the first one".to_owned()),
    }
}

/// Where things are.
struct Workspace {
    root: PathBuf,
    /// Tools of pinned versions, kept between runs, thrown away with the target directory.
    tools: PathBuf,
}

impl Workspace {
    fn locate() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.ancestors().nth(2).unwrap_or(manifest).to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        Self { root, tools: target.join("tools") }
    }
}
