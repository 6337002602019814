//! Many tests at once.

/// Which tests are discoveries when, in expectation, at most `false_share` of them may be false:
/// the step-up rule of Benjamini & Hochberg (1995).
///
/// Valid for independent and for positively dependent tests. A p-value that is no number is
/// never a discovery.
pub fn discoveries(p_values: &[f64], false_share: f64) -> Vec<bool> {
    let mut sorted: Vec<f64> = p_values.iter().copied().filter(|p| !p.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let tests = p_values.len() as f64;
    let limit = sorted
        .iter()
        .enumerate()
        .rev()
        .find(|(rank, p)| **p <= false_share * (*rank + 1) as f64 / tests)
        .map(|(_, p)| *p);
    p_values.iter().map(|p| limit.is_some_and(|limit| *p <= limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_paper() {
        // Benjamini & Hochberg 1995, section 4.1: four are rejected at .05.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ];
        assert_eq!(discoveries(&p, 0.05).iter().filter(|found| **found).count(), 4);
    }

    #[test]
    fn steps_up_over_a_gap_and_takes_no_nan() {
        assert_eq!(discoveries(&[0.04, 0.05], 0.05), [true, true]);
        assert_eq!(discoveries(&[0.04, 0.06], 0.05), [false, false]);
        assert_eq!(discoveries(&[f64::NAN, 0.001], 0.05), [false, true]);
        assert!(discoveries(&[], 0.05).is_empty());
    }
}
