//! Likeness of texts: a fingerprint for "the same message again" and a sketch for "about the same".

use crate::analysis::Analysis;
use crate::hash::combine;
use crate::segment::TokenKind;

/// How many hashes a sketch keeps.
pub const SKETCH_SIZE: usize = 32;

/// The fingerprint of a message in several parts. None when there is no word at all.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a Analysis>) -> Option<u64> {
    let (mut state, mut words) = (0u64, 0usize);
    for (number, part) in parts.into_iter().enumerate() {
        state = combine(combine(state, number as u64), part.fingerprint);
        words += part.tokens.len();
    }
    (words > 0).then_some(state)
}

/// Adds a text's content to a sketch under construction.
pub fn add_content(analysis: &Analysis, sketch: &mut Vec<u32>) {
    let mut last_character: Option<u64> = None;
    for token in &analysis.tokens {
        match token.kind {
            TokenKind::Character => {
                if let Some(last) = last_character {
                    sketch.push(combine(last, token.form) as u32);
                }
                last_character = Some(token.form);
            }
            TokenKind::Word if !token.common => {
                last_character = None;
                sketch.push(combine(0, token.stem) as u32);
            }
            _ => last_character = None,
        }
    }
}

/// Finishes a sketch: the smallest distinct hashes in order.
pub fn finish_sketch(sketch: &mut Vec<u32>) {
    sketch.sort_unstable();
    sketch.dedup();
    sketch.truncate(SKETCH_SIZE);
}

/// How alike two sketched texts are, in thousandths: the estimated share of their distinct content
/// words that both have. 0 when either is empty.
pub fn similarity(a: &[u32], b: &[u32]) -> u16 {
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    let (mut i, mut j, mut both, mut seen) = (0, 0, 0u32, 0u32);
    while seen < SKETCH_SIZE as u32 && (i < a.len() || j < b.len()) {
        seen += 1;
        match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x == y => {
                both += 1;
                i += 1;
                j += 1;
            }
            (Some(x), Some(y)) if x < y => i += 1,
            (Some(_), None) => i += 1,
            _ => j += 1,
        }
    }
    (both * 1000 / seen.max(1)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sets_give_the_exact_share() {
        assert_eq!(similarity(&[], &[1]), 0);
        assert_eq!(similarity(&[1, 2, 3], &[1, 2, 3]), 1000);
        assert_eq!(similarity(&[1, 2], &[2, 3]), 333);
        assert_eq!(similarity(&[1], &[2]), 0);
    }
}
