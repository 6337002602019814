//! Nothing that a customer types makes the analysis fail, and offsets lead back to what was typed.

use proptest::prelude::*;
use quell_text::{Analyzer, Detector, IndexTerm, Language, plain_terms};

const LANGUAGES: &[&str] =
    &["en", "zh", "hu", "hy", "ru", "de", "es", "fr", "el", "tr", "ar", "it", "pl", "xx", "und"];

fn index_terms(language: Language, text: &str) -> Vec<IndexTerm> {
    let mut terms = Vec::new();
    Analyzer::new().index_terms(language, text, |term, position, start, end| {
        terms.push(IndexTerm { term: term.to_owned(), position, start, end });
    });
    terms
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn offsets_lie_on_character_borders_and_in_order(text in "\\PC{0,60}", n in 0..LANGUAGES.len()) {
        let Some(language) = Language::parse(LANGUAGES[n]) else { return Ok(()) };
        let analysis = Analyzer::new().analyze(language, &text);
        let mut last = 0;
        for token in &analysis.tokens {
            let slice = text.get(token.start as usize..token.end as usize);
            prop_assert!(slice.is_some_and(|slice| !slice.is_empty()));
            prop_assert!(token.start >= last);
            prop_assert!(!analysis.form(token).is_empty());
            last = token.start;
        }
        for terms in [index_terms(language, &text), plain_terms(&text)] {
            for (position, term) in terms.iter().enumerate() {
                prop_assert_eq!(term.position as usize, position);
                prop_assert!(!term.term.is_empty());
                prop_assert!(text.get(term.start as usize..term.end as usize).is_some());
            }
        }
    }

    #[test]
    fn words_of_each_alphabet_stem_without_failing(
        word in "[a-zőűáéíñßçœ]{1,30}|[а-яёіїў]{1,30}|[ա-ֆև]{1,30}|[α-ωάέήίόύώς]{1,30}|[ا-ي]{1,20}",
        n in 0..LANGUAGES.len(),
    ) {
        if let Some(language) = Language::parse(LANGUAGES[n]) {
            prop_assert_eq!(index_terms(language, &word).len(), 1);
        }
    }

    #[test]
    fn the_cache_never_shows(words in prop::collection::vec("[a-z]{1,8}", 1..40)) {
        let mut warm = Analyzer::new();
        let text = words.join(" ");
        for language in [Language::EN, Language::HU, Language::EN] {
            let mut cold = Vec::new();
            Analyzer::new().index_terms(language, &text, |t, _, _, _| cold.push(t.to_owned()));
            let mut again = Vec::new();
            warm.index_terms(language, &text, |t, _, _, _| again.push(t.to_owned()));
            prop_assert_eq!(cold, again);
        }
    }

    #[test]
    fn detection_takes_anything(text in "\\PC{0,60}", hint in prop::option::of("\\PC{0,8}")) {
        let detected = Detector::new(Language::EN).detect(&text, hint.as_deref());
        prop_assert!(detected.confidence <= 1000);
    }
}
