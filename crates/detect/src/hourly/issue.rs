//! The life of an issue: it opens, it closes, and what comes back soon is the same issue.

use serde::{Deserialize, Serialize};

use super::HourlySettings;
use super::scan::Evidence;

/// Closing needs this many nats for "as expected" against "still in excess at the issue's ratio":
/// a spike is over within hours, a rise by a tenth only after days.
const CLOSE_NATS: f64 = 5.0;
/// The ratio that "still in excess" means at least.
const RATIO_MIN: f64 = 1.05;

/// Whose issue it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// All reasons together: an event of the channel or of the business.
    Everything,
    /// A reason, by its place in [`super::Hour::counts`].
    Reason(usize),
    /// A cell, by the number that [`super::HourlyState::track`] gave it.
    Cell(u64),
}

/// A stretch of time in which a reason brought more than can be explained.
///
/// Named by its subject and `opened`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Whose.
    pub subject: Subject,
    /// Hour at whose close it was first seen.
    pub opened: u64,
    /// First hour of the window it was seen in: an estimate, often late for slow rises.
    pub onset: u64,
    /// Hour at whose close it was seen to be over; none while it is open.
    pub closed: Option<u64>,
    /// How often it came back.
    pub reopened: u32,
    /// Why it was opened.
    pub opening: Evidence,
    /// How many false issues a week chance would give, over all reasons and cells, at the score of
    /// the opening.
    pub chance_per_week: f64,
    /// Hours that the expectation was learned from when it opened.
    pub baseline_h: u64,
    /// Customers from the onset on, while open.
    pub observed: f64,
    /// Customers that were expected in the same hours.
    pub expected: f64,
    /// Contacts in the same hours.
    pub contacts: f64,
    /// Customers and expectation since it last opened.
    stretch: (f64, f64),
    last_opened: u64,
    quiet_nats: f64,
}

impl Issue {
    /// Opened at the close of `hour`, by an expectation from `baseline_h` hours.
    pub(super) fn new(subject: Subject, hour: u64, why: &Opening) -> Issue {
        let Opening { evidence: why, chance_per_week, baseline_h } = *why;
        let mut issue = Issue {
            subject,
            opened: hour,
            onset: (hour + 1).saturating_sub(u64::from(why.hours)),
            closed: None,
            reopened: 0,
            opening: why,
            chance_per_week,
            baseline_h,
            observed: 0.0,
            expected: 0.0,
            contacts: 0.0,
            stretch: (0.0, 0.0),
            last_opened: hour,
            quiet_nats: 0.0,
        };
        issue.begin(hour, why);
        issue
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether it opened, or came back, at `hour`.
    pub(super) fn began_at(&self, hour: u64) -> bool {
        self.last_opened == hour
    }

    /// Customers over the expectation, so far.
    pub fn excess(&self) -> f64 {
        self.observed - self.expected
    }

    /// Whether what is seen at `hour` continues this issue, which is closed.
    pub(super) fn takes_up(&self, hour: u64, settings: &HourlySettings) -> bool {
        let soon = |closed: u64| hour.saturating_sub(closed) <= u64::from(settings.reopen_h);
        self.closed.is_some_and(soon)
    }

    /// It came back.
    pub(super) fn reopen(&mut self, hour: u64, why: Evidence) {
        self.reopened += 1;
        self.begin(hour, why);
    }

    fn begin(&mut self, hour: u64, why: Evidence) {
        self.closed = None;
        self.last_opened = hour;
        self.quiet_nats = 0.0;
        self.stretch = (why.observed, why.expected);
        self.observed += why.observed;
        self.expected += why.expected;
        self.contacts += why.contacts;
    }

    /// Takes an hour after the one it opened in, and closes when it tells of its end.
    ///
    /// A one-sided sequential test (Page 1954) of the expectation against the expectation times
    /// the issue's own ratio, as Poisson counts over the dispersion.
    pub(super) fn pass(&mut self, hour: u64, seen: Passed, settings: &HourlySettings) {
        self.observed += seen.customers;
        self.expected += seen.mean;
        self.contacts += seen.contacts;
        self.stretch.0 += seen.customers;
        self.stretch.1 += seen.mean;
        let ratio = ((self.stretch.0 + 1.0) / (self.stretch.1 + 1.0)).max(RATIO_MIN);
        let nats = ((ratio - 1.0) * seen.mean - seen.customers * ratio.ln()) / seen.dispersion;
        self.quiet_nats = (self.quiet_nats + nats).max(0.0);
        let absorbed = hour.saturating_sub(self.last_opened) > u64::from(settings.absorb_h);
        if self.quiet_nats > CLOSE_NATS || absorbed {
            self.closed = Some(hour);
        }
    }
}

/// What speaks for an issue when it opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub evidence: Evidence,
    pub chance_per_week: f64,
    pub baseline_h: u64,
}

/// An hour that passes while an issue is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub customers: f64,
    pub contacts: f64,
    pub mean: f64,
    pub dispersion: f64,
}
