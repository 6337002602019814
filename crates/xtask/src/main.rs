//! The repository's own commands: `cargo xtask test` fetches what the tests need and runs them all.
//!
//! It needs cargo, a C linker and, for the first run, the network. Nothing outside the target
//! directory is changed, but for rustup components that are missing.

mod steps;
mod tools;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use steps::Step;

const USAGE: &str = "\
usage: cargo xtask test [--only STEP]

Fetches what the tests need, then runs every step and prints how long each took:
  fmt      formatting
  clippy   lints, warnings denied
  deny     bans, licenses and sources of dependencies
  tests    every test of the workspace
A part of `tests`, for --only:
  tidy     the repository's own rules: crate ranks, sizes, names, paths in documents
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Test(Vec<Step>),
    Help,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let steps = match parse(&arguments) {
        Ok(Request::Test(steps)) => steps,
        Ok(Request::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprint!("error: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match steps::run_all(&Workspace::locate(), &steps) {
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
        [] | ["help" | "--help" | "-h"] | ["test", "--help" | "-h"] => Ok(Request::Help),
        other => Err(format!("cannot read `{}`", other.join(" "))),
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
