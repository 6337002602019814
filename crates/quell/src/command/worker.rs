//! `quell run --brokers`: a worker on a Kafka cluster.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use quell_api::Behind;
use quell_model::topic::StageName;
use quell_ports::PortError;
use quell_worker::metrics::Metrics;
use quell_worker::stage::{Crew, StageError};
use quell_worker::views::Views;

use crate::Outcome;
use crate::args::KafkaArgs;
use crate::clock::SystemClock;
use crate::cluster::{self, Worker};
use crate::command::run::{DRAIN, http, stop_signal};
use crate::config::Config;
use crate::remote::Listening;
use crate::wiring;

/// How often the worker looks whether a stage has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Before the cluster is asked again for what it did not give.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the stages until the process is told to stop, or one of them cannot go on.
pub fn run(kafka: &KafkaArgs, config: Config) -> anyhow::Result<Outcome> {
    let dir = PathBuf::from(config.get("run.data"));
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
    let kafka = cluster::settings(&config, kafka)?;
    let taxonomy = wiring::taxonomy(&config)?;
    let http = http(&config)?;
    let reasons: Vec<String> =
        taxonomy.reasons().iter().map(|reason| reason.id.level2().0).collect();
    let reasons = reasons.iter().map(String::as_str);
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), taxonomy.version(), reasons)?);
    metrics.event_time_lateness_seconds.set(config.lateness_ms() as f64 / 1e3);
    let crew = Arc::new(Crew::new(metrics.clone()));
    let stages = cluster::stages(&config)?;
    for stage in &stages {
        crew.begins(*stage, "waits for the cluster");
    }
    let views = stages.contains(&StageName::Serve).then(|| Arc::new(OnceLock::new()));
    let (watched, opened, folder) = (crew.clone(), views.clone(), dir.clone());
    let begin = move || {
        let clock = Arc::new(SystemClock);
        let worker = Worker::new(config, kafka, &folder, metrics, taxonomy, clock)?;
        begin(&Arc::new(worker), &stages, &watched, opened.as_deref())
    };
    let starting = start(&crew, begin)?;
    let served = serve(&crew, views, &dir, http);
    Listening::forget(&dir);
    let stopped = crew.stop();
    // Told to stop before it has begun, it has nothing to end.
    if starting.is_finished()
        && let Ok(begun) = starting.join()
    {
        begun?;
    }
    stopped.map_err(anyhow::Error::msg).context("a stage cannot go on")?;
    served?;
    Ok(Outcome::Done)
}

/// Begins beside those who ask: to open a copy may take longer than anyone waits who sees nothing.
fn start(
    crew: &Arc<Crew>,
    begin: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let crew = crew.clone();
    let body = move || {
        let begun = catch_unwind(AssertUnwindSafe(begin));
        let begun = begun.unwrap_or_else(|_| Err(anyhow!("it panicked; the log says where")));
        if let Err(error) = &begun {
            crew.fail(format!("cannot start: {error:#}"));
        }
        begun
    };
    Ok(std::thread::Builder::new().name("start".to_owned()).spawn(body)?)
}

/// Starts the stages, the one that serves last: the others need not wait for its copy. The
/// cluster has answered before: if it is gone now, it is waited for.
fn begin(
    worker: &Arc<Worker>,
    stages: &[StageName],
    crew: &Crew,
    opened: Option<&OnceLock<Arc<Views>>>,
) -> anyhow::Result<()> {
    patiently(crew, || worker.agree())?;
    let (serving, others): (Vec<&StageName>, Vec<_>) =
        stages.iter().partition(|stage| **stage == StageName::Serve);
    for stage in others.into_iter().chain(serving) {
        if *stage == StageName::Serve {
            crew.begins(*stage, "opens its copy and the index over it");
        }
        let views = patiently(crew, || worker.start(*stage, crew))?;
        if let (Some(views), Some(opened)) = (views, opened) {
            // Set once: a worker has one copy.
            let _ = opened.set(views);
        }
    }
    Ok(())
}

/// Does what needs the cluster, again for as long as the cluster fails it.
fn patiently<T>(crew: &Crew, mut attempt: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    loop {
        match attempt() {
            Err(error) if is_passing(&error) && !crew.is_stopping() => {
                tracing::warn!(error = format!("{error:#}"), "asks the cluster again");
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

fn is_passing(error: &anyhow::Error) -> bool {
    let port = match error.downcast_ref() {
        Some(StageError::Port(port)) => Some(port),
        _ => error.downcast_ref(),
    };
    port.is_some_and(PortError::may_pass)
}

/// Lets the worker be asked and watched until a signal comes, or until a stage has stopped.
fn serve(
    crew: &Arc<Crew>,
    views: Option<Arc<OnceLock<Arc<Views>>>>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn crew() -> Crew {
        Crew::new(Arc::new(Metrics::new("0", "none@0", std::iter::empty()).unwrap()))
    }

    #[test]
    fn a_cluster_that_is_gone_is_asked_again_until_the_worker_stops() {
        let crew = crew();
        let gone = || PortError::Fatal("gone".to_owned());
        // A write that is not acknowledged may have arrived; who asks again finds out.
        let unsure = PortError::Unknown("timed out".to_owned());
        let failed = [gone().into(), StageError::Port(gone()).into(), unsure.into()];
        let mut answers: Vec<anyhow::Result<i32>> = failed.map(Err).into();
        answers.insert(0, Ok(7));
        assert_eq!(patiently(&crew, || answers.pop().unwrap()).unwrap(), 7);
        let mut asked = 0;
        let never = patiently(&crew, || -> anyhow::Result<()> {
            asked += 1;
            if asked == 2 {
                crew.fail("told to stop".to_owned());
            }
            Err(gone().into())
        });
        assert_eq!((never.unwrap_err().to_string().as_str(), asked), ("gone", 2));
    }

    #[test]
    fn what_a_person_must_mend_is_said_at_once() {
        let full = || PortError::Broken("the disk is full".to_owned());
        for error in [full().into(), StageError::Port(full()).into(), anyhow!("another key")] {
            let mut answer = Some(error);
            let outcome = patiently(&crew(), || Err::<(), _>(answer.take().unwrap()));
            assert!(outcome.is_err(), "and not asked again");
        }
    }
}
