//! Which reasons of an earlier version a reason takes over from: `replaces: [old.id, …]`.

use std::collections::{BTreeMap, BTreeSet};

use quell_model::ReasonId;

use super::read;
use super::{REASON_ID_HINT, is_reason_id};
use crate::catalogue::Reason;
use crate::problem::Problems;
use crate::yaml::Node;

/// Ids that one reason replaces.
const MOST_REPLACED: usize = 100;

/// Reads the ids that the reason `id` replaces.
pub(super) fn read(
    node: Option<&Node>,
    id: Option<&str>,
    problems: &mut Problems,
) -> Vec<ReasonId> {
    let Some(node) = node else { return Vec::new() };
    let items = read::list(node, problems);
    if items.len() > MOST_REPLACED {
        problems.error(node.place, format!("more than {MOST_REPLACED} replaced reasons"), None);
        return Vec::new();
    }
    let mut all: Vec<ReasonId> = Vec::new();
    for item in items {
        let Some(old) = read::text(item, problems) else { continue };
        if !is_reason_id(&old) {
            problems.error(item.place, format!("`{old}` is no reason id"), REASON_ID_HINT);
        } else if Some(old.as_str()) == id {
            let hint = Some("leave it out: a reason that keeps its id keeps its history");
            problems.error(item.place, format!("`{old}` replaces itself"), hint);
        } else if all.iter().any(|known| known.as_str() == old) {
            problems.error(item.place, format!("`{old}` is named twice"), None);
        } else {
            all.push(ReasonId(old));
        }
    }
    all
}

/// Says of one circle: what replaces what it is replaced by has no history to take over.
pub(super) fn refuse_circles(reasons: &[Reason], problems: &mut Problems) {
    let by_id: BTreeMap<&ReasonId, &Reason> =
        reasons.iter().map(|reason| (&reason.id, reason)).collect();
    // Whoever replaces nothing that is left can be in no circle.
    let mut left: BTreeSet<&ReasonId> = by_id.keys().copied().collect();
    loop {
        let outside: Vec<&ReasonId> =
            left.iter().copied().filter(|id| next(&by_id, id, &left).is_none()).collect();
        if outside.is_empty() {
            break;
        }
        for id in outside {
            left.remove(id);
        }
    }
    let Some(&start) = left.first() else { return };
    let mut way: Vec<&ReasonId> = Vec::new();
    let mut at = start;
    while !way.contains(&at) {
        way.push(at);
        match next(&by_id, at, &left) {
            Some(old) => at = old,
            None => return,
        }
    }
    let circle = way.iter().skip_while(|id| **id != at).skip(1).chain([&at]);
    let circle: Vec<String> = circle.map(|id| format!("`{id}`")).collect();
    let hint = Some("name ids of the version before; one that stays in the file needs no entry");
    let message = format!("`{at}` replaces {}: a circle", circle.join(", which replaces "));
    let place = by_id.get(at).map(|reason| reason.place).unwrap_or_default();
    problems.error(place, message, hint);
}

/// The first of those left that a reason replaces.
fn next<'r>(
    by_id: &BTreeMap<&'r ReasonId, &'r Reason>,
    id: &ReasonId,
    left: &BTreeSet<&'r ReasonId>,
) -> Option<&'r ReasonId> {
    let replaced = &by_id.get(id)?.replaces;
    replaced.iter().find_map(|old| left.get(old).copied())
}
