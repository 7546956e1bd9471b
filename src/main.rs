//! Parses, calls, prints what went wrong, and chooses the exit code.

fn main() {}
