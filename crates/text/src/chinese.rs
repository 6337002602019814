//! Traditional characters to simplified ones, one to one, for matching and indexing. The original
//! is kept for show by the offsets.

use std::sync::OnceLock;

static TABLE: &str = include_str!("../data/traditional_to_simplified.txt");

const FIRST: u32 = 0x3400;
const LAST: u32 = 0x9FFF;

/// The simplified form of a Chinese character, or the character itself.
#[inline]
pub fn to_simplified(c: char) -> char {
    let at = (c as u32).wrapping_sub(FIRST);
    table().get(at as usize).copied().unwrap_or(c)
}

/// Whether a character exists in traditional text only.
#[inline]
pub fn is_traditional(c: char) -> bool {
    to_simplified(c) != c
}

fn table() -> &'static [char] {
    static FOLD: OnceLock<Vec<char>> = OnceLock::new();
    FOLD.get_or_init(|| {
        let mut fold: Vec<char> =
            (FIRST..=LAST).map(|code| char::from_u32(code).unwrap_or('\0')).collect();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut chars = line.chars();
            while let (Some(from), Some(to)) = (chars.next(), chars.next()) {
                if let Some(slot) = fold.get_mut((from as u32).wrapping_sub(FIRST) as usize) {
                    *slot = to;
                }
            }
        }
        fold
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_is_idempotent() {
        let folded: String = "帳號重複扣款，網路斷線後".chars().map(to_simplified).collect();
        assert_eq!(folded, "帐号重复扣款，网路断线后");
        for code in FIRST..=LAST {
            let c = char::from_u32(code).unwrap_or('\0');
            let once = to_simplified(c);
            assert_eq!(to_simplified(once), once, "{c} folds to {once}, which folds again");
        }
        assert_eq!(to_simplified('a'), 'a');
    }
}
