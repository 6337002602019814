//! Rules over Rust files.

use std::collections::BTreeSet;

use crate::Violation;
use crate::source::Source;

const LONGEST_LINE_CHARS: usize = 100;
const LONGEST_FUNCTION_LINES: usize = 70;
const LONGEST_FILE_LINES: usize = 400;

/// Files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Files of pure crates that may hold hash maps or sets, each with why no order can show.
const HASH_MAP_FILES: &[(&str, &str)] = &[
    (
        "crates/taxonomy/src/learned/vocabulary.rs",
        "keys with how many texts have them: sorted before anything sees them, then asked by key",
    ),
    ("crates/taxonomy/src/learned/vectors.rs", "the row of a word: asked by the word's key"),
    ("crates/text/src/phrase/anchor.rs", "how often a class is used: asked by class"),
    (
        "crates/text/src/phrase/matcher.rs",
        "classes by hash: asked by hash; the keys are walked only to set bits of a filter",
    ),
];

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "util",
    "utility",
    "utilities",
    "utils",
];

/// What pure crates may not name: path, what it is, what to do instead.
const IMPURE_PATHS: &[(&str, &str, &str)] = &[
    ("std::fs", "the file system", "take the bytes as an argument"),
    ("std::net", "the network", "take the bytes as an argument"),
    ("std::env", "the environment", "take the setting as an argument"),
    ("std::process", "processes", "do it in a crate of rank 4 or more"),
    ("std::thread", "threads", "do it in a crate of rank 4 or more"),
    ("std::time::Instant", "a clock", "take the time from marks and records"),
    ("std::time::SystemTime", "a clock", "take the time from marks and records"),
    ("std::time::UNIX_EPOCH", "a clock", "use the time types of crates/model"),
];

const HASH_MAPS: &[&str] = &["HashMap", "HashSet", "FxHashMap", "FxHashSet"];

/// The files that hold nothing but tests: by place, by name, or through `#[cfg(test)] mod name;`.
pub fn test_files(sources: &[Source]) -> BTreeSet<String> {
    let mut declared = BTreeSet::new();
    for source in sources {
        let modules = source.modules();
        for module in modules.iter().filter(|module| module.for_tests) {
            declared.insert(format!("{}{}", module_folder(&source.path), module.name));
        }
    }
    let holds_tests = |path: &str| {
        let mut parts = path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "examples" | "tests.rs"))
            || declared.iter().any(|module| {
                let rest = path.strip_prefix(module.as_str());
                rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            })
    };
    sources.iter().map(|source| source.path.clone()).filter(|path| holds_tests(path)).collect()
}

/// Where the modules of a file are looked for, with a slash at the end.
fn module_folder(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "lib.rs" | "main.rs" | "mod.rs" => format!("{folder}/"),
        other => format!("{folder}/{}/", other.trim_end_matches(".rs")),
    }
}

pub fn check_lines(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let chars = line.chars().count();
        let in_literals = source.literal_chars.get(index).copied().unwrap_or(0);
        if chars > LONGEST_LINE_CHARS + in_literals && !line.contains("://") {
            violations.push(Violation::new(
                &source.path,
                index + 1,
                format!("the line has {chars} chars, {LONGEST_LINE_CHARS} are allowed"),
                "break the line",
            ));
        }
    }
    violations
}

pub fn check_functions(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for function in source.functions() {
        let lines = 1 + function.lines.end() - function.lines.start();
        if lines > LONGEST_FUNCTION_LINES {
            violations.push(Violation::new(
                &source.path,
                *function.lines.start(),
                format!("`{}` has {lines} lines, {LONGEST_FUNCTION_LINES} allowed", function.name),
                "take out the parts that have a name of their own",
            ));
        }
    }
    violations
}

pub fn check_file_length(source: &Source) -> Vec<Violation> {
    let lines = 1..=source.text.lines().count();
    let lines = lines.filter(|line| !source.is_test_line(*line)).count();
    if lines <= LONGEST_FILE_LINES || LONG_FILES.iter().any(|(path, _)| *path == source.path) {
        return Vec::new();
    }
    vec![Violation::new(
        &source.path,
        LONGEST_FILE_LINES,
        format!("the file has {lines} lines without its tests, {LONGEST_FILE_LINES} are allowed"),
        "split it where the subject changes, or give a reason in tests/tidy/code.rs, LONG_FILES",
    )]
}

pub fn check_names(source: &Source) -> Vec<Violation> {
    let remedy = "name it after what is inside";
    let mut violations = Vec::new();
    for part in source.path.split('/') {
        if is_empty_name(part.trim_end_matches(".rs")) {
            violations.push(Violation::new(&source.path, 1, format!("is called {part}"), remedy));
        }
    }
    for module in source.modules().into_iter().filter(|module| is_empty_name(&module.name)) {
        let what = format!("a module is called {}", module.name);
        violations.push(Violation::new(&source.path, module.line, what, remedy));
    }
    violations
}

fn is_empty_name(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or_default();
    // "common_factors" is a word of the field, "text_helpers" is not.
    EMPTY_NAMES.contains(&name) || (EMPTY_NAMES.contains(&last) && last != "common")
}

/// No files, network, environment, clock or threads in the code of a pure crate.
pub fn check_purity(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut found = BTreeSet::new();
    for (line, path) in source.imports() {
        if let Some(ban) = IMPURE_PATHS.iter().find(|(banned, ..)| {
            // `use std::time` lets Instant in by the back door.
            is_within(&path, banned) || is_within(banned, &path)
        }) {
            found.insert((line, path, ban.1, ban.2));
        }
    }
    for (line, path) in source.paths() {
        if let Some(ban) = IMPURE_PATHS.iter().find(|(banned, ..)| is_within(&path, banned)) {
            found.insert((line, path, ban.1, ban.2));
        } else if path.ends_with("::now") {
            found.insert((line, path, "a clock", "take the time from marks and records"));
        }
    }
    for (line, path, what, remedy) in found {
        if !source.is_test_line(line) {
            let what = format!("`{path}` is {what}, in a pure crate");
            violations.push(Violation::new(&source.path, line, what, remedy));
        }
    }
    violations
}

fn is_within(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Hash maps in pure crates only where a reason is listed: their order differs from run to run.
pub fn check_hash_maps(source: &Source) -> Vec<Violation> {
    if HASH_MAP_FILES.iter().any(|(path, _)| *path == source.path) {
        return Vec::new();
    }
    first_hash_map(source).map_or_else(Vec::new, |(line, word)| {
        vec![Violation::new(
            &source.path,
            line,
            format!("`{word}` in a pure crate: iterating over it could show its order"),
            "use BTreeMap; for look-up alone, list file and reason in tests/tidy/code.rs, \
             HASH_MAP_FILES",
        )]
    })
}

fn first_hash_map(source: &Source) -> Option<(usize, &'static str)> {
    let uses = HASH_MAPS
        .iter()
        .flat_map(|word| source.words(word).into_iter().map(|at| (source.line_of(at), *word)));
    uses.filter(|(line, _)| !source.is_test_line(*line)).min()
}

/// An exception nobody needs any more is taken off its list.
pub fn check_exceptions(sources: &[Source]) -> Vec<Violation> {
    let find = |path: &str| sources.iter().find(|source| source.path == path);
    let needs_maps = |path: &str| find(path).and_then(first_hash_map).is_some();
    let is_long = |path: &str| {
        find(path).is_some_and(|source| source.text.lines().count() > LONGEST_FILE_LINES)
    };
    let idle_maps = HASH_MAP_FILES.iter().filter(|(path, _)| !needs_maps(path));
    let idle_long = LONG_FILES.iter().filter(|(path, _)| !is_long(path));
    idle_maps
        .chain(idle_long)
        .map(|(path, _)| {
            Violation::new(path, 1, "no longer needs its exception", "take it off the list")
        })
        .collect()
}

/// Every test runs: one that cannot must fail and say why.
pub fn check_ignored_tests(source: &Source) -> Vec<Violation> {
    let remedy = "let it run; what needs much time belongs in `quell bench`";
    let mut violations = Vec::new();
    for (index, line) in source.code.split(|c| *c == '\n').enumerate() {
        let line: String = line.iter().filter(|c| !c.is_whitespace()).collect();
        if line.contains("#[ignore") || line.contains(",ignore") && line.contains("cfg_attr(") {
            violations.push(Violation::new(&source.path, index + 1, "skips a test", remedy));
        }
    }
    violations
}

/// Every file of a crate is reached from its root; the compiler is silent on those that are not.
pub fn check_dead_files(sources: &[Source]) -> Vec<Violation> {
    let mut reached = BTreeSet::new();
    for source in sources {
        let folder = module_folder(&source.path);
        // A `#[path]` attribute is a literal, so it is read from the text.
        let named = source.text.lines().filter_map(|line| {
            Some(line.trim().strip_prefix("#[path = \"")?.split('"').next()?.to_owned())
        });
        let parent = source.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        reached.extend(named.map(|path| format!("{parent}/{path}")));
        for module in source.modules() {
            reached.insert(format!("{folder}{}.rs", module.name));
            reached.insert(format!("{folder}{}/mod.rs", module.name));
        }
    }
    let dead = sources.iter().filter(|source| {
        let inside = source.path.split_once("/src/").map(|(_, inside)| inside);
        inside.is_some_and(|inside| !matches!(inside, "lib.rs" | "main.rs"))
            && !inside.is_some_and(|inside| inside.starts_with("bin/"))
            && !reached.contains(&source.path)
    });
    let remedy = "delete it, or declare its module";
    dead.map(|source| Violation::new(&source.path, 1, "no module leads here", remedy)).collect()
}
