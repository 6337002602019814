//! Whether a contact is value or failure demand, and of which class of dumb contacts.
//!
//! Failure demand is demand caused by failing to do something, or to do it right, for the
//! customer. The reason's owner says which it is as a rule; one contact may be an exception, and
//! the customer's words show it.

use quell_model::contact::DemandType;
use quell_model::{NatureBasis, ReasonTag};

use crate::catalogue::Taxonomy;

/// Cues of a service that has failed this customer before. Such a contact would not be there had
/// the first been solved, whatever it was about.
const FAILED_BEFORE: [&str; 3] = ["promise_missed", "repeat", "unresolved"];

/// Classes of contacts that nobody needs to be rid of.
const NOT_DUMB: [&str; 6] =
    ["value_request", "purchase_help", "advice", "praise", "suggestion", "no_actionable_cause"];

/// What a contact is, and what says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nature {
    /// Value or failure; none when nothing says it.
    pub demand_type: Option<DemandType>,
    /// What decided the demand.
    pub demand_basis: Option<NatureBasis>,
    /// The dumb-contact class; none when nothing says it.
    pub dumb_class: Option<String>,
    /// What decided the class.
    pub dumb_class_basis: Option<NatureBasis>,
}

/// The nature of a contact with these reasons and these cues ([`quell_text::cues::CUES`]), both
/// with the weightiest first.
///
/// Demand, by the first that holds:
/// 1. a cue of a promise missed, a repeat or an issue unresolved: failure, even under a reason
///    that its owner calls value;
/// 2. the weightiest reason that says it;
/// 3. the weightiest cue: `valued` is value, any other failure.
///
/// Class, by the first that holds:
/// 1. the class of the weightiest reason that says one, unless rule 1 above made a failure of a
///    reason whose class is not of the dumb ones;
/// 2. the weightiest cue's: `promise_missed` is `missed_promise`, `unresolved` is `repeat` (it
///    came back because the first contact solved nothing), `valued` is `value_request`, the
///    others are classes themselves. A cue whose side is not that of the demand says nothing.
///
/// It fails where a customer tells of another company's failure, and where a cue is irony.
pub fn nature(taxonomy: &Taxonomy, tags: &[ReasonTag], cues: &[&'static str]) -> Nature {
    let reasons = || tags.iter().filter_map(|tag| taxonomy.reason(&tag.reason));
    let failed = cues.iter().find(|cue| FAILED_BEFORE.contains(cue));
    let failed = failed.map(|cue| (DemandType::Failure, by_cue(cue)));
    let said = || reasons().find_map(|r| Some((r.demand?, NatureBasis::Reason(r.id.clone()))));
    let suggested = || cues.first().map(|cue| (side_of(cue), by_cue(cue)));
    let demand = failed.or_else(said).or_else(suggested);

    let fits = |class: &str| match &demand {
        Some((DemandType::Failure, NatureBasis::Cue(_))) => !NOT_DUMB.contains(&class),
        _ => true,
    };
    let classes = reasons().filter_map(|r| Some((r.dumb_class.clone()?, &r.id)));
    let class = classes.take(1).find(|(class, _)| fits(class));
    let class = class.map(|(class, id)| (class, NatureBasis::Reason(id.clone()))).or_else(|| {
        let on_its_side =
            |cue: &&&'static str| demand.as_ref().is_none_or(|(demand, _)| side_of(cue) == *demand);
        cues.iter().find(on_its_side).map(|cue| (class_of(cue).to_owned(), by_cue(cue)))
    });
    let (demand_type, demand_basis) = demand.unzip();
    let (dumb_class, dumb_class_basis) = class.unzip();
    Nature { demand_type, demand_basis, dumb_class, dumb_class_basis }
}

fn by_cue(cue: &str) -> NatureBasis {
    NatureBasis::Cue(cue.to_owned())
}

fn side_of(cue: &str) -> DemandType {
    if cue == "valued" { DemandType::Value } else { DemandType::Failure }
}

fn class_of(cue: &'static str) -> &'static str {
    match cue {
        "promise_missed" => "missed_promise",
        "unresolved" => "repeat",
        "valued" => "value_request",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use quell_model::reason::Confidence;
    use quell_model::{DecidedBy, ReasonId, UNCLASSIFIED, Weight};

    use super::*;

    const YAML: &str = "version: 1\nid: t\nareas: {a: {name: A}}\nreasons:\n\
        \x20 - {id: a.fail, name: F, owner: o, demand: failure, dumb_class: defect}\n\
        \x20 - {id: a.value, name: V, owner: o, demand: value, dumb_class: advice}\n\
        \x20 - {id: a.mute, name: M, owner: o}\n";

    fn of(reasons: &[&str], cues: &[&'static str]) -> Nature {
        static TAXONOMY: OnceLock<Taxonomy> = OnceLock::new();
        let taxonomy = TAXONOMY.get_or_init(|| Taxonomy::parse(YAML, "t.yaml").expect("valid"));
        let tag = |id: &&str| ReasonTag {
            reason: ReasonId::from(*id),
            weight: Weight::ONE,
            decided_by: DecidedBy::Rule,
            confidence: Confidence(800),
            evidence: Vec::new(),
        };
        nature(taxonomy, &reasons.iter().map(tag).collect::<Vec<_>>(), cues)
    }

    #[track_caller]
    fn check(reasons: &[&str], cues: &[&'static str], demand: &str, class: &str, basis: &str) {
        let found = of(reasons, cues);
        let shown = |basis: &Option<NatureBasis>| match basis {
            Some(NatureBasis::Reason(id)) => id.0.clone(),
            Some(NatureBasis::Cue(cue)) => cue.clone(),
            None => "-".to_owned(),
        };
        let said = match found.demand_type {
            Some(DemandType::Failure) => "failure",
            Some(DemandType::Value) => "value",
            None => "-",
        };
        let bases = format!("{} {}", shown(&found.demand_basis), shown(&found.dumb_class_basis));
        let found_class = found.dumb_class.as_deref().unwrap_or("-");
        assert_eq!((said, found_class, bases.as_str()), (demand, class, basis));
    }

    #[test]
    fn reasons_say_it_and_cues_where_they_do_not() {
        check(&[], &[], "-", "-", "- -");
        check(&["a.fail"], &[], "failure", "defect", "a.fail a.fail");
        check(&["a.value"], &[], "value", "advice", "a.value a.value");
        check(&["a.mute"], &["confusion"], "failure", "confusion", "confusion confusion");
        check(&["a.mute", "a.value"], &[], "value", "advice", "a.value a.value");
        check(&[UNCLASSIFIED], &["valued"], "value", "value_request", "valued valued");
        check(&[], &["unresolved"], "failure", "repeat", "unresolved unresolved");
    }

    #[test]
    fn a_service_that_failed_before_makes_failure_demand_of_any_reason() {
        check(&["a.value"], &["repeat"], "failure", "repeat", "repeat repeat");
        check(
            &["a.value"],
            &["promise_missed", "valued"],
            "failure",
            "missed_promise",
            "promise_missed promise_missed",
        );
        check(&["a.fail"], &["unresolved"], "failure", "defect", "unresolved a.fail");
    }

    #[test]
    fn other_cues_do_not_overrule_a_reason() {
        check(&["a.value"], &["defect"], "value", "advice", "a.value a.value");
        check(&["a.value"], &["status_chase"], "value", "advice", "a.value a.value");
        check(&["a.fail"], &["valued"], "failure", "defect", "a.fail a.fail");
    }

    #[test]
    fn the_class_never_stands_on_the_other_side_of_the_demand() {
        for reasons in [&["a.fail"][..], &["a.value"], &["a.mute"], &["a.mute", "a.value"], &[]] {
            for n in 0..1u32 << 7 {
                let cues = quell_text::cues::CUES.into_iter().enumerate();
                let cues = cues.filter(|(bit, _)| n >> bit & 1 == 1).map(|(_, cue)| cue);
                let found = of(reasons, &cues.collect::<Vec<_>>());
                let Some(class) = &found.dumb_class else { continue };
                let value = NOT_DUMB.contains(&class.as_str());
                let demand = if value { DemandType::Value } else { DemandType::Failure };
                assert_eq!(found.demand_type, Some(demand), "{reasons:?} {n:b} {class}");
            }
        }
    }
}
