//! Personal numbers and documents with letters in them: by their check letter, by their shape, or
//! by what they are called.

use super::checks;
use super::context::{self, Called};
use super::{Kind, Marks};

/// Shapes of personal numbers, `A` for a letter, `9` for a digit and `X` for either, and whether
/// one must be called such.
const SHAPES: [(&str, bool); 5] = [
    // Italian tax code, Mexican population register.
    ("AAAAAA99A99A999A", false),
    ("AAAA999999AAAAAAX9", false),
    // British and German insurance numbers, that of Medicare.
    ("AA999999A", true),
    ("99999999A999", true),
    ("9AX9AX9AA99", true),
];
const SHORTEST: usize = 7;
const LONGEST: usize = 14;
const FEWEST_DIGITS: usize = 4;

/// Marks every document number that holds letters.
pub(super) fn find(text: &str, marks: &mut Marks) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if length > 0 && !joined_before(text, at) {
            let called = || context::called(text, at);
            if let Some(end) = document_end(text, at, length, called) {
                marks.add(at, end, Kind::NationalId);
            }
        }
        at += length.max(1);
    }
}

fn document_end(
    text: &str,
    start: usize,
    length: usize,
    called: impl Fn() -> Called,
) -> Option<usize> {
    let end = start + length;
    let word = text.get(start..end)?;
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if (digits > 0 || length == 2) && !joined_after(text, end) {
        let by_check = digits < length && (checks::spanish_nie(word) || checks::taiwan_id(word));
        if by_check && called() != Called::Reference {
            return Some(end);
        }
        let plausible = (SHORTEST..=LONGEST).contains(&length)
            && (FEWEST_DIGITS..length).contains(&digits)
            && word.bytes().any(|b| b.is_ascii_uppercase());
        if plausible && called() == Called::NationalId {
            return Some(end);
        }
    }
    SHAPES.iter().find_map(|(shape, by_name)| {
        let end = shape_end(text, start, shape)?;
        (!by_name || called() == Called::NationalId).then_some(end)
    })
}

/// The end of what has a shape, single spaces and dashes left out.
fn shape_end(text: &str, start: usize, shape: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    for (n, expected) in shape.bytes().enumerate() {
        if n > 0 && matches!(bytes.get(at), Some(b' ' | b'-')) {
            at += 1;
        }
        let fits = match (expected, bytes.get(at)?) {
            (b'9', byte) => byte.is_ascii_digit(),
            (b'X', byte) => byte.is_ascii_alphanumeric(),
            (_, byte) => byte.is_ascii_alphabetic(),
        };
        if !fits {
            return None;
        }
        at += 1;
    }
    (!joined_after(text, at)).then_some(at)
}

fn joined_before(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    before.is_some_and(|c| joins(c) || matches!(c, '-' | '.' | '/'))
}

fn joined_after(text: &str, at: usize) -> bool {
    let mut after = text.get(at..).unwrap_or("").chars();
    match after.next() {
        Some('-' | '.' | '/' | '@') => after.next().is_some_and(joins),
        Some(c) => joins(c),
        None => false,
    }
}

fn joins(c: char) -> bool {
    (c.is_alphanumeric() && !crate::language::is_han(c)) || c == '_'
}
