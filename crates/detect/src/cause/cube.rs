//! A cube of leaves: what was observed and what was expected, by the values of some attributes.

/// Leaves of a cube in columns: codes of the attributes' values, observed and expected amounts.
#[derive(Clone, Debug, Default)]
pub struct Cube {
    pub(super) columns: Vec<Vec<u32>>,
    pub(super) observed: Vec<f64>,
    pub(super) expected: Vec<f64>,
}

impl Cube {
    /// An empty cube of so many attributes.
    pub fn new(attributes: usize) -> Cube {
        Cube { columns: vec![Vec::new(); attributes], ..Cube::default() }
    }

    /// Adds a leaf and says whether it was taken: it is not when the number of its values is not
    /// that of the attributes, or an amount is negative or not finite.
    pub fn push(&mut self, values: &[u32], observed: f64, expected: f64) -> bool {
        let amount = |x: f64| x.is_finite() && x >= 0.0;
        if values.len() != self.columns.len() || !amount(observed) || !amount(expected) {
            return false;
        }
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(*value);
        }
        self.observed.push(observed);
        self.expected.push(expected);
        true
    }

    /// How many leaves.
    pub fn len(&self) -> usize {
        self.observed.len()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.observed.is_empty()
    }
}
