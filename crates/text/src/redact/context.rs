//! What the words before a number, and the signs around it, say of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::chinese::to_simplified;
use crate::language::is_han;

/// Characters looked at before and after a number.
const WINDOW_CHARS: usize = 40;

/// What a number is called by the nearest telling word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    Phone,
    /// An order, ticket, version: something of ours that must stay.
    Reference,
    Account,
    /// A personal number or document of the state.
    NationalId,
    Nothing,
}

impl Called {
    fn named(class: &str) -> Called {
        match class {
            "phone" => Called::Phone,
            "reference" => Called::Reference,
            "account" => Called::Account,
            "national_id" => Called::NationalId,
            _ => Called::Nothing,
        }
    }
}

static WORDS: &str = include_str!("../../data/telling_words.txt");

const CURRENCY_SIGNS: &[char] = &['$', '€', '£', '¥', '₽', '₹', '֏', '￥', '฿', '₩', '₴', '₸', '%'];
const CURRENCY_WORDS: &[&str] = &[
    "usd",
    "eur",
    "gbp",
    "huf",
    "ft",
    "rub",
    "amd",
    "cny",
    "rmb",
    "chf",
    "pln",
    "dollar",
    "euro",
    "forint",
    "руб",
    "р.",
    "драм",
    "դրամ",
    "元",
    "块",
    "人民币",
    "pounds",
    "pesos",
    "yuan",
    "jpy",
];

/// Endings of compounds that name a number of ours, unless their beginning tells otherwise.
const REFERENCE_ENDINGS: &[&str] = &["nummer", "szám"];

/// The nearest telling word before a number.
pub(super) fn called(text: &str, number_start: usize) -> Called {
    let before = window_before(text, number_start);
    // The name of a mark says nothing of the next number.
    let before = fold(before.rsplit('⟩').next().unwrap_or(before));
    let before = before.get(last_sentence(&before)..).unwrap_or(&before);
    let telling = telling_words();
    let mut best = (0, Called::Nothing);
    for (at, first) in before.char_indices() {
        let mut told = false;
        for word in telling.get(&first).into_iter().flatten() {
            let end = at + word.text.len();
            if begins_a_word(before, at, word.text) {
                told = true;
                if end > best.0 {
                    best = (end, word.called);
                }
            }
        }
        if !told
            && let Some(end) = reference_compound(before, at)
            && end > best.0
        {
            best = (end, Called::Reference);
        }
    }
    if best.1 == Called::Nothing && before.trim_end().ends_with(['#', '№']) {
        return Called::Reference;
    }
    best.1
}

/// Whether a number is said to be one of ours by the words right after it: `2024/17 számú számla`.
pub(super) fn called_reference_after(text: &str, number_end: usize) -> bool {
    let after: String = text.get(number_end..).unwrap_or("").chars().take(WINDOW_CHARS).collect();
    let after = fold(&after);
    let ends = ['.', ',', ';', '!', '?', '\n', '。', '，', '；', '！', '？'];
    let after = after.split(ends).next().unwrap_or("");
    let telling = telling_words();
    let nearest = after.char_indices().find_map(|(at, first)| {
        let words = telling.get(&first)?;
        words.iter().find(|word| begins_a_word(after, at, word.text)).map(|word| word.called)
    });
    nearest == Some(Called::Reference)
}

/// The end of a word at `at` that is a compound naming a number.
fn reference_compound(text: &str, at: usize) -> Option<usize> {
    let starts = text.get(..at)?.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    let word: &str = text.get(at..)?.split(|c: char| !c.is_alphabetic()).next()?;
    let compound = REFERENCE_ENDINGS
        .iter()
        .any(|ending| word.len() > ending.len() + 2 && word.ends_with(ending));
    (starts && compound).then_some(at + word.len())
}

/// Lower case, simplified characters, ё as е: as the words are listed.
fn fold(text: &str) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ё' { 'е' } else { to_simplified(c) }).collect()
}

struct Telling {
    text: &'static str,
    called: Called,
}

/// The telling words by their first character. Of two that end at one place the earlier speaks.
fn telling_words() -> &'static BTreeMap<char, Vec<Telling>> {
    static BY_FIRST: OnceLock<BTreeMap<char, Vec<Telling>>> = OnceLock::new();
    BY_FIRST.get_or_init(|| {
        let mut words: BTreeMap<char, Vec<Telling>> = BTreeMap::new();
        let mut called = Called::Nothing;
        for line in WORDS.lines().filter(|line| !line.starts_with('#')) {
            if let Some(class) = line.strip_prefix("@ ") {
                called = Called::named(class);
                continue;
            }
            for text in line.split(',').map(str::trim) {
                if let Some(first) = text.chars().next() {
                    words.entry(first).or_default().push(Telling { text, called });
                }
            }
        }
        words
    })
}

/// Where the last sentence begins. A full stop after a few letters ends an abbreviation (`tel. 1`).
fn last_sentence(text: &str) -> usize {
    let ends = ["\n", "! ", "? ", "。", "！", "？"];
    let hard = ends.iter().filter_map(|end| text.rfind(end).map(|at| at + end.len())).max();
    let stop = text.rfind(". ").filter(|&at| {
        let word = text.get(..at).unwrap_or("").chars().rev().take_while(|c| c.is_alphabetic());
        word.count() > 4
    });
    hard.unwrap_or(0).max(stop.map_or(0, |at| at + 2))
}

/// Whether the number is an amount of money or a share.
pub(super) fn is_amount(text: &str, start: usize, end: usize) -> bool {
    let before = window_before(text, start).trim_end();
    if before.ends_with(CURRENCY_SIGNS) {
        return true;
    }
    let lower = before.to_lowercase();
    let code = CURRENCY_WORDS
        .iter()
        .any(|word| lower.ends_with(word) && begins_a_word(&lower, lower.len() - word.len(), word));
    let after = text.get(end..).unwrap_or("").trim_start_matches([' ', '\u{a0}', '.', '-']);
    let after: String = after.chars().take(12).flat_map(char::to_lowercase).collect();
    code || after.starts_with(CURRENCY_SIGNS)
        || CURRENCY_WORDS.iter().any(|word| {
            after.strip_prefix(word).is_some_and(|rest| {
                word.chars().any(is_han) || !rest.starts_with(char::is_alphabetic) || word.len() > 4
            })
        })
}

/// Whether a word of the text that begins with `word` stands at `at`.
fn begins_a_word(text: &str, at: usize, word: &str) -> bool {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(word)) else { return false };
    if word.chars().all(is_han) {
        return true;
    }
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    if before.is_some_and(char::is_alphanumeric) {
        return false;
    }
    // A few letters more make an inflected form, not another word.
    let tail = rest.chars().take_while(|c| c.is_alphabetic()).count();
    tail <= match word.chars().count() {
        0..4 => 1,
        4..6 => 8,
        _ => 24,
    }
}

fn window_before(text: &str, start: usize) -> &str {
    let before = text.get(..start).unwrap_or("");
    let from = before.char_indices().rev().take(WINDOW_CHARS).last().map_or(start, |(at, _)| at);
    before.get(from..).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_list_reads_and_is_folded() {
        let words = telling_words();
        for class in [Called::Phone, Called::Reference, Called::Account, Called::NationalId] {
            assert!(words.values().flatten().filter(|word| word.called == class).count() > 20);
        }
        for word in words.values().flatten() {
            assert_eq!(fold(word.text), word.text);
            assert_ne!(word.called, Called::Nothing, "{}", word.text);
        }
    }

    #[test]
    fn the_nearest_word_names_the_number() {
        for (before, expected) in [
            ("order 7, my phone is ", Called::Phone),
            ("my phone is broken, order ", Called::Reference),
            ("Bestellnummer ", Called::Reference),
            ("Zeichnungsnummer ", Called::Reference),
            ("meine Nummer ", Called::Nothing),
            ("Kontonummer ", Called::Account),
            ("meine Steueridentifikationsnummer lautet ", Called::NationalId),
            ("cikkszám: ", Called::Reference),
            ("telefonszámom ", Called::Phone),
            ("показания счётчика ", Called::Reference),
            ("расчётный счёт ", Called::Account),
            ("聯絡電話", Called::Phone),
            ("訂單編號：", Called::Reference),
            ("I have an order. Call ", Called::Nothing),
        ] {
            assert_eq!(called(before, before.len()), expected, "{before}");
        }
        assert!(called_reference_after("12 számú számla", 2));
        assert!(!called_reference_after("12. A számla", 2));
    }
}
