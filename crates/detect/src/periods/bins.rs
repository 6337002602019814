//! Short bins of heavy-tailed counts, such as five minutes of mentions: how rare is this?

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Version of [`BinSeries`] as written out; another is not to be read as this one.
pub const BIN_STATE_VERSION: u16 = 1;
/// Width of a class of the histogram, in units of the logarithm.
const STEP: f64 = 0.05;
/// Lower end of the histogram: a count at 1/150 of its level.
const LOWEST: f64 = -5.0;
/// Classes of the histogram; the last takes all above 20 000 times the level.
const CLASSES: usize = 300;
/// Weight seen below which nothing is called rare.
const LEAST_SEEN: f64 = 200.0;
/// What the tail is taken for before it is seen: so many exceedances of this mean.
const PRIOR_EXCEEDANCES: f64 = 5.0;
const PRIOR_EXCESS: f64 = 0.3;
/// Largest deviation that moves the level, in units of the logarithm.
const CLIP: f64 = 2.0;
/// Weights grow instead of fading; above this they are all scaled back.
const LARGEST_WEIGHT: f64 = 1e6;

/// Settings for counts in short bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinSettings {
    /// Spans that are averaged and judged each by itself, in bins.
    pub spans_bins: Vec<usize>,
    /// Added to a mean count before its logarithm, so that 0 against 1 is no rise.
    pub floor: f64,
    /// Bins that the level is an average of.
    pub level_bins: f64,
    /// Bins that the distribution around the level is learnt from.
    pub memory_bins: f64,
    /// Share of the bins that is the tail.
    pub tail_share: f64,
    /// Bins in which only a new highest surprise is told.
    pub quiet_bins: usize,
    /// First bins, in which the level follows without a limit.
    pub settle_bins: u64,
}

impl BinSettings {
    /// Bins of five minutes: spans of 5 and 30 minutes, a level of a week, one alarm a day unless
    /// it gets worse.
    pub fn five_minutes() -> BinSettings {
        BinSettings {
            spans_bins: vec![1, 6],
            floor: 3.0,
            level_bins: 2016.0,
            memory_bins: 6048.0,
            tail_share: 0.01,
            quiet_bins: 288,
            settle_bins: 288,
        }
    }
}

/// State of one series of bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinSeries {
    /// [`BIN_STATE_VERSION`] of the code that made it.
    pub version: u16,
    spans: Vec<Span>,
    /// Last counts, newest first.
    recent: VecDeque<u64>,
    /// Bins so far.
    bins: u64,
    /// Number and surprise of the bins that are higher than all after them.
    peaks: VecDeque<(u64, f32)>,
}

/// What is said of a bin, in nats: 7 is one bin in 1100, 14 one in a million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinScore {
    /// Minus the logarithm of the share of bins as high as this, 0 outside the tail.
    pub surprise: f64,
    /// The same where it is the highest of the last `quiet_bins`, else 0: what to alarm on.
    pub news: f64,
}

impl BinSeries {
    /// A series without history.
    pub fn new() -> BinSeries {
        BinSeries {
            version: BIN_STATE_VERSION,
            spans: Vec::new(),
            recent: VecDeque::new(),
            bins: 0,
            peaks: VecDeque::new(),
        }
    }

    /// Takes the next bin; `None` when it was not measured.
    ///
    /// The logarithm of the count over its level is judged against its own past: above the tail's
    /// quantile the excess is taken as exponential, that is the count as Pareto (peaks over a
    /// threshold, Pickands 1975, Annals of Statistics 3:119; as a stream, Siffer et al. 2017,
    /// KDD). Of the spans the rarer counts, uncorrected, so with two the rate may be twice what
    /// the number says. Bursts that come every day are part of the past and not rare; there is no
    /// season of its own. A rise slower than the level's average is not seen, nor is a fall.
    ///
    /// O(spans × 300) a bin at most; the bins of the tail are what is summed.
    pub fn push(&mut self, settings: &BinSettings, count: Option<u64>) -> BinScore {
        let now = self.bins;
        self.bins = self.bins.saturating_add(1);
        let surprise = count.map_or(0.0, |count| self.surprise(settings, count));
        let oldest = now.saturating_sub(settings.quiet_bins as u64);
        while self.peaks.front().is_some_and(|(at, _)| *at < oldest) {
            self.peaks.pop_front();
        }
        let highest = self.peaks.front().map_or(0.0, |(_, peak)| f64::from(*peak));
        if surprise > 0.0 {
            let kept = surprise as f32;
            while self.peaks.back().is_some_and(|(_, peak)| *peak <= kept) {
                self.peaks.pop_back();
            }
            self.peaks.push_back((now, kept));
        }
        BinScore { surprise, news: if surprise > highest { surprise } else { 0.0 } }
    }

    fn surprise(&mut self, settings: &BinSettings, count: u64) -> f64 {
        let longest = settings.spans_bins.iter().copied().max().unwrap_or(1).max(1);
        self.recent.push_front(count);
        self.recent.truncate(longest);
        self.spans.resize_with(settings.spans_bins.len(), Span::new);
        let settled = self.bins > settings.settle_bins;
        let mut rarest: f64 = 0.0;
        for (span, bins) in self.spans.iter_mut().zip(&settings.spans_bins) {
            let known = self.recent.iter().take((*bins).max(1));
            let mean = known.clone().map(|count| *count as f64).sum::<f64>() / known.len() as f64;
            let height = (mean + settings.floor.max(1e-3)).ln();
            rarest = rarest.max(span.judge(settings, height, settled));
        }
        rarest
    }
}

impl Default for BinSeries {
    fn default() -> BinSeries {
        BinSeries::new()
    }
}

/// One span's level and the distribution around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Span {
    /// Mean of the logarithm.
    level: f64,
    /// Bins in the mean.
    averaged: f64,
    /// Weight by class of deviation.
    classes: Vec<f32>,
    /// Weight of all.
    total: f64,
    /// Weight of the next bin.
    unit: f64,
}

impl Span {
    fn new() -> Span {
        Span { level: 0.0, averaged: 0.0, classes: vec![0.0; CLASSES], total: 0.0, unit: 1.0 }
    }

    /// Surprise of a height, before it is learnt.
    fn judge(&mut self, settings: &BinSettings, height: f64, settled: bool) -> f64 {
        if self.averaged == 0.0 {
            self.level = height;
        }
        let deviation = height - self.level;
        let surprise = self.surprise(deviation, settings.tail_share);
        self.count_in(deviation, settings.memory_bins);
        self.averaged = (self.averaged + 1.0).min(settings.level_bins.max(1.0));
        let moved = if settled { deviation.clamp(-CLIP, CLIP) } else { deviation };
        self.level += moved / self.averaged;
        surprise
    }

    fn surprise(&self, deviation: f64, tail_share: f64) -> f64 {
        if self.total < LEAST_SEEN * self.unit {
            return 0.0;
        }
        let allowed = tail_share.clamp(0.0, 1.0) * self.total;
        let mut above = 0.0;
        let mut heights = 0.0;
        let mut from = CLASSES;
        for (class, weight) in self.classes.iter().enumerate().rev() {
            let weight = f64::from(*weight);
            if above + weight >= allowed {
                break;
            }
            above += weight;
            heights += weight * (LOWEST + (class as f64 + 0.5) * STEP);
            from = class;
        }
        let start = LOWEST + from as f64 * STEP;
        if deviation <= start {
            return 0.0;
        }
        let prior = PRIOR_EXCEEDANCES * self.unit;
        let excess = (heights - above * start).max(0.0) + prior * PRIOR_EXCESS;
        let share = above.max(self.unit) / self.total;
        (deviation - start) * (above + prior) / excess - share.ln()
    }

    fn count_in(&mut self, deviation: f64, memory_bins: f64) {
        let class = ((deviation - LOWEST) / STEP).max(0.0) as usize;
        if let Some(weight) = self.classes.get_mut(class.min(CLASSES - 1)) {
            *weight += self.unit as f32;
            self.total += self.unit;
        }
        self.unit *= 1.0 + 1.0 / memory_bins.max(1.0);
        if self.unit > LARGEST_WEIGHT {
            let scale = 1.0 / self.unit;
            self.classes.iter_mut().for_each(|weight| *weight *= scale as f32);
            self.total *= scale;
            self.unit = 1.0;
        }
    }
}
