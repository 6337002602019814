//! Groups, found by their words.

use std::collections::BTreeMap;

use super::background::Shares;
use super::cluster::{CandidateId, Cluster, DAYS, Joining, Word};
use super::{DiscoverySettings, Joined};

/// The shares of a contact's words that its theme may account for; each is as likely as the other.
const THEME_SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.4];
/// Customers thought of who came to a group and said none of its words: a group of one tells
/// little.
const DOUBT: f64 = 1.0;
/// Groups as alike as this become one: the cosine of their words, weighed by rarity.
const ALIKE: f64 = 0.5;
/// Days that are now.
const NOW_DAYS: i64 = 3;
/// Customers thought of in these days and in those before them.
const DOUBTED_NOW: f64 = 0.5;
const DOUBTED_BEFORE: f64 = 2.0;
/// No contact's likelihood is let grow beyond this: it fits by far.
const MOST_LIKELIHOOD: f64 = 1e300;

/// A term of a contact and the share of contacts that have it anyway.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub key: u64,
    pub share: f64,
    pub place: u16,
    /// The term that follows it.
    pub next: Option<u64>,
    pub form: &'a str,
}

/// What counts when a group is chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// What one contact of now weighs.
    pub unit: f64,
    /// Today, in days since 1970.
    pub today: i64,
    /// By so many nats at least.
    pub fewest_nats: f64,
    /// What it speaks for a group at most that customers join just now.
    pub most_recent_nats: f64,
    /// Not this one.
    pub except: Option<u32>,
}

/// A group that a contact fits, and by how many nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    pub slot: u32,
    pub nats: f64,
}

/// A group that has a word, and how many of its customers used it, fading.
#[derive(Clone, Copy, Debug)]
struct Holder {
    slot: u32,
    count: f32,
}

/// The groups and an index of their words. Which slot a group has never shows: ties go to the
/// older group.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    slots: Vec<Option<Cluster>>,
    free: Vec<u32>,
    holders: BTreeMap<u64, Vec<Holder>>,
    likelihoods: Vec<[f64; THEME_SHARES.len()]>,
    touched: Vec<u32>,
}

impl Groups {
    pub fn of(clusters: Vec<Cluster>) -> Groups {
        let mut groups = Groups::default();
        for cluster in clusters {
            groups.put(cluster);
        }
        groups
    }

    pub fn iter(&self) -> impl Iterator<Item = &Cluster> {
        self.slots.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Cluster> {
        self.slots.iter_mut().flatten()
    }

    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn id(&self, slot: u32) -> Option<CandidateId> {
        self.cluster(slot).map(|cluster| cluster.id)
    }

    /// Multiplies all counts.
    pub fn scale(&mut self, scale: f32) {
        for cluster in self.slots.iter_mut().flatten() {
            cluster.weight *= scale;
            cluster.words.iter_mut().for_each(|word| word.count *= scale);
        }
        self.holders.values_mut().flatten().for_each(|holder| holder.count *= scale);
    }

    /// The group that a contact fits best, and the next.
    ///
    /// A contact of a theme draws each word from the theme with probability λ, else from
    /// everyday language: against everyday language alone its likelihood is
    /// `Π (1 - λ + λ q(word) / p(word))`, averaged over [`THEME_SHARES`]. `q` is the share of the
    /// group's customers who used the word, `p` of all contacts. The mixture keeps a long text
    /// with few words of the theme from being thrown out for its others. It fails where words
    /// come in fixed company (a pasted log): they count as if each were said for itself.
    ///
    /// That its customers come now speaks for a group as well, see [`recent_nats`].
    pub fn best(&mut self, terms: &[Known<'_>], choice: &Choice) -> (Option<Fit>, Option<Fit>) {
        self.weigh(terms, choice);
        let miss = THEME_SHARES.map(|share| libm::pow(1.0 - share, terms.len() as f64));
        let least = libm::exp(choice.fewest_nats - choice.most_recent_nats);
        let mut best: Option<(Fit, &Cluster)> = None;
        let mut second: Option<(Fit, &Cluster)> = None;
        for slot in self.touched.drain(..) {
            let Some(cluster) = self.slots.get(slot as usize).and_then(Option::as_ref) else {
                continue;
            };
            let Some(found) = self.likelihoods.get_mut(slot as usize) else { continue };
            let each = std::mem::replace(found, [0.0; THEME_SHARES.len()]);
            let sum: f64 = each.iter().zip(miss).map(|(found, miss)| found * miss).sum();
            let ratio = sum / THEME_SHARES.len() as f64;
            if ratio < least || ratio.is_nan() || choice.except == Some(slot) {
                continue;
            }
            let nats = libm::log(ratio) + recent_nats(cluster, choice);
            if nats < choice.fewest_nats {
                continue;
            }
            let fit = Fit { slot, nats };
            let beats = |other: &Option<(Fit, &Cluster)>| {
                other.is_none_or(|(than, known)| {
                    let older = (cluster.born, cluster.id) < (known.born, known.id);
                    fit.nats > than.nats || (fit.nats == than.nats && older)
                })
            };
            if beats(&best) {
                second = best.replace((fit, cluster));
            } else if beats(&second) {
                second = Some((fit, cluster));
            }
        }
        (best.map(|found| found.0), second.map(|found| found.0))
    }

    /// Adds a group. Of more than `most` the one with the least weight goes, then the one not
    /// heard of for longest.
    pub fn insert(&mut self, cluster: Cluster, most: usize) -> u32 {
        if self.len() >= most.max(1) {
            let weakest = self.in_slots().min_by(|(_, a), (_, b)| {
                a.weight.total_cmp(&b.weight).then(a.last.cmp(&b.last)).then(a.id.cmp(&b.id))
            });
            if let Some(slot) = weakest.map(|(slot, _)| slot) {
                self.remove(slot);
            }
        }
        self.put(cluster)
    }

    /// Counts a contact in a group that keeps about `most_words`. False when its customer had
    /// voted already.
    pub fn join(
        &mut self,
        slot: u32,
        joining: &Joining<'_>,
        weight: f32,
        shares: &Shares<'_>,
        most_words: usize,
    ) -> bool {
        let found = self.slots.get_mut(slot as usize).and_then(Option::as_mut);
        let Some(cluster) = found else { return false };
        if !cluster.join(joining, weight) {
            return false;
        }
        for term in joining.terms {
            if let Some(word) = cluster.word(term.key) {
                hold(&mut self.holders, word.key, word.count, slot);
            }
        }
        self.forget_words(slot, shares, most_words);
        true
    }

    /// Makes one of two groups when their words are alike.
    pub fn join_alike(
        &mut self,
        pair: (u32, u32),
        shares: &Shares<'_>,
        settings: &DiscoverySettings,
    ) -> Option<Joined> {
        let alike = likeness(self.cluster(pair.0)?, self.cluster(pair.1)?, shares) >= ALIKE;
        if alike { self.unite(pair, shares, settings) } else { None }
    }

    /// Makes one of two groups. The id that people can have seen stays, else the older one.
    pub fn unite(
        &mut self,
        pair: (u32, u32),
        shares: &Shares<'_>,
        settings: &DiscoverySettings,
    ) -> Option<Joined> {
        let (a, b) = (self.cluster(pair.0)?, self.cluster(pair.1)?);
        if pair.0 == pair.1 {
            return None;
        }
        let rank = |one: &Cluster| (one.customers < settings.fewest_customers, one.born, one.id);
        let (stays, goes) = if rank(a) <= rank(b) { pair } else { (pair.1, pair.0) };
        let gone = self.remove(goes)?;
        let gone_id = gone.id;
        let kept = self.slots.get_mut(stays as usize)?.as_mut()?;
        kept.absorb(gone);
        let joined = Joined { kept: kept.id, gone: gone_id };
        for word in &kept.words {
            hold(&mut self.holders, word.key, word.count, stays);
        }
        self.forget_words(stays, shares, settings.most_words);
        Some(joined)
    }

    /// Leaves in `likelihoods` what the words found bring to each group touched, for each λ.
    fn weigh(&mut self, terms: &[Known<'_>], choice: &Choice) {
        self.likelihoods.resize(self.slots.len(), [0.0; THEME_SHARES.len()]);
        for term in terms {
            let Some(holders) = self.holders.get(&term.key) else { continue };
            let odds = THEME_SHARES.map(|share| share / (1.0 - share) / term.share);
            for holder in holders {
                let slot = holder.slot as usize;
                let Some(cluster) = self.slots.get(slot).and_then(Option::as_ref) else { continue };
                let Some(found) = self.likelihoods.get_mut(slot) else { continue };
                if found[0] == 0.0 {
                    *found = [1.0; THEME_SHARES.len()];
                    self.touched.push(holder.slot);
                }
                let share =
                    f64::from(holder.count) / (f64::from(cluster.weight) + DOUBT * choice.unit);
                for (likelihood, odds) in found.iter_mut().zip(odds) {
                    *likelihood = (*likelihood * (1.0 + odds * share)).min(MOST_LIKELIHOOD);
                }
            }
        }
    }

    /// The groups with their slots.
    pub fn in_slots(&self) -> impl Iterator<Item = (u32, &Cluster)> {
        (0..).zip(&self.slots).filter_map(|(slot, found)| Some((slot, found.as_ref()?)))
    }

    pub fn cluster(&self, slot: u32) -> Option<&Cluster> {
        self.slots.get(slot as usize).and_then(Option::as_ref)
    }

    fn put(&mut self, cluster: Cluster) -> u32 {
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        for word in &cluster.words {
            hold(&mut self.holders, word.key, word.count, slot);
        }
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = Some(cluster),
            None => self.slots.push(Some(cluster)),
        }
        slot
    }

    fn remove(&mut self, slot: u32) -> Option<Cluster> {
        let cluster = self.slots.get_mut(slot as usize)?.take()?;
        cluster.words.iter().for_each(|word| let_go(&mut self.holders, word.key, slot));
        self.free.push(slot);
        Some(cluster)
    }

    /// At twice `most_words` the half that says least goes.
    fn forget_words(&mut self, slot: u32, shares: &Shares<'_>, most_words: usize) {
        let Some(cluster) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else {
            return;
        };
        if cluster.words.len() <= 2 * most_words {
            return;
        }
        let value = |word: &Word| f64::from(word.count) * -libm::log(shares.share(word.key));
        let mut ranked: Vec<(f64, u64)> =
            cluster.words.iter().map(|word| (value(word), word.key)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut gone: Vec<u64> = ranked.into_iter().skip(most_words).map(|word| word.1).collect();
        gone.sort_unstable();
        cluster.words.retain(|word| gone.binary_search(&word.key).is_err());
        gone.into_iter().for_each(|key| let_go(&mut self.holders, key, slot));
    }
}

fn hold(holders: &mut BTreeMap<u64, Vec<Holder>>, key: u64, count: f32, slot: u32) {
    let all = holders.entry(key).or_default();
    match all.iter_mut().find(|holder| holder.slot == slot) {
        Some(holder) => holder.count = count,
        None => all.push(Holder { slot, count }),
    }
}

fn let_go(holders: &mut BTreeMap<u64, Vec<Holder>>, key: u64, slot: u32) {
    if let Some(all) = holders.get_mut(&key) {
        all.retain(|holder| holder.slot != slot);
        if all.is_empty() {
            holders.remove(&key);
        }
    }
}

/// What the times of a group's customers say for it, in nats: how many times as often they came in
/// the last three days as in the 25 before. Never against it: a theme may come back.
fn recent_nats(cluster: &Cluster, choice: &Choice) -> f64 {
    let recent = choice.today - NOW_DAYS + 1;
    let start = choice.today - DAYS as i64 + 1;
    let now = cluster.customers_in(recent..choice.today + 1) as f64;
    let before = cluster.customers_in(start..recent) as f64;
    let days_before = (DAYS as i64 - NOW_DAYS) as f64;
    let times = (now + DOUBTED_NOW) / NOW_DAYS as f64 / ((before + DOUBTED_BEFORE) / days_before);
    libm::log(times).min(choice.most_recent_nats).max(0.0)
}

/// The cosine of two groups' words, each weighed by the share of customers who use it and by its
/// rarity.
pub(super) fn likeness(a: &Cluster, b: &Cluster, shares: &Shares<'_>) -> f64 {
    let rarity = |word: &Word| -libm::log(shares.share(word.key));
    let length = |cluster: &Cluster| {
        let values = cluster.words.iter().map(|word| f64::from(word.count) * rarity(word));
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let both = a.words.iter().filter_map(|word| {
        let other = b.word(word.key)?;
        Some(f64::from(word.count) * f64::from(other.count) * rarity(word) * rarity(word))
    });
    let lengths = length(a) * length(b);
    if lengths > 0.0 { both.sum::<f64>() / lengths } else { 0.0 }
}
