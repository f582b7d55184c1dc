//! The image's and the cluster's files: what they say, and what the program makes of it with their environment.
//!
//! No container engine is needed: a `Dockerfile`'s variables and files are laid beside the built binary.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::site::{SHIPPED_POLICIES, Site};

/// Where the image's commands find their settings.
const SETTINGS: &str = "/etc/doorstep/doorstep.toml";

const KEY: &str = "7777777777777777777777777777777777777777777777777777777777777777";

/// A file of the repository.
fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The variables that the image sets, by its instructions `ENV NAME=VALUE …`.
fn image_variables() -> Vec<(String, String)> {
    let joined = shipped("Dockerfile").replace("\\\n", " ");
    let pairs = joined.lines().filter_map(|line| line.strip_prefix("ENV ")).flat_map(str::split_whitespace);
    let split = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    pairs.map(|pair| split(pair).expect("NAME=VALUE")).collect()
}

/// The settings file in the manifest's map: what is indented below its name.
fn cluster_settings() -> String {
    let manifest = shipped("ops/kubernetes/doorstep.yaml");
    let (_, below) = manifest.split_once("  doorstep.toml: |\n").expect("the map has the file");
    let inside = below.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    inside.map(|line| format!("{}\n", line.trim_start())).collect()
}

/// A container's environment around a settings file, which lies where the test may write.
fn container(settings: &str) -> Site {
    let site = image_variables().into_iter().fold(Site::bare(), |site, (name, value)| {
        site.variable(&name, &value.replace(SETTINGS, "doorstep.toml"))
    });
    site.write("doorstep.toml", settings);
    site
}

#[test]
fn the_image_sets_no_option_by_a_variable() {
    let file = shipped("Dockerfile");
    let instructions = file.lines().filter(|line| !line.starts_with('#'));
    for line in instructions.clone() {
        assert!(!line.contains("DOORSTEP__"), "goes over every file that is mounted into the image: {line}");
    }
    assert_eq!(image_variables(), [("DOORSTEP_CONFIG".to_owned(), SETTINGS.to_owned())]);
    let copied = format!("COPY ops/container/doorstep.toml {SETTINGS}");
    assert!(instructions.clone().any(|line| line == copied), "the file that it names comes with it");
    assert!(shipped(".dockerignore").lines().any(|line| line == "!ops/container"), "and enters the context");
}

#[test]
fn the_images_own_settings_are_all_but_the_application_and_the_key() {
    let settings = shipped("ops/container/doorstep.toml")
        .replace("/etc/doorstep/policies", SHIPPED_POLICIES)
        .replace("sqlite:///var/lib/doorstep/", "sqlite://");
    let bare = container(&settings);
    let refused = bare.run(&["serve"]).expect(2).saying(&["error[missing]: prelude.app_id "]);
    assert_eq!(refused.stderr.matches("error[").count(), 1, "{}", refused.stderr);

    let given = bare.set("prelude.app_id", "test").set("keys.encryption_key", KEY);
    let created = given.run(&["api-key", "create", "--name", "backend", "--role", "reader"]).expect(0);
    assert!(!created.stdout.is_empty());
    assert!(given.files().contains(&"doorstep.sqlite".to_owned()), "{:?}", given.files());
}

#[test]
fn the_clusters_settings_are_in_force_in_the_image() {
    let manifest = shipped("ops/kubernetes/doorstep.yaml");
    let mounted = format!("mountPath: {SETTINGS}, subPath: doorstep.toml");
    assert!(manifest.contains(&mounted), "the settings lie where the image looks");
    assert!(!manifest.contains("name: DOORSTEP__"), "a variable would go over them");
    assert!(!manifest.contains("--config"), "commands by kubectl exec have no flag");

    let settings = cluster_settings()
        .replace("/etc/doorstep/policies", SHIPPED_POLICIES)
        .replace("postgres.internal:5432", "127.0.0.1:9")
        .replace("/run/secrets/doorstep/", "");
    let site = container(&settings);
    site.write("store-password", "a-password-of-nobody");
    site.write("encryption-key", KEY);
    let command = ["api-key", "create", "--name", "backend", "--role", "opener", "--role", "minter"];
    let exec = format!("exec deploy/doorstep -- doorstep {}\n", command.join(" "));
    assert!(manifest.contains(&exec), "the head says how to make a key");
    let ended = site.run(&command).expect(1).saying(&["the store does not open", "Connection refused"]);
    assert_eq!(ended.stdout, "");
    let doctor = site.run(&["doctor"]);
    assert!(doctor.stdout.contains("postgres://doorstep@127.0.0.1:9/doorstep does not open"), "{doctor:?}");
    assert_eq!(
        site.files(),
        ["doorstep.toml", "encryption-key", "store-password"],
        "no file is made for the record"
    );
}

#[test]
fn a_flag_goes_over_the_variable_that_names_the_settings() {
    let site = Site::bare().variable("DOORSTEP_CONFIG", "nowhere.toml");
    site.run(&["policy", "check"]).expect(2).saying(&["error[file_unreadable]", "nowhere.toml"]);
    site.write("other.toml", "[prelude]\napp_id = \"test\"\n[policies]\ndir = \"of-the-flag\"\n");
    site.run(&["policy", "check", "--config", "other.toml"]).expect(3).saying(&["of-the-flag"]);
    site.run(&["--config", "other.toml", "policy", "check"]).expect(3).saying(&["of-the-flag"]);
    Site::bare()
        .variable("DOORSTEP_CONFIG", "")
        .run(&["policy", "check"])
        .expect(2)
        .saying(&["--config <FILE>"]);
}

/// What the head of `compose.yaml` tells to type before the first command of Docker's.
fn commands_before_docker() -> String {
    let file = shipped("compose.yaml");
    let typed = file.lines().filter_map(|line| line.strip_prefix("#   "));
    typed.take_while(|line| !line.starts_with("docker ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_secrets_of_compose_are_for_its_servers_alone() {
    let site = Site::bare().variable("PATH", "bin:/usr/bin:/bin");
    site.write("bin/sudo", "#!/bin/sh\necho \"$*\" >>told\n");
    std::fs::set_permissions(site.path("bin/sudo"), std::fs::Permissions::from_mode(0o755)).expect("set");
    let typed = format!("set -e\n{}", commands_before_docker());
    assert_eq!(site.run_in_shell(&typed).expect(0).stderr, "");

    let user = "10001:10001";
    assert!(shipped("compose.yaml").contains(&format!("\n  user: \"{user}\"\n")), "the servers' user");
    let told = std::fs::read_to_string(site.path("told")).expect("sudo was asked");
    assert_eq!(told, format!("chown {user} secrets/encryption-key secrets/store-password\n"));
    for name in ["secrets/encryption-key", "secrets/store-password"] {
        let mode = std::fs::metadata(site.path(name)).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let made = std::fs::read(site.path("secrets/encryption-key")).expect("made");
    site.run_in_shell(&typed).saying(&["exist"]);
    assert_eq!(
        std::fs::read(site.path("secrets/encryption-key")).expect("there"),
        made,
        "a key is never lost"
    );

    let settings = site.set("prelude.app_id", "test").set("policies.dir", SHIPPED_POLICIES);
    let settings = settings.set("keys.encryption_key_file", "secrets/encryption-key");
    settings.run(&["api-key", "create", "--name", "backend", "--role", "reader"]).expect(0);
}

/// What the internet must reach, and nothing else.
const PUBLIC: [&str; 4] = ["/hooks/stepup", "/hooks/events", "/v1/callbacks/", "/.well-known/jwks.json"];

/// What a page shows between a fence of that language and the fence's end.
fn fenced(page: &str, language: &str) -> String {
    let text = shipped(page);
    let (_, after) = text.split_once(&format!("\n```{language}\n")).expect("the page has it");
    after.split_once("\n```\n").expect("it ends").0.to_owned()
}

#[test]
fn proxies_pass_on_what_is_public_and_give_up_connections_first() {
    let caddy = [shipped("ops/compose/Caddyfile"), fenced("docs/OPERATIONS.md", "caddyfile")];
    for file in &caddy {
        assert!(file.contains("\t\t\t\tkeepalive 4s\n"), "the server closes what is idle for 5 s:\n{file}");
        assert!(
            file.ends_with("\thandle {\n\t\trespond 404\n\t}\n}\n") || file.ends_with("404\n\t}\n}"),
            "{file}"
        );
        assert_eq!(file.matches("reverse_proxy").count(), 1, "{file}");
        let matched = file.lines().find_map(|line| line.strip_prefix("\t@public path ")).expect("a matcher");
        let paths: Vec<_> = matched.split(' ').map(|path| path.trim_end_matches('*')).collect();
        assert_eq!(paths, PUBLIC);
    }
    let nginx = fenced("docs/OPERATIONS.md", "nginx");
    assert!(nginx.contains("keepalive_timeout 4s;"), "{nginx}");
    let locations = nginx.lines().filter_map(|line| line.trim_start().strip_prefix("location "));
    let (passed, refused): (Vec<_>, Vec<_>) = locations.partition(|line| line.contains("proxy_pass"));
    let path = |line: &str| line.trim_start_matches("= ").split(' ').next().unwrap_or_default().to_owned();
    assert_eq!(passed.into_iter().map(path).collect::<Vec<_>>(), PUBLIC);
    assert!(
        matches!(refused.as_slice(), [rest] if rest.starts_with("/ ") && rest.contains("404")),
        "{nginx}"
    );
}

#[test]
fn the_proxies_that_are_shipped_with_are_trusted() {
    let compose = shipped("compose.yaml");
    let trusted = compose.split_once("DOORSTEP__SERVER__TRUSTED_PROXIES: ").expect("somebody is trusted").1;
    let address: std::net::Ipv4Addr =
        trusted.lines().next().unwrap_or_default().parse().expect("one address");
    assert!(compose.contains(&format!("inside: {{ ipv4_address: {address} }}")), "it is Caddy's");
    let subnet = format!("subnet: {}.0/24", address.to_string().rsplit_once('.').expect("an address").0);
    assert!(compose.contains(&subnet), "which lies in the network");
    assert!(
        cluster_settings().lines().any(|line| line.starts_with("trusted_proxies = ")),
        "the ingress is one"
    );
}

/// The manifest's objects of one kind.
fn objects(kind: &str) -> Vec<String> {
    let manifest = shipped("ops/kubernetes/doorstep.yaml");
    let of_kind = |object: &&str| object.lines().any(|line| line == format!("kind: {kind}"));
    manifest.split("\n---\n").filter(of_kind).map(str::to_owned).collect()
}

#[test]
fn the_cluster_has_a_port_for_the_internet_and_one_for_the_backend() {
    let settings = cluster_settings();
    let pod = &objects("Deployment")[0];
    for (option, name, port) in [("bind", "public", "8080"), ("private_bind", "private", "8081")] {
        assert!(settings.contains(&format!("\n{option} = \"0.0.0.0:{port}\"")), "{settings}");
        let declared = format!("- name: {name}\n              containerPort: {port}\n");
        assert!(pod.contains(&declared), "{pod}");
    }
    assert_eq!(pod.matches("httpGet: { path: /").count(), 3);
    assert_eq!(pod.matches(", port: private }").count(), 3, "probes ask where /healthz and /readyz are");

    let [ingress] = &objects("Ingress")[..] else { panic!("one way in") };
    assert!(ingress.contains("ingressClassName: ") && ingress.contains("name: public"), "{ingress}");
    assert!(!ingress.contains("private"), "{ingress}");

    let [policy] = &objects("NetworkPolicy")[..] else { panic!("one policy") };
    let rules: Vec<_> = policy.split("    - from:\n").skip(1).collect();
    let [public, private] = &rules[..] else { panic!("a rule for each port:\n{policy}") };
    assert!(public.ends_with("      ports:\n        - port: public\n"), "{public}");
    assert_eq!(public.matches("namespaceSelector").count(), 1, "the ingress alone: {public}");
    assert!(private.contains(": backend ") && private.contains("- port: private"), "{private}");
    assert!(!private.contains("ingress"), "{private}");
}

#[test]
fn what_is_released_is_what_can_be_built_again() {
    for name in ["Dockerfile", "scripts/package", "scripts/reproduce"] {
        let script = shipped(name);
        assert!(!script.contains("cargo build"), "{name} has flags of its own");
        assert!(script.contains("scripts/release"), "{name}");
    }
    assert!(shipped(".dockerignore").lines().any(|line| line == "!scripts/release"), "it enters the context");
}
