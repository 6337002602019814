//! What the texts of a label say more often than all texts do: a row of logarithms of ratios per
//! key, straight from counts.
//!
//! Naive Bayes, up to what is equal for all labels: nothing is learnt from what a text does not
//! say. By itself it is a poor judge of labels with many texts, but it errs elsewhere than a wide
//! margin does, and it needs few texts (Ng, Jordan 2001; Wang, Manning 2012 on joining the two).
//! Keys count by how far the labels of their texts are from the labels of all texts, since naive
//! Bayes takes keys that stand together for so many witnesses.

use super::linear::{Examples, Linear};

/// A key that a label's texts never have counts as if they had it so much as a share of what all
/// texts have it.
const NEVER_SHARE: f32 = 0.01;
/// And as if so many texts more, with the keys of all texts, had the label: a label of few texts
/// says little of what its texts do not have.
const NEVER_TEXTS: f32 = 0.5;
/// Texts with the labels of all that are added to those of a key, where a label has one text. They
/// are so much fewer where a label has more: a few texts of one label prove less among few.
const SMOOTHING: f32 = 200.0;
/// What a key counts whose texts have the labels of all.
const LEAST: f32 = 0.3;

/// Counts these texts alone, given by their places.
pub(super) fn ratios(examples: Examples<'_>, chosen: &[u32]) -> Linear {
    let labels = examples.label_count;
    let mut model = Linear::zero(examples.row_count, labels);
    let mut texts_with = vec![0.0_f32; examples.row_count];
    let mut texts_of = vec![0.0_f32; labels];
    let mut said_of = vec![0.0_f32; labels];
    for &at in chosen {
        let label = examples.labels[at as usize] as usize;
        texts_of[label] += 1.0;
        let text = &examples.texts[at as usize].0;
        for &(row, value) in text.iter().filter(|(row, _)| (*row as usize) < examples.key_count) {
            model.row_mut(row)[label] += value;
            texts_with[row as usize] += 1.0;
            said_of[label] += value;
        }
    }
    let said: f32 = said_of.iter().sum();
    let texts = chosen.len().max(1) as f32;
    let smoothing = SMOOTHING * labels as f32 / texts;
    let never: Vec<f32> =
        said_of.iter().map(|of| NEVER_SHARE * of + NEVER_TEXTS * said / texts).collect();
    for (row, with) in (0..).zip(texts_with).filter(|(_, with)| *with > 0.0) {
        let weights = model.row_mut(row);
        let sum: f32 = weights.iter().sum();
        let tells = (LEAST + tells(weights, with / sum, &texts_of, smoothing)).powi(2);
        for (weight, never) in weights.iter_mut().zip(&never).filter(|(w, _)| **w > 0.0) {
            *weight = tells * (*weight * said / (never * sum)).ln_1p();
        }
    }
    model
}

/// How far the labels of a key's texts are from those of all texts (Kullback, Leibler 1951), in
/// nats. `each` is what turns the key's weight in a label's texts into their number.
fn tells(weights: &[f32], each: f32, texts_of: &[f32], smoothing: f32) -> f32 {
    let texts: f32 = texts_of.iter().sum();
    let smoothed = weights.iter().sum::<f32>() * each + smoothing;
    // Labels that no text of the key has are all as much rarer than among all texts.
    let (mut told, mut without) = (0.0, 1.0);
    for (weight, of) in weights.iter().zip(texts_of).filter(|(weight, _)| **weight > 0.0) {
        let prior = of / texts;
        let share = (weight * each + smoothing * prior) / smoothed;
        told += share * (share / prior).ln();
        without -= prior;
    }
    let rarer = smoothing / smoothed;
    (told + without.max(0.0) * rarer * rarer.ln()).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::learned::vocabulary::Sparse;

    #[test]
    fn a_key_speaks_for_the_labels_that_have_it_more_often_than_all() {
        // Key 0 in all texts, key 1 in those of label 0 alone, key 2 mostly in those of label 1.
        let of = |at: u32| {
            let (label, mut keys) = (at % 2, vec![(0, 1.0)]);
            keys.extend((label == 0).then_some((1, 1.0)));
            keys.extend((label == 1 || at == 0).then_some((2, 1.0)));
            (Sparse(keys), label)
        };
        let (texts, labels): (Vec<Sparse>, Vec<u32>) = (0..20).map(of).unzip();
        let examples =
            Examples { texts: &texts, labels: &labels, label_count: 2, row_count: 4, key_count: 4 };
        let all: Vec<u32> = (0..20).collect();
        let model = ratios(examples, &all);
        assert!(model.row(1)[0] > 0.0 && model.row(1)[1] == 0.0);
        assert!(model.row(2)[1] > model.row(2)[0] && model.row(2)[0] > 0.0);
        let apart = |row: u32| (model.row(row)[0] - model.row(row)[1]).abs();
        assert!(apart(0) < 0.05 * apart(1), "{:?}", model.row(0));
        assert_eq!(model.row(3), [0.0, 0.0]);
        // What was not chosen says nothing.
        let without = ratios(examples, &all[1..]);
        assert_eq!(without.row(2)[0], 0.0);
    }

    /// Row 0 to 3 with values, and a label of three.
    fn any_text() -> impl Strategy<Value = (Vec<Option<f32>>, u32)> {
        (prop::collection::vec(prop::option::of(0.1_f32..2.0), 4), 0_u32..3)
    }

    /// The same straight from the formulas, label by label and in double precision.
    fn by_definition(texts: &[(Vec<Option<f32>>, u32)], row: usize, label: u32) -> f64 {
        let value = |text: &(Vec<Option<f32>>, u32), row: usize| text.0[row].map_or(0.0, f64::from);
        let whole = |text| (0..4).map(|row| value(text, row)).sum::<f64>();
        let of = |label: u32| texts.iter().filter(move |text| text.1 == label);
        let count = texts.len() as f64;
        let said: f64 = texts.iter().map(whole).sum();
        let in_label = |label| of(label).map(|text| value(text, row)).sum::<f64>();
        let everywhere: f64 = (0..3).map(in_label).sum();
        if in_label(label) == 0.0 {
            return 0.0;
        }
        let with = texts.iter().filter(|text| text.0[row].is_some()).count() as f64;
        let smoothing = f64::from(SMOOTHING) * 3.0 / count;
        let divergence: f64 = (0..3)
            .filter(|&label| of(label).count() > 0)
            .map(|label| {
                let prior = of(label).count() as f64 / count;
                let texts_with = in_label(label) * with / everywhere;
                let share = (texts_with + smoothing * prior) / (with + smoothing);
                share * (share / prior).ln()
            })
            .sum();
        let never = f64::from(NEVER_SHARE) * of(label).map(whole).sum::<f64>()
            + f64::from(NEVER_TEXTS) * said / count;
        let ratio = (in_label(label) / never) / (everywhere / said);
        (f64::from(LEAST) + divergence).powi(2) * (1.0 + ratio).ln()
    }

    proptest! {
        #[test]
        fn rows_are_what_the_formulas_say(given in prop::collection::vec(any_text(), 1..12)) {
            let sparse = |(values, _): &(Vec<Option<f32>>, u32)| {
                let known = |(row, value): (u32, &Option<f32>)| Some((row, (*value)?));
                Sparse((0..).zip(values).filter_map(known).collect())
            };
            let texts: Vec<Sparse> = given.iter().map(sparse).collect();
            let labels: Vec<u32> = given.iter().map(|text| text.1).collect();
            let (texts, labels) = (&texts[..], &labels[..]);
            let examples =
                Examples { texts, labels, label_count: 3, row_count: 4, key_count: 4 };
            let all: Vec<u32> = (0..texts.len() as u32).collect();
            let model = ratios(examples, &all);
            for row in 0..4_u32 {
                for label in 0..3_u32 {
                    let expected = by_definition(&given, row as usize, label);
                    let found = f64::from(model.row(row)[label as usize]);
                    prop_assert!(
                        (found - expected).abs() <= 2e-3 * (1.0 + expected.abs()),
                        "row {row} label {label}: {found} for {expected}"
                    );
                }
            }
        }
    }
}
