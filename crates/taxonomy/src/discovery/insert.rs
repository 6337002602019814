//! Puts written reasons into the text of a taxonomy file, which stays as people wrote it.

/// What [`super::Fragment::yaml`] is indented by.
const WRITTEN_INDENT: usize = 2;

/// The text of a taxonomy file with reasons, as [`super::Fragment::yaml`] has them, at the end of
/// its list `reasons:`. None where the list is not written one item a line, as in
/// `reasons: [{…}]`. What comes out is for [`crate::Taxonomy::parse`] to judge.
pub fn with_reasons(file: &str, fragments: &str) -> Option<String> {
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let start = lines.iter().position(|line| opens_reasons(line))? + 1;
    let inside = lines.get(start..)?;
    let length = inside.iter().position(|line| ends_list(line)).unwrap_or(inside.len());
    let inside = inside.get(..length)?;
    let first = inside.iter().find(|line| is_content(line))?;
    let indent = first.len() - first.trim_start().len();
    if !first.trim_start().starts_with("- ") {
        return None;
    }
    // Comments at the end belong to what follows.
    let last = inside.iter().rposition(|line| is_content(line))?;
    let (before, after) = lines.split_at_checked(start + last + 1)?;
    let mut text = before.concat();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for line in fragments.lines() {
        text.extend(std::iter::repeat_n(' ', indent));
        text.push_str(line.get(WRITTEN_INDENT..).unwrap_or(line));
        text.push('\n');
    }
    text.push_str(&after.concat());
    Some(text)
}

fn opens_reasons(line: &str) -> bool {
    let rest = line.trim_start_matches('\u{feff}').strip_prefix("reasons:");
    rest.is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
}

/// The next key of the file stands at the beginning of its line.
fn ends_list(line: &str) -> bool {
    line.starts_with(|c: char| !c.is_whitespace() && c != '#' && c != '-')
}

fn is_content(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGMENT: &str = "  - id: \"a.c\"\n    name: C\n";

    #[test]
    fn reasons_go_to_the_end_of_their_list_as_it_is_indented() {
        for (file, expected) in [
            ("reasons:\n  - id: a.b", "reasons:\n  - id: a.b\n  - id: \"a.c\"\n    name: C\n"),
            (
                "reasons: # all\n- id: a.b\n  name: B\n\n# words\nwords:\n  w: {en: [x]}\n",
                "reasons: # all\n- id: a.b\n  name: B\n- id: \"a.c\"\n  name: C\n\n# words\n\
                 words:\n  w: {en: [x]}\n",
            ),
        ] {
            assert_eq!(with_reasons(file, FRAGMENT).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_list_written_otherwise_is_left_to_people() {
        for file in ["", "reasons: []\n", "reasons:\n", "id: x\n", "reasons:\n  {a: b}\n"] {
            assert_eq!(with_reasons(file, FRAGMENT), None, "{file}");
        }
    }
}
