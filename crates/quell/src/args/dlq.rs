//! The arguments of `quell dlq`.

use clap::Subcommand;

use super::{CoreArgs, KafkaArgs, OutputArgs, Where};

#[derive(Debug, clap::Args)]
pub struct Dlq {
    #[command(subcommand)]
    pub command: DlqCommand,
}

#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List dead letters, the newest last.
    List {
        #[command(flatten)]
        choice: DlqChoice,
        /// How many, counted from the newest.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        source: DlqSource,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show one dead letter whole.
    Show {
        /// As `quell dlq list` names it.
        id: String,
        /// Its bytes alone, as they came.
        #[arg(long)]
        raw: bool,
        #[command(flatten)]
        source: DlqSource,
    },
    /// Give records again as they came, once what was wrong is mended. They stay dead letters; a
    /// record that was taken in before changes nothing.
    Replay {
        #[command(flatten)]
        choice: DlqChoice,
        /// All there are.
        #[arg(long, conflicts_with_all = ["ids", "cause", "input"])]
        all: bool,
        #[command(flatten)]
        source: DlqSource,
    },
}

#[derive(Debug, clap::Args)]
pub struct DlqChoice {
    /// As `quell dlq list` names them.
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Only those of this cause, such as invalid_json.
    #[arg(long)]
    pub cause: Option<String>,
    /// Only those of this input.
    #[arg(long)]
    pub input: Option<String>,
}

/// A cluster, where brokers are named; else a running Quell or a data folder.
#[derive(Debug, clap::Args)]
pub struct DlqSource {
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub core: CoreArgs,
}
