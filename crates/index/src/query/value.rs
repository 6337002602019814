//! The value after a field's colon.

use std::ops::Bound;

use super::FieldValue;
use crate::schema::FieldKind;

/// Reads bounds where the field can have them, then patterns, then exact values.
pub(super) fn field_value(kind: FieldKind, text: String) -> FieldValue {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let may_range = match kind {
        FieldKind::Keyword | FieldKind::Text | FieldKind::Bool => false,
        FieldKind::Attributes => {
            text.split_once("..").is_some_and(|(a, b)| is_number(a) && is_number(b))
                || is_number(text.trim_start_matches(['<', '>', '=']))
        }
        _ => true,
    };
    let bounded = |value: &str| value.to_owned();
    if may_range {
        if let Some((low, high)) = text.split_once("..") {
            return FieldValue::Range {
                low: Bound::Included(bounded(low)),
                high: Bound::Included(bounded(high)),
            };
        }
        for (sign, low, high) in
            [(">=", true, true), ("<=", false, true), (">", true, false), ("<", false, false)]
        {
            let Some(value) = text.strip_prefix(sign) else { continue };
            let bound = if high {
                Bound::Included(bounded(value))
            } else {
                Bound::Excluded(bounded(value))
            };
            return if low {
                FieldValue::Range { low: bound, high: Bound::Unbounded }
            } else {
                FieldValue::Range { low: Bound::Unbounded, high: bound }
            };
        }
    }
    if text.contains('*') { FieldValue::Pattern(text) } else { FieldValue::Exact(text) }
}
