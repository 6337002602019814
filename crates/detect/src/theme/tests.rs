use proptest::prelude::*;

use super::background::Background;
use super::*;
use crate::draws::mixed;

const TEXTS_A_DAY: u64 = 200;

/// Texts of ten subjects with words of their own, and what `more` adds to some of them.
fn run(days: u64, more: impl Fn(u64, u64) -> Option<(u64, Vec<u64>)>) -> Vec<(f64, Theme)> {
    let mut watch = Watch::new(Settings::default());
    let mut found = Vec::new();
    for at in 0..days * TEXTS_A_DAY {
        let day = at as f64 / TEXTS_A_DAY as f64;
        let dice = |salt: u64| mixed(at * 31 + salt);
        let subject = dice(1) % 10;
        // Low numbers are common: the square of a uniform number.
        let word = |salt| {
            let uniform = (dice(salt) % 1000) as f64 / 1000.0;
            1_000 * (subject + 1) + (uniform * uniform * 200.0) as u64
        };
        let plain = (dice(2) % 5_000, vec![word(3), word(4), word(5), dice(6) % 3]);
        let (customer, words) = more(at, dice(7)).unwrap_or(plain);
        found.extend(watch.take(day, customer, &words).map(|theme| (day, theme)));
    }
    found
}

#[test]
fn a_new_theme_is_reported_once_and_early() {
    let from = 20 * TEXTS_A_DAY;
    let found = run(30, |at, dice| {
        let told = at >= from && dice % 10 == 0;
        // One of four words is left out of each text.
        let words = (0..4).filter(|word| *word != dice / 10 % 4).map(|word| 90_000 + word);
        told.then(|| (dice % 4_000, words.chain([dice % 3]).collect()))
    });
    assert_eq!(found.len(), 1, "{found:?}");
    let (day, theme) = &found[0];
    assert!((20.0..21.0).contains(day), "{day}");
    assert!(theme.terms.len() >= 3 && theme.terms.iter().all(|&word| word >= 90_000), "{theme:?}");
    assert!(theme.customers >= 5);
}

#[test]
fn a_new_pair_of_old_words_is_a_theme() {
    let from = 20 * TEXTS_A_DAY;
    let pair = [1_020, 7_030];
    let found = run(24, |at, dice| {
        let told = at >= from && dice % 10 == 0;
        told.then(|| (dice % 4_000, vec![pair[0], pair[1], dice % 3]))
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(pair.iter().all(|word| found[0].1.terms.contains(word)), "{found:?}");
}

#[test]
fn one_customer_is_no_theme_however_often() {
    let told = |customers: u64| {
        run(24, |at, dice| {
            let told = at >= 20 * TEXTS_A_DAY && dice % 10 == 0;
            told.then(|| (9_000 + at % customers, vec![90_001, 90_002, 90_003]))
        })
    };
    assert_eq!(told(4), Vec::new());
    assert_eq!(told(20).len(), 1);
}

#[test]
fn a_quiet_stream_and_a_subject_that_grows_have_no_theme() {
    assert_eq!(run(30, |_, _| None), Vec::new());
    let found = run(26, |at, dice| {
        // Subject 2 doubles its texts, with the words that it always has.
        let told = at >= 20 * TEXTS_A_DAY && dice % 10 == 0;
        let word = |shift: u32| {
            let uniform = ((dice >> shift) % 1000) as f64 / 1000.0;
            3_000 + (uniform * uniform * 200.0) as u64
        };
        told.then(|| (dice % 4_000, vec![word(10), word(20), word(30), dice % 3]))
    });
    assert_eq!(found, Vec::new());
}

#[test]
fn a_past_count_is_never_too_low_and_fades() {
    let mut table = Background::new(64, 10.0);
    let mut exact = std::collections::BTreeMap::new();
    for at in 0..2_000_u64 {
        let key = mixed(at) % 150;
        *exact.entry(key).or_insert(0.0) += 1.0;
        table.add(key, 0.0);
    }
    for (key, count) in &exact {
        assert!(table.count(*key, 0.0) >= *count);
        let half = table.count(*key, 10.0) / table.count(*key, 0.0);
        assert!((half - 0.5).abs() < 1e-6);
    }
    // The weights start again long before they overflow.
    table.add(7, 1e6);
    assert!((table.count(7, 1e6) - 1.0).abs() < 1e-6);
}

#[test]
fn the_window_holds_no_more_texts_than_it_may() {
    let settings = Settings { most_texts: 50, window_days: 1e9, ..Settings::default() };
    let mut watch = Watch::new(settings);
    for at in 0..500 {
        watch.take(f64::from(at), 1, &[1, 2]);
        assert!(watch.texts() <= 51);
    }
}

proptest! {
    #[test]
    fn any_stream_is_taken_and_the_same_stream_says_the_same(
        texts in prop::collection::vec(
            (prop_oneof![0.0..40.0_f64, Just(f64::NAN), Just(f64::INFINITY), Just(-1e300)],
             0_u64..30, prop::collection::vec(0_u64..12, 0..30)),
            0..200,
        )
    ) {
        let settings = Settings { learning_days: 0.0, open_nats: 2.0, ..Settings::default() };
        let mut watches = [Watch::new(settings.clone()), Watch::new(settings)];
        for (day, customer, words) in texts {
            let said = watches.each_mut().map(|watch| watch.take(day, customer, &words));
            prop_assert_eq!(&said[0], &said[1]);
            for theme in said.iter().flatten() {
                prop_assert!(theme.nats.is_finite() && theme.customers >= 5);
                prop_assert!((2..=8).contains(&theme.terms.len()));
            }
        }
    }
}
