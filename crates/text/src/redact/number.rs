//! Numbers: cards, national ids, phone numbers, long runs; and what only looks like them.

use super::checks;
use super::context::{self, Called};
use super::{Kind, Marks};
use crate::language::is_han;
use crate::normalise::digit_value;

/// Digits in one group from which on it is taken out without a reason to keep it.
const LONG_RUN: usize = 12;
/// Digits after a word such as "account" or "passport".
const CALLED_RUN: usize = 8;
const FEWEST_PHONE: usize = 7;
const MOST_PHONE: usize = 15;

/// Digits written without a gap.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
    /// Where its digits begin in the run's digits.
    first: usize,
    count: usize,
    /// What stands before it in the run.
    gap: Gap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    None,
    Space,
    Dash,
    Dot,
    Slash,
    Bracket,
}

/// Groups that stand close together.
#[derive(Default)]
struct Run {
    groups: Vec<Group>,
    digits: Vec<u8>,
}

/// Marks every number that may identify somebody.
pub(super) fn find(text: &str, marks: &mut Marks) {
    let mut run = Run::default();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let Some(digit) = digit_value(c) else { continue };
        let first = run.digits.len();
        run.digits.push(digit);
        let mut end = at + c.len_utf8();
        while let Some(&(_, next)) = chars.peek() {
            let Some(digit) = digit_value(next) else { break };
            run.digits.push(digit);
            end += next.len_utf8();
            chars.next();
        }
        let gap = match run.groups.last() {
            None => Gap::None,
            Some(_) => gap_before(text, &run, at),
        };
        let group = Group { start: at, end, first, count: run.digits.len() - first, gap };
        run.groups.push(group);
        let rest = text.get(end..).unwrap_or("");
        if !goes_on(rest) {
            judge_run(text, &run, marks);
            run.groups.clear();
            run.digits.clear();
        }
    }
    judge_run(text, &run, marks);
}

/// Whether another group of the same number may follow.
fn goes_on(rest: &str) -> bool {
    let gap = gap_length(rest);
    gap > 0
        && rest.get(..gap).and_then(gap_kind).is_some()
        && rest.get(gap..).and_then(|r| r.chars().next()).is_some_and(|c| digit_value(c).is_some())
}

fn gap_length(rest: &str) -> usize {
    rest.chars().take(4).take_while(|&c| is_gap(c)).map(char::len_utf8).sum()
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '-' | '–' | '‑' | '‐' | '－' | '.' | '/' | '(' | ')')
}

fn gap_kind(gap: &str) -> Option<Gap> {
    if gap.chars().count() > 3 || gap.contains(". ") || gap.contains("  ") {
        return None;
    }
    let has = |list: &[char]| gap.contains(list);
    Some(if has(&['(', ')']) {
        Gap::Bracket
    } else if has(&['.']) {
        Gap::Dot
    } else if has(&['/']) {
        Gap::Slash
    } else if has(&['-', '–', '‑', '‐', '－']) {
        Gap::Dash
    } else {
        Gap::Space
    })
}

fn gap_before(text: &str, run: &Run, at: usize) -> Gap {
    let gap = run.groups.last().and_then(|last| text.get(last.end..at));
    gap.and_then(gap_kind).unwrap_or(Gap::None)
}

fn judge_run(text: &str, run: &Run, marks: &mut Marks) {
    if run.digits.len() < FEWEST_PHONE {
        return;
    }
    let mut from = 0;
    for at in 0..run.groups.len() {
        if at < from {
            continue;
        }
        if let Some(after) = date_at(run, at) {
            judge_cards(text, run, from, at, marks);
            from = after;
        }
    }
    judge_cards(text, run, from, run.groups.len(), marks);
}

/// The group after a date that begins at a group.
fn date_at(run: &Run, at: usize) -> Option<usize> {
    let group = run.groups.get(at)?;
    let digits = run.digits.get(group.first..group.first + group.count)?;
    if checks::is_timestamp(digits) || (digits.len() == 8 && checks::is_date(digits)) {
        return Some(at + 1);
    }
    let [a, b, c] = run.groups.get(at..at + 3)? else { return None };
    let same = b.gap == c.gap && matches!(b.gap, Gap::Dash | Gap::Dot | Gap::Slash);
    let alone = run.groups.len() == 3;
    let value = |g: &Group| {
        run.digits.iter().skip(g.first).take(g.count).fold(0u32, |sum, &d| sum * 10 + u32::from(d))
    };
    let day_or_month = |g: &Group| g.count <= 2 && (1..=31).contains(&value(g));
    let year = |g: &Group| g.count == 4 && (1900..=2099).contains(&value(g));
    let dated = (year(a) && day_or_month(b) && day_or_month(c))
        || (day_or_month(a) && day_or_month(b) && (year(c) || (alone && c.count == 2)));
    (same && dated).then_some(at + 3)
}

/// Finds cards among the groups; what is left goes on to the other kinds.
fn judge_cards(text: &str, run: &Run, from: usize, to: usize, marks: &mut Marks) {
    let mut rest = from;
    let mut at = from;
    while at < to {
        if let Some(end) = card_end(run, at, to) {
            judge_rest(text, run, rest, at, marks);
            marks.add(run.groups[at].start, run.groups[end - 1].end, Kind::Card);
            (rest, at) = (end, end);
        } else {
            at += 1;
        }
    }
    judge_rest(text, run, rest, to, marks);
}

fn card_end(run: &Run, at: usize, to: usize) -> Option<usize> {
    let first = run.groups[at].first;
    let mut count = 0;
    let mut best: Option<(usize, usize)> = None;
    for (n, group) in run.groups[at..to].iter().enumerate() {
        if n > 0 && !matches!(group.gap, Gap::Space | Gap::Dash) {
            break;
        }
        count += group.count;
        let digits = run.digits.get(first..first + count)?;
        let groups_fit = n == 0
            || (run.groups[at].count >= 3 && run.groups[at..at + n].iter().all(|g| g.count >= 3));
        if groups_fit && checks::card_prefix(digits) && checks::luhn(digits) {
            let rank = [16, 15, 14, 19, 18, 17, 12].iter().position(|&l| l == count).unwrap_or(9);
            if best.is_none_or(|(known, _)| rank < known) {
                best = Some((rank, at + n + 1));
            }
        }
        if count > 19 {
            break;
        }
    }
    best.map(|(_, end)| end)
}

/// Some neighbouring groups, as one number.
struct Number<'a> {
    text: &'a str,
    groups: &'a [Group],
    digits: &'a [u8],
    start: usize,
    end: usize,
}

fn judge_rest(text: &str, run: &Run, from: usize, to: usize, marks: &mut Marks) {
    let Some(groups) = run.groups.get(from..to).filter(|groups| !groups.is_empty()) else { return };
    let (first, last) = (groups[0], groups[groups.len() - 1]);
    let Some(digits) = run.digits.get(first.first..last.first + last.count) else { return };
    let number = Number { text, groups, digits, start: first.start, end: last.end };
    if digits.len() < FEWEST_PHONE || marks.overlap(number.start, number.end) {
        return;
    }
    if let Some((start, end, kind)) = number.kind() {
        marks.add(start, end, kind);
    }
}

impl Number<'_> {
    fn kind(&self) -> Option<(usize, usize, Kind)> {
        let called = context::called(self.text, self.start);
        if let Some(end) = self.national_id(called) {
            return Some((self.start, end, Kind::NationalId));
        }
        let plus = self.before().is_some_and(|c| c == '+' || c == '＋');
        if plus && (8..=MOST_PHONE).contains(&self.digits.len()) {
            return Some((self.phone_start(), self.end, Kind::Phone));
        }
        if self.glued() || context::is_amount(self.text, self.start, self.end) {
            return None;
        }
        if called == Called::Reference || self.is_version() {
            return None;
        }
        let phone_length = (FEWEST_PHONE..=MOST_PHONE).contains(&self.digits.len());
        if phone_length && (called == Called::Phone || self.phone_shape()) {
            return Some((self.phone_start(), self.end, Kind::Phone));
        }
        let long = if matches!(called, Called::Account | Called::NationalId) {
            self.digits.len() >= CALLED_RUN
        } else {
            self.digits.len() >= LONG_RUN
        };
        long.then_some((self.start, self.end, Kind::Digits))
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.start)?.trim_end_matches('(').chars().next_back()
    }

    /// Takes in the plus sign and the bracket before a phone number.
    fn phone_start(&self) -> usize {
        let before = self.text.get(..self.start).unwrap_or("");
        before.trim_end_matches('(').trim_end_matches(['+', '＋']).len()
    }

    /// Part of a longer word, such as a model or order number.
    fn glued(&self) -> bool {
        let letter = |c: char| (c.is_alphanumeric() && !is_han(c)) || c == '_';
        let mut before = self.text.get(..self.start).unwrap_or("").chars().rev();
        let glued_before = match before.next() {
            Some('-' | '/' | '.') => before.next().is_some_and(letter),
            Some(c) => letter(c),
            None => false,
        };
        let mut after = self.text.get(self.end..).unwrap_or("").chars();
        let glued_after = match after.next() {
            Some('-' | '_') => after.next().is_some_and(letter),
            Some(',') => after.next().is_some_and(|c| digit_value(c).is_some()),
            Some(c) => letter(c),
            None => false,
        };
        glued_before || glued_after
    }

    /// Dots between short groups: a version or an address of a machine.
    fn is_version(&self) -> bool {
        let dotted = self.groups.iter().skip(1).all(|group| group.gap == Gap::Dot);
        let pairs = self.groups.len() == 5 && self.groups.iter().all(|group| group.count == 2);
        let american = self.lengths() == [3, 3, 4];
        self.groups.len() > 1 && dotted && !pairs && !american
    }

    fn lengths(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.count).collect()
    }

    /// Whether the grouping and the first digits are those of a phone number in some country.
    fn phone_shape(&self) -> bool {
        let (d, count) = (self.digits, self.digits.len());
        let zero = d.first() == Some(&0);
        let mobile = d.first() == Some(&1) && d.get(1).is_some_and(|second| *second >= 3);
        let lengths = self.lengths();
        match lengths.as_slice() {
            [11] => {
                mobile
                    || (matches!(d[0], 7 | 8) && d[1] == 9)
                    || (d[0] == 0 && d[1] == 6 && matches!(d[2], 2 | 3 | 5 | 7))
                    || (d.starts_with(&[3, 6]) && matches!(d[2], 2 | 3 | 7))
            }
            [10] => zero && d[1] != 0,
            [_] => d.starts_with(&[0, 0]) && count >= 11,
            [3, 3, 4] => d[0] >= 2 && d[3] >= 2 || zero,
            [1, 3, 3, 4] => matches!(d[0], 1 | 7 | 8),
            [1, 3, 3, 2, 2] => matches!(d[0], 7 | 8),
            [3, 3, 2, 2] => d[0] == 9,
            [3, 4, 4] => mobile,
            [3, 3, 3] | [3, 2, 2, 2] => matches!(d[0], 6..=9) || zero,
            [2, 2, 3, 4] | [2, 2, 3, 2, 2] => d.starts_with(&[0, 6]) || d.starts_with(&[3, 6]),
            _ => zero && (9..=14).contains(&count),
        }
    }

    /// The end of a national id that this number is, the control letter included.
    fn national_id(&self, called: Called) -> Option<usize> {
        let d = self.digits;
        let named = called == Called::NationalId;
        let mut after = self.text.get(self.end..).unwrap_or("").chars();
        let next = after.next();
        let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        let control = next.filter(|c| c.is_ascii_alphabetic() && ends(after.clone().next()));
        if let [group] = self.groups {
            if d.len() == 18 && checks::chinese_id(&d[..17], d[17]) {
                return Some(self.end);
            }
            let x = control.is_some_and(|c| c.eq_ignore_ascii_case(&'x'));
            if d.len() == 17 && x && checks::chinese_id(d, 10) {
                return Some(self.end + 1);
            }
            if group.count == 8
                && self.before().is_none_or(|c| !c.is_alphanumeric() || is_han(c))
                && control.is_some_and(|c| {
                    c.to_ascii_uppercase() == char::from(checks::spanish_letter(d))
                })
            {
                return Some(self.end + 1);
            }
        }
        if self.glued() {
            return None;
        }
        let dashed = self.groups.iter().skip(1).all(|group| group.gap == Gap::Dash);
        let shaped = match self.lengths().as_slice() {
            [3, 2, 4] => dashed && d[0] < 9 && d[..3] != [0, 0, 0] && d[..3] != [6, 6, 6],
            [3, 3, 3, 2] => checks::russian_snils(d),
            [8, 1, 2] => dashed,
            [1, 2, 2, 2, 3, 3, 2] => checks::french_nir(d),
            [15] => checks::french_nir(d),
            [12] => checks::russian_inn(d) && called != Called::Reference,
            _ => false,
        };
        let checked = named
            && (checks::russian_inn(d)
                || checks::russian_snils(d)
                || checks::hungarian_taj(d)
                || checks::hungarian_tax(d)
                || checks::german_tax(d)
                || d.len() == 10);
        let quiet = called != Called::Reference
            && d.len() == 10
            && self.groups.len() == 1
            && checks::hungarian_tax(d);
        (shaped || checked || quiet).then_some(self.end)
    }
}
