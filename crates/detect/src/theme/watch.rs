//! The watch over a stream of texts.

use super::background::Background;
use super::window::{Pair, Window};
use crate::draws::mixed;

/// How the watch decides. The bounds on memory are part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Days that count as recent.
    pub window_days: f64,
    /// Days in which the past fades by half.
    pub half_life_days: f64,
    /// Days from the first text on in which the past is learned and nothing is reported.
    pub learning_days: f64,
    /// Customers a pair needs.
    pub least_customers: u32,
    /// Nats by which a pair must beat what is expected to open a theme.
    pub open_nats: f64,
    /// Nats with which a word joins a theme.
    pub join_nats: f64,
    /// Texts of the past that the prior expectation of a pair weighs as much as.
    pub prior_texts: f64,
    /// How much more often than by chance words of one subject come together.
    pub affinity: f64,
    /// Days without an alarm after which a theme is forgotten.
    pub quiet_days: f64,
    /// Texts in the window at most; with more, the oldest leave early.
    pub most_texts: usize,
    /// Distinct words of a text that are looked at. A window holds at most
    /// `most_texts · most_words² / 2` pairs, about 60 bytes each.
    pub most_words: usize,
    /// Words of a theme at most.
    pub most_terms: usize,
    /// Themes kept at most; the one longest quiet leaves.
    pub most_themes: usize,
    /// Cells of a row of the table of past pairs.
    pub pair_cells: usize,
    /// Cells of a row of the table of past words.
    pub word_cells: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            window_days: 3.0,
            half_life_days: 14.0,
            learning_days: 14.0,
            least_customers: 5,
            open_nats: 18.0,
            join_nats: 5.0,
            prior_texts: 3000.0,
            affinity: 20.0,
            quiet_days: 7.0,
            most_texts: 1 << 13,
            most_words: 16,
            most_terms: 8,
            most_themes: 256,
            pair_cells: 1 << 18,
            word_cells: 1 << 14,
        }
    }
}

/// A theme that is new.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Its words, the pair that opened it first, then by how strongly they are linked to it.
    pub terms: Vec<u64>,
    /// Customers of the window that used the opening pair.
    pub customers: u32,
    /// Nats by which the opening pair beat what was expected.
    pub nats: f64,
}

/// Words already reported.
#[derive(Clone, Debug)]
struct Known {
    words: Vec<u64>,
    last_day: f64,
}

/// Watches texts in the order of their time. Memory is bounded by the settings alone.
#[derive(Clone, Debug)]
pub struct Watch {
    settings: Settings,
    window: Window,
    past_words: Background,
    past_pairs: Background,
    /// Texts of the past, faded.
    past_texts: Background,
    themes: Vec<Known>,
    first_day: f64,
    day: f64,
}

/// The one key of the count of texts.
const TEXTS: u64 = 0;

impl Watch {
    /// A watch that has seen nothing.
    pub fn new(settings: Settings) -> Watch {
        let half_life_days = settings.half_life_days.max(1e-3);
        Watch {
            window: Window::default(),
            past_words: Background::new(settings.word_cells, half_life_days),
            past_pairs: Background::new(settings.pair_cells, half_life_days),
            past_texts: Background::new(16, half_life_days),
            themes: Vec::new(),
            first_day: f64::INFINITY,
            day: f64::NEG_INFINITY,
            settings,
        }
    }

    /// Takes the next text, and returns the theme that it makes certain, if there is one.
    ///
    /// `day` is the text's time in days; one before the last is taken as the last, one that is not
    /// finite is left out. `words` are numbers of words, in any order, repeats allowed; words that
    /// come in most texts do no harm.
    pub fn take(&mut self, day: f64, customer: u64, words: &[u64]) -> Option<Theme> {
        if !day.is_finite() {
            return None;
        }
        self.first_day = self.first_day.min(day);
        self.day = self.day.max(day);
        let day = self.day;
        self.forget(day);
        let words = self.telling(words);
        let pairs = self.window.add(day, customer, &words);
        if day - self.first_day < self.settings.learning_days {
            return None;
        }
        let mut opened: Option<(Pair, f64)> = None;
        for pair in pairs {
            let nats = self.nats(pair);
            if self.window.pair(pair) < self.settings.least_customers
                || nats < self.settings.open_nats
                || self.joins(pair, day)
            {
                continue;
            }
            if opened.is_none_or(|(_, most)| nats > most) {
                opened = Some((pair, nats));
            }
        }
        let (pair, nats) = opened?;
        let terms = self.terms(pair);
        if self.themes.len() >= self.settings.most_themes {
            self.themes.remove(0);
        }
        self.themes.push(Known { words: terms.clone(), last_day: day });
        Some(Theme { terms, customers: self.window.pair(pair), nats })
    }

    /// Texts that count as recent now.
    pub fn texts(&self) -> usize {
        self.window.texts()
    }

    /// The distinct words of a text, ascending; of a long text those that the past knows least.
    fn telling(&self, words: &[u64]) -> Vec<u64> {
        let mut words = words.to_vec();
        words.sort_unstable();
        words.dedup();
        if words.len() > self.settings.most_words {
            let past = |word: &u64| self.past_words.count(*word, self.day);
            words.sort_by(|a, b| past(a).total_cmp(&past(b)).then(a.cmp(b)));
            words.truncate(self.settings.most_words);
            words.sort_unstable();
        }
        words
    }

    /// Moves what is no more recent to the past.
    fn forget(&mut self, day: f64) {
        let from = day - self.settings.window_days;
        while let Some(vote) = self.window.expire(from, self.settings.most_texts) {
            self.past_texts.add(TEXTS, vote.day);
            for word in vote.words {
                self.past_words.add(word, vote.day);
            }
            for pair in vote.pairs {
                self.past_pairs.add(pair_key(pair), vote.day);
            }
        }
        let quiet = self.settings.quiet_days;
        self.themes.retain(|theme| day - theme.last_day <= quiet);
    }

    /// Nats by which the pair's customers beat what is expected of it, 0 when they do not.
    fn nats(&self, pair: Pair) -> f64 {
        let seen = f64::from(self.window.pair(pair));
        let texts = self.window.texts() as f64;
        let past = self.past_texts.count(TEXTS, self.day);
        let rate = |word: u64| (self.past_words.count(word, self.day) + 0.5) / (past + 1.0);
        let (rate_a, rate_b) = (rate(pair.0), rate(pair.1));
        let recent = |word: u64| f64::from(self.window.word(word));
        let (a, b) = (recent(pair.0), recent(pair.1));
        let prior = self.settings.prior_texts;
        let of_pair = (self.past_pairs.count(pair_key(pair), self.day)
            + prior * self.settings.affinity * rate_a * rate_b)
            / (past + prior);
        // The rise of the words without each other is that of their subject.
        let rise = |seen_alone: f64, rate: f64| (seen_alone + 1.0) / (texts * rate + 1.0);
        let subject = rise(a - seen, rate_a).min(rise(b - seen, rate_b)).max(1.0);
        let by_pair = texts * of_pair * subject;
        let expected = by_pair.max(a * rate_b).max(b * rate_a);
        if seen <= expected || expected <= 0.0 {
            return 0.0;
        }
        seen * (seen / expected).ln() - (seen - expected)
    }

    /// Whether the pair belongs to a theme that is known; if so the theme gains its words.
    fn joins(&mut self, (a, b): Pair, day: f64) -> bool {
        let most = self.settings.most_terms;
        for theme in &mut self.themes {
            let (has_a, has_b) = (theme.words.contains(&a), theme.words.contains(&b));
            if has_a || has_b {
                theme.last_day = day;
                if !(has_a && has_b) && theme.words.len() < most {
                    theme.words.push(if has_a { b } else { a });
                }
                return true;
            }
        }
        false
    }

    /// The words of a theme that a pair opens: those linked to either word of it.
    fn terms(&self, pair: Pair) -> Vec<u64> {
        let mut linked: Vec<(f64, u64)> = Vec::new();
        let mut words = self.window.companions(pair.0);
        words.extend(self.window.companions(pair.1));
        words.sort_unstable();
        words.dedup();
        for word in words.into_iter().filter(|&word| word != pair.0 && word != pair.1) {
            let link = |to: u64| {
                let with = (to.min(word), to.max(word));
                if self.window.pair(with) < 3 { 0.0 } else { self.nats(with) }
            };
            let nats = link(pair.0).max(link(pair.1));
            if nats >= self.settings.join_nats {
                linked.push((nats, word));
            }
        }
        linked.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
        let more = linked.into_iter().map(|(_, word)| word);
        [pair.0, pair.1].into_iter().chain(more).take(self.settings.most_terms).collect()
    }
}

fn pair_key((a, b): Pair) -> u64 {
    mixed(a) ^ b.rotate_left(17)
}
