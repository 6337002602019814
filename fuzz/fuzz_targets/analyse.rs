//! Any text is analysed in any language, and every token leads back to the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quell_text::{Analyzer, Detector, Language, plain_terms};

fuzz_target!(|text: &str| {
    let detected = Detector::new(Language::EN).detect(text, None);
    assert!(detected.confidence <= 1000);
    let mut analyzer = Analyzer::new();
    for code in ["en", "de", "fr", "el", "hy", "hu", "ru", "zh", "ar", "ta", "und"] {
        let language = Language::parse(code).unwrap_or(detected.language);
        let analysis = analyzer.analyze(language, text);
        for token in &analysis.tokens {
            assert!(text.get(token.start as usize..token.end as usize).is_some());
            assert!(!analysis.form(token).is_empty());
        }
        let mut terms = 0;
        analyzer.index_terms(language, text, |_, _, _, _| terms += 1);
        assert_eq!(terms, analysis.tokens.len());
    }
    for term in plain_terms(text) {
        assert!(text.get(term.start as usize..term.end as usize).is_some());
    }
});
