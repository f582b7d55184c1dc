//! What kind of device a user agent says it is: a hint, which anybody can forge.

/// A family of user agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    /// A program that says it is one: a crawler, a script, a library.
    Bot,
    /// Android.
    Android,
    /// iPhone, iPad or iPod, in a browser or an app.
    Ios,
    /// Windows.
    Windows,
    /// A Mac.
    Macos,
    /// ChromeOS.
    Chromeos,
    /// Another Linux.
    Linux,
    /// Anything else, and nothing.
    Other,
}

/// Words of which one, in small letters, makes a family; the first family with a word in the text is it. The order matters:
/// bots name the device that they pretend to be, Android says Linux, iOS says "like Mac OS X", and ChromeOS says Linux.
const WORDS: [(Family, &[&str]); 7] = [
    (
        Family::Bot,
        &[
            "bot",
            "crawl",
            "spider",
            "slurp",
            "headless",
            "phantomjs",
            "selenium",
            "curl/",
            "wget/",
            "python",
            "go-http-client",
            "java/",
            "libwww",
            "node-fetch",
            "axios/",
            "postman",
            "http-client",
            "httpclient",
        ],
    ),
    // What an app sends is its HTTP library's word: OkHttp is Android's, CFNetwork and Darwin are Apple's.
    (Family::Android, &["android", "okhttp/", "dalvik/"]),
    (Family::Ios, &["iphone", "ipad", "ipod", "ios/", "cfnetwork/"]),
    (Family::Windows, &["windows"]),
    (Family::Macos, &["macintosh", "mac os x", "macos"]),
    (Family::Chromeos, &["cros "]),
    (Family::Linux, &["linux", "x11"]),
];

impl Family {
    /// Every family, in the order in which they are tried.
    pub(crate) const ALL: [Self; 8] = [
        Self::Bot,
        Self::Android,
        Self::Ios,
        Self::Windows,
        Self::Macos,
        Self::Chromeos,
        Self::Linux,
        Self::Other,
    ];

    /// The word for it in policy files.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Windows => "windows",
            Self::Macos => "macos",
            Self::Chromeos => "chromeos",
            Self::Linux => "linux",
            Self::Other => "other",
        }
    }

    /// The family that a user agent says it is of.
    pub(crate) fn of(user_agent: &str) -> Self {
        let has = |word: &&str| {
            user_agent.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        };
        let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| has(&word)));
        found.map_or(Self::Other, |(family, _)| *family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENTS: &[(&str, Family)] = &[
        ("", Family::Other),
        ("Mozilla/5.0", Family::Other),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            Family::Windows,
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
            Family::Macos,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            Family::Ios,
        ),
        ("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", Family::Ios),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
            Family::Android,
        ),
        ("Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", Family::Android),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", Family::Linux),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            Family::Chromeos,
        ),
        (
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Family::Bot,
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
            Family::Bot,
        ),
        ("curl/8.10.1", Family::Bot),
        ("python-requests/2.32.3", Family::Bot),
        ("Go-http-client/2.0", Family::Bot),
        ("okhttp/4.12.0", Family::Android),
        ("Bank/1.4.2 CFNetwork/1568.200.51 Darwin/24.1.0", Family::Ios),
        ("WINDOWS", Family::Windows),
        ("\u{1f600} linux \u{1f600}", Family::Linux),
    ];

    #[test]
    fn user_agents_are_of_the_family_that_they_say() {
        for (agent, expected) in AGENTS {
            assert_eq!(Family::of(agent), *expected, "{agent}");
        }
    }

    #[test]
    fn every_family_is_met_and_has_a_name_of_its_own() {
        for family in Family::ALL {
            assert!(AGENTS.iter().any(|(_, met)| *met == family), "{family:?}");
            let named = Family::ALL.iter().filter(|other| other.as_str() == family.as_str());
            assert_eq!(named.count(), 1, "{family:?}");
        }
    }
}
