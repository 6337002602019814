//! `quell run --brokers`: a worker on a Kafka cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use quell_api::Behind;
use quell_worker::metrics::Metrics;
use quell_worker::stage::Crew;
use quell_worker::views::Views;

use crate::Outcome;
use crate::args::Run;
use crate::clock::SystemClock;
use crate::cluster::{self, Worker};
use crate::command::run::{DRAIN, http, stop_signal};
use crate::config::Config;
use crate::remote::Listening;
use crate::wiring;

/// How often the worker looks whether a stage has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the stages until the process is told to stop, or one of them cannot go on.
pub fn run(args: &Run, config: Config) -> anyhow::Result<Outcome> {
    if !args.inputs.is_empty() {
        bail!("--input reads files on one machine; a worker reads the topics of kafka.inputs");
    }
    let dir = PathBuf::from(config.get("run.data"));
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
    let kafka = cluster::settings(&config, &args.kafka)?;
    let taxonomy = wiring::taxonomy(&config)?;
    let http = http(&config)?;
    let reasons: Vec<String> =
        taxonomy.reasons().iter().map(|reason| reason.id.level2().0).collect();
    let reasons = reasons.iter().map(String::as_str);
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), reasons)?);
    metrics.event_time_lateness_seconds.set(config.lateness_ms() as f64 / 1e3);
    let clock = Arc::new(SystemClock);
    let worker = Worker::new(config, kafka, &dir, metrics.clone(), taxonomy, clock)?;
    let worker = Arc::new(worker);
    let crew = Arc::new(Crew::new(metrics));
    let mut views = None;
    for stage in worker.stages()? {
        views = worker.start(stage, &crew)?.or(views);
    }
    let served = serve(&crew, views, &dir, http);
    Listening::forget(&dir);
    crew.stop().map_err(anyhow::Error::msg).context("a stage cannot go on")?;
    served?;
    Ok(Outcome::Done)
}

/// Lets the worker be asked and watched until a signal comes, or until a stage has stopped.
fn serve(
    crew: &Arc<Crew>,
    views: Option<Arc<Views>>,
    dir: &Path,
    http: quell_api::Listener,
) -> anyhow::Result<()> {
    Listening { url: http.url(), pid: std::process::id() }.note(dir)?;
    tracing::info!(url = http.url(), data = %dir.display(), "listening");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let watched = crew.clone();
    runtime.block_on(async {
        let stopped = async move {
            while !watched.is_stopping() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let stop = async {
            tokio::select! {
                () = stop_signal() => tracing::info!("stopping"),
                () = stopped => {}
            }
        };
        let behind = Behind { views, intake: None, watched: crew.clone() };
        http.serve(behind, stop, DRAIN).await
    })?;
    Ok(())
}
