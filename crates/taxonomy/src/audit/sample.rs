//! Which contacts people look at: a few of every reason, drawn by a hash.

use std::collections::{BTreeMap, BTreeSet};

/// Draws a sample of each group (a week, say), spread evenly over the reasons given, so that a
/// rare reason is looked at too.
///
/// The draw depends on the keys and the salt alone: neither the order of the contacts nor who
/// draws changes it. Memory is bounded by groups × reasons × size keys.
#[derive(Clone, Debug)]
pub struct Sampler {
    size: usize,
    salt: u64,
    /// By group and reason: the lowest draws with their keys.
    lowest: BTreeMap<(String, String), BTreeSet<(u64, String)>>,
}

impl Sampler {
    /// Draws `size` contacts of each group at most.
    pub fn new(size: usize, salt: u64) -> Sampler {
        Sampler { size, salt, lowest: BTreeMap::new() }
    }

    /// Takes note of a contact.
    pub fn add(&mut self, group: &str, reason: &str, contact_key: &str) {
        let draw = self.draw(contact_key);
        let address = (group.to_owned(), reason.to_owned());
        let lowest = self.lowest.entry(address).or_default();
        lowest.insert((draw, contact_key.to_owned()));
        if lowest.len() > self.size {
            lowest.pop_last();
        }
    }

    /// The keys drawn, by group: one of each reason in turn until the group has enough.
    pub fn drawn(self) -> BTreeMap<String, BTreeSet<String>> {
        let mut groups: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        for ((group, _), lowest) in self.lowest {
            let keys = lowest.into_iter().map(|(_, key)| key).collect();
            groups.entry(group).or_default().push(keys);
        }
        let spread = |(group, reasons): (String, Vec<Vec<String>>)| {
            let mut drawn = BTreeSet::new();
            let rounds = (0..self.size)
                .flat_map(|round| reasons.iter().filter_map(move |keys| keys.get(round)));
            for key in rounds {
                if drawn.len() == self.size {
                    break;
                }
                drawn.insert(key.clone());
            }
            (group, drawn)
        };
        groups.into_iter().map(spread).collect()
    }

    fn draw(&self, contact_key: &str) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.salt.to_le_bytes()).update(contact_key.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(contacts: impl Iterator<Item = usize>, size: usize, salt: u64) -> BTreeSet<String> {
        let mut sampler = Sampler::new(size, salt);
        for n in contacts {
            // One contact in twenty has the rare reason.
            let reason = if n % 20 == 0 { "rare" } else { "common" };
            sampler.add("w", reason, &format!("{reason} {n}"));
        }
        sampler.drawn().remove("w").unwrap_or_default()
    }

    #[test]
    fn order_does_not_matter_and_the_salt_does() {
        let forward = drawn(0..1_000, 20, 1);
        assert_eq!(forward.len(), 20);
        assert_eq!(forward, drawn((0..1_000).rev(), 20, 1));
        assert_ne!(forward, drawn(0..1_000, 20, 2));
    }

    #[test]
    fn a_rare_reason_has_its_share_and_a_common_one_fills_up() {
        let rare = |keys: &BTreeSet<String>| keys.iter().filter(|k| k.starts_with("rare")).count();
        assert_eq!(rare(&drawn(0..1_000, 20, 1)), 10);
        let all = drawn(0..40, 30, 1);
        assert_eq!((all.len(), rare(&all)), (30, 2));
        assert_eq!(drawn(0..10, 30, 1).len(), 10);
        assert_eq!(drawn(0..0, 30, 1).len(), 0);
    }

    #[test]
    fn every_contact_of_a_reason_is_as_likely() {
        let mut times = vec![0_u32; 100];
        for salt in 0..400 {
            let mut sampler = Sampler::new(10, salt);
            (0..100).for_each(|n| sampler.add("w", "r", &n.to_string()));
            for key in &sampler.drawn()["w"] {
                times[key.parse::<usize>().unwrap()] += 1;
            }
        }
        // 40 expected, a standard deviation of 6.
        assert!(times.iter().all(|count| (10..=70).contains(count)), "{times:?}");
    }
}
