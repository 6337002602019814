//! Folding of characters and words: NFKC, lower case, and the folds that make spellings of one
//! word equal. Accents stay (stemming needs them); [`plain`] gives the accent-free twin.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::language::is_han;

/// What a character outside ASCII is to the word splitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A letter whose folded form is itself in lower case.
    Simple,
    /// A letter, digit or mark that needs the full normalisation of its word.
    Complex,
    /// A character of a script without spaces: a word of its own.
    Alone,
    /// Invisible, or an Armenian mark written inside a word: dropped.
    Dropped,
    /// One of the signs written for an apostrophe.
    Apostrophe,
    /// Ends a sentence.
    Sentence,
    /// Ends a clause.
    Clause,
    /// Anything else: separates words.
    Other,
}

/// Classifies a character outside ASCII.
pub(crate) fn classify(c: char) -> Class {
    match c as u32 {
        0x00C0..=0x00D6 | 0x00D8..=0x00F6 | 0x00F8..=0x012F | 0x0134..=0x013E => Class::Simple,
        0x0141..=0x0148 | 0x014A..=0x017E => Class::Simple,
        0x0386 | 0x0388..=0x03CE | 0x0400..=0x0481 | 0x048A..=0x052F => {
            if c.is_alphabetic() {
                Class::Simple
            } else {
                Class::Other
            }
        }
        0x0531..=0x0556 | 0x0561..=0x0586 | 0x05D0..=0x05EA => Class::Simple,
        0x055B..=0x055C | 0x055E => Class::Dropped,
        0x00AD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0x2066..=0x2069 => {
            Class::Dropped
        }
        0xFEFF | 0x061C | 0xFE00..=0xFE0F => Class::Dropped,
        0x2018 | 0x2019 | 0x02BC | 0x00B4 | 0xFF07 => Class::Apostrophe,
        0x3002 | 0xFF01 | 0xFF1F | 0xFF0E | 0x0589 | 0x061F | 0x06D4 | 0x0964 | 0x2026 => {
            Class::Sentence
        }
        0xFF0C | 0x3001 | 0xFF1B | 0xFF1A | 0xFF08 | 0xFF09 | 0x300C..=0x3011 | 0x060C | 0x061B => {
            Class::Clause
        }
        0x055D | 0x2013..=0x2015 | 0x201C..=0x201E | 0x00AB | 0x00BB | 0x00BF | 0x00A1 | 0x2022 => {
            Class::Clause
        }
        0x2028 | 0x2029 | 0x0085 => Class::Sentence,
        _ if is_han(c) || stands_alone(c) => Class::Alone,
        _ if c.is_alphanumeric() || is_combining_mark(c) => Class::Complex,
        _ => Class::Other,
    }
}

/// Kana, Thai, Lao, Burmese and Khmer are written without spaces.
fn stands_alone(c: char) -> bool {
    c.is_alphabetic()
        && matches!(
            c as u32,
            0x3005..=0x3007 | 0x3040..=0x30FF | 0x31F0..=0x31FF | 0x0E00..=0x0EFF | 0x1000..=0x109F
                | 0x1780..=0x17FF
        )
        && !is_combining_mark(c)
}

/// Appends the folded form of a [`Class::Simple`] letter.
#[inline]
pub(crate) fn push_simple(c: char, out: &mut String) {
    match c {
        'ё' | 'Ё' => out.push('е'),
        'ß' => out.push_str("ss"),
        'ς' => out.push('σ'),
        _ => out.extend(c.to_lowercase()),
    }
}

/// Appends the folded form of any word.
pub(crate) fn push_word(word: &str, out: &mut String) {
    for c in word.nfkc().flat_map(char::to_lowercase).nfkc() {
        if is_combining_mark(c) || !c.is_alphanumeric() {
            continue;
        }
        match digit_value(c) {
            Some(digit) => out.push(char::from(b'0' + digit)),
            None => push_simple(c, out),
        }
    }
}

/// The value of a decimal digit in the scripts that customers write numbers in.
#[inline]
pub fn digit_value(c: char) -> Option<u8> {
    let first = match c as u32 {
        0x30..=0x39 => 0x30,
        0x660..=0x669 => 0x660,
        0x6F0..=0x6F9 => 0x6F0,
        0x966..=0x96F => 0x966,
        0xFF10..=0xFF19 => 0xFF10,
        _ => return None,
    };
    Some((c as u32 - first) as u8)
}

/// The accent-free twin of a folded word, for people who type without accents. Only Latin and
/// Greek letters lose theirs: in other scripts the mark makes another letter.
pub fn plain(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ı' => out.push('i'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            '\u{C0}'..='\u{24F}' | '\u{370}'..='\u{3FF}' | '\u{1E00}'..='\u{1FFF}' => {
                out.extend(std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)));
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_fold_to_one() {
        for (written, folded) in [
            ("ＡＢＣ１２３", "abc123"),
            ("e\u{301}te\u{301}", "été"),
            ("Straße", "strasse"),
            ("Ещё", "еще"),
            ("և", "եւ"),
            ("İstanbul", "istanbul"),
            ("٤٢", "42"),
            ("ﬁle", "file"),
            ("ΛΌΓΟΣ", "λόγοσ"),
        ] {
            let mut out = String::new();
            push_word(written, &mut out);
            assert_eq!(out, folded);
        }
        assert_eq!(plain("működik"), "mukodik");
        assert_eq!(plain("всё й"), "всё й");
        assert_eq!(plain("œuvre"), "oeuvre");
    }
}
