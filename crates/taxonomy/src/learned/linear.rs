//! One row of weights per key and one column per label, learnt for the widest margin:
//! one-against-all support vector machines with squared hinge loss, by dual coordinate descent
//! (Hsieh, Chang, Lin, Keerthi, Sundararajan 2008, algorithm 1), all labels of a text in one step.

use super::vocabulary::Sparse;
use crate::draws::Draws;

const PASSES: usize = 6;
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

    pub fn row_mut(&mut self, row: u32) -> &mut [f32] {
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

    /// Adds the rows of another.
    pub fn add(&mut self, other: &Linear, share: f32) {
        add_scaled(&mut self.rows, &other.rows, share);
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
    /// How many of them, the first, are those of keys.
    pub key_count: usize,
}

/// Learns from these texts alone, given by their places. `cost` is the weight of an error against
/// a wide margin (C).
pub(super) fn margins(examples: Examples<'_>, chosen: &[u32], cost: f32, seed: u64) -> Linear {
    let labels = examples.label_count;
    let mut model = Linear::zero(examples.row_count, labels);
    let slack = 0.5 / cost;
    let mut duals = vec![0.0_f32; chosen.len() * labels];
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    let mut draws = Draws(seed);
    let mut steps = Vec::with_capacity(labels);
    for _ in 0..PASSES {
        draws.shuffle(&mut order);
        for &at in &order {
            let text = &examples.texts[chosen[at] as usize];
            let label = examples.labels[chosen[at] as usize] as usize;
            // The bias is a key that every text has.
            let square = text.0.iter().map(|(_, value)| value * value).sum::<f32>() + 1.0 + slack;
            model.scores(text, &mut steps);
            let duals = &mut duals[at * labels..][..labels];
            let (score, dual) = (steps[label], duals[label]);
            for (step, dual) in steps.iter_mut().zip(&mut *duals) {
                let next = (*dual - (slack * *dual - *step - 1.0) / square).max(0.0);
                *step = *dual - next;
                *dual = next;
            }
            // The text's own label is on the other side.
            duals[label] = (dual - (slack * dual + score - 1.0) / square).max(0.0);
            steps[label] = duals[label] - dual;
            if steps.iter().fold(0.0, |most: f32, step| most.max(step.abs())) > NEGLIGIBLE {
                add_scaled(&mut model.bias, &steps, 1.0);
                for &(row, value) in &text.0 {
                    add_scaled(model.row_mut(row), &steps, value);
                }
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
