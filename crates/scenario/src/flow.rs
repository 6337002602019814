//! How many: volumes and mean contacts hour by hour.

use quell_model::time::{DAY_MS, HOUR_MS};

use crate::draw::Draw;
use crate::scenario::{Incident, Rate, Scenario, Season, Volumes};

const SHOP_HOURS: [f64; 24] = [
    0.35, 0.2, 0.12, 0.1, 0.1, 0.15, 0.3, 0.6, 0.9, 1.2, 1.4, 1.5, 1.5, 1.4, 1.35, 1.35, 1.4, 1.5,
    1.6, 1.7, 1.75, 1.6, 1.2, 0.7,
];
const SHOP_DAYS: [f64; 7] = [1.1, 1.05, 1.0, 1.0, 0.95, 0.85, 1.05];
const OFFICE_HOURS: [f64; 24] = [
    0.05, 0.03, 0.02, 0.02, 0.03, 0.1, 0.3, 0.8, 1.8, 2.4, 2.5, 2.3, 1.8, 2.0, 2.2, 2.1, 1.9, 1.4,
    0.8, 0.5, 0.4, 0.3, 0.2, 0.1,
];
const OFFICE_DAYS: [f64; 7] = [1.3, 1.2, 1.15, 1.1, 1.0, 0.25, 0.2];
const HOURS_OF_WEEK: usize = 168;

/// One hour of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hour {
    pub(crate) start_ms: i64,
    /// Milliseconds of the hour that lie inside the run.
    pub(crate) len_ms: i64,
    /// Units of the business driver, where there are volumes.
    pub(crate) units: Option<u64>,
    /// Expected first contacts of the whole hour, without incidents.
    pub(crate) mean_contacts: f64,
}

/// Walks the run hour by hour.
#[derive(Debug)]
pub(crate) struct Flow {
    start_ms: i64,
    end_ms: i64,
    next_ms: i64,
    rate: Rate,
    rate_shape: [f64; HOURS_OF_WEEK],
    volumes: Option<(Volumes, [f64; HOURS_OF_WEEK])>,
    /// Units that contacts of now trail behind: exponentially lagged.
    exposure: f64,
    /// How much of the newest hour enters the exposure.
    newest: f64,
}

impl Flow {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let lag_hours = scenario.rate.value.lag.0 as f64 / HOUR_MS as f64;
        Flow {
            start_ms: scenario.start.0,
            end_ms: scenario.end_ms(),
            next_ms: scenario.start.0,
            rate: scenario.rate.value.clone(),
            rate_shape: week_shape(scenario.rate.value.season),
            volumes: scenario.volumes.clone().map(|v| (v.clone(), week_shape(v.season))),
            exposure: scenario.volumes.as_ref().map_or(0.0, |volumes| volumes.per_hour.0),
            newest: 1.0 / (1.0 + lag_hours),
        }
    }

    pub(crate) fn next(&mut self, draw: &mut Draw) -> Option<Hour> {
        let start_ms = self.next_ms;
        if start_ms >= self.end_ms {
            return None;
        }
        let len_ms = (self.end_ms - start_ms).min(HOUR_MS);
        self.next_ms = start_ms.saturating_add(HOUR_MS);
        let offset_ms = start_ms - self.start_ms;
        let weeks = offset_ms as f64 / (7 * DAY_MS) as f64;
        let units = self.volumes.as_ref().map(|(volumes, shape)| {
            let trend = libm::pow(1.0 + volumes.trend_per_week.0, weeks);
            let steps = steps_at(volumes, offset_ms + len_ms / 2);
            let mean = volumes.per_hour.0 * trend * steps * shape[hour_of_week(start_ms)];
            draw.count(mean * len_ms as f64 / HOUR_MS as f64, 0.0)
        });
        let base = match (units, self.rate.per_hour, self.rate.per_100) {
            (_, Some(per_hour), _) => per_hour.0,
            (Some(units), _, Some(per_100)) => {
                self.exposure += self.newest * (units as f64 - self.exposure);
                self.exposure * per_100.0 / 100.0
            }
            _ => 0.0,
        };
        let trend = libm::pow(1.0 + self.rate.trend_per_week.0, weeks);
        let mean_contacts = base * trend * self.rate_shape[hour_of_week(start_ms)];
        Some(Hour { start_ms, len_ms, units, mean_contacts })
    }
}

/// The part of an incident that falls into an hour: from, to, and the mean share of its peak.
pub(crate) fn incident_part(
    incident: &Incident,
    run_start_ms: i64,
    hour: &Hour,
) -> Option<(i64, i64, f64)> {
    let start_ms = run_start_ms + incident.start.0;
    let from_ms = start_ms.max(hour.start_ms);
    let to_ms = (start_ms + incident.duration.0).min(hour.start_ms + hour.len_ms);
    if from_ms >= to_ms {
        return None;
    }
    let middle_ms = (from_ms + (to_ms - from_ms) / 2 - start_ms) as f64;
    let ramp_ms = incident.ramp.0 as f64;
    let height = if ramp_ms > middle_ms { middle_ms / ramp_ms } else { 1.0 };
    Some((from_ms, to_ms, height))
}

fn steps_at(volumes: &Volumes, offset_ms: i64) -> f64 {
    let mut level = 1.0;
    for step in &volumes.orders_multiplier {
        let since_ms = offset_ms - step.at.0;
        if since_ms >= step.ramp.0 {
            level = step.multiplier.0;
        } else if since_ms >= 0 {
            level += (step.multiplier.0 - level) * since_ms as f64 / step.ramp.0 as f64;
        }
    }
    level
}

/// Hours since Monday 00:00 UTC.
fn hour_of_week(time_ms: i64) -> usize {
    // 1970-01-01 was a Thursday.
    let hours = time_ms.div_euclid(HOUR_MS) + 3 * 24;
    hours.rem_euclid(HOURS_OF_WEEK as i64) as usize
}

/// A week with mean 1.
fn week_shape(season: Season) -> [f64; HOURS_OF_WEEK] {
    let (hours, days) = match season {
        Season::Flat => return [1.0; HOURS_OF_WEEK],
        Season::Shop => (SHOP_HOURS, SHOP_DAYS),
        Season::Office => (OFFICE_HOURS, OFFICE_DAYS),
    };
    let mut shape = [0.0; HOURS_OF_WEEK];
    for (hour, value) in shape.iter_mut().enumerate() {
        *value = days[hour / 24] * hours[hour % 24];
    }
    let mean = shape.iter().sum::<f64>() / HOURS_OF_WEEK as f64;
    shape.map(|value| value / mean)
}
