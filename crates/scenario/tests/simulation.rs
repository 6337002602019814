//! What a run must hold, on the sample scenarios themselves.

use std::collections::{BTreeMap, BTreeSet};

use quell_codec::{Adapter, Limits, RawRecord, decode};
use quell_model::event::ContactEvent;
use quell_model::{Event, TimeMs};
use quell_scenario::{Scenario, parse, write_to};
use serde_json::Value;

const CHAINS: &str = include_str!("../../../samples/scenarios/chains.yaml");
const LOAD: &str = include_str!("../../../samples/scenarios/load.yaml");
const ORDERS: &str = include_str!("../../../samples/scenarios/orders-double.yaml");
const OUTAGE: &str = include_str!("../../../samples/scenarios/outage.yaml");
const QUIET: &str = include_str!("../../../samples/scenarios/quiet.yaml");
const WEEK_MS: i64 = 7 * 24 * 3_600_000;

struct Run {
    events: String,
    truth: String,
    contacts: u64,
}

impl Run {
    fn of(scenario: &Scenario, seed: u64) -> Run {
        let (mut events, mut truth) = (Vec::new(), Vec::new());
        let written = write_to(scenario, seed, &mut events, &mut truth, &mut |_| {})
            .expect("memory takes all");
        assert_eq!(written.events, events.iter().filter(|b| **b == b'\n').count() as u64);
        assert_eq!(written.event_bytes, events.len() as u64);
        let text = |bytes| String::from_utf8(bytes).expect("lines are UTF-8");
        Run { events: text(events), truth: text(truth), contacts: written.contacts }
    }

    fn events(&self) -> Vec<Value> {
        rows(&self.events)
    }

    fn contacts(&self) -> Vec<Value> {
        let mut contacts = rows(&self.truth);
        contacts.retain(|row| row["truth"] == "contact");
        contacts
    }
}

fn rows(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn scenario(yaml: &str) -> Scenario {
    parse(yaml, "scenario.yaml").expect("a valid scenario")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn time(value: &Value) -> i64 {
    text(value).parse::<TimeMs>().expect("a time").0
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for yaml in [QUIET, CHAINS] {
        let scenario = scenario(yaml);
        let (one, two, other) =
            (Run::of(&scenario, 7), Run::of(&scenario, 7), Run::of(&scenario, 8));
        assert!(one.events == two.events && one.truth == two.truth);
        assert!(one.events != other.events && one.truth != other.truth);
    }
}

#[test]
fn every_event_is_canonical() {
    let adapter = Adapter::canonical();
    for yaml in [QUIET, CHAINS] {
        let run = Run::of(&scenario(yaml), 3);
        for line in run.events.lines() {
            let log_time = TimeMs(i64::MAX / 4);
            let record =
                RawRecord { value: Some(line.as_bytes()), headers: &[], key: None, log_time };
            let decoded = decode(&record, &adapter, &Limits::default())
                .unwrap_or_else(|reject| panic!("{reject:?} in {line}"));
            let [Event::Contact(event)] = decoded.events.as_slice() else {
                assert!(matches!(decoded.events.as_slice(), [Event::Volume(_)]), "{line}");
                continue;
            };
            let plain: ContactEvent = serde_json::from_str(line).expect("the model's own form");
            assert_eq!(&plain, event.as_ref());
        }
    }
}

#[test]
fn there_is_one_truth_row_for_every_contact_told_of() {
    for yaml in [QUIET, CHAINS, OUTAGE] {
        let run = Run::of(&scenario(yaml), 5);
        let told: BTreeSet<String> = run
            .events()
            .iter()
            .filter(|event| event["event_type"] != "volume")
            .map(|event| text(&event["contact"]["id"]).to_owned())
            .collect();
        let contacts = run.contacts();
        let planted: BTreeSet<String> =
            contacts.iter().map(|row| text(&row["contact_id"]).to_owned()).collect();
        assert_eq!(told, planted);
        assert_eq!((contacts.len(), planted.len() as u64), (planted.len(), run.contacts));
    }
}

#[test]
fn planted_links_hold_together() {
    let run = Run::of(&scenario(CHAINS), 11);
    let contacts = run.contacts();
    let by_id: BTreeMap<&str, &Value> =
        contacts.iter().map(|row| (text(&row["contact_id"]), row)).collect();
    let mut links = 0;
    for row in contacts.iter().filter(|row| !row["previous"].is_null()) {
        links += 1;
        let previous = by_id[text(&row["previous"])];
        assert_eq!(row["customer_id"], previous["customer_id"]);
        assert_eq!(row["chain_id"], previous["chain_id"]);
        assert_eq!(row["position"].as_u64(), previous["position"].as_u64().map(|n| n + 1));
        let first = if previous["first"].is_null() { &row["previous"] } else { &previous["first"] };
        assert_eq!(&row["first"], first);
        let gap_ms = time(&row["occurred_at"]) - time(&previous["occurred_at"]);
        assert_eq!(row["gap_ms"].as_i64(), Some(gap_ms));
        assert!((1_800_000..=WEEK_MS).contains(&gap_ms), "{row}");
        let same_reason = row["true_reason"] == previous["true_reason"];
        assert_eq!(row["link"] == "same_issue", same_reason, "{row}");
        assert_eq!(row["cause"] == "adjacent_issue", !same_reason, "{row}");
    }
    assert!(links > 1_000, "{links}");
}

/// Customers are used once, so that every repeat by the definition is a planted one.
#[test]
fn nothing_repeats_by_chance_where_customers_do_not_return() {
    let contacts = Run::of(&scenario(CHAINS), 12).contacts();
    let mut by_customer: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for row in &contacts {
        if let Some(customer) = row["customer_id"].as_str()
            && row["is_duplicate"] == false
            && row["is_transfer_leg"] == false
        {
            by_customer.entry(customer).or_default().push(row);
        }
    }
    for rows in by_customer.values_mut() {
        rows.sort_by_key(|row| time(&row["occurred_at"]));
        for pair in rows.windows(2) {
            let gap_ms = time(&pair[1]["occurred_at"]) - time(&pair[0]["occurred_at"]);
            let expected = (gap_ms > 0 && gap_ms <= WEEK_MS).then(|| &pair[0]["contact_id"]);
            assert_eq!(expected.unwrap_or(&Value::Null), &pair[1]["previous"], "{}", pair[1]);
        }
    }
}

#[test]
fn the_edges_are_exact_and_all_there() {
    let contacts = Run::of(&scenario(CHAINS), 13).contacts();
    let mut gaps: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut open: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for row in contacts.iter().filter(|row| !row["edge"].is_null()) {
        let (edge, at_ms) = (text(&row["edge"]), time(&row["occurred_at"]));
        if let Some(before) = open.insert((edge, text(&row["customer_id"])), at_ms) {
            gaps.entry(edge).or_default().push(at_ms - before);
            assert_eq!(row["previous"].is_null(), edge != "window_exact", "{row}");
        }
    }
    assert_eq!(gaps["window_exact"], vec![WEEK_MS; 10]);
    assert_eq!(gaps["window_exceeded"], vec![WEEK_MS + 1; 10]);
    assert_eq!(gaps["same_instant"], vec![0; 5]);
}

#[test]
fn copies_and_legs_refer_to_what_they_belong_to() {
    let run = Run::of(&scenario(CHAINS), 14);
    let contacts = run.contacts();
    let by_id: BTreeMap<&str, &Value> =
        contacts.iter().map(|row| (text(&row["contact_id"]), row)).collect();
    let events = run.events();
    let opened: BTreeMap<&str, &Value> = events
        .iter()
        .filter(|event| event["event_type"] == "contact.opened")
        .map(|event| (text(&event["contact"]["id"]), &event["contact"]))
        .collect();
    let (mut copies, mut legs) = (0, 0);
    for row in &contacts {
        let id = text(&row["contact_id"]);
        if row["is_duplicate"] == true {
            copies += 1;
            let of = text(&row["duplicate_of"]);
            let gap_ms = time(&row["occurred_at"]) - time(&by_id[of]["occurred_at"]);
            assert!((1..=300_000).contains(&gap_ms));
            for field in ["subject", "body", "customer"] {
                assert_eq!(opened[id].get(field), opened[of].get(field));
            }
        }
        if row["is_transfer_leg"] == true {
            legs += 1;
            assert_eq!(opened[id]["links"]["initial_id"], row["leg_of"]);
            assert!(row["previous"].is_null());
        }
    }
    assert!(copies > 20 && legs > 50, "{copies} copies, {legs} legs");
}

#[test]
fn the_feed_is_disordered_and_redelivers() {
    let run = Run::of(&scenario(CHAINS), 15);
    let events = run.events();
    let out_of_order = events
        .windows(2)
        .filter(|pair| time(&pair[0]["event_time"]) > time(&pair[1]["event_time"]))
        .count();
    let ids: BTreeSet<&str> = events.iter().map(|event| text(&event["event_id"])).collect();
    assert!(out_of_order > 100, "{out_of_order}");
    assert!(events.len() - ids.len() > 100, "{} events, {} ids", events.len(), ids.len());
}

/// Counts lie within five standard deviations of the plan.
#[test]
fn counts_follow_the_plan() {
    let run = Run::of(&scenario(ORDERS), 16);
    let mut weeks = [[0.0; 6]; 2];
    let start_ms = "2026-03-02T00:00:00Z".parse::<TimeMs>().expect("a time").0;
    for event in run.events().iter().filter(|event| event["event_type"] == "volume") {
        let week = (time(&event["period_start"]) - start_ms) / WEEK_MS;
        weeks[0][week as usize] += event["count"].as_f64().expect("a count");
    }
    for row in run.contacts() {
        let first = row["previous"].is_null()
            && row["is_duplicate"] == false
            && row["is_transfer_leg"] == false;
        if first {
            weeks[1][((time(&row["occurred_at"]) - start_ms) / WEEK_MS) as usize] += 1.0;
        }
    }
    let [units, contacts] = weeks;
    let per_hour = [300.0, 300.0, 300.0, 300.0, 600.0, 600.0];
    for (week, mean) in per_hour.map(|units| units * 168.0).into_iter().enumerate() {
        // The six hours of the ramp hold back about one per cent of the fifth week.
        assert!((units[week] - mean).abs() < 0.03 * mean, "{units:?}");
        let expected = units[week] * 0.04;
        // Contacts trail orders by twelve hours: the first week of the step is short of them.
        let lag = if week == 4 { 0.08 } else { 0.02 };
        let room = 5.0 * expected.sqrt() + lag * expected;
        assert!((contacts[week] - expected).abs() < room, "{contacts:?} of {units:?}");
    }
}

#[test]
fn an_incident_adds_what_it_says_where_it_says() {
    let run = Run::of(&scenario(OUTAGE), 17);
    let truth = rows(&run.truth);
    let incident = truth.last().expect("rows");
    assert_eq!(
        (text(&incident["truth"]), text(&incident["incident_id"])),
        ("incident", "login-outage")
    );
    let contacts: Vec<&Value> = truth
        .iter()
        .filter(|row| row["incident_id"] == "login-outage" && row["truth"] == "contact")
        .collect();
    let whole = contacts
        .iter()
        .filter(|row| row["is_duplicate"] == false && row["is_transfer_leg"] == false);
    let planted = whole.count() as f64;
    let expected = incident["expected_excess"].as_f64().expect("a number");
    assert_eq!(incident["planted_contacts"].as_f64(), Some(planted));
    assert!((planted - expected).abs() < 5.0 * expected.sqrt(), "{planted} of {expected}");
    let events = run.events();
    let opened: BTreeMap<&str, &Value> = events
        .iter()
        .filter(|event| event["event_type"] == "contact.opened")
        .map(|event| (text(&event["contact"]["id"]), &event["contact"]["attributes"]))
        .collect();
    for row in contacts {
        let at_ms = time(&row["occurred_at"]);
        assert!(at_ms >= time(&incident["start"]) && at_ms < time(&incident["end"]) + 300_000);
        assert_eq!(row["true_reason"], incident["reason"]);
        let attributes = opened[text(&row["contact_id"])];
        assert_eq!(
            (&attributes["region"], &attributes["app_version"]),
            (&"north".into(), &"8.2".into())
        );
    }
}

#[test]
fn planted_personal_data_stands_in_the_text() {
    let run = Run::of(&scenario(QUIET), 18);
    let mut kinds = BTreeSet::new();
    let contacts = run.contacts();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for line in run.events.lines() {
        let event: Value = serde_json::from_str(line).expect("a line is JSON");
        if let Some(id) = event["contact"]["id"].as_str() {
            told.entry(id.to_owned()).or_default().push_str(line);
        }
    }
    for row in &contacts {
        for planted in row["pii"].as_array().expect("a list") {
            kinds.insert(text(&planted["kind"]).to_owned());
            let lines = &told[text(&row["contact_id"])];
            assert!(lines.contains(text(&planted["value"])), "{planted}");
        }
    }
    assert_eq!(kinds.len(), 3);
    let languages: BTreeSet<&str> = contacts.iter().map(|row| text(&row["language"])).collect();
    assert_eq!(languages.len(), 8);
}

#[test]
fn load_writes_the_number_and_the_size_that_is_asked_for() {
    let run = Run::of(&scenario(LOAD).with_contacts(2_000), 19);
    assert_eq!(run.contacts, 2_000);
    let events = run.events();
    let bytes = events.iter().map(|event| text(&event["contact"]["body"]).len()).sum::<usize>();
    assert!((540..=660).contains(&(bytes / events.len())), "{}", bytes / events.len());
    let reasons: BTreeSet<String> =
        run.contacts().iter().map(|row| text(&row["true_reason"]).to_owned()).collect();
    assert_eq!(reasons.len(), 40);
}

/// Reasons of the simulator are reasons of the shop's taxonomy.
#[test]
fn every_reason_is_in_the_shops_taxonomy() {
    let taxonomy = include_str!("../../../taxonomies/ecommerce.yaml");
    for row in Run::of(&scenario(LOAD).with_contacts(2_000), 20).contacts() {
        let entry = format!("- id: {}\n", text(&row["true_reason"]));
        assert!(taxonomy.contains(&entry), "{entry}");
    }
}
