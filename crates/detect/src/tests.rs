use quell_model::Verdict;
use quell_model::time::{DAY_MS, TimeMs};

use super::*;

fn settings() -> DailySettings {
    DailySettings::default()
}

#[test]
fn a_flat_series_is_quiet() {
    assert_eq!(rises(TimeMs(0), &[6; 100], &settings()), []);
}

#[test]
fn no_verdict_without_history() {
    assert_eq!(rises(TimeMs(0), &[0, 0, 0, 500], &settings()), []);
}

#[test]
fn one_strong_day_is_systemic_and_says_why() {
    let mut people = vec![4; 40];
    people[35] = 60;
    let found = rises(TimeMs(0), &people, &settings());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].verdict, Verdict::Systemic);
    let day = &found[0].days[0].evidence;
    assert_eq!(day.day, TimeMs(35 * DAY_MS));
    assert_eq!((day.observed, day.expected, day.risk_ratio), (60, 4.0, Some(15.0)));
    assert_eq!(day.limit, 12.0);
    assert_eq!(day.baseline_days, 28);
    assert_eq!(found[0].excess(), 56.0);
}

#[test]
fn one_weak_day_is_watched_two_are_systemic() {
    let mut people = vec![40; 40];
    people[30] = 70;
    assert_eq!(rises(TimeMs(0), &people, &settings())[0].verdict, Verdict::Watch);
    people[32] = 70;
    let found = rises(TimeMs(0), &people, &settings());
    assert_eq!(found.len(), 1, "one quiet day inside a rise does not end it");
    assert_eq!(found[0].verdict, Verdict::Systemic);
}

#[test]
fn alarm_days_stay_out_of_the_baseline() {
    let mut people = vec![4; 60];
    people[30..50].fill(60);
    let found = rises(TimeMs(0), &people, &settings());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].days.len(), 20);
    assert!(found[0].days.iter().all(|day| day.evidence.expected == 4.0));
}

#[test]
fn four_people_are_isolated_whatever_the_past() {
    let mut people = vec![0; 40];
    people[35] = 4;
    assert_eq!(rises(TimeMs(0), &people, &settings()), []);
    people[35] = 5;
    assert_eq!(rises(TimeMs(0), &people, &settings()).len(), 1);
}

#[test]
fn explanations_need_support_and_a_share() {
    let cell = |value: &str, observed, expected| Cell {
        dimension: "version".into(),
        value: value.into(),
        observed,
        expected,
    };
    let cells = [cell("66", 50, 3.0), cell("60", 9, 1.0), cell("52", 4, 0.0)];
    let rows = explain(&cells, (63, 56.0), 5);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].value.as_str(), rows[0].excess_share), ("66", 0.839));
}

#[test]
fn a_rise_that_is_alike_everywhere_has_no_explanation() {
    let cell = |dimension: &str, value: &str, observed, expected| Cell {
        dimension: dimension.into(),
        value: value.into(),
        observed,
        expected,
    };
    let cells = [
        cell("channel", "web_form", 60, 6.0),
        cell("version", "66", 40, 4.0),
        cell("version", "65", 20, 2.0),
    ];
    assert_eq!(explain(&cells, (60, 54.0), 5), []);
}
