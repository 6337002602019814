//! The tokens file and the rules for addresses.

use std::path::PathBuf;

use crate::{
    Access, AddTokenError, BindError, Scopes, TlsFiles, TokenEntry, TokenNameError, add_token,
    check_bind, new_token, parse_tokens,
};

fn entry() -> TokenEntry {
    let scopes = Scopes { ingest: true, read: true, admin: false };
    new_token("desk-1", scopes, [7; 32]).expect("a token").1
}

#[test]
fn a_token_is_shown_once_and_kept_as_a_hash() {
    let (text, entry) = new_token("desk-1", Scopes::default(), [255; 32]).expect("a token");
    assert_eq!(text, format!("qk_desk-1_{}8", "_".repeat(42)));
    assert!(!entry.to_toml().contains(&text[10..]));
    assert_eq!(entry.sha256_hex().len(), 64);
    for name in ["", "A", "a b", "a_b", "é", "a\"", &"a".repeat(33)] {
        assert_eq!(new_token(name, Scopes::default(), [0; 32]).err(), Some(TokenNameError));
    }
}

#[test]
fn what_is_written_is_read_back() {
    let second = new_token("b", Scopes { admin: true, ..Default::default() }, [8; 32]);
    let second = second.expect("a token").1;
    let text = format!("# ours\n{}\n{}", entry().to_toml(), second.to_toml());
    assert_eq!(parse_tokens(&text, "tokens.toml"), Ok(vec![entry(), second]));
    assert_eq!(parse_tokens("", "tokens.toml"), Ok(vec![]));
}

#[test]
fn a_token_is_added_to_what_is_there() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (first, text) = add_token("", "a", &words(&["read"]), [1; 32]).expect("a token");
    let text = text.trim_end();
    let (second, text) = add_token(text, "b", &words(&["admin"]), [2; 32]).expect("a token");
    assert_ne!(first, second);
    let names: Vec<_> =
        parse_tokens(&text, "t").expect("read").into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["a", "b"]);
    let refused = |text: &str, name, given: &[&str]| {
        add_token(text, name, &words(given), [3; 32]).expect_err("refused")
    };
    assert_eq!(refused(&text, "a", &["read"]), AddTokenError::Taken("a".to_owned()));
    assert_eq!(refused(&text, "A", &["read"]), AddTokenError::Name(TokenNameError));
    assert!(matches!(refused(&text, "c", &["write"]), AddTokenError::Scopes(_)));
    assert!(matches!(refused("[[", "c", &["read"]), AddTokenError::File(_)));
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    let good = entry().to_toml();
    for (text, line, told) in [
        (good.replace("read", "raed"), 4, "no scope \"raed\""),
        (good.replace("[\"ingest\", \"read\"]", "[]"), 4, "needs a scope"),
        (good.replace("desk-1", "Desk"), 2, "a token's name"),
        (good.replace("sha256 = \"", "sha256 = \"0"), 3, "64 hex digits"),
        (good.replace("sha256", "md5"), 3, "md5"),
        (good.replace("scopes", "#"), 1, "scopes"),
        (format!("{good}{good}"), 6, "names are unique"),
        (format!("{good}[[tokens]]\n"), 5, "tokens"),
        (format!("{good}\n\nname = \n"), 7, ""),
    ] {
        let error = parse_tokens(&text, "tokens.toml").expect_err(&text);
        assert_eq!(error.line, line, "{error}\n{text}");
        assert!(error.to_string().starts_with(&format!("tokens.toml:{line}: ")), "{error}");
        assert!(error.problem.contains(told), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), entry().to_toml()).expect("written");
    let with_mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file.path(), permissions).expect("a mode");
        Access::from_file(file.path())
    };
    let expected = Access { tokens: vec![entry()], required: true };
    assert_eq!(with_mode(0o600), Ok(expected.clone()));
    assert_eq!(with_mode(0o644), Ok(expected));
    assert!(with_mode(0o622).expect_err("refused").problem.contains("chmod 600"));
    let missing = Access::from_file(&PathBuf::from("/nowhere/tokens.toml")).expect_err("not there");
    assert!(missing.to_string().starts_with("/nowhere/tokens.toml:"));
}

#[test]
fn only_the_loopback_is_open_without_tls_and_tokens() {
    let tls = TlsFiles { cert: "c.pem".into(), key: "k.pem".into() };
    let tokens = [entry()];
    for addr in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(check_bind(addr.parse().expect("an address"), None, &[]), Ok(()), "{addr}");
    }
    for addr in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "[fe80::1]:1"] {
        let addr = addr.parse().expect("an address");
        assert_eq!(check_bind(addr, None, &[]), Err(BindError::Unprotected(addr)));
        assert_eq!(check_bind(addr, Some(&tls), &[]), Err(BindError::NoTokens(addr)));
        assert_eq!(check_bind(addr, None, &tokens), Err(BindError::NoTls(addr)));
        assert_eq!(check_bind(addr, Some(&tls), &tokens), Ok(()));
        let told = BindError::Unprotected(addr).to_string();
        assert!(told.contains("127.0.0.1") && told.contains("certificate"), "{told}");
    }
}
