//! The invariants of the core that need no broker, over random events.

use std::collections::BTreeMap;

use proptest::prelude::*;

use quell_engine::CoreInput;
use quell_engine::invariants::Finals;
use quell_faults::{Cluster, Ran, Seed};
use quell_model::event::{ContactEventType, Event};
use quell_model::time::DAY_MS;
use quell_model::{Output, RepeatMode, Standing};
use quell_tests::events::{START, Space, opened_contact, stream};
use quell_tests::reference::{Expected, expected, persons};
use quell_tests::runs::{chained, contacts, settings, taxonomy, turns};

const SPACE: Space = Space { contacts: 6, customers: 3, identities: true, erasures: false };

/// A mark in the middle of the contacts: some links are mature by it, some are not.
fn mark() -> quell_model::TimeMs {
    START.plus_ms(9 * DAY_MS)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Links and duplicates are what the definition says, whatever way the contacts came to be.
    #[test]
    fn links_are_what_the_definition_says(seed: u64, count in 1_usize..60) {
        let events = stream(seed, count, SPACE);
        let contacts = contacts(&chained(&events, &[7], mark()));
        let expected = expected(&contacts, &persons(&events), &settings());
        for contact in &contacts {
            let mut found = Expected {
                duplicate: contact.standing == Standing::Duplicate,
                ..Expected::default()
            };
            for mode in RepeatMode::ALL {
                found.links[mode as usize] = contact.repeat.get(mode).map(|link| {
                    (link.previous.clone(), link.first.clone(), link.position, link.gap_s.0)
                });
            }
            let id = &contact.contact_id;
            prop_assert_eq!(Some(&found), expected.get(id), "{}", id);
        }
    }

    /// 2: any split of the input into batches gives the same result.
    #[test]
    fn batches_do_not_show(
        seed: u64,
        count in 1_usize..60,
        sizes in prop::collection::vec(1_usize..9, 1..5),
    ) {
        let events = stream(seed, count, SPACE);
        let one_by_one = chained(&events, &[1], mark());
        let in_batches = chained(&events, &sizes, mark());
        prop_assert_eq!(first_difference(&one_by_one.values(), &in_batches.values()), None);
    }

    /// 5: reports = links; contacts = sum over reasons of weights; cost likewise.
    #[test]
    fn sums_conserve(seed: u64, count in 1_usize..80) {
        let events = stream(seed, count, SPACE);
        prop_assert_eq!(chained(&events, &[5], mark()).check_sums(), Ok(()));
    }

    /// 7: any number and assignment of partitions gives the same result.
    #[test]
    fn partitions_do_not_show(
        seed: u64,
        count in 1_usize..60,
        tags in 1_usize..5,
        links in 1_usize..5,
    ) {
        let events = stream(seed, count, SPACE);
        let (whole, apart) = whole_and_apart(&events, (tags, links), seed);
        prop_assert_eq!(first_difference(&whole.values(), &apart.finals.values()), None);
        // Of the contacts, the last in the topic is the one that holds.
        prop_assert_eq!(contacts(&apart.compacted), contacts(&apart.finals));
    }

    /// 8: shuffled and duplicated input gives the same result.
    #[test]
    fn order_and_redelivery_do_not_show(seed: u64, count in 1_usize..60) {
        let events = stream(seed, count, SPACE);
        let mut mixed = events.clone();
        mixed.extend(events.iter().step_by(3).cloned());
        Seed::new(seed ^ 1).shuffle(&mut mixed);
        let whole = chained(&events, &[10], mark()).values();
        let shuffled = chained(&mixed, &[10], mark()).values();
        prop_assert_eq!(first_difference(&whole, &shuffled), None);
    }

    /// 10: nothing of an erased contact is left, in whatever order its events come; no other
    /// contact names it.
    #[test]
    fn erased_contacts_are_gone(seed: u64, count in 1_usize..60) {
        let space = Space { erasures: true, ..SPACE };
        let mut events = stream(seed, count, space);
        let erased: Vec<String> = events.iter().filter_map(erased_id).collect();
        let first = without_counts(&chained(&events, &[10], mark()).values());
        for key in first.values() {
            let text = format!("{key:?}");
            for id in &erased {
                prop_assert!(!text.contains(&format!("shop//{id}\"")), "{id} in {text}");
            }
        }
        Seed::new(seed ^ 2).shuffle(&mut events);
        prop_assert_eq!(first, without_counts(&chained(&events, &[10], mark()).values()));
    }
}

fn whole_and_apart(events: &[Event], partitions: (usize, usize), seed: u64) -> (Finals, Ran) {
    let whole = chained(events, &[10], mark());
    let cluster = Cluster::new(&settings(), &taxonomy(), partitions, seed);
    (whole, cluster.run(events, mark()).expect("memory can be read"))
}

/// 7: streams that a partition once showed in.
#[test]
fn partitions_do_not_show_any_more() {
    for (seed, count, partitions) in [
        // Deleted with one customer, alive again with another.
        (8_111_897_006_981_703_251, 15, (1, 3)),
        // An older state takes the longer way through two declared identities.
        (7_705_995_128_236_764_581, 31, (3, 2)),
    ] {
        let events = stream(seed, count, SPACE);
        let (whole, apart) = whole_and_apart(&events, partitions, seed);
        assert_eq!(first_difference(&whole.values(), &apart.finals.values()), None);
        assert_eq!(contacts(&apart.compacted), contacts(&apart.finals), "seed {seed}");
    }
}

/// A restarted source marks from further back than it did before. What was said of the time
/// between must not be taken back: here an issue that is over would be open again.
#[test]
fn an_older_mark_changes_nothing() {
    let contact = |minute: i64, reason: &str| {
        let at = START.plus_ms(minute * 60_000);
        let id = format!("{reason}-{minute}");
        CoreInput::Event(opened_contact(&id, &format!("customer {id}"), at, reason))
    };
    let day = |day: i64| day * 24 * 60;
    let quiet = (0..day(34)).step_by(240).flat_map(|minute| {
        ["billing.refund", "orders.cancel"].map(|reason| contact(minute, reason))
    });
    // One every five minutes, for five hours.
    let more = (1..60).map(|n| contact(day(30) + n * 5, "billing.refund"));
    let rise: Vec<CoreInput> = quiet.chain(more).collect();
    let over = CoreInput::Mark(START.plus_ms(34 * DAY_MS));
    let late = contact(day(30) + 7, "billing.refund");
    let older = CoreInput::Mark(START.plus_ms(31 * DAY_MS));
    let turns = turns(vec![rise, vec![over.clone()], vec![late, older], vec![over]]);
    let issues = |outputs: &[Output]| -> Vec<(bool, u64)> {
        let issue = |output: &Output| match output {
            Output::Issue { issue: Some(issue), .. } if issue.reason.0 == "billing.refund" => {
                Some((issue.closed_at.is_some(), issue.customers))
            }
            _ => None,
        };
        outputs.iter().filter_map(issue).collect()
    };
    let [(true, customers)] = issues(&turns[1])[..] else { panic!("{:?}", issues(&turns[1])) };
    assert!((59..70).contains(&customers), "{customers}");
    assert_eq!(issues(&turns[2]), []);
    assert_eq!(issues(&turns[3]), [(true, customers + 1)]);
}

fn erased_id(event: &Event) -> Option<String> {
    match event {
        Event::Contact(event) if event.event_type == quell_model::ContactEventType::Erased => {
            Some(event.contact.id.clone())
        }
        _ => None,
    }
}

type Values = BTreeMap<(&'static str, String), Output>;

/// The first id whose values differ, with both: short enough to read.
fn first_difference(one: &Values, other: &Values) -> Option<(String, String, String)> {
    let ids = one.keys().chain(other.keys());
    let id = ids.filter(|id| one.get(id) != other.get(id)).min()?;
    let shown = |values: &Values| format!("{:?}", values.get(id));
    Some((format!("{id:?}"), shown(one), shown(other)))
}

/// Aggregates stay after an erasure, so they hold what was counted before it came.
fn without_counts(values: &Values) -> Values {
    let kept = values.iter().filter(|((topic, _), _)| *topic == "contacts" || *topic == "repeats");
    kept.map(|(id, output)| (id.clone(), output.clone())).collect()
}

/// 7: the removal by the owner that a contact was deleted with may come late, when it lives again
/// with another one.
#[test]
fn a_contact_deleted_here_and_revived_elsewhere_stays() {
    let later = |event: Event, seconds: i64, kind: ContactEventType| match event {
        Event::Contact(mut contact) => {
            contact.event_time = START.plus_ms(seconds * 1_000);
            contact.event_type = kind;
            Event::Contact(contact)
        }
        other => other,
    };
    let here = opened_contact("k0", "c0", START, "area.r0");
    let there = opened_contact("k0", "c1", START, "area.r0");
    let events = [
        here.clone(),
        later(here, 1, ContactEventType::Deleted),
        later(there, 2, ContactEventType::Opened),
    ];
    for seed in 0..200 {
        let cluster = Cluster::new(&settings(), &taxonomy(), (1, 4), seed);
        let apart = cluster.run(&events, mark()).expect("memory can be read");
        let stays = contacts(&apart.compacted);
        assert_eq!(stays.len(), 1, "seed {seed}");
        assert_eq!(stays, contacts(&apart.finals), "seed {seed}");
    }
}
