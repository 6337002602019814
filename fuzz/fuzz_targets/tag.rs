//! Any contact is tagged, and every piece of evidence stands where it says.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use quell_model::event::{Role, Turn};
use quell_taxonomy::{TagInput, TagSettings, Tagger, Taxonomy};

thread_local! {
    static TAGGER: RefCell<Tagger> = RefCell::new(tagger());
}

fn tagger() -> Tagger {
    let yaml = include_str!("../../taxonomies/ecommerce.yaml");
    let taxonomy = Taxonomy::parse(yaml, "ecommerce.yaml").unwrap_or_else(|_| Taxonomy::none());
    Tagger::new(Arc::new(taxonomy), TagSettings::default())
}

fuzz_target!(|text: &str| {
    let turn =
        |role| Turn { role, text: text.to_owned(), at: None, offset_ms: None, sentiment: None };
    let tagging = TAGGER.with_borrow_mut(|tagger| {
        tagger.tag(&TagInput {
            // The first letters often name a language.
            language_hint: text.get(..2),
            body: Some(text),
            turns: &[turn(Role::Customer), turn(Role::Agent)],
            ..TagInput::default()
        })
    });
    let weights: u32 = tagging.reasons.iter().map(|tag| tag.weight.0).sum();
    assert_eq!(weights, 1_000_000);
    let rules = tagging.reasons.iter().flat_map(|tag| &tag.evidence);
    let rules = rules.map(|evidence| (evidence.start, evidence.end, ""));
    let words = tagging.rule_evidence.iter();
    let words = words.map(|one| (one.start, one.end, one.words.as_str()));
    let cues = tagging.cue_evidence.iter();
    let cues = cues.map(|cue| (cue.start, cue.end, cue.words.as_str()));
    for (start, end, words) in rules.chain(words).chain(cues) {
        let stretch = text.get(start as usize..end as usize).expect("evidence within its text");
        let shown = words.strip_suffix('…').unwrap_or(words);
        assert!(!stretch.is_empty() && stretch.starts_with(shown));
    }
});
