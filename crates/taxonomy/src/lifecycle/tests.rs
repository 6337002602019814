//! What a change of taxonomy promises, shown on a small shop.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use quell_model::reason::Confidence;
use quell_model::{ContactKey, DecidedBy, ReasonId, ReasonTag, UNCLASSIFIED, Weight};

use super::*;
use crate::{TagInput, TagSettings, Taxonomy};

fn shop(reasons: &str) -> Taxonomy {
    let yaml = format!(
        "version: 1\nid: shop\nareas:\n  a: {{name: {{en: A}}}}\n  b: {{name: {{en: B}}}}\n\
         reasons:\n{reasons}"
    );
    Taxonomy::parse(&yaml, "shop.yaml").expect("a taxonomy")
}

fn reason(id: &str, name: &str, phrase: &str) -> String {
    format!("  - {{id: {id}, name: {{en: {name}}}, owner: o, any: {{en: [\"{phrase}\"]}}}}\n")
}

fn id(text: &str) -> ReasonId {
    ReasonId::from(text)
}

fn ids(all: &[&str]) -> Vec<ReasonId> {
    all.iter().map(|text| id(text)).collect()
}

fn declared(pairs: &[(&str, &str)]) -> Replaces {
    let mut replaces = Replaces::none();
    pairs.iter().for_each(|(new, old)| replaces.declare(id(new), id(old)));
    replaces
}

/// A shop before and after: delivery is split, two kinds of refund are one, the rest moves.
fn before_and_after() -> (Taxonomy, Taxonomy, Replaces) {
    let old = shop(
        &[
            reason("a.delivery", "Delivery", "parcel"),
            reason("a.refund_card", "Card refund", "card refund"),
            reason("a.refund_cash", "Cash refund", "cash refund"),
            reason("a.login", "Login", "password"),
            reason("a.fax", "Fax", "fax"),
            reason("a.size", "Size", "too small"),
        ]
        .concat(),
    );
    let new = shop(
        &[
            reason("a.delivery", "Delivery", "parcel"),
            reason("a.delivery_late", "Late", "late parcel"),
            reason("a.refund", "Refund", "refund"),
            reason("b.login", "Login", "password"),
            reason("a.size", "Wrong size", "too ~2 small"),
            reason("b.new", "New", "hologram"),
        ]
        .concat(),
    );
    let replaces = declared(&[
        ("a.delivery_late", "a.delivery"),
        ("a.refund", "a.refund_card"),
        ("a.refund", "a.refund_cash"),
        ("b.login", "a.login"),
    ]);
    (old, new, replaces)
}

#[test]
fn every_kind_of_change_is_told_once() {
    let (old, new, replaces) = before_and_after();
    let names = |name: &str| BTreeMap::from([("en".to_owned(), name.to_owned())]);
    let found = changes(&old, &new, &replaces).expect("declared rightly");
    let expected = [
        Change::Split { from: id("a.delivery"), into: ids(&["a.delivery", "a.delivery_late"]) },
        Change::Removed { id: id("a.fax") },
        Change::Moved { from: id("a.login"), to: id("b.login") },
        Change::Renamed { id: id("a.size"), old: names("Size"), new: names("Wrong size") },
        Change::Redefined { id: id("a.size"), parts: vec![Part::Rule] },
        Change::Merged { from: ids(&["a.refund_card", "a.refund_cash"]), into: id("a.refund") },
        Change::Added { id: id("b.new") },
    ];
    assert_eq!(found, expected);
    assert_eq!(changes(&old, &old, &Replaces::none()), Ok(Vec::new()));
}

#[test]
fn without_a_declaration_a_move_is_a_removal_and_an_addition() {
    let (old, new, _) = before_and_after();
    let found = changes(&old, &new, &Replaces::none()).expect("nothing declared");
    assert!(found.contains(&Change::Removed { id: id("a.login") }));
    assert!(found.contains(&Change::Added { id: id("b.login") }));
}

#[test]
fn declarations_of_what_is_not_there_are_refused() {
    let (old, new, _) = before_and_after();
    let wrong = declared(&[("b.nowhere", "a.login"), ("b.new", "a.never")]);
    let expected =
        vec![Undeclarable::NotInNew(id("b.nowhere")), Undeclarable::NotInOld(id("a.never"))];
    assert_eq!(changes(&old, &new, &wrong), Err(expected.clone()));
    let restated = Restatement::of(&old, &new, &wrong, &Confusion::new());
    assert_eq!(restated, Err(expected));
}

#[test]
fn a_file_declares_what_it_replaces_and_each_version_only_what_is_new() {
    let takes = |id: &str, olds: &str| {
        format!("  - {{id: {id}, name: {{en: N}}, owner: o, replaces: [{olds}]}}\n")
    };
    let first = shop(&[reason("a.one", "One", "one"), reason("a.two", "Two", "two")].concat());
    let merged = shop(&takes("b.both", "a.one, a.two"));
    let (replaces, problems) = Replaces::between(&first, &merged);
    assert_eq!(
        (&replaces, problems),
        (&declared(&[("b.both", "a.one"), ("b.both", "a.two")]), vec![])
    );
    let found = changes(&first, &merged, &replaces).expect("they are there");
    assert_eq!(found, [Change::Merged { from: ids(&["a.one", "a.two"]), into: id("b.both") }]);

    // The next version keeps the line and splits what came of it.
    let split = [takes("b.both", "a.one, a.two"), takes("b.new", "b.both, a.three")].concat();
    let (replaces, problems) = Replaces::between(&merged, &shop(&split));
    assert_eq!(replaces, declared(&[("b.new", "b.both")]));
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected = format!(
        "shop.yaml:8:5: error: `b.new` replaces `a.three`, which {} does not have (correct the id, \
         or compare with the version that had it)",
        merged.version()
    );
    assert_eq!(said, [expected]);
}

/// The shop's texts: 40 parcels of which 10 are late, 5 refunds, one hologram, one fax.
fn measured(old: &Taxonomy, new: &Taxonomy) -> Confusion {
    let (old, new) = (Arc::new(old.clone()), Arc::new(new.clone()));
    let mut comparison = Comparison::new(old, new, &TagSettings::default());
    let texts = (0..47).map(|n| match n {
        0..10 => "where is my late parcel",
        10..40 => "my parcel is blue",
        40..45 => "the cash refund please",
        45 => "the hologram flickers",
        _ => "your fax number",
    });
    for (n, text) in texts.enumerate() {
        let key = ContactKey::new("shop", None, &n.to_string());
        let input = TagInput { language_hint: Some("en"), body: Some(text), ..TagInput::default() };
        comparison.add(&key, &input);
    }
    comparison.finish()
}

#[test]
fn what_would_move_is_counted_and_shown() {
    let (old, new, replaces) = before_and_after();
    let confusion = measured(&old, &new);
    assert_eq!(confusion.contacts(), 47);
    let moved = confusion.moved();
    let flow = moved.iter().find(|flow| flow.from == id("a.refund_cash")).expect("the merger");
    assert_eq!((&flow.to, flow.contacts, flow.weight_micros), (&id("a.refund"), 5, 5_000_000));
    assert_eq!(flow.exemplars.len(), 5);
    let restatement = Restatement::of(&old, &new, &replaces, &confusion).expect("declared");
    let unexpected = restatement.unexpected(&confusion);
    let pairs: Vec<(&str, &str)> =
        unexpected.iter().map(|flow| (flow.from.as_str(), flow.to.as_str())).collect();
    assert_eq!(pairs, [(UNCLASSIFIED, "b.new"), ("a.fax", UNCLASSIFIED)]);
}

#[test]
fn history_as_it_was_stands_beside_history_restated() {
    let (old, new, replaces) = before_and_after();
    let confusion = measured(&old, &new);
    let restatement = Restatement::of(&old, &new, &replaces, &confusion).expect("declared");
    let amounts = [
        ("a.delivery", 1_000),
        ("a.refund_card", 7),
        ("a.refund_cash", 5),
        ("a.login", 3),
        ("a.fax", 2),
        (UNCLASSIFIED, 9),
    ];
    let amounts = amounts.into_iter().map(|(reason, amount)| (id(reason), amount)).collect();
    let history = restatement.restate(&amounts);
    let row = |reason: &str| {
        let row = history.rows.iter().find(|row| row.reason == id(reason)).expect(reason);
        (row.as_it_was, row.restated, row.not_restated)
    };
    assert_eq!(row("a.refund"), (0, 12, 0));
    assert_eq!(row("a.refund_cash"), (5, 0, 0));
    assert_eq!(row("b.login"), (0, 3, 0));
    assert_eq!(row("a.fax"), (2, 0, 2));
    assert_eq!(row(UNCLASSIFIED), (9, 9, 0));
    // A late parcel keeps half its weight with the delivery it also is: 10 of 40 contacts, half.
    assert_eq!((row("a.delivery").1, row("a.delivery_late").1), (875, 125));
}

#[test]
fn a_split_that_nobody_measured_is_not_guessed() {
    let (old, new, replaces) = before_and_after();
    let restatement = Restatement::of(&old, &new, &replaces, &Confusion::new()).expect("declared");
    let both = ids(&["a.delivery", "a.delivery_late"]);
    assert_eq!(restatement.successors(&id("a.delivery")), Successors::Undivided(both));
    let history = restatement.restate(&BTreeMap::from([(id("a.delivery"), 10)]));
    assert_eq!(history.rows.len(), 1);
    assert_eq!((history.rows[0].restated, history.rows[0].not_restated), (0, 10));
}

#[test]
fn a_cause_that_is_gone_counts_with_its_reason() {
    let old = shop(&[reason("a.x", "X", "x1"), reason("a.x.why", "Why", "x2")].concat());
    let new = shop(&reason("b.x", "X", "x1"));
    let replaces = declared(&[("b.x", "a.x")]);
    let restatement = Restatement::of(&old, &new, &replaces, &Confusion::new()).expect("declared");
    assert_eq!(restatement.successors(&id("a.x.why")), Successors::One(id("b.x")));
    let undeclared = Restatement::of(&old, &new, &Replaces::none(), &Confusion::new());
    assert_eq!(undeclared.expect("none").successors(&id("a.x.why")), Successors::None);
}

fn tags(scores: &[(usize, u32)]) -> Vec<ReasonTag> {
    let weights = Weight::split(&scores.iter().map(|(_, score)| *score).collect::<Vec<_>>());
    let tag = |((number, _), weight): (&(usize, u32), Weight)| ReasonTag {
        reason: ReasonId(format!("a.r{number}")),
        weight,
        decided_by: DecidedBy::Rule,
        confidence: Confidence(900),
        evidence: Vec::new(),
    };
    scores.iter().zip(weights).map(tag).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn flows_conserve_contacts_whatever_their_order(
        contacts in prop::collection::vec(
            (prop::collection::vec((0usize..4, 0u32..5), 0..4),
             prop::collection::vec((0usize..4, 0u32..5), 0..4)),
            0..30,
        ),
    ) {
        let (mut straight, mut back) = (Confusion::new(), Confusion::new());
        let key = |n: usize| ContactKey::new("t", None, &n.to_string());
        for (n, (old, new)) in contacts.iter().enumerate() {
            straight.add(&key(n), &tags(old), &tags(new));
        }
        for (n, (old, new)) in contacts.iter().enumerate().rev() {
            back.add(&key(n), &tags(old), &tags(new));
        }
        prop_assert_eq!(&straight, &back);
        let flows = straight.flows();
        let sum: u64 = flows.iter().map(|flow| flow.weight_micros).sum();
        prop_assert_eq!(sum, contacts.len() as u64 * 1_000_000);
        // What leaves each old reason is what its tags gave it.
        for number in 0..4 {
            let reason = ReasonId(format!("a.r{number}"));
            let out = flows.iter().filter(|flow| flow.from == reason);
            let out: u64 = out.map(|flow| flow.weight_micros).sum();
            let given = contacts.iter().flat_map(|(old, _)| tags(old));
            let given = given.filter(|tag| tag.reason == reason);
            prop_assert_eq!(out, given.map(|tag| u64::from(tag.weight.0)).sum::<u64>());
        }
    }

    #[test]
    fn restated_amounts_sum_to_what_was(amounts in prop::collection::vec(0u64..1 << 40, 7)) {
        let (old, new, replaces) = before_and_after();
        let confusion = measured(&old, &new);
        let reasons = old.reasons().iter().map(|reason| reason.id.clone());
        let reasons = reasons.chain([id(UNCLASSIFIED)]);
        let amounts: BTreeMap<ReasonId, u64> = reasons.zip(amounts).collect();
        for confusion in [confusion, Confusion::new()] {
            let restatement =
                Restatement::of(&old, &new, &replaces, &confusion).expect("declared");
            let rows = restatement.restate(&amounts).rows;
            let was: u64 = rows.iter().map(|row| row.as_it_was).sum();
            let is: u64 = rows.iter().map(|row| row.restated + row.not_restated).sum();
            prop_assert_eq!(was, is);
            prop_assert_eq!(was, amounts.values().sum::<u64>());
        }
    }
}
