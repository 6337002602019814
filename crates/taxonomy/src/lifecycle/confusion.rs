//! What two versions of a taxonomy make of the same texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use quell_model::{ContactKey, ReasonId, ReasonTag, UNCLASSIFIED, Weight};

use crate::catalogue::Taxonomy;
use crate::tag::{TagInput, TagSettings, Tagger};

/// Contacts kept to show a flow.
const MOST_EXEMPLARS: usize = 5;
/// Pairs of reasons counted one by one.
const MOST_FLOWS: usize = 100_000;

/// What went from one reason to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The reason under the old version.
    pub from: ReasonId,
    /// The reason under the new version.
    pub to: ReasonId,
    /// Shares of contacts, in millionths of one contact.
    pub weight_micros: u64,
    /// Contacts of which any share went this way.
    pub contacts: u64,
    /// Some of these contacts, drawn by a hash of their keys: the same whatever their order.
    pub exemplars: Vec<ContactKey>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cell {
    weight_micros: u64,
    contacts: u64,
    /// The smallest hashes.
    exemplars: BTreeMap<[u8; 8], ContactKey>,
}

/// Old reason against new reason over many contacts. The order of the contacts does not show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    cells: BTreeMap<(ReasonId, ReasonId), Cell>,
    contacts: u64,
    beyond_micros: u64,
}

impl Confusion {
    /// Of no contacts.
    pub fn new() -> Confusion {
        Confusion::default()
    }

    /// Counts a contact by its tags under both versions. What a reason has under both stays; the
    /// rest goes from old to new in the order of the tags, so that no share is lost or made.
    pub fn add(&mut self, contact: &ContactKey, old: &[ReasonTag], new: &[ReasonTag]) {
        self.contacts += 1;
        let (mut old, mut new) = (whole(old), whole(new));
        for (reason, left) in &mut old {
            if let Some((_, wanted)) = new.iter_mut().find(|(other, _)| other == reason) {
                let stays = (*left).min(*wanted);
                (*left, *wanted) = (*left - stays, *wanted - stays);
                self.count((reason.clone(), reason.clone()), stays, contact);
            }
        }
        for (from, left) in &mut old {
            for (to, wanted) in &mut new {
                let goes = (*left).min(*wanted);
                (*left, *wanted) = (*left - goes, *wanted - goes);
                self.count((from.clone(), to.clone()), goes, contact);
            }
        }
    }

    /// How many contacts were counted.
    pub fn contacts(&self) -> u64 {
        self.contacts
    }

    /// Shares of contacts whose pair of reasons came after the first 100 000 pairs, in millionths
    /// of one contact: counted here only.
    pub fn beyond_micros(&self) -> u64 {
        self.beyond_micros
    }

    /// All flows, those that stay included, the largest first.
    pub fn flows(&self) -> Vec<Flow> {
        let mut all: Vec<Flow> = self
            .cells
            .iter()
            .map(|((from, to), cell)| Flow {
                from: from.clone(),
                to: to.clone(),
                weight_micros: cell.weight_micros,
                contacts: cell.contacts,
                exemplars: cell.exemplars.values().cloned().collect(),
            })
            .collect();
        // Stable: equal weights stay in the order of the ids.
        all.sort_by_key(|flow| std::cmp::Reverse(flow.weight_micros));
        all
    }

    /// The flows that would move, the largest first.
    pub fn moved(&self) -> Vec<Flow> {
        self.flows().into_iter().filter(|flow| flow.from != flow.to).collect()
    }

    /// What went from one reason to another, in millionths of one contact.
    pub fn weight_micros(&self, from: &ReasonId, to: &ReasonId) -> u64 {
        self.cells.get(&(from.clone(), to.clone())).map_or(0, |cell| cell.weight_micros)
    }

    fn count(&mut self, pair: (ReasonId, ReasonId), micros: u64, contact: &ContactKey) {
        if micros == 0 {
            return;
        }
        if self.cells.len() >= MOST_FLOWS && !self.cells.contains_key(&pair) {
            self.beyond_micros += micros;
            return;
        }
        let cell = self.cells.entry(pair).or_default();
        cell.weight_micros += micros;
        cell.contacts += 1;
        let mut hash = [0u8; 8];
        let full = blake3::hash(contact.as_str().as_bytes());
        hash.iter_mut().zip(full.as_bytes()).for_each(|(to, from)| *to = *from);
        cell.exemplars.insert(hash, contact.clone());
        if cell.exemplars.len() > MOST_EXEMPLARS {
            cell.exemplars.pop_last();
        }
    }
}

/// A contact's reasons with weights that sum to one contact: what is missing belongs to nobody.
fn whole(tags: &[ReasonTag]) -> Vec<(ReasonId, u64)> {
    let one = u64::from(Weight::ONE.0);
    let mut all: Vec<(ReasonId, u64)> = Vec::new();
    let mut left = one;
    let tagged = tags.iter().map(|tag| (tag.reason.clone(), u64::from(tag.weight.0)));
    for (reason, weight) in tagged.chain([(ReasonId::from(UNCLASSIFIED), one)]) {
        let weight = weight.min(left);
        left -= weight;
        match all.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, known)) => *known += weight,
            None => all.push((reason, weight)),
        }
    }
    all
}

/// Tags texts by two versions.
pub struct Comparison {
    old: Tagger,
    new: Tagger,
    confusion: Confusion,
}

impl Comparison {
    /// Of no texts.
    pub fn new(old: Arc<Taxonomy>, new: Arc<Taxonomy>, settings: &TagSettings) -> Comparison {
        Comparison {
            old: Tagger::new(old, settings.clone()),
            new: Tagger::new(new, settings.clone()),
            confusion: Confusion::new(),
        }
    }

    /// Tags one contact by both. Its reasons under the old version and under the new one.
    pub fn add(
        &mut self,
        contact: &ContactKey,
        input: &TagInput<'_>,
    ) -> (Vec<ReasonTag>, Vec<ReasonTag>) {
        let (old, new) = (self.old.tag(input).reasons, self.new.tag(input).reasons);
        self.confusion.add(contact, &old, &new);
        (old, new)
    }

    /// What came of it.
    pub fn finish(self) -> Confusion {
        self.confusion
    }
}
