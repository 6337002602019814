//! What the pair tests count.

/// Contacts of one customer that are looked at, at most: the first ones.
const MOST_CONTACTS: usize = 2_000;
/// Followers of one contact that are looked at, at most.
const MOST_FOLLOWERS: usize = 200;
/// Reasons, at most; contacts with higher numbers are left out.
const MOST_REASONS: usize = 1_000;
/// Days, at most; contacts on later days are left out.
const MOST_DAYS: usize = 4_000;

/// One contact of a customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// Days since a common start; fractions count.
    pub day: f64,
    /// The number of its reason, from 0.
    pub reason: usize,
}

/// Sums over customers: no customer is kept.
///
/// Memory: reasons² × (3 × windows + 1) numbers, and reasons × days.
#[derive(Clone, Debug)]
pub struct PairCounts {
    reasons: usize,
    windows_day: Vec<f64>,
    /// Contacts, and contacts that are some customer's next, by reason.
    contacts: Vec<u64>,
    nexts: Vec<u64>,
    /// By first and second reason: how often the second is the very next.
    next: Vec<u64>,
    /// By window, first and second reason.
    after: Vec<u64>,
    /// By window, first and second reason: customers with the second more often after than before.
    votes: Vec<u64>,
    /// By reason: contacts of each day.
    days: Vec<Vec<u32>>,
}

impl PairCounts {
    /// For `reasons` reasons. Windows that are not positive numbers are passed over.
    pub fn new(reasons: usize, windows_day: &[f64]) -> PairCounts {
        let reasons = reasons.min(MOST_REASONS);
        let windows = windows_day.iter().copied().filter(|w| w.is_finite() && *w > 0.0);
        let mut windows_day: Vec<f64> = windows.collect();
        windows_day.sort_by(f64::total_cmp);
        let cells = reasons * reasons;
        PairCounts {
            reasons,
            contacts: vec![0; reasons],
            nexts: vec![0; reasons],
            next: vec![0; cells],
            after: vec![0; cells * windows_day.len()],
            votes: vec![0; cells * windows_day.len()],
            days: vec![Vec::new(); reasons],
            windows_day,
        }
    }

    /// Adds all contacts of one customer, in any order.
    ///
    /// A customer's contacts belong in one call: the vote is over all of them.
    pub fn add_customer(&mut self, contacts: &[Contact]) {
        let known = |contact: &&Contact| {
            contact.reason < self.reasons && (0.0..MOST_DAYS as f64).contains(&contact.day)
        };
        let mut history: Vec<Contact> =
            contacts.iter().filter(known).take(MOST_CONTACTS).copied().collect();
        history.sort_by(|a, b| a.day.total_cmp(&b.day).then(a.reason.cmp(&b.reason)));
        for contact in &history {
            self.contacts[contact.reason] += 1;
            let days = &mut self.days[contact.reason];
            let day = contact.day as usize;
            days.resize(days.len().max(day + 1), 0);
            days[day] += 1;
        }
        for two in history.windows(2) {
            self.nexts[two[1].reason] += 1;
            self.next[two[0].reason * self.reasons + two[1].reason] += 1;
        }
        self.vote(&history);
    }

    fn vote(&mut self, history: &[Contact]) {
        // Window, lower reason, higher reason, and whether the lower one came first.
        let mut seen: Vec<(usize, usize, usize, bool)> = Vec::new();
        for (index, one) in history.iter().enumerate() {
            for other in history[index + 1..].iter().take(MOST_FOLLOWERS) {
                let gap_day = other.day - one.day;
                // Of two contacts at one moment neither follows the other.
                if one.reason == other.reason || gap_day <= 0.0 {
                    continue;
                }
                let from = self.windows_day.partition_point(|window| *window < gap_day);
                if from == self.windows_day.len() {
                    break;
                }
                let (low, high) = (one.reason.min(other.reason), one.reason.max(other.reason));
                for window in from..self.windows_day.len() {
                    let cell = self.cell(window, one.reason, other.reason);
                    self.after[cell] += 1;
                    seen.push((window, low, high, low == one.reason));
                }
            }
        }
        seen.sort_unstable();
        for group in seen.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
            let (window, low, high, _) = group[0];
            let forward = group.iter().filter(|one| one.3).count();
            let cell = match forward.cmp(&(group.len() - forward)) {
                std::cmp::Ordering::Greater => self.cell(window, low, high),
                std::cmp::Ordering::Less => self.cell(window, high, low),
                std::cmp::Ordering::Equal => continue,
            };
            self.votes[cell] += 1;
        }
    }

    fn cell(&self, window: usize, first: usize, second: usize) -> usize {
        (window * self.reasons + first) * self.reasons + second
    }

    /// How many reasons there are.
    pub fn reasons(&self) -> usize {
        self.reasons
    }

    /// The windows, days, ascending.
    pub fn windows_day(&self) -> &[f64] {
        &self.windows_day
    }

    /// Contacts with a reason.
    pub(super) fn contacts(&self, reason: usize) -> u64 {
        self.contacts[reason]
    }

    /// How often the second reason is the very next after the first, and how often any is.
    pub(super) fn next(&self, first: usize, second: usize) -> (u64, u64) {
        let row = &self.next[first * self.reasons..(first + 1) * self.reasons];
        (row[second], row.iter().sum())
    }

    /// The share of a reason among all next contacts.
    pub(super) fn overall_share(&self, reason: usize) -> f64 {
        self.nexts[reason] as f64 / self.nexts.iter().sum::<u64>().max(1) as f64
    }

    /// Pairs of contacts of one customer, the second within the window after the first.
    pub(super) fn after(&self, window: usize, first: usize, second: usize) -> u64 {
        self.after[self.cell(window, first, second)]
    }

    /// Customers with the second reason more often after the first than before it, and less often.
    pub(super) fn votes(&self, window: usize, first: usize, second: usize) -> (u64, u64) {
        (self.votes[self.cell(window, first, second)], self.votes[self.cell(window, second, first)])
    }

    /// Pairs of contacts of any customers, the second within the window after the first, by whole
    /// days; of one day, half.
    pub(super) fn by_day(&self, window: usize, first: usize, second: usize) -> f64 {
        let (firsts, seconds) = (&self.days[first], &self.days[second]);
        let reach = self.windows_day[window].ceil() as usize;
        let mut sums = Vec::with_capacity(seconds.len() + 1);
        sums.push(0.0);
        for (day, count) in seconds.iter().enumerate() {
            sums.push(sums[day] + f64::from(*count));
        }
        let up_to = |day: usize| sums[day.min(seconds.len())];
        let pairs =
            firsts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(day, count)| {
                let same = 0.5 * (up_to(day + 1) - up_to(day));
                f64::from(*count) * (same + up_to(day + 1 + reach) - up_to(day + 1))
            });
        pairs.sum()
    }
}
