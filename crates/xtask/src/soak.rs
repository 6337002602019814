//! `cargo xtask soak`: the faults on a real cluster, many times over, with figures.

use anyhow::{Context, ensure};

use crate::Workspace;
use crate::steps::cargo;
use crate::tools::{self, Tool};

/// How often, unless it is said.
pub const ROUNDS: u32 = 20;
/// The variable by which the test learns how often.
const ROUNDS_VARIABLE: &str = "QUELL_SOAK_ROUNDS";
/// The variable by which it learns with which round to begin.
const FIRST_VARIABLE: &str = "QUELL_SOAK_FIRST";

/// Which rounds: each disturbs at moments of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// How many.
    pub count: u32,
    /// The first; not 0 to go on where an earlier soak ended.
    pub first: u32,
}

/// Runs each fault once a round; each prints how long it took.
pub fn run(workspace: &Workspace, rounds: Rounds) -> anyhow::Result<()> {
    tools::provide(workspace, Tool::Java)?;
    let commands: [&[&str]; 2] = [
        &["build", "--workspace", "--all-targets"],
        &["test", "--workspace", "--test", "cluster", "--", "--nocapture"],
    ];
    for arguments in commands {
        let status = cargo(workspace)
            .args(arguments)
            .env(ROUNDS_VARIABLE, rounds.count.to_string())
            .env(FIRST_VARIABLE, rounds.first.to_string())
            .status()
            .context("cargo does not start")?;
        ensure!(status.success(), "cargo {}: {status}", arguments.join(" "));
    }
    Ok(())
}
