//! Each rule catches what it is for, and lets pass what it should.

use crate::Violation;
use crate::code;
use crate::documents;
use crate::manifests::{self, Lock, Manifest};
use crate::source::Source;

fn source(text: &str) -> Source {
    Source::new("crates/model/src/a.rs", text)
}

/// The lines at which a rule finds something.
fn lines(violations: Vec<Violation>) -> Vec<usize> {
    violations.into_iter().map(|violation| violation.line).collect()
}

#[test]
fn comments_and_literals_are_not_code() {
    for hidden in [
        "// X",
        "/* a /* nested */ X */",
        "\"X\"",
        "\"\\\"X\"",
        "r\"\\\" ; let a = r#\"X \" X\"#",
        "br#\"X\"#",
        "b\"X\"",
        "'\\'' ; \"X\"",
        "'\"' ; let b = \"X\" ; '\"'",
    ] {
        assert!(source(hidden).words("X").is_empty(), "{hidden}");
        let line_after = source(&format!("{hidden}\nX"));
        assert_eq!(line_after.words("X").len(), 1, "{hidden}");
    }
    assert_eq!(source("fn f<'a>(x: &'a X) {}").words("X").len(), 1, "lifetimes are code");
    assert_eq!(source("let r#type = X;").words("X").len(), 1, "raw names are code");
    assert!(source("XY aX X_ _X").words("X").is_empty());
}

#[test]
fn impure_paths_are_found_in_every_form_of_import() {
    for impure in [
        "use std::fs;",
        "use std::fs::File;",
        "use std::{fmt, fs};",
        "use std::{fmt, io::{self, Read}, net::{TcpStream}};",
        "use std::time::{Duration, Instant};",
        "use std::time;",
        "use std::time::*;",
        "use std::*;",
        "use std::time::SystemTime as Clock;",
        "fn f() { std::fs::read(p); }",
        "fn f() { std::thread::sleep(d); }",
        "fn f() { std::env::var(n); }",
        "fn f() { jiff::Timestamp::now(); }",
        "fn f() { Timestamp::now(); }",
    ] {
        assert_eq!(lines(code::check_purity(&source(&format!("\n{impure}")))), [2], "{impure}");
    }
    for pure in [
        "use std::time::Duration;",
        "use std::{fmt, io::Read};",
        "use crate::fs::Tree;",
        "const A: &str = std::env!(\"CARGO_PKG_VERSION\");",
        "const A: &str = include_str!(\"a.yaml\");",
        "// std::fs::read\nconst A: &str = \"std::fs\";",
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n}",
        "use std::fmtx;",
    ] {
        assert_eq!(lines(code::check_purity(&source(pure))), [0; 0], "{pure}");
    }
}

#[test]
fn hash_maps_are_found_outside_tests() {
    assert_eq!(lines(code::check_hash_maps(&source("\nuse std::collections::HashSet;"))), [2]);
    assert_eq!(lines(code::check_hash_maps(&source("\n\nlet a: FxHashMap<u8, u8>;"))), [3]);
    let tested = "use std::collections::BTreeMap;\n#[cfg(test)]\nmod tests { use a::HashMap; }";
    assert_eq!(lines(code::check_hash_maps(&source(tested))), [0; 0]);
}

#[test]
fn functions_are_measured_from_head_to_closing_brace() {
    let function = |body: usize| format!("\nfn f(\n) {{\n{}}}\n", "    '{';\n".repeat(body));
    assert_eq!(lines(code::check_functions(&source(&function(67)))), [0; 0]);
    assert_eq!(lines(code::check_functions(&source(&function(68)))), [2]);
    let declared = format!("trait T {{ fn f(a: [u8; 4]);\n{}}}", "const A: u8;\n".repeat(90));
    assert_eq!(lines(code::check_functions(&source(&declared))), [0; 0]);
    let pointer = format!("struct S {{ f: fn(u8) -> u8,\n{}}}", "a: u8,\n".repeat(90));
    assert_eq!(lines(code::check_functions(&source(&pointer))), [0; 0]);
}

#[test]
fn lines_are_measured_without_their_literals() {
    let long = "a".repeat(101);
    assert_eq!(lines(code::check_lines(&source(&format!("\n{long}")))), [2]);
    assert_eq!(lines(code::check_lines(&source(&format!("\n// {long}")))), [2]);
    assert_eq!(lines(code::check_lines(&source(&"é".repeat(100)))), [0; 0], "chars, not bytes");
    assert_eq!(lines(code::check_lines(&source(&format!("let a = \"{long}\";")))), [0; 0]);
    assert_eq!(lines(code::check_lines(&source(&format!("// see https://{long}")))), [0; 0]);
}

#[test]
fn files_are_measured_without_their_tests() {
    let text = |lines: usize| "const A: u8 = 0;\n".repeat(lines);
    assert_eq!(code::check_file_length(&source(&text(400))).len(), 0);
    assert_eq!(code::check_file_length(&source(&text(401))).len(), 1);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", text(400), text(400));
    assert_eq!(code::check_file_length(&source(&tested)).len(), 0);
}

#[test]
fn names_without_meaning_are_found() {
    for path in ["crates/a/src/util.rs", "crates/common/src/b.rs", "tests/helpers/mod.rs"] {
        assert_eq!(lines(code::check_names(&Source::new(path, ""))), [1], "{path}");
    }
    assert_eq!(lines(code::check_names(&source("\nmod text_utils {}"))), [2]);
    assert_eq!(lines(code::check_names(&source("mod common_factors; mod commons;"))), [0; 0]);
}

#[test]
fn skipped_tests_are_found() {
    for skipped in ["#[ignore]", "#[ignore = \"slow\"]", "# [ ignore ]"] {
        assert_eq!(lines(code::check_ignored_tests(&source(skipped))), [1], "{skipped}");
    }
    assert_eq!(lines(code::check_ignored_tests(&source("#[cfg_attr(x, ignore)]"))), [1]);
    assert_eq!(lines(code::check_ignored_tests(&source("// #[ignore]\nfn ignore() {}"))), [0; 0]);
}

#[test]
fn files_without_a_module_are_dead_and_those_of_tests_are_known() {
    let sources = [
        Source::new("crates/a/src/lib.rs", "mod b;\n#[cfg(test)]\nmod props;"),
        Source::new("crates/a/src/b.rs", "mod c;"),
        Source::new("crates/a/src/b/c.rs", ""),
        Source::new("crates/a/src/props.rs", "mod deep;"),
        Source::new("crates/a/src/props/deep.rs", ""),
        Source::new("crates/a/src/dead.rs", ""),
        Source::new("crates/a/src/bin/tool.rs", ""),
    ];
    let dead: Vec<String> =
        code::check_dead_files(&sources).into_iter().map(|violation| violation.path).collect();
    assert_eq!(dead, ["crates/a/src/dead.rs"]);
    let tests: Vec<String> = code::test_files(&sources).into_iter().collect();
    assert_eq!(tests, ["crates/a/src/props.rs", "crates/a/src/props/deep.rs"]);

    let listed = "[[test]]\nname = \"a\"\npath = \"a.rs\"";
    let files = ["tests/lib.rs", "tests/a.rs", "tests/b.rs"].map(str::to_owned);
    let missing = manifests::check_test_entries(listed, &files);
    assert_eq!(missing.into_iter().map(|v| v.path).collect::<Vec<_>>(), ["tests/b.rs"]);
}

fn manifest(name: &str, dependencies: &str) -> Manifest {
    let text = format!("[package]\nname = \"quell-{name}\"\n{dependencies}");
    let shared = "broker = { package = \"rdkafka\", version = \"1\" }".parse().expect("toml");
    Manifest::parse(&format!("crates/{name}/Cargo.toml"), &text, &shared).expect("a manifest")
}

#[test]
fn imports_of_the_same_or_a_higher_rank_are_found() {
    let check = |name: &str, dependencies: &str| {
        let known = ["model", "codec", "text", "engine", "ports", "store", "faults", "xtask"];
        let mut all: Vec<Manifest> = known.iter().map(|known| manifest(known, "")).collect();
        all.push(manifest(name, dependencies));
        lines(manifests::check_ranks(&all))
    };
    assert_eq!(check("store", "[dependencies]\nquell-ports.workspace = true"), [0; 0]);
    assert_eq!(check("store", "[dev-dependencies]\nquell-faults.workspace = true"), [0; 0]);
    assert_eq!(check("faults", "[dependencies]\nquell-engine.workspace = true"), [0; 0]);
    assert_eq!(check("tests", "[dependencies]\nquell-faults.workspace = true"), [0; 0]);
    assert_eq!(check("engine", "[dependencies]\nquell-ports.workspace = true"), [4]);
    assert_eq!(check("codec", "[dependencies]\na = \"1\"\nquell-text = { path = \"b\" }"), [5]);
    assert_eq!(check("codec", "[dev-dependencies]\nquell-engine.workspace = true"), [4]);
    assert_eq!(check("codec", "[target.'cfg(unix)'.dependencies]\nquell-store = \"1\""), [4]);
    assert_eq!(check("store", "[dependencies]\nquell-faults.workspace = true"), [4]);
    assert_eq!(check("store", "[dev-dependencies]\nquell-xtask.workspace = true"), [4]);
    assert_eq!(check("novel", ""), [1], "a crate without a rank");
}

#[test]
fn libraries_are_found_where_they_do_not_belong() {
    let lock = "[[package]]\nname = \"kind\"\ndependencies = [\"deep 1.0\"]\n\
                [[package]]\nname = \"deep\"\ndependencies = [\"tokio\"]\n";
    let lock = Lock::parse(lock);
    let check = |name: &str, dependencies: &str| {
        lines(manifests::check_libraries(&[manifest(name, dependencies)], &lock))
    };
    assert_eq!(check("worker", "[dependencies]\ntokio = \"1\""), [0; 0]);
    assert_eq!(check("text", "[dependencies]\ntokio = \"1\""), [4]);
    assert_eq!(check("text", "[dependencies]\nkind = \"1\""), [4], "through another library");
    assert_eq!(check("text", "[build-dependencies]\nkind = \"1\""), [4]);
    assert_eq!(check("text", "[dev-dependencies]\nkind = \"1\""), [0; 0]);
    assert_eq!(check("index", "[dependencies]\ntantivy = \"1\""), [0; 0]);
    assert_eq!(check("api", "[dependencies]\ntantivy = \"1\""), [4]);
    assert_eq!(check("api", "[dev-dependencies]\ntantivy = \"1\""), [4]);
    assert_eq!(check("store", "[dependencies]\nbroker.workspace = true"), [4], "under any name");
}

#[test]
fn ranks_told_wrongly_and_crates_left_out_are_found() {
    let all = [manifest("model", ""), manifest("codec", "")];
    let told = "| rank | crate |\n| 0 | `model` | words |\n| 1 | [`codec`](crates/codec) |";
    assert_eq!(lines(manifests::check_architecture(told, &all)), [0; 0]);
    assert_eq!(lines(manifests::check_architecture(&told.replace("| 0", "| 2"), &all)), [2]);
    assert_eq!(lines(manifests::check_architecture("`model`", &all)), [1]);
}

#[test]
fn paths_of_documents_are_checked_in_backticks_and_links() {
    let exists = |path: &str| ["docs/a.md", "docs", "crates", "README.md"].contains(&path);
    let check = |text: &str| lines(documents::check_paths("docs/b.md", text, exists));
    for there in [
        "`docs/a.md` and `docs/a.md:12`, `quell check docs/a.md`",
        "`crates/*/src` `docs/{a,b}.md` `crates/<name>`",
        "[a](a.md), [a](a.md#part), [r](../README.md), [w](https://example.org/x), [p](#part)",
        "docs/none.md without backticks",
        "```\n`docs/none.md`\n```",
        "`src/docs/none.md`",
    ] {
        assert_eq!(check(there), [0; 0], "{there}");
    }
    for gone in ["`docs/none.md`", "`quell check ./docs/none.md`", "[n](none.md)"] {
        assert_eq!(check(&format!("\n{gone}")), [2], "{gone}");
    }
    assert_eq!(check("```\n```\n`tests/none/*.rs`"), [3]);
}

#[test]
fn forbidden_words_are_found_and_their_neighbours_are_not() {
    let undone = ["TO", "DO"].concat();
    let path = ["/wo", "rk/main"].concat();
    let helper = ["Assi", "stants"].concat();
    for text in [&undone, &format!("// {undone}: later"), &path, &format!("in `{path}`"), &helper] {
        assert_eq!(lines(documents::check_words("a.md", &format!("\n{text}"))), [2], "{text}");
    }
    for text in ["todo es posible", "MASTODON", "docs/network/main", "the work/life", "assist"] {
        assert_eq!(lines(documents::check_words("a.md", text)), [0; 0], "{text}");
    }
    assert_eq!(lines(documents::check_words("samples/tickets.ndjson", &undone)), [0; 0]);
}
