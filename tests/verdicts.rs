//! Issues are a function of the counts: of neither the order in which these came, nor the marks
//! between them, nor the process that was there before.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;

use quell_engine::{Effects, Scan, Settings, State, Trend, TrendInput};
use quell_faults::Seed;
use quell_model::event::{SCHEMA_VERSION, Source, Volume};
use quell_model::fact::FactReason;
use quell_model::issue::EVERYTHING;
use quell_model::time::{DAY_MS, HOUR_MS};
use quell_model::{
    ContactKey, Fact, FactChange, FactWords, Output, ReasonId, SystemicIssue, TimeMs, UNCLASSIFIED,
    Verdict, Weight,
};
use quell_tests::events::START;
use quell_worker::direct::DirectState;

const REASONS: [&str; 5] =
    ["billing.refund", "delivery.late", "orders.cancel", "account.login", UNCLASSIFIED];

/// A business of `days` days in which the first reason rises on day 30, for 20 hours.
fn business(seed: u64, days: i64) -> Vec<Fact> {
    let mut seed = Seed::new(seed);
    let mut facts = Vec::new();
    for hour in 0..days * 24 {
        let of_day = hour % 24;
        let usual = if (8..20).contains(&of_day) { 4 } else { 1 };
        for reason in REASONS {
            let people = seed.below(2 * usual + 1);
            facts.extend((0..people).map(|n| fact(hour, reason, n)));
        }
        if (30 * 24 + 6..31 * 24 + 2).contains(&hour) {
            facts.extend((100..106).map(|n| fact(hour, REASONS[0], n)));
        }
    }
    facts
}

fn fact(hour: i64, reason: &str, customer: usize) -> Fact {
    let region = if customer >= 100 || hour % 5 == 0 { "north" } else { "south" };
    Fact {
        hour: START.plus_ms(hour * HOUR_MS),
        reasons: vec![FactReason {
            reason: ReasonId(reason.to_owned()),
            weight: Weight::ONE,
            cost_micros: 1,
        }],
        dimensions: vec![("region".to_owned(), region.to_owned())],
        customer: Some(hour as u64 * 1_000 + customer as u64),
        repeats: [false; 3],
        words: FactWords::default(),
    }
}

fn added(fact: Fact) -> TrendInput {
    change(None, Some(fact))
}

fn change(before: Option<Fact>, after: Option<Fact>) -> TrendInput {
    let contact_key = ContactKey::new("shop", None, "any");
    TrendInput::Fact(Box::new(FactChange { contact_key, before, after }))
}

fn mark(day: i64) -> TrendInput {
    TrendInput::Mark(START.plus_ms(day * DAY_MS))
}

/// TREND with what a reader of its topic has.
struct Stage {
    settings: Settings,
    trend: Trend,
    state: DirectState,
    issues: BTreeMap<String, (u64, Option<SystemicIssue>)>,
    beyond_horizon: u64,
}

impl Stage {
    fn new() -> Stage {
        Stage::with(Settings::default())
    }

    fn with(settings: Settings) -> Stage {
        let (state, issues) = (DirectState::default(), BTreeMap::new());
        Stage { trend: trend(&settings), settings, state, issues, beyond_horizon: 0 }
    }

    /// A new process goes on.
    fn restart(&mut self) {
        self.trend = trend(&self.settings);
    }

    /// One turn; a mark is given again until it is done.
    fn turn(&mut self, inputs: impl IntoIterator<Item = TrendInput>) {
        for input in inputs {
            loop {
                let mut effects = Effects::default();
                self.trend.step(&mut self.state, input.clone(), &mut effects).expect("memory");
                self.trend.finish(&mut self.state, &mut effects).expect("memory");
                self.beyond_horizon += effects.tally.changes_beyond_horizon;
                effects.outputs.into_iter().for_each(|output| self.take(output));
                if !effects.unfinished {
                    break;
                }
            }
        }
    }

    fn take(&mut self, output: Output) {
        if let Output::Issue { issue_id, revision, issue } = output {
            let known = self.issues.get(&issue_id).map_or(0, |(known, _)| *known);
            assert!(revision >= known, "a reader would not take {issue_id}");
            self.issues.insert(issue_id, (revision, issue.map(|issue| *issue)));
        }
    }

    fn issues(&self) -> Vec<&SystemicIssue> {
        self.issues.values().filter_map(|(_, issue)| issue.as_ref()).collect()
    }

    fn systemic(&self) -> Vec<&SystemicIssue> {
        self.issues().into_iter().filter(|issue| issue.verdict == Verdict::Systemic).collect()
    }
}

fn trend(settings: &Settings) -> Trend {
    Trend::new(Arc::new(settings.clone()), "none")
}

fn at_once(facts: Vec<Fact>, day: i64) -> Stage {
    let mut stage = Stage::new();
    stage.turn(facts.into_iter().map(added));
    stage.turn([mark(day)]);
    stage
}

#[test]
fn a_rise_is_an_issue_with_numbers_and_a_place() {
    let mut stage = Stage::with(Settings { cells: 0, ..Settings::default() });
    stage.turn(business(1, 40).into_iter().map(added));
    stage.turn([mark(40)]);
    let [issue] = stage.systemic()[..] else { panic!("{:#?}", stage.issues()) };
    assert_eq!(issue.reason.0, REASONS[0]);
    let opened_h = issue.opened_at.since_ms(START) / HOUR_MS;
    assert!((30 * 24 + 6..30 * 24 + 16).contains(&opened_h), "{issue:#?}");
    assert_eq!(issue.issue_id, format!("default:{}:{}", REASONS[0], issue.opened_at));
    let closed = issue.closed_at.expect("it is over");
    assert!(closed > START.plus_ms(31 * DAY_MS) && closed < START.plus_ms(33 * DAY_MS));
    assert!((90.0..150.0).contains(&issue.excess), "{issue:#?}");
    let why = &issue.evidence;
    assert_eq!(why.window_start, issue.onset_at);
    assert_eq!(why.window_start.plus_ms(i64::from(why.window_h - 1) * HOUR_MS), issue.opened_at);
    assert!(why.chance_per_week < why.limit_per_week && why.baseline_h > 500, "{why:?}");
    assert!(why.ratio_low > Some(1.0) && why.ratio_low < why.ratio_high, "{why:?}");
    let place = &issue.explanation[0];
    assert_eq!((place.dimension.as_str(), place.value.as_str()), ("region", "north"));
    assert_eq!(issue.cause.in_words().as_deref(), Some("region=north"), "{:#?}", issue.cause);
    assert!(issue.cause.cells[0].excess_share > 0.8 && issue.cause.looked_at == 1.0);
}

#[test]
fn neither_order_nor_marks_nor_restarts_show() {
    let facts = business(2, 38);
    let once = at_once(facts.clone(), 38);
    assert_eq!(once.systemic().len(), 1, "{:#?}", once.issues());
    // In time, a mark an hour, and a new process now and then.
    let mut hourly = Stage::new();
    let mut rest = facts.iter().peekable();
    for hour in 0..=38 * 24 {
        let now = START.plus_ms(hour * HOUR_MS);
        while let Some(fact) = rest.next_if(|fact| fact.hour < now) {
            hourly.turn([added(fact.clone())]);
        }
        hourly.turn([TrendInput::Mark(now)]);
        if hour % 100 == 99 {
            hourly.restart();
        }
    }
    assert_eq!(hourly.issues(), once.issues());
    // Late by up to three days, in any order, marks between.
    let mut seed = Seed::new(9);
    let mut late: Vec<(i64, Fact)> = facts
        .iter()
        .map(|fact| (fact.hour.0 + seed.below(72) as i64 * HOUR_MS, fact.clone()))
        .collect();
    late.sort_by_key(|(arrival, _)| *arrival);
    let mut shuffled = Stage::new();
    for (n, (arrival, fact)) in late.into_iter().enumerate() {
        shuffled.turn([added(fact)]);
        if n % 61 == 0 {
            shuffled.turn([TrendInput::Mark(TimeMs(arrival))]);
        }
    }
    shuffled.turn([mark(38)]);
    assert_eq!(shuffled.issues(), once.issues());
}

#[test]
fn a_history_that_comes_backwards_ends_the_same() {
    let facts = business(3, 38);
    let once = at_once(facts.clone(), 38);
    let mut backwards = Stage::new();
    for day in facts.chunk_by(|one, other| one.hour.day() == other.hour.day()).rev() {
        backwards.turn(day.iter().cloned().map(added));
        backwards.turn([mark(38)]);
    }
    // What is far back is looked at once a day.
    backwards.turn([mark(39)]);
    let expected = {
        let mut stage = Stage::new();
        stage.turn(facts.into_iter().map(added));
        stage.turn([mark(39)]);
        stage
    };
    assert_eq!(backwards.issues(), expected.issues());
    assert_eq!(backwards.systemic(), once.systemic());
}

#[test]
fn an_issue_that_was_none_is_withdrawn_and_may_come_back() {
    let facts = business(4, 40);
    let mut stage = at_once(facts.clone(), 40);
    let known: Vec<SystemicIssue> = stage.systemic().into_iter().cloned().collect();
    assert_eq!(known.len(), 1);
    let is_rise = |fact: &&Fact| fact.customer.is_some_and(|customer| customer % 1_000 >= 100);
    let rise: Vec<Fact> = facts.iter().filter(is_rise).cloned().collect();
    stage.turn(rise.iter().cloned().map(|fact| change(Some(fact), None)));
    stage.turn([mark(40)]);
    assert_eq!(stage.systemic().len(), 1, "so far back is looked at once a day");
    stage.turn([mark(41)]);
    assert_eq!(stage.systemic(), Vec::<&SystemicIssue>::new());
    stage.turn(rise.into_iter().map(added));
    stage.turn([mark(42)]);
    assert_eq!(stage.systemic(), known.iter().collect::<Vec<_>>());
}

#[test]
fn what_rises_together_is_one_issue_of_all() {
    let mut facts = business(5, 40);
    for hour in 35 * 24..36 * 24 + 12 {
        for reason in REASONS {
            facts.extend((200..208).map(|n| fact(hour, reason, n)));
        }
    }
    let stage = at_once(facts, 40);
    let is_then = |issue: &&SystemicIssue| issue.opened_at > START.plus_ms(34 * DAY_MS);
    let then: Vec<&SystemicIssue> = stage.systemic().into_iter().filter(is_then).collect();
    let [issue] = then[..] else { panic!("{then:#?}") };
    assert_eq!(issue.reason.0, EVERYTHING);
}

#[test]
fn twice_the_orders_are_no_issue() {
    let plain = business(6, 40);
    let mut facts = Vec::new();
    let from = START.plus_ms(34 * DAY_MS);
    let is_rise = |fact: &Fact| fact.customer.is_some_and(|customer| customer % 1_000 >= 100);
    for fact in plain.into_iter().filter(|fact| !is_rise(fact)) {
        let twice = fact.hour >= from;
        let more = Fact { customer: fact.customer.map(|customer| customer + 500), ..fact.clone() };
        facts.push(fact);
        facts.extend(twice.then_some(more));
    }
    let everything = |stage: &Stage| {
        stage.systemic().iter().filter(|issue| issue.reason.0 == EVERYTHING).count()
    };
    let mut stage = Stage::new();
    stage.turn(facts.iter().cloned().map(added));
    for day in 0..40 {
        let count = if day < 34 { 2_400 } else { 4_800 };
        let start = START.plus_ms(day * DAY_MS);
        stage.turn([TrendInput::Volume(Box::new(orders(start, count)))]);
    }
    stage.turn([mark(40)]);
    assert_eq!(everything(&stage), 0, "{:#?}", stage.systemic());
    assert_eq!(everything(&at_once(facts, 40)), 1, "without orders it is an event");
}

fn orders(start: TimeMs, count: u64) -> Volume {
    Volume {
        schema_version: SCHEMA_VERSION,
        event_id: format!("orders {start}"),
        event_time: start,
        source: Source { system: "shop".to_owned(), ..Source::default() },
        exposure_unit: "orders".to_owned(),
        period_start: start,
        period_end: start.plus_ms(DAY_MS),
        count,
        dimensions: BTreeMap::new(),
    }
}

#[test]
fn a_source_that_was_down_is_no_silence() {
    let facts = |gap_days: i64| -> Vec<Fact> {
        let shifted = business(7, 60).into_iter().map(|mut fact| {
            if fact.hour >= START.plus_ms(40 * DAY_MS) {
                fact.hour = fact.hour.plus_ms(gap_days * DAY_MS);
            }
            fact
        });
        shifted.collect()
    };
    for gap_days in [3, 14, 70] {
        let stage = at_once(facts(gap_days), 60 + gap_days);
        let [issue] = stage.systemic()[..] else { panic!("{gap_days}: {:#?}", stage.issues()) };
        assert_eq!(issue.reason.0, REASONS[0], "{gap_days}");
    }
}

#[test]
fn hours_beyond_the_horizon_are_counted_and_change_nothing() {
    let short = Settings { detection_horizon_ms: 40 * DAY_MS, ..Settings::default() };
    let mut stage = Stage::new();
    stage.trend = trend(&short);
    stage.turn(business(8, 130).into_iter().map(added));
    stage.turn([mark(130)]);
    let known: Vec<SystemicIssue> = stage.issues().into_iter().cloned().collect();
    assert!(known.iter().any(|issue| issue.reason.0 == REASONS[0]));
    stage.turn((0..50).map(|n| added(fact(20 * 24, "delivery.late", 700 + n))));
    stage.turn([mark(131)]);
    assert!(stage.beyond_horizon > 0);
    let systemic: Vec<&SystemicIssue> =
        known.iter().filter(|issue| issue.verdict == Verdict::Systemic).collect();
    assert_eq!(stage.systemic(), systemic);
}

/// Few are stored, each a fixed size a reason beside what all reasons share.
#[test]
fn stored_detectors_stay_small() {
    let mut stage = at_once(business(9, 130), 130);
    let (mut rows, mut bytes) = (0, 0);
    let all = Scan { table: "trend_detectors", from: &[], to: &[u8::MAX; 16], descending: false };
    let mut visit = |_: &[u8], row: &[u8]| {
        assert!(row.len() <= 200_000, "a cluster takes no record of any size");
        (rows, bytes) = (rows + 1, bytes + row.len());
        ControlFlow::Continue(())
    };
    stage.state.scan(all, &mut visit).expect("memory");
    assert!((8..16).contains(&rows), "{rows} are stored");
    // Beside the reasons, "all" and "none yet" have a series each, as has a region of a reason.
    let regions = 2 * (REASONS.len() - 1);
    let most = 26_000 + (REASONS.len() + 2 + regions) * 4_700;
    assert!(bytes <= rows * most, "{bytes} bytes in {rows}, {} each", bytes / rows);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Counts that come late, go, and move to another reason, with marks anywhere.
    #[test]
    fn whatever_happens_on_the_way_does_not_show(seed in 0_u64..1_000, days in 25_i64..36) {
        let facts = business(seed, days);
        let mut chance = Seed::new(seed ^ 5);
        let mut stage = Stage::new();
        let mut finals = Vec::new();
        let mut waiting: Vec<TrendInput> = Vec::new();
        for fact in facts {
            let now = fact.hour;
            let other = Fact {
                reasons: self::fact(0, REASONS[chance.below(4)], 0).reasons,
                ..fact.clone()
            };
            match chance.below(12) {
                0 => {
                    finals.push(other.clone());
                    stage.turn([added(fact.clone())]);
                    waiting.push(change(Some(fact), Some(other)));
                }
                1 => {
                    stage.turn([added(fact.clone())]);
                    waiting.push(change(Some(fact), None));
                }
                2 => {
                    finals.push(fact.clone());
                    waiting.push(added(fact));
                }
                _ => {
                    finals.push(fact.clone());
                    stage.turn([added(fact)]);
                }
            }
            if chance.below(150) == 0 {
                let late = waiting.split_off(chance.below(waiting.len() + 1));
                stage.turn(late);
                stage.turn([TrendInput::Mark(now)]);
            }
        }
        stage.turn(waiting);
        stage.turn([mark(days), mark(days + 1)]);
        let mut once = at_once(finals, days);
        once.turn([mark(days + 1)]);
        prop_assert_eq!(stage.issues(), once.issues());
    }
}

/// Warm after two weeks, so that short histories have verdicts on dimension values.
fn early(cells: usize) -> Settings {
    let mut settings = Settings { cells, ..Settings::default() };
    settings.detector.warmup_h = 336;
    settings
}

/// A business in which the first reason rises in the north alone, by twice as many as usual there,
/// for three days from day 30 on: a sixth more of the reason.
fn split_business(seed: u64, days: i64) -> Vec<Fact> {
    let mut seed = Seed::new(seed);
    let mut facts = Vec::new();
    for hour in 0..days * 24 {
        let usual = if (8..20).contains(&(hour % 24)) { 8 } else { 2 };
        for reason in REASONS {
            for n in 0..seed.below(2 * usual + 1) {
                let region = ["north", "south", "south", "west", "west", "west"][seed.below(6)];
                let device = ["phone", "desk"][seed.below(2)];
                facts.push(split_fact((hour, reason, n), region, device));
            }
        }
        if (30 * 24..33 * 24).contains(&hour) && hour % 24 >= 6 {
            let device = ["phone", "desk"][seed.below(2)];
            let people = 100..101 + seed.below(3);
            facts.extend(people.map(|n| split_fact((hour, REASONS[0], n), "north", device)));
        }
    }
    facts
}

fn split_fact((hour, reason, n): (i64, &str, usize), region: &str, device: &str) -> Fact {
    let dimensions = [("device", device), ("region", region)];
    let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Fact { dimensions, ..fact(hour, reason, n) }
}

fn of_parts(stage: &Stage) -> Vec<&SystemicIssue> {
    stage.systemic().into_iter().filter(|issue| issue.cell.is_some()).collect()
}

#[test]
fn a_rise_in_one_dimension_value_that_drowns_in_its_reason_is_seen() {
    let (mut seen, mut drowned) = (0, 0);
    for seed in 1..=3 {
        let facts = split_business(seed, 40);
        let played = |cells: usize| {
            let mut stage = Stage::with(early(cells));
            stage.turn(facts.iter().cloned().map(added));
            stage.turn([mark(40)]);
            stage
        };
        let (with, without) = (played(100), played(0));
        assert!(of_parts(&without).is_empty());
        drowned += usize::from(without.systemic().is_empty());
        let [issue] = with.systemic()[..] else { panic!("{:#?}", with.systemic()) };
        let Some(cell) = &issue.cell else { continue };
        seen += 1;
        assert_eq!(
            (issue.reason.0.as_str(), cell.to_string()),
            (REASONS[0], "region=north".into())
        );
        let id = format!("default:{}:{}:region=north", REASONS[0], issue.opened_at);
        assert_eq!(issue.issue_id, id);
        assert!(
            (START.plus_ms(30 * DAY_MS)..START.plus_ms(33 * DAY_MS)).contains(&issue.opened_at)
        );
        assert!(issue.closed_at.is_some_and(|closed| closed < START.plus_ms(36 * DAY_MS)));
        assert!(issue.evidence.chance_per_week < issue.evidence.limit_per_week);
        // Its people are those of the north, and the rise is alike on both devices.
        assert!(issue.explanation.iter().all(|place| place.dimension == "device"), "{issue:#?}");
        assert!(issue.place().is_some_and(|place| place.starts_with("region=north")));
    }
    assert!(seen >= 2 && drowned >= 2, "{seen} seen, {drowned} drowned");
}

#[test]
fn neither_order_nor_marks_nor_restarts_show_in_dimension_values() {
    let facts = split_business(1, 38);
    let mut once = Stage::with(early(100));
    once.turn(facts.iter().cloned().map(added));
    once.turn([mark(38), mark(39)]);
    assert_eq!(of_parts(&once).len(), 1, "{:#?}", once.issues());
    let mut hourly = Stage::with(early(100));
    let mut rest = facts.iter().peekable();
    for hour in 0..=38 * 24 {
        let now = START.plus_ms(hour * HOUR_MS);
        while let Some(fact) = rest.next_if(|fact| fact.hour < now) {
            hourly.turn([added(fact.clone())]);
        }
        hourly.turn([TrendInput::Mark(now)]);
        if hour % 100 == 99 {
            hourly.restart();
        }
    }
    hourly.turn([mark(39)]);
    assert_eq!(hourly.issues(), once.issues());
    let mut backwards = Stage::with(early(100));
    for day in facts.chunk_by(|one, other| one.hour.day() == other.hour.day()).rev() {
        backwards.turn(day.iter().rev().cloned().map(added));
        backwards.turn([mark(38)]);
    }
    backwards.turn([mark(39)]);
    assert_eq!(backwards.issues(), once.issues());
}

#[test]
fn a_corrected_dimension_value_changes_verdicts_though_no_reason_changes() {
    let facts = split_business(2, 38);
    let mut once = Stage::with(early(100));
    once.turn(facts.iter().cloned().map(added));
    once.turn([mark(38), mark(39), mark(40)]);
    assert_eq!(of_parts(&once).len(), 1, "{:#?}", once.issues());
    let elsewhere = |fact: &Fact| {
        let mut other = fact.clone();
        if other.customer.is_some_and(|customer| customer % 1_000 >= 100) {
            other.dimensions[1].1 = "south".to_owned();
        }
        other
    };
    let mut stage = Stage::with(early(100));
    stage.turn(facts.iter().map(elsewhere).map(added));
    stage.turn([mark(38)]);
    let is_north =
        |issue: &&SystemicIssue| issue.cell.as_ref().is_some_and(|cell| cell.value == "north");
    assert!(!stage.systemic().iter().any(is_north));
    let corrected = facts.iter().filter(|fact| elsewhere(fact) != **fact);
    stage.turn(corrected.map(|fact| change(Some(elsewhere(fact)), Some(fact.clone()))));
    stage.turn([mark(39), mark(40)]);
    assert_eq!(stage.issues(), once.issues());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4,
        failure_persistence: None,
        ..Default::default()
    })]

    /// The same for dimension values: facts that come late, go, and change value or customer.
    #[test]
    fn whatever_happens_on_the_way_does_not_show_in_dimension_values(
        seed in 0_u64..1_000, days in 32_i64..38
    ) {
        let mut chance = Seed::new(seed ^ 7);
        let mut stage = Stage::with(early(6));
        let mut finals = Vec::new();
        let mut waiting: Vec<TrendInput> = Vec::new();
        for fact in split_business(seed, days) {
            let now = fact.hour;
            let mut other = fact.clone();
            match chance.below(3) {
                0 => other.dimensions[1].1 = "east".to_owned(),
                1 => other.customer = other.customer.map(|customer| customer - customer % 1_000),
                _ => other.dimensions.truncate(1),
            }
            match chance.below(12) {
                0 => {
                    finals.push(other.clone());
                    stage.turn([added(fact.clone())]);
                    waiting.push(change(Some(fact), Some(other)));
                }
                1 => {
                    stage.turn([added(fact.clone())]);
                    waiting.push(change(Some(fact), None));
                }
                _ => {
                    finals.push(fact.clone());
                    waiting.push(added(fact));
                }
            }
            if chance.below(150) == 0 {
                let late = waiting.split_off(chance.below(waiting.len() + 1));
                stage.turn(late);
                stage.turn([TrendInput::Mark(now)]);
            }
            if chance.below(2_000) == 0 {
                stage.restart();
            }
        }
        stage.turn(waiting);
        stage.turn([mark(days), mark(days + 1)]);
        let mut once = Stage::with(early(6));
        once.turn(finals.into_iter().map(added));
        once.turn([mark(days), mark(days + 1)]);
        prop_assert_eq!(stage.issues(), once.issues());
    }
}
