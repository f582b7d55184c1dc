//! `doorstep demo` needs nothing, shows the five scenes and leaves nothing behind.

use crate::site::Site;

#[test]
fn the_demo_tells_its_five_scenes_and_cleans_up() {
    // What somebody set for a server does not concern the demo.
    let site = Site::bare().set("server.bnid", "nonsense").set("mode", "production");
    let ended = site.run(&["demo"]).expect(0);
    let scenes = [
        "\n1. A small transfer",
        "< 200 {\"status\":\"continue\",\"granted_for\":300,\"grant_mode\":\"single-use\"}",
        "\n2. A large transfer",
        "< 200 {\"status\":\"review\",\"granted_for\":300,\"grant_mode\":\"single-use\",\"steps\":[\
         {\"order\":1,\"key\":\"verify_sms\",\"expiration_duration\":600},\
         {\"order\":2,\"key\":\"kyc_review\",\"expiration_duration\":86400}]}",
        "> POST /v1/verification-tokens",
        "< 201 ",
        "the scope is granted.",
        "(token_reused)",
        "\n3. The same user from a blocked network",
        "< 200 {\"status\":\"block\"}",
        "\n4. Somebody changes the amount",
        "< 401 ",
        "\"code\":\"unverified_call\"",
        "\n5. The first call once more",
        "< 200 {\"status\":\"continue\"",
        "Every answer and token was as Prelude's contract says.\n",
    ];
    let mut rest = ended.stdout.as_str();
    for scene in scenes {
        let at = rest.find(scene).unwrap_or_else(|| panic!("\"{scene}\" is missing in:\n{}", ended.stdout));
        rest = &rest[at + scene.len()..];
    }
    assert_eq!(ended.stderr, "");
    assert_eq!(site.files(), [""; 0], "nothing is left behind");
}

#[test]
fn a_demo_that_cannot_be_set_up_says_why() {
    let site = Site::bare();
    let ended = site.run_in_shell("TMPDIR=/nowhere exec \"$0\" demo").expect(1);
    ended.saying(&["the demo could not be set up", "No such file or directory"]);
}

#[test]
fn a_demo_in_a_browser_says_what_it_needs() {
    let site = Site::bare();
    let ended = site.run_in_shell("PATH=/nowhere exec \"$0\" demo --web").expect(1);
    ended.saying(&["`npm` is not there", "Node.js 20.19 or newer and npm", "doorstep demo"]);
    assert_eq!(site.files(), [""; 0], "nothing is left behind");
}
