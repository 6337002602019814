//! How long a worker needs until it goes on, with a long state behind it.

use std::time::{Duration, Instant};

use quell_kafka::KafkaSettings;

use super::kafka::{Deployment, Reader, Tickets};
use super::line;
use crate::config::Config;
use crate::output::thousands;

/// Tickets given after each start: enough to reach every partition.
const NEW: u64 = 200;
const PARTITIONS: u32 = 12;

/// Makes a state of so many contacts, then starts the worker over its own store, and with nothing
/// but the cluster.
pub fn run(contacts: u64, config: &Config, kafka: &KafkaSettings) -> anyhow::Result<()> {
    let deployment = Deployment::made(config, kafka, "recovery", PARTITIONS)?;
    let (history, mut later) = Tickets::made(contacts + 2 * NEW)?.split(contacts as usize);
    deployment.give(&history)?;
    let mut reader = deployment.reader()?;
    let begun = Instant::now();
    let crews = deployment.start(1)?;
    reader.await_all(&history.keys())?;
    line("the state comes about", contacts, begun.elapsed());
    drop(history);
    crews.iter().try_for_each(|crew| crew.stop().map_err(anyhow::Error::msg))?;
    for (what, keeps_store) in [("over its store", true), ("from the cluster alone", false)] {
        if !keeps_store {
            deployment.forget_stores()?;
        }
        let (new, rest) = later.split(NEW as usize);
        later = rest;
        let took = start(&deployment, &mut reader, &new)?;
        println!(
            "{what:<44} {:>7.1} s until {} new tickets are contacts in all partitions",
            took.as_secs_f64(),
            thousands(NEW as f64)
        );
    }
    Ok(())
}

/// From the start of the worker until it has worked through what is new.
fn start(deployment: &Deployment, reader: &mut Reader, new: &Tickets) -> anyhow::Result<Duration> {
    deployment.give(new)?;
    let begun = Instant::now();
    let crews = deployment.start(1)?;
    reader.await_all(&new.keys())?;
    let took = begun.elapsed();
    crews.iter().try_for_each(|crew| crew.stop().map_err(anyhow::Error::msg))?;
    Ok(took)
}
