//! Whether a phrase stands at a place of a text, and whether it is denied there.

use super::compile::{BREAKER, Key, NEGATOR};
use super::matcher::{Anchor, Table, Variant};
use super::parse::Join;
use crate::analysis::{Analysis, Token};
use crate::segment::Break;

/// A negator works on what begins at most so many tokens after it.
const NEGATION_WINDOW: usize = 3;
/// Steps spent on one place where a phrase may stand. Only built text comes near it.
const MOST_STEPS: u32 = 2_048;
/// One text being looked at.
pub(super) struct View<'a> {
    pub table: &'a Table,
    pub analysis: &'a Analysis,
    pub tokens: &'a [Token],
    pub first: &'a [u32],
    pub classes: &'a [u32],
}

/// A span of tokens, the end exclusive.
type Span = (usize, usize);

impl View<'_> {
    #[inline]
    pub fn classes_at(&self, at: usize) -> &[u32] {
        match (self.first.get(at), self.first.get(at + 1)) {
            (Some(&from), Some(&to)) => &self.classes[from as usize..to as usize],
            _ => &[],
        }
    }

    /// The span of a phrase one of whose words stands at `at`.
    pub fn matches(
        &self,
        variant: &Variant,
        anchor: &Anchor,
        at: usize,
        steps_left: &mut u32,
    ) -> Option<Span> {
        let group = anchor.group as usize;
        let start = at.checked_sub(anchor.item as usize)?;
        let span = self.group_at(&variant.groups[group], start)?;
        let given = MOST_STEPS.min(*steps_left);
        let mut steps = given;
        let right = self.extend(variant, group, span, true, &mut steps);
        let both = right.and_then(|right| {
            let left = self.extend(variant, group, span, false, &mut steps)?;
            Some((right.0.min(left.0), right.1.max(left.1)))
        });
        *steps_left -= given - steps;
        both
    }

    fn group_at(&self, group: &[u32], start: usize) -> Option<Span> {
        for (offset, class) in group.iter().enumerate() {
            let at = start + offset;
            if !self.classes_at(at).contains(class) {
                return None;
            }
            if offset > 0 && self.tokens[at].before == Break::Sentence {
                return None;
            }
        }
        Some((start, start + group.len()))
    }

    /// Finds the groups after (or before) `group`, nearest first. The span covers all of them.
    fn extend(
        &self,
        variant: &Variant,
        group: usize,
        span: Span,
        forward: bool,
        steps: &mut u32,
    ) -> Option<Span> {
        let next = if forward { group + 1 } else { group.wrapping_sub(1) };
        let Some(items) = variant.groups.get(next) else { return Some(span) };
        let join = variant.joins[if forward { group } else { next }];
        let (gap, rightwards, leftwards) = match join {
            Join::Near(gap) => (gap, true, true),
            Join::Then(gap) => (gap, forward, !forward),
        };
        for distance in 0..=gap as usize {
            for right in [true, false] {
                if (right && !rightwards) || (!right && !leftwards) {
                    continue;
                }
                *steps = steps.checked_sub(1)?;
                let start = if right {
                    Some(span.1 + distance)
                } else {
                    span.0.checked_sub(distance + items.len())
                };
                let Some(found) = start.and_then(|start| self.group_at(items, start)) else {
                    continue;
                };
                let between = if right { (span.1, found.0) } else { (found.1, span.0) };
                if self.sentence_ends(between) {
                    continue;
                }
                if let Some(rest) = self.extend(variant, next, found, forward, steps) {
                    return Some((span.0.min(rest.0), span.1.max(rest.1)));
                }
            }
        }
        None
    }

    fn sentence_ends(&self, (from, to): Span) -> bool {
        self.tokens
            .get(from..=to)
            .is_some_and(|tokens| tokens.iter().any(|token| token.before == Break::Sentence))
    }

    pub fn negated(&self, from: usize) -> bool {
        for back in 1..=NEGATION_WINDOW {
            let Some(at) = from.checked_sub(back) else { return false };
            if self.tokens[at + 1].before >= Break::Clause {
                return false;
            }
            let classes = self.classes_at(at);
            if classes.contains(&NEGATOR) {
                return !self.excepted(at);
            }
            if classes.contains(&BREAKER) {
                return false;
            }
        }
        false
    }

    /// Whether one of the phrase's words stands there in the form that denies it.
    pub fn denied(&self, variant: &Variant, (from, to): Span) -> bool {
        let denials = &self.table.denials;
        if denials.is_empty() {
            return false;
        }
        let is = |token: &Token, key: &Key| match key {
            Key::Stem(stem) => token.stem == *stem,
            Key::Form(form) => token.form == *form,
            Key::Prefix(prefix) => self.analysis.form(token).starts_with(prefix.as_str()),
            Key::Number => false,
        };
        self.tokens.iter().enumerate().take(to).skip(from).any(|(at, token)| {
            let classes = variant.groups.iter().flatten();
            let here = classes.filter(|class| self.classes_at(at).contains(class));
            here.filter_map(|class| denials.get(class))
                .any(|keys| keys.iter().any(|key| is(token, key)))
        })
    }

    fn excepted(&self, at: usize) -> bool {
        self.table.exceptions.iter().any(|sequence| {
            (0..sequence.len()).any(|offset| {
                at.checked_sub(offset).is_some_and(|start| self.group_at(sequence, start).is_some())
            })
        })
    }
}
