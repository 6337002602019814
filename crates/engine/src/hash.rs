//! Short hashes of ids: equal ids are equal here, and nothing of an id can be read back.

/// The first eight bytes of the hash.
pub(crate) fn hash64(bytes: &[u8]) -> u64 {
    head(&blake3::hash(bytes))
}

/// The same under a key, so that guessing ids does not find them.
pub fn keyed_hash64(key: &[u8; blake3::KEY_LEN], bytes: &[u8]) -> u64 {
    head(&blake3::keyed_hash(key, bytes))
}

fn head(hash: &blake3::Hash) -> u64 {
    let mut low = [0; 8];
    low.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(low)
}
