//! Digits that stand close together: groups of them, and what stands between the groups.

use crate::normalise::digit_value;

/// Digits written without a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub start: usize,
    pub end: usize,
    /// Where its digits begin in the run's digits.
    pub first: usize,
    pub count: usize,
    /// What stands before it in the run.
    pub gap: Gap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    Space,
    Dash,
    Dot,
    Slash,
    Bracket,
}

/// Groups that stand close together.
#[derive(Default)]
pub(super) struct Run {
    pub groups: Vec<Group>,
    pub digits: Vec<u8>,
}

/// Gives every run of a text to `judge`.
pub(super) fn each(text: &str, mut judge: impl FnMut(&Run)) {
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
            judge(&run);
            run.groups.clear();
            run.digits.clear();
        }
    }
    judge(&run);
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
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '-' | '–' | '‑' | '‐' | '－' | '.' | '/')
        || is_bracket(c)
}

pub(super) fn is_bracket(c: char) -> bool {
    matches!(c, '(' | ')' | '（' | '）')
}

fn gap_kind(gap: &str) -> Option<Gap> {
    if gap.chars().count() > 3 || gap.contains(". ") || gap.contains("  ") {
        return None;
    }
    let has = |list: &[char]| gap.contains(list);
    Some(if gap.contains(is_bracket) {
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
