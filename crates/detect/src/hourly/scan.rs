//! Is there more than expected, over any stretch of time that ends now?
//!
//! Windows of 2 hours to 2 weeks; for each the exact tail of a negative binomial count, whose
//! dispersion holds the noise of the hours *and* the error of the expectation, which does not
//! average out. Short windows are looked at independently more often than long ones, so each pays
//! the logarithm of how often it fits into the longest (the penalised scan of Walther & Perry
//! 2022, "Calibrating the scan statistic"): every window length has the same part of the budget.
//! It fails for rises spread thinly over more than two weeks, and for a model error beyond what
//! the baseline knows of itself.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::stray::{Look, WINDOWS};
use super::{HourlySettings, WEEK_H};
use crate::tails::ln_at_least;

/// Hours kept one by one: an hour is learned when it leaves.
pub const RING_H: usize = 96;
/// Windows, in hours, the shortest first.
pub const WINDOWS_H: [u32; 10] = [2, 3, 5, 8, 14, 24, 48, 96, 168, 336];
const LONGEST_H: f64 = 336.0;
const BLOCK_H: u32 = 8;
const BLOCKS: usize = 30;
/// Error of the expectation that the baseline does not know of (relative standard deviation).
const MODEL_SD: f64 = 0.015;
/// An hour's count is cut at this many standard deviations.
const CUT_SD: f64 = 6.0;
/// Tails are computed from this many standard deviations on.
const GATE_SD: f64 = 2.0;
/// Effective independent looks per fit of a window into a stretch of time, all lengths together.
///
/// Measured, not derived: with it quiet worlds whose model is right give a fifth of the budget of
/// false issues, and the contacts benchmark, where it is not quite right, about half of it.
const LOOKS: f64 = 1.0 * WINDOWS_H.len() as f64;
/// Part of the budget of false issues that all cells together have at most.
const CELLS_MOST: f64 = 1.0 / 3.0;
/// A watch is this many times as frequent as a false issue may be.
const WATCH_TIMES: f64 = 20.0;

/// An hour of a reason, as it was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Distinct customers.
    pub customers: f32,
    /// Contacts.
    pub contacts: f32,
    /// Expected customers.
    pub mean: f32,
    /// Variance of the customers, without the error of the share.
    pub variance: f32,
    /// Mean times the variance of the logarithm of the share.
    pub share_error: f32,
    /// Logarithm of what the share is a share of.
    pub ln_whole: f32,
    /// The hour is learned when it leaves: known, and in no issue.
    pub learns: bool,
}

/// Hours summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    hours: u32,
    /// Hours clearly over the expectation.
    high: u32,
    customers: f32,
    /// Customers, each hour cut.
    cut: f32,
    /// The two largest excesses of an hour, after the cut.
    tops: [f32; 2],
    contacts: f32,
    mean: f32,
    variance: f32,
    share_error: f32,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.hours += other.hours;
        self.high += other.high;
        self.customers += other.customers;
        self.cut += other.cut;
        let (high, low) = (self.tops[0].max(other.tops[0]), self.tops[0].min(other.tops[0]));
        self.tops = [high, low.max(self.tops[1]).max(other.tops[1])];
        self.contacts += other.contacts;
        self.mean += other.mean;
        self.variance += other.variance;
        self.share_error += other.share_error;
    }

    /// Variance over mean of the customers, the error of the expectation included: the one that
    /// it knows of itself, and a squared relative one that was learned.
    fn dispersion(&self, error_sq: f64) -> f64 {
        let mean = f64::from(self.mean).max(1e-6);
        let error = f64::from(self.share_error) / mean + MODEL_SD * MODEL_SD + error_sq;
        (f64::from(self.variance) / mean + mean * error).max(1.0)
    }

    /// The same, had so many times as much been expected.
    fn raised(&self, times: f32) -> Sum {
        let (mean, variance) = (times * self.mean, times * self.variance);
        Sum { mean, variance, share_error: times * self.share_error, ..*self }
    }

    fn look(&self, window: usize) -> Look {
        let mean = f64::from(self.mean);
        let customers = f64::from(self.customers);
        Look { window, customers, mean, variance: mean * self.dispersion(0.0) }
    }

    fn of(slot: &Slot) -> Sum {
        let sd = slot.variance.max(0.0).sqrt();
        let cut = slot.customers.min(slot.mean + CUT_SD as f32 * sd.max(1.0));
        Sum {
            hours: 1,
            high: u32::from(slot.customers - slot.mean > (0.5 * sd).max(0.5)),
            customers: slot.customers,
            cut,
            tops: [(cut - slot.mean).max(0.0), 0.0],
            contacts: slot.contacts,
            mean: slot.mean,
            variance: slot.variance,
            share_error: slot.share_error,
        }
    }
}

/// Why something is said of a reason: numbers over the window that says most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Hours of the window, which ends with the hour judged.
    pub hours: u32,
    /// Hours in it that were clearly over the expectation.
    pub high_hours: u32,
    /// Distinct customers by hour, summed.
    pub observed: f64,
    /// What was expected.
    pub expected: f64,
    /// Contacts in the window.
    pub contacts: f64,
    /// Observed over expected, and its 95 % interval (log-normal; too narrow below 5 customers).
    pub ratio: f64,
    /// Lower end.
    pub ratio_low: f64,
    /// Upper end.
    pub ratio_high: f64,
    /// Variance over mean that the window's count was judged by.
    pub dispersion: f64,
    /// Relative error of the expectation beyond what it knows of itself, as a standard deviation:
    /// learned from how far the tenant's own hours stray.
    pub model_error: f64,
    /// Minus the logarithm of the tail probability, less the window's payment. 0 where nothing
    /// stands out.
    pub score: f64,
}

impl Evidence {
    /// Customers over the expectation.
    pub fn excess(&self) -> f64 {
        self.observed - self.expected
    }

    fn of(sum: &Sum, score: f64, error_sq: f64) -> Evidence {
        let (observed, expected) = (f64::from(sum.customers), f64::from(sum.mean).max(1e-9));
        let ratio = observed / expected;
        let error = f64::from(sum.share_error) / expected + MODEL_SD * MODEL_SD + error_sq;
        let noise = f64::from(sum.variance) / expected / observed.max(1.0);
        let reach = (1.96 * (error + noise).sqrt()).exp();
        Evidence {
            hours: sum.hours,
            high_hours: sum.high,
            observed,
            expected,
            contacts: f64::from(sum.contacts),
            ratio,
            ratio_low: ratio / reach,
            ratio_high: ratio * reach,
            dispersion: sum.dispersion(error_sq),
            model_error: (MODEL_SD * MODEL_SD + error_sq).sqrt(),
            score,
        }
    }
}

/// The last two weeks of a reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    slots: VecDeque<Slot>,
    /// Older hours, eight by eight; the last is being filled.
    blocks: VecDeque<Sum>,
    /// How many of the newest hours may be judged: an issue that ended is not judged again.
    judged: u32,
}

impl Recent {
    /// Whether a value read from storage has the shape of this version.
    pub fn is_sound(&self) -> bool {
        self.slots.len() <= RING_H && self.blocks.len() <= BLOCKS + 1
    }

    /// The hours kept one by one, the oldest first.
    pub fn slots(&self) -> &VecDeque<Slot> {
        &self.slots
    }

    /// Adds an hour; `judge` says whether windows may hold it. Gives back the one that leaves.
    pub fn push(&mut self, slot: Slot, judge: bool) -> Option<Slot> {
        self.slots.push_back(slot);
        self.judged = if judge { (self.judged + 1).min(LONGEST_H as u32 + BLOCK_H) } else { 0 };
        if self.slots.len() <= RING_H {
            return None;
        }
        let left = self.slots.pop_front()?;
        let sum = Sum::of(&left);
        match self.blocks.back_mut() {
            Some(block) if block.hours < BLOCK_H => block.add(&sum),
            _ => self.blocks.push_back(sum),
        }
        if self.blocks.len() > BLOCKS + 1 {
            self.blocks.pop_front();
        }
        Some(left)
    }

    /// Nothing of what came so far is judged again.
    pub fn forget(&mut self) {
        self.judged = 0;
    }

    /// Takes customers out of the hour that many before the newest: another issue explains them.
    pub fn relieve(&mut self, back: usize, customers: f64) {
        if let Some(slot) = self.slots.iter_mut().rev().nth(back) {
            slot.customers = (slot.customers - customers as f32).max(0.0);
        }
    }

    /// The newest `hours` hours are not learned.
    pub fn exclude(&mut self, hours: u32) {
        for slot in self.slots.iter_mut().rev().take(hours as usize) {
            slot.learns = false;
        }
    }

    /// Customers that came in the newest hours, and those expected.
    pub fn newest(&self, hours: u32) -> (f64, f64) {
        let mut sum = Sum::default();
        for part in self.parts() {
            if sum.hours >= hours {
                break;
            }
            sum.add(&part);
        }
        (f64::from(sum.customers), f64::from(sum.mean))
    }

    /// What a part of these customers brought above what was expected of it is left out of the
    /// newest hours. Of hours that are no longer kept one by one, the sum is left out evenly.
    pub fn explain(&mut self, part: &Recent, hours: u32) {
        let each = self.slots.iter_mut().rev().zip(part.slots.iter().rev());
        for (slot, part) in each.take(hours as usize) {
            slot.customers = (slot.customers - part.customers + part.mean).max(0.0);
            slot.contacts = (slot.contacts - part.contacts + part.mean).max(0.0);
        }
        let older_h = hours.saturating_sub(RING_H as u32);
        let blocks = older_h.div_ceil(BLOCK_H) as usize;
        let newest = part.blocks.iter().rev().take(blocks);
        let excess: f32 = newest.map(|block| block.customers - block.mean).sum();
        for block in self.blocks.iter_mut().rev().take(blocks) {
            let own = excess / blocks as f32;
            block.customers = (block.customers - own).max(0.0);
            block.cut = (block.cut - own).max(0.0);
        }
    }

    fn parts(&self) -> impl Iterator<Item = Sum> {
        self.slots.iter().rev().map(Sum::of).chain(self.blocks.iter().rev().copied())
    }

    /// The evidence of the window that says most; a score of 0 where none passes.
    /// `look` is shown every window in full.
    pub fn scan(&self, how: &How, mut look: impl FnMut(Look)) -> Evidence {
        let mut best = Evidence::default();
        let mut sum = Sum::default();
        let mut windows = (0..).zip(WINDOWS_H).filter(|(_, h)| *h >= how.shortest_h).peekable();
        for part in self.parts() {
            if sum.hours + part.hours > self.judged {
                break;
            }
            sum.add(&part);
            let Some(&(window, window_h)) = windows.peek() else { break };
            if sum.hours < window_h {
                continue;
            }
            windows.next();
            look(sum.look(window));
            best = better(best, &sum, (window, window_h), how);
        }
        // What is judged of a longer window is all there is.
        if let Some(&window) = windows.peek() {
            best = better(best, &sum, window, how);
        }
        best
    }
}

/// How windows are judged.
#[derive(Clone, Copy)]
pub struct How<'a> {
    /// What a tenant may set.
    pub settings: &'a HourlySettings,
    /// No window of fewer hours is looked at.
    pub shortest_h: u32,
    /// Learned squared relative errors of the expectation, by window length.
    pub errors_sq: &'a [f64; WINDOWS],
    /// So many times as much is expected.
    pub raised: f64,
}

fn better(best: Evidence, sum: &Sum, (window, window_h): (usize, u32), how: &How) -> Evidence {
    let error_sq = how.errors_sq[window];
    let sum = sum.raised(how.raised as f32);
    let score = score(&sum, window_h, error_sq, how.settings);
    if score > best.score { Evidence::of(&sum, score, error_sq) } else { best }
}

/// 0 where the window cannot make an issue: too few customers, too few separate hours.
fn score(sum: &Sum, window_h: u32, error_sq: f64, settings: &HourlySettings) -> f64 {
    // The largest hour counts as the second largest: one hour never makes an issue.
    let count = f64::from(sum.cut - (sum.tops[0] - sum.tops[1]));
    let mean = f64::from(sum.mean).max(1e-6);
    let separate = sum.high >= 3 || (sum.high >= 2 && count > 4.0 * mean);
    if !separate || count - mean < settings.min_excess {
        return 0.0;
    }
    let dispersion = sum.dispersion(error_sq);
    if count - mean < GATE_SD * (dispersion * mean).sqrt() {
        return 0.0;
    }
    let tail = ln_at_least(count.min(1e9) as u64, mean, dispersion);
    let score = -tail - (LONGEST_H / f64::from(window_h)).ln();
    if score.is_finite() { score.max(0.0) } else { 0.0 }
}

/// What a number of series has of the budget of false issues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stake {
    series: usize,
    part: f64,
}

impl Stake {
    /// The stakes of reasons and of cells: each has as much as any other (Bonferroni), but all
    /// cells together a part that is bounded, so that many of them do not blind reasons.
    pub fn shared(reasons: usize, cells: usize) -> (Stake, Stake) {
        let all = (reasons + cells).max(1) as f64;
        let of_cells = (cells as f64 / all).min(CELLS_MOST);
        (Stake { series: reasons, part: 1.0 - of_cells }, Stake { series: cells, part: of_cells })
    }

    /// The score from which an issue opens.
    pub fn threshold(&self, settings: &HourlySettings) -> f64 {
        let asked = settings.false_per_week;
        let budget = if asked.is_finite() { asked.clamp(1e-6, 1e3) } else { 1e-6 };
        (self.looks_per_week() / budget).ln().max(3.0)
    }

    /// The score from which a series is watched.
    pub fn watch_threshold(&self, settings: &HourlySettings) -> f64 {
        self.threshold(settings) - WATCH_TIMES.ln()
    }

    /// False issues a week if all series, these and those with the rest of the budget, opened as
    /// early as this score would let these.
    pub fn chance_per_week(&self, score: f64) -> f64 {
        self.looks_per_week() * (-score).exp()
    }

    /// Every window length has `hours / length` separate fits, each a few effective looks; the
    /// payment in the score makes them equal, so their number is `LOOKS · hours / longest`. A
    /// part of the budget makes them count for more.
    fn looks_per_week(&self) -> f64 {
        self.series.max(1) as f64 * LOOKS * WEEK_H as f64 / LONGEST_H / self.part
    }
}
