//! E-mail addresses, written and spoken out.

use super::{Kind, Marks};
use crate::language::is_han;

/// Domains that a spoken address must end in; a written one shows itself by its `@`.
const SPOKEN_ENDINGS: &[&str] = &[
    "com", "net", "org", "edu", "gov", "info", "io", "co", "eu", "uk", "de", "fr", "es", "hu",
    "ru", "am", "cn", "us", "ca", "au", "ch", "at", "it", "nl", "me",
];
pub(super) const SPOKEN_DOT: &[&str] =
    &["dot", "punkt", "punto", "ponto", "point", "pont", "точка", "կետ"];
/// How the sign is called, with the word for a dot that the same speakers use.
const SPOKEN_AT: &[(&str, &[&str])] = &[
    ("at", &["dot", "punkt"]),
    ("ät", &["punkt"]),
    ("arroba", &["punto", "ponto"]),
    ("chiocciola", &["punto"]),
    ("arobase", &["point"]),
    ("kukac", &["pont"]),
    ("собака", &["точка"]),
    ("собачка", &["точка"]),
    ("շնիկ", &["կետ"]),
];
/// Signs inside the name, spoken in one word or two.
const SPOKEN_SIGNS: &[&str] = &[
    "underscore",
    "dash",
    "hyphen",
    "minus",
    "plus",
    "unterstrich",
    "bindestrich",
    "aláhúzás",
    "alsóvonal",
    "kötőjel",
    "подчеркивание",
    "подчёркивание",
    "дефис",
    "тире",
    "guion",
    "guión",
    "tiret",
    "underline",
];
/// Parts of a name or of a domain that are joined by spoken signs: no address has more, and a text
/// of nothing but signs is gone through once.
const MOST_PARTS: usize = 16;
/// No word of the lists above is longer.
const LONGEST_SIGN_BYTES: usize = 32;
const SPOKEN_LOW: &[&str] = &["bajo", "medio", "нижнее", "low", "bas"];

/// Marks every written address.
pub(super) fn find_written(text: &str, marks: &mut Marks) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(['@', '＠'])) {
        let at = from + at;
        let sign = text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        from = at + sign;
        let (Some(before), Some(after)) = (text.get(..at), text.get(at + sign..)) else { continue };
        let local: usize =
            before.chars().rev().take_while(|&c| is_local(c)).map(char::len_utf8).sum();
        let local_text = before.get(at - local..).unwrap_or("").trim_start_matches(['.', '-', '+']);
        let domain = domain_length(after);
        if local_text.contains(char::is_alphanumeric) && domain > 0 {
            let start = at - local_text.len();
            let end = at + sign + domain;
            marks.add(start, end, Kind::Email);
            from = end;
        }
    }
}

fn is_local(c: char) -> bool {
    (c.is_alphanumeric() && !is_han(c)) || "._%+-'".contains(c)
}

/// The length of a host name with at least one dot and letters at its end; 0 when there is none.
fn domain_length(text: &str) -> usize {
    let name: usize = text
        .chars()
        .take_while(|&c| (c.is_alphanumeric() && !is_han(c)) || c == '.' || c == '-')
        .map(char::len_utf8)
        .sum();
    let mut name = text.get(..name).unwrap_or("");
    loop {
        name = name.trim_end_matches(['.', '-']);
        let Some((host, ending)) = name.rsplit_once('.') else { return 0 };
        let host_ends_well = host.ends_with(char::is_alphanumeric);
        if host_ends_well && ending.chars().count() >= 2 && ending.chars().all(char::is_alphabetic)
        {
            return name.len();
        }
        name = host;
    }
}

/// Marks `john dot smith at example dot com`. Words come with their places.
pub(super) fn find_spoken(text: &str, words: &[(usize, usize)], marks: &mut Marks) {
    let word = |n: usize| {
        let &(start, end) = words.get(n)?;
        text.get(start..end).filter(|word| word.len() <= LONGEST_SIGN_BYTES)
    };
    let is = |n: usize, list: &[&str]| {
        word(n).is_some_and(|word| list.contains(&word.to_lowercase().as_str()))
    };
    for at in 1..words.len().saturating_sub(2) {
        let Some(sign) = word(at).map(str::to_lowercase) else { continue };
        let spoken = SPOKEN_AT.iter().find(|(known, _)| *known == sign);
        let Some((_, dots)) = spoken else { continue };
        let mut last = at + 1;
        for _ in 0..MOST_PARTS {
            if !is(last + 1, dots) || last + 2 >= words.len() {
                break;
            }
            last += 2;
        }
        if last == at + 1 || !is(last, SPOKEN_ENDINGS) {
            continue;
        }
        let mut first = at - 1;
        for _ in 0..MOST_PARTS {
            let Some(before) = name_before(first, is) else { break };
            first = before;
        }
        marks.add(words[first].0, words[last].1, Kind::Email);
    }
}

/// The word of a spoken name that is joined to the word `first` by a spoken sign.
fn name_before(first: usize, is: impl Fn(usize, &[&str]) -> bool) -> Option<usize> {
    let sign = first.checked_sub(1)?;
    if is(sign, SPOKEN_DOT) || is(sign, SPOKEN_SIGNS) {
        let low = sign.checked_sub(1).filter(|before| is(*before, SPOKEN_LOW));
        return low.unwrap_or(sign).checked_sub(1);
    }
    let two = is(sign, SPOKEN_LOW) && is(sign.checked_sub(1)?, SPOKEN_SIGNS);
    if two { sign.checked_sub(2) } else { None }
}
