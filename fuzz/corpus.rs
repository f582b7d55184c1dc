//! Where fuzzing begins.

use std::path::Path;

/// Lays what a target begins with into the folder that `DOORSTEP_FUZZ_CORPUS` names, before that is read.
pub fn begin(seeds: Vec<Vec<u8>>) {
    let Ok(folder) = std::env::var("DOORSTEP_FUZZ_CORPUS") else { return };
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("seed-{number}")), seed)
            .expect("the corpus takes a seed");
    }
}
