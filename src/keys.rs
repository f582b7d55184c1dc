//! Our signing keys: the ring, how they are sealed at rest, and the key set that Prelude reads.
