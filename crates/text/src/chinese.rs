//! Traditional and simplified characters: which a text is written in, and the fold of the one to
//! the other, one to one, for matching and indexing. The original is kept for show by the offsets.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::cues::lexicon;

static TABLE: &str = include_str!("../data/traditional_to_simplified.txt");
/// Characters of the table that both ways of writing use.
static IN_BOTH: &str = include_str!("../data/chinese_in_both.txt");

const FIRST: u32 = 0x3400;
const LAST: u32 = 0x9FFF;

/// The two ways of writing Chinese.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writing {
    /// As in mainland China and Singapore: `zh-Hans`.
    Simplified,
    /// As in Taiwan, Hong Kong and Macau: `zh-Hant`.
    Traditional,
}

impl Writing {
    /// The language tag with its script.
    pub fn tag(self) -> &'static str {
        match self {
            Writing::Simplified => "zh-Hans",
            Writing::Traditional => "zh-Hant",
        }
    }
}

/// How a Chinese text is written, by the characters that only one way has. None when it holds none
/// of them, or as many of the one as of the other.
pub fn writing(text: &str) -> Option<Writing> {
    let (mut simplified, mut traditional) = (0u32, 0u32);
    for c in text.chars() {
        match table().side(c) {
            SIMPLIFIED => simplified += 1,
            TRADITIONAL => traditional += 1,
            _ => {}
        }
    }
    match simplified.cmp(&traditional) {
        std::cmp::Ordering::Greater => Some(Writing::Simplified),
        std::cmp::Ordering::Less => Some(Writing::Traditional),
        std::cmp::Ordering::Equal => None,
    }
}

/// The simplified form of a Chinese character, or the character itself.
#[inline]
pub fn to_simplified(c: char) -> char {
    let at = (c as u32).wrapping_sub(FIRST);
    table().fold.get(at as usize).copied().unwrap_or(c)
}

const EITHER: u8 = 0;
const SIMPLIFIED: u8 = 1;
const TRADITIONAL: u8 = 2;

struct Table {
    fold: Vec<char>,
    /// For each character the way of writing that alone has it.
    sides: Vec<u8>,
}

impl Table {
    fn side(&self, c: char) -> u8 {
        self.sides.get((c as u32).wrapping_sub(FIRST) as usize).copied().unwrap_or(EITHER)
    }

    fn set_side(&mut self, c: char, side: u8) {
        if let Some(slot) = self.sides.get_mut((c as u32).wrapping_sub(FIRST) as usize) {
            *slot = side;
        }
    }
}

fn table() -> &'static Table {
    static FOLD: OnceLock<Table> = OnceLock::new();
    FOLD.get_or_init(|| {
        let fold: Vec<char> =
            (FIRST..=LAST).map(|code| char::from_u32(code).unwrap_or('\0')).collect();
        let sides = vec![EITHER; fold.len()];
        let mut table = Table { fold, sides };
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut chars = line.chars();
            while let (Some(from), Some(to)) = (chars.next(), chars.next()) {
                let at = (from as u32).wrapping_sub(FIRST) as usize;
                if let Some(slot) = table.fold.get_mut(at) {
                    *slot = to;
                }
                table.set_side(from, TRADITIONAL);
                table.set_side(to, SIMPLIFIED);
            }
        }
        for c in IN_BOTH.lines().filter(|line| !line.starts_with('#')).flat_map(str::chars) {
            table.set_side(c, EITHER);
        }
        table
    })
}

/// A word of one region, in simplified characters.
struct Regional {
    word: Vec<char>,
    /// The word of its group that stands for all of them.
    common: Vec<char>,
}

/// Regional words by their first character.
fn regional_words() -> &'static BTreeMap<char, Vec<Regional>> {
    static WORDS: OnceLock<BTreeMap<char, Vec<Regional>>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words: BTreeMap<char, Vec<Regional>> = BTreeMap::new();
        for group in &lexicon().zh_variants {
            // The shortest stands for all, so that a token never has to be made up.
            let Some(common) = group.iter().min_by_key(|word| word.chars().count()) else {
                continue;
            };
            let common: Vec<char> = common.chars().collect();
            for word in group.iter().map(|word| word.chars().collect::<Vec<char>>()) {
                if let Some(first) = word.first().filter(|_| word != common) {
                    let of_first = words.entry(*first).or_default();
                    of_first.push(Regional { word, common: common.clone() });
                }
            }
        }
        words
    })
}

/// The regional word that a text of simplified characters begins with: how many characters it has,
/// and the word that stands for it, which is never longer.
pub(crate) fn regional_word(text: &str) -> Option<(usize, &'static [char])> {
    let words = regional_words().get(&text.chars().next()?)?;
    let begins = |word: &[char]| text.chars().take(word.len()).eq(word.iter().copied());
    let found = words.iter().filter(|regional| begins(&regional.word));
    let Regional { word, common } = found.max_by_key(|regional| regional.word.len())?;
    Some((word.len(), common))
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

    #[test]
    fn characters_of_one_writing_tell_which_it_is() {
        for (text, expected) in [
            ("我的帳號無法登入", Some(Writing::Traditional)),
            ("我的账号无法登录", Some(Writing::Simplified)),
            ("皇后在家里", None),
            ("你好", None),
            ("", None),
            ("hello", None),
            ("「臺灣」这两个字怎么写在这里呢", Some(Writing::Simplified)),
        ] {
            assert_eq!(writing(text), expected, "{text}");
        }
        assert_eq!(Writing::Traditional.tag(), "zh-Hant");
    }
}
