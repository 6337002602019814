use proptest::prelude::*;

use super::lmg::lmg;
use super::moments::Correlations;
use super::shrink::shrunk;
use super::*;
use crate::draws::Draws;

/// Drivers with a common part, and a score from coefficients.
fn rows(
    draws: &mut Draws,
    count: usize,
    coefficients: &[f64],
    common: f64,
    noise: f64,
) -> Vec<Vec<f64>> {
    (0..count)
        .map(|_| {
            let shared = draws.sum_of_twelve();
            let mut row: Vec<f64> =
                coefficients.iter().map(|_| common * shared + draws.sum_of_twelve()).collect();
            let score: f64 = row.iter().zip(coefficients).map(|(x, b)| x * b).sum();
            row.push(score + noise * draws.sum_of_twelve());
            row
        })
        .collect()
}

fn moments(rows: &[Vec<f64>]) -> Moments {
    let mut moments = Moments::new(rows[0].len() - 1);
    rows.iter().for_each(|row| assert!(moments.add(row)));
    moments
}

/// The population's correlations for the drivers of [`rows`].
fn population(coefficients: &[f64], common: f64, noise: f64) -> Correlations {
    let count = coefficients.len();
    let cov = |a: usize, b: usize| common * common + if a == b { 1.0 } else { 0.0 };
    let with: Vec<f64> =
        (0..count).map(|a| (0..count).map(|b| cov(a, b) * coefficients[b]).sum()).collect();
    let explained: f64 = with.iter().zip(coefficients).map(|(c, b)| c * b).sum();
    let (sd, sd_score) = (cov(0, 0).sqrt(), (explained + noise * noise).sqrt());
    let cells = (0..count * count).map(|cell| cov(cell / count, cell % count) / (sd * sd));
    let with_score = with.iter().map(|c| c / (sd * sd_score)).collect();
    Correlations { among: cells.collect(), with_score }
}

/// R² of a subset by an inverse.
fn explained(correlations: &Correlations, subset: &[usize]) -> f64 {
    if subset.is_empty() {
        return 0.0;
    }
    let count = correlations.with_score.len();
    let among = nalgebra::DMatrix::from_fn(subset.len(), subset.len(), |row, col| {
        correlations.among[subset[row] * count + subset[col]]
    });
    let with =
        nalgebra::DVector::from_fn(subset.len(), |row, _| correlations.with_score[subset[row]]);
    (with.transpose() * among.try_inverse().unwrap() * &with)[(0, 0)]
}

/// LMG as its definition says: over all orders.
fn by_orders(correlations: &Correlations) -> Vec<f64> {
    fn walk(
        correlations: &Correlations,
        order: &mut Vec<usize>,
        parts: &mut [f64],
        orders: &mut f64,
    ) {
        let count = parts.len();
        if order.len() == count {
            *orders += 1.0;
            for place in 0..count {
                parts[order[place]] += explained(correlations, &order[..=place])
                    - explained(correlations, &order[..place]);
            }
            return;
        }
        for driver in 0..count {
            if !order.contains(&driver) {
                order.push(driver);
                walk(correlations, order, parts, orders);
                order.pop();
            }
        }
    }
    let mut parts = vec![0.0; correlations.with_score.len()];
    let mut orders = 0.0;
    walk(correlations, &mut Vec::new(), &mut parts, &mut orders);
    parts.iter().map(|part| part / orders).collect()
}

fn shares_of(parts: &[f64]) -> Vec<f64> {
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| part / sum).collect()
}

fn error(found: &[f64], truth: &[f64]) -> f64 {
    found.iter().zip(truth).map(|(a, b)| (a - b).abs()).sum::<f64>() / truth.len() as f64
}

#[test]
fn the_fast_way_is_the_average_over_all_orders() {
    let mut draws = Draws::new(1);
    for count in 1..=5 {
        let coefficients: Vec<f64> = (0..count).map(|_| draws.sum_of_twelve()).collect();
        let data = rows(&mut draws, 40, &coefficients, 0.8, 1.0);
        let correlations = moments(&data).correlations().unwrap();
        let fast = lmg(&correlations.among, &correlations.with_score);
        for (a, b) in fast.iter().zip(by_orders(&correlations)) {
            assert!((a - b).abs() < 1e-10, "{count}: {a} {b}");
        }
    }
}

#[test]
fn live_moments_are_those_of_all_rows_at_once() {
    let mut draws = Draws::new(2);
    let mut data = rows(&mut draws, 500, &[1.0, -0.5, 0.2], 0.5, 1.0);
    // A level far above the spread: where sums of squares would lose their digits.
    data.iter_mut().for_each(|row| row.iter_mut().for_each(|value| *value += 1e6));
    let live = moments(&data).correlations().unwrap();
    let mut joined = moments(&data[..123]);
    joined.merge(&Moments::new(3));
    joined.merge(&moments(&data[123..]));
    let joined = joined.correlations().unwrap();
    let column = |index: usize| -> Vec<f64> {
        let mean = data.iter().map(|row| row[index]).sum::<f64>() / 500.0;
        data.iter().map(|row| row[index] - mean).collect()
    };
    for driver in 0..3 {
        let (x, y) = (column(driver), column(3));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let batch = dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt();
        assert!((live.with_score[driver] - batch).abs() < 1e-7);
        assert!((joined.with_score[driver] - batch).abs() < 1e-7);
    }
}

#[test]
fn relative_weights_agree_with_lmg_where_they_must() {
    let mut draws = Draws::new(3);
    let two = moments(&rows(&mut draws, 300, &[1.0, 0.3], 1.2, 1.0));
    let (exact, live) = (driver_shares(&two, Measure::Lmg), driver_shares(&two, Measure::Relative));
    assert!(error(&exact.shares, &live.shares) < 1e-9, "{exact:?} {live:?}");
    let many = moments(&rows(&mut draws, 3_000, &[1.0, 0.5, -0.4, 0.2, 0.0], 0.4, 1.0));
    let (exact, live) =
        (driver_shares(&many, Measure::Lmg), driver_shares(&many, Measure::Relative));
    assert!(error(&exact.shares, &live.shares) < 0.02, "{exact:?} {live:?}");
    assert!((exact.r2 - live.r2).abs() < 1e-9);
}

/// Summed errors of plain and of shrunk LMG over worlds of 300 rows.
fn errors(draws: &mut Draws, coefficient: impl Fn(&mut Draws, usize) -> f64) -> (f64, f64) {
    let (mut plain, mut drawn) = (0.0, 0.0);
    for _ in 0..60 {
        let coefficients: Vec<f64> = (0..8).map(|index| coefficient(draws, index)).collect();
        let (common, noise) = (0.5 + draws.share(), 6.0 + 8.0 * draws.share());
        let truth = population(&coefficients, common, noise);
        let truth = shares_of(&lmg(&truth.among, &truth.with_score));
        let seen = moments(&rows(draws, 300, &coefficients, common, noise));
        let sample = seen.correlations().unwrap();
        plain += error(&shares_of(&lmg(&sample.among, &sample.with_score)), &truth);
        drawn += error(&driver_shares(&seen, Measure::Lmg).shares, &truth);
    }
    (plain, drawn)
}

#[test]
fn shrinking_helps_where_drivers_move_together_and_costs_little_elsewhere() {
    let mut draws = Draws::new(4);
    let (plain, drawn) = errors(&mut draws, |draws, _| draws.sum_of_twelve().abs());
    assert!(drawn < 0.97 * plain, "same sign: {drawn} {plain}");
    let few = |draws: &mut Draws, index| if index < 2 { 2.0 * draws.sum_of_twelve() } else { 0.0 };
    let (plain, drawn) = errors(&mut draws, few);
    assert!(drawn < 1.1 * plain, "few: {drawn} {plain}");
}

#[test]
fn on_large_samples_nothing_is_shrunk() {
    let mut draws = Draws::new(5);
    let seen = moments(&rows(&mut draws, 20_000, &[1.0, 0.5, 0.0], 0.5, 1.0));
    let correlations = seen.correlations().unwrap();
    let fit = shrunk(&correlations, seen.rows());
    for (drawn, plain) in fit.with_score.iter().zip(&correlations.with_score) {
        assert!((drawn - plain).abs() < 2e-3, "{drawn} {plain}");
    }
}

#[test]
fn intervals_hold_the_share_and_come_from_the_seed() {
    let mut draws = Draws::new(6);
    let coefficients = [1.0, 0.5, 0.3];
    let truth = population(&coefficients, 0.5, 2.0);
    let truth = shares_of(&lmg(&truth.among, &truth.with_score));
    let mut held = 0;
    for world in 0..80 {
        let data = rows(&mut draws, 150, &coefficients, 0.5, 2.0);
        let found = bootstrap_shares(&data, Measure::Relative, 80, 0.9, world);
        held += u32::from((found[0].low..=found[0].high).contains(&truth[0]));
        if world == 0 {
            assert_eq!(found, bootstrap_shares(&data, Measure::Relative, 80, 0.9, 0));
            assert_ne!(found, bootstrap_shares(&data, Measure::Relative, 80, 0.9, 1));
        }
    }
    // 72 of 80 in expectation; the standard deviation is 2.7.
    assert!((62..=79).contains(&held), "{held}");
}

#[test]
fn constants_and_faults_have_no_share() {
    let mut moments = Moments::new(2);
    assert_eq!(driver_shares(&moments, Measure::Lmg).shares, [0.0, 0.0]);
    for index in 0..50 {
        moments.add(&[f64::from(index % 7), 3.3, f64::from(index % 7) + f64::from(index % 3)]);
    }
    assert!(!moments.add(&[1.0, f64::NAN, 2.0]) && !moments.add(&[1.0, 2.0]));
    assert!(!moments.add(&[1.0, 1e300, 2.0]));
    assert_eq!(moments.rows(), 50);
    for measure in [Measure::Lmg, Measure::Relative] {
        let found = driver_shares(&moments, measure);
        assert!((found.shares[0] - 1.0).abs() < 1e-12 && found.shares[1] == 0.0, "{found:?}");
    }
    assert!(bootstrap_shares(&[], Measure::Lmg, 10, 0.9, 1).is_empty());
}

#[test]
fn twins_share_alike_and_many_drivers_fall_back() {
    let mut draws = Draws::new(7);
    let mut twins = Moments::new(2);
    for _ in 0..200 {
        let x = draws.sum_of_twelve();
        twins.add(&[x, x, x + draws.sum_of_twelve()]);
    }
    let found = driver_shares(&twins, Measure::Lmg);
    assert!((found.shares[0] - 0.5).abs() < 1e-6, "{found:?}");
    let many = moments(&rows(&mut draws, 100, &[0.3; 20], 0.5, 1.0));
    let found = driver_shares(&many, Measure::Lmg);
    assert_eq!(found.measure, Measure::Relative);
    assert!((found.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shares_are_shares_whatever_the_rows(
        rows in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![-5.0..5.0, Just(0.0), Just(1e8), Just(f64::NAN), Just(1e300)], 5),
            0..30),
    ) {
        let mut moments = Moments::new(4);
        rows.iter().for_each(|row| { moments.add(row); });
        for measure in [Measure::Lmg, Measure::Relative] {
            let found = driver_shares(&moments, measure);
            let sum: f64 = found.shares.iter().sum();
            prop_assert!(found.shares.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share)));
            prop_assert!((sum - 1.0).abs() < 1e-9 || sum == 0.0);
            prop_assert!((0.0..=1.0).contains(&found.r2));
        }
    }

    #[test]
    fn units_and_levels_do_not_matter(
        seed in 0u64..500,
        scale in 0.01..100.0,
        shift in -50.0..50.0,
    ) {
        let data = rows(&mut Draws::new(seed), 60, &[1.0, 0.4, 0.1], 0.6, 1.5);
        let mut moved = data.clone();
        moved.iter_mut().for_each(|row| row[1] = row[1] * scale + shift);
        let (a, b) = (moments(&data), moments(&moved));
        for measure in [Measure::Lmg, Measure::Relative] {
            let (a, b) = (driver_shares(&a, measure), driver_shares(&b, measure));
            prop_assert!(error(&a.shares, &b.shares) < 1e-6);
        }
    }
}
