//! `quell run --brokers`: a worker on a Kafka cluster.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use quell_worker::metrics::Metrics;
use quell_worker::stage::keep_running;

use crate::Outcome;
use crate::args::Run;
use crate::clock::SystemClock;
use crate::cluster::{self, Worker};
use crate::command::run::stop_signal;
use crate::config::Config;
use crate::wiring;

/// Runs the stages until the process is told to stop, or one of them cannot go on.
pub fn run(args: &Run, config: Config) -> anyhow::Result<Outcome> {
    let dir = PathBuf::from(config.get("run.data"));
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
    let kafka = cluster::settings(&config, &args.kafka)?;
    let taxonomy = wiring::taxonomy(&config)?;
    wiring::adapter(&config)?;
    let reasons: Vec<String> =
        taxonomy.reasons().iter().map(|reason| reason.id.level2().0).collect();
    let reasons = reasons.iter().map(String::as_str);
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), reasons)?);
    metrics.event_time_lateness_seconds.set(config.lateness_ms() as f64 / 1e3);
    let clock = Arc::new(SystemClock);
    let worker = Worker::new(config, kafka, &dir, metrics.clone(), taxonomy, clock)?;
    let worker = Arc::new(worker);
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for stage in worker.stages()? {
        let make = worker.runner(stage)?;
        let (stop, metrics) = (stop.clone(), metrics.clone());
        let body = move || {
            let outcome = keep_running(stage, make, &stop, &metrics);
            // One stage that cannot go on ends the worker: whoever started it is to see that.
            stop.store(true, Ordering::SeqCst);
            outcome
        };
        let thread = std::thread::Builder::new().name(stage.as_str().to_owned()).spawn(body)?;
        threads.push((stage, thread));
    }
    wait(&stop)?;
    let mut failed = None;
    for (stage, thread) in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed = Some(anyhow::Error::new(error).context(stage.as_str())),
            Err(_) => failed = Some(anyhow::anyhow!("{stage} panicked; the log says where")),
        }
    }
    failed.map_or(Ok(Outcome::Done), Err)
}

/// Until a signal, or until a stage has stopped.
fn wait(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stopped = async {
            while !stop.load(Ordering::SeqCst) {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = stop_signal() => tracing::info!("stopping"),
            () = stopped => {}
        }
    });
    stop.store(true, Ordering::SeqCst);
    Ok(())
}
