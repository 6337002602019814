//! Weekly counts: weeks with an alarm.

use std::io::Write;
use std::path::Path;

use quell_detect::periods::{
    Expected, Period, PeriodDetector, PeriodSeries, PeriodSettings, calibrated_limit,
};
use serde::{Deserialize, Serialize};

use crate::{EvalError, rows};

/// Seed of the placebo counts that limits are calibrated with.
const SEED: u64 = 20;

#[derive(Deserialize)]
struct Row {
    series: String,
    counts: Vec<u64>,
}

/// Alarms of one series.
#[derive(Serialize)]
struct Alarms {
    series: String,
    /// Numbers of the periods, from 1.
    alarms: Vec<usize>,
}

pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let mut tenant = Vec::new();
    rows::each(input, |row: Row| {
        let weeks =
            (0..).zip(&row.counts).map(|(number, count)| Period::plain(number, Some(*count)));
        tenant.push((row.series, weeks.collect()));
        Ok(())
    })?;
    write_alarms(out, &PeriodSettings::weekly(), tenant)
}

/// Runs all series of a tenant side by side, season by season. After each season the limit is
/// calibrated anew on what was expected in it, so that no limit knows of the season it is used in.
pub fn write_alarms(
    out: &mut dyn Write,
    settings: &PeriodSettings,
    tenant: Vec<(String, Vec<Period>)>,
) -> Result<(), EvalError> {
    let mut detector = PeriodDetector::new(settings.clone(), f64::INFINITY);
    let mut states: Vec<_> = tenant.iter().map(|_| (PeriodSeries::new(), Vec::new())).collect();
    let season = settings.season_periods.max(1.0) as usize;
    let longest = tenant.iter().map(|(_, periods)| periods.len()).max().unwrap_or(0);
    for start in (0..longest).step_by(season) {
        let mut pasts: Vec<Vec<Option<Expected>>> = Vec::with_capacity(tenant.len());
        for ((_, periods), (series, alarms)) in tenant.iter().zip(&mut states) {
            let mut past = Vec::new();
            for (at, period) in periods.iter().enumerate().skip(start).take(season) {
                let Some(verdict) = detector.push(series, *period) else { continue };
                past.push(period.count.map(|_| verdict.expected));
                if verdict.alarm {
                    alarms.push(at + 1);
                }
            }
            pasts.push(past);
        }
        let limit = calibrated_limit(settings, &pasts, SEED);
        detector = PeriodDetector::new(settings.clone(), limit);
    }
    for ((series, _), (_, alarms)) in tenant.into_iter().zip(states) {
        rows::write(out, &Alarms { series, alarms })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_written_out_and_read_again_goes_on_as_before() -> Result<(), serde_json::Error> {
        let settings = PeriodSettings { warm_up_periods: 60, ..PeriodSettings::weekly() };
        let detector = PeriodDetector::new(settings, -1.0);
        let mut series = PeriodSeries::new();
        for number in 0..200 {
            let count = (number * number * 7 + number) % 11 + if number == 150 { 40 } else { 0 };
            let period = Period::plain(number, Some(count as u64));
            let text = serde_json::to_string(&series)?;
            let mut again: PeriodSeries = serde_json::from_str(&text)?;
            assert_eq!(again.version, quell_detect::periods::PERIOD_STATE_VERSION);
            let pair = (detector.push(&mut again, period), detector.push(&mut series, period));
            // Text holds a number to its last digit but one.
            let (Some(a), Some(b)) = pair else { continue };
            assert!((a.ln_odds - b.ln_odds).abs() < 1e-6, "{number}: {a:?} {b:?}");
            assert_eq!(a.alarm, b.alarm);
        }
        Ok(())
    }

    #[test]
    fn a_burst_in_quiet_weeks_is_the_only_alarm() -> Result<(), Box<dyn std::error::Error>> {
        let count = |week: u64| if week == 400 { 60 } else { 8 + week * week * 7 % 5 };
        let weeks = (0..450).map(|week| Period::plain(week as i64, Some(count(week)))).collect();
        let mut out = Vec::new();
        write_alarms(&mut out, &PeriodSettings::weekly(), vec![("s".to_owned(), weeks)])?;
        let row: serde_json::Value = serde_json::from_slice(&out)?;
        let weeks: Vec<u64> = serde_json::from_value(row["alarms"].clone())?;
        assert_eq!(weeks.first(), Some(&401));
        // So large a burst may well have a last case two weeks on; not four.
        assert!(weeks.iter().all(|week| (401..405).contains(week)), "{weeks:?}");
        Ok(())
    }
}
