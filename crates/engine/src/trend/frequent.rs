//! Which parts of reasons are judged beside them: those with enough people in the last weeks.
//!
//! Sums of people by day that fade, like the counters of lossy counting (Manku & Motwani 2002,
//! "Approximate frequency counts over data streams"): a table of bounded size in which only the
//! smallest are lost. What is kept or chosen depends on sums alone, and what ties at a limit goes,
//! so neither names nor the order of arrival show. It fails for a part that never is among the
//! largest [`KEPT_TIMES`] times as many as can be chosen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::names::NameId;
use super::owner::ReasonPart;

/// Part of a sum that stays each day: a memory of about three weeks.
const KEEP: f64 = 0.95;
/// A fading sum of one a day, by a week of them.
const WEEK_OF_SUM: f64 = 7.0 * (1.0 - KEEP);
/// People a week from which a part can be judged.
const ENOUGH_A_WEEK: f64 = 20.0;
/// A part that is judged falls asleep below this.
const ASLEEP_A_WEEK: f64 = 10.0;
/// With more of its reason's people it is the reason.
const MOST_OF_REASON: f64 = 0.8;
/// A part that is judged stays unless others are larger by this.
const STAYS_TIMES: f64 = 1.5;
/// Parts kept for each that can be chosen.
const KEPT_TIMES: usize = 16;

/// People of the last weeks by reason and by its parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frequent {
    /// The first day that is not counted, in days since the Monday that hours count from.
    pub next_day: u64,
    reasons: BTreeMap<NameId, f64>,
    parts: BTreeMap<ReasonPart, f64>,
}

impl Frequent {
    /// Before this day.
    pub fn begin(day: u64) -> Frequent {
        Frequent { next_day: day, ..Frequent::default() }
    }

    /// Lets a day pass, before its people are added.
    pub fn pass_day(&mut self) {
        self.next_day += 1;
        let fade = |sum: &mut f64| {
            *sum *= KEEP;
            *sum >= 0.5
        };
        self.reasons.retain(|_, sum| fade(sum));
        self.parts.retain(|_, sum| fade(sum));
    }

    /// Adds a reason's people of the day.
    pub fn add_reason(&mut self, reason: NameId, people: u64) {
        *self.reasons.entry(reason).or_default() += people as f64;
    }

    /// Adds those of a part.
    pub fn add_part(&mut self, part: ReasonPart, people: u64) {
        *self.parts.entry(part).or_default() += people as f64;
    }

    /// The parts that are worth judging, at most `limit`; `is_judged` says which already are.
    /// Forgets the smallest beyond what is kept.
    pub fn choose(
        &mut self,
        limit: usize,
        is_judged: impl Fn(&ReasonPart) -> bool,
    ) -> BTreeSet<ReasonPart> {
        let kept = limit.saturating_mul(KEPT_TIMES);
        let above = above_cut(self.parts.values().copied().collect(), kept);
        self.parts.retain(|_, sum| *sum > above);
        let ranked = |(part, sum): (&ReasonPart, &f64)| {
            let of_reason = self.reasons.get(&part.reason).copied().unwrap_or(0.0);
            let (least, times) =
                if is_judged(part) { (ASLEEP_A_WEEK, STAYS_TIMES) } else { (ENOUGH_A_WEEK, 1.0) };
            let is_asked = WEEK_OF_SUM * sum >= least && *sum <= MOST_OF_REASON * of_reason;
            is_asked.then_some((*part, times * sum))
        };
        let ranked: Vec<(ReasonPart, f64)> = self.parts.iter().filter_map(ranked).collect();
        let above = above_cut(ranked.iter().map(|(_, rank)| *rank).collect(), limit);
        let chosen = ranked.into_iter().filter(|(_, rank)| *rank > above);
        chosen.map(|(part, _)| part).collect()
    }
}

/// The largest rank that does not belong to the first `limit`; below all where all do.
fn above_cut(mut ranks: Vec<f64>, limit: usize) -> f64 {
    if ranks.len() <= limit {
        return f64::NEG_INFINITY;
    }
    let (_, cut, _) = ranks.select_nth_unstable_by(limit, |one, other| other.total_cmp(one));
    *cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(reason: NameId, value: NameId) -> ReasonPart {
        ReasonPart { reason, dimension: 1, value }
    }

    /// So many people a day of each value, of a reason with a hundred.
    fn after(days: u64, people: &[(NameId, u64)]) -> Frequent {
        let mut frequent = Frequent::begin(3);
        for _ in 0..days {
            frequent.pass_day();
            frequent.add_reason(1, 100);
            people.iter().for_each(|(value, people)| frequent.add_part(part(1, *value), *people));
        }
        assert_eq!(frequent.next_day, 3 + days);
        frequent
    }

    fn chosen(frequent: &mut Frequent, limit: usize, judged: &[NameId]) -> Vec<NameId> {
        let is_judged = |part: &ReasonPart| judged.contains(&part.value);
        frequent.choose(limit, is_judged).into_iter().map(|part| part.value).collect()
    }

    #[test]
    fn parts_with_enough_people_that_are_not_the_whole_are_chosen() {
        let people = [(1, 90), (2, 40), (3, 4), (4, 2), (5, 1)];
        assert_eq!(chosen(&mut after(60, &people), 9, &[]), [2, 3]);
        assert_eq!(chosen(&mut after(60, &people), 9, &[4, 5]), [2, 3, 4], "one fell asleep");
        // Nine days of eight a day tell of twenty a week, eight do not yet.
        let days = |days| chosen(&mut after(days, &[(3, 8)]), 9, &[]).len();
        assert_eq!((days(8), days(9)), (0, 1));
        assert!(chosen(&mut after(60, &people), 0, &[]).is_empty());
    }

    #[test]
    fn what_ties_at_the_limit_is_not_chosen_and_what_is_judged_stays() {
        let people = [(1, 50), (2, 20), (3, 20), (4, 16)];
        assert_eq!(chosen(&mut after(60, &people), 2, &[]), [1]);
        assert_eq!(chosen(&mut after(60, &people), 3, &[]), [1, 2, 3]);
        assert_eq!(chosen(&mut after(60, &people), 2, &[4]), [1, 4]);
        assert_eq!(chosen(&mut after(60, &[(1, 50), (2, 40), (4, 16)]), 2, &[4]), [1, 2]);
    }

    #[test]
    fn the_table_stays_small() {
        let many: Vec<(NameId, u64)> = (0..500).map(|value| (value, u64::from(value))).collect();
        let mut frequent = after(3, &many);
        assert!(chosen(&mut frequent, 2, &[]).is_empty());
        assert_eq!(frequent.parts.len(), 2 * KEPT_TIMES);
        for _ in 0..200 {
            frequent.pass_day();
        }
        assert!(frequent.parts.is_empty() && frequent.reasons.is_empty());
    }
}
