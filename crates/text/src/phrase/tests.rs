use super::*;
use crate::analysis::Analyzer;
use crate::cues::word_sets;
use crate::language::Language;

/// Which of the phrases a text holds: `plain` or `denied` for each.
#[track_caller]
fn check(language: &str, phrases: &[&str], text: &str, expected: &[Option<bool>]) {
    let language = Language::parse(language).expect("a language");
    let mut builder = MatcherBuilder::new(word_sets());
    builder.language(language);
    for phrase in phrases {
        builder.add(language, phrase).expect("the phrase compiles");
    }
    let analysis = Analyzer::new().analyze(language, text);
    let mut found = Vec::new();
    builder.build().find(&analysis, &mut Scratch::default(), &mut found);
    for hit in &found {
        assert!(text.get(hit.start as usize..hit.end as usize).is_some(), "{hit:?}");
    }
    let got: Vec<Option<bool>> = (0..phrases.len() as u32)
        .map(|phrase| found.iter().find(|hit| hit.phrase == phrase).map(|hit| !hit.negated))
        .collect();
    assert_eq!(got, expected, "{phrases:?} in {text:?}: {found:?}");
}

const YES: Option<bool> = Some(true);
const DENIED: Option<bool> = Some(false);
const NO: Option<bool> = None;

#[test]
fn neighbours_by_their_stems() {
    let phrases = ["charged twice", "=charged", "=charge", "charg*", "refund"];
    check("en", &phrases, "They charge twice.", &[YES, NO, YES, YES, NO]);
    check("en", &phrases, "I was CHARGED, twice! Refunds?", &[YES, YES, NO, YES, YES]);
    check("en", &["charged twice"], "charged. Twice", &[NO]);
    check("en", &["charged twice"], "twice charged", &[NO]);
}

#[test]
fn gaps_stay_in_the_sentence_and_the_limit() {
    check("en", &["card ~2 lost", "card >2 lost"], "I lost my new card", &[YES, NO]);
    check("en", &["card ~2 lost", "card >2 lost"], "the card I had lost", &[YES, YES]);
    check("en", &["card ~2 lost"], "card a b c lost", &[NO]);
    check("en", &["card ~2 lost"], "My card. I lost it", &[NO]);
    check("en", &["a ~3 b ~3 c"], "x c y b z a", &[YES]);
    check("en", &["ticket ~3 closed ~6 not"], "you closed the ticket. It is not fixed", &[NO]);
    check("en", &["ticket ~3 closed ~6 not"], "my ticket was closed, it is not fixed", &[YES]);
}

#[test]
fn numbers_and_contractions() {
    check("en", &["#n times"], "I called 3 times", &[YES]);
    check("en", &["#n times"], "I called three times", &[YES]);
    check("en", &["doesn't work"], "it doesnt work", &[YES]);
    check("en", &["doesn't work"], "it does not work", &[YES]);
    check("en", &["can't log in"], "I can’t log in", &[YES]);
    check("fr", &["j'attends toujours"], "J’attends toujours", &[YES]);
}

#[test]
fn a_negator_reaches_three_words_in_its_clause() {
    check("en", &["charged twice"], "I was not charged twice, all good", &[DENIED]);
    check("en", &["charged twice"], "No, I was charged twice", &[YES]);
    check("en", &["charged twice"], "I did not order but was charged twice", &[YES]);
    check("en", &["charged twice"], "not only charged twice", &[YES]);
    check("ru", &["списали дважды"], "меня не списали дважды", &[DENIED]);
    check("hu", &["hibás"], "nem hibás a termék", &[DENIED]);
    check("hy", &["գանձել"], "չեն երկու անգամ գանձել", &[DENIED]);
    check("zh", &["重复扣款"], "没有重复扣款", &[DENIED]);
    check("zh", &["重复扣款"], "不但重复扣款", &[YES]);
}

#[test]
fn chinese_is_matched_inside_running_text() {
    check("zh", &["重复扣款"], "信用卡被重複扣款了", &[YES]);
    check("zh", &["扣了…次"], "我的卡被扣了整整两次", &[YES]);
    check("zh", &["扣了…次"], "扣了一二三四五六七八九次", &[NO]);
    check("zh", &["账号登录"], "我的帳號登入不了", &[YES]);
    check("zh", &["firefox打不开"], "Firefox 打不开", &[YES]);
}

#[test]
fn accents_may_be_left_out_by_the_customer() {
    check("hu", &["nem működik"], "Az oldal nem mukodik", &[YES]);
    check("es", &["no funcionó", "contraseña"], "no funciono, la contrasena", &[YES, YES]);
    check("fr", &["débité deux fois"], "debite deux fois", &[YES]);
    check("ru", &["всё ещё нет"], "все еще нет", &[YES]);
}

#[test]
fn sets_have_words_of_several_kinds() {
    let language = Language::EN;
    let mut sets = WordSets::new();
    let words = ["charge", "direct debit", "bill*"].map(str::to_owned).to_vec();
    sets.entry("charge".to_owned()).or_default().insert(language, words);
    let mut builder = MatcherBuilder::new(sets);
    builder.add(language, "{charge} ~2 twice").expect("compiles");
    assert!(builder.add(language, "{nothing}").is_err());
    assert!(builder.add(Language::DE, "{charge}").is_err());
    let matcher = builder.build();
    for (text, hits) in [
        ("twice charged", 1),
        ("a direct debit, twice", 1),
        ("direct, twice", 0),
        ("the billing was twice", 1),
    ] {
        let mut found = Vec::new();
        let analysis = Analyzer::new().analyze(language, text);
        matcher.find(&analysis, &mut Scratch::default(), &mut found);
        assert_eq!(found.len().min(1), hits, "{text}");
    }
}

#[test]
fn phrases_for_all_languages_hold_in_every_one() {
    let mut builder = MatcherBuilder::new(WordSets::new());
    builder.language(Language::RU);
    builder.add(Language::ANY, "firefox sync").expect("compiles");
    let matcher = builder.build();
    for language in ["en", "ru", "zh", "it"] {
        let language = Language::parse(language).expect("a language");
        let analysis = Analyzer::new().analyze(language, "Firefox Sync!");
        let mut found = Vec::new();
        matcher.find(&analysis, &mut Scratch::default(), &mut found);
        assert_eq!(found.len(), 1, "{language}");
    }
}

#[test]
fn what_is_no_phrase_says_why() {
    for (text, message) in [
        ("", "the phrase is empty"),
        ("~4 b", "a gap sign needs words on both sides"),
        ("a ~ b", "`~` is no gap"),
        ("a ~99 b", "`~99` is no gap"),
        ("{a", "`{a` has no closing brace"),
        ("a}", "`a}` has a closing brace only"),
        ("a*b", "`a*b` is no word"),
        ("!!", "`!!` is no word"),
    ] {
        assert_eq!(Phrase::parse(text).map_err(|error| error.message), Err(message.to_owned()));
    }
}
