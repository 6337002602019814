use proptest::prelude::*;

use super::noise::{Noise, is_counts, listed_expectation};
use super::search::Search;
use super::tables::{Sums, Tables};
use super::*;
use crate::draws::Draws;

struct Dice(Draws);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(Draws::new(seed))
    }

    fn uniform(&mut self) -> f64 {
        self.0.share()
    }

    /// A Poisson number, by Knuth's product for small means and by sums of them.
    fn poisson(&mut self, mean: f64) -> f64 {
        let mut left = mean;
        let mut count = 0.0;
        while left > 0.0 {
            let limit = (-left.min(20.0)).exp();
            let mut product = self.uniform();
            while product > limit {
                count += 1.0;
                product *= self.uniform();
            }
            left -= 20.0;
        }
        count
    }
}

const SIZES: [u32; 4] = [5, 4, 3, 4];

/// A full cube of counts whose means are lifted where `lift` says.
fn cube(seed: u64, size: f64, lift: impl Fn(&[u32]) -> f64) -> Cube {
    let mut dice = Dice::new(seed);
    let mut cube = Cube::new(SIZES.len());
    let leaves: u32 = SIZES.iter().product();
    for leaf in 0..leaves {
        let mut rest = leaf;
        let values: Vec<u32> = SIZES
            .iter()
            .map(|size| {
                let value = rest % size;
                rest /= size;
                value
            })
            .collect();
        let expected = size * (0.2 + 2.0 * dice.uniform());
        let observed = dice.poisson(expected * lift(&values));
        assert!(cube.push(&values, observed, expected));
    }
    cube
}

fn cells(finding: &Finding) -> Vec<Parts> {
    let mut cells: Vec<Parts> = finding.causes.iter().map(|cause| cause.cell.clone()).collect();
    cells.sort();
    cells
}

fn found(cube: &Cube) -> Finding {
    causes(cube, &Settings::default())
}

#[test]
fn a_lifted_cell_of_each_depth_is_found_with_its_ratio() {
    let planted: [Parts; 3] = [vec![(2, 1)], vec![(0, 3), (3, 0)], vec![(0, 1), (1, 2), (2, 0)]];
    for parts in planted {
        let inside = |values: &[u32]| parts.iter().all(|&(a, v)| values[a] == v);
        let cube = cube(7, 20.0, |values| if inside(values) { 2.0 } else { 1.0 });
        let finding = found(&cube);
        assert_eq!(cells(&finding), std::slice::from_ref(&parts));
        let cause = &finding.causes[0];
        assert!(cause.ratio_interval.0 < 2.0 && 2.0 < cause.ratio_interval.1, "{cause:?}");
        assert!(cause.excess > 0.3 * cause.observed);
        assert!((finding.common - 1.0).abs() < 0.05);
        assert!(!finding.is_everywhere());
    }
}

#[test]
fn two_parts_of_a_value_are_told_from_the_value() {
    let lift = |v: &[u32]| if v[0] == 2 && v[2] < 2 { 2.0 } else { 1.0 };
    let two = vec![vec![(0, 2), (2, 0)], vec![(0, 2), (2, 1)]];
    assert_eq!(cells(&found(&cube(3, 40.0, lift))), two);
    let all = |v: &[u32]| if v[0] == 2 { 2.0 } else { 1.0 };
    assert_eq!(cells(&found(&cube(3, 40.0, all))), [vec![(0, 2)]]);
}

#[test]
fn a_fall_is_found_too() {
    let lift = |v: &[u32]| if v[1] == 1 && v[3] == 2 { 0.4 } else { 1.0 };
    let finding = found(&cube(5, 30.0, lift));
    assert_eq!(cells(&finding), [vec![(1, 1), (3, 2)]]);
    assert!(finding.causes[0].excess < 0.0);
}

#[test]
fn a_quiet_cube_has_no_causes() {
    for seed in 0..40 {
        let finding = found(&cube(seed, 3.0 + seed as f64, |_| 1.0));
        assert_eq!(cells(&finding), Vec::<Parts>::new(), "seed {seed}");
        assert!(!finding.is_everywhere() || finding.common < 1.1);
    }
}

#[test]
fn a_common_factor_is_everywhere_and_no_cell() {
    let finding = found(&cube(11, 10.0, |_| 1.6));
    assert_eq!(cells(&finding), Vec::<Parts>::new());
    assert!(finding.is_everywhere());
    assert!(finding.common_interval.0 < 1.6 && 1.6 < finding.common_interval.1);
}

#[test]
fn attributes_that_go_together_are_rivals() {
    let mut made = Cube::new(3);
    let source = cube(2, 30.0, |v| if v[0] == 1 { 1.8 } else { 1.0 });
    for leaf in 0..source.len() {
        let value = source.columns[0][leaf];
        let values = [value, source.columns[1][leaf], value];
        made.push(&values, source.observed[leaf], source.expected[leaf]);
    }
    let finding = found(&made);
    let cause = &finding.causes[0];
    let rival = cause.rival.as_ref().map(|rival| (rival.cell.clone(), rival.behind_nats));
    let (cell, behind) = rival.unwrap_or_default();
    assert!(cause.cell == [(0, 1)] && cell == [(2, 1)], "{finding:?}");
    assert!(behind.abs() < 1e-6);
}

/// Every cell's score, summed leaf by leaf.
#[test]
fn the_scan_finds_what_a_scan_of_all_cells_finds() {
    for seed in 0..12 {
        let cube = cube(seed, 8.0, |v| if v[3] == 1 && v[1] == 3 { 1.7 } else { 1.0 });
        let leaves: Vec<Sums> = (0..cube.len())
            .map(|at| Sums { observed: cube.observed[at], expected: cube.expected[at] })
            .collect();
        let settings = Settings::default();
        let search = Search::new(&cube, &settings, leaves, true, 3);
        let all = search.tables.all();
        let mut most = 0.0;
        for (at, table) in search.tables.tables.iter().enumerate() {
            for cell in 0..table.sums.len() {
                let id = super::tables::CellId { table: at, cell };
                let parts = search.tables.parts(id);
                let inside = |i: usize| parts.iter().all(|&(a, v)| cube.columns[a][i] == v);
                let rows: Vec<usize> = (0..cube.len()).filter(|&i| inside(i)).collect();
                let y: f64 = rows.iter().map(|&i| cube.observed[i]).sum();
                let m: f64 = rows.iter().map(|&i| cube.expected[i]).sum();
                let sums = search.tables.sums(id);
                assert!((sums.observed - y).abs() + (sums.expected - m).abs() < 1e-6);
                assert_eq!(search.tables.find(&parts), Some(id));
                let rate = all.observed / all.expected;
                let (z, n) = (all.observed - y, all.expected - m);
                let ratio = y / m / (z / n);
                let nats = y * (y / m / rate).ln() + z * (z / n / rate).ln() - search.price(id);
                if nats > most && (ratio >= 1.1 || ratio <= 1.0 / 1.1) {
                    most = nats;
                }
            }
        }
        let best = search.best(0.0, |_| true).map_or(0.0, |(_, nats)| nats);
        assert!((best - most).abs() < 1e-6, "{best} {most}");
    }
}

#[test]
fn sparse_tables_sum_like_dense_ones() {
    let dense = cube(4, 5.0, |_| 1.0);
    let mut spread = Cube::new(SIZES.len());
    for leaf in 0..dense.len() {
        let values: Vec<u32> = dense.columns.iter().map(|column| column[leaf] * 9_000).collect();
        spread.push(&values, dense.observed[leaf], dense.expected[leaf]);
    }
    let leaves = vec![Sums { observed: 1.0, expected: 2.0 }; dense.len()];
    let (a, b) = (Tables::new(&dense, 3, &leaves), Tables::new(&spread, 3, &leaves));
    for (x, y) in a.tables.iter().zip(&b.tables) {
        assert_eq!(x.attributes, y.attributes);
        let sums = |table: &super::tables::Table| {
            let filled = table.sums.iter().filter(|sums| sums.expected > 0.0);
            filled.map(|sums| sums.observed).collect::<Vec<f64>>()
        };
        assert_eq!(sums(x), sums(y));
    }
}

#[test]
fn leaves_listed_only_when_seen_are_no_excess() {
    // Rare leaves are in the list only with a count: each is far above its expectation.
    let mut listed = Cube::new(SIZES.len());
    let full = cube(9, 1.0, |_| 1.0);
    let mut dice = Dice::new(1);
    for leaf in 0..full.len() {
        let values: Vec<u32> = full.columns.iter().map(|column| column[leaf]).collect();
        let rare = values[1] == 3;
        let expected = if rare { 0.01 } else { 8.0 * full.expected[leaf] };
        let observed = if rare { 1.0 } else { dice.poisson(expected) };
        listed.push(&values, observed, expected);
    }
    listed.push(&[0, 0, 0, 0], 0.0, 0.5);
    assert_eq!(cells(&found(&listed)), Vec::<Parts>::new());
    let given = listed_expectation(&listed, true);
    assert!(given.iter().zip(&listed.expected).all(|(a, b)| a >= b));
    assert_eq!(listed_expectation(&listed, false), listed.expected);
}

#[test]
fn noise_of_expectations_is_estimated() {
    let mut dice = Dice::new(21);
    let mean: Vec<f64> = (0..2_000).map(|_| 5.0 + 200.0 * dice.uniform()).collect();
    // An error of a tenth of the mean, uniform with that standard deviation.
    let wide = 0.1 * 12_f64.sqrt();
    let off: Vec<f64> = mean.iter().map(|m| m * (1.0 + wide * (dice.uniform() - 0.5))).collect();
    let amounts = Noise::estimate(&off, &mean, None);
    assert!((amounts.relative_sq.sqrt() - 0.1).abs() < 0.01 && amounts.floor < 0.2);
    let counts: Vec<f64> = off.iter().map(|m| dice.poisson(*m)).collect();
    let noise = Noise::estimate(&counts, &mean, Some(1.0));
    assert!((noise.relative_sq.sqrt() - 0.1).abs() < 0.015, "{noise:?}");
    let pure: Vec<f64> = mean.iter().map(|m| dice.poisson(*m)).collect();
    assert!(Noise::estimate(&pure, &mean, Some(1.0)).relative_sq.sqrt() < 0.04);
}

#[test]
fn odd_cubes_have_no_causes_and_no_nan() {
    let mut empty = Cube::new(3);
    assert_eq!(found(&empty), Finding::default());
    assert!(!empty.push(&[1, 2], 1.0, 1.0));
    assert!(!empty.push(&[1, 2, 3], f64::NAN, 1.0));
    assert!(!empty.push(&[1, 2, 3], 1.0, -1.0));
    assert!(!empty.push(&[1, 2, 3], f64::INFINITY, 1.0));
    assert!(empty.is_empty() && empty.push(&[1, 2, 3], 5.0, 0.0));
    assert_eq!(found(&empty), Finding::default());
    assert!(empty.push(&[u32::MAX, u32::MAX, u32::MAX], 5.0, 4.0));
    assert!(found(&empty).causes.is_empty());
    assert_eq!(found(&Cube::new(0)), Finding::default());
}

#[test]
fn one_enormous_leaf_hides_nothing_else() {
    let mut cube = cube(13, 20.0, |v| if v[0] == 4 && v[1] == 0 { 2.5 } else { 1.0 });
    cube.push(&[0, 1, 1, 1], 1_150_000.0, 1_000_000.0);
    let finding = found(&cube);
    assert_eq!(cells(&finding), [vec![(0, 4), (1, 0)]], "{finding:?}");
}

#[test]
fn the_order_of_leaves_and_attributes_does_not_matter() {
    let cube = cube(17, 20.0, |v| match (v[0], v[2]) {
        (1, 2) => 2.0,
        (3, _) => 1.5,
        _ => 1.0,
    });
    let mut turned = Cube::new(SIZES.len());
    for leaf in (0..cube.len()).rev() {
        let values: Vec<u32> = cube.columns.iter().rev().map(|column| column[leaf]).collect();
        turned.push(&values, cube.observed[leaf], cube.expected[leaf]);
    }
    let back = |parts: &Parts| parts.iter().rev().map(|&(a, v)| (3 - a, v)).collect::<Parts>();
    let mut other: Vec<Parts> = cells(&found(&turned)).iter().map(back).collect();
    other.sort();
    assert_eq!(cells(&found(&cube)), other);
    assert_eq!(other.len(), 2);
}

#[test]
fn amounts_may_come_in_any_unit() {
    let plain = cube(19, 50.0, |v| if v[3] == 3 && v[2] == 1 { 0.5 } else { 1.0 });
    let scaled = |by: f64| {
        let mut cube = plain.clone();
        cube.observed.iter_mut().for_each(|y| *y = (*y + 0.25) * by);
        cube.expected.iter_mut().for_each(|m| *m *= by);
        assert!(!is_counts(&cube));
        found(&cube)
    };
    let (a, b) = (scaled(1.1), scaled(1.1 * 1024.0));
    assert_eq!(cells(&a), [vec![(2, 1), (3, 3)]]);
    assert_eq!(cells(&a), cells(&b));
    assert!((a.causes[0].ratio - b.causes[0].ratio).abs() < 1e-3);
}

proptest! {
    #[test]
    fn whatever_comes_the_answer_is_finite(
        leaves in prop::collection::vec(
            (0_u32..4, 0_u32..3, 0_u32..6, 0_u32..3, 0.0..60.0_f64, 0_u8..4),
            0..120,
        )
    ) {
        let mut cube = Cube::new(4);
        for (a, b, c, d, x, kind) in leaves {
            let (observed, expected) = match kind {
                0 => (x.floor(), 10.0),
                1 => (0.0, x),
                2 => (x, 0.0),
                _ => (x * 1e6, x),
            };
            cube.push(&[a, b, c, d], observed, expected);
        }
        let finding = found(&cube);
        prop_assert!(finding.common.is_finite() && finding.excess.is_finite());
        prop_assert!(finding.common_interval.0 <= finding.common_interval.1);
        for cause in &finding.causes {
            let (low, high) = cause.ratio_interval;
            prop_assert!(low <= cause.ratio && cause.ratio <= high && high.is_finite());
            prop_assert!(cause.excess.is_finite() && cause.nats.is_finite());
            prop_assert!(!cause.cell.is_empty() && cause.cell.windows(2).all(|w| w[0] < w[1]));
        }
        prop_assert!(finding.causes.len() <= Settings::default().most_causes);
    }
}
