//! The state of a tenant: one value that takes hours in order.

use quell_model::Verdict;
use serde::{Deserialize, Serialize};

use super::core::Core;
use super::scan::Evidence;
use super::{Hour, HourlySettings, Issue, Subject};

/// Version of the stored form: a state of another version is not read but built again.
pub const STATE_VERSION: u32 = 4;
/// A longer gap in the hours is an error: it would be filled hour by hour.
pub const GAP_MAX_H: u64 = 28 * 24;
/// Orders that are not known; a number, so that states can be stored and compared.
const UNKNOWN: f64 = -1.0;
/// Reasons of a tenant at most.
const REASONS_MAX: usize = 100_000;

/// Why an hour is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HourlyError {
    /// It is not after the last one: what changes a past hour is played again from a state that
    /// was stored before that hour.
    NotAfter,
    /// It is too far after the last one: begin anew.
    Gap,
    /// It names more reasons than a tenant may have.
    Reasons,
    /// It counts more cells than are tracked.
    Cells,
}

/// The detector of one tenant.
///
/// A function of the hours pushed and of nothing else, so a stored state and the hours after it
/// give what all hours give. Whoever keeps hours that can still change keeps a state from before
/// them as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HourlyState {
    version: u32,
    settings: HourlySettings,
    /// The next hour, counted from a Monday, 00:00.
    next: u64,
    core: Core,
}

impl HourlyState {
    /// Before the first hour, which is `first` hours after some Monday, 00:00 of the tenant's time.
    pub fn new(first: u64, settings: HourlySettings) -> HourlyState {
        HourlyState { version: STATE_VERSION, settings, next: first, core: Core::new() }
    }

    /// Whether a value read from storage is of this version and can be used.
    pub fn is_sound(&self) -> bool {
        self.version == STATE_VERSION && self.core.is_sound()
    }

    /// What it was begun with.
    pub fn settings(&self) -> HourlySettings {
        self.settings
    }

    /// The next hour that is due.
    pub fn next_hour(&self) -> u64 {
        self.next
    }

    /// Takes a closed hour. Hours left out before it count as unknown.
    ///
    /// # Errors
    /// The hour is past, too far ahead, or names too many reasons or cells; the state is as before.
    pub fn push(&mut self, at: u64, mut hour: Hour) -> Result<(), HourlyError> {
        let gap = at.checked_sub(self.next).ok_or(HourlyError::NotAfter)?;
        if gap > GAP_MAX_H || at == u64::MAX {
            return Err(HourlyError::Gap);
        }
        if hour.counts.len() > REASONS_MAX {
            return Err(HourlyError::Reasons);
        }
        if hour.cells.len() > self.core.cells().len() {
            return Err(HourlyError::Cells);
        }
        for _ in 0..gap {
            self.append(&Hour { orders: UNKNOWN, ..Hour::default() });
        }
        if !hour.orders.is_finite() || hour.orders < 0.0 {
            hour.orders = UNKNOWN;
        }
        self.append(&hour);
        Ok(())
    }

    /// What is counted at this place in [`Hour::counts`] has no reason. It is judged as a reason
    /// is, but as nobody is told of its issues they explain nothing of what all contacts bring.
    pub fn set_unnamed(&mut self, reason: usize) {
        self.core.set_unnamed(reason);
    }

    fn append(&mut self, hour: &Hour) {
        self.core.step(self.next, hour, &self.settings);
        self.next += 1;
    }

    /// From the next hour on, judges a cell of the reason at this place of [`Hour::counts`]; gives
    /// back the cell's number. It comes last in [`Hour::cells`]. `value` is any number of its
    /// dimension value that is the same in all reasons. Of the hours before nothing is known, so
    /// its own warm-up begins.
    pub fn track(&mut self, reason: usize, value: u64) -> u64 {
        self.core.cells_mut().track(reason, value)
    }

    /// Tracks no longer the cells that are not to be kept; those with an open issue stay.
    pub fn retain_cells(&mut self, keep: impl Fn(u64) -> bool) {
        self.core.cells_mut().retain(keep);
    }

    /// The numbers of the cells that are tracked, in the order of [`Hour::cells`].
    pub fn cells(&self) -> impl Iterator<Item = u64> {
        self.core.cells().ids()
    }

    /// The last issue of each subject, open or not. A reader that wants them all keeps them by
    /// subject and hour of opening.
    pub fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.core.issues()
    }

    /// Subjects over the lower limit without an issue, as issues that would have opened when they
    /// passed it, with the numbers of the last hour.
    pub fn watches(&self) -> impl Iterator<Item = Issue> {
        self.core.watches().map(|mut watch| {
            watch.onset = self.next.saturating_sub(u64::from(watch.opening.hours));
            watch
        })
    }

    /// What is said of a subject at the last hour, with the numbers of the window that says most.
    pub fn verdict(&self, subject: Subject) -> (Verdict, Evidence) {
        self.core.verdict(subject)
    }

    /// What part of all customers is expected for a reason.
    #[cfg(test)]
    pub(super) fn share_of(&self, reason: usize) -> Option<f64> {
        self.core.share_of(reason, self.next)
    }
}
