//! `quell audit`.

use std::path::PathBuf;

use clap::Subcommand;

use super::OutputArgs;

#[derive(Debug, clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// Each reads rows of contacts as `quell replay` and the topic `contacts` have them: NDJSON, plain,
/// .gz or .zst.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Draw contacts of every week for people to look at. Put the reason that a contact has into
    /// `truth`; what stays null was not looked at.
    Sample {
        /// Contacts of each week, spread evenly over the reasons given.
        #[arg(long, default_value_t = 100, value_name = "N")]
        size: usize,
        /// Another seed draws other contacts.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Files, not standard input: they are read twice.
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<PathBuf>,
    },
    /// The reasons' counts, corrected by what people found in a sample, with 95 % intervals.
    Report {
        /// The sample with `truth` filled in.
        #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
        audited: Vec<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
        /// All contacts of the same weeks.
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<PathBuf>,
    },
    /// How often rule, model and agent say the same, and what they confuse.
    Agreement {
        #[command(flatten)]
        output: OutputArgs,
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<PathBuf>,
    },
}
