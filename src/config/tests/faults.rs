use super::*;

/// A file with `app_id` on line 1 and `text` from line 2 on gives exactly these faults.
fn check_file(text: &str, expected: &[&str]) {
    let file = format!("prelude.app_id = \"acme\"\n{text}\n");
    let layers = vec![source::built_in(), source::of_text("t", &file)];
    let faults = settings::build(layers).expect_err(text);
    let found: Vec<_> = faults.faults().iter().map(brief).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn nothing_in_a_file_is_coerced() {
    let cases = [
        ("server.bind = 8080", "wrong_type server.bind t:2:15"),
        ("server.bind = \"8080\"", "wrong_type server.bind t:2:15"),
        ("server.bind = \"localhost:8080\"", "wrong_type server.bind t:2:15"),
        ("server.bind = \"127.0.0.1:65536\"", "wrong_type server.bind t:2:15"),
        ("server.bind = true", "wrong_type server.bind t:2:15"),
        ("server.bind = [\"127.0.0.1:1\"]", "wrong_type server.bind t:2:15"),
        ("server.bind = {}", "wrong_type server.bind t:2:15"),
        ("server.bind = {port = 1}", "wrong_type server.bind.port t:2:16"),
        ("server.bind = 1979-05-27", "wrong_type server.bind t:2:15"),
        ("server.bind = \"\"", "impossible_value server.bind t:2:15"),
        ("server.workers = 2.7", "wrong_type server.workers t:2:18"),
        ("server.workers = 2.0", "wrong_type server.workers t:2:18"),
        ("server.workers = 1e1", "wrong_type server.workers t:2:18"),
        ("server.workers = \"2\"", "wrong_type server.workers t:2:18"),
        ("server.workers = true", "wrong_type server.workers t:2:18"),
        ("server.workers = 0", "impossible_value server.workers t:2:18"),
        ("server.workers = -1", "impossible_value server.workers t:2:18"),
        ("server.workers = 1025", "impossible_value server.workers t:2:18"),
        ("server.workers = 4294967298", "impossible_value server.workers t:2:18"),
        ("server.workers = 99999999999999999999999999", "impossible_value server.workers t:2:18"),
        ("tokens.ttl = 300", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"300\"", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"5 m\"", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"5M\"", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"2.5m\"", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"-5m\"", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"05m\"", "wrong_type tokens.ttl t:2:14"),
        ("tokens.ttl = \"29s\"", "impossible_value tokens.ttl t:2:14"),
        ("tokens.ttl = \"29999ms\"", "impossible_value tokens.ttl t:2:14"),
        ("tokens.ttl = \"61m\"", "impossible_value tokens.ttl t:2:14"),
        ("tokens.ttl = \"99999999999999999999h\"", "impossible_value tokens.ttl t:2:14"),
        ("tokens.ttl = \"9999999999999999h\"", "impossible_value tokens.ttl t:2:14"),
        ("tokens.not_before_skew = \"61s\"", "impossible_value tokens.not_before_skew t:2:26"),
        ("server.request_deadline = \"5s\"", "impossible_value server.request_deadline t:2:27"),
        ("keys.rotate_every = \"722s\"", "impossible_value keys.rotate_every t:2:21"),
        ("keys.rotate_every = \"1001d\"", "impossible_value keys.rotate_every t:2:21"),
        ("keys.jwks_cache = \"599s\"", "development_only keys.jwks_cache t:2:19"),
        ("keys.clock_skew = \"301s\"", "impossible_value keys.clock_skew t:2:19"),
        ("keys.bits = 1024", "impossible_value keys.bits t:2:13"),
        ("keys.bits = 2056", "impossible_value keys.bits t:2:13"),
        ("keys.bits = \"2048\"", "wrong_type keys.bits t:2:13"),
        ("mode = \"prod\"", "impossible_value mode t:2:8"),
        ("mode = \"Production\"", "impossible_value mode t:2:8"),
        ("log.level = \"verbose\"", "impossible_value log.level t:2:13"),
        ("store.url = \"postgres://u:p@h/d\"", "impossible_value store.url t:2:13"),
        ("policies.dir = \"a\\u0000b\"", "impossible_value policies.dir t:2:16"),
        ("prelude.session_domain = \"https://a.example\"", "impossible_value prelude.session_domain t:2:26"),
        ("prelude.key_set_url = \"http://a.example/\"", "impossible_value prelude.key_set_url t:2:23"),
        ("prelude.key_set_url = \"http://127.0.0.1/\"", "development_only prelude.key_set_url t:2:23"),
        ("server.silence_deadline = \"5s\"", "impossible_value server.silence_deadline t:2:27"),
        ("server.tls_faces = \"both\"", "missing server.tls_faces t:2:20"),
        (
            "prelude.step_up_key_set_url = \"http://[::1]/\"",
            "development_only prelude.step_up_key_set_url t:2:31",
        ),
    ];
    for (text, expected) in cases {
        check_file(text, &[expected]);
    }
}

#[test]
fn unknown_keys_and_broken_sections_are_refused_where_they_stand() {
    let cases: [(&str, &[&str]); 10] = [
        ("colour = 1", &["unknown_key colour t:2:1"]),
        ("[server]\nbnid = \"127.0.0.1:1\"", &["unknown_key server.bnid t:3:1"]),
        ("[sevrer]\nbind = \"127.0.0.1:1\"", &["unknown_key sevrer.bind t:3:1"]),
        ("[extra]", &["unknown_key extra t:2:2"]),
        ("server = 1", &["wrong_type server t:2:10"]),
        ("[[server]]\nbind = \"127.0.0.1:1\"", &["wrong_type server t:2:1"]),
        ("\"server.bind\" = \"127.0.0.1:1\"", &["unknown_key \"server.bind\" t:2:1"]),
        ("server.\"bi\\nnd\" = 1", &["unknown_key server.\"bi\\nnd\" t:2:8"]),
        (
            "policies.dir = \"é\"\nstore = {\"é\" = 1, url = 2}",
            &["unknown_key store.\"é\" t:3:10", "wrong_type store.url t:3:25"],
        ),
        (
            "# é\r\nmode = 1\r\n[log]\r\n  level = 1",
            &["wrong_type mode t:3:8", "wrong_type log.level t:5:11"],
        ),
    ];
    for (text, expected) in cases {
        check_file(text, expected);
    }
}

#[test]
fn a_file_that_is_not_toml_is_told_where_and_only_that() {
    let given = Given::file("mode = \"development\"\nbind = \n")
        .variable("DOORSTEP__SERVER__WORKERS", "many")
        .variable("DOORSTEP__PRELUDE__KEY_SET_URL", "http://127.0.0.1/");
    // No word about the missing `app_id` or about plain http: the file may settle both.
    assert_eq!(
        given.faults(),
        ["syntax  test.toml:2:8", "wrong_type server.workers environment variable DOORSTEP__SERVER__WORKERS"]
    );
    check_file("mode = \"production\"\nmode = \"production\"", &["syntax  t:3:1"]);
}

#[test]
fn variables_and_flags_are_read_strictly() {
    let cases = [
        ("DOORSTEP__SERVER__BIND", "", "impossible_value server.bind"),
        ("DOORSTEP__SERVER__BIND", " 127.0.0.1:1", "wrong_type server.bind"),
        ("DOORSTEP__SERVER__WORKERS", "2.7", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "010", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "+2", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "1_0", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "0x2", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "2 ", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "२", "wrong_type server.workers"),
        ("DOORSTEP__SERVER__WORKERS", "-2", "impossible_value server.workers"),
        ("DOORSTEP__LOG__LEVEL", "INFO", "impossible_value log.level"),
        ("DOORSTEP__POLICIES__DIR", "a\u{fffd}", "impossible_value policies.dir"),
        ("DOORSTEP__SERVER__BNID", "x", "unknown_key server.bnid"),
        ("DOORSTEP__SERVER", "x", "unknown_key server"),
        ("DOORSTEP__SERVER__BIND__PORT", "x", "wrong_type server.bind.port"),
        ("DOORSTEP__", "x", "unknown_key "),
        ("DOORSTEP_SERVER_BIND", "x", "unknown_key server.bind"),
        ("DOORSTEP__server__bind", "x", "unknown_key server.bind"),
        ("doorstep__server__bind", "x", "unknown_key server.bind"),
    ];
    for (name, text, expected) in cases {
        let faults = Given::file("prelude.app_id = \"acme\"").variable(name, text).faults();
        assert_eq!(faults, [format!("{expected} environment variable {name}")], "{name}={text}");
    }
    let faults = Given::file("prelude.app_id = \"acme\"").flag("server.bind", "8080", "--bind").faults();
    assert_eq!(faults, ["wrong_type server.bind flag --bind"]);
}

#[test]
fn a_fault_shows_the_way_out() {
    let help = |given: Given| given.load().expect_err("a fault").faults()[0].help.to_string();
    let app = || Given::file("prelude.app_id = \"acme\"");
    let expected = [
        (app().variable("DOORSTEP__SERVER__BNID", "x"), "did you mean DOORSTEP__SERVER__BIND?"),
        (app().variable("DOORSTEP_SERVER__BIND", "x"), "did you mean DOORSTEP__SERVER__BIND?"),
        (Given::file("server.bnid = 1"), "did you mean server.bind?"),
        (Given::file("bind = 1"), "did you mean server.bind?"),
        (Given::file("colour = 1"), "remove it; docs/CONFIGURATION.md lists every option"),
        (Given::nothing(), "set prelude.app_id in your file, or DOORSTEP__PRELUDE__APP_ID"),
        (app().flag("mode", "dev", "--mode"), "use production or development"),
    ];
    for (given, way_out) in expected {
        assert_eq!(help(given), way_out);
    }
}

#[test]
fn all_faults_of_all_sources_are_told_at_once() {
    let given = || {
        Given::file("[server]\nbnid = 1\nworkers = 0\n[prelude]\nkey_set_url = \"http://127.0.0.1/\"\n")
            .variable("DOORSTEP__TOKENS__TTL", "1y")
            .variable("DOORSTEP__SERVER__WORKERS", "2")
            .flag("server.bind", "8080", "--bind")
    };
    assert_eq!(
        given().faults(),
        [
            "unknown_key server.bnid test.toml:2:1",
            // A value that a stronger layer replaces is checked too.
            "impossible_value server.workers test.toml:3:11",
            "wrong_type tokens.ttl environment variable DOORSTEP__TOKENS__TTL",
            "wrong_type server.bind flag --bind",
            "development_only prelude.key_set_url test.toml:5:15",
            "missing prelude.app_id -",
        ]
    );
    let text = given().load().expect_err("faults").to_string();
    let first = "error[unknown_key]: server.bnid is not an option\n  --> test.toml:2:1\n  help: did you mean \
                 server.bind?\n\nerror[impossible_value]: server.workers is out of its range\n  --> test.toml:3:11\n  \
                 help: write a whole number from 1 to 1024\n\n";
    assert!(text.starts_with(first), "{text}");
}

#[test]
fn faults_are_json_for_machines() {
    let faults = Given::file("server.bnid = 1")
        .variable("DOORSTEP__LOG__LEVEL", "x")
        .load()
        .expect_err("faults")
        .to_json();
    assert_eq!(
        faults["faults"][0],
        serde_json::json!({
            "code": "unknown_key",
            "key": "server.bnid",
            "place": {"file": "test.toml", "line": 1, "column": 8},
            "message": "is not an option",
            "help": "did you mean server.bind?",
        })
    );
    assert_eq!(faults["faults"][1]["place"], serde_json::json!({"variable": "DOORSTEP__LOG__LEVEL"}));
    assert_eq!(faults["faults"][2]["place"], serde_json::Value::Null);
    for fault in faults["faults"].as_array().expect("a list") {
        assert!(fault["code"].as_str().is_some_and(|code| !code.is_empty()));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_said_so() {
    let missing = std::env::temp_dir().join("doorstep-config-no-such-file.toml");
    let long = TempFile::new("long.toml", "#".repeat(300 * 1024).as_bytes());
    let binary = TempFile::new("binary.toml", b"mode = \"\xff\"");
    let cases = [(&missing, "file_unreadable"), (&long.0, "file_too_large"), (&binary.0, "file_not_text")];
    for (path, code) in cases {
        let faults = load_file(path, &[]).expect_err("a fault");
        let found: Vec<_> = faults.faults().iter().map(brief).collect();
        assert_eq!(found, [format!("{code}  {}", path.display())]);
    }
    let directory = load_file(&std::env::temp_dir(), &[]).expect_err("a fault");
    assert_eq!(directory.faults()[0].code, Code::FileUnreadable);
}

#[test]
fn syntax_is_told_once_a_line_from_top_to_bottom() {
    assert_eq!(
        Given::file("b =\na = = 1 = 2\n[log\n").faults(),
        ["syntax  test.toml:1:4", "syntax  test.toml:2:5", "syntax  test.toml:3:5"]
    );
    assert_eq!(source::of_text("t", &"a = \n".repeat(50)).faults.len(), 5);
    // Deep nesting is the parser's fault to find: it never reaches our recursion.
    for depth in [1_000, 100_000] {
        let dotted = source::of_text("t", &format!("{}a = 1", "a.".repeat(depth)));
        assert_eq!((dotted.faults.len(), dotted.entries.len()), (1, 0));
    }
}
