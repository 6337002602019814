//! The steps of `cargo xtask test`: their commands, their order, their timing.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::Workspace;
use crate::tools::{self, Tool};

/// One part of the whole test run, which can also be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Fmt,
    Clippy,
    Deny,
    Deploy,
    Tests,
    Tidy,
}

/// A command of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// cargo with these arguments.
    Cargo(&'static [&'static str]),
    /// Node.js with a program of the repository; its packages are in the folder named last.
    Node(&'static str),
    /// Python, in the environment that `deploy/check` has.
    Python(&'static [&'static str]),
}

impl Step {
    /// What `cargo xtask test` runs. `Tidy` is one of the tests, so it is not named again.
    pub const ALL: [Step; 5] = [Step::Fmt, Step::Clippy, Step::Deny, Step::Deploy, Step::Tests];

    const NAMED: [Step; 6] =
        [Step::Fmt, Step::Clippy, Step::Deny, Step::Deploy, Step::Tests, Step::Tidy];

    pub fn name(self) -> &'static str {
        match self {
            Step::Fmt => "fmt",
            Step::Clippy => "clippy",
            Step::Deny => "deny",
            Step::Deploy => "deploy",
            Step::Tests => "tests",
            Step::Tidy => "tidy",
        }
    }

    pub fn named(name: &str) -> Option<Step> {
        Step::NAMED.into_iter().find(|step| step.name() == name)
    }

    /// What this step runs, one after the other.
    pub fn lines(self) -> &'static [Line] {
        match self {
            Step::Fmt => &[Line::Cargo(&["fmt", "--all", "--check"])],
            Step::Clippy => &[Line::Cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ])],
            Step::Deny => &[Line::Cargo(&[
                "deny",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ])],
            Step::Deploy => &[
                Line::Node("deploy/mixin/check/check.mjs"),
                Line::Node("deploy/mixin/check/check.test.mjs"),
                Line::Python(&["-B", "deploy/check/check.py"]),
            ],
            // Building everything first puts the `quell` binary in place for the tests that start
            // it; what is built is exactly what `cargo test` then uses.
            Step::Tests => &[
                Line::Cargo(&["build", "--workspace", "--all-targets"]),
                Line::Cargo(&["test", "--workspace", "--no-fail-fast"]),
            ],
            Step::Tidy => &[Line::Cargo(&["test", "--package", "quell-tests", "--test", "tidy"])],
        }
    }

    /// What must be there before the step can run.
    pub fn needs(self) -> &'static [Tool] {
        match self {
            Step::Fmt => &[Tool::Rustfmt],
            Step::Clippy => &[Tool::Clippy],
            Step::Deny => &[Tool::CargoDeny],
            Step::Deploy => &[
                Tool::Prometheus,
                Tool::Alertmanager,
                Tool::Node,
                Tool::DeployCheck,
                Tool::Systemd,
            ],
            Step::Tests => &[Tool::Prometheus, Tool::Java],
            Step::Tidy => &[],
        }
    }
}

/// Runs the steps, all of them even when one fails, and says at the end which did not pass.
///
/// # Errors
/// When a tool cannot be had (nothing is run then), and when a step fails.
pub fn run_all(workspace: &Workspace, steps: &[Step]) -> Result<()> {
    let start = Instant::now();
    header("tools");
    for tool in steps.iter().flat_map(|step| step.needs()) {
        tools::provide(workspace, *tool)?;
    }
    footer("tools", start.elapsed());

    let mut passed = Vec::new();
    let mut failed = Vec::new();
    for step in steps {
        let step_start = Instant::now();
        header(step.name());
        let outcome = step.lines().iter().try_for_each(|line| run(workspace, *line));
        footer(step.name(), step_start.elapsed());
        let took = format!("{} {}", step.name(), seconds(step_start.elapsed()));
        match outcome {
            Ok(()) => passed.push(took),
            Err(error) => {
                println!("FAILED {}: {error:#}", step.name());
                println!("to run this step alone: cargo xtask test --only {}", step.name());
                failed.push(took);
            }
        }
    }
    println!();
    let total = seconds(start.elapsed());
    if failed.is_empty() {
        println!("all steps passed in {total}: {}", passed.join(", "));
        return Ok(());
    }
    bail!(
        "{} of {} steps failed in {total}: {}; passed: {}",
        failed.len(),
        steps.len(),
        failed.join(", "),
        if passed.is_empty() { "none".to_owned() } else { passed.join(", ") },
    );
}

fn run(workspace: &Workspace, line: Line) -> Result<()> {
    let (said, mut command) = match line {
        Line::Cargo(arguments) => {
            let mut command = cargo(workspace);
            command.args(arguments);
            (format!("cargo {}", arguments.join(" ")), command)
        }
        Line::Node(program) => {
            let mut command = Command::new("node");
            command.arg(program).arg(workspace.tools.join("mixin-check"));
            (format!("node {program} target/tools/mixin-check"), command)
        }
        Line::Python(arguments) => {
            let mut command = Command::new(workspace.tools.join("deploy-check/bin/python"));
            command.args(arguments);
            (format!("target/tools/deploy-check/bin/python {}", arguments.join(" ")), command)
        }
    };
    println!("$ {said}");
    let packages = [tools::PROMETHEUS, tools::ALERTMANAGER];
    let variables = packages.iter().flat_map(|package| package.variables(workspace));
    let status =
        command.current_dir(&workspace.root).stdin(Stdio::null()).envs(variables).status()?;
    if !status.success() {
        bail!("`{said}` ended with {status}");
    }
    Ok(())
}

/// A cargo command in the workspace, with the pinned tools before all others on the path.
pub fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&workspace.root).stdin(Stdio::null());
    let mut path = vec![workspace.tools.join("bin")];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    if let Ok(path) = std::env::join_paths(path) {
        command.env("PATH", path);
    }
    // `cargo run` set these for us. Build scripts that watch them (ring's does) would see other
    // values than under a plain `cargo test`, and everything above them would be built twice.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

fn header(name: &str) {
    println!("\n==> {name}");
    flush();
}

fn footer(name: &str, took: Duration) {
    println!("<== {name}: {}", seconds(took));
    flush();
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn flush() {
    // Our lines must come before those of the command that follows, also into a pipe; a closed
    // pipe shows itself at the next println.
    let _ = std::io::stdout().flush();
}
