//! Digits said as words: eight or more in a row are a card, a phone number or an id.

use std::sync::OnceLock;

use super::email::SPOKEN_DOT;
use super::{Kind, Marks};
use crate::hash::hash64;
use crate::language::is_han;

/// Fewer than this many in a row are a quantity or a code that may stay.
const FEWEST: usize = 8;

/// Digits, and the tens that numbers are read in pairs with.
const DIGIT_WORDS: &str = "zero oh one two three four five six seven eight nine double triple \
    twenty thirty forty fifty sixty seventy eighty ninety \
    nulla egy kettő két három négy öt hat hét nyolc kilenc \
    húsz harminc negyven ötven hatvan hetven nyolcvan kilencven \
    ноль один два три четыре пять шесть семь восемь девять \
    двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто \
    զրո մեկ երկու երեք չորս հինգ վեց յոթ ութ ինը \
    քսան երեսուն քառասուն հիսուն վաթսուն յոթանասուն ութսուն իննսուն \
    cero uno dos tres cuatro cinco seis siete ocho nueve \
    veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa \
    null eins zwei zwo drei vier fünf sechs sieben acht neun \
    zwanzig dreißig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig \
    zéro un deux trois quatre cinq sept huit neuf vingt trente quarante cinquante soixante";
const CHINESE_DIGITS: &str = "零〇一二三四五六七八九幺两";

/// Whether a text may hold spoken digits or a spoken address at all.
pub(super) fn may_hold(text: &str) -> bool {
    let known = known();
    // Every fourth word is looked at: a run of eight holds two of those next to each other.
    let mut last_was_digit = false;
    // Byte by byte: no separator is part of a longer character.
    let words = text.as_bytes().split(|b| b.is_ascii() && !b.is_ascii_alphanumeric());
    for (number, word) in words.filter(|word| word.len() > 1).enumerate() {
        if number % 4 == 3 {
            let digit = is_digit_word(word, known);
            if digit && last_was_digit {
                return true;
            }
            last_was_digit = digit;
        }
        let may_be_dot = !word.is_ascii() || matches!(word[0] | 0x20, b'd' | b'p');
        if may_be_dot
            && SPOKEN_DOT
                .iter()
                .any(|dot| word.len() == dot.len() && word.eq_ignore_ascii_case(dot.as_bytes()))
        {
            return true;
        }
    }
    false
}

/// Marks runs of digit words. Words come with their places.
pub(super) fn find(text: &str, words: &[(usize, usize)], marks: &mut Marks) {
    let known = known();
    let mut run = 0;
    for at in 0..=words.len() {
        let digit = words.get(at).is_some_and(|&(start, end)| {
            let joined = run == 0
                || text.get(words[at - 1].1..start).is_some_and(|between| {
                    between.chars().all(|c| c.is_whitespace() || matches!(c, '-' | ',' | '.'))
                });
            joined && text.get(start..end).is_some_and(|word| is_digit_word(word.as_bytes(), known))
        });
        if digit {
            run += 1;
            continue;
        }
        if run >= FEWEST {
            marks.add(words[at - run].0, words[at - 1].1, Kind::Digits);
        }
        run = 0;
    }
}

/// Marks runs of Chinese digits, single spaces and dashes between them left out.
pub(super) fn find_chinese(text: &str, marks: &mut Marks) {
    let (mut start, mut end, mut count) = (0, 0, 0);
    let mut parted = false;
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        if CHINESE_DIGITS.contains(c) {
            if count == 0 {
                start = at;
            }
            count += 1;
            end = at + c.len_utf8();
            parted = false;
        } else if count > 0 && !parted && matches!(c, ' ' | '-' | '－' | '　') {
            parted = true;
        } else {
            if count >= FEWEST {
                marks.add(start, end, Kind::Digits);
            }
            (count, parted) = (0, false);
        }
    }
}

/// The words of a text, Chinese left out.
pub(super) fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let letter = if c.is_ascii() { c.is_ascii_alphanumeric() } else { is_letter(c) };
        match (letter, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| (from, text.len())));
    words
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !is_han(c)
}

fn is_digit_word(word: &[u8], known: &[u64]) -> bool {
    if !(2..=16).contains(&word.len()) {
        return false;
    }
    let mut buffer = [0u8; 16];
    if word.is_ascii() {
        let lower = &mut buffer[..word.len()];
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        return known.binary_search(&hash64(lower)).is_ok();
    }
    let lower = String::from_utf8_lossy(word).to_lowercase();
    known.binary_search(&hash64(lower.as_bytes())).is_ok()
}

fn known() -> &'static [u64] {
    static KNOWN: OnceLock<Vec<u64>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let words = DIGIT_WORDS.split_whitespace();
        let mut hashes: Vec<u64> = words.map(|word| hash64(word.as_bytes())).collect();
        hashes.sort_unstable();
        hashes
    })
}
