//! `cargo xtask soak`: the faults on a real cluster, many times over, with figures.

use anyhow::{Context, ensure};

use crate::Workspace;
use crate::steps::cargo;
use crate::tools::{self, Tool};

/// How often, unless it is said.
pub const ROUNDS: u32 = 20;
/// The variable by which the test learns how often.
const VARIABLE: &str = "QUELL_SOAK_ROUNDS";

/// Runs each fault so many times; each round prints how long it took.
pub fn run(workspace: &Workspace, rounds: u32) -> anyhow::Result<()> {
    tools::provide(workspace, Tool::Java)?;
    let commands: [&[&str]; 2] = [
        &["build", "--workspace", "--all-targets"],
        &["test", "--workspace", "--test", "cluster", "--", "--nocapture"],
    ];
    for arguments in commands {
        let status = cargo(workspace)
            .args(arguments)
            .env(VARIABLE, rounds.to_string())
            .status()
            .context("cargo does not start")?;
        ensure!(status.success(), "cargo {}: {status}", arguments.join(" "));
    }
    Ok(())
}
