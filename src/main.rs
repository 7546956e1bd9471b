//! The program: calls the library and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowtop::run(std::env::args_os())
}
