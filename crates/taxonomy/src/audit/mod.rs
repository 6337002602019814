//! How far the numbers can be trusted: what people find when they look at a sample, what the
//! reasons' counts become when they are corrected by it, and where rule, model and agent disagree.

mod agreement;
mod prevalence;
mod sample;

pub use agreement::{Agreement, Agreements, Confusion, Witness};
pub use prevalence::{Audited, Prevalence, prevalence};
pub use sample::Sampler;
