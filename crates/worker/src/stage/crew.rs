//! Keeping the stages of a worker running: each begun anew when it lost the cluster or was fenced,
//! and all ended when nothing but a person can help.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quell_model::topic::StageName;

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
    /// Stages that are to be started, and what they wait for.
    beginning: Mutex<BTreeMap<StageName, &'static str>>,
}

impl Crew {
    /// Without any stage yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let shared = Shared {
            metrics,
            stopping: AtomicBool::new(false),
            failure: Mutex::new(None),
            beginning: Mutex::default(),
        };
        Crew { shared: Arc::new(shared), stages: Mutex::new(Vec::new()) }
    }

    /// Notes a stage that is to be started, and what it does or waits for until then: the worker is
    /// not ready before.
    pub fn begins(&self, stage: StageName, doing: &'static str) {
        lock(&self.shared.beginning).insert(stage, doing);
    }

    /// What keeps the worker from starting. All stages stop then.
    pub fn fail(&self, failure: String) {
        self.shared.fail(failure);
    }

    /// Starts a stage.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(&self, stage: StageName, make: MakeTurning) -> std::io::Result<()> {
        self.spawn(stage, stage.as_str(), move |shared| keep_running(shared, stage, make))?;
        lock(&self.shared.beginning).remove(&stage);
        Ok(())
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
                shared.fail(format!("{stage}: {error}"));
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
        if let Some((stage, doing)) = lock(&self.shared.beginning).first_key_value() {
            return Some(format!("{stage} {doing}"));
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

    fn fail(&self, failure: String) {
        tracing::error!(failure, "stopped");
        lock(&self.failure).get_or_insert(failure);
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
            self.shared.fail(format!("{}: it panicked; the log says where", self.stage));
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
            Err(StageError::Port(error)) if error.may_pass() => {
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

#[cfg(test)]
mod tests {
    use super::*;

    use quell_ports::PortError;

    fn crew() -> Crew {
        Crew::new(Arc::new(Metrics::new("0", "none@0", std::iter::empty()).unwrap()))
    }

    /// Fails as `error` says, each time it is made.
    fn failing(error: fn() -> PortError) -> MakeTurning {
        Box::new(move || Err(error().into()))
    }

    fn await_failure(crew: &Crew, patience: Duration) -> Option<String> {
        let begun = Instant::now();
        while crew.failure().is_none() && begun.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        crew.failure()
    }

    #[test]
    fn what_a_person_must_mend_ends_the_worker() {
        let crew = crew();
        let full = || PortError::Broken("the disk is full".to_owned());
        crew.start(StageName::Tag, failing(full)).unwrap();
        let failure = await_failure(&crew, Duration::from_secs(10));
        assert_eq!(failure.as_deref(), Some("tag: the disk is full"));
        assert!(crew.is_stopping() && crew.not_ready() == failure);
    }

    #[test]
    fn a_cluster_that_is_gone_does_not_end_the_worker() {
        let crew = crew();
        crew.start(StageName::Tag, failing(|| PortError::Fatal("gone".to_owned()))).unwrap();
        assert_eq!(await_failure(&crew, Duration::from_secs(1)), None);
        assert_eq!(crew.stop(), Ok(()));
    }

    #[test]
    fn a_worker_is_not_ready_before_its_stages_are_started() {
        let crew = crew();
        crew.begins(StageName::Serve, "opens its copy");
        assert_eq!(crew.not_ready().as_deref(), Some("serve opens its copy"));
        crew.fail("the topics are missing".to_owned());
        assert_eq!(crew.not_ready().as_deref(), Some("the topics are missing"));
        assert!(crew.is_stopping());
    }
}
