use proptest::prelude::*;

use super::*;
use crate::draws::Draws;

/// What makes a world.
#[derive(Clone, Copy, Default)]
struct World {
    /// Probability that reason 0 brings reason 1 two days later or so.
    caused: f64,
    /// How much likelier reasons 2 and 3 are for one customer in five, with bursts of both.
    kind: f64,
    /// How much likelier reason 4 is at the end than at the start.
    growth: f64,
}

const REASONS: usize = 8;

fn world(draws: &mut Draws, world: World) -> PairCounts {
    let settings = PairSettings::default();
    let mut counts = PairCounts::new(REASONS, &settings.windows_day);
    for customer in 0..800 {
        let special = customer % 5 == 0;
        let mut contacts = Vec::new();
        let number = (draws.share() * 12.0) as usize;
        for _ in 0..number {
            let day = 150.0 * draws.share();
            let mut reason = (draws.share() * REASONS as f64) as usize;
            if special && draws.share() < world.kind {
                // One cause, two reasons, in no order.
                contacts.push(Contact { day: day + 4.0 * (draws.share() - 0.5), reason: 2 });
                contacts.push(Contact { day: day + 4.0 * (draws.share() - 0.5), reason: 3 });
            }
            if draws.share() * 150.0 < world.growth * day {
                reason = 4;
            }
            contacts.push(Contact { day, reason });
            if reason == 0 && draws.share() < world.caused {
                contacts.push(Contact { day: day - 2.0 * draws.share().ln(), reason: 1 });
            }
        }
        counts.add_customer(&contacts);
    }
    counts
}

fn confirmed(counts: &PairCounts) -> Vec<ReasonPair> {
    let mut pairs = reason_pairs(counts, &PairSettings::default());
    pairs.retain(|pair| pair.confirmed);
    pairs
}

#[test]
fn worlds_without_causes_have_few_pairs() {
    // Under the null of every pair the false discovery rate is the rate of any discovery: .05.
    let mut draws = Draws::new(1);
    let plain =
        (0..60).filter(|_| !confirmed(&world(&mut draws, World::default())).is_empty()).count();
    assert!(plain <= 8, "{plain} of 60");
    let growing = World { growth: 0.6, kind: 0.5, ..World::default() };
    let growing = (0..60).filter(|_| !confirmed(&world(&mut draws, growing)).is_empty()).count();
    assert!(growing <= 8, "{growing} of 60");
}

#[test]
fn a_cause_is_found_with_its_probability() {
    let mut draws = Draws::new(2);
    let (mut found, mut sum, mut covered) = (0, 0.0, 0);
    for _ in 0..20 {
        let pairs = confirmed(&world(&mut draws, World { caused: 0.15, ..World::default() }));
        if let Some(pair) = pairs.iter().find(|pair| (pair.first, pair.second) == (0, 1)) {
            found += 1;
            sum += pair.extra;
            covered += u32::from((pair.extra - 0.15).abs() < 3.0 * pair.extra_se);
        }
    }
    assert!(found >= 19 && covered >= 18, "{found} {covered}");
    assert!((sum / f64::from(found) - 0.15).abs() < 0.02, "{}", sum / f64::from(found));
}

#[test]
fn a_common_cause_is_screened_and_not_confirmed() {
    let mut draws = Draws::new(3);
    let counts = world(&mut draws, World { kind: 0.8, ..World::default() });
    let pairs = reason_pairs(&counts, &PairSettings::default());
    let pair = pairs.iter().find(|pair| (pair.first, pair.second) == (2, 3)).unwrap();
    assert!(pair.screened && !pair.confirmed, "{pair:?}");
}

#[test]
fn a_busy_customer_has_one_vote() {
    let mut counts = PairCounts::new(2, &[1.0]);
    let contact = |index: usize| Contact { day: index as f64 * 0.4, reason: index % 2 };
    let mut busy: Vec<Contact> = (0..5_000).map(contact).collect();
    busy.retain(|contact| contact.reason == 0 || contact.day > 1.0);
    counts.add_customer(&busy);
    assert!(counts.after(0, 0, 1) > 500);
    let (more, less) = counts.votes(0, 0, 1);
    assert!(more + less <= 1);
    assert!(confirmed(&counts).is_empty());
}

#[test]
fn moments_shared_have_no_order() {
    let mut counts = PairCounts::new(2, &[1.0]);
    for _ in 0..100 {
        let both = [Contact { day: 1.0, reason: 0 }, Contact { day: 1.0, reason: 1 }];
        counts.add_customer(&both);
    }
    assert_eq!(counts.after(0, 0, 1) + counts.after(0, 1, 0), 0);
    assert!(confirmed(&counts).is_empty());
}

fn contacts() -> impl Strategy<Value = Vec<Vec<Contact>>> {
    let day = prop_oneof![8 => 0.0..60.0, 1 => Just(f64::NAN), 1 => Just(1e300), 1 => Just(-3.0)];
    let contact = (day, 0usize..6).prop_map(|(day, reason)| Contact { day, reason });
    prop::collection::vec(prop::collection::vec(contact, 0..15), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_are_those_of_all_pairs(customers in contacts()) {
        let windows = [1.0, 7.0];
        let mut counts = PairCounts::new(5, &windows);
        customers.iter().for_each(|contacts| counts.add_customer(contacts));
        for (window, width) in windows.iter().enumerate() {
            for (first, second) in (0..5).flat_map(|a| (0..5).map(move |b| (a, b))) {
                let mut after = 0;
                let ordered = customers.iter().flat_map(|contacts| {
                    contacts.iter().flat_map(move |a| contacts.iter().map(move |b| (a, b)))
                });
                for (a, b) in ordered {
                    let gap = b.day - a.day;
                    let known = (0.0..4000.0).contains(&a.day) && (0.0..4000.0).contains(&b.day);
                    let pair = a.reason == first && b.reason == second && first != second;
                    after += u64::from(known && pair && gap > 0.0 && gap <= *width);
                }
                prop_assert_eq!(counts.after(window, first, second), after);
            }
        }
    }

    #[test]
    fn nothing_breaks_and_numbers_are_numbers(customers in contacts(), share in 0.0..1.0f64) {
        let settings = PairSettings { false_share: share, ..PairSettings::default() };
        let mut counts = PairCounts::new(5, &settings.windows_day);
        customers.iter().for_each(|contacts| counts.add_customer(contacts));
        for pair in reason_pairs(&counts, &settings) {
            prop_assert!((0.0..=1.0).contains(&pair.p_value));
            prop_assert!((0.0..=1.0).contains(&pair.extra) && pair.extra_se.is_finite());
        }
    }

    #[test]
    fn the_tail_is_the_sum_of_its_terms(
        trials in 1u64..40,
        chance in 0.01..0.99f64,
        part in 0.0..1.0f64,
    ) {
        let successes = (part * trials as f64) as u64;
        let mut sum = 0.0;
        for k in successes..=trials {
            let ways = (0..k).fold(1.0, |ways, i| ways * (trials - i) as f64 / (i + 1) as f64);
            sum += ways * chance.powi(k as i32) * (1.0 - chance).powi((trials - k) as i32);
        }
        prop_assert!((at_least(successes, trials, chance) - sum).abs() < 1e-9);
    }
}
