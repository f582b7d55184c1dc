//! Where something stands in a JSON document.

use std::fmt;

/// The longest pointer, in bytes.
const POINTER_BYTES_MAX: usize = 256;

/// A JSON pointer to something inside a document, such as `/data/attributes/name` (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pointer(Box<str>);

impl Pointer {
    /// Checks a pointer: a slash before each part, `~0` for `~` and `~1` for `/` within one, at most 256 bytes.
    ///
    /// `None` for anything else, and for the empty pointer: a whole document is never a value.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let sound = text.starts_with('/')
            && text.len() <= POINTER_BYTES_MAX
            && !text.contains(char::is_control)
            && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        sound.then(|| Self(text.into()))
    }

    /// The pointer as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_into_a_document() {
        for good in ["/a", "/", "/a/0/b-c", "/a~1b/~0", "/é"] {
            assert_eq!(Pointer::new(good).map(|p| p.to_string()).as_deref(), Some(good));
        }
        for bad in ["", "a", "a/b", "/~", "/~2", "/a~", "/a\nb", &format!("/{}", "a".repeat(256))] {
            assert_eq!(Pointer::new(bad), None, "{bad}");
        }
    }
}
