use std::collections::BTreeMap;

use quell_model::fact::FactReason;
use quell_model::issue::{DimensionValue, Extent};
use quell_model::time::{DAY_MS, HOUR_MS};
use quell_model::{ContactKey, Fact, FactWords, Output, ReasonId, SystemicIssue, Verdict, Weight};

use super::leaves::{LEAVES, LeafKey, Leaves, MAX_LEAVES};
use super::words::WRITINGS;
use super::*;
use crate::state::{Scan, TREND_LEAVES, TREND_WORDS, Table, VisitRow};

/// All tables in memory.
#[derive(Default, PartialEq)]
struct Rows(BTreeMap<(Table, Vec<u8>), Vec<u8>>);

impl State for Rows {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn put(&mut self, table: Table, key: &[u8], row: Vec<u8>) {
        self.0.insert((table, key.to_vec()), row);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.0.remove(&(table, key.to_vec()));
    }

    fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError> {
        let range = (scan.table, scan.from.to_vec())..(scan.table, scan.to.to_vec());
        let mut found: Vec<_> = self.0.range(range).collect();
        if scan.descending {
            found.reverse();
        }
        for ((_, key), row) in found {
            if visit(key, row).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Rows {
    fn of(&self, table: Table) -> Vec<(&Vec<u8>, &Vec<u8>)> {
        let rows = self.0.iter().filter(|((own, _), _)| *own == table);
        rows.map(|((_, key), row)| (key, row)).collect()
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }
}

const START: TimeMs = TimeMs(1_767_571_200_000);
const DAYS: i64 = 36;

/// A rise of `app.crash` for a day, of people who share `shared` values.
fn facts(seed: u64, shared: &[(&str, &str)]) -> Vec<(ContactKey, Fact)> {
    let mut dice = Dice(seed);
    let mut facts = Vec::new();
    for hour in 0..DAYS * 24 {
        for reason in ["app.crash", "app.login", "billing.refund", "delivery.late"] {
            let rises = reason == "app.crash" && (33 * 24..34 * 24).contains(&hour);
            let usual = dice.below(4);
            for person in 0..usual + if rises { 4 } else { 0 } {
                let is_more = person >= usual;
                let mut dimensions = vec![
                    ("channel".to_owned(), format!("c{}", dice.below(3))),
                    ("os".to_owned(), format!("o{}", dice.below(5))),
                    ("version".to_owned(), format!("v{}", dice.below(8))),
                ];
                for (name, value) in dimensions.iter_mut().filter(|_| is_more) {
                    if let Some((_, given)) = shared.iter().find(|(known, _)| known == name) {
                        (*given).clone_into(value);
                    }
                }
                let id = format!("{hour}.{reason}.{person}");
                let known = (dice.below(5) > 0).then(|| hour as u64 * 100 + person);
                let fact = Fact {
                    hour: START.plus_ms(hour * HOUR_MS),
                    reasons: vec![FactReason {
                        reason: ReasonId(reason.to_owned()),
                        weight: Weight::ONE,
                        cost_micros: 1,
                    }],
                    dimensions,
                    customer: known,
                    repeats: [false; 3],
                    words: spoken(&mut dice, is_more),
                };
                facts.push((ContactKey::new("shop", None, &id), fact));
            }
        }
    }
    facts
}

/// A dozen words out of a hundred, the first ones more often; of some who are more than usual also
/// what they are there for, in one form or another.
fn spoken(dice: &mut Dice, is_more: bool) -> FactWords {
    let mut forms: Vec<String> = Vec::new();
    for _ in 0..12 {
        let word = dice.below(100) * dice.below(100) / 100;
        let form = format!(
            "{}{}",
            char::from(b'a' + (word / 10) as u8),
            "bcdfghjklm".get(word as usize % 10..).unwrap_or("")
        );
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    if is_more && dice.below(4) > 0 {
        let form = ["certificate", "certificates", "certificates"][dice.below(3) as usize];
        forms.splice(2..2, [form.to_owned(), "expired".to_owned()]);
    }
    FactWords::new("en", forms.join(" "))
}

type Change = (ContactKey, Option<Fact>, Option<Fact>);

/// The state after all changes and a mark, and the systemic issues of single reasons.
fn played(changes: impl IntoIterator<Item = Change>) -> (Rows, Vec<SystemicIssue>) {
    let mut state = Rows::default();
    let mut trend = Trend::new(Arc::new(Settings::default()), "none");
    let mut issues = BTreeMap::new();
    let mark = TrendInput::Mark(START.plus_ms(DAYS * DAY_MS));
    let facts = changes.into_iter().map(|(contact_key, before, after)| {
        TrendInput::Fact(Box::new(FactChange { contact_key, before, after }))
    });
    for input in facts.chain([mark]) {
        let mut effects = Effects::default();
        trend.step(&mut state, input, &mut effects).expect("memory");
        trend.finish(&mut state, &mut effects).expect("memory");
        assert!(!effects.unfinished);
        for output in effects.outputs {
            if let Output::Issue { issue_id, issue, .. } = output {
                issues.insert(issue_id, issue);
            }
        }
    }
    let systemic = issues.into_values().flatten().map(|issue| *issue);
    let is_asked = |issue: &SystemicIssue| issue.verdict == Verdict::Systemic && !issue.is_of_all();
    (state, systemic.filter(is_asked).collect())
}

fn added(facts: Vec<(ContactKey, Fact)>) -> Vec<Change> {
    facts.into_iter().map(|(key, fact)| (key, None, Some(fact))).collect()
}

fn value(dimension: &str, value: &str) -> DimensionValue {
    DimensionValue { dimension: dimension.to_owned(), value: value.to_owned() }
}

#[test]
fn the_values_that_carry_a_rise_together_are_its_cause() {
    let (_, issues) = played(added(facts(1, &[("os", "o2"), ("version", "v9")])));
    let [issue] = &issues[..] else { panic!("{issues:#?}") };
    assert_eq!(issue.cause.extent, Extent::Local, "{issue:#?}");
    let [cell] = &issue.cause.cells[..] else { panic!("{issue:#?}") };
    // Nobody had version v9 before, so it alone says it all; o2 is what a rival would add.
    assert!(cell.values.contains(&value("version", "v9")), "{cell:#?}");
    assert!(cell.observed >= 90 && cell.expected < 5.0, "{cell:#?}");
    assert!((0.8..1.2).contains(&cell.excess_share), "{cell:#?}");

    let (_, issues) = played(added(facts(2, &[("os", "o2"), ("version", "v7")])));
    let cause = &issues[0].cause;
    assert_eq!(cause.in_words().as_deref(), Some("os=o2 & version=v7"), "{cause:#?}");
    assert!(cause.cells[0].rival.as_ref().is_some_and(|rival| rival.behind_nats > 3.0));
    assert_eq!(cause.looked_at, 1.0);

    let (_, issues) = played(added(facts(3, &[])));
    let cause = &issues[0].cause;
    assert_eq!((cause.extent, cause.cells.len()), (Extent::Everywhere, 0), "{cause:#?}");
    assert!(cause.elsewhere_ratio > Some(2.0) && cause.elsewhere_share > 0.8, "{cause:#?}");
}

#[test]
fn neither_order_nor_corrections_show_in_the_cause() {
    let plain = added(facts(4, &[("os", "o2"), ("version", "v7")]));
    let (state_once, once) = played(plain.clone());
    assert_eq!(once[0].cause.extent, Extent::Local);
    let mut dice = Dice(9);
    let mut shuffled: Vec<Change> = Vec::new();
    for (key, _, fact) in plain.into_iter().rev() {
        if dice.below(4) == 0 {
            // First without its values and customer, then as it is, some of them thrice.
            let mut other = fact.clone();
            if let Some(fact) = &mut other {
                fact.dimensions.truncate(1);
                fact.customer = None;
                fact.words = FactWords::new("en", "other words".to_owned());
            }
            shuffled.push((key.clone(), other.clone(), fact.clone()));
            let at = dice.below(shuffled.len() as u64) as usize;
            shuffled.insert(at, (key.clone(), None, other));
            shuffled.push((key.clone(), fact.clone(), None));
        }
        shuffled.push((key, None, fact));
    }
    let (state, issues) = played(shuffled);
    assert_eq!(issues, once);
    assert!(!once[0].words.is_empty());
    // The numbers of reasons tell of the order of arrival, and nothing else does.
    let unnumbered = |state: &Rows| {
        let bare =
            |(key, row): (&Vec<u8>, &Vec<u8>)| ([&key[..6], &key[10..]].concat(), row.clone());
        let mut rows: Vec<_> = state.of(TREND_WORDS).into_iter().map(bare).collect();
        rows.sort();
        rows
    };
    assert!(unnumbered(&state) == unnumbered(&state_once));
}

#[test]
fn nothing_is_left_of_what_is_taken_out() {
    let mut changes = added(facts(5, &[]));
    let gone: Vec<Change> =
        changes.iter().map(|(key, _, fact)| (key.clone(), fact.clone(), None)).collect();
    changes.extend(gone);
    let (state, issues) = played(changes);
    assert!(issues.is_empty());
    assert_eq!(state.of(TREND_LEAVES).len() + state.of(TREND_WORDS).len(), 0);
}

#[test]
fn a_day_with_many_leaves_is_sampled_and_thinned_alike() {
    let mut state = Rows::default();
    let people = 6_000_u32;
    for person in 0..people {
        let reason = 1 + person % 2;
        let hour = START.plus_ms(i64::from(person % 24) * HOUR_MS);
        let values = [(0, 0), (1, person), (2, person % 7)];
        let key = LeafKey::new(hour, reason, &person.to_be_bytes(), &values);
        key.add(&mut state, (person % 24) as u8, 1).expect("memory");
    }
    let read = |state: &mut Rows, owner| {
        let leaves = Leaves::read(state, [START].into_iter(), owner).expect("memory");
        let people: Vec<(Vec<(u32, u32)>, u64)> = leaves
            .people((0, u64::MAX))
            .into_iter()
            .map(|(leaf, people)| (leaf.clone(), people))
            .collect();
        (leaves.part(), people)
    };
    let before: Vec<_> = [None, Some(1), Some(2)].map(|owner| read(&mut state, owner)).to_vec();
    for (part, found) in &before {
        assert!((2..=MAX_LEAVES).contains(&found.len()), "{}", found.len());
        assert!(*part <= 0.5 && found.len() as f64 > 0.25 * MAX_LEAVES as f64, "{part}");
    }
    // Those who are looked at are a fair sample.
    let (part, found) = &before[0];
    assert!((found.len() as f64 / (part * f64::from(people)) - 1.0).abs() < 0.15);
    let gone = LEAVES.thin(&mut state, START).expect("memory");
    assert!(gone > 3_000, "{gone}");
    assert!(state.of(TREND_LEAVES).len() <= 2 * MAX_LEAVES + 2);
    assert_eq!(LEAVES.thin(&mut state, START).expect("memory"), 0);
    let after: Vec<_> = [None, Some(1), Some(2)].map(|owner| read(&mut state, owner)).to_vec();
    assert_eq!(before, after);
    LEAVES.prune(&mut state, START, 10_000).expect("memory");
    assert!(!state.of(TREND_LEAVES).is_empty(), "the day before is still compared with");
    LEAVES.prune(&mut state, START.plus_ms(DAY_MS), 10_000).expect("memory");
    assert!(state.of(TREND_LEAVES).is_empty());
}

#[test]
fn the_words_of_those_who_are_more_are_told_in_their_usual_form() {
    let (_, issues) = played(added(facts(6, &[])));
    let [issue] = &issues[..] else { panic!("{issues:#?}") };
    let [phrase] = &issue.words[..] else { panic!("{:#?}", issue.words) };
    assert_eq!(phrase.word, "certificates expired");
    assert_eq!(issue.words_in_short(3), "certificates expired");
    assert!((50..90).contains(&phrase.customers) && phrase.of > phrase.customers, "{phrase:#?}");
    assert_eq!((phrase.usual_customers, phrase.expected), (0, 0.0));
    assert!(phrase.usual_of > 500 && phrase.ratio_low > 20.0, "{phrase:#?}");
    assert!((0.5..0.95).contains(&phrase.excess_share) && phrase.chance < 1e-20, "{phrase:#?}");
}

#[test]
fn erased_words_go_and_what_was_counted_stays() {
    let all = added(facts(7, &[]));
    let (state, issues) = played(all.clone());
    let erased = all.iter().step_by(3).map(|(key, _, fact)| {
        let without = fact.clone().map(|fact| Fact { words: FactWords::default(), ..fact });
        (key.clone(), fact.clone(), without)
    });
    let kept: Vec<Change> =
        all.iter().enumerate().filter(|(n, _)| n % 3 != 0).map(|(_, c)| c.clone()).collect();
    let (state_kept, _) = played(kept);
    let (state_erased, issues_erased) = played(all.clone().into_iter().chain(erased));
    assert!(state_erased.of(TREND_WORDS) == state_kept.of(TREND_WORDS));
    assert!(state_erased.of(TREND_LEAVES) == state.of(TREND_LEAVES));
    let bare = |issues: &[SystemicIssue]| -> Vec<SystemicIssue> {
        issues.iter().map(|issue| SystemicIssue { words: Vec::new(), ..issue.clone() }).collect()
    };
    assert_eq!(bare(&issues_erased), bare(&issues));
    assert!(issues_erased[0].words[0].of < issues[0].words[0].of);
}

/// People of one busy day, their words removed or changed before and after it froze.
#[test]
fn a_frozen_day_of_writings_is_a_sample_that_follows_corrections() {
    let mut trend = Trend::new(Arc::new(Settings::default()), "none");
    let fact = |person: u64, words: &str| Fact {
        hour: START.plus_ms((person % 24) as i64 * HOUR_MS),
        reasons: vec![FactReason {
            reason: "app.crash".into(),
            weight: Weight::ONE,
            cost_micros: 1,
        }],
        dimensions: Vec::new(),
        customer: Some(person.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        repeats: [false; 3],
        words: FactWords::new("en", words.to_owned()),
    };
    let key = ContactKey::new("shop", None, "any");
    let mut write = |state: &mut Rows, before: Option<Fact>, after: Option<Fact>| {
        let change = FactChange { contact_key: key.clone(), before, after };
        trend.sample_words(state, &change).expect("memory");
    };
    let read = |state: &mut Rows| {
        let (rows, part) = WRITINGS.read(state, [START].into_iter(), None).expect("memory");
        let rows: Vec<_> = rows.into_iter().map(|one| (one.key, one.row)).collect();
        (rows, part)
    };
    let people = 3_000;
    let mut state = Rows::default();
    for person in 0..people {
        write(&mut state, None, Some(fact(person, "first words")));
    }
    let (before, part) = read(&mut state);
    assert!((WRITINGS.most / 3..=WRITINGS.most).contains(&before.len()), "{}", before.len());
    assert!((before.len() as f64 / (part * people as f64) - 1.0).abs() < 0.3, "{part}");
    WRITINGS.thin(&mut state, START).expect("memory");
    assert_eq!(read(&mut state), (before.clone(), part));
    assert_eq!(state.of(TREND_WORDS).len(), before.len() + 1);
    // Whoever is in no level that was kept stays away, and who is in one can be taken out.
    let mut late = Rows::default();
    for person in 0..people {
        let after = (person % 2 == 0).then(|| fact(person, "second thoughts"));
        write(&mut state, Some(fact(person, "first words")), after.clone());
        write(&mut late, None, after);
    }
    WRITINGS.thin(&mut late, START).expect("memory");
    let (kept, _) = read(&mut state);
    let (fresh, _) = read(&mut late);
    assert!(!kept.is_empty() && kept.iter().all(|row| fresh.contains(row)));
    for person in (0..people).step_by(2) {
        write(&mut state, Some(fact(person, "second thoughts")), None);
    }
    assert_eq!(state.of(TREND_WORDS).len(), 1, "only how far the day was thinned");
}
