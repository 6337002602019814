use proptest::prelude::*;

use super::*;
use crate::draws::Draws;

/// A count with the given mean and one and a half times its variance, or thereabouts.
fn count(draws: &mut Draws, mean: f64) -> f64 {
    (mean + (1.5 * mean).sqrt() * draws.sum_of_twelve()).round().max(0.0)
}

const BEFORE: usize = 84;
const AFTER: usize = 28;

/// What happens in a world, in log rates.
#[derive(Clone, Copy, Default)]
struct World {
    effect: f64,
    /// The height of a peak four days before the action.
    peak: f64,
    /// Daily step of a drift common to subject and control.
    common: f64,
}

struct Made {
    counts: Vec<f64>,
    exposure: Vec<f64>,
    control: Vec<f64>,
}

fn made(draws: &mut Draws, world: World) -> Made {
    let (mut own, mut other, mut common) =
        (0.1 * draws.sum_of_twelve(), 0.1 * draws.sum_of_twelve(), 0.0);
    let mut made = Made { counts: vec![], exposure: vec![], control: vec![] };
    for day in 0..BEFORE + AFTER {
        own = 0.95 * own + 0.03 * draws.sum_of_twelve();
        other = 0.95 * other + 0.03 * draws.sum_of_twelve();
        common = 0.95 * common + world.common * draws.sum_of_twelve();
        let since = day as f64 - BEFORE as f64;
        let acted = if since >= 0.0 { 1.0 } else { 0.0 };
        let exposure = count(draws, if day % 7 < 5 { 1_000.0 } else { 600.0 });
        let season = if day % 7 == 2 { 1.5 } else { 1.0 };
        let peak = world.peak * (-((since + 4.0) / 5.0).powi(2)).exp2();
        let log_rate = own + common + acted * world.effect + peak;
        made.counts.push(count(draws, 0.05 * exposure * season * log_rate.exp()));
        let log_rate = other + common;
        made.control.push(count(draws, 0.1 * exposure * log_rate.exp()));
        made.exposure.push(exposure);
    }
    made
}

impl Made {
    /// What is said after some days.
    fn seen(&self, days: usize, controls: bool, settings: &ActionSettings) -> ActionEffect {
        let until = BEFORE + days;
        let control = [&self.control[..until]];
        let series = ActionSeries {
            counts: &self.counts[..until],
            exposure: &self.exposure[..until],
            controls: if controls { &control } else { &[] },
            action_at: BEFORE,
            issue_open: None,
            horizon: Some(AFTER),
        };
        action_effect(&series, settings)
    }
}

/// Without peaks the models are few, and many worlds can be looked at.
fn no_peaks() -> ActionSettings {
    ActionSettings { half_lives: vec![], ..ActionSettings::default() }
}

fn claimed(found: &ActionEffect) -> bool {
    matches!(found.verdict, ActionVerdict::Reduced | ActionVerdict::Increased)
}

fn holds(interval: (f64, f64), log_effect: f64) -> bool {
    interval.0 <= log_effect.exp_m1() && log_effect.exp_m1() <= interval.1
}

#[test]
fn looking_at_nothing_every_few_days_is_seldom_a_claim() {
    let (mut draws, mut claims, mut held, mut lasting) = (Draws::new(1), 0, 0, 0);
    let mut scores = Vec::new();
    for _ in 0..120 {
        let world = made(&mut draws, World::default());
        let looks: Vec<ActionEffect> =
            [3, 7, 11, 15, 21, AFTER].map(|days| world.seen(days, false, &no_peaks())).into();
        claims += u32::from(looks.iter().any(claimed));
        held += u32::from(looks.iter().all(|look| holds(look.interval, 0.0)));
        lasting += u32::from(looks.iter().all(|look| holds(look.lasting, 0.0)));
        scores.extend(looks[5].placebo.scores.iter().copied());
    }
    // Six claims in expectation at the nominal rate, standard deviation 2.4.
    assert!(claims <= 12, "{claims} of 120");
    assert!(held >= 108 && lasting >= 114, "{held} {lasting} of 120");
    let square = scores.iter().map(|score| score * score).sum::<f64>() / scores.len() as f64;
    assert!((0.6..1.5).contains(&square), "placebo {square}");
}

#[test]
fn an_effect_is_found_and_held_by_its_interval() {
    let (mut draws, mut found, mut held) = (Draws::new(2), 0, 0);
    let effect = 0.6_f64.ln();
    for _ in 0..60 {
        let look =
            made(&mut draws, World { effect, ..World::default() }).seen(AFTER, false, &no_peaks());
        found += u32::from(look.verdict == ActionVerdict::Reduced);
        held += u32::from(holds(look.interval, effect));
    }
    assert!(found >= 54 && held >= 54, "{found} {held} of 60");
}

#[test]
fn a_peak_that_fades_by_itself_is_no_success() {
    let (mut draws, mut claims, mut peaks, mut naive) = (Draws::new(3), 0, 0.0, 0);
    for _ in 0..24 {
        let world = made(&mut draws, World { peak: 0.6, ..World::default() });
        let look = world.seen(AFTER, false, &ActionSettings::default());
        claims += u32::from(look.verdict == ActionVerdict::Reduced);
        peaks += look.peak / 24.0;
        let rate = |from: usize, to: usize| {
            world.counts[from..to].iter().sum::<f64>()
                / world.exposure[from..to].iter().sum::<f64>()
        };
        naive += u32::from(rate(BEFORE, BEFORE + AFTER) < 0.9 * rate(BEFORE - 14, BEFORE));
    }
    assert!(claims <= 3 && peaks > 0.8 && naive >= 16, "{claims} {peaks} {naive}");
}

#[test]
fn controls_take_out_what_is_common() {
    let (mut draws, mut with, mut without) = (Draws::new(4), 0.0, 0.0);
    for _ in 0..20 {
        let world = made(&mut draws, World { common: 0.1, ..World::default() });
        with += world.seen(AFTER, true, &no_peaks()).effect.abs();
        without += world.seen(AFTER, false, &no_peaks()).effect.abs();
    }
    assert!(with < 0.8 * without, "{with} {without}");
}

#[test]
fn early_looks_are_wide() {
    let world = made(&mut Draws::new(5), World::default());
    let width = |days: usize| {
        let (low, high) = world.seen(days, false, &no_peaks()).interval;
        high.ln_1p() - low.ln_1p()
    };
    assert!(width(0) > width(2) && width(2) > 1.25 * width(AFTER), "{} {}", width(2), width(AFTER));
}

#[test]
fn an_open_issue_is_believed() {
    let world = made(&mut Draws::new(5), World { peak: 0.3, ..World::default() });
    let settings = ActionSettings::default();
    let mut series = ActionSeries {
        counts: &world.counts,
        exposure: &world.exposure,
        controls: &[],
        action_at: BEFORE,
        issue_open: None,
        horizon: None,
    };
    let unknown = action_effect(&series, &settings).peak;
    series.issue_open = Some(BEFORE - 14);
    assert!(action_effect(&series, &settings).peak > unknown);
}

#[test]
fn without_data_the_answer_is_that_none_can_be_given() {
    let none = ActionSeries {
        counts: &[],
        exposure: &[],
        controls: &[],
        action_at: 3,
        issue_open: Some(9),
        horizon: Some(5),
    };
    let found = action_effect(&none, &ActionSettings::default());
    assert_eq!(found.verdict, ActionVerdict::CannotTell);
    assert!(found.interval.0 < -0.5 && found.interval.1 > 1.0);
    let zeros = [0.0; 60];
    let idle = ActionSeries { counts: &zeros, exposure: &zeros, action_at: 40, ..none };
    assert_eq!(action_effect(&idle, &no_peaks()).verdict, ActionVerdict::CannotTell);
}

#[test]
fn verdicts_follow_the_interval() {
    assert_eq!(verdict((-0.3, -0.1), 0.1), ActionVerdict::Reduced);
    assert_eq!(verdict((0.1, 0.3), 0.1), ActionVerdict::Increased);
    assert_eq!(verdict((-0.09, 0.05), 0.1), ActionVerdict::None);
    assert_eq!(verdict((-0.2, 0.05), 0.1), ActionVerdict::CannotTell);
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (0u32..60).prop_map(f64::from),
        2 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(1e300),
        1 => Just(9e11),
        1 => Just(-4.0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_series_gives_finite_ordered_bounds(
        counts in prop::collection::vec(value(), 0..70),
        exposure in prop::collection::vec(value(), 0..70),
        control in prop::collection::vec(value(), 0..70),
        action_at in 0usize..90,
        issue_open in prop::option::of(0usize..90),
        season in 0usize..100,
    ) {
        let half_lives = vec![3.0];
        let settings = ActionSettings { season, half_lives, ..ActionSettings::default() };
        let series = ActionSeries {
            counts: &counts,
            exposure: &exposure,
            controls: &[&control],
            action_at,
            issue_open,
            horizon: Some(30),
        };
        let found = action_effect(&series, &settings);
        for (low, high) in [found.interval, found.lasting] {
            prop_assert!(low.is_finite() && high.is_finite() && low <= high, "{found:?}");
            prop_assert!(low >= -1.0);
        }
        prop_assert!(found.effect.is_finite() && (0.0..=1.0).contains(&found.peak));
        prop_assert!(found.dispersion >= 1.0 && found.placebo.widening >= 1.0);
    }

    #[test]
    fn the_unit_of_exposure_does_not_matter(seed in 0u64..50, scale in 0.01..100.0f64) {
        let world = made(&mut Draws::new(seed), World::default());
        let scaled: Vec<f64> = world.exposure.iter().map(|value| value * scale).collect();
        let series = ActionSeries {
            counts: &world.counts,
            exposure: &world.exposure,
            controls: &[],
            action_at: BEFORE,
            issue_open: None,
            horizon: None,
        };
        let plain = action_effect(&series, &no_peaks());
        let other = action_effect(&ActionSeries { exposure: &scaled, ..series }, &no_peaks());
        prop_assert!((plain.effect - other.effect).abs() < 1e-6);
        prop_assert!((plain.interval.1 - other.interval.1).abs() < 1e-6);
    }
}
