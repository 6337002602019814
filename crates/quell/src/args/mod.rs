//! What may be typed.

mod audit;
mod bench;
mod dlq;
mod eval;
mod export;
mod health;
mod tagger;
mod taxonomy;
mod topics;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use audit::{Audit, AuditCommand};
pub use bench::{Bench, BenchCommand};
pub use dlq::{Dlq, DlqChoice, DlqCommand, DlqSource};
pub use eval::{Eval, EvalCommand};
pub use export::{Export, ExportCommand, QuickwitArgs, What};
pub use health::Health;
pub use tagger::{Labelled, Tagger, TaggerCommand, TaggerEval, Text, TextCommand};
pub use taxonomy::{
    DecideArgs, RowArgs, Taxonomy, TaxonomyCheck, TaxonomyCommand, TaxonomyDiff, TaxonomyDiscover,
};
pub use topics::{KafkaArgs, Topics, TopicsArgs, TopicsCommand};

/// Removes the causes of customer contacts: tags reasons, links repeats, finds systemic issues.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  quell demo
  quell replay --out out --adapter sumo --taxonomy taxonomies/firefox.yaml tickets.ndjson.zst
  quell run --data ./quell-data
  quell search 'refund ~delay' --reason 'billing.*' --from 2026-01-01
  quell trends --by version --from 2026-01-01 --to 2026-02-01 --compare previous

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 findings, 69 unavailable, 78 wrong configuration.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline on real support tickets and show what stands out.
    Demo(Demo),
    /// Read event files, run the core, write the results into a folder. Same input, same bytes.
    Replay(Replay),
    /// Run the pipeline: on one machine, or as a worker on a Kafka cluster with --brokers.
    Run(Run),
    /// Answer questions as a worker on a Kafka cluster, and do nothing else.
    Serve(ListeningArgs),
    /// Print configurations for others that read the topics.
    Export(Export),
    /// Compare the cluster's topics with what Quell needs, and make what is missing.
    Topics(Topics),
    /// What could not be read: list it, show it, give it again.
    Dlq(Dlq),
    /// Find contacts.
    #[command(visible_alias = "query")]
    Search(Search),
    /// Rank reasons by contacts and cost, and compare periods.
    Trends(Trends),
    /// Generate events with planted truth.
    Simulate(Simulate),
    /// Check a reason catalogue on real texts, compare versions, find what it lacks.
    Taxonomy(Taxonomy),
    /// Learn to tag from what agents coded, measure it, and ask why.
    Tagger(Tagger),
    /// How far the reasons' counts can be trusted: a sample to look at, counts corrected by it.
    Audit(Audit),
    /// What the text analysis makes of texts: language, stems, redaction.
    Text(Text),
    /// List adapters, or show what one makes of a record.
    Adapter(Adapter),
    /// Check or show the configuration.
    Config(Config),
    /// Make an access token.
    Token(Token),
    /// Check that this machine and folder can run Quell.
    Doctor(Doctor),
    /// Ask a running Quell whether it is well: for health checks of containers.
    Health(Health),
    /// Run the detectors over benchmarks with known truth.
    Eval(Eval),
    /// Measure this machine: core, index, search, side by side with their limits.
    Bench(Bench),
}

/// How results are written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Ndjson,
    Csv,
}

#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// Default: a table on a terminal, ndjson elsewhere.
    #[arg(long, short, value_enum)]
    pub output: Option<Format>,
}

/// What every command that runs the core takes.
#[derive(Debug, clap::Args)]
pub struct CoreArgs {
    /// How records become events: canonical, sumo, zendesk, amazon-connect, or a YAML file.
    #[arg(long, value_name = "NAME|FILE")]
    pub adapter: Option<String>,
    /// Reason catalogue (YAML), or `none` to tag by agent code alone. Default: ecommerce.
    #[arg(long, value_name = "FILE")]
    pub taxonomy: Option<String>,
    /// One setting, such as repeat.window=7d. `quell config show` lists all.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "QUELL_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Demo {
    #[command(flatten)]
    pub output: OutputArgs,
    /// Keep the results in this folder (made new, or left by an earlier demo).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Tickets to use instead of the sample.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Writes contacts.ndjson repeats.ndjson trends.ndjson issues.ndjson \
candidates.ndjson dlq.ndjson summary.json. All is the same from run to run but the object `timing`.")]
pub struct Replay {
    /// Folder for the results.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub core: CoreArgs,
    /// Say at the end that event time is complete up to here, instead of up to the newest event.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// NDJSON files, plain, .gz or .zst; `-` for standard input.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
}

/// What every Quell that listens takes.
#[derive(Debug, clap::Args)]
pub struct ListeningArgs {
    /// Folder for log, state and index; on a cluster for copies of them.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub core: CoreArgs,
    /// Address to listen on. Any but 127.0.0.1 needs TLS and tokens.
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// Certificate chain (PEM).
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM).
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Token file, as `quell token new` writes it.
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// On a cluster, where settled contacts are searched: an address that /_search is appended to,
    /// such as http://quickwit:7280/api/v1/_elastic/quell-contacts.
    #[arg(long, value_name = "URL")]
    pub search_backend: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    pub listening: ListeningArgs,
    /// Read these files (or `-`), then go on serving.
    #[arg(long = "input", value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    /// Stop when the inputs are read and searchable, without serving HTTP.
    #[arg(long, requires = "inputs")]
    pub once: bool,
    /// Stages to run on the cluster, with commas between. Default: intake,tag,link,trend,serve.
    #[arg(long, value_name = "STAGES", requires = "brokers")]
    pub stages: Option<String>,
}

/// Where to ask: a running Quell or a data folder.
#[derive(Debug, clap::Args)]
pub struct Where {
    /// Address of a running Quell.
    #[arg(long, value_name = "URL", env = "QUELL_URL")]
    pub url: Option<String>,
    /// Data folder; a Quell that runs on it is asked.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Token, where the address asks for one.
    #[arg(long, env = "QUELL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Search {
    /// Words. `a ~b` near, `a >3 b` in order, \"exact phrase\", -without, OR, word*, field:value.
    pub query: Option<String>,
    /// Reasons, `billing.*`.
    #[arg(long)]
    pub reason: Vec<String>,
    #[arg(long)]
    pub channel: Vec<String>,
    #[arg(long)]
    pub language: Vec<String>,
    /// From this time on (2026-01-31 or RFC 3339), inclusive.
    #[arg(long)]
    pub from: Option<String>,
    /// Up to this time, exclusive.
    #[arg(long)]
    pub to: Option<String>,
    /// Only repeats: any_reason, same_reason or same_issue.
    #[arg(long)]
    pub repeat: Option<String>,
    /// Attribute, `version=67.0`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub attribute: Vec<String>,
    /// Best match first, instead of newest first.
    #[arg(long)]
    pub relevance: bool,
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Trends {
    /// Reasons, `billing.*`.
    #[arg(long)]
    pub reason: Option<String>,
    /// Break down by a dimension: channel, language, product, version, …
    #[arg(long, value_name = "DIMENSION")]
    pub by: Option<String>,
    /// From this day on, inclusive.
    #[arg(long)]
    pub from: Option<String>,
    /// Up to this day, exclusive.
    #[arg(long)]
    pub to: Option<String>,
    /// Compare with the period before.
    #[arg(long, value_parser = ["previous"])]
    pub compare: Option<String>,
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Simulate {
    #[arg(long)]
    pub seed: u64,
    /// Scenario (YAML), see docs/scenarios.md.
    #[arg(long, value_name = "FILE")]
    pub scenario: PathBuf,
    /// Folder for events.ndjson and truth.ndjson.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Adapter {
    #[command(subcommand)]
    pub command: AdapterCommand,
}

#[derive(Debug, Subcommand)]
pub enum AdapterCommand {
    /// Names of the built-in adapters.
    List,
    /// Show the canonical events that an adapter makes of a file's records.
    Test {
        /// Adapter name or file.
        adapter: String,
        /// NDJSON, plain or compressed; `-` for standard input.
        input: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub struct Config {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration without running anything.
    Check(CoreArgs),
    /// Show every setting with its value and where it comes from.
    Show(CoreArgs),
}

#[derive(Debug, clap::Args)]
pub struct Token {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a new token once, and add its hash to a token file.
    New {
        /// Who uses it.
        name: String,
        /// ingest, read or admin.
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// The token file.
        #[arg(long, value_name = "FILE", default_value = "tokens.toml")]
        tokens: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub struct Doctor {
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub core: CoreArgs,
}
