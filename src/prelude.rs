//! All that Prelude says or hears; the only room that knows Prelude's JSON.
