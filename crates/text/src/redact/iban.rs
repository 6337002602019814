//! International bank account numbers: country, length and check must all be right.

use super::checks::{iban_check, iban_length};
use super::{Kind, Marks};

/// Marks every account number, written together or in groups.
pub(super) fn find(text: &str, marks: &mut Marks) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 4 <= bytes.len() {
        let begins = bytes[at].is_ascii_alphabetic()
            && bytes[at + 1].is_ascii_alphabetic()
            && bytes[at + 2].is_ascii_digit()
            && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'-'));
        match begins.then(|| end_of(bytes, at)).flatten() {
            Some(end) => {
                marks.add(at, end, Kind::Iban);
                at = end;
            }
            None => at += 1,
        }
    }
}

fn end_of(bytes: &[u8], start: usize) -> Option<usize> {
    let country = [bytes[start].to_ascii_uppercase(), bytes[start + 1].to_ascii_uppercase()];
    let length = iban_length(country)?;
    let mut characters = [0u8; 34];
    let (mut taken, mut at) = (0, start);
    while taken < length {
        let byte = *bytes.get(at)?;
        if byte.is_ascii_alphanumeric() {
            characters[taken] = byte.to_ascii_uppercase();
            taken += 1;
        } else if !(matches!(byte, b' ' | b'-')
            && taken > 0
            && bytes[at - 1].is_ascii_alphanumeric())
        {
            return None;
        }
        at += 1;
    }
    let ends = bytes.get(at).is_none_or(|b| !b.is_ascii_alphanumeric());
    (ends && iban_check(&characters[..length])).then_some(at)
}
