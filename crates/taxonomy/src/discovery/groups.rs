//! All groups, found by their words.

use std::collections::BTreeMap;

use super::background::Shares;
use super::cluster::{CandidateId, Cluster, Joining, Word};

/// The shares of a contact's words that its theme may account for; each is as likely as the other.
const THEME_SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.4];
/// Customers thought of who came to a group and said none of its words: a group of one tells
/// little.
const DOUBT: f64 = 1.0;
/// Groups as alike as this become one: the cosine of their words, weighed by rarity.
const ALIKE: f64 = 0.5;
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

    /// The group that a contact fits best by at least `fewest_nats`, and the next. `unit` is what
    /// one contact of now weighs.
    ///
    /// A contact of a theme draws each word from the theme with probability λ, else from
    /// everyday language: against everyday language alone its likelihood is
    /// `Π (1 - λ + λ q(word) / p(word))`, averaged over [`THEME_SHARES`]. `q` is the share of the
    /// group's customers who used the word, `p` of all contacts. The mixture keeps a long text
    /// with few words of the theme from being thrown out for its others. It fails where words
    /// come in fixed company (a pasted log): they count as if each were said for itself.
    pub fn best(
        &mut self,
        terms: &[Known<'_>],
        unit: f64,
        fewest_nats: f64,
    ) -> (Option<Fit>, Option<Fit>) {
        self.weigh(terms, unit);
        let miss = THEME_SHARES.map(|share| libm::pow(1.0 - share, terms.len() as f64));
        let least = libm::exp(fewest_nats);
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
            if ratio < least || ratio.is_nan() {
                continue;
            }
            let fit = Fit { slot, nats: libm::log(ratio) };
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
            let all = (0..).zip(&self.slots);
            let weakest = all.filter_map(|(slot, found)| Some((slot, found.as_ref()?)));
            let weakest = weakest.min_by(|(_, a), (_, b)| {
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
                hold(&mut self.holders, word, slot);
            }
        }
        self.forget_words(slot, shares, most_words);
        true
    }

    /// Makes one of two groups when they say the same. The older id stays; gives the kept and the
    /// absorbed.
    pub fn merge(
        &mut self,
        pair: (u32, u32),
        shares: &Shares<'_>,
        most_words: usize,
    ) -> Option<(CandidateId, CandidateId)> {
        let (a, b) = (self.cluster(pair.0)?, self.cluster(pair.1)?);
        if pair.0 == pair.1 || likeness(a, b, shares) < ALIKE {
            return None;
        }
        let in_order = (a.born, a.id) <= (b.born, b.id);
        let (older, younger) = if in_order { pair } else { (pair.1, pair.0) };
        let gone = self.remove(younger)?;
        let gone_id = gone.id;
        let kept = self.slots.get_mut(older as usize)?.as_mut()?;
        kept.absorb(gone);
        let kept_id = kept.id;
        for word in &kept.words {
            hold(&mut self.holders, word, older);
        }
        self.forget_words(older, shares, most_words);
        Some((kept_id, gone_id))
    }

    /// Leaves in `likelihoods` what the words found bring to each group touched, for each λ.
    fn weigh(&mut self, terms: &[Known<'_>], unit: f64) {
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
                let share = f64::from(holder.count) / (f64::from(cluster.weight) + DOUBT * unit);
                for (likelihood, odds) in found.iter_mut().zip(odds) {
                    *likelihood = (*likelihood * (1.0 + odds * share)).min(MOST_LIKELIHOOD);
                }
            }
        }
    }

    fn cluster(&self, slot: u32) -> Option<&Cluster> {
        self.slots.get(slot as usize).and_then(Option::as_ref)
    }

    fn put(&mut self, cluster: Cluster) -> u32 {
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        for word in &cluster.words {
            hold(&mut self.holders, word, slot);
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

fn hold(holders: &mut BTreeMap<u64, Vec<Holder>>, word: &Word, slot: u32) {
    let all = holders.entry(word.key).or_default();
    match all.iter_mut().find(|holder| holder.slot == slot) {
        Some(holder) => holder.count = word.count,
        None => all.push(Holder { slot, count: word.count }),
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

/// The cosine of two groups' words, each weighed by the share of customers who use it and by its
/// rarity.
fn likeness(a: &Cluster, b: &Cluster, shares: &Shares<'_>) -> f64 {
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
