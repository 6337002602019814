//! How to reach a cluster, and the arguments of `quell topics`.

use clap::Subcommand;

use super::{CoreArgs, OutputArgs};

/// How to reach a Kafka cluster.
#[derive(Debug, clap::Args)]
pub struct KafkaArgs {
    /// Brokers, HOST:PORT with commas between.
    #[arg(long, value_name = "HOST:PORT")]
    pub brokers: Option<String>,
    /// A librdkafka property, such as -X session.timeout.ms=10000.
    #[arg(short = 'X', value_name = "NAME=VALUE")]
    pub properties: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct Topics {
    #[command(subcommand)]
    pub command: TopicsCommand,
}

#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Show what there must be and what there is. Changes nothing; exit code 3 where they differ.
    Plan(TopicsArgs),
    /// Make what is missing. What is wrong is named and left as it is.
    Apply(TopicsArgs),
}

#[derive(Debug, clap::Args)]
pub struct TopicsArgs {
    #[command(flatten)]
    pub core: CoreArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// Partitions of what is made.
    #[arg(long)]
    pub partitions: Option<u32>,
    /// Copies of each partition. Default: the cluster's.
    #[arg(long)]
    pub replication: Option<i32>,
    #[command(flatten)]
    pub output: OutputArgs,
}
