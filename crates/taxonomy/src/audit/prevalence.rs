//! How many contacts a reason truly has, from how many were given it and what people found when
//! they looked at some of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// The share of a stratum's one pseudo-observation that says the tag is right.
const PRIOR_RIGHT: f64 = 0.5;
/// 95 % of a normal distribution lie within so many standard deviations.
const Z: f64 = 1.96;

/// A contact that somebody looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Audited<'a> {
    /// The reason that Quell gave it.
    pub given: &'a str,
    /// The reason that it has.
    pub truth: &'a str,
}

/// One reason's contacts as counted, and as corrected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prevalence {
    /// The reason.
    pub reason: String,
    /// Contacts that were given the reason.
    pub counted: u64,
    /// Contacts that have it, as estimated.
    pub corrected: f64,
    /// With 95 % the truth lies from here …
    pub low: f64,
    /// … to here.
    pub high: f64,
    /// Contacts given the reason that somebody looked at.
    pub audited: u64,
    /// Of those, the ones that have it.
    pub right: u64,
}

/// Corrects counts by an audit. `counted` is by the reason given.
///
/// Contacts given one reason are a stratum; what the audit found in a stratum says which reasons
/// its contacts have (post-stratification, Cochran 1977, chapter 5A). Each stratum starts with one
/// pseudo-observation, half of it for "the tag is right" and half spread over all reasons: a
/// Dirichlet prior, whose posterior variance makes the interval, narrowed where much of a stratum
/// was looked at. A stratum that nobody looked at stays wide.
///
/// Where it fails: the sample must be drawn by chance within each reason (as by
/// [`super::Sampler`]); people who are shown the tag tend to agree with it; strata of a handful of
/// contacts have intervals that are normal only in name.
pub fn prevalence(counted: &BTreeMap<String, u64>, audited: &[Audited<'_>]) -> Vec<Prevalence> {
    let mut found: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut looked_at: BTreeMap<&str, u64> = BTreeMap::new();
    for one in audited {
        *found.entry((one.given, one.truth)).or_default() += 1;
        *looked_at.entry(one.given).or_default() += 1;
    }
    let mut reasons: BTreeSet<&str> = counted.keys().map(String::as_str).collect();
    reasons.extend(audited.iter().flat_map(|one| [one.given, one.truth]));
    let spread = (1.0 - PRIOR_RIGHT) / reasons.len().max(1) as f64;
    let total: f64 = counted.values().map(|count| *count as f64).sum();
    let corrected = |reason: &str| {
        let (mut mean, mut variance) = (0.0, 0.0);
        for (given, &count) in counted {
            let seen = looked_at.get(given.as_str()).copied().unwrap_or(0).min(count) as f64;
            let here = found.get(&(given.as_str(), reason)).copied().unwrap_or(0) as f64;
            let prior = spread + if given == reason { PRIOR_RIGHT } else { 0.0 };
            let share = (here.min(seen) + prior) / (seen + 1.0);
            let unseen = count as f64 - seen;
            // What was seen is known; only the rest is estimated.
            mean += here.min(seen) + unseen * share;
            variance += unseen * unseen * share * (1.0 - share) / (seen + 2.0);
        }
        (mean, variance.sqrt())
    };
    let one = |reason: &str| {
        let (mean, spread) = corrected(reason);
        Prevalence {
            reason: reason.to_owned(),
            counted: counted.get(reason).copied().unwrap_or(0),
            corrected: mean,
            low: (mean - Z * spread).max(0.0),
            high: (mean + Z * spread).min(total),
            audited: looked_at.get(reason).copied().unwrap_or(0),
            right: found.get(&(reason, reason)).copied().unwrap_or(0),
        }
    };
    reasons.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    /// From 0 inclusive to 1 exclusive.
    fn share(draws: &mut Draws) -> f64 {
        (draws.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one_of(draws: &mut Draws, shares: &[f64]) -> usize {
        let mut left = share(draws);
        let chosen = shares.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        chosen.unwrap_or(shares.len() - 1)
    }

    const REASONS: [&str; 4] = ["a", "b", "c", "d"];
    const SHARES: [f64; 4] = [0.5, 0.3, 0.15, 0.05];
    /// What a contact of each reason is given.
    const GIVEN: [[f64; 4]; 4] =
        [[0.9, 0.05, 0.05, 0.0], [0.1, 0.8, 0.1, 0.0], [0.3, 0.0, 0.7, 0.0], [0.2, 0.2, 0.0, 0.6]];

    /// 4,000 contacts as (given, truth), in an order drawn by chance.
    fn world(draws: &mut Draws) -> Vec<(usize, usize)> {
        (0..4_000)
            .map(|_| {
                let truth = one_of(draws, &SHARES);
                (one_of(draws, &GIVEN[truth]), truth)
            })
            .collect()
    }

    fn corrected(world: &[(usize, usize)], each: usize) -> Vec<Prevalence> {
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        let mut audited = Vec::new();
        for &(given, truth) in world {
            let count = counted.entry(REASONS[given].to_owned()).or_default();
            *count += 1;
            if *count <= each as u64 {
                audited.push(Audited { given: REASONS[given], truth: REASONS[truth] });
            }
        }
        prevalence(&counted, &audited)
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says_and_is_nearer_than_the_count() {
        let mut draws = Draws(7);
        let (mut inside, mut all, mut nearer) = (0, 0, 0);
        for _ in 0..400 {
            let world = world(&mut draws);
            for one in corrected(&world, 60) {
                let at = REASONS.iter().position(|reason| *reason == one.reason).unwrap();
                let truth = world.iter().filter(|(_, truth)| *truth == at).count() as f64;
                all += 1;
                inside += usize::from((one.low..=one.high).contains(&truth));
                let by_count = (one.counted as f64 - truth).abs();
                nearer += usize::from((one.corrected - truth).abs() < by_count);
            }
        }
        let coverage = f64::from(inside as u32) / f64::from(all);
        assert!((0.92..=0.99).contains(&coverage), "{coverage}");
        assert!(nearer * 10 > all as usize * 6, "{nearer} of {all}");
    }

    #[test]
    fn all_looked_at_leaves_no_doubt_and_sums_are_kept() {
        let world = world(&mut Draws(3));
        let found = corrected(&world, usize::MAX);
        for (at, one) in found.iter().enumerate() {
            let truth = world.iter().filter(|(_, truth)| *truth == at).count() as f64;
            assert_eq!((one.low, one.corrected, one.high), (truth, truth, truth));
        }
        let sum: f64 = corrected(&world, 5).iter().map(|one| one.corrected).sum();
        assert!((sum - 4_000.0).abs() < 1e-6, "{sum}");
    }

    #[test]
    fn nobody_looked_is_said_by_the_width() {
        let counted = BTreeMap::from([("a".to_owned(), 100), ("b".to_owned(), 10)]);
        let found = prevalence(&counted, &[]);
        assert!(found[0].low < 30.0 && found[0].high > 90.0, "{found:?}");
        assert_eq!(found[0].audited, 0);
        assert_eq!(prevalence(&BTreeMap::new(), &[]), []);
    }
}
