//! The week as regressors of a reason's share.

use std::f64::consts::TAU;

use super::WEEK_H;

/// Coefficients of a reason: level, drift, two daily harmonics, weekend, six weekdays.
pub const TERMS: usize = 13;
/// Standard deviation of each coefficient before anything is seen, on the logarithmic scale.
///
/// The level's is for its start from four days of counts; the drift's is per week; the rest are
/// differences from the shape that all reasons share, so they are small.
pub const PRIOR_SD: [f64; TERMS] =
    [0.3, 0.03, 0.3, 0.3, 0.15, 0.15, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05];

/// What kind of day an hour lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// One like most.
    Ordinary,
    /// A declared holiday.
    Holiday,
    /// The days after it up to the first from Monday to Friday: what had to wait comes then.
    After,
}

impl Day {
    /// The kind of an hour's day, from the day of the last holiday (days counted from a Monday).
    pub fn of(hour: u64, is_holiday: bool, last_holiday: Option<u64>) -> Day {
        let day = hour / 24;
        let is_weekend = |day: u64| day % 7 >= 5;
        match last_holiday {
            _ if is_holiday => Day::Holiday,
            Some(last) if last < day && day - last <= 3 && (last + 1..day).all(is_weekend) => {
                Day::After
            }
            _ => Day::Ordinary,
        }
    }
}

/// The regressors of an hour (counted from a Monday, 00:00), `ahead_h` after what the
/// coefficients stand for.
pub fn regressors(hour: u64, ahead_h: f64) -> [f64; TERMS] {
    let angle = TAU * (hour % 24) as f64 / 24.0;
    let day = (hour / 24 % 7) as usize;
    let mut terms = [0.0; TERMS];
    terms[0] = 1.0;
    terms[1] = ahead_h / WEEK_H as f64;
    (terms[3], terms[2]) = angle.sin_cos();
    (terms[5], terms[4]) = (2.0 * angle).sin_cos();
    terms[6] = f64::from(u8::from(day >= 5)) - 2.0 / 7.0;
    for (weekday, term) in terms[7..].iter_mut().enumerate() {
        *term = f64::from(u8::from(day == weekday)) - 1.0 / 7.0;
    }
    terms
}
