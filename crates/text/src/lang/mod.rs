//! Which language a text is in: what the event says unless the script contradicts it, else the
//! script, else the letters and words of the languages written in it.
//!
//! Between languages of one script the cheapest profile wins, after a head start for the
//! deployment's own language: most contacts come in it, and two words prove little.

mod letters;
mod profile;

use quell_model::contact::LanguageSource;

use crate::analysis::Analysis;
use crate::language::{Language, Script};
use letters::Letters;
use profile::{Costs, Profiles};

/// The script of a longer text shows in its beginning.
const LOOKED_AT_BYTES: usize = 4096;
/// What other languages cost more than the default one, in tenths of a nat: the default is taken
/// to be twenty times as frequent.
const HEAD_START: u32 = 30;
/// Tenths of a nat of difference that halve the odds. Neighbouring letters are no independent
/// witnesses, so it takes twice the seven that independent ones would.
const COST_PER_BIT: u32 = 14;
/// The confidence, in thousandths, below which a text is left to the default language: that of
/// another language after the head start, that of the default language without it.
const NEEDED: u16 = 400;
/// The general model, asked for languages without profiles, guesses below this many letters, and
/// wherever it does not know of the profiles; then only a sure guess is taken.
const FEW_LETTERS: u32 = 20;
const SURE: f64 = 0.9;

/// A language and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The language.
    pub language: Language,
    /// How it was found.
    pub source: LanguageSource,
    /// In thousandths.
    pub confidence: u16,
}

/// A text, or a part of one, whose language is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The text.
    pub text: &'a str,
    /// What [`split_into`] made of it, where that is at hand.
    pub split: Option<&'a Analysis>,
}

/// Detects languages among those a deployment may meet.
pub struct Detector {
    default: Language,
    allowed: Vec<Language>,
    /// What the general model may answer.
    general: Vec<whatlang::Lang>,
    /// The allowed languages that it alone knows: those without a profile.
    beyond_profiles: Vec<Language>,
}

/// Languages that a model may answer with unless told otherwise.
pub const DEFAULT_ALLOWED: &[&str] = &[
    "en", "de", "fr", "es", "hu", "it", "pt", "nl", "pl", "ru", "uk", "sv", "da", "no", "fi", "cs",
    "ro", "tr", "vi", "id", "bg", "be", "sr", "ar", "fa", "hi",
];

impl Detector {
    /// A detector that falls back to `default` and knows the [`DEFAULT_ALLOWED`] languages.
    pub fn new(default: Language) -> Self {
        Detector::with_allowed(default, DEFAULT_ALLOWED.iter().filter_map(|l| Language::parse(l)))
    }

    /// A detector that, where the script leaves a choice, answers with these languages or the
    /// default one only.
    pub fn with_allowed(default: Language, allowed: impl IntoIterator<Item = Language>) -> Self {
        let mut allowed: Vec<Language> = allowed.into_iter().collect();
        if default != Language::ANY && !allowed.contains(&default) {
            allowed.push(default);
        }
        let known = whatlang::Lang::all().iter().copied();
        let known = known.filter_map(|known| Some((known, Language::parse(known.code())?)));
        let (general, languages): (Vec<_>, Vec<_>) =
            known.filter(|(_, language)| allowed.contains(language)).unzip();
        let beyond_profiles = languages.into_iter().filter(|l| !profiled(*l)).collect();
        Detector { default, general, beyond_profiles, allowed }
    }

    /// The language of a text whose event may have named one.
    pub fn detect(&self, text: &str, hint: Option<&str>) -> Detected {
        self.detect_parts(&[Part { text, split: None }], hint)
    }

    /// The language of a text in several parts.
    pub fn detect_parts(&self, parts: &[Part<'_>], hint: Option<&str>) -> Detected {
        let hint = hint.and_then(Language::parse).filter(|hint| *hint != Language::ANY);
        if let Some(language) = hint
            && language.script() == Some(Script::Latin)
            && parts.iter().all(|part| part.text.is_ascii())
        {
            return found(language, LanguageSource::Event, 1000);
        }
        let letters = Letters::of(parts);
        let script = letters.dominant();
        if let Some(language) = hint
            && fits(language, script, &letters)
        {
            return found(language, LanguageSource::Event, 1000);
        }
        match script {
            None => found(hint.unwrap_or(self.default), LanguageSource::Default, 0),
            Some(script) => match script.language() {
                Some(language) => found(language, LanguageSource::Script, 990),
                None => self.among_the_scripts_languages(parts, script, &letters),
            },
        }
    }

    fn among_the_scripts_languages(
        &self,
        parts: &[Part<'_>],
        script: Script,
        letters: &Letters,
    ) -> Detected {
        if let Some(detected) = self.beyond_profiles(parts, script, letters) {
            return detected;
        }
        if let Some(profiles) = Profiles::of(script)
            && let Some(detected) = self.cheapest(profiles, parts)
        {
            return match letters.tell_tale(script) {
                Some(language) if language == detected.language => {
                    found(language, LanguageSource::Script, detected.confidence.max(950))
                }
                _ => detected,
            };
        }
        if let Some(language) = letters.tell_tale(script) {
            return found(language, LanguageSource::Script, 950);
        }
        match script {
            _ if self.default.script().is_none_or(|expected| expected == script) => {
                found(self.default, LanguageSource::Default, 0)
            }
            Script::Cyrillic => found(Language::RU, LanguageSource::Script, 700),
            Script::Latin => found(Language::EN, LanguageSource::Script, 300),
            Script::Arabic => found(Language::AR, LanguageSource::Script, 700),
            _ => found(self.default, LanguageSource::Default, 0),
        }
    }

    /// The allowed language whose profile fits best, unless the leader is nearly as likely.
    fn cheapest(&self, profiles: &Profiles, parts: &[Part<'_>]) -> Option<Detected> {
        let Costs { of_language, letters } = profiles.costs(parts);
        if letters == 0 {
            return None;
        }
        let leader = self.leader(profiles);
        let priced = |head_start: u32| {
            let all = profiles.languages().iter().copied().zip(of_language.iter().copied());
            all.filter(|(language, _)| self.allowed.contains(language)).map(
                move |(language, cost)| {
                    let handicap = if Some(language) == leader { 0 } else { head_start };
                    (cost.saturating_add(handicap), language)
                },
            )
        };
        let (_, best) = priced(HEAD_START).min_by_key(|(cost, _)| *cost)?;
        let confidence = share(best, || priced(HEAD_START));
        let unaided = if leader == Some(best) { share(best, || priced(0)) } else { confidence };
        Some(match leader {
            Some(leader) if unaided < NEEDED => found(leader, LanguageSource::Default, 0),
            _ => found(best, LanguageSource::Model, confidence),
        })
    }

    /// The language taken unless the text speaks against it: the default one, or where it is
    /// written in another script, the one that most texts in this script are in.
    fn leader(&self, profiles: &Profiles) -> Option<Language> {
        let known = |language: &Language| {
            profiles.languages().contains(language) && self.allowed.contains(language)
        };
        [self.default, Language::EN, Language::RU].into_iter().find(known)
    }

    /// An allowed language that has no profile, when a general model names it.
    fn beyond_profiles(
        &self,
        parts: &[Part<'_>],
        script: Script,
        letters: &Letters,
    ) -> Option<Detected> {
        let beyond = |language: Language| {
            self.beyond_profiles.contains(&language)
                && language.script().is_none_or(|of| of == script)
        };
        if !self.beyond_profiles.iter().any(|language| beyond(*language)) {
            return None;
        }
        let text = parts.iter().map(|part| part.text).collect::<Vec<_>>().join("\n");
        let text = start_of(&text, LOOKED_AT_BYTES);
        let info = whatlang::Detector::with_allowlist(self.general.clone()).detect(text)?;
        let language = Language::parse(info.lang().code()).filter(|answer| beyond(*answer))?;
        let many = Profiles::of(script).is_none() && letters.count(script) >= FEW_LETTERS;
        let sure = many || info.confidence() >= SURE;
        sure.then(|| found(language, LanguageSource::Model, (info.confidence() * 1000.0) as u16))
    }
}

/// How likely a language is among those priced, in thousandths.
fn share<I: Iterator<Item = (u32, Language)>>(of: Language, priced: impl Fn() -> I) -> u16 {
    let least = priced().map(|(cost, _)| cost).min().unwrap_or(0);
    let odds = |cost: u32| 1.0 / (1u64 << ((cost - least) / COST_PER_BIT).min(60)) as f64;
    let all: f64 = priced().map(|(cost, _)| odds(cost)).sum();
    let own: f64 = priced().filter(|(_, l)| *l == of).map(|(cost, _)| odds(cost)).sum();
    if all > 0.0 { (1000.0 * own / all) as u16 } else { 0 }
}

fn profiled(language: Language) -> bool {
    [Script::Latin, Script::Cyrillic]
        .into_iter()
        .filter_map(Profiles::of)
        .any(|profiles| profiles.languages().contains(&language))
}

fn found(language: Language, source: LanguageSource, confidence: u16) -> Detected {
    Detected { language, source, confidence: confidence.min(1000) }
}

/// Whether a text in this script can be in the language.
fn fits(language: Language, script: Option<Script>, letters: &Letters) -> bool {
    let Some(script) = script else { return true };
    match language.script() {
        None => script != Script::Han && script != Script::Kana,
        Some(Script::Kana) => {
            script == Script::Kana || (script == Script::Han && !letters.chinese_only())
        }
        Some(expected) => expected == script,
    }
}

fn start_of(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language_of(default: &str, text: &str) -> Detected {
        Detector::new(Language::parse(default).unwrap_or(Language::EN)).detect(text, None)
    }

    #[test]
    fn short_questions_are_in_the_language_of_their_words() {
        for (expected, texts) in [
            ("en", ["where is my order", "can I get a refund?", "internet is not working"]),
            ("hu", ["hol a csomagom", "nem tudok belépni", "mikor érkezik meg?"]),
            ("de", ["wo ist mein Paket", "ich kann mich nicht anmelden", "Rechnung ist falsch"]),
            ("es", ["¿dónde está mi pedido?", "no puedo entrar", "quiero un reembolso"]),
            ("fr", ["où est ma commande", "je ne peux pas me connecter", "c'est trop cher"]),
            ("ru", ["где мой заказ", "не могу войти", "верните деньги"]),
            ("uk", ["де моє замовлення", "не можу увійти", "поверніть гроші"]),
            ("hy", ["որտեղ է պատվերս", "չեմ կարողանում մտնել", "ինչո՞ւ"]),
            ("zh", ["我的订单在哪里", "帳號無法登入", "退款"]),
            ("ja", ["注文はどこですか", "ログインできない", "返金してください"]),
        ] {
            for text in texts {
                assert_eq!(language_of("en", text).language.as_str(), expected, "{text}");
            }
        }
    }

    #[test]
    fn little_evidence_leaves_the_default() {
        for default in ["en", "de", "hu"] {
            for text in ["ok", "wifi", "Delhi", "iPhone 12 Pro", "a.m.", "12345", ""] {
                assert_eq!(language_of(default, text).language.as_str(), default, "{text}");
            }
        }
        assert_eq!(language_of("hy", "internet").language, Language::EN);
        assert_eq!(language_of("hy", "интернет").language, Language::RU);
        assert_eq!(language_of("uk", "інтернет магазин").language.as_str(), "uk");
    }

    #[test]
    fn names_and_links_of_another_script_do_not_outweigh_the_text() {
        for (expected, text) in [
            ("zh", "我的 Firefox Lockwise 不能同步 https://support.mozilla.org/kb/lockwise"),
            ("hy", "Facebook Messenger ծրագիրը չի բացվում"),
            ("ru", "не открывается Google Chrome Enterprise, error ERR_CONNECTION_RESET"),
            ("en", "the label on the box says 微信 and I cannot read what it means, please help"),
        ] {
            assert_eq!(language_of("en", text).language.as_str(), expected, "{text}");
        }
    }

    #[test]
    fn letters_spoilt_by_a_wrong_code_page_or_taken_apart_are_understood() {
        for text in ["Miért nem mûködik a belépõ?", "Mie\u{301}rt nem mu\u{30b}ko\u{308}dik?"]
        {
            assert_eq!(language_of("en", text).language, Language::HU, "{text}");
        }
    }

    #[test]
    fn the_allow_list_is_kept_and_languages_without_profile_are_asked_for() {
        let text = "Hvor er pakken min, jeg har ventet i to uker";
        let only = |codes: &[&str]| {
            let allowed = codes.iter().filter_map(|code| Language::parse(code));
            Detector::with_allowed(Language::EN, allowed).detect(text, None).language
        };
        assert_eq!(only(&["no", "de", "en"]).as_str(), "no");
        assert!(["de", "en"].contains(&only(&["de"]).as_str()));
        let filipino = "Hindi ko mabuksan ang aking telepono dahil nakalimutan ko ang salita, \
                        pakiusap tulungan ninyo ako ngayong araw";
        let allowed = ["en", "tl"].iter().filter_map(|code| Language::parse(code));
        let detector = Detector::with_allowed(Language::EN, allowed);
        assert_eq!(detector.detect(filipino, None).language.as_str(), "tl");
    }

    #[test]
    fn the_event_is_trusted_unless_the_script_contradicts_it() {
        let detector = Detector::new(Language::EN);
        for (hint, text, expected, source) in [
            ("de-DE", "where is my order", "de", LanguageSource::Event),
            ("en-US", "где мой заказ", "ru", LanguageSource::Model),
            ("en-US", "где мой ящик и ключи, вы их взяли", "ru", LanguageSource::Script),
            ("zh", "where is my order", "en", LanguageSource::Model),
            ("ja", "我的订单在哪里为什么还没到", "zh", LanguageSource::Script),
            ("fr", "12345", "fr", LanguageSource::Event),
        ] {
            let detected = detector.detect(text, Some(hint));
            assert_eq!((detected.language.as_str(), detected.source), (expected, source), "{text}");
        }
    }
}
