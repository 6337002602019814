//! Which language a text is in: what the event says unless the script contradicts it, else the
//! script, else tell-tale letters and common words, else a statistical model.

use std::sync::OnceLock;

use quell_model::contact::LanguageSource;
use rustc_hash::FxHashMap;

use crate::analysis::{Analysis, Token, split_into};
use crate::cues::lexicon;
use crate::language::{Language, Script};
use crate::segment::TokenKind;

/// The script of a longer text shows in its beginning.
const LOOKED_AT_BYTES: usize = 4096;
/// Below this many letters a model guesses; only a sure guess is taken.
const FEW_LETTERS: u32 = 20;
const SURE: f64 = 0.9;
/// One foreign-script letter outweighs Latin ones, which links and product names bring along.
const FOREIGN_WEIGHT: u32 = 2;
const HAN_WEIGHT: u32 = 4;

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
    allowed: Vec<whatlang::Lang>,
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

    /// A detector whose model answers with these languages only.
    pub fn with_allowed(default: Language, allowed: impl IntoIterator<Item = Language>) -> Self {
        let allowed: Vec<Language> = allowed.into_iter().collect();
        let known = whatlang::Lang::all().iter().copied();
        let allowed = known
            .filter(|known| Language::parse(known.code()).is_some_and(|l| allowed.contains(&l)))
            .collect();
        Detector { default, allowed }
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
        let counts = Counts::of(parts);
        let script = counts.dominant();
        if let Some(language) = hint
            && fits(language, script, &counts)
        {
            return found(language, LanguageSource::Event, 1000);
        }
        match script {
            None => found(hint.unwrap_or(self.default), LanguageSource::Default, 0),
            Some(script) => match script.language() {
                Some(language) => found(language, LanguageSource::Script, 990),
                None => self.among_the_scripts_languages(parts, script, &counts),
            },
        }
    }

    fn among_the_scripts_languages(
        &self,
        parts: &[Part<'_>],
        script: Script,
        counts: &Counts,
    ) -> Detected {
        if let Some(language) = tell_tale(script, counts) {
            return found(language, LanguageSource::Script, 950);
        }
        if script == Script::Latin
            && let Some((language, confidence)) = by_common_words(parts)
        {
            return found(language, LanguageSource::Model, confidence);
        }
        let letters = counts.letters[script as usize];
        let text = parts.iter().map(|part| part.text).collect::<Vec<_>>().join("\n");
        let text = start_of(&text, LOOKED_AT_BYTES);
        let guess = whatlang::Detector::with_allowlist(self.allowed.clone()).detect(text);
        let guess = guess.and_then(|info| {
            let language = Language::parse(info.lang().code())?;
            let of_script = language.script().is_none_or(|expected| expected == script);
            let sure = letters >= FEW_LETTERS || info.confidence() >= SURE;
            (of_script && sure).then(|| (language, (info.confidence() * 1000.0) as u16))
        });
        match (guess, script) {
            (Some((language, confidence)), _) => {
                found(language, LanguageSource::Model, confidence.min(1000))
            }
            _ if self.default.script().is_none_or(|expected| expected == script) => {
                found(self.default, LanguageSource::Default, 0)
            }
            (None, Script::Cyrillic) => found(Language::RU, LanguageSource::Script, 700),
            (None, Script::Latin) => found(Language::EN, LanguageSource::Script, 300),
            _ => found(self.default, LanguageSource::Default, 0),
        }
    }
}

fn found(language: Language, source: LanguageSource, confidence: u16) -> Detected {
    Detected { language, source, confidence }
}

/// Whether a text in this script can be in the language.
fn fits(language: Language, script: Option<Script>, counts: &Counts) -> bool {
    let Some(script) = script else { return true };
    match language.script() {
        None => script != Script::Han && script != Script::Kana,
        Some(Script::Kana) => {
            script == Script::Kana || (script == Script::Han && !counts.chinese_only())
        }
        Some(expected) => expected == script,
    }
}

/// Letters by script, and the tell-tale ones.
struct Counts {
    letters: [u32; Script::COUNT],
    tell_tale: [u32; TELL_TALE.len()],
}

/// Letters that name a language within their script.
const TELL_TALE: [(Script, &str, &str); 15] = [
    (Script::Cyrillic, "ru", "ыэъё"),
    (Script::Cyrillic, "uk", "іїєґ"),
    (Script::Cyrillic, "be", "ў"),
    (Script::Cyrillic, "sr", "ђћљњџј"),
    (Script::Arabic, "fa", "پچژگ"),
    (Script::Arabic, "ur", "ٹڈڑے"),
    (Script::Latin, "hu", "őű"),
    (Script::Latin, "pl", "łąęśżź"),
    (Script::Latin, "cs", "řůě"),
    (Script::Latin, "tr", "ğış"),
    (Script::Latin, "es", "ñ¿¡"),
    (Script::Latin, "de", "ß"),
    (Script::Latin, "pt", "ãõ"),
    (Script::Latin, "ro", "țșă"),
    (Script::Latin, "fr", "œç"),
];

impl Counts {
    fn of(parts: &[Part<'_>]) -> Counts {
        let mut counts = Counts { letters: [0; Script::COUNT], tell_tale: [0; TELL_TALE.len()] };
        for part in parts {
            for c in start_of(part.text, LOOKED_AT_BYTES).chars() {
                counts.add(c);
            }
        }
        counts
    }

    fn add(&mut self, c: char) {
        if c.is_ascii_alphabetic() {
            self.letters[Script::Latin as usize] += 1;
            return;
        }
        if c.is_ascii() {
            return;
        }
        let Some(script) = Script::of(c) else {
            if matches!(c, '¿' | '¡') {
                self.tell_tale[10] += 1;
            }
            return;
        };
        self.letters[script as usize] += 1;
        if matches!(script, Script::Latin | Script::Cyrillic | Script::Arabic) {
            let lower = c.to_lowercase().next().unwrap_or(c);
            for (count, (of, _, letters)) in self.tell_tale.iter_mut().zip(TELL_TALE) {
                if of == script && letters.contains(lower) {
                    *count += 1;
                }
            }
        }
    }

    /// The script that carries the text.
    fn dominant(&self) -> Option<Script> {
        let of = |script: Script| self.letters[script as usize];
        let kana = of(Script::Kana);
        let weigh = |script: Script| match script {
            Script::Latin => of(script),
            Script::Han if kana > 0 => 0,
            Script::Kana if kana > 0 => (kana + of(Script::Han)) * HAN_WEIGHT,
            Script::Han => of(script) * HAN_WEIGHT,
            _ => of(script) * FOREIGN_WEIGHT,
        };
        const ALL: [Script; Script::COUNT] = [
            Script::Latin,
            Script::Cyrillic,
            Script::Greek,
            Script::Armenian,
            Script::Georgian,
            Script::Hebrew,
            Script::Arabic,
            Script::Devanagari,
            Script::Thai,
            Script::Hangul,
            Script::Kana,
            Script::Han,
            Script::Other,
        ];
        let best =
            ALL.into_iter().max_by_key(|script| (weigh(*script), std::cmp::Reverse(*script)));
        best.filter(|script| weigh(*script) > 0)
    }

    fn chinese_only(&self) -> bool {
        self.letters[Script::Kana as usize] == 0 && self.letters[Script::Han as usize] > 8
    }
}

fn tell_tale(script: Script, counts: &Counts) -> Option<Language> {
    let mut best: Option<(u32, &str)> = None;
    for (count, (of, code, _)) in counts.tell_tale.iter().zip(TELL_TALE) {
        if of == script && *count > 0 && best.is_none_or(|(most, _)| *count > most) {
            best = Some((*count, code));
        }
    }
    let (count, code) = best?;
    // One foreign name in a long Latin text proves nothing.
    let letters = counts.letters[script as usize];
    let rare = script == Script::Latin && count * 120 < letters;
    if rare { None } else { Language::parse(code) }
}

/// The languages in Latin script that have a list of very common words, and for each such word the
/// set of lists it stands in.
struct CommonWords {
    languages: Vec<Language>,
    lists_of: FxHashMap<u64, u32>,
}

fn common_words() -> &'static CommonWords {
    static WORDS: OnceLock<CommonWords> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words = CommonWords { languages: Vec::new(), lists_of: FxHashMap::default() };
        let latin = |language: &Language| language.script() == Some(Script::Latin);
        let lists = lexicon().common().filter(|(language, _)| latin(language));
        for (n, (language, hashes)) in lists.take(u32::BITS as usize).enumerate() {
            words.languages.push(language);
            for hash in hashes {
                *words.lists_of.entry(*hash).or_default() |= 1 << n;
            }
        }
        words
    })
}

/// The language most of whose very common words are there, when it leads clearly.
fn by_common_words(parts: &[Part<'_>]) -> Option<(Language, u16)> {
    let CommonWords { languages, lists_of } = common_words();
    let mut hits = vec![0u32; languages.len()];
    let mut words = 0u32;
    let mut count = |split: &Analysis| {
        let near = |token: &&Token| (token.start as usize) < LOOKED_AT_BYTES;
        for token in split.tokens.iter().take_while(near) {
            if token.kind == TokenKind::Word {
                words += 1;
                let mut lists = lists_of.get(&token.form).copied().unwrap_or(0);
                while lists != 0 {
                    hits[lists.trailing_zeros() as usize] += 1;
                    lists &= lists - 1;
                }
            }
        }
    };
    let mut spare = Analysis::new();
    for part in parts {
        match part.split {
            Some(split) => count(split),
            None => {
                split_into(start_of(part.text, LOOKED_AT_BYTES), &mut spare);
                count(&spare);
            }
        }
    }
    let mut order: Vec<usize> = (0..languages.len()).collect();
    order.sort_by_key(|&n| std::cmp::Reverse(hits[n]));
    let (&first, &second) = (order.first()?, order.get(1)?);
    let clear = hits[first] >= 2 && hits[first] >= 2 * hits[second] && hits[first] * 4 >= words;
    clear.then(|| (languages[first], (700 + 20 * hits[first].min(12)) as u16))
}

fn start_of(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// Whether a text is written in traditional Chinese characters rather than simplified ones.
pub fn is_traditional_chinese(text: &str) -> bool {
    text.chars().any(crate::chinese::is_traditional)
}
