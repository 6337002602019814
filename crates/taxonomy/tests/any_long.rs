//! Contacts that nobody would write, a megabyte long and made of the words that rules wait for:
//! tagged all the same, with evidence that stands where it says.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use quell_model::event::{Role, Turn};
use quell_taxonomy::{TagInput, TagSettings, Tagger, Taxonomy};

const LENGTH_BYTES: usize = 1 << 20;

/// Words of the taxonomy's rules, of the cues, and signs that end clauses.
const WORDS: &[&str] = &[
    "charged ",
    "twice ",
    "refund ",
    "order ",
    "where ",
    "is ",
    "my ",
    "not ",
    "still ",
    "parcel ",
    "call ",
    "again ",
    "third ",
    "time ",
    "two ",
    "7 ",
    "promised ",
    "never ",
    "but ",
    ", ",
    ". ",
    "cancel ",
    "return ",
    "delivery ",
    "late ",
    "退款",
    "没",
    "第三次",
    "打电话",
    "订单",
    "nicht ",
    "bestellung ",
    "заказ ",
    "уже ",
    "звонил ",
    "már ",
    "hívtam ",
    "դեռ ",
    "pedido ",
];

fn long_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 1..60).prop_map(|words| {
        let unit = words.concat();
        unit.repeat(LENGTH_BYTES / unit.len())
    })
}

fn ecommerce() -> Arc<Taxonomy> {
    static TAXONOMY: OnceLock<Arc<Taxonomy>> = OnceLock::new();
    let yaml = include_str!("../../../taxonomies/ecommerce.yaml");
    let parse = || Arc::new(Taxonomy::parse(yaml, "ecommerce.yaml").expect("is valid"));
    Arc::clone(TAXONOMY.get_or_init(parse))
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 32, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn a_megabyte_of_telling_words_is_tagged(
        text in long_text(),
        language in prop::sample::select(&["en", "zh", "de", "ru", "hu", "hy", "es"][..]),
    ) {
        let said = Turn {
            role: Role::Customer,
            text: text.clone(),
            at: None,
            offset_ms: None,
            sentiment: None,
        };
        let tagging = Tagger::new(ecommerce(), TagSettings::default()).tag(&TagInput {
            language_hint: Some(language),
            body: Some(&text),
            turns: &[said],
            ..TagInput::default()
        });
        let rules = tagging.reasons.iter().flat_map(|tag| &tag.evidence);
        let spans = rules.map(|evidence| (evidence.start, evidence.end));
        let cues = tagging.cue_evidence.iter().map(|evidence| (evidence.start, evidence.end));
        for (start, end) in spans.chain(cues) {
            prop_assert!(text.get(start as usize..end as usize).is_some_and(|w| !w.is_empty()));
        }
    }
}
