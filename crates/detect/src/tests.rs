use super::*;

#[test]
fn published_numbers_are_short() {
    assert_eq!(thousandths(1.234_56), 1.235);
    assert_eq!(three_digits(1.234_56e-19), 1.23e-19);
    assert_eq!(three_digits(0.0), 0.0);
    assert!(three_digits(f64::NAN).is_nan());
}

#[test]
fn explanations_need_support_and_a_share() {
    let cell = |value: &str, observed, expected| Cell {
        dimension: "version".into(),
        value: value.into(),
        observed,
        expected,
    };
    let cells = [cell("66", 50, 3.0), cell("60", 9, 1.0), cell("52", 4, 0.0)];
    let rows = explain(&cells, (63, 56.0), 5);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].value.as_str(), rows[0].excess_share), ("66", 0.839));
}

#[test]
fn a_rise_that_is_alike_everywhere_has_no_explanation() {
    let cell = |dimension: &str, value: &str, observed, expected| Cell {
        dimension: dimension.into(),
        value: value.into(),
        observed,
        expected,
    };
    let cells = [
        cell("channel", "web_form", 60, 6.0),
        cell("version", "66", 40, 4.0),
        cell("version", "65", 20, 2.0),
    ];
    assert_eq!(explain(&cells, (60, 54.0), 5), []);
}
