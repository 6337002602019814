//! Texts of a megabyte that nobody would write: runs of one kind of character, marks inside marks,
//! numbers without end. Nothing fails, and nothing takes time beyond what the length asks for:
//! quadratic work on a megabyte would not end.

use proptest::prelude::*;
use quell_text::cues::CueReader;
use quell_text::redact::redact;
use quell_text::{Analyzer, Detector, Language, plain_terms, similarity};

const LENGTH_BYTES: usize = 1 << 20;

const PIECES: &[&str] = &[
    // Digits, and what may join them.
    "7",
    "١",
    "７",
    "4 ",
    "4-",
    "4.",
    "4,",
    "(4",
    "+4",
    "4/",
    "#4",
    "4\u{a0}",
    "12.34.",
    "AB12 ",
    "DE89",
    "one ",
    "три ",
    "八",
    "零一",
    "4111111111111111 ",
    // Marks that combine, join or vanish.
    "\u{301}",
    "e\u{301}",
    "\u{200d}",
    "a\u{ad}",
    "\u{fe0f}",
    "👩\u{200d}",
    "՞",
    "ա՞",
    "\u{202e}",
    // Letters of one script.
    "a",
    "A",
    "ς",
    "ΰ",
    "ἀ",
    "ß",
    "İ",
    "ﬁ",
    "ﷺ",
    "и",
    "ё",
    "և",
    "한",
    "ㄱ",
    "ก",
    "あ",
    "龍",
    "网路",
    // What ends words, clauses, sentences.
    " ",
    "\n",
    "\n\n",
    ".",
    ". ",
    "?",
    "'t",
    "n't ",
    "-",
    " - ",
    "\"",
    "\t",
    // Addresses and marks.
    "@",
    "a@",
    "a@b",
    "a@b.co ",
    ".a",
    "at ",
    "dot ",
    "⟨",
    "⟩",
    "⟨EMAIL⟩",
    "⟨EMAIL",
    "://",
    "www.",
    // Words that phrases begin with.
    "call ",
    "not ",
    "still not ",
    "again ",
    "third time ",
    "nicht ",
    "没",
    "没有",
    "уже ",
    "már ",
];

fn long_text() -> impl Strategy<Value = String> {
    let run = (prop::sample::select(PIECES), prop_oneof![1..4_usize, 1..20_000_usize]);
    prop::collection::vec(run, 1..5).prop_map(|runs| {
        let unit: String = runs.iter().map(|(piece, times)| piece.repeat(*times)).collect();
        let mut text = unit.repeat(LENGTH_BYTES / unit.len() + 1);
        let end = (LENGTH_BYTES..text.len()).find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(text.len()));
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 32, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn redaction_takes_a_megabyte_of_anything(text in long_text()) {
        let once = redact(&text);
        prop_assert_eq!(&redact(&once.text).text, &once.text);
    }

    #[test]
    fn analysis_takes_a_megabyte_of_anything(
        text in long_text(),
        code in prop::sample::select(&["en", "de", "el", "hy", "hu", "ru", "zh", "ar", "und"][..]),
    ) {
        let Some(language) = Language::parse(code) else { return Ok(()) };
        prop_assert!(Detector::new(Language::EN).detect(&text, None).confidence <= 1000);
        let analysis = Analyzer::new().analyze(language, &text);
        let mut sketch = Vec::new();
        similarity::add_content(&analysis, &mut sketch);
        similarity::finish_sketch(&mut sketch);
        prop_assert!(sketch.len() <= similarity::SKETCH_SIZE);
        for term in plain_terms(&text) {
            prop_assert!(text.get(term.start as usize..term.end as usize).is_some());
        }
    }

    #[test]
    fn cues_are_read_in_a_megabyte_of_anything(
        text in long_text(),
        code in prop::sample::select(&["en", "de", "es", "hy", "hu", "ru", "zh", "und"][..]),
    ) {
        let Some(language) = Language::parse(code) else { return Ok(()) };
        for hit in CueReader::new().read(language, &text) {
            prop_assert!(text.get(hit.start as usize..hit.end as usize).is_some());
        }
    }
}
