//! Two ways to learn one row of weights per key and one column per label, and their sum.
//!
//! - Widest margin: one-against-all support vector machines with squared hinge loss, by dual
//!   coordinate descent (Hsieh, Chang, Lin, Keerthi, Sundararajan 2008, algorithm 1), all labels
//!   of a text in one step. Best where labels have many texts. Fails with labels that overlap:
//!   nothing says that probabilities sum to one.
//! - Softmax with most keys of a text dropped at random in each pass (Wager, Wang, Liang 2013 on
//!   why: it is a penalty on rare keys that are sure of themselves), steps by AdaGrad (Duchi,
//!   Hazan, Singer 2011). Best where few texts must carry a label.
//!
//! Both are linear over the same keys, so their sum costs no more than one of them.

use super::vocabulary::Sparse;
use crate::draws::Draws;

/// Weight of a training error against a wide margin (C).
const MARGIN_COST: f32 = 0.5;
const MARGIN_PASSES: usize = 6;
const SOFTMAX_PASSES: usize = 14;
const SOFTMAX_STEP: f32 = 0.5;
/// The share of keys left out of a text in each pass.
const DROPPED: f32 = 0.7;
/// What the softmax's weights count beside the margins', whose scale is one.
const SOFTMAX_SHARE: f32 = 0.3;
/// Below this a step changes nothing that shows.
const NEGLIGIBLE: f32 = 1e-6;

/// Weights by row and label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Linear {
    pub labels: usize,
    pub rows: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Linear {
    pub fn zero(rows: usize, labels: usize) -> Linear {
        Linear { labels, rows: vec![0.0; rows * labels], bias: vec![0.0; labels] }
    }

    pub fn row(&self, row: u32) -> &[f32] {
        &self.rows[row as usize * self.labels..][..self.labels]
    }

    fn row_mut(&mut self, row: u32) -> &mut [f32] {
        &mut self.rows[row as usize * self.labels..][..self.labels]
    }

    /// The scores of a text, one per label.
    pub fn scores(&self, text: &Sparse, out: &mut Vec<f32>) {
        out.clear();
        out.extend_from_slice(&self.bias);
        for &(row, value) in &text.0 {
            add_scaled(out, self.row(row), value);
        }
    }

    fn add(&mut self, other: &Linear, share: f32) {
        add_scaled(&mut self.rows, &other.rows, share);
        add_scaled(&mut self.bias, &other.bias, share);
    }
}

/// Texts with the number of their label.
#[derive(Clone, Copy)]
pub(super) struct Examples<'a> {
    pub texts: &'a [Sparse],
    pub labels: &'a [u32],
    /// How many labels there are.
    pub label_count: usize,
    /// How many rows there are.
    pub row_count: usize,
}

/// Learns from these texts alone, given by their places.
pub(super) fn train(examples: Examples<'_>, chosen: &[u32], seed: u64) -> Linear {
    let mut model = margins(examples, chosen, seed);
    model.add(&softmax(examples, chosen, seed), SOFTMAX_SHARE);
    model
}

fn margins(examples: Examples<'_>, chosen: &[u32], seed: u64) -> Linear {
    let labels = examples.label_count;
    let mut model = Linear::zero(examples.row_count, labels);
    let slack = 0.5 / MARGIN_COST;
    let mut duals = vec![0.0_f32; chosen.len() * labels];
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    let mut draws = Draws(seed);
    let mut steps = Vec::with_capacity(labels);
    for _ in 0..MARGIN_PASSES {
        draws.shuffle(&mut order);
        for &at in &order {
            let text = &examples.texts[chosen[at] as usize];
            let label = examples.labels[chosen[at] as usize] as usize;
            // The bias is a key that every text has.
            let square = text.0.iter().map(|(_, value)| value * value).sum::<f32>() + 1.0 + slack;
            model.scores(text, &mut steps);
            let duals = &mut duals[at * labels..][..labels];
            let mut moved = 0.0_f32;
            for (k, (step, dual)) in steps.iter_mut().zip(duals).enumerate() {
                let side = if k == label { 1.0 } else { -1.0 };
                let gradient = side * *step - 1.0 + slack * *dual;
                let next = (*dual - gradient / square).max(0.0);
                *step = (next - *dual) * side;
                *dual = next;
                moved = moved.max(step.abs());
            }
            if moved > NEGLIGIBLE {
                add_scaled(&mut model.bias, &steps, 1.0);
                for &(row, value) in &text.0 {
                    add_scaled(model.row_mut(row), &steps, value);
                }
            }
        }
    }
    model
}

fn softmax(examples: Examples<'_>, chosen: &[u32], seed: u64) -> Linear {
    let labels = examples.label_count;
    let mut model = Linear::zero(examples.row_count, labels);
    let mut travelled = vec![NEGLIGIBLE; examples.row_count];
    let mut bias_travelled = NEGLIGIBLE;
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    let mut draws = Draws(seed ^ 0x5EED);
    let mut errors = Vec::with_capacity(labels);
    let mut kept = Sparse::default();
    for _ in 0..SOFTMAX_PASSES {
        draws.shuffle(&mut order);
        for &at in &order {
            let text = &examples.texts[chosen[at] as usize];
            kept.0.clear();
            let stays = text.0.iter().filter(|_| draws.share() >= DROPPED);
            kept.0.extend(stays.map(|&(row, value)| (row, value / (1.0 - DROPPED))));
            model.scores(&kept, &mut errors);
            to_probabilities(&mut errors);
            errors[examples.labels[chosen[at] as usize] as usize] -= 1.0;
            let square: f32 = errors.iter().map(|error| error * error).sum();
            if square < NEGLIGIBLE {
                continue;
            }
            bias_travelled += square;
            add_scaled(&mut model.bias, &errors, -0.1 * SOFTMAX_STEP / bias_travelled.sqrt());
            for &(row, value) in &kept.0 {
                let far = &mut travelled[row as usize];
                *far += square * value * value;
                let step = -SOFTMAX_STEP * value / far.sqrt();
                add_scaled(model.row_mut(row), &errors, step);
            }
        }
    }
    model
}

/// Scores become shares that sum to one.
pub(super) fn to_probabilities(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - highest).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}

#[inline]
fn add_scaled(to: &mut [f32], from: &[f32], by: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from * by;
    }
}
