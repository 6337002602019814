//! Languages as primary subtags, and the scripts they are written in.

use std::fmt;

/// A language: its ISO 639 primary subtag (`en`, `hu`, `zh`, `yue` folds to `zh`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language([u8; 3]);

impl Language {
    /// English.
    pub const EN: Language = Language(*b"en\0");
    /// Chinese.
    pub const ZH: Language = Language(*b"zh\0");
    /// Hungarian.
    pub const HU: Language = Language(*b"hu\0");
    /// Armenian.
    pub const HY: Language = Language(*b"hy\0");
    /// Russian.
    pub const RU: Language = Language(*b"ru\0");
    /// German.
    pub const DE: Language = Language(*b"de\0");
    /// Spanish.
    pub const ES: Language = Language(*b"es\0");
    /// French.
    pub const FR: Language = Language(*b"fr\0");
    /// Arabic.
    pub const AR: Language = Language(*b"ar\0");
    /// Undetermined: what is said of no language in particular.
    pub const ANY: Language = Language(*b"und");

    /// Reads a language tag: `en`, `en-US`, `pt_BR`, `zh-Hant-TW`, `hun`. None when it is none.
    pub fn parse(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_', '.', '@']).next().unwrap_or("");
        let bytes = primary.as_bytes();
        if !(2..=3).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        let mut code = [0u8; 3];
        for (to, from) in code.iter_mut().zip(bytes) {
            *to = from.to_ascii_lowercase();
        }
        Some(Language(canonical(&code).unwrap_or(code)))
    }

    /// The subtag as text.
    pub fn as_str(&self) -> &str {
        let length = if self.0[2] == 0 { 2 } else { 3 };
        std::str::from_utf8(&self.0[..length]).unwrap_or("und")
    }

    /// The script its words are expected in; `None` for a language written in several or unknown.
    pub fn script(self) -> Option<Script> {
        Some(match self.as_str() {
            "ru" | "uk" | "be" | "bg" | "mk" | "ky" | "tg" | "mn" => Script::Cyrillic,
            "hy" => Script::Armenian,
            "ka" => Script::Georgian,
            "el" => Script::Greek,
            "he" | "yi" => Script::Hebrew,
            "ar" | "fa" | "ur" | "ps" => Script::Arabic,
            "zh" => Script::Han,
            "ja" => Script::Kana,
            "ko" => Script::Hangul,
            "th" => Script::Thai,
            "hi" | "mr" | "ne" => Script::Devanagari,
            "ta" | "bn" | "te" | "ml" | "kn" | "gu" | "pa" | "km" | "lo" | "my" | "si" | "am" => {
                Script::Other
            }
            "sr" | "kk" | "uz" | "az" | "bs" | "tt" | "und" | "ku" | "sh" | "mul" => return None,
            _ => Script::Latin,
        })
    }

    /// A number that keeps the same word of two languages apart in a table.
    #[inline]
    pub(crate) fn spread(self) -> u64 {
        let [a, b, c] = self.0;
        (u64::from(a) * 31 + u64::from(b)) * 961 + u64::from(c)
    }

    fn packed(code: &str) -> [u8; 3] {
        let mut packed = [0u8; 3];
        for (to, from) in packed.iter_mut().zip(code.bytes()) {
            *to = from;
        }
        packed
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Three-letter and old codes, and those that share all their resources with another.
const CANONICAL: &[(&str, &str)] = &[
    ("afr", "af"),
    ("aka", "ak"),
    ("amh", "am"),
    ("ara", "ar"),
    ("arm", "hy"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("chi", "zh"),
    ("cmn", "zh"),
    ("cym", "cy"),
    ("cze", "cs"),
    ("dan", "da"),
    ("deu", "de"),
    ("dut", "nl"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("fas", "fa"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("geo", "ka"),
    ("ger", "de"),
    ("gre", "el"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("hyw", "hy"),
    ("in\0", "id"),
    ("ind", "id"),
    ("ita", "it"),
    ("iw\0", "he"),
    ("jav", "jv"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mya", "my"),
    ("nb\0", "no"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nn\0", "no"),
    ("nob", "no"),
    ("nor", "no"),
    ("ori", "or"),
    ("pan", "pa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("sna", "sn"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tuk", "tk"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("wel", "cy"),
    ("yid", "yi"),
    ("yue", "zh"),
    ("zho", "zh"),
    ("zul", "zu"),
];

fn canonical(code: &[u8; 3]) -> Option<[u8; 3]> {
    let at = CANONICAL.binary_search_by(|(from, _)| from.as_bytes().cmp(&code[..])).ok()?;
    Some(Language::packed(CANONICAL[at].1))
}

/// Writing systems that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Script {
    Latin,
    Cyrillic,
    Greek,
    Armenian,
    Georgian,
    Hebrew,
    Arabic,
    Devanagari,
    Thai,
    Hangul,
    Kana,
    Han,
    /// Any other letter.
    Other,
}

impl Script {
    /// How many scripts there are.
    pub const COUNT: usize = Script::Other as usize + 1;

    /// The script of a letter; `None` when it is no letter.
    #[inline]
    pub fn of(c: char) -> Option<Script> {
        if c.is_ascii() {
            return c.is_ascii_alphabetic().then_some(Script::Latin);
        }
        if is_han(c) {
            return Some(Script::Han);
        }
        if !c.is_alphabetic() {
            return None;
        }
        Some(match c as u32 {
            0x00AA..=0x024F | 0x1E00..=0x1EFF | 0xFF21..=0xFF5A => Script::Latin,
            0x0370..=0x03FF | 0x1F00..=0x1FFF => Script::Greek,
            0x0400..=0x052F => Script::Cyrillic,
            0x0531..=0x058F | 0xFB13..=0xFB17 => Script::Armenian,
            0x0590..=0x05FF => Script::Hebrew,
            0x0600..=0x077F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF => Script::Arabic,
            0x0900..=0x097F => Script::Devanagari,
            0x0E00..=0x0E7F => Script::Thai,
            0x10A0..=0x10FF | 0x1C90..=0x1CBF | 0x2D00..=0x2D2F => Script::Georgian,
            0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7AF => Script::Hangul,
            0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F => Script::Kana,
            _ => Script::Other,
        })
    }

    /// The language that a script names by itself.
    pub fn language(self) -> Option<Language> {
        let code = match self {
            Script::Greek => "el",
            Script::Armenian => "hy",
            Script::Georgian => "ka",
            Script::Hebrew => "he",
            Script::Thai => "th",
            Script::Hangul => "ko",
            Script::Kana => "ja",
            Script::Han => "zh",
            _ => return None,
        };
        Some(Language(Language::packed(code)))
    }
}

/// Whether a character is a Chinese character.
#[inline]
pub fn is_han(c: char) -> bool {
    matches!(c as u32, 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF)
        || c == '〇'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_fold_to_the_primary_subtag() {
        for (tag, code) in [
            ("en-US", "en"),
            ("pt_BR", "pt"),
            ("zh-Hant-TW", "zh"),
            ("HUN", "hu"),
            ("nb-NO", "no"),
            (" de ", "de"),
            ("cmn", "zh"),
            ("tgl", "tl"),
            ("fil", "fil"),
        ] {
            assert_eq!(Language::parse(tag).map(|l| l.as_str().to_owned()), Some(code.to_owned()));
        }
        for tag in ["", "e", "english", "12", "日本", "-"] {
            assert_eq!(Language::parse(tag), None, "{tag}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(CANONICAL.is_sorted());
    }
}
