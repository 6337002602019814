//! Seeded chance. Every draw comes from one generator and one maths library, so that a seed gives
//! the same bytes on every machine.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A seeded source of draws.
pub(crate) struct Draw(Pcg64Mcg);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Draw(Pcg64Mcg::seed_from_u64(seed))
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in (0, 1]: safe to take the logarithm of.
    fn open_unit(&mut self) -> f64 {
        1.0 - self.unit()
    }

    /// Uniform in 0..`end`; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// Uniform index into something of `len` entries; 0 where it is empty.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.open_unit())
    }

    /// Log-normal with this median; `sigma` is the standard deviation of the logarithm.
    pub(crate) fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal())
    }

    /// A count with this mean and variance `mean + dispersion * mean²`.
    pub(crate) fn count(&mut self, mean: f64, dispersion: f64) -> u64 {
        if dispersion <= 0.0 || mean <= 0.0 {
            return self.poisson(mean);
        }
        let shape = 1.0 / dispersion;
        let mean = mean * self.gamma(shape) / shape;
        self.poisson(mean)
    }

    /// How many of `count` units fall to a part with this share; the normal limit, for many units.
    pub(crate) fn split(&mut self, count: u64, share: f64) -> u64 {
        let mean = count as f64 * share;
        let part = mean + (mean * (1.0 - share)).sqrt() * self.normal();
        part.round().clamp(0.0, count as f64) as u64
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return self.poisson_large(mean);
        }
        let limit = libm::exp(-mean);
        let mut product = self.unit();
        let mut count = 0;
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Transformed rejection (Hörmann 1993), for means above ten.
    fn poisson_large(&mut self, mean: f64) -> u64 {
        let log_mean = libm::log(mean);
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let quick = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.unit() - 0.5;
            let v = self.open_unit();
            let edge = 0.5 - u.abs();
            let k = ((2.0 * a / edge + b) * u + mean + 0.43).floor();
            if edge >= 0.07 && v <= quick {
                return k as u64;
            }
            if k < 0.0 || (edge < 0.013 && v > edge) {
                continue;
            }
            let left = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (edge * edge) + b);
            if left <= k * log_mean - mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }

    fn normal(&mut self) -> f64 {
        loop {
            let x = 2.0 * self.unit() - 1.0;
            let y = 2.0 * self.unit() - 1.0;
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// Gamma with unit scale (Marsaglia and Tsang 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.open_unit(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if libm::log(self.open_unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}

/// A fixed pseudo-random number for a key: what stays the same each time a customer returns.
pub(crate) fn hash(seed: u64, key: u64, salt: u64) -> u64 {
    let mut x = seed ^ key.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.rotate_left(32);
    for _ in 0..2 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    x
}

/// [`hash`] as a number in [0, 1).
pub(crate) fn hash_unit(seed: u64, key: u64, salt: u64) -> f64 {
    (hash(seed, key, salt) >> 11) as f64 / (1u64 << 53) as f64
}

/// Values with shares, normalised.
#[derive(Clone, Debug)]
pub(crate) struct Mix<T> {
    values: Vec<T>,
    /// Upper ends, the last being 1.
    ends: Vec<f64>,
}

impl<T: Clone> Mix<T> {
    /// `None` where no share is above zero.
    pub(crate) fn new(weighted: impl IntoIterator<Item = (T, f64)>) -> Option<Self> {
        let weighted: Vec<(T, f64)> = weighted.into_iter().filter(|(_, w)| *w > 0.0).collect();
        let total: f64 = weighted.iter().map(|(_, w)| w).sum();
        let mut sum = 0.0;
        let mut mix = Mix { values: Vec::new(), ends: Vec::new() };
        for (value, weight) in weighted {
            sum += weight / total;
            mix.values.push(value);
            mix.ends.push(sum);
        }
        (!mix.values.is_empty()).then_some(mix)
    }

    /// The value at `unit`, a number in [0, 1).
    pub(crate) fn at(&self, unit: f64) -> &T {
        let at = self.ends.partition_point(|&end| end <= unit);
        &self.values[at.min(self.values.len() - 1)]
    }

    /// Each value with its share of the whole.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (&T, f64)> {
        let starts = std::iter::once(0.0).chain(self.ends.iter().copied());
        self.values.iter().zip(starts.zip(&self.ends)).map(|(v, (start, end))| (v, end - start))
    }
}
