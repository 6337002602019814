//! The event generator: support contacts with planted truth, from a scenario file and a seed.
//!
//! The same scenario and seed give the same bytes. Events come in the order in which they reach
//! us, which is not quite the order in which they happened; what was planted (the true reason,
//! the chain, the cause, the incident) comes beside them, never inside. Memory holds the contacts
//! that are still open, and the planned repeats. `docs/scenarios.md` explains the file.

mod compose;
mod draw;
mod flow;
mod parse;
mod people;
mod phrases;
mod plan;
mod quantity;
mod records;
mod scenario;
mod simulation;
mod telling;
mod truth;

use std::io::{self, Write};

pub use parse::{ScenarioError, parse};
pub use scenario::Scenario;
pub use simulation::{Item, Simulation};

/// Lines of progress between two reports.
const PROGRESS_LINES: u64 = 10_000;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Event lines, volumes and repeated deliveries included.
    pub events: u64,
    /// Bytes of the event lines, line ends included.
    pub event_bytes: u64,
    /// Truth lines.
    pub truths: u64,
    /// Contacts: truth lines less those of incidents.
    pub contacts: u64,
}

/// Runs a whole simulation: one JSON line per event and per truth row. `progress` is told the
/// number of contacts so far, now and then.
pub fn write_to(
    scenario: &Scenario,
    seed: u64,
    events: &mut impl Write,
    truth: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Written> {
    let mut written = Written::default();
    let mut simulation = Simulation::new(scenario, seed);
    for item in simulation.by_ref() {
        match item {
            Item::Event(mut line) => {
                line.push(b'\n');
                events.write_all(&line)?;
                written.events += 1;
                written.event_bytes += line.len() as u64;
            }
            Item::Truth(mut line) => {
                line.push(b'\n');
                truth.write_all(&line)?;
                written.truths += 1;
            }
        }
        if (written.events + written.truths) % PROGRESS_LINES == 0 {
            progress(written.truths);
        }
    }
    written.contacts = simulation.contacts();
    progress(written.contacts);
    events.flush()?;
    truth.flush()?;
    Ok(written)
}
