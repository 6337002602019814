//! Which cells of a cube carry an excess.
//!
//! A cube lists leaves: an observed and an expected amount for each combination of attribute
//! values. A cell fixes some of the attributes. Wanted is the smallest set of cells whose own
//! ratios, on top of one common factor, explain what was observed. The model of a leaf is
//! `mean = expected · common · product of the ratios of the cells it lies in`, and its variance is
//! `floor · mean + relative² · mean²`: chance and the error of the expectation.
//!
//! * Leaves are weighted by mean over variance (quasi-likelihood, McCullagh and Nelder 1989), so
//!   that a sum over any cell behaves like a Poisson count of as much information.
//! * Cells are scored by the likelihood ratio of inside against outside (Kulldorff 1997), less the
//!   price of naming one: the logarithm of how many cells are as deep, and a constant.
//! * The best cell is explained away and the scan repeated; then each cell is put to the test of
//!   leaving, of another cell, and of some of its parts in its place.
//! * At last a cell must beat how far whole cells stray beyond their leaves (random effects, in
//!   the spirit of DerSimonian and Laird 1986).
//!
//! It fails where the cells with a rise hold most of the cube (then the rest reads as a fall),
//! where two attributes nearly always take the same values (see [`Cause::rival`]), and where the
//! expectation of a whole cell is as wrong as the excess is large.

mod cube;
mod fit;
mod noise;
mod report;
mod search;
mod tables;

#[cfg(test)]
mod tests;

pub use cube::Cube;
pub use report::{Cause, Finding, Rival, causes};

/// How the search decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Attributes that a cell of the first search fixes at most.
    pub depth: usize,
    /// A cube of at most so many attributes is searched for cells of any depth afterwards.
    pub deep_width: usize,
    /// Cells named at most.
    pub most_causes: usize,
    /// Nats that a cell costs beyond the choice among all cells of its depth.
    pub price_nats: f64,
    /// A cell's ratio to the rest, or its inverse, is at least this.
    pub least_ratio: f64,
    /// Variance over mean of a count, whose expectation is exact but for what its leaves tell: 1,
    /// and more where the expectation was counted itself.
    pub count_spread: f64,
    /// Every leaf that something was expected of is in the cube. Else leaves that were hardly
    /// expected are taken to be listed because something was seen there.
    pub is_complete: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            depth: 3,
            deep_width: 6,
            most_causes: 12,
            price_nats: 6.5,
            least_ratio: 1.1,
            count_spread: 1.0,
            is_complete: false,
        }
    }
}

/// Attributes and values that a cell fixes, attributes ascending.
pub type Parts = Vec<(usize, u32)>;
