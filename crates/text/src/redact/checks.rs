//! Checksums and shapes of numbers. Digits are values 0 to 9.

/// Luhn's check, as on payment cards.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, &d)| match (n % 2, u32::from(d)) {
            (0, d) => d,
            (_, d) if d < 5 => 2 * d,
            (_, d) => 2 * d - 9,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&d| d != 0)
}

/// Whether a number of this length can begin so on a payment card.
pub(super) fn card_prefix(digits: &[u8]) -> bool {
    let lead = |n: usize| digits.iter().take(n).fold(0u32, |sum, &d| sum * 10 + u32::from(d));
    match digits.len() {
        16 => {
            matches!(lead(1), 4)
                || matches!(lead(2), 51..=55 | 62 | 65 | 35 | 36 | 38 | 50 | 56..=58 | 60 | 63 | 67)
                || matches!(lead(4), 2221..=2720 | 2200..=2204 | 9792 | 9051)
                || matches!(lead(3), 644..=649)
        }
        15 => matches!(lead(2), 34 | 37),
        14 => matches!(lead(2), 36 | 38 | 39) || matches!(lead(3), 300..=305),
        17..=19 => {
            matches!(lead(2), 62 | 50 | 56..=58 | 60 | 63 | 67)
                || matches!(lead(4), 2200..=2204)
                || (digits.len() == 19 && lead(1) == 4)
        }
        12 => matches!(lead(2), 50 | 56..=58 | 67) || matches!(lead(4), 6304 | 6390),
        _ => false,
    }
}

/// Countries with the length of an account number.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// The length of an account number in a country, all characters counted.
pub(super) fn iban_length(country: [u8; 2]) -> Option<usize> {
    let found = IBAN_LENGTHS.iter().find(|(code, _)| code.as_bytes() == country);
    found.map(|(_, length)| *length)
}

/// The check of an account number: letters and digits in upper case, country first.
pub(super) fn iban_check(characters: &[u8]) -> bool {
    let Some((head, body)) = characters.split_at_checked(4) else { return false };
    let mut rest = 0u32;
    for &character in body.iter().chain(head) {
        rest = match character {
            b'0'..=b'9' => rest * 10 + u32::from(character - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(character - b'A') + 10,
            _ => return false,
        } % 97;
    }
    rest == 1
}

/// A Chinese resident id: 17 digits and a check value (10 stands for X), ISO 7064 MOD 11-2.
pub(super) fn chinese_id(digits: &[u8], check: u8) -> bool {
    if digits.len() != 17 || digits[0] == 0 {
        return false;
    }
    let date = digits.get(6..14).is_some_and(is_date);
    let sum = digits.iter().fold(0u32, |sum, &d| (sum + u32::from(d)) * 2 % 11);
    date && (sum + u32::from(check)) % 11 == 1
}

/// Year, month, day as eight digits.
pub(super) fn is_date(digits: &[u8]) -> bool {
    let value = |part: &[u8]| part.iter().fold(0u32, |sum, &d| sum * 10 + u32::from(d));
    digits.len() == 8
        && (1900..=2099).contains(&value(&digits[..4]))
        && (1..=12).contains(&value(&digits[4..6]))
        && (1..=31).contains(&value(&digits[6..8]))
}

/// Year to minute or second in 12 or 14 digits, as in build numbers.
pub(super) fn is_timestamp(digits: &[u8]) -> bool {
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    matches!(digits.len(), 12 | 14)
        && is_date(&digits[..8])
        && pair(8) < 24
        && pair(10) < 60
        && (digits.len() == 12 || pair(12) < 60)
}

fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&d, w)| u32::from(d) * w).sum()
}

/// A Russian taxpayer number of a person (12 digits) or an organisation (10).
pub(super) fn russian_inn(digits: &[u8]) -> bool {
    let check = |weights: &[u32], at: usize| {
        weighted(digits, weights) % 11 % 10 == digits.get(at).copied().map_or(99, u32::from)
    };
    match digits.len() {
        10 => check(&[2, 4, 10, 3, 5, 9, 4, 6, 8], 9),
        12 => {
            check(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 10)
                && check(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 11)
        }
        _ => false,
    }
}

/// A Russian pension insurance number: 9 digits and 2 of check.
pub(super) fn russian_snils(digits: &[u8]) -> bool {
    if digits.len() != 11 {
        return false;
    }
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    sum == u32::from(digits[9]) * 10 + u32::from(digits[10])
}

/// A Hungarian social security number: 8 digits and 1 of check.
pub(super) fn hungarian_taj(digits: &[u8]) -> bool {
    digits.len() == 9 && weighted(digits, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == u32::from(digits[8])
}

/// A Hungarian personal tax number: begins with 8, 10 digits.
pub(super) fn hungarian_tax(digits: &[u8]) -> bool {
    digits.len() == 10
        && digits[0] == 8
        && weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == u32::from(digits[9])
}

/// The number of a French insured person with its key.
pub(super) fn french_nir(digits: &[u8]) -> bool {
    if digits.len() != 15 || !matches!(digits[0], 1 | 2) {
        return false;
    }
    let number = digits[..13].iter().fold(0u64, |sum, &d| sum * 10 + u64::from(d));
    97 - number % 97 == u64::from(digits[13]) * 10 + u64::from(digits[14])
}

/// The control letter of a Spanish identity number of eight digits.
pub(super) fn spanish_letter(digits: &[u8]) -> u8 {
    let number = digits.iter().fold(0u32, |sum, &d| sum * 10 + u32::from(d));
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize]
}

/// A Spanish identity number of a foreigner: X, Y or Z, seven digits, a control letter.
pub(super) fn spanish_nie(word: &str) -> bool {
    let [first, digits @ .., control] = word.as_bytes() else { return false };
    if digits.len() != 7 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let first = match first.to_ascii_uppercase() {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    let mut number = vec![first];
    number.extend(digits.iter().map(|b| b - b'0'));
    spanish_letter(&number) == control.to_ascii_uppercase()
}

/// A Taiwanese identity number: a letter for the place, 1 or 2, seven digits and one of check.
pub(super) fn taiwan_id(word: &str) -> bool {
    const PLACES: &[u8] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let [place, digits @ ..] = word.as_bytes() else { return false };
    if digits.len() != 9 || !digits.iter().all(u8::is_ascii_digit) || !b"12".contains(&digits[0]) {
        return false;
    }
    let Some(place) = PLACES.iter().position(|known| known == place) else { return false };
    let place = place as u32 + 10;
    let weights = [8, 7, 6, 5, 4, 3, 2, 1, 1];
    let sum: u32 = digits.iter().zip(weights).map(|(b, w)| u32::from(b - b'0') * w).sum();
    (place / 10 + place % 10 * 9 + sum).is_multiple_of(10)
}

/// A German tax identification number, ISO 7064 MOD 11,10.
pub(super) fn german_tax(digits: &[u8]) -> bool {
    if digits.len() != 11 || digits[0] == 0 {
        return false;
    }
    let mut product = 10u32;
    for &digit in &digits[..10] {
        let sum = (u32::from(digit) + product) % 10;
        product = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    }
    (11 - product) % 10 == u32::from(digits[10])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect()
    }

    #[test]
    fn published_examples_pass_and_one_changed_digit_fails() {
        type Check = fn(&[u8]) -> bool;
        let cases: [(Check, &str); 9] = [
            (luhn, "4111111111111111"),
            (russian_inn, "7707083893"),
            (russian_inn, "500100732259"),
            (russian_snils, "11223344595"),
            (hungarian_taj, "111111110"),
            (hungarian_tax, "8071592153"),
            (french_nir, "255081416802538"),
            (german_tax, "86095742719"),
            (|d| chinese_id(&d[..17], d[17]), "110105194912310038"),
        ];
        for (check, number) in cases {
            let good = digits(number);
            assert!(check(&good), "{number}");
            let mut bad = good;
            bad[8] = (bad[8] + 1) % 10;
            assert!(!check(&bad), "{number} with a changed digit");
        }
        assert!(chinese_id(&digits("11010519491231002"), 10));
        assert!(iban_check(b"DE89370400440532013000"));
        assert!(iban_check(b"HU42117730161111101800000000"));
        assert!(!iban_check(b"DE89370400440532013001"));
        assert_eq!(spanish_letter(&digits("12345678")), b'Z');
        assert!(spanish_nie("X1234567L") && !spanish_nie("Y1234567L") && !spanish_nie("X123"));
        assert!(taiwan_id("A123456789") && !taiwan_id("A123456788") && !taiwan_id("A323456789"));
    }
}
