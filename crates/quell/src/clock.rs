//! The wall clock, the only one.

use quell_model::TimeMs;
use quell_ports::Clock;

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> TimeMs {
        TimeMs(jiff::Timestamp::now().as_millisecond())
    }
}
