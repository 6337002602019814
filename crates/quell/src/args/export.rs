//! The arguments of `quell export`.

use clap::{Subcommand, ValueEnum};

use super::{CoreArgs, KafkaArgs};

#[derive(Debug, clap::Args)]
pub struct Export {
    #[command(subcommand)]
    pub command: ExportCommand,
}

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Print the Quickwit index for settled contacts, and the source that reads them from Kafka.
    Quickwit(QuickwitArgs),
}

#[derive(Debug, clap::Args)]
pub struct QuickwitArgs {
    #[command(flatten)]
    pub core: CoreArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// The id of the index.
    #[arg(long, value_name = "ID", default_value = quell_index::quickwit::INDEX_ID)]
    pub index_id: String,
    /// One of the two documents alone.
    #[arg(long, value_enum)]
    pub what: Option<What>,
}

/// What there is to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    Index,
    Source,
}
