//! A model among the reasons of a taxonomy: which reason each of its labels names.

use std::collections::BTreeMap;

use quell_model::ReasonId;

use super::model::Learned;
use crate::catalogue::Taxonomy;

/// A trained model whose labels are reasons.
pub(crate) struct ReasonModel {
    learned: Learned,
    reasons: BTreeMap<String, Option<ReasonId>>,
}

impl ReasonModel {
    /// A label names a reason by its id or by an agent's code.
    pub fn new(taxonomy: &Taxonomy, learned: Learned) -> ReasonModel {
        let reason = |label: &str| taxonomy.reason_of_code(label).map(|known| known.id.clone());
        let labels = learned.labels().filter(|label| Some(*label) != learned.other());
        let reasons = labels.map(|label| (label.to_owned(), reason(label))).collect();
        ReasonModel { learned, reasons }
    }

    /// The model.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// The reason that a label names; the label itself where every code is accepted as one.
    pub fn reason(&self, label: &str, accepts_codes: bool) -> Option<ReasonId> {
        let known = self.reasons.get(label)?;
        known.clone().or_else(|| accepts_codes.then(|| ReasonId(label.to_owned())))
    }

    /// Labels that name no reason.
    pub fn unknown_labels(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().filter(|(_, reason)| reason.is_none()).map(|(label, _)| label.as_str())
    }
}
