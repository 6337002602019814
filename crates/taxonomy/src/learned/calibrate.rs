//! From scores to probabilities that mean what they say, and the threshold that keeps a promise.
//!
//! Everything here is learnt from texts that the scores were not trained on: the training texts
//! are cut into folds, and a fold is scored by a model that has not seen it.

use super::linear::{Examples, Linear, margins, to_probabilities};
use super::ratios::ratios;
use crate::draws::Draws;

/// Folds of the training texts; a fold's model learns from the others.
const FOLDS: usize = 4;
/// So many unseen texts tell a share to a third of a point; further folds are not scored.
const ENOUGH: usize = 5_000;
/// Costs of an error tried, the usual one first: labels that people chose with care bear a close
/// fit, labels clicked in haste do not.
pub(super) const COSTS: [f32; 2] = [0.5, 0.1];
/// What the ratios may count, where one is as much as the margins.
const SHARES: [f32; 4] = [0.0, 0.4, 0.8, 1.5];
/// The places of the usual ones, where labels have few texts and where they have more.
const USUAL_SHARES: [usize; 2] = [3, 2];
/// So many texts of a label are few.
const FEW: usize = 30;
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

/// One training text scored by both models of a fold, neither of which has seen it.
#[derive(Clone, Debug)]
pub(super) struct Twice {
    label: u32,
    margins: Vec<f32>,
    ratios: Vec<f32>,
}

/// How many folds of so many texts are scored.
pub(super) fn folds_scored(said: usize) -> usize {
    ENOUGH.div_ceil((said / FOLDS).max(1)).min(FOLDS)
}

/// Scores one fold of the first `said` texts by models that have not seen it. What comes behind,
/// the names of labels, every model knows.
pub(super) fn score_unseen(
    examples: Examples<'_>,
    said: usize,
    fold: usize,
    cost: f32,
    seed: u64,
) -> Vec<Twice> {
    let (mut rest, mut held) = (Vec::new(), Vec::new());
    for (at, own) in (0..).zip(folds(examples, said, seed)) {
        if own == fold { held.push(at) } else { rest.push(at) }
    }
    rest.extend(said as u32..examples.texts.len() as u32);
    let margins = margins(examples, &rest, cost, seed.wrapping_add(1 + fold as u64));
    let ratios = ratios(examples, &rest);
    let score = |model: &Linear, at: u32| {
        let mut scores = Vec::new();
        model.scores(&examples.texts[at as usize], &mut scores);
        scores
    };
    let both = |at: u32| Twice {
        label: examples.labels[at as usize],
        margins: score(&margins, at),
        ratios: score(&ratios, at),
    };
    held.into_iter().map(both).collect()
}

/// Which of the costs serves unseen texts best, given what each made of the same texts. The first
/// unless another is better beyond chance: by more than the standard error of the difference.
pub(super) fn best_cost(tried: &[Vec<Twice>]) -> usize {
    let right = |twice: &Twice| highest(&twice.margins, None).0 == twice.label;
    let rights: Vec<Vec<bool>> =
        tried.iter().map(|tried| tried.iter().map(right).collect()).collect();
    clearly_best(&rights, 0)
}

/// What the ratios' weights count beside those of the margins.
pub(super) fn best_share(unseen: &[Twice], other: Option<u32>, texts_per_label: usize) -> f32 {
    let even = spread(unseen, |twice| &twice.margins) / spread(unseen, |twice| &twice.ratios);
    if !even.is_finite() {
        return 0.0;
    }
    let right = |twice: &Twice, share: f32| {
        Some(twice.label) != other && highest(&summed(twice, share), other).0 == twice.label
    };
    let rights: Vec<Vec<bool>> = SHARES
        .iter()
        .map(|share| unseen.iter().map(|twice| right(twice, share * even)).collect())
        .collect();
    let usual = USUAL_SHARES[usize::from(texts_per_label > FEW)];
    SHARES[clearly_best(&rights, usual)] * even
}

/// The scores of margins and ratios together.
pub(super) fn joined(unseen: &[Twice], share: f32) -> Vec<Unseen> {
    let one = |twice: &Twice| Unseen { label: twice.label, scores: summed(twice, share) };
    unseen.iter().map(one).collect()
}

fn summed(twice: &Twice, share: f32) -> Vec<f32> {
    twice.margins.iter().zip(&twice.ratios).map(|(margin, ratio)| margin + share * ratio).collect()
}

/// The standard deviation of a text's scores, over all texts.
fn spread(unseen: &[Twice], scores: impl Fn(&Twice) -> &Vec<f32>) -> f32 {
    let of_one = |twice: &Twice| {
        let scores = scores(twice);
        let mean = scores.iter().sum::<f32>() / scores.len() as f32;
        let squares = scores.iter().map(|score| f64::from((score - mean).powi(2)));
        squares.sum::<f64>() / scores.len() as f64
    };
    (unseen.iter().map(of_one).sum::<f64>() / unseen.len() as f64).sqrt() as f32
}

/// The choice that is right most often, given which texts each gets right; `usual` unless the
/// best beats it by more than the standard error of the difference.
pub(super) fn clearly_best(rights: &[Vec<bool>], usual: usize) -> usize {
    let count = |choice: usize| rights[choice].iter().filter(|right| **right).count();
    let best = (0..rights.len()).rev().max_by_key(|&choice| count(choice)).unwrap_or(usual);
    let differ = rights[best].iter().zip(&rights[usual]).filter(|(a, b)| a != b).count();
    let gain = count(best) as f64 - count(usual) as f64;
    if gain > (differ as f64).sqrt() { best } else { usual }
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

/// A text of which less is known than of nearly all training texts is stranger than what the
/// promise was learnt from: this share of them is given up for it.
const STRANGE: f64 = 0.005;
/// Never is more asked: training texts that say the same again and again are known to the full.
const KNOWN_ENOUGH: f32 = 0.5;

/// How much is known at least of all training texts but a [`STRANGE`] share.
pub(super) fn least_known(mut known: Vec<f32>) -> f32 {
    known.sort_unstable_by(f32::total_cmp);
    known.get((known.len() as f64 * STRANGE) as usize).copied().unwrap_or(0.0).min(KNOWN_ENOUGH)
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
