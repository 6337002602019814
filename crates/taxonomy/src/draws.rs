//! Seeded draws: the same seed gives the same numbers on every machine.

/// A stream of numbers by SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Draws(pub u64);

impl Draws {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = ((u128::from(self.next()) * (at as u128 + 1)) >> 64) as usize;
            items.swap(at, other);
        }
    }
}
