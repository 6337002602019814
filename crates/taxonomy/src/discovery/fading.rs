//! Counts that fade with the age of what they count.

use quell_model::TimeMs;
use serde::{Deserialize, Serialize};

/// Counts are scaled back when they have grown by two to this power.
const MOST_HALF_LIVES: f64 = 24.0;

/// Forward decay: what happens at `t` counts `2^((t - landmark) / half_life)`, and reading divides
/// by the weight of now (Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009). No count has to be
/// touched as time goes by, counts of different ages compare as they are stored, and what arrives
/// late weighs what it would have weighed in time. Fails where half-lives must differ by count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fading {
    half_life_ms: i64,
    landmark: Option<TimeMs>,
}

impl Fading {
    pub fn new(half_life_ms: i64) -> Fading {
        Fading { half_life_ms: half_life_ms.max(1), landmark: None }
    }

    /// What a contact at `time` weighs. 0 when it is too old to matter.
    pub fn weight(&self, time: TimeMs) -> f64 {
        libm::exp2(self.half_lives(time).min(MOST_HALF_LIVES))
    }

    /// By what all stored counts must be multiplied before a contact at `time` is counted: a power
    /// of two, so that nothing is rounded. None mostly.
    pub fn rescale(&mut self, time: TimeMs) -> Option<f64> {
        let landmark = *self.landmark.get_or_insert(time);
        let passed = self.half_lives(time);
        if passed <= MOST_HALF_LIVES {
            return None;
        }
        let whole = libm::floor(passed);
        self.landmark = Some(landmark.plus_ms((whole * self.half_life_ms as f64) as i64));
        Some(libm::exp2(-whole))
    }

    fn half_lives(&self, time: TimeMs) -> f64 {
        let passed = self.landmark.map_or(0, |landmark| time.since_ms(landmark));
        passed as f64 / self.half_life_ms.max(1) as f64
    }
}
