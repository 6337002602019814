use crate::steps::Step;
use crate::{Request, parse};

#[test]
fn test_alone_runs_every_step_and_tests_come_last() {
    let Ok(Request::Test(steps)) = parse(&["test"]) else { panic!("`test` is a request") };
    assert_eq!(steps, Step::ALL);
    assert_eq!(steps.last(), Some(&Step::Tests), "the output ends with the lines of cargo test");
}

#[test]
fn each_step_of_the_usage_text_can_be_run_alone() {
    for name in ["fmt", "clippy", "deny", "deploy", "tests", "tidy"] {
        let Ok(Request::Test(steps)) = parse(&["test", "--only", name]) else {
            panic!("{name} is a step")
        };
        assert_eq!(steps.iter().map(|step| step.name()).collect::<Vec<_>>(), [name]);
        assert!(crate::USAGE.contains(&format!("\n  {name} ")), "{name} is in the usage text");
    }
}

#[test]
fn what_cannot_be_read_is_refused_and_never_taken_for_less_work() {
    for wrong in [
        &["tests"][..],
        &["test", "--only"],
        &["test", "--only", "lint"],
        &["test", "--only", "fmt", "clippy"],
        &["test", "fmt"],
        &["test", "--onyl", "fmt"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}
