//! A second look at groups, once a day.
//!
//! The first contacts of a theme find no group that fits: each begins its own, and those that come
//! later join one of them. By then that group knows how its theme is told, and takes the others.
//! A theme that breaks out comes in several groups each large enough for itself: those whose words
//! are alike and whose customers came on the same days become one.

use std::cmp::Reverse;

use super::background::Shares;
use super::cluster::{Cluster, Word};
use super::groups::{Choice, Groups, Known, likeness};
use super::{CandidateId, DiscoverySettings, EVERYDAY_SHARE, Joined, MOST_TOLD, day_of};

/// A group without a contact for so many days is left as it is.
const LATELY_DAYS: i64 = 14;
/// What a group says is what this share of its customers says.
const TYPICAL_SHARE: f32 = 0.5;
/// Two candidates are one theme when the cosine of their words is as much as this …
const ALIKE: f64 = 0.3;
/// … and so large a part of their customers came on the same days.
const TOGETHER: f64 = 0.3;
/// Candidates compared with each other, the largest.
const MOST_COMPARED: usize = 128;

impl Groups {
    /// Joins each group too small to be a candidate to the group that a contact with its typical
    /// words would join now, where that one is no smaller. The smallest first; `choice` is that of
    /// a contact of today.
    pub fn look_again<'b>(
        &mut self,
        choice: &Choice,
        settings: &DiscoverySettings,
        shares_of: impl Fn(&Cluster) -> Shares<'b>,
    ) -> Vec<Joined> {
        let mut joined = Vec::new();
        for slot in self.small(choice.today, settings) {
            let Some(cluster) = self.cluster(slot) else { continue };
            let shares = shares_of(cluster);
            let words = typical(cluster);
            let terms: Vec<Known<'_>> = known(&words, &shares);
            let size = cluster.recent(choice.today);
            let choice = Choice { except: Some(slot), ..*choice };
            let Some(best) = self.best(&terms, &choice).0 else { continue };
            let other = self.cluster(best.slot).map_or(0, |other| other.recent(choice.today));
            if other >= size {
                joined.extend(self.unite((best.slot, slot), &shares, settings));
            }
        }
        joined.extend(self.join_same(choice, settings, &shares_of));
        joined
    }

    /// Joins groups large enough to be candidates whose words are alike and whose customers came
    /// on the same days; the most alike first.
    fn join_same<'b>(
        &mut self,
        choice: &Choice,
        settings: &DiscoverySettings,
        shares_of: impl Fn(&Cluster) -> Shares<'b>,
    ) -> Vec<Joined> {
        let mut joined = Vec::new();
        while let Some(pair) = self.most_alike(choice.today, settings, &shares_of) {
            let Some(cluster) = self.cluster(pair.0) else { break };
            let shares = shares_of(cluster);
            let Some(one) = self.unite(pair, &shares, settings) else { break };
            joined.push(one);
        }
        joined
    }

    fn most_alike<'b>(
        &self,
        today: i64,
        settings: &DiscoverySettings,
        shares_of: &impl Fn(&Cluster) -> Shares<'b>,
    ) -> Option<(u32, u32)> {
        let of = |one: &Cluster| (Reverse(one.recent(today)), one.born, one.id);
        let all = self.in_slots().filter(|(_, one)| one.recent(today) >= settings.fewest_customers);
        let mut large: Vec<(u32, &Cluster)> = all.collect();
        large.sort_by_key(|(_, one)| of(one));
        large.truncate(MOST_COMPARED);
        let mut best: Option<(f64, (u32, u32))> = None;
        for (at, (a, one)) in large.iter().enumerate() {
            let shares = shares_of(one);
            for (b, other) in large.iter().skip(at + 1) {
                if one.together(other, today) < TOGETHER {
                    continue;
                }
                let alike = likeness(one, other, &shares);
                if alike >= ALIKE && best.is_none_or(|(most, _)| alike > most) {
                    best = Some((alike, (*a, *b)));
                }
            }
        }
        best.map(|(_, pair)| pair)
    }

    /// Slots of the groups that are looked at, the smallest first, then the oldest.
    fn small(&self, today: i64, settings: &DiscoverySettings) -> Vec<u32> {
        let mut small: Vec<(f32, i64, CandidateId, u32)> = self
            .in_slots()
            .filter(|(_, one)| one.recent(today) < settings.fewest_customers)
            .filter(|(_, one)| day_of(one.last) >= today - LATELY_DAYS)
            .map(|(slot, one)| (one.weight, one.born.0, one.id, slot))
            .collect();
        small.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        small.into_iter().map(|(.., slot)| slot).collect()
    }
}

/// What most of a group's customers said, as they say it.
fn typical(cluster: &Cluster) -> Vec<Word> {
    let least = TYPICAL_SHARE * cluster.weight;
    let said = cluster.words.iter().filter(|word| word.count >= least);
    let mut words: Vec<Word> = said.cloned().collect();
    words.sort_by(|a, b| a.place.total_cmp(&b.place).then(a.key.cmp(&b.key)));
    words
}

fn known<'w>(words: &'w [Word], shares: &Shares<'_>) -> Vec<Known<'w>> {
    let terms = words.iter().map(|word| Known {
        key: word.key,
        share: shares.share(word.key),
        place: 0,
        next: None,
        form: &word.form,
    });
    terms.filter(|term| term.share < EVERYDAY_SHARE).take(MOST_TOLD).collect()
}
