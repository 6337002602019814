//! Where the excess of an issue sits, by values of several dimensions together.
//!
//! People in the hours of an issue, by all their dimension values at once, are set against the
//! same mix of the time before; [`crate::cause`] then finds the cells of one to three values that
//! rose more than the rest. Only the dimensions that tell most are searched, so that leaves hold
//! more than one person. A leaf's expectation is its part of the past, mixed with the product of
//! its values' parts as far as the past had people alone in their leaf (Good 1953): a version that
//! nobody had before is expected of a few, not of none.
//!
//! It fails where a cause needs a dimension whose own values hardly changed, and where dimensions
//! nearly always go together (see [`CauseCell::rival`]).

use std::collections::BTreeMap;

use quell_model::issue::{Cause, CauseCell, DimensionValue, Extent, Rival};

use crate::cause::{self, Cube, Finding, Parts, Settings};
use crate::thousandths;

/// Dimensions searched together at most.
const MOST_DIMENSIONS: usize = 5;
/// Cells named at most.
const MOST_CELLS: usize = 3;
/// Fewer people say nothing of where they come from.
const MIN_PEOPLE: f64 = 5.0;
/// A cell carries at least this part of the excess.
const MIN_SHARE: f64 = 0.2;
/// With fewer people a local cause could go unseen, and "everywhere" would be a guess.
const EVERYWHERE_PEOPLE: f64 = 40.0;
/// What each value is seen of before anything is.
const VALUE_WORTH: f64 = 0.5;

/// People with the same dimension values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amount {
    /// In the hours of the issue.
    pub now: u64,
    /// In the time that tells what is usual.
    pub usual: u64,
}

/// People by their values of all dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mix {
    /// The dimensions' names.
    pub dimensions: Vec<String>,
    /// The names of each dimension's values.
    pub values: Vec<Vec<String>>,
    /// People by one value of each dimension, given by its place.
    pub leaves: BTreeMap<Vec<u32>, Amount>,
}

/// The cells that carry the difference between the people of now and `planned` people mixed as
/// usual. `looked_at` is the part of the people that the mix holds.
///
/// The answer depends on the order of dimensions and values only where two cells are as good.
pub fn locate(mix: &Mix, planned: f64, looked_at: f64) -> Cause {
    let unclear = Cause { looked_at: thousandths(looked_at), ..Cause::default() };
    let now: f64 = mix.leaves.values().map(|amount| amount.now as f64).sum();
    let usual: f64 = mix.leaves.values().map(|amount| amount.usual as f64).sum();
    let planned = planned.max(1e-3 * now);
    let excess = now - planned;
    if now < MIN_PEOPLE || usual <= 0.0 || excess <= 0.0 || !planned.is_finite() {
        return unclear;
    }
    let chosen = most_telling(mix, now, usual);
    let (cube, projected) = cube(mix, &chosen, planned);
    let settings = Settings {
        deep_width: 0,
        count_spread: 1.0 + planned / usual,
        is_complete: true,
        ..Settings::default()
    };
    let finding = cause::causes(&cube, &settings);
    let cells = cells(mix, &chosen, &finding, excess);
    let extent = if !cells.is_empty() {
        Extent::Local
    } else if projected && now >= EVERYWHERE_PEOPLE && finding.is_everywhere() {
        Extent::Everywhere
    } else {
        Extent::Unclear
    };
    let is_compared = projected && finding.common > 0.0;
    Cause {
        extent,
        cells,
        elsewhere_ratio: is_compared.then(|| thousandths(finding.common)),
        elsewhere_share: thousandths(finding.common_excess / excess),
        ..unclear
    }
}

/// The dimensions whose values changed most, in nats, in their own order; one value tells nothing.
fn most_telling(mix: &Mix, now: f64, usual: f64) -> Vec<usize> {
    let mut gains: Vec<(f64, usize)> = (0..mix.dimensions.len())
        .filter(|&dimension| mix.values.get(dimension).is_some_and(|values| values.len() > 1))
        .map(|dimension| {
            let parts = value_parts(mix, dimension, usual);
            let mut seen = vec![0.0; parts.len()];
            for (leaf, amount) in &mix.leaves {
                seen[leaf[dimension] as usize] += amount.now as f64;
            }
            let nats = |(seen, part): (&f64, &f64)| {
                if *seen > 0.0 { seen * (seen / now / part).ln() } else { 0.0 }
            };
            (seen.iter().zip(&parts).map(nats).sum(), dimension)
        })
        .collect();
    gains.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut chosen: Vec<usize> = gains.iter().take(MOST_DIMENSIONS).map(|gain| gain.1).collect();
    chosen.sort_unstable();
    chosen
}

/// Each value's part of the past.
fn value_parts(mix: &Mix, dimension: usize, usual: f64) -> Vec<f64> {
    let count = mix.values[dimension].len();
    let mut parts = vec![VALUE_WORTH; count];
    for (leaf, amount) in &mix.leaves {
        parts[leaf[dimension] as usize] += amount.usual as f64;
    }
    let all = usual + VALUE_WORTH * count as f64;
    parts.iter_mut().for_each(|part| *part /= all);
    parts
}

/// The cube over the chosen dimensions, and whether anything could be put into it.
fn cube(mix: &Mix, chosen: &[usize], planned: f64) -> (Cube, bool) {
    let mut leaves: BTreeMap<Vec<u32>, Amount> = BTreeMap::new();
    for (leaf, amount) in &mix.leaves {
        let own = leaves.entry(chosen.iter().map(|&at| leaf[at]).collect()).or_default();
        own.now += amount.now;
        own.usual += amount.usual;
    }
    let usual: f64 = leaves.values().map(|amount| amount.usual as f64).sum();
    let alone = leaves.values().filter(|amount| amount.usual == 1).count() as f64;
    let parts: Vec<Vec<f64>> = chosen.iter().map(|&at| value_parts(mix, at, usual)).collect();
    let expected = |leaf: &[u32], amount: &Amount| {
        let product: f64 =
            leaf.iter().zip(&parts).map(|(&value, parts)| parts[value as usize]).product();
        amount.usual as f64 + (alone + VALUE_WORTH) * product
    };
    let all: f64 = leaves.iter().map(|(leaf, amount)| expected(leaf, amount)).sum();
    let mut cube = Cube::new(chosen.len());
    for (leaf, amount) in &leaves {
        cube.push(leaf, amount.now as f64, planned * expected(leaf, amount) / all);
    }
    (cube, !chosen.is_empty())
}

fn cells(mix: &Mix, chosen: &[usize], finding: &Finding, excess: f64) -> Vec<CauseCell> {
    let named = |cell: &Parts| -> Vec<DimensionValue> {
        let part = |&(at, value): &(usize, u32)| DimensionValue {
            dimension: mix.dimensions[chosen[at]].clone(),
            value: mix.values[chosen[at]][value as usize].clone(),
        };
        cell.iter().map(part).collect()
    };
    let carries = |cause: &&cause::Cause| {
        cause.observed >= MIN_PEOPLE && cause.excess >= MIN_SHARE * excess && cause.ratio > 1.0
    };
    let causes = finding.causes.iter().filter(carries).take(MOST_CELLS);
    causes
        .map(|cause| {
            let ratio = cause.observed / cause.expected.max(1e-9);
            let of = |end: f64| {
                (cause.expected >= 0.001).then(|| thousandths(ratio * end / cause.ratio))
            };
            let rival = cause.rival.as_ref().map(|rival| Rival {
                values: named(&rival.cell),
                behind_nats: thousandths(rival.behind_nats),
            });
            CauseCell {
                values: named(&cause.cell),
                observed: cause.observed.round() as u64,
                expected: thousandths(cause.expected),
                ratio: of(cause.ratio),
                ratio_low: of(cause.ratio_interval.0),
                ratio_high: of(cause.ratio_interval.1),
                excess_share: thousandths(cause.excess / excess),
                rival,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    const VERSIONS: usize = 12;
    const SYSTEMS: usize = 5;
    const TOPICS: usize = 8;

    /// One of so many, the first ones more often.
    fn skewed(draws: &mut Draws, count: usize) -> u32 {
        (draws.unit() * draws.unit() * count as f64) as u32
    }

    fn names(prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|at| format!("{prefix}{at}")).collect()
    }

    /// `usual` people of the past, `now` like them, and more as `rise` makes them.
    fn mix(seed: u64, (usual, now): (usize, usize), rise: (usize, [Option<u32>; 3])) -> Mix {
        let mut draws = Draws::new(seed);
        let dimensions = ["language", "os", "segment", "team", "topic", "version"];
        let mut mix = Mix {
            dimensions: dimensions.map(str::to_owned).to_vec(),
            values: vec![
                names("l", 6),
                names("o", SYSTEMS),
                names("s", 3),
                names("m", 4),
                names("t", TOPICS),
                names("v", VERSIONS + 1),
            ],
            leaves: BTreeMap::new(),
        };
        let (more, [os, topic, version]) = rise;
        for person in 0..usual + now + more {
            let is_rise = person >= usual + now;
            let of = |given: Option<u32>, drawn: u32| given.filter(|_| is_rise).unwrap_or(drawn);
            let leaf = vec![
                skewed(&mut draws, 6),
                of(os, skewed(&mut draws, SYSTEMS)),
                skewed(&mut draws, 3),
                skewed(&mut draws, 4),
                of(topic, skewed(&mut draws, TOPICS)),
                of(version, skewed(&mut draws, VERSIONS)),
            ];
            let amount = mix.leaves.entry(leaf).or_default();
            if person < usual { amount.usual += 1 } else { amount.now += 1 }
        }
        mix
    }

    fn words(cause: &Cause) -> Vec<String> {
        let one = |cell: &CauseCell| {
            Cause { extent: Extent::Local, cells: vec![cell.clone()], ..Cause::default() }
                .in_words()
        };
        cause.cells.iter().filter_map(one).collect()
    }

    #[test]
    fn cells_of_one_to_three_values_are_found_with_few_people() {
        let rises: [(&str, [Option<u32>; 3]); 4] = [
            ("os=o3", [Some(3), None, None]),
            ("os=o2 & version=v7", [Some(2), None, Some(7)]),
            ("os=o2 & topic=t4 & version=v6", [Some(2), Some(4), Some(6)]),
            // Nobody had it before.
            ("version=v12", [None, None, Some(VERSIONS as u32)]),
        ];
        let mut wrong = Vec::new();
        for (expected, rise) in rises {
            for seed in 0..12 {
                let cause = locate(&mix(seed, (600, 12), (40, rise)), 12.0, 1.0);
                if words(&cause) != [expected] {
                    wrong.push((expected, seed, words(&cause)));
                }
            }
        }
        assert!(wrong.len() <= 4, "{wrong:?}");
        let (_, rise) = rises[1];
        let cause = locate(&mix(3, (600, 12), (40, rise)), 12.0, 1.0);
        let cell = &cause.cells[0];
        assert!(cell.observed >= 40 && cell.expected < 5.0, "{cause:?}");
        assert!((0.85..1.1).contains(&cell.excess_share), "{cause:?}");
        assert!(cell.ratio_low > Some(1.0) && cell.ratio_low < cell.ratio, "{cause:?}");
        let rival = cell.rival.as_ref().expect("there is one");
        assert!(rival.behind_nats > 3.0 && rival.values != cell.values, "{cause:?}");
    }

    #[test]
    fn a_rise_alike_everywhere_has_no_cells() {
        let mut everywhere = 0;
        for seed in 0..40 {
            let cause = locate(&mix(seed, (2_000, 20), (100, [None; 3])), 20.0, 1.0);
            assert_eq!(words(&cause), Vec::<String>::new(), "seed {seed}");
            everywhere += u32::from(cause.extent == Extent::Everywhere);
            let long = locate(&mix(seed, (800, 600), (300, [None; 3])), 600.0, 1.0);
            assert_eq!(words(&long), Vec::<String>::new(), "seed {seed}");
        }
        assert!(everywhere >= 38, "{everywhere} of 40");
    }

    #[test]
    fn few_people_or_no_past_tell_nothing() {
        let none = [None; 3];
        assert_eq!(locate(&mix(1, (500, 3), (0, none)), 1.0, 1.0).extent, Extent::Unclear);
        assert_eq!(locate(&mix(1, (0, 10), (50, none)), 10.0, 1.0).extent, Extent::Unclear);
        assert_eq!(locate(&mix(1, (500, 12), (8, none)), 12.0, 1.0).extent, Extent::Unclear);
        assert_eq!(locate(&Mix::default(), 1.0, 1.0), Cause { looked_at: 1.0, ..Cause::default() });
        let mut plain = mix(1, (100, 10), (50, none));
        plain.dimensions.clear();
        plain.values.clear();
        let all = plain.leaves.values().fold(Amount::default(), |sum, amount| Amount {
            now: sum.now + amount.now,
            usual: sum.usual + amount.usual,
        });
        plain.leaves = BTreeMap::from([(Vec::new(), all)]);
        assert_eq!(locate(&plain, 10.0, 1.0).extent, Extent::Unclear);
    }
}
