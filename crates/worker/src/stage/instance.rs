//! Keeping an instance of a stage running: begun anew when it lost the cluster or was fenced, and
//! ended when nothing but a person can help.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quell_model::topic::StageName;
use quell_ports::PortError;

use super::{Runner, StageError};
use crate::metrics::Metrics;

/// Between two beginnings, doubled up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// The step in which a pause looks whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// Makes a runner that reads from what is committed.
pub type MakeRunner = Box<dyn FnMut() -> Result<Runner, StageError> + Send>;

/// Runs turns until `stop`. A turn under way is ended and committed, then the group is left.
///
/// # Errors
/// What only a person can mend: records or rows that this build cannot read, positions that do
/// not belong together, a disk that fails.
pub fn keep_running(
    stage: StageName,
    mut make: MakeRunner,
    stop: &AtomicBool,
    metrics: &Metrics,
) -> Result<(), StageError> {
    let mut pause = PAUSES.0;
    while !stop.load(Ordering::SeqCst) {
        let error = match make() {
            Ok(mut runner) => {
                let outcome = run(&mut runner, stop, &mut pause);
                match outcome {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        match &error {
            StageError::Port(PortError::Fatal(_) | PortError::Unknown(_)) => {}
            _ => return Err(error),
        }
        tracing::warn!(%stage, %error, "begins anew");
        metrics.stage_restarts.with_label_values(&[stage.as_str()]).inc();
        wait(pause, stop);
        pause = (pause * 2).min(PAUSES.1);
    }
    Ok(())
}

fn run(runner: &mut Runner, stop: &AtomicBool, pause: &mut Duration) -> Result<(), StageError> {
    while !stop.load(Ordering::SeqCst) {
        runner.turn()?;
        *pause = PAUSES.0;
    }
    Ok(())
}

fn wait(pause: Duration, stop: &AtomicBool) {
    let mut waited = Duration::ZERO;
    while waited < pause && !stop.load(Ordering::SeqCst) {
        std::thread::sleep(NAP);
        waited += NAP;
    }
}
