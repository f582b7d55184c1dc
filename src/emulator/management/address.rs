//! Addresses of the customer's that Prelude is to call.

use super::Fault;

/// The longest address, in bytes; not documented.
const ADDRESS_BYTES_MAX: usize = 2048;

/// Which addresses are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct AddressRule {
    /// Whether plain http to this machine is taken beside https; Prelude takes https only.
    pub(super) plain_http: bool,
}

impl AddressRule {
    /// Checks an address: absolute, https, without user, password and fragment.
    ///
    /// # Errors
    /// `bad_request`, naming the field.
    pub(super) fn check(self, name: &str, address: &str) -> Result<(), Fault> {
        let refused = |rule: &str| Err(Fault::bad_request(format!("{name} {rule}")));
        if address.len() > ADDRESS_BYTES_MAX {
            return refused("is too long");
        }
        let Ok(url) = url::Url::parse(address) else { return refused("is not an absolute address") };
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_plain = self.plain_http && url.scheme() == "http" && is_here;
        if url.scheme() != "https" && !is_plain {
            return refused("is not an https address");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("has a user or a password in it");
        }
        if url.fragment().is_some() {
            return refused("has a fragment");
        }
        Ok(())
    }
}
