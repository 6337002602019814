//! The `quell` command: reads what was typed, and wires the crates together.

mod args;
#[cfg(feature = "kafka")]
mod backend;
mod clock;
#[cfg(feature = "kafka")]
mod cluster;
mod command;
mod config;
mod output;
mod remote;
mod rows;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

/// Rows and records are many small allocations of short life, which the system's allocator is slow
/// at: a fifth of the time of a turn.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a build without the feature answers.
#[cfg(not(feature = "kafka"))]
pub const NO_KAFKA: &str = "this build leaves Kafka out; build with `--features kafka`";

/// How a command ended, as exit codes that scripts can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done.
    Done,
    /// 1: it could not be done.
    Failed,
    /// 3: done, and there is something to look at.
    Findings,
    /// 69: what it needs cannot be reached.
    Unavailable,
    /// 78: the configuration is wrong.
    Config,
}

impl Outcome {
    fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Findings => 3,
            Outcome::Unavailable => 69,
            Outcome::Config => 78,
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.command {
        Command::Demo(demo) => command::demo::run(demo),
        Command::Replay(replay) => command::replay::run(replay),
        Command::Run(run) => command::run::run(run),
        Command::Serve(serve) => command::run::serve_alone(serve),
        #[cfg(feature = "kafka")]
        Command::Export(export) => command::export::run(export),
        #[cfg(not(feature = "kafka"))]
        Command::Export(_) => Err(anyhow::anyhow!(NO_KAFKA)),
        #[cfg(feature = "kafka")]
        Command::Topics(topics) => command::topics::run(topics),
        #[cfg(not(feature = "kafka"))]
        Command::Topics(_) => Err(anyhow::anyhow!(NO_KAFKA)),
        Command::Dlq(dlq) => command::dlq::run(dlq),
        Command::Search(search) => command::search::run(search),
        Command::Trends(trends) => command::trends::run(trends),
        Command::Simulate(simulate) => command::simulate::run(simulate),
        Command::Audit(audit) => command::audit::run(audit),
        Command::Eval(eval) => command::eval::run(eval),
        Command::Taxonomy(taxonomy) => command::taxonomy::run(taxonomy),
        Command::Tagger(tagger) => command::tagger::run(tagger),
        Command::Text(text) => command::text::run(text),
        Command::Adapter(adapter) => command::adapter::run(adapter),
        Command::Config(config) => command::config::run(config),
        Command::Token(token) => command::token::run(token),
        Command::Health(health) => command::health::run(health),
        Command::Doctor(doctor) => command::doctor::run(doctor),
        Command::Bench(bench) => command::bench::run(bench),
    };
    match outcome {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            // A closed pipe behind us (`quell … | head`) is no failure of ours.
            if output::is_broken_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            eprintln!("error: {error:#}");
            ExitCode::from(outcome_of(&error).code())
        }
    }
}

fn outcome_of(error: &anyhow::Error) -> Outcome {
    #[cfg(feature = "kafka")]
    if error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(quell_kafka::topics::TopicError::Cluster(_)))
    }) {
        return Outcome::Unavailable;
    }
    let is_config = error.chain().any(|cause| cause.is::<config::ConfigError>());
    if is_config { Outcome::Config } else { Outcome::Failed }
}
