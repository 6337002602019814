//! `quell topics`: what topics there must be, and making them.

use quell_kafka::topics::{Planned, apply};

use crate::Outcome;
use crate::args::{Topics, TopicsArgs, TopicsCommand};
use crate::cluster;
use crate::config::{Config, Origin};
use crate::output::{Row, number, print_rows, text};

pub fn run(args: &Topics) -> anyhow::Result<Outcome> {
    let (args, is_apply) = match &args.command {
        TopicsCommand::Plan(args) => (args, false),
        TopicsCommand::Apply(args) => (args, true),
    };
    let mut config = Config::load_with(&args.core, &args.kafka)?;
    if let Some(partitions) = args.partitions {
        let origin = Origin::CommandLine("--partitions".to_owned());
        config.say("kafka.partitions", partitions.to_string(), origin)?;
    }
    let kafka = cluster::settings(&config, &args.kafka)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut planned, _) = runtime.block_on(cluster::planned(&config, &kafka))?;
    if is_apply {
        let made = runtime.block_on(apply(&kafka, &planned, args.replication))?;
        eprintln!("{} topics made", made.len());
        (planned, _) = runtime.block_on(cluster::planned(&config, &kafka))?;
    }
    print(args, &planned)?;
    let is_right = planned.iter().all(Planned::is_right);
    Ok(if is_right { Outcome::Done } else { Outcome::Findings })
}

fn print(args: &TopicsArgs, planned: &[Planned]) -> anyhow::Result<()> {
    let columns =
        [text("topic"), text("key"), number("partitions"), text("cleanup"), text("finding")];
    let rows: Vec<Row> = planned
        .iter()
        .map(|planned| {
            let spec = &planned.spec;
            let finding = planned.finding_text();
            Row {
                cells: vec![
                    spec.name.clone(),
                    spec.key.to_owned(),
                    spec.partitions.count().to_string(),
                    spec.cleanup.as_str().to_owned(),
                    finding.clone(),
                ],
                value: serde_json::json!({
                    "topic": spec.name,
                    "key": spec.key,
                    "partitions": spec.partitions.count(),
                    "cleanup": spec.cleanup.as_str(),
                    "right": planned.is_right(),
                    "finding": finding,
                }),
            }
        })
        .collect();
    let whole: Vec<&serde_json::Value> = rows.iter().map(|row| &row.value).collect();
    print_rows(args.output.format(), &columns, &rows, &whole)
}
