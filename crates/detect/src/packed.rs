//! Symmetric matrices as their upper triangle, row by row.

/// The matrix times a vector; `out` is as long as the vector and holds zeros.
pub(crate) fn times(packed: &[f64], vector: &[f64], out: &mut [f64]) {
    let mut entries = packed.iter();
    for i in 0..vector.len() {
        for (j, entry) in (i..vector.len()).zip(&mut entries) {
            out[i] += entry * vector[j];
            if j > i {
                out[j] += entry * vector[i];
            }
        }
    }
}
