//! How Prelude's side is configured from here.

use secrecy::SecretString;

use super::place::HttpUrl;
use crate::config::shape::Wrong;

const KEY_CHARS_MIN: usize = 8;
const KEY_CHARS_MAX: usize = 512;

/// The key of Prelude's management API. It never prints.
#[derive(Debug, Clone)]
pub(crate) struct ManagementKey(SecretString);

impl ManagementKey {
    /// Takes 8 to 512 visible ASCII characters: it goes into a header.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let sound = (KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        let wrong = || {
            Wrong::impossible(
                "is no key of 8 to 512 visible ASCII characters",
                "copy it whole from Prelude's dashboard",
            )
        };
        sound.then(|| Self(SecretString::from(text))).ok_or_else(wrong)
    }

    /// The key, for whoever sends it.
    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

/// How scopes are delegated at Prelude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigShape {
    /// An entry a scope: the newer one.
    PerScope,
    /// One hook for all scopes: the older one.
    OneHook,
}

/// Reads an address that paths are put behind.
pub(in crate::config) fn base_url(text: &str) -> Result<HttpUrl, Wrong> {
    let url = HttpUrl::parse(text)?;
    if url.as_str().contains('?') {
        return Err(Wrong::impossible("has a query", "write such as \"https://doorstep.acme.example\""));
    }
    Ok(url)
}
