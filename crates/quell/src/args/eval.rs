//! `quell eval`.

use std::path::PathBuf;

use clap::Subcommand;
use quell_eval::Task;

#[derive(Debug, clap::Args)]
pub struct Eval {
    #[command(subcommand)]
    pub command: EvalCommand,
}

#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Run a detector over a benchmark file or folder, and write its predictions.
    Detect {
        /// weekly, daily, contacts, rca, themes, actions, chains, drivers or nab.
        task: Task,
        /// A file; a folder for rca and nab.
        input: PathBuf,
        /// Predictions: NDJSON.
        #[arg(long, value_name = "PRED")]
        out: PathBuf,
    },
}
