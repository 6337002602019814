use super::baseline::{Baseline, Expected};
use super::bins::{BinSeries, BinSettings};
use super::burst::{Bursts, Shape};
use super::spread::ln_count;
use super::*;
use crate::draws::Draws;

/// A year of 26 periods keeps the worlds below small.
fn quick() -> PeriodSettings {
    PeriodSettings {
        season_periods: 26.0,
        harmonics: 1,
        warm_up_periods: 52,
        memory_periods: 260.0,
        sizes_sd: vec![2.0, 5.0, 10.0],
        ..PeriodSettings::weekly()
    }
}

fn season(number: i64, mean: f64) -> f64 {
    mean * (0.4 * (std::f64::consts::TAU * number as f64 / 26.0).sin()).exp()
}

/// Counts of a season without bursts.
fn quiet(draws: &mut Draws, periods: i64, mean: f64, dispersion: f64) -> Vec<Period> {
    let count = |number| draws.count(season(number, mean), dispersion);
    (0..periods).map(count).enumerate().map(|(at, n)| Period::plain(at as i64, Some(n))).collect()
}

fn verdicts(detector: &PeriodDetector, periods: &[Period]) -> Vec<Option<PeriodVerdict>> {
    let mut series = PeriodSeries::new();
    periods.iter().map(|period| detector.push(&mut series, *period)).collect()
}

#[test]
fn drawn_counts_have_the_mean_and_spread_asked_for() {
    let mut draws = Draws::new(1);
    for (mean, dispersion) in [(0.4, 1.0), (3.0, 2.5), (20.0, 1.0), (80.0, 4.0), (50.0, 0.3)] {
        let n = 20_000.0;
        let counts: Vec<f64> = (0..20_000).map(|_| draws.count(mean, dispersion) as f64).collect();
        let found = counts.iter().sum::<f64>() / n;
        let squares = counts.iter().map(|count| (count - found).powi(2)).sum::<f64>() / n;
        assert!((found / mean - 1.0).abs() < 0.04, "{mean} {dispersion}: {found}");
        assert!((squares / mean / dispersion - 1.0).abs() < 0.06, "{mean} {dispersion}: {squares}");
    }
}

#[test]
fn a_count_less_spread_than_poisson_has_nearly_unit_mass_and_its_variance() {
    for (mean, dispersion) in [(8.0, 0.5), (40.0, 0.2), (300.0, 0.05)] {
        let mass = |count: u64| ln_count(count, mean, dispersion).exp();
        let total: f64 = (0..2_000).map(mass).sum();
        let variance: f64 = (0..2_000).map(|k| mass(k) * (k as f64 - mean).powi(2)).sum();
        let wanted = dispersion * mean + 1.0 / 12.0;
        assert!((total - 1.0).abs() < 0.05, "{mean} {dispersion}: {total}");
        assert!((variance / total / wanted - 1.0).abs() < 0.05, "{mean} {dispersion}: {variance}");
    }
    for count in [0, 1, 7, 60] {
        let (below, above) = (ln_count(count, 9.0, 1.0 - 1e-9), ln_count(count, 9.0, 1.0 + 1e-9));
        assert!((below - above).abs() < 1e-6, "{count}: {below} {above}");
    }
}

#[test]
fn false_alarms_without_bursts_stay_within_the_budget() {
    let settings =
        PeriodSettings { false_alarms_per_period: 0.01, memory_periods: 2600.0, ..quick() };
    let mut draws = Draws::new(7);
    let worlds = [(0.5, 2.0), (2.0, 1.0), (8.0, 1.5), (30.0, 3.0), (100.0, 1.2), (40.0, 0.4)];
    let learning = PeriodDetector::new(settings.clone(), f64::INFINITY);
    let mut tenant = Vec::new();
    let mut pasts = Vec::new();
    for (mean, dispersion) in worlds.repeat(8) {
        let periods = quiet(&mut draws, 468 + 200, mean, dispersion);
        let mut series = PeriodSeries::new();
        let past = periods.iter().take(468).filter_map(|p| learning.push(&mut series, *p));
        let past: Vec<_> = past.map(|verdict| Some(verdict.expected)).collect();
        pasts.push(past[past.len() - 104..].to_vec());
        tenant.push((series, periods));
    }
    let limit = calibrated_limit(&settings, &pasts, 3);
    let detector = PeriodDetector::new(settings, limit);
    let mut new = 0;
    let mut seen = 0;
    for (series, periods) in &mut tenant {
        for period in periods.iter().skip(468) {
            let Some(verdict) = detector.push(series, *period) else { continue };
            seen += 1;
            new += usize::from(verdict.alarm && verdict.limit == limit);
        }
    }
    let rate = f64::from(new as u32) / f64::from(seen);
    // 96 are allowed: three standard errors above is the most that chance explains.
    assert!(rate < 0.01 * (1.0 + 3.0 / 96f64.sqrt()), "{new} of {seen}");
    assert!(rate > 0.004, "a budget that is not spent finds less: {new} of {seen}");
}

#[test]
fn a_burst_is_found_soon_and_left_soon() {
    let settings = quick();
    let mut draws = Draws::new(11);
    let mut found = 0;
    for _ in 0..10 {
        let mut periods = quiet(&mut draws, 200, 20.0, 1.5);
        for (at, extra) in [(150, 25), (151, 22), (152, 4)] {
            periods[at].count = periods[at].count.map(|count| count + extra);
        }
        let said = verdicts(&PeriodDetector::new(settings.clone(), -1.0), &periods);
        let alarm = |at: usize| said[at].is_some_and(|verdict| verdict.alarm);
        found += usize::from(alarm(150) || alarm(151));
        assert!(!(155..158).any(alarm), "an alarm outlived its burst");
    }
    assert_eq!(found, 10);
}

#[test]
fn the_odds_are_those_of_all_onsets_written_out() {
    let settings = PeriodSettings { longest_periods: 4, ..quick() };
    let shapes = [Shape::new(&settings.delays[0], settings.longest_periods)];
    let (mean, dispersion) = (6.0, 1.4);
    let expected = Expected { mean, dispersion, predictive: dispersion };
    let counts = [5, 7, 19, 14, 6, 4, 9];
    let share = |age: f64| {
        let by = |end: f64| 0.5 * statrs::function::erf::erfc(-end.ln() / 0.5 / 2f64.sqrt());
        (by(age + 1.0) - by(age), 1.0 - by(age))
    };
    let mut bursts = Bursts::default();
    for now in 0..counts.len() {
        let odds = bursts.push(&settings, &shapes, 3.0, Some((counts[now], expected)));
        let (mut active, mut quiet) = (0.0, 1.0);
        for onset in now.saturating_sub(3)..=now {
            for size in &settings.sizes_sd {
                let cases = size * 3.0;
                let mut ratio = settings.onset_rate / 3.0;
                let mut ended = 0.0;
                for (at, count) in counts.iter().enumerate().take(now + 1).skip(onset) {
                    let (part, from) = share((at - onset) as f64);
                    let high = mean + cases * part;
                    let spread = (mean * dispersion + cases * part) / high;
                    ended = ratio * (-cases * from).exp();
                    ratio *=
                        (ln_count(*count, high, spread) - ln_count(*count, mean, dispersion)).exp();
                }
                active += (ratio - ended).max(0.0);
                quiet += ended.min(ratio);
            }
        }
        let wanted = (active / quiet).ln();
        assert!((odds.ln_active - wanted).abs() < 1e-4, "{now}: {} {wanted}", odds.ln_active);
        assert!(odds.ln_urgent <= odds.ln_active);
        assert!(odds.began.iter().sum::<f64>() <= 1.0 + 1e-9);
    }
}

#[test]
fn learning_period_by_period_comes_to_the_fit_of_all() {
    let settings = PeriodSettings { memory_periods: 1e12, ..quick() };
    let periods = quiet(&mut Draws::new(5), 400, 15.0, 1.3);
    let mut learnt = Baseline::batch(&settings, &periods[..52]);
    for period in &periods[52..] {
        learnt.learn(&settings, period, 1.0);
    }
    let fitted = Baseline::batch(&settings, &periods);
    for number in 400..426 {
        let ahead = Period::plain(number, None);
        let (a, b) = (learnt.expected(&settings, &ahead), fitted.expected(&settings, &ahead));
        assert!((a.mean / b.mean - 1.0).abs() < 0.03, "{number}: {a:?} {b:?}");
        assert!((a.mean / season(number, 15.0) - 1.0).abs() < 0.15, "{number}: {a:?}");
        assert!((a.dispersion / b.dispersion - 1.0).abs() < 0.1, "{number}: {a:?} {b:?}");
    }
}

#[test]
fn a_weekday_ten_times_the_others_is_learnt_from_the_start() {
    let settings = PeriodSettings { warm_up_periods: 364, ..PeriodSettings::daily() };
    let mut draws = Draws::new(9);
    let mean = |day: i64| if day % 7 == 5 { 200.0 } else { 20.0 };
    let count = |day: i64| Period::plain(day, Some(draws.count(mean(day), 1.2)));
    let periods: Vec<Period> = (0..420).map(count).collect();
    let said = verdicts(&PeriodDetector::new(settings, 2.0), &periods);
    for (day, verdict) in said.iter().enumerate().skip(364) {
        let verdict = verdict.expect("the warm-up is over");
        let wanted = mean(day as i64);
        assert!((verdict.expected.mean / wanted - 1.0).abs() < 0.2, "{day}: {verdict:?}");
        assert!(!verdict.alarm, "{day}: {verdict:?}");
    }
}

#[test]
fn the_origin_of_the_numbers_does_not_matter() {
    let settings = quick();
    let detector = PeriodDetector::new(settings, -1.0);
    let periods = quiet(&mut Draws::new(2), 120, 9.0, 1.4);
    let shifted: Vec<Period> =
        periods.iter().map(|p| Period { number: p.number - 26 * 5_000, ..*p }).collect();
    let pairs = verdicts(&detector, &periods).into_iter().zip(verdicts(&detector, &shifted));
    for (a, b) in pairs {
        assert_eq!(a.is_some(), b.is_some());
        let (Some(a), Some(b)) = (a, b) else { continue };
        assert!((a.ln_odds - b.ln_odds).abs() < 1e-6, "{a:?} {b:?}");
    }
}

/// Every verdict is a number and the state stays in its bounds, whatever comes.
fn survives(settings: &PeriodSettings, periods: &[Period]) {
    for verdict in verdicts(&PeriodDetector::new(settings.clone(), -1.0), periods) {
        let Some(verdict) = verdict else { continue };
        let Expected { mean, dispersion, predictive } = verdict.expected;
        assert!(mean.is_finite() && mean >= 0.0, "{verdict:?}");
        assert!(dispersion.is_finite() && predictive >= dispersion, "{verdict:?}");
        assert!(!verdict.ln_odds.is_nan() && !verdict.score.is_nan(), "{verdict:?}");
    }
}

#[test]
fn strange_counts_leave_numbers_behind() {
    let mut settings = PeriodSettings { warm_up_periods: 40, ..PeriodSettings::daily() };
    let many = |count: &dyn Fn(i64) -> Option<u64>| -> Vec<Period> {
        (0..160).map(|number| Period::plain(number, count(number))).collect()
    };
    for round in 0..2 {
        survives(&settings, &many(&|_| None));
        survives(&settings, &many(&|_| Some(0)));
        survives(&settings, &many(&|number| Some(if number == 90 { u64::MAX } else { 5 })));
        survives(&settings, &many(&|number| Some(if number == 10 { u64::MAX } else { 0 })));
        survives(&settings, &many(&|number| (number % 3 == 0).then_some(number as u64)));
        survives(&settings, &many(&|number| Some(if number < 100 { 0 } else { 1_000_000 })));
        survives(&settings, &many(&|number| Some(if number < 100 { 1_000_000 } else { 0 })));
        if round == 0 {
            settings = PeriodSettings { delays: vec![], longest_periods: 0, ..settings };
        }
    }
}

#[test]
fn random_counts_leave_numbers_behind() {
    let mut draws = Draws::new(13);
    for _ in 0..30 {
        let periods: Vec<Period> = (0..110)
            .map(|number| Period {
                number,
                count: (draws.unit() > 0.2).then(|| (draws.unit() * 60.0).exp2() as u64),
                holiday: draws.unit() < 0.05,
                after_closure: draws.unit() < 0.05,
            })
            .collect();
        survives(&PeriodSettings { special_days: true, ..quick() }, &periods);
    }
}

#[test]
fn a_closed_period_raises_no_alarm_and_teaches_nothing() {
    let detector = PeriodDetector::new(quick(), -1.0);
    let mut periods = quiet(&mut Draws::new(4), 120, 12.0, 1.2);
    for period in &mut periods[100..] {
        period.count = None;
    }
    let said = verdicts(&detector, &periods);
    let verdict = |at: usize| said[at].expect("the warm-up is over");
    assert!((100..120).all(|at| !verdict(at).alarm));
    // A season apart, and nothing learnt between.
    let (before, after) = (verdict(106).expected, verdict(119).expected);
    assert_eq!(before.dispersion, after.dispersion);
}

#[test]
fn a_smaller_budget_is_a_higher_limit() {
    let expected = Expected { mean: 10.0, dispersion: 1.5, predictive: 1.5 };
    let pasts = vec![vec![Some(expected); 60]; 60];
    let limit = |rate| {
        let settings = PeriodSettings { false_alarms_per_period: rate, ..quick() };
        calibrated_limit(&settings, &pasts, 1)
    };
    assert!(limit(0.001) > limit(0.01) && limit(0.01) > limit(0.05));
    assert_eq!(calibrated_limit(&quick(), &[], 1), f64::INFINITY);
}

/// Daily waves of a heavy tail.
fn mentions(draws: &mut Draws, bins: usize) -> Vec<u64> {
    let count = |at: usize| {
        let wave = (std::f64::consts::TAU * at as f64 / 288.0).sin().exp();
        let tail = draws.unit().powf(-0.3);
        draws.count(20.0 * wave * tail, 3.0)
    };
    (0..bins).map(count).collect()
}

fn scores(settings: &BinSettings, counts: &[u64]) -> Vec<BinScore> {
    let mut series = BinSeries::new();
    counts.iter().map(|count| series.push(settings, Some(*count))).collect()
}

#[test]
fn a_surprise_is_as_rare_as_it_says() {
    let settings = BinSettings { spans_bins: vec![1], ..BinSettings::five_minutes() };
    let said = scores(&settings, &mentions(&mut Draws::new(21), 30_000));
    for nats in [5.0, 6.0, 7.0] {
        let above = said.iter().filter(|score| score.surprise > nats).count() as f64;
        let wanted = 30_000.0 * f64::exp(-nats);
        assert!(above > 0.3 * wanted && above < 2.0 * wanted, "{nats}: {above} {wanted}");
    }
}

#[test]
fn a_spike_is_told_once_and_its_scale_does_not_matter() {
    let settings = BinSettings { floor: 1e-3, ..BinSettings::five_minutes() };
    let mut counts: Vec<u64> = mentions(&mut Draws::new(22), 4_000);
    counts.iter_mut().for_each(|count| *count += 1);
    for count in &mut counts[3_000..3_006] {
        *count = 5_000;
    }
    let said = scores(&settings, &counts);
    assert!(said[3_000].news > 10.0, "{:?}", said[3_000]);
    assert!(said[3_012..3_280].iter().all(|score| score.news == 0.0));
    let tenfold: Vec<u64> = counts.iter().map(|count| count * 10).collect();
    for (a, b) in said.iter().zip(scores(&settings, &tenfold)) {
        assert!((a.surprise - b.surprise).abs() < 0.5, "{a:?} {b:?}");
    }
}

#[test]
fn news_is_the_highest_surprise_of_the_window_and_strange_bins_are_survived() {
    let settings = BinSettings { quiet_bins: 30, ..BinSettings::five_minutes() };
    let mut draws = Draws::new(23);
    let mut series = BinSeries::new();
    let mut past: Vec<f64> = Vec::new();
    for at in 0..3_000 {
        let count = match at {
            1_000 => Some(u64::MAX),
            1_500..1_600 => None,
            _ => Some((draws.unit() * 12.0).exp2() as u64 - 1),
        };
        let score = series.push(&settings, count);
        assert!(score.surprise.is_finite() && score.surprise >= 0.0, "{at}: {score:?}");
        let recent = past.iter().rev().take(30).fold(0.0, |a: f64, b| a.max(*b));
        if (score.surprise - recent).abs() > 1e-3 {
            let wanted = if score.surprise > recent { score.surprise } else { 0.0 };
            assert_eq!(score.news, wanted, "{at}");
        }
        past.push(score.surprise);
    }
    assert!(past.iter().any(|surprise| *surprise > 0.0));
}
