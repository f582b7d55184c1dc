//! `doorstep completions` and `doorstep man`: what packages install beside the program, made from the same arguments.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::arguments::Arguments;
use super::{Exit, output};

/// Prints what completes the commands in a shell.
pub(super) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "doorstep", &mut script);
    say(&script)
}

/// Prints the page of the whole program, or writes one for each command into a directory, which is made where it is missing.
pub(super) fn pages(directory: Option<&Path>) -> Exit {
    let program = Arguments::command();
    let written = match directory {
        None => page(program).map(|page| say(&page)),
        Some(directory) => write(directory, program).map(|()| Exit::Fine),
    };
    written.unwrap_or_else(|error| {
        output::complain(&format!("The manual cannot be written: {error}."));
        Exit::Failed
    })
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

fn write(directory: &Path, mut program: Command) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    // Each page names its command by all its words, as it is typed.
    program.build();
    write_below(directory, program)
}

fn write_below(directory: &Path, command: Command) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        write_below(directory, below.clone())?;
    }
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    std::fs::write(directory.join(format!("{name}.1")), page(command)?)
}

fn say(text: &[u8]) -> Exit {
    output::say(String::from_utf8_lossy(text).trim_end());
    Exit::Fine
}
