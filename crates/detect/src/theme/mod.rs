//! What is new in the words: themes that customers begin to write about.
//!
//! A theme shows as words that come together in one text far more often than they did. Each pair
//! of words is watched: how many *customers* of a recent window of texts used both, against what
//! its past, the past of its words and the rise of its words elsewhere make expected. A pair whose
//! logarithmic likelihood ratio passes a bound opens a theme; pairs linked to its words join it, so
//! that a theme is reported once.
//!
//! The watching of pairs in tables of fixed size follows Schubert, Weiler and Kriegel 2014
//! (SigniTrend); the ratio is the Poisson one of Kulldorff 1997 with the smaller of all readings.
//! It fails where a theme uses one word only, or where its words have always come together and
//! only their number rises: that is a reason's volume, which the counts tell.

mod background;
mod watch;
mod window;

#[cfg(test)]
mod tests;

pub use watch::{Settings, Theme, Watch};
