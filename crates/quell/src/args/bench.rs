//! `quell bench`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{CoreArgs, KafkaArgs};

#[derive(Debug, clap::Args)]
pub struct Bench {
    #[command(subcommand)]
    pub command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Decode + tag + link on one core, beside the cost of parsing the JSON alone.
    Core {
        /// Tickets to generate.
        #[arg(long, default_value_t = 200_000)]
        contacts: u64,
    },
    /// The whole embedded path with index, beside tantivy alone.
    Embedded {
        #[arg(long, default_value_t = 200_000)]
        contacts: u64,
    },
    /// Search latencies over an index of this many contacts.
    Search {
        #[arg(long, default_value_t = 1_000_000)]
        contacts: u64,
    },
    /// Verdicts by the hour over many series, beside an exponential mean of each.
    Detect {
        #[arg(long, default_value_t = 10_000)]
        series: usize,
        /// 8,760 are a year.
        #[arg(long, default_value_t = 8_760)]
        hours: u64,
        /// Gives some of the series also to R's `farringtonFlexible`. Needs the Debian package
        /// `r-cran-surveillance`.
        #[arg(long)]
        beside_r: bool,
    },
    /// The stages on a cluster, beside a loop that only reads, writes and commits.
    Kafka {
        #[arg(long, default_value_t = 50_000)]
        contacts: u64,
        /// Tickets a second while latency is measured.
        #[arg(long, default_value_t = 1_000)]
        rate: u64,
        /// How long latency is measured.
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        #[command(flatten)]
        core: CoreArgs,
        #[command(flatten)]
        kafka: KafkaArgs,
    },
    /// How long a worker needs until it goes on, over its own store and without it.
    Recovery {
        /// Contacts whose state is brought back.
        #[arg(long, default_value_t = 1_000_000)]
        contacts: u64,
        #[command(flatten)]
        core: CoreArgs,
        #[command(flatten)]
        kafka: KafkaArgs,
    },
    /// Memory and disk of a long history.
    History {
        #[arg(long, default_value_t = 10_000_000)]
        contacts: u64,
        /// Keep the history in this folder, and go on with what an earlier run of as many
        /// contacts left there.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}
