//! Numbers: cards, national ids, phone numbers, long runs; and what only looks like them.

use super::checks;
use super::context::{self, Called};
use super::run::{self, Gap, Group, Run, is_bracket};
use super::{Kind, Marks};
use crate::language::is_han;
use crate::normalise::digit_value;

/// Digits in one group from which on it is taken out without a reason to keep it.
const LONG_RUN: usize = 12;
/// Digits after a word such as "account".
const CALLED_RUN: usize = 8;
/// Digits after a word such as "passport".
const DOCUMENT_RUN: usize = 6;
const FEWEST_PHONE: usize = 7;
const MOST_PHONE: usize = 15;

/// Marks every number that may identify somebody.
pub(super) fn find(text: &str, marks: &mut Marks) {
    run::each(text, |run| judge_run(text, run, marks));
}

fn judge_run(text: &str, run: &Run, marks: &mut Marks) {
    if run.digits.len() < DOCUMENT_RUN {
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
    let alone = run.groups.get(at + 3).is_none_or(|next| next.gap != c.gap && b.gap != Gap::Dash)
        && (at == 0 || a.gap != b.gap);
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
        // One number in ten of a length that cards rarely have passes the check by chance.
        let card = card_end(run, at, to).filter(|&(_, usual)| {
            usual || context::called(text, run.groups[at].start) != Called::Reference
        });
        if let Some((end, _)) = card {
            judge_rest(text, run, rest, at, marks);
            marks.add(run.groups[at].start, run.groups[end - 1].end, Kind::Card);
            (rest, at) = (end, end);
        } else {
            at += 1;
        }
    }
    judge_rest(text, run, rest, to, marks);
}

/// The end of the groups that make a card number, and whether it has a usual length.
fn card_end(run: &Run, at: usize, to: usize) -> Option<(usize, bool)> {
    let start = run.groups.get(at)?;
    // What follows a point is a fraction.
    if start.gap == Gap::Dot {
        return None;
    }
    let first = start.first;
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
    best.map(|(rank, end)| (end, rank < 2))
}

/// Some neighbouring groups, as one number.
struct Number<'a> {
    text: &'a str,
    groups: &'a [Group],
    digits: &'a [u8],
    start: usize,
    end: usize,
}

/// More groups than this make no number of a kind that is known by its grouping.
const MOST_GROUPS: usize = 7;

fn judge_rest(text: &str, run: &Run, from: usize, to: usize, marks: &mut Marks) {
    let Some(whole) = Number::of(text, run, from, to) else { return };
    if whole.digits.len() < DOCUMENT_RUN || marks.overlap(whole.start, whole.end) {
        return;
    }
    if let Some((start, end, kind)) = whole.kind() {
        marks.add(start, end, kind);
    } else if !judge_parts(text, run, from, to, marks) && whole.is_long() {
        marks.add(whole.start, whole.end, Kind::Digits);
    }
}

/// Finds numbers that stand next to each other, such as a postcode and a phone number. Whether
/// there were any.
fn judge_parts(text: &str, run: &Run, from: usize, to: usize, marks: &mut Marks) -> bool {
    let mut any = false;
    let mut at = from;
    while at < to {
        let longest = to.min(at + MOST_GROUPS);
        let found =
            (at + 1..=longest).rev().filter(|end| (at, *end) != (from, to)).find_map(|end| {
                let parted = |n: usize| {
                    let gap = run.groups.get(n).map(|group| group.gap);
                    gap.is_none_or(|gap| matches!(gap, Gap::Space | Gap::Bracket))
                };
                let number = Number::of(text, run, at, end)?;
                let apart = (at == from || parted(at)) && (end == to || parted(end));
                let (start, until, kind) = number.known_kind().filter(|_| apart)?;
                Some((start, until, kind, end))
            });
        match found {
            Some((start, until, kind, end)) => {
                marks.add(start, until, kind);
                any = true;
                at = end;
            }
            None => at += 1,
        }
    }
    any
}

impl<'a> Number<'a> {
    fn of(text: &'a str, run: &'a Run, from: usize, to: usize) -> Option<Number<'a>> {
        let groups = run.groups.get(from..to)?;
        let (first, last) = (groups.first()?, groups.last()?);
        let digits = run.digits.get(first.first..last.first + last.count)?;
        Some(Number { text, groups, digits, start: first.start, end: last.end })
    }

    /// The kind of what is known by itself, whatever stands around it.
    fn known_kind(&self) -> Option<(usize, usize, Kind)> {
        if self.digits.len() < FEWEST_PHONE {
            return None;
        }
        self.kind().filter(|(_, _, kind)| matches!(kind, Kind::NationalId) || self.phone_shape())
    }

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
        match called {
            Called::NationalId if self.digits.len() >= DOCUMENT_RUN => {
                Some((self.start, self.end, Kind::NationalId))
            }
            Called::Account if self.digits.len() >= CALLED_RUN => {
                Some((self.start, self.end, Kind::Digits))
            }
            _ => None,
        }
    }

    /// Long enough to name an account, when nothing tells what it is.
    fn is_long(&self) -> bool {
        let called = context::called(self.text, self.start);
        self.digits.len() >= LONG_RUN
            && (self.groups.len() == 1 || self.groups.iter().all(|group| group.count >= 3))
            && called != Called::Reference
            && !self.glued()
            && !self.is_version()
            && !self.is_filed_by_year()
            && !context::is_amount(self.text, self.start, self.end)
            && !context::called_reference_after(self.text, self.end)
    }

    /// A year and a running number: how offices number their papers.
    fn is_filed_by_year(&self) -> bool {
        let [year, number] = self.groups else { return false };
        year.count == 4
            && matches!(self.digits, [1, 9, ..] | [2, 0, ..])
            && matches!(number.gap, Gap::Slash | Gap::Dash)
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.start)?.trim_end_matches(is_bracket).chars().next_back()
    }

    /// Takes in the plus sign and the bracket before a phone number.
    fn phone_start(&self) -> usize {
        let before = self.text.get(..self.start).unwrap_or("");
        before.trim_end_matches(is_bracket).trim_end_matches(['+', '＋']).len()
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
        let listed = self.groups.iter().skip(1).all(|group| group.gap == Gap::Slash);
        let has = |gap: Gap| self.groups.iter().skip(1).any(|group| group.gap == gap);
        // Columns of decimals have points and spaces.
        if (self.groups.len() > 2 && listed) || (has(Gap::Dot) && has(Gap::Space)) {
            return false;
        }
        match lengths.as_slice() {
            [11] => {
                mobile
                    || (zero && d[1] != 0)
                    || (matches!(d[0], 7 | 8) && d[1] == 9)
                    || (d.starts_with(&[3, 6]) && matches!(d[2], 2 | 3 | 7))
            }
            [10] => (zero && d[1] != 0) || (d[0] >= 2 && d[3] >= 2 && !self.beside_chinese()),
            [12] => zero && d[1] == 1,
            [9] => {
                zero && matches!(d[1..3], [1, 0 | 1] | [3, 3] | [4 | 5, _] | [7, 7] | [9, 1..=9])
            }
            [_] => d.starts_with(&[0, 0]) && count >= 11,
            [3, 3, 4] => d[0] >= 2 && d[3] >= 2 || zero,
            [1, 3, 3, 4] => matches!(d[0], 1 | 7 | 8),
            [1, 3, 3, 2, 2] | [1, 3, 7] => matches!(d[0], 7 | 8),
            [3, 3, 2, 2] => true,
            [3, 4, 4] => mobile || zero,
            [2, 4, 4] => true,
            [2, 3, 4] => zero || (matches!(d[0], 2 | 3 | 5 | 7) && d[1] == 0) || d[..2] == [3, 1],
            [2, 3, 2, 2] => zero || matches!(d[0], 8 | 9),
            [3, 3, 3] | [3, 2, 2, 2] => matches!(d[0], 6..=9) || zero,
            [2, 2, 3, 4] | [2, 2, 3, 2, 2] => d.starts_with(&[0, 6]) || d.starts_with(&[3, 6]),
            [2..=4, ..] if self.bracketed() => (9..=12).contains(&count),
            _ => zero && self.has_area_code() && (9..=14).contains(&count),
        }
    }

    /// The end of a Spanish identity number: eight digits and the control letter they give.
    fn spanish_id(&self) -> Option<usize> {
        let dotted = self.groups.iter().skip(1).all(|group| group.gap == Gap::Dot);
        if !(matches!(self.lengths().as_slice(), [8]) || self.lengths() == [2, 3, 3] && dotted)
            || self.before().is_some_and(|c| c.is_alphanumeric() && !is_han(c))
        {
            return None;
        }
        let rest = self.text.get(self.end..)?;
        let sign = usize::from(rest.starts_with('-'));
        let mut after = rest.get(sign..)?.chars();
        let control = after.next()?.to_ascii_uppercase();
        let ends = after.next().is_none_or(|c| !c.is_ascii_alphanumeric());
        let right = control == char::from(checks::spanish_letter(self.digits));
        (ends && right).then_some(self.end + sign + 1)
    }

    /// Whether it stands in a Chinese text, where ten digits name no subscriber.
    fn beside_chinese(&self) -> bool {
        let before = self.text.get(..self.start).and_then(|text| text.chars().next_back());
        let after = self.text.get(self.end..).and_then(|text| text.chars().next());
        before.is_some_and(is_han) || after.is_some_and(is_han)
    }

    /// Whether more than a lone digit begins it, or what follows that stands in brackets.
    fn has_area_code(&self) -> bool {
        self.groups.first().is_some_and(|first| first.count > 1)
            || self.groups.get(1).is_some_and(|group| group.gap == Gap::Bracket)
    }

    /// Whether the first group stands in brackets, as area codes do.
    fn bracketed(&self) -> bool {
        let opened = self.text.get(..self.start).is_some_and(|text| text.ends_with(is_bracket));
        opened && self.groups.get(1).is_some_and(|group| group.gap == Gap::Bracket)
    }

    /// The end of a national id that this number is, the control letter included.
    fn national_id(&self, called: Called) -> Option<usize> {
        let d = self.digits;
        let named = called == Called::NationalId;
        let mut after = self.text.get(self.end..).unwrap_or("").chars();
        let next = after.next();
        let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        let control = next.filter(|c| c.is_ascii_alphabetic() && ends(after.clone().next()));
        if let [_] = self.groups {
            if d.len() == 18 && checks::chinese_id(&d[..17], d[17]) {
                return Some(self.end);
            }
            let x = control.is_some_and(|c| c.eq_ignore_ascii_case(&'x'));
            if d.len() == 17 && x && checks::chinese_id(d, 10) {
                return Some(self.end + 1);
            }
        }
        if let Some(end) = self.spanish_id() {
            return Some(end);
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
