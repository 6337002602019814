//! From scores to probabilities that mean what they say, and the threshold that keeps a promise.
//!
//! Everything here is learnt from texts that the scores were not trained on: the training texts
//! are cut into folds, and a fold is scored by a model that has not seen it.

use super::linear::{Examples, Linear, to_probabilities, train};
use crate::draws::Draws;

/// Folds of the training texts; a fold's model learns from the others.
const FOLDS: usize = 4;
/// So many unseen texts tell a share to a third of a point; further folds are not scored.
const ENOUGH: usize = 5_000;
/// Temperatures tried lie between these, in steps of a twentieth of themselves.
const COLDEST: f32 = 0.02;
const HOTTEST: f32 = 20.0;
const STEP: f32 = 1.05;

/// One training text scored by a model that has not seen it.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub label: u32,
    pub scores: Vec<f32>,
}

/// How many folds of so many texts are scored.
pub(super) fn folds_scored(said: usize) -> usize {
    ENOUGH.div_ceil((said / FOLDS).max(1)).min(FOLDS)
}

/// Scores one fold of the first `said` texts by a model that has not seen it. What comes behind,
/// the names of labels, every model knows.
pub(super) fn score_unseen(
    examples: Examples<'_>,
    said: usize,
    fold: usize,
    seed: u64,
) -> Vec<Unseen> {
    let (mut rest, mut held) = (Vec::new(), Vec::new());
    for (at, own) in (0..).zip(folds(examples, said, seed)) {
        if own == fold { held.push(at) } else { rest.push(at) }
    }
    rest.extend(said as u32..examples.texts.len() as u32);
    let model = train(examples, &rest, seed.wrapping_add(1 + fold as u64));
    held.iter().map(|&at| score(&model, examples, at)).collect()
}

fn score(model: &Linear, examples: Examples<'_>, at: u32) -> Unseen {
    let mut scores = Vec::new();
    model.scores(&examples.texts[at as usize], &mut scores);
    Unseen { label: examples.labels[at as usize], scores }
}

/// Each text's fold: the texts of a label are spread evenly.
fn folds(examples: Examples<'_>, said: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..said).collect();
    Draws(seed ^ 0xF01D).shuffle(&mut order);
    let mut next = vec![0_usize; examples.label_count];
    let mut fold_of = vec![0; order.len()];
    for at in order {
        let next = &mut next[examples.labels[at] as usize];
        fold_of[at] = *next % FOLDS;
        *next += 1;
    }
    fold_of
}

/// The temperature under which the unseen labels are likeliest (Guo, Pleiss, Sun, Weinberger
/// 2017).
pub(super) fn temperature(unseen: &[Unseen]) -> f32 {
    let mut best = (f64::INFINITY, 1.0);
    let mut temperature = COLDEST;
    while temperature < HOTTEST {
        let surprise = surprise(unseen, temperature);
        if surprise < best.0 {
            best = (surprise, temperature);
        }
        temperature *= STEP;
    }
    best.1
}

fn surprise(unseen: &[Unseen], temperature: f32) -> f64 {
    let mut shares = Vec::new();
    let one = |one: &Unseen| {
        probabilities(&one.scores, temperature, &mut shares);
        -f64::from(shares[one.label as usize].max(1e-9)).ln()
    };
    unseen.iter().map(one).sum()
}

/// Scores as probabilities.
pub(super) fn probabilities(scores: &[f32], temperature: f32, out: &mut Vec<f32>) {
    out.clear();
    out.extend(scores.iter().map(|score| score / temperature));
    to_probabilities(out);
}

/// Of the unseen texts in scope, this share is given up where precision alone would accept
/// everything: texts of no known reason are less sure than nearly all of a known one.
const GIVEN_UP: f64 = 0.03;

/// The least confidence above which at least `precision` of the unseen texts have the right
/// label, those of `other` counting as wrong, and never less than nearly all of the texts in scope
/// have. Infinite when there is none: nothing is promised that was not seen.
pub(super) fn threshold(
    unseen: &[Unseen],
    temperature: f32,
    other: Option<u32>,
    precision: f64,
) -> f32 {
    let mut shares = Vec::new();
    let mut decided: Vec<(f32, bool)> = unseen
        .iter()
        .map(|one| {
            probabilities(&one.scores, temperature, &mut shares);
            let (label, confidence) = highest(&shares, other);
            (confidence, label == one.label && Some(one.label) != other)
        })
        .collect();
    let floor = floor(unseen, &decided, other);
    decided.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut right = 0_usize;
    let mut least = f32::INFINITY;
    for (count, &(confidence, is_right)) in (1_usize..).zip(&decided) {
        right += usize::from(is_right);
        if right as f64 >= precision * count as f64 {
            least = confidence;
        }
    }
    least.max(floor)
}

/// The confidence that all but [`GIVEN_UP`] of the texts in scope have. `decided` goes with
/// `unseen`.
fn floor(unseen: &[Unseen], decided: &[(f32, bool)], other: Option<u32>) -> f32 {
    let in_scope = unseen.iter().zip(decided).filter(|(one, _)| Some(one.label) != other);
    let mut confidences: Vec<f32> = in_scope.map(|(_, (confidence, _))| *confidence).collect();
    confidences.sort_by(f32::total_cmp);
    let at = (confidences.len() as f64 * GIVEN_UP) as usize;
    confidences.get(at).copied().unwrap_or(0.0)
}

/// The likeliest label that is not `other`, and its probability. The first of equals.
pub(super) fn highest(shares: &[f32], other: Option<u32>) -> (u32, f32) {
    let mut best = (0, f32::MIN);
    for (label, &share) in (0..).zip(shares) {
        if Some(label) != other && share > best.1 {
            best = (label, share);
        }
    }
    best
}
