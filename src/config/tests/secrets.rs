use super::*;

/// 44 characters of base64, 32 bytes; no other text here holds any eight of them.
const KEY: &str = "Q0FOQVJZLWNhbmFyeS1DQU5BUlktY2FuYXJ5LUNBTkE=";
const VARIABLE: &str = "DOORSTEP__KEYS__ENCRYPTION_KEY";

fn app() -> Given {
    Given::file("prelude.app_id = \"acme\"\n")
}

#[test]
fn a_key_comes_from_the_environment_and_never_prints() {
    let settings = app().variable(VARIABLE, KEY).load().expect("settings");
    let key = settings.keys.encryption_key.as_ref().expect("a key");
    assert_eq!(key.expose(), b"CANARY-canary-CANARY-canary-CANA");
    let shown = format!("{settings:?} {settings:#?}");
    for part in [KEY, "CANARY", "canary", "67, 65, 78", "0x43"] {
        assert!(!shown.contains(part), "{shown}");
    }
}

#[test]
fn a_key_comes_from_a_file_of_its_own() {
    for (name, end) in [("none", ""), ("unix", "\n"), ("dos", "\r\n")] {
        let file = TempFile::new(&format!("key-{name}"), format!("{KEY}{end}").as_bytes());
        let path = file.0.display().to_string();
        let settings = load_file(
            &TempFile::new(&format!("app-{name}.toml"), b"prelude.app_id = \"acme\"").0,
            &[("DOORSTEP__KEYS__ENCRYPTION_KEY_FILE", &path)],
        )
        .expect("settings");
        assert!(settings.keys.encryption_key.is_some(), "{name}");
    }
}

#[test]
fn a_key_file_that_is_no_use_is_said_so() {
    let missing = std::env::temp_dir().join("doorstep-config-no-such-key");
    let empty = TempFile::new("key-empty", b"");
    let two_lines = TempFile::new("key-two-lines", format!("{KEY}\n\n").as_bytes());
    let wrong = TempFile::new("key-wrong", b"CANARY");
    let app = TempFile::new("key-app.toml", b"prelude.app_id = \"acme\"");
    let cases = [
        (&missing, "file_unreadable"),
        (&empty.0, "impossible_value"),
        (&two_lines.0, "impossible_value"),
        (&wrong.0, "impossible_value"),
    ];
    for (path, code) in cases {
        let faults = load_file(&app.0, &[(&format!("{VARIABLE}_FILE"), &path.display().to_string())]);
        let faults = faults.expect_err("a fault");
        let found: Vec<_> = faults.faults().iter().map(brief).collect();
        let expected = format!("{code} keys.encryption_key_file environment variable {VARIABLE}_FILE");
        assert_eq!(found, [expected], "{}", path.display());
        assert!(!faults.to_string().contains("CANARY"));
    }
}

#[test]
fn events_need_a_token_that_never_prints() {
    let events = || app().variable("DOORSTEP__PRELUDE__EVENTS", "on");
    let faults = events().load().expect_err("a fault");
    let found: Vec<_> = faults.faults().iter().map(brief).collect();
    assert_eq!(found, ["missing prelude.events environment variable DOORSTEP__PRELUDE__EVENTS"]);
    let token = "DOORSTEP__PRELUDE__VERIFICATION_TOKEN";
    assert!(events().variable(token, "CANARY").load().is_err(), "too short");
    let settings = events().variable(token, "CANARY-canary-CANARY").load().expect("settings");
    assert!(settings.prelude.verification_token.is_some());
    assert!(!format!("{settings:?}").contains("CANARY"));
    let off = app().variable(token, "CANARY-canary-CANARY").load().expect("settings");
    assert_eq!(off.prelude.events, Events::Off);
    let file = TempFile::new("token", b"CANARY-canary-CANARY\n");
    let path = file.0.display().to_string();
    let app = TempFile::new("token-app.toml", b"prelude.app_id = \"acme\"\nprelude.events = \"on\"");
    let in_file = ("DOORSTEP__PRELUDE__VERIFICATION_TOKEN_FILE", path.as_str());
    let settings = load_file(&app.0, &[in_file]).expect("settings");
    assert!(settings.prelude.verification_token.is_some());
    assert!(load_file(&app.0, &[in_file, (token, "CANARY-canary-CANARY")]).is_err(), "one of the two");
}

#[test]
fn a_secret_stands_in_no_file_and_no_flag() {
    let faults = Given::file("prelude.app_id = \"acme\"\n[keys]\nencryption_key = \"CANARY\"\n")
        .flag("keys.encryption_key", "CANARY", "--key")
        .faults();
    assert_eq!(
        faults,
        ["secret_exposed keys.encryption_key test.toml:3:1", "secret_exposed keys.encryption_key flag --key"]
    );
    // Whatever its type, the advice is the same.
    assert_eq!(
        Given::file("prelude.app_id = \"acme\"\nkeys.encryption_key = 12345678").faults(),
        ["secret_exposed keys.encryption_key test.toml:2:6"]
    );
}

#[test]
fn two_keys_are_one_too_many() {
    let faults = Given::file("prelude.app_id = \"acme\"\nkeys.encryption_key_file = \"/nowhere\"\n")
        .variable(VARIABLE, KEY)
        .load()
        .expect_err("a fault");
    let found: Vec<_> = faults.faults().iter().map(brief).collect();
    assert_eq!(found, [format!("both_given keys.encryption_key environment variable {VARIABLE}")]);
    assert!(faults.to_string().contains("keys.encryption_key_file (test.toml:2:28)"), "{faults}");
}

#[test]
fn no_fault_quotes_a_value() {
    let wrong_in_every_way = [
        "mode = \"CANARY\"",
        "colour = \"CANARY\"",
        "keys.encryption_key = \"CANARY\"",
        "keys.encryptoin_key = \"CANARY\"",
        "store.url = \"postgres://user:CANARY@host/db\"",
        "store.url = \"CANARY\"",
        "prelude.app_id = \"CANARY\"",
        "prelude.session_domain = \"CANARY\"",
        "prelude.key_set_url = \"https://user:CANARY@host/\"",
        "prelude.key_set_url = \"CANARY\"",
        "tokens.ttl = \"CANARY\"",
        "server.bind = \"CANARY\"",
        "keys = \"CANARY\"",
        "keys.encryption_key = CANARY",
        "keys.encryption_key = \"CANARY",
        "keys.encryption_key = 'CANARY'CANARY",
        "keys.encryption_key = \"\"\"CANARY",
        "CANARY",
        "keys.encryption_key = \"\\CANARY\"",
    ];
    for text in wrong_in_every_way {
        let layers = vec![source::built_in(), source::of_text("t", text)];
        check_silent(text, &settings::build(layers).expect_err(text));
    }
    let mut names: Vec<String> = options::all().map(|option| source::variable(option.key())).collect();
    names.extend(["DOORSTEP__KEYS__ENCRYPTION_KYE".to_owned(), "DOORSTEP_KEYS_ENCRYPTION_KEY".to_owned()]);
    let paths = ["DOORSTEP__POLICIES__DIR", "DOORSTEP__PRELUDE__CA_FILE"];
    for name in names.into_iter().filter(|name| !paths.contains(&name.as_str())) {
        let variables = [(name.clone(), "CANARY".to_owned())];
        let layers = vec![source::built_in(), source::environment(variables.into_iter())];
        check_silent(&name, &settings::build(layers).expect_err(&name));
    }
}

fn check_silent(given: &str, faults: &ConfigFaults) {
    let shown = format!("{faults} {faults:?} {}", faults.to_json());
    assert!(!shown.contains("CANARY"), "{given}: {shown}");
}
