//! Daily counts with closed days and holidays: days with an alarm.

use std::io::Write;
use std::path::Path;

use quell_detect::periods::{Period, PeriodSettings};
use serde::Deserialize;

use crate::weekly::write_alarms;
use crate::{EvalError, rows};

const WEEK_DAYS: usize = 7;

#[derive(Deserialize)]
struct Row {
    series: String,
    /// Days of the week that are open, from the first; below 7 holidays are closed as well.
    week_days: usize,
    /// Day numbers from 0, known ahead.
    holidays: Vec<usize>,
    counts: Vec<u64>,
}

pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let mut tenant = Vec::new();
    rows::each(input, |row: Row| {
        let days = row.counts.iter().enumerate().map(|(day, count)| row.period(day, *count));
        tenant.push((row.series.clone(), days.collect()));
        Ok(())
    })?;
    write_alarms(out, &PeriodSettings::daily(), tenant)
}

impl Row {
    fn period(&self, day: usize, count: u64) -> Period {
        let closes = self.week_days < WEEK_DAYS;
        let holiday = self.holidays.contains(&day);
        let closed = closes && (holiday || !self.planned(day));
        let before = day.checked_sub(1);
        let unplanned = |day| self.planned(day) && self.holidays.contains(&day);
        Period {
            number: day as i64,
            count: (!closed).then_some(count),
            holiday: holiday && !closes,
            after_closure: closes && before.is_some_and(unplanned),
        }
    }

    /// Whether the weekday is an open one.
    fn planned(&self, day: usize) -> bool {
        day % WEEK_DAYS < self.week_days
    }
}
