//! Keeping the stages of a worker running: each begun anew when it lost the cluster or was fenced,
//! and all ended when nothing but a person can help.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quell_model::topic::StageName;
use quell_ports::PortError;

use super::{StageError, Turning};
use crate::metrics::Metrics;

/// Between two beginnings, doubled up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// An instance that lived this long was well: the next pause is a short one.
const LASTING: Duration = Duration::from_secs(60);
/// The step in which a pause looks whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// Makes an instance that goes on from what is committed.
pub type MakeTurning = Box<dyn FnMut() -> Result<Box<dyn Turning>, StageError> + Send>;

/// The stages of one worker, a thread each. Dropping it stops them after the turn at hand.
pub struct Crew {
    shared: Arc<Shared>,
    stages: Mutex<Vec<(StageName, JoinHandle<()>)>>,
}

struct Shared {
    metrics: Arc<Metrics>,
    stopping: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Crew {
    /// Without any stage yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let shared =
            Shared { metrics, stopping: AtomicBool::new(false), failure: Mutex::new(None) };
        Crew { shared: Arc::new(shared), stages: Mutex::new(Vec::new()) }
    }

    /// Starts a stage.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(&self, stage: StageName, make: MakeTurning) -> std::io::Result<()> {
        self.spawn(stage, stage.as_str(), move |shared| keep_running(shared, stage, make))
    }

    /// Starts what works beside a stage until told to stop.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start_beside<E: Into<StageError>>(
        &self,
        stage: StageName,
        name: &str,
        body: impl FnOnce(&dyn Fn() -> bool) -> Result<(), E> + Send + 'static,
    ) -> std::io::Result<()> {
        self.spawn(stage, name, move |shared| body(&|| shared.is_stopping()).map_err(Into::into))
    }

    fn spawn(
        &self,
        stage: StageName,
        name: &str,
        body: impl FnOnce(&Shared) -> Result<(), StageError> + Send + 'static,
    ) -> std::io::Result<()> {
        let shared = self.shared.clone();
        let body = move || {
            let mut failing = FailOnPanic { shared: &shared, stage, armed: true };
            let outcome = body(&shared);
            failing.armed = false;
            if let Err(error) = outcome {
                shared.fail(stage, error.to_string());
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body)?;
        lock(&self.stages).push((stage, thread));
        Ok(())
    }

    /// The metrics of this process.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// What a stage failed of that only a person can mend. All stages stop then.
    pub fn failure(&self) -> Option<String> {
        lock(&self.shared.failure).clone()
    }

    /// Why the worker is not ready: a stage begins anew, or reads state back.
    pub fn not_ready(&self) -> Option<String> {
        if let Some(failure) = self.failure() {
            return Some(failure);
        }
        let metrics = &self.shared.metrics;
        lock(&self.stages).iter().find_map(|(stage, _)| {
            if metrics.stages.running.with_label_values(&[stage.as_str()]).get() == 0 {
                return Some(format!("{stage} is beginning"));
            }
            let labels = [stage.as_str(), "restoring"];
            let restoring = metrics.stages.partitions.with_label_values(&labels).get();
            (restoring > 0).then(|| format!("{stage} reads back {restoring} partitions"))
        })
    }

    /// Whether the stages are told to stop, by whomever.
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Ends the turns at hand, leaves the groups and returns.
    ///
    /// # Errors
    /// What a stage failed of before.
    pub fn stop(&self) -> Result<(), String> {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for (_, thread) in std::mem::take(&mut *lock(&self.stages)) {
            // A stage that panicked has set the failure, which is returned below.
            let _ = thread.join();
        }
        self.failure().map_or(Ok(()), Err)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // Who wants to know how it ended calls `stop`.
        let _ = self.stop();
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn fail(&self, stage: StageName, failure: String) {
        tracing::error!(%stage, failure, "stopped");
        lock(&self.failure).get_or_insert(format!("{stage}: {failure}"));
        self.stopping.store(true, Ordering::SeqCst);
    }
}

/// A stage that panics must stop the worker, not leave its partitions to nobody.
struct FailOnPanic<'s> {
    shared: &'s Shared,
    stage: StageName,
    armed: bool,
}

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.fail(self.stage, "it panicked; the log says where".to_owned());
        }
    }
}

/// Runs turns until told to stop. What a person must mend is an error: records or rows that this
/// build cannot read, positions that do not belong together, a disk that fails.
fn keep_running(
    shared: &Shared,
    stage: StageName,
    mut make: MakeTurning,
) -> Result<(), StageError> {
    let running = shared.metrics.stages.running.with_label_values(&[stage.as_str()]);
    let mut pause = PAUSES.0;
    while !shared.is_stopping() {
        let begun = Instant::now();
        let outcome = make().and_then(|mut instance| {
            while !shared.is_stopping() {
                instance.turn()?;
                running.set(1);
            }
            Ok(())
        });
        if begun.elapsed() > LASTING {
            pause = PAUSES.0;
        }
        running.set(0);
        match outcome {
            Ok(()) => return Ok(()),
            Err(StageError::Port(error @ (PortError::Fatal(_) | PortError::Unknown(_)))) => {
                tracing::warn!(%stage, %error, "begins anew");
            }
            Err(error) => return Err(error),
        }
        shared.metrics.stages.restarts.with_label_values(&[stage.as_str()]).inc();
        wait(pause, shared);
        pause = (pause * 2).min(PAUSES.1);
    }
    Ok(())
}

fn wait(pause: Duration, shared: &Shared) {
    let mut waited = Duration::ZERO;
    while waited < pause && !shared.is_stopping() {
        std::thread::sleep(NAP);
        waited += NAP;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
