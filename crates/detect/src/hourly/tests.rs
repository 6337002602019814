use proptest::prelude::*;

use super::baseline::{Baseline, Learning};
use super::calendar::{Day, TERMS, regressors};
use super::exposure::Exposure;
use super::factor::{Part, factors};
use super::scan::Stake;
use super::*;
use crate::draws::Draws;

pub(super) struct Chance(Draws);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(Draws::new(seed))
    }

    pub fn part(&mut self) -> f64 {
        self.0.share()
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.part()).ln()).sqrt() * (std::f64::consts::TAU * self.part()).cos()
    }

    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 60.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let (mut count, mut left) = (0, self.part());
        let floor = (-mean).exp();
        while left > floor {
            left *= self.part();
            count += 1;
        }
        count
    }
}

/// A business without issues: weekly shape, drifts, promotions with a lag, a holiday, an outage
/// of the channel with its backlog, and callers who call often.
pub(super) fn quiet_world(seed: u64, reasons: usize, weeks: usize) -> Vec<Hour> {
    let mut chance = Chance::new(seed);
    let rates: Vec<(f64, f64, f64)> = (0..reasons)
        .map(|_| ((1.2 * chance.normal()).exp(), 0.03 * chance.normal(), 0.2 * chance.normal()))
        .collect();
    let mut lagged = 1.0;
    let mut world = Vec::new();
    for at in 0..weeks * 168 {
        let (day, clock) = (at / 24, std::f64::consts::TAU * (at % 24) as f64 / 24.0);
        let promotion = if (60..63).contains(&(day % 90)) { 2.5 } else { 1.0 };
        let rhythm = (-0.8 * clock.cos()).exp() * if day % 7 >= 5 { 0.6 } else { 1.0 };
        let orders = f64::from(chance.poisson(300.0 * rhythm * promotion));
        let holiday = day == 40;
        let outage = match at {
            1_300..1_303 => 0.3,
            1_303..1_308 => 1.4,
            _ => 1.0,
        };
        let common = rhythm * lagged * outage * if holiday { 0.4 } else { 1.0 };
        let counts = rates.iter().map(|(rate, drift, shape)| {
            let own = rate * (drift * at as f64 / 168.0 + shape * clock.sin()).exp();
            let noise = (0.15 * chance.normal()).exp();
            let customers = chance.poisson(own * common * noise);
            let repeats = if chance.part() < 0.002 { 20 } else { 0 };
            Count { customers, contacts: customers + repeats }
        });
        let (counts, cells) = (counts.collect(), Vec::new());
        world.push(Hour { known: true, orders, holiday, counts, cells });
        lagged += 0.03 * (orders / 330.0 - lagged);
    }
    world
}

fn play(world: &[Hour], settings: HourlySettings) -> (HourlyState, Vec<Issue>) {
    play_from(0, world, settings)
}

fn play_from(first: u64, world: &[Hour], settings: HourlySettings) -> (HourlyState, Vec<Issue>) {
    play_on(HourlyState::new(first, settings), world)
}

fn play_on(mut state: HourlyState, world: &[Hour]) -> (HourlyState, Vec<Issue>) {
    let mut issues = std::collections::BTreeMap::new();
    for (at, hour) in (state.next_hour()..).zip(world) {
        state.push(at, hour.clone()).expect("hours follow each other");
        issues.extend(state.issues().map(|issue| ((issue.opened, issue.subject), *issue)));
    }
    (state, issues.into_values().collect())
}

/// Adds customers to a reason's hours.
fn raise(world: &mut [Hour], reason: usize, hours: std::ops::Range<usize>, customers: u32) {
    for hour in &mut world[hours] {
        hour.counts[reason].customers += customers;
        hour.counts[reason].contacts += customers;
    }
}

fn names(issues: &[Issue]) -> Vec<(u64, Subject)> {
    issues.iter().map(|issue| (issue.opened, issue.subject)).collect()
}

#[test]
fn a_quiet_business_stays_within_the_budget() {
    let settings = HourlySettings::default();
    let (worlds, weeks) = (4, 13);
    let opened: Vec<Issue> =
        (1..=worlds).flat_map(|seed| play(&quiet_world(seed, 20, weeks), settings).1).collect();
    let judged_weeks = (worlds * (weeks as u64 - 3)) as f64;
    // The budget's mean, and two standard deviations of a Poisson count.
    let mean = judged_weeks * settings.false_per_week;
    assert!(opened.len() as f64 <= mean + 2.0 * mean.sqrt(), "{opened:#?}");
    let strict = HourlySettings { false_per_week: 0.001, ..settings };
    let few = (1..=worlds).map(|seed| play(&quiet_world(seed, 20, weeks), strict).1.len());
    assert!(few.sum::<usize>() <= 1);
}

#[test]
fn a_spike_and_a_step_open_close_and_come_back_as_one() {
    let mut world = quiet_world(7, 12, 12);
    let rate = |reason: usize| {
        world.iter().map(|hour| f64::from(hour.counts[reason].customers)).sum::<f64>() / 2_016.0
    };
    let mut by_rate: Vec<usize> = (0..12).collect();
    by_rate.sort_by(|one, other| rate(*one).total_cmp(&rate(*other)));
    let (small, other) = (by_rate[2], by_rate[3]);
    raise(&mut world, small, 1_250..1_254, 12);
    raise(&mut world, other, 1_600..1_700, 4);
    raise(&mut world, other, 1_740..1_800, 5);
    let (_, issues) = play(&world, HourlySettings::default());
    let of = |reason| {
        let hers = issues.iter().filter(|issue| issue.subject == Subject::Reason(reason));
        hers.copied().collect::<Vec<Issue>>()
    };
    let (spike, step) = (of(small), of(other));
    assert_eq!((spike.len(), step.len()), (1, 1), "{issues:#?}");
    assert!((1_250..1_254).contains(&spike[0].opened) && spike[0].onset >= 1_240);
    assert!(spike[0].closed.is_some_and(|closed| closed < 1_300));
    assert!((1_600..1_640).contains(&step[0].opened), "{step:?}");
    assert!(step[0].closed.is_some_and(|closed| (1_800..1_900).contains(&closed)), "{step:?}");
    let why = step[0].opening;
    assert!(why.ratio_low > 1.0 && why.ratio_low < why.ratio && why.ratio < why.ratio_high);
    assert!(why.excess() >= 8.0 && why.high_hours >= 2 && why.score > 0.0);
}

#[test]
fn a_rise_of_one_of_few_reasons_is_no_event_of_all() {
    for seed in 1..=3 {
        let mut world = straying_world(seed, (6, 9), 0.0, |_| 1.0);
        for hour in &mut world[1_100..1_220] {
            hour.counts[2].customers *= 6;
        }
        let (_, issues) = play(&world, HourlySettings::default());
        let of = |subject| issues.iter().filter(|issue| issue.subject == subject).count();
        let (own, all) = (of(Subject::Reason(2)), of(Subject::Everything));
        assert_eq!((own, all), (1, 0), "{seed}: {issues:#?}");
        let mut state = HourlyState::new(0, HourlySettings::default());
        state.set_unnamed(2);
        let (_, issues) = play_on(state, &world);
        assert!(issues.iter().any(|issue| issue.subject == Subject::Everything), "{issues:#?}");
    }
}

#[test]
fn many_calls_of_few_customers_change_no_verdict() {
    let world = quiet_world(3, 6, 6);
    let mut loud = world.clone();
    for hour in &mut loud[700..720] {
        hour.counts[2].contacts += 500;
    }
    let settings = HourlySettings::default();
    assert_eq!(names(&play(&world, settings).1), names(&play(&loud, settings).1));
}

#[test]
fn one_enormous_hour_opens_nothing_and_leaves_numbers_finite() {
    let quiet = quiet_world(11, 8, 8);
    for customers in [300, 1_000_000, u32::MAX / 2] {
        let mut world = quiet.clone();
        raise(&mut world, 4, 1_100..1_101, customers);
        let (state, issues) = play(&world, HourlySettings::default());
        let hers = |issue: &&Issue| issue.subject == Subject::Reason(4);
        assert_eq!(issues.iter().filter(hers).count(), 0, "{customers}: {issues:#?}");
        assert!(state.is_sound());
        for reason in 0..8 {
            let (_, evidence) = state.verdict(Subject::Reason(reason));
            assert!(evidence.score.is_finite() && evidence.expected.is_finite());
        }
    }
}

#[test]
fn orders_in_another_unit_and_other_weeks_give_the_same_issues() {
    let mut world = quiet_world(5, 10, 9);
    raise(&mut world, 1, 1_100..1_130, 7);
    let settings = HourlySettings::default();
    let (_, issues) = play(&world, settings);
    assert!(!issues.is_empty());
    let mut scaled = world.clone();
    for hour in &mut scaled {
        hour.orders *= 1_000.0;
    }
    assert_eq!(names(&play(&scaled, settings).1), names(&issues));
    let weeks = 2_500 * WEEK_H;
    let (_, later) = play_from(weeks, &world, settings);
    let back: Vec<(u64, Subject)> =
        later.iter().map(|issue| (issue.opened - weeks, issue.subject)).collect();
    assert_eq!(back, names(&issues));
}

#[test]
fn unknown_hours_are_no_silence_and_gaps_are_filled() {
    let mut world = quiet_world(13, 10, 9);
    for hour in &mut world[900..960] {
        *hour = Hour { orders: f64::NAN, ..Hour::default() };
    }
    let settings = HourlySettings::default();
    let (marked, issues) = play(&world, settings);
    let mut skipping = HourlyState::new(0, settings);
    for (at, hour) in (0..).zip(&world).filter(|(at, _)| !(900..960).contains(at)) {
        skipping.push(at, hour.clone()).expect("a short gap");
    }
    assert_eq!(marked, skipping);
    assert!(issues.len() <= 1, "{issues:#?}");
    assert_eq!(skipping.push(3, Hour::default()), Err(HourlyError::NotAfter));
    assert_eq!(skipping.push(u64::MAX, Hour::default()), Err(HourlyError::Gap));
    assert_eq!(marked, skipping);
}

#[test]
fn a_new_reason_is_an_issue_and_one_that_ends_is_none() {
    let mut world = quiet_world(17, 10, 10);
    for (at, hour) in world.iter_mut().enumerate() {
        hour.counts[0] = Count::default();
        if at >= 1_300 {
            hour.counts[1] = Count::default();
        }
        if (1_200..1_230).contains(&at) {
            hour.counts[0] = Count { customers: 3, contacts: 3 };
        }
    }
    let (state, issues) = play(&world, HourlySettings::default());
    let first: Vec<u64> = issues
        .iter()
        .filter(|issue| issue.subject == Subject::Reason(0))
        .map(|issue| issue.opened)
        .collect();
    assert!(first.len() == 1 && (1_200..1_210).contains(&first[0]), "{first:?}");
    assert!(
        !issues.iter().any(|issue| issue.subject == Subject::Reason(1) && issue.opened > 1_300)
    );
    assert!(state.is_sound());
}

#[test]
fn a_reason_first_seen_late_counts_as_zero_before() {
    let mut world = quiet_world(17, 10, 10);
    for (at, hour) in world.iter_mut().enumerate() {
        let customers = if (1_200..1_230).contains(&at) { 3 } else { 0 };
        let count = Count { customers, contacts: customers };
        hour.counts.push(count);
        hour.counts.truncate(if at < 1_200 { 10 } else { 11 });
    }
    let (_, issues) = play(&world, HourlySettings::default());
    let hers: Vec<&Issue> =
        issues.iter().filter(|issue| issue.subject == Subject::Reason(10)).collect();
    assert_eq!(hers.len(), 1, "{issues:#?}");
    assert!((1_200..1_210).contains(&hers[0].opened), "{hers:?}");
    assert!(hers[0].opening.expected < 1.0 && hers[0].baseline_h > 1_000, "{hers:?}");
}

#[test]
fn what_is_watched_is_below_an_issue_and_above_chance() {
    let world = quiet_world(31, 12, 12);
    let settings = HourlySettings::default();
    let mut state = HourlyState::new(0, settings);
    let mut watched = 0;
    for (at, hour) in (0..).zip(&world) {
        state.push(at, hour.clone()).expect("next");
        for watch in state.watches() {
            watched += 1;
            assert_eq!(state.verdict(watch.subject).0, quell_model::Verdict::Watch);
            assert!(watch.opened <= at && watch.chance_per_week > settings.false_per_week);
            assert_eq!(watch.onset + u64::from(watch.opening.hours), at + 1);
        }
    }
    assert!(watched > 0, "over nine weeks something comes near");
}

#[test]
fn an_issue_tells_how_often_chance_would_open_it() {
    let mut world = quiet_world(7, 12, 9);
    raise(&mut world, 3, 1_200..1_230, 12);
    let settings = HourlySettings::default();
    let (_, issues) = play(&world, settings);
    assert!(!issues.is_empty());
    for issue in &issues {
        assert!((0.0..settings.false_per_week).contains(&issue.chance_per_week), "{issue:?}");
        assert!(issue.opening.dispersion >= 1.0);
    }
}

#[test]
fn a_stored_state_goes_on_as_if_never_stored() {
    let world = quiet_world(19, 4, 3);
    let settings = HourlySettings { warmup_h: 336, ..HourlySettings::default() };
    let (mut state, _) = play(&world[..450], settings);
    let bytes = postcard::to_allocvec(&state).expect("it can be stored");
    let mut read: HourlyState = postcard::from_bytes(&bytes).expect("it can be read");
    assert!(read.is_sound() && read == state);
    for (at, hour) in (450..).zip(&world[450..]) {
        state.push(at, hour.clone()).expect("next");
        read.push(at, hour.clone()).expect("next");
    }
    assert_eq!(read, state);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_comes_nothing_breaks(
        orders in prop::collection::vec(prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(-3.0), Just(0.0), Just(1e300), 0.0..500.0
        ], 30),
        counts in prop::collection::vec(prop_oneof![
            4 => 0u32..20, 1 => Just(0u32), 1 => Just(u32::MAX), 1 => 0u32..100_000
        ], 61),
        known in prop::collection::vec(any::<bool>(), 7),
    ) {
        let settings = HourlySettings { warmup_h: 200, ..HourlySettings::default() };
        let mut state = HourlyState::new(17, settings);
        for at in 0..500usize {
            // More in a cell than in its reason, and cells of reasons that nobody came for.
            if at % 60 == 0 {
                state.track(at / 60, at as u64 % 2);
            }
            if at == 450 {
                state.retain_cells(|id| id % 3 > 0);
            }
            let of = |reason: usize| {
                let customers = counts[(at * 3 + reason) % counts.len()];
                Count { customers, contacts: customers }
            };
            let hour = Hour {
                known: known[at % 7],
                orders: orders[at % orders.len()],
                holiday: at % 97 < 5,
                counts: (0..(at / 50 + 1).min(4)).map(of).collect(),
                cells: (1..at % 5).map(of).take(state.cells().count()).collect(),
            };
            state.push(17 + at as u64, hour).expect("next");
            let cells = (0..9).map(Subject::Cell);
            for subject in (0..4).map(Subject::Reason).chain(cells) {
                let (_, seen) = state.verdict(subject);
                for number in [seen.score, seen.ratio, seen.ratio_low, seen.expected] {
                    prop_assert!(number.is_finite(), "{:?}", seen);
                }
            }
        }
        prop_assert!(state.is_sound());
    }
}

#[test]
fn learning_agrees_with_the_batch_estimate_of_a_level() {
    // Counts of a constant share with a level alone in doubt: the posterior mode is near the
    // weighted mean of prior and data.
    let mut chance = Chance::new(23);
    let at = {
        let mut at = [0.0; TERMS];
        at[0] = 1.0;
        at
    };
    let mut baseline = Baseline::new(0.2f64.ln());
    let (mut counts, mut wholes) = (0.0, 0.0);
    for hour in 0..400 {
        let whole = 30.0 + f64::from(hour % 24);
        let count = f64::from(chance.poisson(0.25 * whole));
        counts += count;
        wholes += whole;
        let learning = Learning { cuts: false, judges_spread: true };
        baseline.learn(count, whole.ln(), &at, learning);
    }
    let expected = baseline.expect(&at);
    assert!((expected.ln_share - (counts / wholes).ln()).abs() < 0.01, "{expected:?}");
    let error = (1.0 / counts * baseline.dispersion()).sqrt();
    assert!((expected.variance.sqrt() / error - 1.0).abs() < 0.2, "{expected:?} {error}");
    assert!((baseline.dispersion() - 1.1).abs() < 0.15, "{}", baseline.dispersion());
}

#[test]
fn regressors_repeat_each_week_and_differ_within_it() {
    for hour in 0..WEEK_H {
        let (now, later) = (regressors(hour, 5.0), regressors(hour + 9 * WEEK_H, 5.0));
        assert!(now.iter().zip(&later).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_ne!(now, regressors(hour + 25, 5.0));
    }
}

#[test]
fn an_outage_is_common_and_a_reason_does_not_explain_itself() {
    let part = |count: f64| Part { count, mean: 50.0, dispersion: 1.5, quiet: true };
    let outage = factors(&[part(15.0), part(14.0), part(16.0), part(15.0), part(15.0)]);
    assert!(outage.iter().all(|factor| (factor.ln - 0.3f64.ln()).abs() < 0.1), "{outage:?}");
    let alone = factors(&[part(500.0), part(50.0), part(52.0), part(49.0), part(50.0)]);
    assert!(alone[0].ln.abs() < 0.02, "{alone:?}");
    // What others see of the one that stands out is cut.
    assert!(alone[1].ln < 0.35, "{alone:?}");
    let lonely = factors(&[part(500.0)]);
    assert_eq!(lonely[0].ln, 0.0);
    assert!(factors(&[]).is_empty());
}

#[test]
fn the_lag_of_contacts_after_orders_is_learned() {
    let mut exposure = Exposure::new();
    let mut chance = Chance::new(29);
    let mut lagged = 100.0;
    let mut worst: f64 = 0.0;
    for at in 0..2_016u64 {
        let promotion = if (1_500..1_572).contains(&at) { 2.5 } else { 1.0 };
        let daily = 1.0 + 0.2 * ((at / 24 * 37) % 11) as f64 / 11.0;
        let orders = 100.0 * promotion * daily;
        let clock = std::f64::consts::TAU * (at % 24) as f64 / 24.0;
        let mean = 5.0 * lagged * (0.8 * clock.sin()).exp();
        if at > 1_008 {
            worst = worst.max((exposure.ln_expected(at, Day::Ordinary) - mean.ln()).abs());
        }
        exposure.learn(at, Day::Ordinary, Some(f64::from(chance.poisson(mean))), orders);
        lagged += (1.0 - 0.5f64.powf(1.0 / 24.0)) * (orders - lagged);
    }
    assert!(worst < 0.15, "{worst}");
}

#[test]
fn thresholds_grow_with_the_reasons_and_fall_with_the_budget() {
    let at = |reasons, false_per_week| {
        let settings = HourlySettings { false_per_week, ..HourlySettings::default() };
        Stake::shared(reasons, 0).0.threshold(&settings)
    };
    assert!(at(400, 0.2) > at(40, 0.2) && at(40, 0.02) > at(40, 0.2));
    assert!((at(400, 2.0) - at(40, 0.2)).abs() < 1e-9);
    assert!(at(0, f64::NAN).is_finite() && at(0, 0.0).is_finite());
}

/// Reasons whose counts stray for about a day at a time: the hours' noise does not average out as
/// the model believes.
pub(super) fn straying_world(
    seed: u64,
    (reasons, weeks): (usize, usize),
    sd: f64,
    common: impl Fn(usize) -> f64,
) -> Vec<Hour> {
    let mut chance = Chance::new(seed);
    let rates: Vec<f64> = (0..reasons).map(|_| 2.0 * (0.7 * chance.normal()).exp()).collect();
    let mut strays = vec![0.0; reasons];
    let mut world = Vec::new();
    for at in 0..weeks * 168 {
        let clock = std::f64::consts::TAU * (at % 24) as f64 / 24.0;
        let rhythm = (-0.8 * clock.cos()).exp() * if at / 24 % 7 >= 5 { 0.6 } else { 1.0 };
        let mut counts = Vec::new();
        for (rate, stray) in rates.iter().zip(&mut strays) {
            let kept: f64 = 0.96;
            *stray = kept * *stray + sd * (1.0 - kept * kept).sqrt() * chance.normal();
            let customers = chance.poisson(rate * rhythm * common(at / 24) * stray.exp());
            counts.push(Count { customers, contacts: customers });
        }
        let cells = Vec::new();
        world.push(Hour { known: true, orders: f64::NAN, holiday: false, counts, cells });
    }
    world
}

#[test]
fn where_the_tail_is_heavier_than_the_model_says_it_is_learned() {
    let (worlds, weeks, learned_after) = (3, 40, 10);
    let false_a_week = |sd: f64, calibrates: bool| {
        let settings = HourlySettings { calibrates, ..HourlySettings::default() };
        let opened = (1..=worlds).map(|seed| {
            let (_, issues) = play(&straying_world(seed, (20, weeks), sd, |_| 1.0), settings);
            let is_late = |issue: &&Issue| issue.opened > learned_after as u64 * WEEK_H;
            issues.iter().filter(is_late).count()
        });
        opened.sum::<usize>() as f64 / (worlds as usize * (weeks - learned_after)) as f64
    };
    let budget = HourlySettings::default().false_per_week;
    // The budget, and two standard deviations of a Poisson count.
    let weeks_seen = (worlds as usize * (weeks - learned_after)) as f64;
    let most = budget + 2.0 * (budget / weeks_seen).sqrt();
    for (sd, times) in [(0.1, 4.0), (0.2, 20.0)] {
        let (naive, learned) = (false_a_week(sd, false), false_a_week(sd, true));
        assert!(naive > times * budget && learned <= most, "{sd}: {naive} {learned}");
    }
}

#[test]
fn a_declared_holiday_and_its_backlog_open_nothing() {
    let holidays = [43, 64, 80, 95];
    let world = |is_declared: bool| {
        let common = |day: usize| match day {
            _ if holidays.contains(&day) => 0.25,
            _ if holidays.contains(&(day - usize::from(day > 0))) => 1.8,
            _ => 1.0,
        };
        let mut world = straying_world(5, (12, 15), 0.0, common);
        for (at, hour) in world.iter_mut().enumerate() {
            hour.holiday = is_declared && holidays.contains(&(at / 24));
        }
        world
    };
    // Few enough by chance that what opens is the holidays'.
    let settings = HourlySettings { false_per_week: 0.01, ..HourlySettings::default() };
    let declared = play(&world(true), settings).1;
    let plain = play(&world(false), settings).1;
    assert!(declared.is_empty(), "{declared:#?}");
    let of_all = plain.iter().filter(|issue| issue.subject == Subject::Everything);
    assert!(of_all.count() >= 2, "{plain:#?}");
}

#[test]
fn the_days_after_a_holiday_end_with_the_first_working_day() {
    let kind = |day: u64, last: u64| Day::of(day * 24 + 5, false, Some(last));
    // Days count from a Monday: 4 is a Friday, 7 the next Monday.
    assert_eq!(
        [kind(5, 4), kind(6, 4), kind(7, 4), kind(8, 4)].map(|day| day == Day::After),
        [true, true, true, false]
    );
    assert_eq!((kind(2, 1), kind(3, 1)), (Day::After, Day::Ordinary));
    assert_eq!(Day::of(50, true, Some(1)), Day::Holiday);
    assert_eq!(Day::of(50, false, None), Day::Ordinary);
}

#[test]
fn a_season_that_comes_again_is_expected_and_an_incident_in_it_is_not() {
    // Six reasons of equal size; all rise together around day 100 of the year, the first by more.
    let peak = |at: usize| {
        let day = (at / 24) as f64 % (yearly::YEAR_H as f64 / 24.0);
        (-0.5 * ((day - 100.0) / 12.0).powi(2)).exp()
    };
    let mut chance = Chance::new(3);
    let mut world: Vec<Hour> = (0..480 * 24)
        .map(|at| {
            let count = |reason: usize| {
                let own = if reason == 0 { 0.5 } else { 0.0 };
                let customers = chance.poisson(6.0 * ((0.5 + own) * peak(at)).exp());
                Count { customers, contacts: customers }
            };
            let counts = (0..6).map(count).collect();
            Hour { known: true, orders: f64::NAN, counts, ..Hour::default() }
        })
        .collect();
    let settings = HourlySettings { false_per_week: 0.001, ..HourlySettings::default() };
    let opened = |world: &[Hour], days: std::ops::Range<u64>| {
        let (_, issues) = play(world, settings);
        let opened = issues.iter().filter(|issue| days.contains(&(issue.opened / 24)));
        opened.map(|issue| issue.subject).collect::<Vec<Subject>>()
    };
    assert!(opened(&world, 60..130).contains(&Subject::Reason(0)), "no year knows it yet");
    assert_eq!(opened(&world, 425..480), []);
    raise(&mut world, 0, 460 * 24..461 * 24, 15);
    assert_eq!(opened(&world, 425..480), [Subject::Reason(0)]);
}
