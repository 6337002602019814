//! The words that show a contact's cues, and what decides its nature.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use quell_model::event::{Role, Turn};
use quell_model::{CueEvidence, NatureBasis};
use quell_taxonomy::{TagInput, TagSettings, Tagger, Tagging, Taxonomy};

fn tag(input: &TagInput<'_>) -> Tagging {
    static CUES_ALONE: OnceLock<Arc<Taxonomy>> = OnceLock::new();
    let taxonomy = CUES_ALONE.get_or_init(|| Arc::new(Taxonomy::none()));
    Tagger::new(Arc::clone(taxonomy), TagSettings::default()).tag(input)
}

fn body(text: &str) -> Tagging {
    tag(&TagInput { body: Some(text), ..TagInput::default() })
}

fn turn(role: Role, text: &str) -> Turn {
    Turn { role, text: text.to_owned(), at: None, offset_ms: None, sentiment: None }
}

/// Cue, place and words of each piece of evidence.
fn told(evidence: &[CueEvidence]) -> Vec<(&str, &str, &str)> {
    evidence.iter().map(|e| (e.cue.as_str(), e.place.as_str(), e.words.as_str())).collect()
}

#[test]
fn the_words_stand_as_the_customer_wrote_them() {
    for (text, cue, words) in [
        ("Hi, I already CALLED you.", "repeat", "already CALLED"),
        ("我已經打過三次電話了", "repeat", "已經打過三次電話"),
        ("Это уже второй звонок за день", "repeat", "второй звонок"),
        ("Das Problem ist NOCH immer nicht da", "unresolved", "NOCH immer nicht"),
        ("A fűtés még MINDIG hideg", "unresolved", "még MINDIG"),
        ("Իմ հարցը դեռ չի լուծվել", "unresolved", "դեռ չի լուծվել"),
        ("El pedido sigue sin llegar", "unresolved", "sigue sin"),
    ] {
        let tagging = body(text);
        let evidence = tagging.cue_evidence.iter().find(|evidence| evidence.cue == cue);
        let Some(evidence) = evidence else { panic!("no {cue} in {text}: {tagging:?}") };
        assert_eq!(evidence.words, words, "{text}");
        assert_eq!(evidence.place, "body");
        assert_eq!(&text[evidence.start as usize..evidence.end as usize], words);
    }
}

#[test]
fn the_place_tells_which_text_and_only_customers_count() {
    let turns = [
        turn(Role::Agent, "You already called us twice?"),
        turn(Role::Customer, "Hello"),
        turn(Role::Customer, "Yes, I already called"),
        turn(Role::Bot, "I already called"),
    ];
    let tagging = tag(&TagInput {
        subject: Some("Third call about this"),
        body: Some("It is still not fixed"),
        turns: &turns,
        ..TagInput::default()
    });
    assert_eq!(tagging.cues, ["repeat", "unresolved"]);
    let expected = [
        ("repeat", "subject", "Third call"),
        ("repeat", "turn:2", "already called"),
        ("unresolved", "body", "still not fixed"),
    ];
    assert_eq!(told(&tagging.cue_evidence), expected);
}

#[test]
fn a_passage_is_shown_once_and_never_at_length() {
    let tagging = body(&"Still waiting. ".repeat(50));
    assert_eq!(told(&tagging.cue_evidence), [("unresolved", "body", "Still waiting"); 3]);
    let address = format!("https://example.com/{}", "a".repeat(4_000));
    let text = format!("I called {address} for the third time");
    let evidence = body(&text).cue_evidence;
    let [repeat] = evidence.as_slice() else { panic!("{evidence:?}") };
    assert_eq!(&text[repeat.start as usize..repeat.end as usize], &text[2..]);
    assert_eq!(repeat.words.chars().count(), 121);
    let (words, mark) = repeat.words.split_at(120);
    assert!(text.contains(words) && mark == "…");
}

#[test]
fn the_example_of_the_guide_is_true() {
    let tagging = tag(&TagInput {
        subject: Some("Third call about my refund"),
        body: Some("You promised it for Monday and it is still not here."),
        ..TagInput::default()
    });
    let guide = include_str!("../../../docs/tagging.md");
    for evidence in &tagging.cue_evidence {
        let CueEvidence { cue, words, place, start, end } = evidence;
        let row = format!(
            r#"{{"cue": "{cue}", "words": "{words}", "place": "{place}", "start": {start}, "end": {end}}}"#
        );
        assert!(guide.contains(&row), "{row}");
    }
    assert_eq!(guide.matches(r#"{"cue": ""#).count(), tagging.cue_evidence.len() + 2);
}

#[test]
fn what_is_denied_or_only_looks_like_a_cue_is_no_evidence() {
    for text in ["it is not broken", "The second floor is nice", "Thanks again", ""] {
        let tagging = body(text);
        assert_eq!((tagging.cues.len(), tagging.cue_evidence.len()), (0, 0), "{text}");
    }
}

#[test]
fn the_nature_of_a_contact_names_its_basis() {
    let tagging = body("I already called, it is broken");
    assert_eq!(tagging.nature.demand_basis, Some(NatureBasis::Cue("repeat".to_owned())));
    assert_eq!(tagging.nature.dumb_class_basis, Some(NatureBasis::Cue("repeat".to_owned())));
    assert_eq!(body("hello").nature.demand_basis, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_cue_has_words_of_its_text(
        texts in prop::collection::vec(
            prop::sample::select(&[
                "already called ", "still not fixed. ", "3 calls ", "broken ", "not ", "⟨EMAIL⟩ ",
                "I wrote ", "for the third time ", "где мой заказ ", "уже звонил ", "没解决", "第三次",
                "打电话", "schon angerufen ", "\n\n", "you promised to call ", "never called back ",
                "ä\u{301}", "😀 ", "where is my order ", "thanks again ",
            ][..]),
            0..30,
        ),
        language in prop::option::of(prop::sample::select(&["en", "zh", "ru", "de", "hu"][..])),
    ) {
        let text = texts.concat();
        let turns = [turn(Role::Customer, &text)];
        let tagging = tag(&TagInput {
            language_hint: language,
            subject: Some(&text),
            turns: &turns,
            ..TagInput::default()
        });
        let mut shown: Vec<&str> = tagging.cue_evidence.iter().map(|e| e.cue.as_str()).collect();
        for part in tagging.cue_evidence.chunk_by(|a, b| a.cue == b.cue) {
            prop_assert!(part.len() <= 3);
        }
        shown.dedup();
        prop_assert_eq!(&tagging.cues, &shown);
        for evidence in &tagging.cue_evidence {
            prop_assert!(["subject", "turn:0"].contains(&evidence.place.as_str()));
            let words = text.get(evidence.start as usize..evidence.end as usize);
            let beginning = evidence.words.strip_suffix('…').unwrap_or(&evidence.words);
            prop_assert!(words.is_some_and(|words| words.starts_with(beginning)), "{:?}", evidence);
            prop_assert!(!beginning.is_empty() && evidence.words.chars().count() <= 121);
        }
    }
}
