//! Word to stem, through a bounded cache that never shows: an entry is used only for the very
//! word it was made for.

use crate::hash::hash64;
use crate::language::{Language, Script};

/// Longer words are not stemmed: they are ids, links or noise.
const LONGEST_STEMMED_BYTES: usize = 64;
/// One cache line per slot, 1 MiB in all: holds the vocabulary of a language's tickets.
const SLOTS: usize = 1 << 14;
/// A word may lie in any slot of its set, so that two common words do not drive each other out.
const SLOTS_PER_SET: usize = 4;
const FORM_BYTES: usize = 36;
const TAIL_BYTES: usize = 4;

/// What is known of one folded word in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stemmed {
    /// Hash of the stem.
    pub stem: u64,
    /// Whether it is one of the language's very common words.
    pub common: bool,
}

#[derive(Clone, Copy)]
struct Slot {
    form_hash: u64,
    stem_hash: u64,
    language: Language,
    length: u8,
    kept: u8,
    tail_length: u8,
    common: bool,
    tail: [u8; TAIL_BYTES],
    form: [u8; FORM_BYTES],
}

/// Stems words of any language; keeps what it has seen.
pub(crate) struct Stemmer {
    slots: Vec<Slot>,
    engines: Vec<(Language, Engine)>,
    spare: String,
    victim: usize,
}

impl Stemmer {
    /// An empty one. Memory is taken on first use.
    pub fn new() -> Self {
        Stemmer { slots: Vec::new(), engines: Vec::new(), spare: String::new(), victim: 0 }
    }

    /// The stem's hash of a folded word whose hash is given.
    #[inline]
    pub fn look_up(&mut self, language: Language, form: &str, form_hash: u64) -> Stemmed {
        if let Some(slot) = self.cached(language, form, form_hash) {
            return Stemmed { stem: slot.stem_hash, common: slot.common };
        }
        self.learn(language, form, form_hash)
    }

    /// Appends the stem of a folded word to `out`.
    pub fn append_stem(
        &mut self,
        language: Language,
        form: &str,
        form_hash: u64,
        out: &mut String,
    ) {
        if let Some(slot) = self.cached(language, form, form_hash) {
            let (kept, tail) = (slot.kept as usize, &slot.tail[..slot.tail_length as usize]);
            if let (Some(head), Ok(tail)) = (form.get(..kept), std::str::from_utf8(tail)) {
                out.push_str(head);
                out.push_str(tail);
                return;
            }
        }
        self.learn(language, form, form_hash);
        out.push_str(&self.spare);
    }

    #[inline]
    fn cached(&self, language: Language, form: &str, form_hash: u64) -> Option<&Slot> {
        let from = set_of(form_hash, language);
        self.slots.get(from..from + SLOTS_PER_SET)?.iter().find(|slot| {
            slot.form_hash == form_hash
                && slot.language == language
                && slot.length as usize == form.len()
                && slot.form.get(..form.len()) == Some(form.as_bytes())
        })
    }

    /// Computes a stem into `spare` and caches it when it fits.
    #[cold]
    fn learn(&mut self, language: Language, form: &str, form_hash: u64) -> Stemmed {
        self.spare.clear();
        let engine = self.engine(language);
        let common = crate::cues::lexicon().is_common(language, form_hash);
        engine.stem_into(form, &mut self.spare);
        let stem_hash = hash64(self.spare.as_bytes());
        self.keep(language, form, form_hash, stem_hash, common);
        Stemmed { stem: stem_hash, common }
    }

    fn keep(
        &mut self,
        language: Language,
        form: &str,
        form_hash: u64,
        stem_hash: u64,
        common: bool,
    ) {
        let kept = shared_prefix(form, &self.spare);
        let tail = &self.spare.as_bytes()[kept..];
        if form.len() > FORM_BYTES || tail.len() > TAIL_BYTES {
            return;
        }
        let mut slot = Slot {
            form_hash,
            stem_hash,
            language,
            length: form.len() as u8,
            kept: kept as u8,
            tail_length: tail.len() as u8,
            common,
            tail: [0; TAIL_BYTES],
            form: [0; FORM_BYTES],
        };
        slot.tail[..tail.len()].copy_from_slice(tail);
        slot.form[..form.len()].copy_from_slice(form.as_bytes());
        if self.slots.is_empty() {
            let empty = Slot { length: u8::MAX, form_hash: 0, ..slot };
            self.slots = vec![empty; SLOTS];
        }
        self.victim = (self.victim + 1) % SLOTS_PER_SET;
        self.slots[set_of(form_hash, language) + self.victim] = slot;
    }

    fn engine(&mut self, language: Language) -> Engine {
        if let Some((_, engine)) = self.engines.iter().find(|(known, _)| *known == language) {
            return *engine;
        }
        let engine = Engine::of(language);
        if !matches!(engine, Engine::None) {
            self.engines.push((language, engine));
        }
        engine
    }
}

#[inline]
fn set_of(form_hash: u64, language: Language) -> usize {
    (form_hash.wrapping_add(language.spread()) as usize) % (SLOTS / SLOTS_PER_SET) * SLOTS_PER_SET
}

/// Bytes, at a character border, that two words have in common at the start.
fn shared_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum()
}

/// The languages whose rules stem the words of a ticket: Latin words inside a ticket of another
/// script are nearly always English.
#[derive(Clone, Copy)]
pub(crate) struct StemRules {
    latin: Language,
    others: Language,
}

impl StemRules {
    /// The rules for tickets in a language.
    pub fn of(ticket: Language) -> Self {
        let foreign = ticket.script().is_some_and(|script| script != Script::Latin);
        StemRules { latin: if foreign { Language::EN } else { ticket }, others: ticket }
    }

    /// The rules for a word in a script.
    #[inline]
    pub fn for_word(self, script: Script) -> Language {
        if script == Script::Latin { self.latin } else { self.others }
    }
}

/// Two libraries: one where it agrees word for word with today's rules, the other elsewhere.
#[derive(Clone, Copy)]
enum Engine {
    None,
    Base(rust_stemmers::Algorithm),
    Current(frostem::Stemmer),
}

impl Engine {
    fn of(language: Language) -> Engine {
        use frostem::Algorithm as A;
        use rust_stemmers::Algorithm as B;
        let algorithm = match language.as_str() {
            "hu" => return Engine::Base(B::Hungarian),
            "ru" => return Engine::Base(B::Russian),
            "ar" => A::Arabic,
            "ca" => A::Catalan,
            "cs" | "sk" => A::Czech,
            "da" => A::Danish,
            "de" => A::German,
            "el" => A::Greek,
            "en" => A::English,
            "es" => A::Spanish,
            "et" => A::Estonian,
            "fa" => A::Persian,
            "fi" => A::Finnish,
            "fr" => A::French,
            "hi" => A::Hindi,
            "hy" => A::Armenian,
            "id" => A::Indonesian,
            "it" => A::Italian,
            "lt" => A::Lithuanian,
            "nl" => A::Dutch,
            "no" => A::Norwegian,
            "pl" => A::Polish,
            "pt" => A::Portuguese,
            "ro" => A::Romanian,
            "sr" | "hr" | "bs" => A::Serbian,
            "sv" => A::Swedish,
            "ta" => A::Tamil,
            "tr" => A::Turkish,
            "uk" => A::Ukrainian,
            _ => return Engine::None,
        };
        Engine::Current(frostem::Stemmer::new(algorithm))
    }

    fn stem_into(self, form: &str, out: &mut String) {
        let plain = form.len() <= LONGEST_STEMMED_BYTES && form.chars().all(char::is_alphabetic);
        match self {
            Engine::Base(algorithm) if plain => {
                out.push_str(&rust_stemmers::Stemmer::create(algorithm).stem(form));
            }
            Engine::Current(stemmer) if plain => out.push_str(&stemmer.stem(form)),
            _ => out.push_str(form),
        }
        if out.is_empty() {
            out.push_str(form);
        }
    }
}
