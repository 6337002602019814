//! Folding, stemming and language detection of anything: no failure in any language, offsets that
//! lead back, and no more tokens or bytes than the text has.

use proptest::prelude::*;
use quell_text::{Analysis, Analyzer, Detector, Language, plain_terms, split_into};

/// Every language with a stemmer, some without, and none.
const LANGUAGES: &[&str] = &[
    "en", "hu", "ru", "es", "ar", "ca", "cs", "sk", "da", "de", "el", "et", "fa", "fi", "fr", "hi",
    "hy", "id", "it", "lt", "nl", "no", "pl", "pt", "ro", "sr", "hr", "bs", "sv", "ta", "tr", "uk",
    "zh", "ja", "ko", "he", "th", "vi", "xx", "und",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
        prop::collection::vec(any::<u8>(), 0..120)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "([a-zα-ωἀ-ῼа-яѐ-ӿა-ჰա-ևא-תا-يऀ-ॿ஀-௿가-힣ぁ-んァ-ヶ一-龥]{1,14}[ '’.-]){0,8}",
        "(ß|ς|ﬁ|İ|ı|ǆ|և|՞|՛|՜|\u{301}|\u{308}|\u{200d}|\u{ad}|[a-zա-ֆα-ω]){0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_language_takes_any_text(text in any_text()) {
        let mut analyzer = Analyzer::new();
        for code in LANGUAGES {
            let Some(language) = Language::parse(code) else { continue };
            let analysis = analyzer.analyze(language, &text);
            for token in &analysis.tokens {
                let slice = text.get(token.start as usize..token.end as usize);
                prop_assert!(slice.is_some_and(|slice| !slice.is_empty()), "{code}");
                prop_assert!(!analysis.form(token).is_empty(), "{code}");
            }
            // A contraction makes two tokens of one word.
            prop_assert!(analysis.tokens.len() <= 2 * text.chars().count(), "{code}");
            let mut terms = 0;
            analyzer.index_terms(language, &text, |term, _, start, end| {
                terms += usize::from(!term.is_empty() && start < end);
            });
            prop_assert_eq!(terms, analysis.tokens.len(), "{}", code);
        }
    }

    #[test]
    fn folding_is_bounded_and_settles(text in any_text()) {
        let mut split = Analysis::new();
        split_into(&text, &mut split);
        let forms: Vec<&str> = split.tokens.iter().map(|token| split.form(token)).collect();
        // The longest compatibility decomposition of one character has 18.
        let folded: usize = forms.iter().map(|form| form.chars().count()).sum();
        prop_assert!(folded <= 18 * text.chars().count());
        let terms: usize = plain_terms(&text).iter().map(|term| term.term.chars().count()).sum();
        prop_assert!(terms <= 36 * text.chars().count());
        prop_assert_eq!(plain_terms(&text).len(), forms.len());
    }

    #[test]
    fn detection_depends_on_the_text_alone(text in any_text(), n in 0..LANGUAGES.len()) {
        let Some(default) = Language::parse(LANGUAGES[n]) else { return Ok(()) };
        let detector = Detector::new(default);
        let detected = detector.detect(&text, None);
        prop_assert!(detected.confidence <= 1000);
        prop_assert_eq!(Detector::new(default).detect(&text, None), detected);
        let shouted = text.to_uppercase();
        if text.is_ascii() {
            prop_assert_eq!(detector.detect(&shouted, None).language, detected.language);
        }
    }
}

#[test]
fn spellings_of_one_word_meet() {
    let mut analyzer = Analyzer::new();
    let mut stems = |code: &str, text: &str| -> Vec<String> {
        let mut terms = Vec::new();
        if let Some(language) = Language::parse(code) {
            analyzer.index_terms(language, text, |term, _, _, _| terms.push(term.to_owned()));
        }
        terms
    };
    for (code, one, other) in [
        ("zh", "帳號無法使用", "帐号无法使用"),
        ("zh", "簡訊", "短信"),
        ("zh", "帳號登入不了網路", "账号登陆不了网络"),
        ("zh", "我的行動電話", "我的手机"),
        ("hy", "ինչո՞ւ չի աշխատում", "ինչու չի աշխատում"),
        ("hy", "շնորհակալությո՛ւն", "շնորհակալություն"),
        ("hy", "պատվերները", "պատվերներ"),
        ("hy", "և", "եւ"),
        ("ru", "счёт", "счет"),
        ("de", "Straße", "Strasse"),
        ("fr", "l’abonnement", "l'abonnement"),
        ("el", "ΛΟΓΑΡΙΑΣΜΌΣ", "λογαριασμός"),
        ("en", "don’t", "dont"),
        ("es", "aplicaciones", "aplicacion"),
    ] {
        assert_eq!(stems(code, one), stems(code, other), "{one} {other}");
        assert!(!stems(code, one).is_empty());
    }
    let plain = |text: &str| -> Vec<String> {
        plain_terms(text).into_iter().map(|term| term.term).collect()
    };
    assert_eq!(plain("nem működik a belépő űrlap"), plain("nem mukodik a belepo urlap"));
    assert_eq!(plain("España cigüeña"), plain("Espana ciguena"));
    assert_ne!(plain("мой"), plain("мои"), "й is a letter of its own");
}

#[test]
fn long_hostile_texts_are_taken() {
    for piece in ["don't ", "行动电话", "e\u{301}", "՞ա", "\u{fdfa}", "a\u{ad}", "ß", "1st", "'t"]
    {
        let text = piece.repeat(200_000 / piece.len());
        let analysis = Analyzer::new().analyze(Language::EN, &text);
        assert!(analysis.tokens.len() <= text.len(), "{piece}");
        assert!(plain_terms(&text).len() <= text.len(), "{piece}");
        assert!(Detector::new(Language::EN).detect(&text, None).confidence <= 1000);
    }
}
