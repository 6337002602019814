//! Seeded draws: the same seed gives the same numbers on every machine.

/// What SplitMix64 adds between two numbers.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of random numbers and counts: SplitMix64 (Steele, Lea & Flood 2014) underneath.
#[derive(Clone, Debug)]
pub(crate) struct Draws(u64);

/// The number that SplitMix64 makes of a state: every bit of the key moves every bit.
pub(crate) fn mixed(key: u64) -> u64 {
    let mut hash = key.wrapping_add(STEP);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Draws {
        Draws(seed)
    }

    fn next(&mut self) -> u64 {
        let drawn = mixed(self.0);
        self.0 = self.0.wrapping_add(STEP);
        drawn
    }

    /// Between 0 and 1, neither reached.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// From 0, inclusive, to 1.
    #[cfg(test)]
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below `bound`; 0 where that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// About standard normal, none beyond six: the sum of twelve shares, centred.
    #[cfg(test)]
    pub(crate) fn sum_of_twelve(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    /// Standard normal (Box & Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Gamma of this shape and scale 1 (Marsaglia & Tsang 2000, ACM TOMS 26:363).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.unit().powf(1.0 / shape.max(1e-12));
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Poisson: products of uniforms; from mean 30 up a normal corrected for skewness, whose
    /// error is well below that of a plug-in mean.
    fn poisson(&mut self, mean: f64) -> u64 {
        if mean >= 30.0 {
            let z = self.normal();
            return (mean + mean.sqrt() * z + (z * z - 1.0) / 6.0).round().max(0.0) as u64;
        }
        let floor = (-mean).exp();
        let mut product = self.unit();
        let mut count = 0;
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// A count of this mean and variance over mean.
    pub(crate) fn count(&mut self, mean: f64, dispersion: f64) -> u64 {
        if dispersion > 1.0 + 1e-6 {
            let mean = self.gamma(mean / (dispersion - 1.0)) * (dispersion - 1.0);
            return self.poisson(mean);
        }
        if dispersion >= 1.0 {
            return self.poisson(mean);
        }
        (mean + (dispersion * mean).sqrt() * self.normal()).round().max(0.0) as u64
    }
}
