//! Whether a contact is value or failure demand, and of which class of dumb contacts.

use quell_model::ReasonTag;
use quell_model::contact::DemandType;
use quell_text::cues::CuesFound;

use crate::catalogue::Taxonomy;

/// Demand and dumb class of the weightiest reason that says them, else what the cues suggest.
pub(crate) fn nature(
    taxonomy: &Taxonomy,
    tags: &[ReasonTag],
    cues: CuesFound,
) -> (Option<DemandType>, Option<String>) {
    let mut reasons = tags.iter().filter_map(|tag| taxonomy.reason(&tag.reason));
    let first = reasons.next();
    let cue = cues.names().next();
    let demand = first.and_then(|reason| reason.demand).or(match cue {
        Some("valued") => Some(DemandType::Value),
        Some(_) => Some(DemandType::Failure),
        None => None,
    });
    let class = first.and_then(|reason| reason.dumb_class.clone()).or(match cue {
        Some("promise_missed") => Some("missed_promise".to_owned()),
        Some("unresolved") => Some("repeat".to_owned()),
        Some("valued") => Some("value_request".to_owned()),
        Some(same) => Some(same.to_owned()),
        None => None,
    });
    (demand, class)
}
