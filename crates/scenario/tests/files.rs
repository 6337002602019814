//! Wrong scenario files are refused with the place and with what to do.

use quell_scenario::parse;

const HEAD: &str = "name: test\nstart: 2026-01-05T00:00:00Z\nduration: 14d\n";

fn refused(rest: &str, line: u64, words: &str) {
    let error = parse(&format!("{HEAD}{rest}"), "shop.yaml").expect_err(rest);
    assert_eq!((error.line, error.file.as_str()), (line, "shop.yaml"), "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.to_string().starts_with(&format!("shop.yaml:{line}: ")), "{error}");
}

#[test]
fn unknown_keys_and_words() {
    refused("rate: {per_hour: 5}\nsesaon: flat\n", 5, "sesaon");
    refused("rate: {per_hour: 5}\nchains:\n  share: 0.1\n  shre: 2\n", 7, "shre");
    refused("rate: {per_hour: 5}\nlanguages:\n  en: 1\n  tlh: 1\n", 7, "tlh");
    refused("rate: {per_hour: 5}\nreasons:\n  delivery.lost_in_space: 1\n", 6, "delivery.late");
    refused("rate: {per_hour: 5}\nchains:\n  causes: {bad_luck: 1}\n", 6, "bad_luck");
}

#[test]
fn values_out_of_range() {
    refused("rate: {per_hour: -5}\n", 4, "out of range");
    refused("rate: {per_hour: 5}\nchains: {share: 1.5}\n", 5, "from 0 to 1");
    refused("rate: {per_hour: 5}\nrepeat_window: 7 days\n", 5, "7d, 12h");
    refused("rate: {per_hour: 5}\nrepeat_window: 99999999999999d\n", 5, "ten years");
    refused("rate: {per_hour: 5}\ncustomers: {tail: 1}\n", 5, "tail exponent");
}

#[test]
fn parts_that_do_not_fit() {
    refused("rate: {per_100: 4}\n", 4, "volumes");
    refused("rate: {per_100: 4, per_hour: 2}\n", 4, "exactly one");
    refused("rate: {per_100: 4}\nvolumes: {per_hour: 10, by: region}\n", 5, "not a dimension");
    refused(
        "rate: {per_hour: 4}\nincidents:\n  - {id: a, reason: delivery.late, start: 1d, \
         duration: 1d, peak: 3, segment: {region: moon}}\n",
        6,
        "region: moon",
    );
    refused(
        "rate: {per_hour: 4}\nrepeat_window: 14d\nedges: {window_exact: 1}\n",
        6,
        "longer than the repeat window",
    );
}

#[test]
fn a_run_without_an_end_is_refused() {
    let yaml = "name: test\nstart: 2026-01-05T00:00:00Z\nrate: {per_hour: 4}\n";
    let error = parse(yaml, "x").expect_err("no end");
    assert!(error.to_string().contains("has no end"), "{error}");
}
