//! The program `tubeatlas`; all of it is in the library.

fn main() -> std::process::ExitCode {
    tubeatlas::cli::main()
}
