//! What changed from one version of a taxonomy to another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quell_model::ReasonId;

use crate::catalogue::{Reason, Taxonomy};
use crate::problem::{Problem, Problems};
use crate::rules::Rules;

/// Which reasons of the old version each reason of the new one stands for, as people declare it:
/// a move is one for one, a merger several for one, a split one for several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaces(BTreeMap<ReasonId, BTreeSet<ReasonId>>);

impl Replaces {
    /// Nothing declared.
    pub fn none() -> Replaces {
        Replaces::default()
    }

    /// What the file of `new` declares under `replaces`, without what that of `old` declared
    /// already: a declaration stays in the file when its day is past. Those that name no reason of
    /// `old` are left out and said, each with its place in the file of `new`.
    pub fn between(old: &Taxonomy, new: &Taxonomy) -> (Replaces, Vec<Problem>) {
        let mut replaces = Replaces::none();
        let mut problems = Problems::new(&new.file);
        for reason in &new.reasons {
            let settled = old.reason(&reason.id).map_or(&[][..], |before| &before.replaces[..]);
            for from in reason.replaces.iter().filter(|from| !settled.contains(from)) {
                if old.reason(from).is_some() {
                    replaces.declare(reason.id.clone(), from.clone());
                    continue;
                }
                let message = format!(
                    "`{}` replaces `{from}`, which {} does not have",
                    reason.id, old.version
                );
                let hint = Some("correct the id, or compare with the version that had it");
                problems.error(reason.place, message, hint);
            }
        }
        (replaces, problems.into_sorted())
    }

    /// Declares that `new` takes over from `old`, wholly or in part.
    pub fn declare(&mut self, new: ReasonId, old: ReasonId) {
        self.0.entry(new).or_default().insert(old);
    }

    /// All pairs of a new reason and an old one.
    fn pairs(&self) -> impl Iterator<Item = (&ReasonId, &ReasonId)> {
        self.0.iter().flat_map(|(new, olds)| olds.iter().map(move |old| (new, old)))
    }
}

/// What a declaration names that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undeclarable {
    /// The new version has no such reason.
    NotInNew(ReasonId),
    /// The old version has no such reason.
    NotInOld(ReasonId),
}

impl fmt::Display for Undeclarable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undeclarable::NotInNew(id) => {
                write!(f, "`{id}` is said to replace others, but the new version has no such id")
            }
            Undeclarable::NotInOld(id) => {
                write!(f, "`{id}` is said to be replaced, but the old version has no such id")
            }
        }
    }
}

impl std::error::Error for Undeclarable {}

/// What of a reason can change while its id stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who can remove the cause.
    Owner,
    /// Who bears the cost.
    Department,
    /// Scores, or what is to be done about it.
    Value,
    /// Value or failure demand, or the class of dumb contacts.
    Demand,
    /// The cost of one contact.
    Cost,
    /// The window of repeats.
    RepeatWindow,
    /// What agents pick for it.
    AgentCodes,
    /// What texts its rule fires on.
    Rule,
}

impl Part {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Owner => "owner",
            Part::Department => "department",
            Part::Value => "value",
            Part::Demand => "demand",
            Part::Cost => "cost",
            Part::RepeatWindow => "repeat_window",
            Part::AgentCodes => "agent_codes",
            Part::Rule => "rule",
        }
    }
}

/// One change. Lists are in the order of the ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// New, and it replaces nothing.
    Added {
        /// Its id.
        id: ReasonId,
    },
    /// Gone, and nothing replaces it.
    Removed {
        /// Its id.
        id: ReasonId,
    },
    /// Another name under the same id.
    Renamed {
        /// Its id.
        id: ReasonId,
        /// Its names were, by language.
        old: BTreeMap<String, String>,
        /// Its names are, by language.
        new: BTreeMap<String, String>,
    },
    /// The same reason under another id.
    Moved {
        /// Its id was.
        from: ReasonId,
        /// Its id is.
        to: ReasonId,
    },
    /// One became several; it may be among them.
    Split {
        /// The old one.
        from: ReasonId,
        /// The new ones.
        into: Vec<ReasonId>,
    },
    /// Several became one; it may be among them.
    Merged {
        /// The old ones.
        from: Vec<ReasonId>,
        /// The new one.
        into: ReasonId,
    },
    /// The same id and something else than its name changed.
    Redefined {
        /// Its id.
        id: ReasonId,
        /// What changed.
        parts: Vec<Part>,
    },
}

/// What changed, mergers and splits as declared.
///
/// # Errors
/// Every declaration that names a reason that is not there.
pub fn changes(
    old: &Taxonomy,
    new: &Taxonomy,
    replaces: &Replaces,
) -> Result<Vec<Change>, Vec<Undeclarable>> {
    let kin = Kin::of(old, new, replaces)?;
    let mut all = Vec::new();
    for (from, into) in &kin.successors {
        let changed = match into.iter().collect::<Vec<_>>().as_slice() {
            [] => Some(Change::Removed { id: from.clone() }),
            [to] if *to == from => None,
            [to] if kin.predecessors.get(*to).is_some_and(|olds| olds.len() > 1) => None,
            [to] => Some(Change::Moved { from: from.clone(), to: (*to).clone() }),
            _ => Some(Change::Split { from: from.clone(), into: into.iter().cloned().collect() }),
        };
        all.extend(changed);
        if let (Some(was), Some(is)) = (old.reason(from), new.reason(from)) {
            all.extend(same_id(old, new, was, is));
        }
    }
    for (into, from) in &kin.predecessors {
        if from.is_empty() {
            all.push(Change::Added { id: into.clone() });
        } else if from.len() > 1 {
            let from = from.iter().cloned().collect();
            all.push(Change::Merged { from, into: into.clone() });
        }
    }
    Ok(all)
}

/// Who came from whom.
pub(super) struct Kin {
    /// Of every old reason.
    pub successors: BTreeMap<ReasonId, BTreeSet<ReasonId>>,
    /// Of every new reason.
    predecessors: BTreeMap<ReasonId, BTreeSet<ReasonId>>,
}

impl Kin {
    pub fn of(
        old: &Taxonomy,
        new: &Taxonomy,
        replaces: &Replaces,
    ) -> Result<Kin, Vec<Undeclarable>> {
        let kept = |id: &ReasonId, there: &Taxonomy| {
            there.reason(id).map(|reason| reason.id.clone()).into_iter().collect()
        };
        let all = |of: &Taxonomy, there: &Taxonomy| -> BTreeMap<ReasonId, BTreeSet<ReasonId>> {
            of.reasons().iter().map(|reason| (reason.id.clone(), kept(&reason.id, there))).collect()
        };
        let (mut successors, mut predecessors) = (all(old, new), all(new, old));
        let mut wrong = BTreeSet::new();
        for (to, from) in replaces.pairs() {
            match (successors.get_mut(from), predecessors.get_mut(to)) {
                (Some(after), Some(before)) => {
                    after.insert(to.clone());
                    before.insert(from.clone());
                }
                (after, before) => {
                    wrong.extend(after.is_none().then(|| Undeclarable::NotInOld(from.clone())));
                    wrong.extend(before.is_none().then(|| Undeclarable::NotInNew(to.clone())));
                }
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.into_iter().collect());
        }
        Ok(Kin { successors, predecessors })
    }
}

/// What changed in a reason that kept its id.
fn same_id(old: &Taxonomy, new: &Taxonomy, was: &Reason, is: &Reason) -> Vec<Change> {
    let mut all = Vec::new();
    if was.names != is.names {
        let (old, new) = (was.names.clone(), is.names.clone());
        all.push(Change::Renamed { id: is.id.clone(), old, new });
    }
    let changed = [
        (Part::Owner, was.owner != is.owner),
        (Part::Department, was.department != is.department),
        (Part::Value, was.scores != is.scores || was.action != is.action),
        (Part::Demand, was.demand != is.demand || was.dumb_class != is.dumb_class),
        (Part::Cost, was.cost_micros != is.cost_micros || old.currency() != new.currency()),
        (Part::RepeatWindow, was.repeat_window_ms != is.repeat_window_ms),
        (Part::AgentCodes, was.agent_codes != is.agent_codes),
        (Part::Rule, rule_text(old, was) != rule_text(new, is)),
    ];
    let parts: Vec<Part> =
        changed.into_iter().filter(|(_, changed)| *changed).map(|(part, _)| part).collect();
    if !parts.is_empty() {
        all.push(Change::Redefined { id: is.id.clone(), parts });
    }
    all
}

/// A reason's rule as text, its lines in any order; word sets by their names only.
fn rule_text(taxonomy: &Taxonomy, reason: &Reason) -> Option<(String, BTreeSet<String>)> {
    let rules: &Rules = &taxonomy.rules;
    let at = *taxonomy.by_id.get(reason.id.as_str())?;
    let rule = rules.rules.get(at)?;
    let head = format!("{:?} {:?} {:?} {}", rule.who, rule.place, rule.negated, rule.need);
    let own = rules.uses.iter().filter(|used| used.reason as usize == at).map(|used| &used.line);
    let lines =
        own.map(|line| format!("{:?} {} {} {}", line.role, line.language, line.weight, line.text));
    Some((head, lines.collect()))
}
