//! Letters counted by script, and those that name a language by themselves.

use super::{LOOKED_AT_BYTES, Part, start_of};
use crate::language::{Language, Script};

/// What letters of a foreign script weigh against Latin ones, which links and product names bring
/// along. One Chinese character holds about as much as a short word.
const FOREIGN_WEIGHT: u32 = 3;
const HAN_WEIGHT: u32 = 6;

/// Letters that name a language within their script.
const TELL_TALE: [(Script, &str, &str); 5] = [
    (Script::Arabic, "fa", "پچژگ"),
    (Script::Arabic, "ur", "ٹڈڑے"),
    (Script::Cyrillic, "ru", "ыэъё"),
    (Script::Cyrillic, "uk", "іїєґ"),
    (Script::Cyrillic, "be", "ў"),
];

const SCRIPTS: [Script; Script::COUNT] = [
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

/// Links, addresses, paths and codes are in no language.
pub(super) fn is_machine_made(chunk: &str) -> bool {
    let bytes = chunk.as_bytes();
    let mut colon = false;
    for b in bytes {
        if matches!(b, b'@' | b'\\' | b'_' | b'=' | b'0'..=b'9') {
            return true;
        }
        colon |= *b == b':';
    }
    (colon && bytes.windows(3).any(|three| three == b"://"))
        || bytes.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"www."))
}

/// How many letters of each script a text holds, and how many of the tell-tale ones.
pub(super) struct Letters {
    of_script: [u32; Script::COUNT],
    tell_tale: [u32; TELL_TALE.len()],
}

impl Letters {
    /// Counts the letters at the beginning of each part.
    pub fn of(parts: &[Part<'_>]) -> Letters {
        let mut letters =
            Letters { of_script: [0; Script::COUNT], tell_tale: [0; TELL_TALE.len()] };
        for part in parts {
            let text = start_of(part.text, LOOKED_AT_BYTES);
            for chunk in text.split(|c: char| c.is_ascii_whitespace()) {
                let code = is_machine_made(chunk);
                if !code {
                    let latin = chunk.bytes().filter(u8::is_ascii_alphabetic).count();
                    letters.of_script[Script::Latin as usize] += latin as u32;
                }
                if !chunk.is_ascii() {
                    chunk.chars().filter(|c| !c.is_ascii()).for_each(|c| letters.add(c));
                }
            }
        }
        letters
    }

    /// How many there are in one script.
    pub fn count(&self, script: Script) -> u32 {
        self.of_script[script as usize]
    }

    /// Counts a letter beyond ASCII.
    #[inline]
    fn add(&mut self, c: char) {
        let Some(script) = Script::of(c) else { return };
        self.of_script[script as usize] += 1;
        if matches!(script, Script::Arabic | Script::Cyrillic) {
            let lower = c.to_lowercase().next().unwrap_or(c);
            for (count, (of, _, letters)) in self.tell_tale.iter_mut().zip(TELL_TALE) {
                *count += u32::from(of == script && letters.contains(lower));
            }
        }
    }

    /// The script that carries the text.
    pub fn dominant(&self) -> Option<Script> {
        let kana = self.count(Script::Kana);
        let weigh = |script: Script| match script {
            Script::Latin => self.count(script),
            Script::Han if kana > 0 => 0,
            Script::Kana if kana > 0 => (kana + self.count(Script::Han)) * HAN_WEIGHT,
            Script::Han => self.count(script) * HAN_WEIGHT,
            _ => self.count(script) * FOREIGN_WEIGHT,
        };
        let best =
            SCRIPTS.into_iter().max_by_key(|script| (weigh(*script), std::cmp::Reverse(*script)));
        best.filter(|script| weigh(*script) > 0)
    }

    /// Whether this can be Chinese only: Japanese of that length would hold kana.
    pub fn chinese_only(&self) -> bool {
        self.count(Script::Kana) == 0 && self.count(Script::Han) > 8
    }

    /// The language that tell-tale letters name within a script.
    pub fn tell_tale(&self, script: Script) -> Option<Language> {
        let found = self.tell_tale.iter().zip(TELL_TALE);
        let found = found.filter(|(count, (of, _, _))| *of == script && **count > 0);
        let (_, (_, code, _)) = found.max_by_key(|(count, (_, code, _))| (**count, *code))?;
        Language::parse(code)
    }
}
