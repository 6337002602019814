//! Reasons that bring other reasons after them.
//!
//! Two tests over ordered pairs of reasons. *Screened*: among the next contacts after the first
//! reason, the second has a larger share than among all contacts. That is quick, and misled by
//! customers who have both reasons for a common cause. *Confirmed*: the same customers have the
//! second reason more often after the first than before it. What is common to both, the customer's
//! kind and the season among them, falls out. Every customer has one vote, so that one busy
//! customer is one piece of evidence and the test is an exact sign test; a growing second reason is
//! met by the odds that other customers show between after and before.
//!
//! Both families of tests are held to a false discovery rate (Benjamini & Hochberg 1995). The rule
//! is proven for independent and positively dependent tests (Benjamini & Yekutieli 2001); a pair
//! and its opposite are negatively dependent, so that here the rate is also tested in worlds
//! without causes. It fails where two reasons follow a fixed order without one causing the other,
//! as on an order's way from payment to delivery, and an indirect pair (a, then b, then c) is
//! found as (a, c) too.

mod count;
mod discovery;

pub use count::{Contact, PairCounts};
pub use discovery::discoveries;

use statrs::function::beta::beta_reg;

/// Other customers' counts are drawn to even odds by this many on each side.
const EVEN_ODDS_COUNT: f64 = 20.0;

/// The knobs of the pair tests.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSettings {
    /// Windows in which the second contact may follow, days, ascending.
    pub windows_day: Vec<f64>,
    /// The share of false pairs among those reported, at most, in expectation.
    pub false_share: f64,
}

impl Default for PairSettings {
    fn default() -> Self {
        PairSettings { windows_day: vec![1.0, 2.0, 4.0, 7.0, 14.0], false_share: 0.05 }
    }
}

/// One ordered pair of reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct ReasonPair {
    /// The reason that comes first.
    pub first: usize,
    /// The reason that follows.
    pub second: usize,
    /// Whether the share among next contacts is above the overall share.
    pub screened: bool,
    /// Whether after is above before.
    pub confirmed: bool,
    /// Probability of as large a surplus after over before by chance, windows allowed for.
    pub p_value: f64,
    /// The window that shows it best, days.
    pub window_day: f64,
    /// Pairs of contacts, the second within the window after the first.
    pub after: u64,
    /// The same before it.
    pub before: u64,
    /// Extra probability that a contact with the first reason is followed by one with the second.
    pub extra: f64,
    /// Standard error of `extra`.
    pub extra_se: f64,
}

/// The pairs that are screened or confirmed, by p-value.
pub fn reason_pairs(counts: &PairCounts, settings: &PairSettings) -> Vec<ReasonPair> {
    let mut pairs = Vec::new();
    let mut screens = Vec::new();
    for first in 0..counts.reasons() {
        for second in (0..counts.reasons()).filter(|second| *second != first) {
            pairs.push(tested(counts, first, second));
            screens.push(screen(counts, first, second));
        }
    }
    let p_values: Vec<f64> = pairs.iter().map(|pair| pair.p_value).collect();
    let confirmed = discoveries(&p_values, settings.false_share);
    let screened = discoveries(&screens, settings.false_share);
    for (index, pair) in pairs.iter_mut().enumerate() {
        pair.confirmed = confirmed[index];
        pair.screened = screened[index];
    }
    pairs.retain(|pair| pair.confirmed || pair.screened);
    pairs.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    pairs
}

/// Probability of at least `successes` of `trials` when each comes with probability `chance`.
fn at_least(successes: u64, trials: u64, chance: f64) -> f64 {
    if successes == 0 {
        return 1.0;
    }
    if chance <= 0.0 || successes > trials {
        return 0.0;
    }
    let rest = (trials - successes) as f64;
    beta_reg(successes as f64, rest + 1.0, chance.min(1.0)).clamp(0.0, 1.0)
}

/// The share of the second reason after the first, against its share of all next contacts.
fn screen(counts: &PairCounts, first: usize, second: usize) -> f64 {
    let (next, nexts) = counts.next(first, second);
    at_least(next, nexts, counts.overall_share(second))
}

/// After against before, in the window that shows it best.
fn tested(counts: &PairCounts, first: usize, second: usize) -> ReasonPair {
    let mut pair = ReasonPair {
        first,
        second,
        screened: false,
        confirmed: false,
        p_value: 1.0,
        window_day: 0.0,
        after: 0,
        before: 0,
        extra: 0.0,
        extra_se: 0.0,
    };
    let contacts = counts.contacts(first).max(1) as f64;
    let mut surest = f64::NEG_INFINITY;
    for (window, &window_day) in counts.windows_day().iter().enumerate() {
        let (after, before) =
            (counts.after(window, first, second), counts.after(window, second, first));
        if after + before == 0 {
            continue;
        }
        let (more, less) = counts.votes(window, first, second);
        let odds = odds_of_others(counts, window, first, second);
        let p_value = at_least(more, more + less, odds / (1.0 + odds));
        pair.p_value = pair.p_value.min(p_value);
        let extra = after as f64 - odds * before as f64;
        let error = (after as f64 + odds * odds * before as f64).sqrt();
        // The window whose surplus is surest beyond its own error: a wider one holds more of the
        // slow followers and more of the noise.
        if extra - error > surest {
            surest = extra - error;
            pair.window_day = window_day;
            (pair.after, pair.before) = (after, before);
            (pair.extra, pair.extra_se) = ((extra / contacts).clamp(0.0, 1.0), error / contacts);
        }
    }
    let windows = counts.windows_day().len() as f64;
    pair.p_value = (pair.p_value * windows).min(1.0);
    pair
}

/// After against before between contacts of different customers: above 1 when the second reason
/// grows, or the first one fades.
fn odds_of_others(counts: &PairCounts, window: usize, first: usize, second: usize) -> f64 {
    let own_after = counts.after(window, first, second) as f64;
    let own_before = counts.after(window, second, first) as f64;
    let after = (counts.by_day(window, first, second) - own_after).max(0.0);
    let before = (counts.by_day(window, second, first) - own_before).max(0.0);
    let odds = (after + EVEN_ODDS_COUNT) / (before + EVEN_ODDS_COUNT);
    odds.clamp(0.1, 10.0)
}

#[cfg(test)]
mod tests;
