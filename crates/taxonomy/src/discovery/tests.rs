//! What discovery promises, shown on a small help desk.

mod joined;
mod listed;
mod watched;

use proptest::prelude::*;
use quell_model::time::{DAY_MS, HOUR_MS};
use quell_model::{ContactKey, ReasonId, TimeMs};
use quell_text::{Analyzer, Language};

use super::*;
use crate::Taxonomy;
use crate::problem::Severity;

const START: i64 = 1_700_000_000_000;

/// A contact as a test writes it.
#[derive(Clone, Debug)]
struct Told {
    id: String,
    customer: u64,
    at_ms: i64,
    language: Language,
    text: String,
    unfit: bool,
}

fn told(number: usize, text: &str) -> Told {
    Told {
        id: format!("c{number:05}"),
        customer: 7_919 * (number as u64 + 1),
        at_ms: START + number as i64 * HOUR_MS,
        language: Language::EN,
        text: text.to_owned(),
        unfit: true,
    }
}

/// Everyday contacts of a shop; each text has a few words of many.
fn everyday(number: usize) -> String {
    let nouns = ["parcel", "invoice", "account", "voucher", "size", "colour", "address", "return"];
    let verbs = ["change", "find", "send", "check", "cancel", "update", "lose", "order"];
    let whens = ["monday", "yesterday", "online", "quickly", "twice", "abroad", "tomorrow"];
    let (a, b, c) = (nouns[number % 8], verbs[number / 8 % 8], whens[number / 3 % 7]);
    format!("how to {b} my {a} {c} reference{}", number % 97)
}

/// A month of a shop in which a theme of freezers that buzz comes up after 200 contacts.
fn shop() -> Vec<Told> {
    let themes = [
        "the new freezer makes a loud buzzing noise at night",
        "freezer buzzing since delivery, the noise is loud",
        "loud buzzing from our freezer",
        "noise! the freezer keeps buzzing",
    ];
    (0..500)
        .map(|number| match number {
            200.. if number % 12 == 0 => told(number, themes[number / 12 % 4]),
            _ => Told { unfit: number % 3 == 0, ..told(number, &everyday(number)) },
        })
        .collect()
}

fn feed(discovery: &mut Discovery, contacts: &[Told]) -> Vec<Placed> {
    let (mut analyzer, mut terms, mut placed) = (Analyzer::new(), Terms::new(), Vec::new());
    let reason = ReasonId::from("shop.order");
    for one in contacts {
        terms.clear();
        terms.add(&one.text, &analyzer.analyze(one.language, &one.text));
        placed.extend(discovery.observe(&Observation {
            contact: &ContactKey::new("desk", None, &one.id),
            customer: one.customer,
            time: TimeMs(one.at_ms),
            language: one.language,
            terms: &terms,
            reason: (!one.unfit).then_some(&reason),
        }));
    }
    placed
}

fn after(contacts: &[Told]) -> (Discovery, Vec<Candidate>) {
    let mut discovery = Discovery::new(DiscoverySettings::default());
    feed(&mut discovery, contacts);
    discovery.settle();
    let now = contacts.iter().map(|one| one.at_ms).max().unwrap_or(START);
    let found = discovery.candidates(TimeMs(now));
    (discovery, found)
}

fn freezer(found: &[Candidate]) -> &Candidate {
    let about = |candidate: &&Candidate| candidate.name.contains("freezer");
    let all: Vec<&Candidate> = found.iter().filter(about).collect();
    assert_eq!(all.len(), 1, "one theme, one candidate: {found:#?}");
    all[0]
}

#[test]
fn a_theme_is_found_named_and_counted() {
    let (_, found) = after(&shop());
    let candidate = freezer(&found);
    for word in ["buzzing", "noise", "loud"] {
        assert!(candidate.name.contains(word), "{}", candidate.name);
    }
    assert_eq!(candidate.customers, 25, "{candidate:#?}");
    assert_eq!(candidate.languages, [(Language::EN, 25)]);
    assert!(candidate.exemplars.iter().all(|exemplar| exemplar.nats > 3.0));
    assert!(candidate.evidence_nats > 25.0);
    assert_eq!(found.len(), 1, "what is asked every day is no theme: {found:#?}");
}

#[test]
fn growth_tells_a_theme_that_rises_from_one_that_fades() {
    let contacts = shop();
    let rising = after(&contacts[..280]).1;
    assert!(freezer(&rising).growth() > 3.0);
    let last = contacts[499].at_ms;
    let (discovery, _) = after(&contacts);
    let later = discovery.candidates(TimeMs(last + 7 * DAY_MS));
    assert!(freezer(&later).growth() < 0.5, "{later:#?}");
    assert!(discovery.candidates(TimeMs(last + 60 * DAY_MS)).is_empty());
}

#[test]
fn the_same_contacts_give_the_same_bytes() {
    let contacts = shop();
    assert_eq!(after(&contacts).0.to_bytes(), after(&contacts).0.to_bytes());
}

#[test]
fn the_order_of_contacts_of_one_time_does_not_show() {
    let mut contacts = shop();
    for one in &mut contacts {
        one.at_ms = one.at_ms.div_euclid(DAY_MS) * DAY_MS;
    }
    let (straight, found) = after(&contacts);
    for day in contacts.chunk_by_mut(|a, b| a.at_ms == b.at_ms) {
        day.reverse();
    }
    assert_eq!(after(&contacts).0.to_bytes(), straight.to_bytes());
    freezer(&found);
}

#[test]
fn what_waits_for_its_time_to_pass_is_in_the_bytes_too() {
    let contacts = shop();
    let (mut whole, mut halves) = (
        Discovery::new(DiscoverySettings::default()),
        Discovery::new(DiscoverySettings::default()),
    );
    let mut placed = feed(&mut halves, &contacts[..277]);
    let mut restored = Discovery::from_bytes(&halves.to_bytes()).expect("bytes of its own");
    placed.extend(feed(&mut restored, &contacts[277..]));
    assert_eq!(feed(&mut whole, &contacts), placed);
    assert_eq!(whole.to_bytes(), restored.to_bytes());
}

#[test]
fn an_id_stays_while_its_candidate_grows_and_is_renamed() {
    let contacts = shop();
    let young = freezer(&after(&contacts[..280]).1).clone();
    let mut more = contacts.clone();
    more.extend((500..560).map(|number| told(number, "freezer door alarm beeps, buzzing")));
    let (_, found) = after(&more);
    let old = freezer(&found);
    assert_eq!(old.id, young.id);
    assert_eq!(old.id.to_string().parse(), Ok(old.id));
    assert_eq!("candidate_+123456789abcdef".parse::<CandidateId>(), Err(InvalidId));
    assert_ne!(old.name, young.name, "another name for what is said now");
    assert!(old.customers > young.customers);
}

#[test]
fn one_customer_makes_no_candidate_however_often_he_writes() {
    let mut contacts = shop();
    contacts.retain(|one| !one.text.contains("freezer"));
    let spam = (0..300).map(|number| Told {
        customer: 5,
        id: format!("s{number}"),
        ..told(number + 100, "cheap watches golden replica casino")
    });
    contacts.extend(spam);
    contacts.sort_by_key(|one| one.at_ms);
    assert!(after(&contacts).1.is_empty());
}

#[test]
fn a_dismissed_candidate_does_not_come_back() {
    let contacts = shop();
    let (mut discovery, found) = after(&contacts[..400]);
    let id = freezer(&found).id;
    assert!(discovery.dismiss(id));
    assert!(!discovery.dismiss(CandidateId(id.0 ^ 1)));
    feed(&mut discovery, &contacts[400..]);
    assert!(discovery.candidates(TimeMs(contacts[499].at_ms)).is_empty());
    let restored = Discovery::from_bytes(&discovery.to_bytes()).expect("its own");
    assert!(restored.candidates(TimeMs(contacts[499].at_ms)).is_empty());
}

#[test]
fn memory_is_bounded_under_a_flood_of_texts_never_seen_before() {
    let settings = DiscoverySettings {
        most_groups: 50,
        most_background_words: 500,
        ..DiscoverySettings::default()
    };
    let mut discovery = Discovery::new(settings);
    let flood = |range: std::ops::Range<usize>| -> Vec<Told> {
        let text = |n: usize| (0..20).map(|k| format!("w{n}x{k} ")).collect::<String>();
        let one = |n: usize| Told { unfit: n.is_multiple_of(2), ..told(n, &text(n)) };
        range.map(one).collect()
    };
    feed(&mut discovery, &flood(0..1_000));
    let bytes = discovery.to_bytes().len();
    feed(&mut discovery, &flood(1_000..3_000));
    assert!(discovery.to_bytes().len() < bytes * 11 / 10, "{bytes} grew");
    assert!(discovery.groups.len() <= 50 && discovery.inner.len() <= 50);
    // Customers, days and merged groups of one theme are bounded too.
    let theme = |n: usize| match n % 8 {
        0 => told(n, "freezer makes buzzing noise"),
        _ => Told { unfit: false, ..told(n, &everyday(n)) },
    };
    feed(&mut discovery, &(3_000..8_000).map(theme).collect::<Vec<_>>());
    assert!(discovery.to_bytes().len() < bytes * 13 / 10);
    let found = discovery.candidates(TimeMs(START + 8_000 * HOUR_MS));
    assert!(freezer(&found).exemplars.len() <= cluster::MOST_EXEMPLARS);
}

#[test]
fn themes_are_found_in_several_languages_and_scripts() {
    let themes = [
        (Language::HU, "a fagyasztó hangosan zúg éjszaka", "zúg"),
        (Language::RU, "морозильник громко гудит ночью", "гудит"),
        (Language::ZH, "新买的冰箱夜里嗡嗡响", "嗡嗡"),
        (Language::HY, "սառնարանը գիշերը բարձր աղմկում է", "աղմկում"),
    ];
    let everyday_of = |language: Language, n: usize| match language {
        Language::HU => format!("hol van a {} számlám{n}", ["csomag", "rendelés"][n % 2]),
        Language::RU => format!("где мой {} номер{n}", ["заказ", "пакет"][n % 2]),
        Language::ZH => format!("{}在哪里{}", ["订单", "包裹"][n % 2], ["请问", "谢谢"][n / 2 % 2]),
        _ => format!("որտեղ է իմ {} համար{n}", ["պատվերը", "ծանրոցը"][n % 2]),
    };
    let mut contacts = Vec::new();
    for number in 0..800 {
        let (language, theme, _) = themes[number % 4];
        let is_theme = number / 4 % 10 == 9;
        let text = if is_theme { theme.to_owned() } else { everyday_of(language, number) };
        contacts.push(Told { language, unfit: is_theme, ..told(number, &text) });
    }
    let (_, found) = after(&contacts);
    assert_eq!(found.len(), 4, "{found:#?}");
    for (language, _, word) in themes {
        let of = |candidate: &&Candidate| candidate.languages[0].0 == language;
        let candidate = found.iter().find(of).expect("one for each language");
        assert!(candidate.name.contains(word), "{}", candidate.name);
    }
}

#[test]
fn contacts_of_any_age_are_counted_without_harm() {
    let mut contacts = shop();
    for (n, at_ms) in [(3, i64::MIN), (5, i64::MAX), (9, 0), (11, i64::MAX - 1)] {
        contacts[n].at_ms = at_ms;
    }
    let (discovery, _) = after(&contacts);
    assert!(Discovery::from_bytes(&discovery.to_bytes()).is_ok(), "every count is finite");
}

/// A taxonomy file with one reason.
fn file_with(fragment: &Fragment) -> String {
    format!(
        "version: 1\nid: shop\nareas:\n  product: {{name: {{en: Product}}}}\nreasons:\n{}",
        fragment.yaml
    )
}

fn errors(yaml: &str) -> Vec<String> {
    match Taxonomy::parse(yaml, "draft.yaml") {
        Ok(taxonomy) => {
            let all = taxonomy.check().into_iter();
            all.filter(|p| p.severity == Severity::Error).map(|p| p.to_string()).collect()
        }
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn an_accepted_candidate_becomes_a_reason_that_passes_its_own_tests() {
    let contacts = shop();
    let (_, found) = after(&contacts);
    let is_theme = |one: &&Told| one.text.contains("freezer");
    let sample = |one: &'static Told| Sample { text: &one.text, language: one.language };
    let contacts: &'static [Told] = Box::leak(contacts.into_boxed_slice());
    let own: Vec<Sample<'_>> = contacts.iter().filter(is_theme).map(sample).collect();
    let others: Vec<Sample<'_>> =
        contacts.iter().filter(|one| !is_theme(one)).map(sample).collect();
    let id = ReasonId::from("product.buzzing_freezer");
    let acceptance = Acceptance { id: &id, name: None, owner: "quality" };
    let fragment = freezer(&found).fragment(&acceptance, &own, &others).expect("a rule");
    assert_eq!((fragment.hit, fragment.strays), (own.len(), 0), "{}", fragment.yaml);
    assert_eq!(errors(&file_with(&fragment)), Vec::<String>::new(), "{}", fragment.yaml);
    assert!(fragment.yaml.contains("match:"));
    let nothing = Sample { text: "an order", language: Language::EN };
    assert_eq!(freezer(&found).fragment(&acceptance, &[nothing], &others), None);
}

#[test]
fn texts_and_names_are_quoted_so_that_yaml_reads_them_back() {
    let (_, found) = after(&shop());
    let text = "loud \"buzzing\" \\ freezer: #noise\n\t- {a: [b]} \u{2028} 'x' \u{85} % @ & *";
    let own = [Sample { text, language: Language::EN }; 2];
    let id = ReasonId::from("product.freezer");
    let acceptance = Acceptance { id: &id, name: Some("no: \"a\" \\ b"), owner: "- x: {" };
    let fragment = freezer(&found).fragment(&acceptance, &own, &[]).expect("a rule");
    let taxonomy = Taxonomy::parse(&file_with(&fragment), "draft.yaml").expect(&fragment.yaml);
    let reason = &taxonomy.reasons()[0];
    assert_eq!((reason.name("en"), reason.owner.as_str()), ("no: \"a\" \\ b", "- x: {"));
    assert_eq!(reason.examples[0].text, text);
}

#[test]
fn bytes_that_are_no_state_are_refused() {
    let bytes = after(&shop()).0.to_bytes();
    assert_eq!(Discovery::from_bytes(&[]).err(), Some(StateError::Empty));
    let cut = Discovery::from_bytes(&bytes[..bytes.len() - 1]);
    assert_eq!(cut.err(), Some(StateError::Damaged));
    let mut other = bytes.clone();
    other[0] = 9;
    assert_eq!(Discovery::from_bytes(&other).err(), Some(StateError::Format { found: 9 }));
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(Discovery::from_bytes(&longer).err(), Some(StateError::Damaged));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_stream_is_taken_and_restored(
        rows in prop::collection::vec(
            (
                "[a-d]{1,2}( [a-d]{1,2}){0,6}|\\PC{0,40}",
                any::<i64>(),
                0u64..6,
                any::<bool>(),
                0..4usize,
            ),
            0..60,
        ),
        half_life_ms in any::<i64>(),
        most_groups in 0usize..6,
        most_words in 0usize..4,
        join_nats in prop::num::f64::ANY,
        now in any::<i64>(),
    ) {
        let settings = DiscoverySettings {
            half_life_ms,
            background_half_life_ms: half_life_ms.wrapping_mul(3),
            most_groups,
            most_words,
            most_background_words: most_groups * 3,
            fewest_customers: 2,
            join_nats,
            most_recent_nats: join_nats / 3.0,
        };
        let languages = [Language::EN, Language::ZH, Language::HU, Language::ANY];
        let contacts: Vec<Told> = rows
            .into_iter()
            .enumerate()
            .map(|(n, (text, at_ms, customer, unfit, language))| Told {
                at_ms, customer, unfit, language: languages[language], ..told(n, &text)
            })
            .collect();
        let mut discovery = Discovery::new(settings);
        feed(&mut discovery, &contacts);
        let bytes = discovery.to_bytes();
        let restored = Discovery::from_bytes(&bytes).expect("its own bytes");
        prop_assert_eq!(&restored.to_bytes(), &bytes);
        discovery.settle();
        for groups in [&discovery.groups, &discovery.inner] {
            prop_assert!(groups.len() <= most_groups.max(1));
        }
        for candidate in discovery.candidates(TimeMs(now)) {
            prop_assert!(candidate.growth().is_finite() && candidate.evidence_nats.is_finite());
            prop_assert!(candidate.words.iter().all(|word| (0.0..=1.0).contains(&word.share)));
        }
    }

    #[test]
    fn any_bytes_are_a_state_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(first) = bytes.first_mut() {
            *first = 3;
        }
        let _ = Discovery::from_bytes(&bytes);
    }
}
